"""Refusals of the application itself."""

from collections.abc import Sequence

from events.errors import Refusal
from events.forms import Flaw


class Unauthorised(Refusal):
    status = 401
    code = "unauthorised"
    title = "This needs a token of an organiser"


class Forbidden(Refusal):
    status = 403
    code = "forbidden"
    title = "Your role does not allow this"


class BodyInvalid(Refusal):
    """What was sent to the API cannot be used; `flaws` are by path."""

    status = 422
    code = "invalid"
    title = "Some of the values cannot be used"

    def __init__(self, flaws: Sequence[Flaw]) -> None:
        super().__init__("\n".join(": ".join(filter(None, flaw)) for flaw in flaws))
        self.flaws = flaws
