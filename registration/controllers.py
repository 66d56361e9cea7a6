"""Public pages of registration: the form, and what a personal link opens. GET changes nothing."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Controller, Request, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation
from litestar.response import Redirect, Response, Template

from events.controllers import Now, Slug, calendar_file, public_event, see_other
from events.details import EventDetails
from events.errors import EventCancelled
from events.queries import details_of, event_by_id
from events.rules import EventStatus, RegistrationState, local_time
from registration import actions, consents, stamps
from registration.admission import Admission
from registration.decisions import Newcomer, Outcome
from registration.errors import EventFull, LinkInvalid, RegistrationClosed, RegistrationNotOpen
from registration.forms import PageForm, newcomer_from_page
from registration.links import Links, Purpose
from registration.queries import groups_held, groups_shown, is_invited, position
from registration.rules import ACTIVE, RegistrationStatus, may_move
from registration.stamps import FormStamps
from registration.tables import Registration

AnyRequest = Request[Any, Any, Any]
KEY_LENGTH = 128
FIELD_LENGTH = 200
PersonalCalendar = NamedDependency[SkipValidation[Callable[[Registration], Awaitable[bytes]]]]
"""The calendar file of a registration, for download."""
CouldMove = NamedDependency[SkipValidation[Callable[[EventDetails], Awaitable[bool]]]]
"""Whether a rule or a hand may still move the event between hall and screen, or did."""
Signer = NamedDependency[SkipValidation[Links]]
Token = FromPath[str]
NO_INDEX = {"X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}


@dataclass(frozen=True)
class Entrance:
    """The door as one request finds it: when it came, from which address, and which languages people may choose.

    All in one, since each further dependency of a handler costs as much as the handler.
    """

    admission: Admission
    stamps: FormStamps
    now: datetime
    client: str
    languages: tuple[str, ...]

    async def register(self, slug: str, newcomer: Newcomer, key: str | None) -> Outcome:
        """As `Admission.register`."""
        return await self.admission.register(slug, newcomer, self.now, key=key, client=self.client)

    async def is_from_our_form(self, stamp: str) -> bool:
        """Whether the stamp is one of ours and not too old; of one that is too young only after a while."""
        age = self.stamps.age(stamp, self.now)
        if age is not None and age < stamps.SHORTEST:
            await asyncio.sleep((stamps.SHORTEST - age).total_seconds())
        return age is not None


Enter = NamedDependency[SkipValidation[Entrance]]


class RegisterPages(Controller):
    path = "/events/{slug:str}/register"
    include_in_schema = False

    @get("/", name="register")
    async def form(self, slug: Slug, now: Now, entrance: Enter, could_move: CouldMove) -> Template:
        event = await _open_event(slug, now)
        form = PageForm({"key": entrance.stamps.new(now)})
        return _form_page(event, form, now, asks_online_access=await could_move(event))

    @post("/", status_code=200)
    async def submit(
        self,
        slug: Slug,
        request: AnyRequest,
        now: Now,
        languages: NamedDependency[tuple[str, ...]],
        language_code: NamedDependency[str],
        entrance: Enter,
        could_move: CouldMove,
    ) -> Template:
        event = await _open_event(slug, now)
        asks = await could_move(event)
        form = PageForm(form_values(await request.form()))
        form.values.setdefault("language", language_code)
        newcomer, form.errors = newcomer_from_page(form.values, event, languages, asks_online_access=asks)
        step = form.value("step")
        if step == "submit" and not form.errors and not await entrance.is_from_our_form(form.value("key")):
            newcomer, form.errors = None, [("key", "stale")]
            form.values["key"] = entrance.stamps.new(now)
        if newcomer is None or step == "edit":
            if step == "edit":
                form.errors = []
            return _form_page(
                event, form, now, asks_online_access=asks, status_code=422 if form.errors else 200
            )
        if step != "submit":
            return Template(
                "pages/check.html",
                context={
                    "event": event,
                    "form": form,
                    "newcomer": newcomer,
                    "now": now,
                    "asks_online_access": asks,
                },
                headers=NO_INDEX,
            )
        outcome = await entrance.register(slug, newcomer, form.value("key"))
        held_until = outcome.held_until
        return Template(
            "pages/done.html",
            context={
                "event": event,
                "now": now,
                "form": form,
                "newcomer": newcomer,
                "status": outcome.status,
                "groups": outcome.groups,
                "held_until_local": local_time(held_until, event.timezone) if held_until else None,
            },
            headers=NO_INDEX,
        )


class PersonalPages(Controller):
    path = "/r/{token:str}"
    include_in_schema = False
    response_headers = NO_INDEX

    @get("/confirmation", name="confirmation")
    async def confirmation(self, request: AnyRequest, token: Token, links: Signer, now: Now) -> Template:
        return await own_page(
            "pages/confirmation.html", token, await opened(request, links, "confirm", token), links, now
        )

    @post("/confirmation", status_code=200)
    async def confirm(self, request: AnyRequest, token: Token, links: Signer, now: Now) -> Redirect:
        found = await opened(request, links, "confirm", token)
        registration = await actions.confirm(found.id, now)
        return see_other(request, f"/r/{links.token('own', registration.id, registration.own_nonce)}")

    @get("/", name="own")
    async def own(
        self, request: AnyRequest, token: Token, links: Signer, now: Now, could_move: CouldMove
    ) -> Template:
        registration = await opened(request, links, "own", token)
        page = await own_page("pages/own.html", token, registration, links, now)
        asks = await could_move(page.context["event"])
        page.context["asks_online_access"] = asks or registration.online_access is not None
        page.context["is_invited"] = await is_invited(registration.id)
        return page

    @get("/cancel", name="own-cancel")
    async def cancel_form(self, request: AnyRequest, token: Token, links: Signer, now: Now) -> Template:
        return await own_page(
            "pages/own_cancel.html", token, await opened(request, links, "own", token), links, now
        )

    @post("/cancel", status_code=200)
    async def cancel(self, request: AnyRequest, token: Token, links: Signer, now: Now) -> Redirect:
        found = await opened(request, links, "own", token)
        await actions.cancel(found.id, now)
        return see_other(request, f"/r/{token}")

    @post("/consents/{key:str}", status_code=200)
    async def consent(
        self, request: AnyRequest, token: Token, key: FromPath[str], links: Signer, now: Now
    ) -> Redirect:
        found = await opened(request, links, "own", token)
        values = form_values(await request.form())
        if values.get("given") == "yes":
            await consents.give(
                found.id, key, values.get("shown_in", ""), now, text_hash=values.get("text", "")
            )
        else:
            await consents.withdraw(found.id, key, now)
        return see_other(request, f"/r/{token}#consents")

    @get("/calendar.ics", name="own-calendar")
    async def calendar(
        self, token: Token, request: AnyRequest, links: Signer, personal_calendar: PersonalCalendar
    ) -> Response[bytes]:
        registration = await opened(request, links, "own", token)
        if not await is_invited(registration.id):
            raise LinkInvalid()
        content = await personal_calendar(registration)
        return calendar_file(request, content, "calendar", cache=NO_INDEX["Cache-Control"])


async def _open_event(slug: str, now: datetime) -> EventDetails:
    event = await public_event(slug)
    if event.status is EventStatus.CANCELLED:
        raise EventCancelled(event=event)
    match event.state(now):
        case RegistrationState.UPCOMING:
            raise RegistrationNotOpen(event=event)
        case RegistrationState.CLOSED:
            raise RegistrationClosed(event=event)
        case RegistrationState.FULL if not event.waitlist:
            raise EventFull(event=event)
    return event


def _form_page(
    event: EventDetails,
    form: PageForm,
    now: datetime,
    *,
    asks_online_access: bool,
    status_code: int = 200,
) -> Template:
    return Template(
        "pages/register.html",
        context={"event": event, "form": form, "now": now, "asks_online_access": asks_online_access},
        status_code=status_code,
        headers=NO_INDEX,
    )


def form_values(form: FormMultiDict) -> dict[str, str]:
    return {
        key: value
        for key, value in form.items()
        if isinstance(value, str)
        and key != "_csrf_token"
        and len(key) <= FIELD_LENGTH
        and len(value) <= 20_000
    }


async def opened(request: AnyRequest, links: Links, purpose: Purpose, token: str) -> Registration:
    """The registration of a personal link; from here on the request is answered in its language, unless the address
    chose another one. Raises LinkInvalid.
    """
    read = links.read(purpose, token)
    if read is None:
        raise LinkInvalid()
    registration_id, nonce = read
    registration = (
        await Registration.objects().where(Registration.id == registration_id).output(load_json=True).first()
    )
    if registration is None or not secrets.compare_digest(getattr(registration, f"{purpose}_nonce"), nonce):
        raise LinkInvalid()
    state = request.scope["state"]
    if not state["language_is_chosen"]:
        state["language"] = state["languages"].get(registration.language, state["language"])
    return registration


async def own_page(
    template: str,
    token: str,
    registration: Registration,
    links: Links,
    now: datetime,
    *,
    status_code: int = 200,
    **more: Any,
) -> Template:
    """A page behind a personal link; `more` is what it alone shows."""
    event = await details_of(await event_by_id(registration.event))
    held = (await groups_held([registration.id])).get(registration.id, {})
    confirmed = registration.status == RegistrationStatus.CONFIRMED
    return Template(
        template,
        context={
            "event": event,
            "registration": registration,
            "token": token,
            "now": now,
            "status": RegistrationStatus(registration.status),
            "is_active": registration.status in ACTIVE,
            "may_move": may_move(now, RegistrationStatus(registration.status), event.status, event.starts_at),
            "needs_confirmation": registration.confirmed_at is None
            and registration.status in (RegistrationStatus.PENDING, RegistrationStatus.WAITLISTED),
            "held_until_local": local_time(registration.held_until, event.timezone)
            if registration.held_until
            else None,
            "position": await position(registration),
            "consents": (await consents.standing_consents([registration.id])).get(registration.id, {}),
            "groups": groups_shown(event, registration, held),
            "group_titles": {group.key: group.title for group in event.groups},
            "join_url": links.url("join", registration.id, registration.join_nonce) if confirmed else None,
            **more,
        },
        status_code=status_code,
    )
