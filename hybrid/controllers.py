"""The page behind a join link. GET changes nothing; the room's address and its token are made at the click."""

import hashlib
import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.response import Redirect, Template

from events.controllers import Now, Text, see_other
from events.details import EventDetails
from events.queries import details_of, event_by_id, organisers_of
from events.rules import Attendance
from hybrid.joining import Person, Sight, Stage, rooms_ahead, sight
from hybrid.meeting_servers import MeetingServers
from hybrid.meetings import address, guest, origin_of, token
from hybrid.room_names import room_name
from hybrid.rooms import PLENARY, Key, room_named, rooms_of
from hybrid.server_config import DialIn
from registration.controllers import NO_INDEX, Signer, Token, opened, own_page
from registration.links import Links
from registration.queries import groups_held
from registration.rules import RegistrationStatus
from registration.tables import Registration

AnyRequest = Request[Any, Any, Any]
Servers = NamedDependency[SkipValidation[MeetingServers]]
"""The meeting servers of the installation."""

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+")
_SPREAD = 5
"""Seconds over which those who wait for the same moment come back."""


@dataclass(frozen=True)
class Joining:
    """What a join link opens, as it stands now."""

    registration: Registration
    event: EventDetails
    sight: Sight
    person: Person


class JoinPages(Controller):
    path = "/join/{token:str}"
    include_in_schema = False
    response_headers = NO_INDEX

    @get("/", name="join")
    async def join(
        self, request: AnyRequest, token: Token, links: Signer, now: Now, meeting_servers: Servers
    ) -> Template:
        found = await _joining(request, links, token, now)
        allow_forms_to(request, found.event, meeting_servers)
        page = await own_page(
            "pages/join.html",
            token,
            found.registration,
            links,
            now,
            sight=found.sight,
            stage=found.sight.stage.value,
            ahead=rooms_ahead(found.event, found.person, now),
            has_room=has_room(found.event, found.sight.room, meeting_servers),
            can_test=found.sight.can_test and bool(meeting_servers.servers),
            shows_name=any(server.keys for server in meeting_servers.servers),
            dial_in=await _dial_in(found, meeting_servers),
        )
        if (changes_at := found.sight.changes_at) is not None:
            spread = found.registration.id.int % _SPREAD
            page.set_header("Refresh", str(math.ceil((changes_at - now).total_seconds()) + 1 + spread))
        return page

    # The link itself is the secret, so that a phone without cookies gets in.
    @post("/", status_code=200, exclude_from_csrf=True)
    async def enter(
        self, request: AnyRequest, token: Token, links: Signer, now: Now, text: Text, meeting_servers: Servers
    ) -> Redirect:
        found = await _joining(request, links, token, now)
        if not found.sight.may_enter:
            return see_other(request, f"/join/{token}")
        moderates = found.sight.moderates or await _organises(found)
        who = guest("registration", found.registration.id, found.registration.name, is_moderator=moderates)
        target = await meeting_address(
            request, found.event, found.sight.room, who, now, text, meeting_servers
        )
        return Redirect(target, status_code=303) if target else see_other(request, f"/join/{token}")

    @post("/test", status_code=200, exclude_from_csrf=True)
    async def test(
        self, request: AnyRequest, token: Token, links: Signer, now: Now, meeting_servers: Servers
    ) -> Redirect:
        found = await _joining(request, links, token, now)
        server = await meeting_servers.chosen() if found.sight.can_test else None
        if server is None:
            return see_other(request, f"/join/{token}")
        person = found.registration
        who = guest("registration", person.id, person.name)
        name = room_name("test", hashlib.sha256(f"{person.id}{person.join_nonce}".encode()).digest())
        return Redirect(
            address(
                server,
                name,
                token=_token(server, name, who, now, now),
                subject=who.name,
                language=jitsi_language(request),
            ),
            status_code=303,
        )


_token = token
"""By another name, since the links have tokens too."""


async def meeting_address(
    request: AnyRequest,
    event: EventDetails,
    key: Key,
    who: Any,
    now: datetime,
    text: Any,
    servers: MeetingServers,
) -> str | None:
    """Where the guest enters a room of the event; `None` where there is no server for it."""
    if key is PLENARY and event.meeting_url:
        return event.meeting_url
    server = await servers.chosen()
    if server is None:
        return event.meeting_url
    name = await room_named(event, key, now)
    titles = {group.key: group.title for group in event.groups}
    subject = text(titles[key[1]]) if key else text(event.title)
    return address(
        server,
        name,
        token=_token(server, name, who, now, event.ends_at),
        subject=subject,
        language=jitsi_language(request),
        is_muted=key is PLENARY and not who.is_moderator,
    )


def has_room(event: EventDetails, key: Key, servers: MeetingServers) -> bool:
    """Whether `meeting_address` would have one."""
    return bool(servers.servers) or bool(event.meeting_url)


def allow_forms_to(request: AnyRequest, event: EventDetails, servers: MeetingServers) -> None:
    """Lets the forms of this page lead to the meeting servers; a browser forbids that without being told."""
    urls = [server.url for server in servers.servers] + ([event.meeting_url] if event.meeting_url else [])
    origins = dict.fromkeys(map(origin_of, urls))
    request.scope["state"]["form_targets"] = [origin for origin in origins if _ORIGIN.fullmatch(origin)]


def jitsi_language(request: AnyRequest) -> str:
    """The language of the page as Jitsi calls it."""
    return str(request.scope["state"]["language"].locale.language)


def moderated_by(event: EventDetails, email: str | None) -> frozenset[str]:
    """The groups of which an address is a moderator's."""
    own = (email or "").casefold()
    return frozenset(
        group.key for group in event.groups if own and own in map(str.casefold, group.moderators)
    )


async def _joining(request: AnyRequest, links: Links, token: str, now: datetime) -> Joining:
    """Raises LinkInvalid."""
    registration = await opened(request, links, "join", token)
    event = await details_of(await event_by_id(registration.event))
    person = Person(
        RegistrationStatus(registration.status),
        Attendance(registration.attendance),
        (await groups_held([registration.id])).get(registration.id, {}),
        moderated_by(event, registration.address),
    )
    return Joining(registration, event, sight(event, person, now), person)


async def _organises(found: Joining) -> bool:
    own = (found.registration.address or "").casefold()
    return bool(own) and own in {one.email.casefold() for one in await organisers_of(found.event.id)}


async def _dial_in(found: Joining, servers: MeetingServers) -> DialIn | None:
    """Number and PIN of the room to which the link leads, once that has its name."""
    if found.sight.stage not in (Stage.WAITING, Stage.OPEN) or not servers.servers:
        return None
    key = found.sight.room
    if key is PLENARY and found.event.meeting_url:
        return None
    room = (await rooms_of(found.event.id)).get(key)
    return await servers.dial_in(room.name) if room else None
