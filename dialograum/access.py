"""Who may do what. Guards stand at every route that is not public; events come to controllers only through here."""

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler

from dialograum.errors import Forbidden, Unauthorised
from dialograum.signin import Caller, caller_by_session, caller_by_token
from events.controllers import Slug
from events.details import EventDetails
from events.errors import EventUnknown
from events.queries import details
from events.rules import EventStatus, Role
from events.tables import Membership
from registration.queries import registration_by_id

AnyConnection = ASGIConnection[Any, Any, Any, Any]
COOKIE = "dialograum_session"

Calling = NamedDependency[Caller]
Managed = NamedDependency[EventDetails]


async def caller_of(connection: AnyConnection) -> Caller | None:
    """Who calls: by token below `/api/`, by the session's cookie elsewhere. Raises Unauthorised for a bad token."""
    state = connection.scope["state"]
    if "caller" not in state:
        now = state["now"]
        if connection.scope["path"].startswith("/api/"):
            kind, _, token = connection.headers.get("Authorization", "").partition(" ")
            state["caller"] = await caller_by_token(token.strip(), now) if kind.lower() == "bearer" else None
            if kind and state["caller"] is None:
                raise Unauthorised()
        else:
            cookie = connection.cookies.get(COOKIE)
            state["caller"] = await caller_by_session(cookie, now) if cookie else None
    caller: Caller | None = state["caller"]
    return caller


async def signed_in(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: somebody who may read."""
    if await caller_of(connection) is None:
        raise Unauthorised()


async def may_write(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: an organiser or admin, with a token that writes."""
    caller = await caller_of(connection)
    if caller is None:
        raise Unauthorised()
    if not caller.may_write or caller.organiser.role == Role.HELPER:
        raise Forbidden()


async def no_helper(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: somebody who may see addresses."""
    caller = await caller_of(connection)
    if caller is None:
        raise Unauthorised()
    if caller.organiser.role == Role.HELPER:
        raise Forbidden()


async def provide_caller(request: Request[Any, Any, Any]) -> Caller:
    """Dependency of guarded routes. Raises Unauthorised."""
    caller = await caller_of(request)
    if caller is None:
        raise Unauthorised()
    return caller


async def managed_event(slug: Slug, caller: Calling) -> EventDetails:
    """Dependency: the event, if the caller may manage or see it. Raises EventUnknown, Forbidden.

    Of others' drafts nothing is told, not even that they exist.
    """
    event = await details(slug)
    if not await _may_see(caller, event.id):
        if event.status is EventStatus.DRAFT:
            raise EventUnknown(slug=slug)
        raise Forbidden()
    return event


async def managed_registration(registration_id: Any, caller: Caller) -> Any:
    """The registration, if its event is the caller's. Raises RegistrationUnknown, Forbidden."""
    registration = await registration_by_id(registration_id)
    if not await _may_see(caller, registration.event):
        raise Forbidden()
    return registration


async def _may_see(caller: Caller, event_id: int) -> bool:
    if caller.organiser.role == Role.ADMIN:
        return True
    return await Membership.exists().where(
        (Membership.event == event_id) & (Membership.organiser == caller.organiser.id)
    )
