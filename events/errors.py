"""Refusals about events, and what every refusal has."""

from typing import Any, ClassVar


class Refusal(Exception):
    """Something that cannot be done, for a reason the person can be told.

    `code` ends the problem's `type` (RFC 9457), `detail` says more in English, `facts` are values that a page
    puts into its own words.
    """

    status: ClassVar[int] = 409
    code: ClassVar[str] = "conflict"
    title: ClassVar[str] = "This cannot be done as things stand"

    def __init__(self, detail: str = "", **facts: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.facts = facts


class EventUnknown(Refusal):
    status = 404
    code = "not-found"
    title = "There is no such event"


class Conflict(Refusal):
    pass


class ModeRefused(Refusal):
    code = "mode-refused"
    title = "The event cannot change its mode like this"


class EventCancelled(Refusal):
    code = "event-cancelled"
    title = "The event is cancelled"


class TooManyRequests(Refusal):
    """`retry_after` is in seconds."""

    status = 429
    code = "too-many-requests"
    title = "Too many requests; try again later"


class FormInvalid(Refusal):
    """What was typed in cannot be used; `errors` are pairs of field and code, in the order of the form."""

    status = 422
    code = "invalid"
    title = "Some of the values cannot be used"

    def __init__(self, errors: list[tuple[str, str]], detail: str = "") -> None:
        super().__init__(detail, errors=errors)
        self.errors = errors
