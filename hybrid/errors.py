"""Refusals about an event's mode."""

from enum import StrEnum

from events.errors import ModeRefused, Refusal


class Hindrance(StrEnum):
    """Why an event cannot move as things stand; templates make words of it."""

    OVER = "over"
    NO_SERVERS = "no_servers"
    NO_ROOMS = "no_rooms"
    NO_VENUE = "no_venue"


DETAILS = {
    Hindrance.OVER: "The event is over.",
    Hindrance.NO_SERVERS: "No meeting server is set (JITSI_URLS), and the event has no [meeting] url.",
    Hindrance.NO_ROOMS: "No meeting server is set (JITSI_URLS), and the working groups need rooms.",
    Hindrance.NO_VENUE: "The event is digital by itself and has no venue.",
}


class SwitchRefused(ModeRefused):
    """`facts` hold the `hindrance`."""

    def __init__(self, hindrance: Hindrance) -> None:
        super().__init__(DETAILS[hindrance], hindrance=hindrance)


class ReportsUnusable(Refusal):
    """Recorded reports that serve no rule of the event."""

    status = 422
    code = "invalid"
    title = "These reports serve no rule of the event"
