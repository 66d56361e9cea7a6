"""Refusals of the application itself."""

from events.errors import Refusal


class Unauthorised(Refusal):
    status = 401
    code = "unauthorised"
    title = "This needs a token of an organiser"


class Forbidden(Refusal):
    status = 403
    code = "forbidden"
    title = "Your role does not allow this"
