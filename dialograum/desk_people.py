"""Desk pages for single people: registering somebody by hand and changing what stands about them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect, Template

from dialograum.access import Calling, Managed, may_write
from dialograum.desk import PRIVATE, attendee_of, frame_of
from dialograum.signin import Caller
from events.controllers import Now, see_other
from events.details import EventDetails
from events.errors import Conflict, FormInvalid
from registration import editing
from registration.attendees import Attendee
from registration.by_hand import register_by_hand
from registration.by_hand_forms import (
    asked_by_hand,
    attendances_for,
    edit_by_hand,
    is_empty,
    newcomer_by_hand,
    state_of,
    values_of,
)
from registration.controllers import form_values
from registration.errors import AddressKnown, NameKnown
from registration.forms import PageForm
from registration.rules import ACTIVE

AnyRequest = Request[Any, Any, Any]
Languages = NamedDependency[tuple[str, ...]]
PersonId = FromPath[UUID]


class PeoplePages(Controller):
    path = "/organise/events/{slug:str}/attendees"
    guards = (may_write,)
    include_in_schema = False
    response_headers = PRIVATE

    @get("/new", name="register-by-hand")
    async def by_hand_form(self, managed: Managed, caller: Calling, now: Now) -> Template:
        form = PageForm({"language": managed.default_language, "attendance": managed.offered[0].value})
        return await _by_hand_page(managed, form, caller, now)

    @post("/new", status_code=200)
    async def register(
        self, managed: Managed, request: AnyRequest, caller: Calling, now: Now, languages: Languages
    ) -> Template | Redirect:
        form = PageForm(form_values(await request.form()))
        newcomer, form.errors = newcomer_by_hand(form.values, managed, languages)
        known: Sequence[UUID] = ()
        if newcomer is not None:
            try:
                registration = await register_by_hand(
                    managed.slug, newcomer, caller.organiser, now, asks_for_names=not form.value("another")
                )
            except AddressKnown as error:
                form.errors, known = [("email", "known")], [error.facts["registration"]]
            except NameKnown as error:
                form.errors, known = [("name", "known")], error.facts["registrations"]
            except FormInvalid as error:
                form.errors = error.errors
            else:
                return see_other(
                    request, f"/organise/events/{managed.slug}/attendees/{registration.id}/registered"
                )
        return await _by_hand_page(managed, form, caller, now, known)

    @get("/{registration_id:uuid}/registered", name="registered-by-hand")
    async def registered(
        self, managed: Managed, registration_id: PersonId, caller: Calling, now: Now
    ) -> Template:
        return Template(
            "desk/registered.html",
            context={
                **await frame_of(managed, caller, now, "attendees"),
                "attendee": await attendee_of(managed, registration_id, caller),
            },
        )

    @get("/{registration_id:uuid}/edit", name="edit-attendee")
    async def edit_form(
        self, managed: Managed, registration_id: PersonId, caller: Calling, now: Now
    ) -> Template:
        attendee = _active(await attendee_of(managed, registration_id, caller))
        return await _edit_page(managed, attendee, PageForm(values_of(attendee, managed)), caller, now)

    @post("/{registration_id:uuid}/edit", status_code=200)
    async def edit(
        self,
        managed: Managed,
        request: AnyRequest,
        registration_id: PersonId,
        caller: Calling,
        now: Now,
        languages: Languages,
    ) -> Template | Redirect:
        attendee = _active(await attendee_of(managed, registration_id, caller))
        form = PageForm(form_values(await request.form()))
        if form.value("state") != state_of(attendee, managed):
            form = PageForm(values_of(attendee, managed), [("name", "changed-meanwhile")])
            return await _edit_page(managed, attendee, form, caller, now, status_code=409)
        edit, form.errors = edit_by_hand(form.values, managed, attendee, languages)
        known: Sequence[UUID] = ()
        if edit is not None:
            try:
                if not is_empty(edit):
                    await editing.edit(registration_id, edit, caller.organiser, now)
            except AddressKnown as error:
                form.errors, known = [("email", "known")], [error.facts["registration"]]
            except FormInvalid as error:
                form.errors = error.errors
            except Conflict:  # two groups that exclude each other
                form.errors = [(f"group.{session.key}", "together") for session in managed.group_sessions][:1]
            else:
                return see_other(request, f"/organise/events/{managed.slug}/attendees/{registration_id}")
        return await _edit_page(managed, attendee, form, caller, now, known, status_code=422)


def _active(attendee: Attendee) -> Attendee:
    """Raises Conflict for a registration that has ended."""
    if attendee.registration.status not in ACTIVE:
        raise Conflict("This registration has ended.")
    return attendee


async def _by_hand_page(
    event: EventDetails, form: PageForm, caller: Caller, now: datetime, known: Sequence[UUID] = ()
) -> Template:
    return Template(
        "desk/by_hand.html",
        context={
            **await frame_of(event, caller, now, "attendees"),
            "form": form,
            "known": known,
            "asked": asked_by_hand(event),
        },
        status_code=422 if form.errors else 200,
    )


async def _edit_page(
    event: EventDetails,
    attendee: Attendee,
    form: PageForm,
    caller: Caller,
    now: datetime,
    known: Sequence[UUID] = (),
    status_code: int = 200,
) -> Template:
    return Template(
        "desk/edit_attendee.html",
        context={
            **await frame_of(event, caller, now, "attendees"),
            "attendee": attendee,
            "attendances": attendances_for(event, attendee),
            "state": state_of(attendee, event),
            "asked": asked_by_hand(event, with_consents=False),
            "form": form,
            "known": known,
        },
        status_code=status_code,
    )
