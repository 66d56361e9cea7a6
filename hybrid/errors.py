"""Refusals about an event's mode."""

from events.errors import Refusal


class ReportsUnusable(Refusal):
    """Recorded reports that serve no rule of the event."""

    status = 422
    code = "invalid"
    title = "These reports serve no rule of the event"
