"""The organisers' pages below `/organise`."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect, Stream, Template

from dialograum import publishing, signin
from dialograum.access import COOKIE, Calling, Managed, managed_registration, may_write, no_helper, signed_in
from dialograum.api import csv_download
from dialograum.settings import Settings
from dialograum.signin import Caller
from events.controllers import BaseUrl, Calendars, ModeOf, Now, Text, TownName, event_context, see_other
from events.details import EventDetails
from events.queries import activities_of, all_events, events_of
from events.rules import EventStatus, Role
from registration import actions
from registration.attendees import AttendeeFilter, attendee, attendees
from registration.locking import locked_sessions
from registration.queries import counts_by_status
from registration.reminding import schedule_of
from registration.rules import ACTIVE, RegistrationStatus
from registration.undeliverable import undeliverable

AnyRequest = Request[Any, Any, Any]
PAGE = 50
REASON_LENGTH = 2000
PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


class SignInPages(Controller):
    path = "/organise"
    include_in_schema = False
    response_headers = PRIVATE

    @get("/sign-in", name="sign-in")
    async def form(self, next_: Annotated[str, QueryParameter(name="next")] = "/organise") -> Template:
        return Template("desk/sign_in.html", context={"error": None, "email": "", "next": _own_path(next_)})

    @post("/sign-in", status_code=200)
    async def sign_in(
        self, request: AnyRequest, now: Now, settings: NamedDependency[Settings]
    ) -> Response[Any]:
        form = await request.form()
        email, password = str(form.get("email", ""))[:254], str(form.get("password", ""))[:1000]
        organiser = await signin.by_password(email, password, now)
        target = _own_path(str(form.get("next", "")))
        if organiser is None:
            return Template(
                "desk/sign_in.html",
                context={"error": "wrong", "email": email, "next": target},
                status_code=422,
            )
        return _with_session(see_other(request, target), await signin.open_session(organiser, now), settings)

    @get("/sign-in/{token:str}", name="sign-in-link")
    async def link(self, token: FromPath[str]) -> Template:
        return Template("desk/sign_in_link.html", context={"token": token})

    @post("/sign-in/{token:str}", status_code=200)
    async def sign_in_by_link(
        self, request: AnyRequest, token: FromPath[str], now: Now, settings: NamedDependency[Settings]
    ) -> Response[Any]:
        organiser = await signin.by_link(token, now)
        if organiser is None:
            return Template(
                "desk/sign_in.html",
                context={"error": "link", "email": "", "next": "/organise"},
                status_code=422,
            )
        return _with_session(
            see_other(request, "/organise"), await signin.open_session(organiser, now), settings
        )

    @post("/sign-out", status_code=200)
    async def sign_out(self, request: AnyRequest) -> Redirect:
        await signin.close_session(request.cookies.get(COOKIE, ""))
        answer = see_other(request, "/organise/sign-in")
        answer.delete_cookie(COOKIE)
        return answer


class DeskPages(Controller):
    path = "/organise"
    guards = (signed_in,)
    include_in_schema = False
    response_headers = PRIVATE

    @get("/", name="desk")
    async def events(self, caller: Calling, now: Now) -> Template:
        sees_all = caller.organiser.role == Role.ADMIN
        events = await (all_events() if sees_all else events_of(caller.organiser))
        return Template(
            "desk/events.html",
            context={
                "organiser": caller.organiser,
                "upcoming": [event for event in events if event.ends_at > now],
                "past": [event for event in reversed(events) if event.ends_at <= now],
                "now": now,
            },
        )

    @get("/events/{slug:str}", name="desk-event")
    async def event(self, managed: Managed, caller: Calling, now: Now) -> Template:
        return Template(
            "desk/event.html",
            context={
                **await frame_of(managed, caller, now, "overview"),
                "state": managed.state(now),
                "activities": await activities_of(managed.id, limit=10),
                "reminders": await schedule_of(managed.id),
            },
        )

    @get("/events/{slug:str}/preview", name="preview")
    async def preview(
        self,
        managed: Managed,
        now: Now,
        text: Text,
        calendars: Calendars,
        base_url: BaseUrl,
        town: TownName,
        mode_of: ModeOf,
    ) -> Template:
        context = await event_context(managed, now, text, calendars, base_url, town)
        return Template("pages/event.html", context={**context, "moves": await mode_of(managed)})

    @post("/events/{slug:str}/publication", guards=[may_write], status_code=200)
    async def publish(self, managed: Managed, request: AnyRequest, caller: Calling, now: Now) -> Redirect:
        await publishing.publish(managed.slug, caller.organiser, now)
        return see_other(request, f"/organise/events/{managed.slug}")

    @get("/events/{slug:str}/cancellation", guards=[may_write], name="cancel-event")
    async def cancel_form(self, managed: Managed, caller: Calling, now: Now) -> Template:
        return Template("desk/cancel_event.html", context=await frame_of(managed, caller, now, "overview"))

    @post("/events/{slug:str}/cancellation", guards=[may_write], status_code=200)
    async def cancel(self, managed: Managed, request: AnyRequest, caller: Calling, now: Now) -> Redirect:
        reason = str((await request.form()).get("reason", "")).strip()[:REASON_LENGTH]
        await publishing.cancel(managed.slug, reason or None, caller.organiser, now)
        return see_other(request, f"/organise/events/{managed.slug}")

    @get("/events/{slug:str}/attendees", name="attendees")
    async def attendees(
        self,
        managed: Managed,
        caller: Calling,
        now: Now,
        status: FromQuery[str] = "",
        group: FromQuery[str] = "",
        language: FromQuery[str] = "",
        q: Annotated[str, QueryParameter(max_length=200)] = "",
        unreached: FromQuery[bool] = False,
        after: Annotated[int, QueryParameter(ge=0)] = 0,
    ) -> Template:
        shows_addresses = caller.organiser.role != Role.HELPER
        wanted = AttendeeFilter(
            status if status in list(RegistrationStatus) else "",
            group,
            "",
            language,
            q.strip(),
            undeliverable=unreached and shows_addresses,
        )
        found = await attendees(managed, wanted, after=after, limit=PAGE + 1, with_addresses=shows_addresses)
        return Template(
            "desk/attendees.html",
            context={
                **await frame_of(managed, caller, now, "attendees"),
                "attendees": found[:PAGE],
                "wanted": wanted,
                "is_first_page": after == 0,
                "next_after": found[PAGE - 1].registration.arrival if len(found) > PAGE else None,
                "shows_addresses": shows_addresses,
                "unreached": len(await undeliverable(managed.id)) if shows_addresses else 0,
            },
        )

    @get("/events/{slug:str}/attendees.csv", guards=[no_helper], name="attendees-csv")
    async def csv(
        self,
        managed: Managed,
        status: FromQuery[str] = "",
        group: FromQuery[str] = "",
        language: FromQuery[str] = "",
        q: FromQuery[str] = "",
        unreached: FromQuery[bool] = False,
        special: FromQuery[bool] = False,
    ) -> Stream:
        wanted = AttendeeFilter(status, group, "", language, q.strip()[:200], undeliverable=unreached)
        return csv_download(managed, wanted, with_special=special)

    @get("/events/{slug:str}/attendees/{registration_id:uuid}", name="attendee")
    async def attendee(
        self, managed: Managed, registration_id: FromPath[UUID], caller: Calling, now: Now
    ) -> Template:
        return Template(
            "desk/attendee.html",
            context={
                **await frame_of(managed, caller, now, "attendees"),
                "attendee": await attendee_of(managed, registration_id, caller),
                "shows_addresses": caller.organiser.role != Role.HELPER,
                "active_statuses": ACTIVE,
                "locks": await locked_sessions(registration_id),
            },
        )

    @post(
        "/events/{slug:str}/attendees/{registration_id:uuid}/cancellation",
        guards=[may_write],
        status_code=200,
    )
    async def cancel_registration(
        self,
        managed: Managed,
        request: AnyRequest,
        registration_id: FromPath[UUID],
        caller: Calling,
        now: Now,
    ) -> Redirect:
        await attendee_of(managed, registration_id, caller)
        await actions.cancel(registration_id, now, caller.organiser)
        return see_other(request, f"/organise/events/{managed.slug}/attendees/{registration_id}")


async def frame_of(event: EventDetails, caller: Caller, now: datetime, section: str) -> dict[str, Any]:
    """What the head of every page of an event shows."""
    return {
        "organiser": caller.organiser,
        "may_write": caller.organiser.role != Role.HELPER,
        "event": event,
        "is_draft": event.status is EventStatus.DRAFT,
        "counts": await counts_by_status(event.id),
        "section": section,
        "now": now,
    }


async def attendee_of(event: EventDetails, registration_id: UUID, caller: Caller) -> Any:
    registration = await managed_registration(registration_id, caller)
    return await attendee(event, registration)


def _own_path(path: str) -> str:
    """A path of ours below `/organise`, whatever was asked for."""
    plain = path.startswith("/organise") and not any(sign in path for sign in ("\\", "//", "\r", "\n", "\t"))
    return path if plain else "/organise"


def _with_session(answer: Redirect, token: str, settings: Settings) -> Redirect:
    answer.set_cookie(
        COOKIE, token, httponly=True, samesite="lax", secure=settings.base_url.startswith("https://")
    )
    return answer
