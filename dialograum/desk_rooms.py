"""Desk page of the meeting rooms: which there are, how the servers are, and a way in for who moderates."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Controller, Request, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from dialograum.access import Calling, Managed, may_write, signed_in
from dialograum.desk import PRIVATE, frame_of
from dialograum.signin import Caller
from events.controllers import Now, Text, see_other
from events.details import EventDetails, GroupDetails, SessionDetails
from events.rules import EventStatus
from hybrid.controllers import Servers, allow_forms_to, meeting_address
from hybrid.joining import COMES_BACK
from hybrid.meeting_servers import MeetingServers
from hybrid.meetings import guest
from hybrid.rooms import PLENARY, Key, crowds, expected

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True)
class RoomShown:
    """A room as the desk lists it. `path` is what follows `/rooms` in the address of its button."""

    path: str
    people: int
    session: SessionDetails | None = None
    group: GroupDetails | None = None


class RoomPages(Controller):
    path = "/organise/events/{slug:str}/rooms"
    guards = (signed_in,)
    include_in_schema = False
    response_headers = PRIVATE

    @get("/", name="rooms")
    async def rooms(
        self, managed: Managed, request: AnyRequest, caller: Calling, now: Now, meeting_servers: Servers
    ) -> Template:
        allow_forms_to(request, managed, meeting_servers)
        context = {
            **await frame_of(managed, caller, now, "rooms"),
            **await rooms_context(managed, meeting_servers, now),
        }
        return Template("desk/rooms.html", context=context)

    @post("/plenary", guards=[may_write], status_code=200)
    async def plenary(
        self,
        managed: Managed,
        request: AnyRequest,
        caller: Calling,
        now: Now,
        text: Text,
        meeting_servers: Servers,
    ) -> Redirect:
        return await _enter(managed, PLENARY, request, caller, now, text, meeting_servers)

    @post("/{session:str}/{group:str}", guards=[may_write], status_code=200)
    async def group(
        self,
        managed: Managed,
        session: FromPath[str],
        group: FromPath[str],
        request: AnyRequest,
        caller: Calling,
        now: Now,
        text: Text,
        meeting_servers: Servers,
    ) -> Redirect:
        return await _enter(managed, (session, group), request, caller, now, text, meeting_servers)


async def rooms_context(event: EventDetails, servers: MeetingServers, now: datetime) -> dict[str, Any]:
    """What `macros/rooms.html` shows. The page that shows it also needs `hybrid.controllers.allow_forms_to`."""
    people = expected(event)
    shown = [RoomShown("/plenary", people[PLENARY])] + [
        RoomShown(f"/{session.key}/{group.key}", people[session.key, group.key], session, group)
        for session in event.group_sessions
        for group in event.groups_in(session.key)
    ]
    return {
        "meeting_rooms": shown,
        "meeting_health": await servers.health(),
        "meeting_crowds": crowds(event),
        "rooms_are_open": _are_open(event, now),
    }


async def _enter(
    event: EventDetails,
    key: Key,
    request: AnyRequest,
    caller: Caller,
    now: datetime,
    text: Any,
    servers: MeetingServers,
) -> Redirect:
    organiser = caller.organiser
    target = None
    if _are_open(event, now) and key in expected(event):
        who = guest("organiser", organiser.id, organiser.name or organiser.email, is_moderator=True)
        target = await meeting_address(request, event, key, who, now, text, servers)
    if target is None:
        return see_other(request, f"/organise/events/{event.slug}/rooms")
    return Redirect(target, status_code=303)


def _are_open(event: EventDetails, now: datetime) -> bool:
    return event.status is EventStatus.PUBLISHED and now < event.ends_at + COMES_BACK
