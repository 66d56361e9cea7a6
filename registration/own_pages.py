"""The pages on which people change their own registration: one thing each. GET shows a form, POST acts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.response import Redirect, Template

from events.controllers import Now, see_other
from events.details import EventDetails
from events.errors import FormInvalid
from events.queries import details_of, event_by_id
from registration import own_changes
from registration.controllers import (
    NO_INDEX,
    AnyRequest,
    CouldMove,
    Signer,
    Token,
    form_values,
    opened,
    own_page,
)
from registration.errors import ChangesClosed, LinkInvalid
from registration.forms import PageForm
from registration.links import Links
from registration.locking import locked_sessions
from registration.own_forms import (
    attendances_of,
    group_values,
    online_typed,
    online_values,
    place_typed,
    place_values,
    state_of,
    wish_fields,
    wishes_typed,
)
from registration.queries import groups_held
from registration.question_forms import fields_of, typed
from registration.questions import Question, questions_of
from registration.rules import ACTIVE, RegistrationStatus, may_move
from registration.tables import Registration

Languages = NamedDependency[tuple[str, ...]]
CHANGED_MEANWHILE = "changed-meanwhile"


@dataclass(frozen=True)
class Own:
    """What a personal link opens, with what is held."""

    token: str
    links: Links
    now: datetime
    registration: Registration
    event: EventDetails
    held: dict[str, str]

    @property
    def state(self) -> str:
        return state_of(self.registration, self.held)

    @property
    def questions(self) -> list[Question]:
        return [question for question in questions_of(self.event) if question.type != "consent"]

    async def page(self, template: str, form: PageForm, **more: Any) -> Template:
        """The form; 422 where something is wrong with it."""
        return await own_page(
            template,
            self.token,
            self.registration,
            self.links,
            self.now,
            status_code=422 if form.errors else 200,
            form=form,
            state=self.state,
            held=self.held,
            **more,
        )

    def saved(self, request: AnyRequest, what: str) -> Redirect:
        """Back to the registration, which says what was done."""
        return see_other(request, f"/r/{self.token}?saved={what}")


class OwnChangePages(Controller):
    path = "/r/{token:str}"
    include_in_schema = False
    response_headers = NO_INDEX

    @get("/groups", name="own-groups")
    async def groups_form(self, request: AnyRequest, token: Token, links: Signer, now: Now) -> Template:
        own = await _movable(request, links, token, now)
        return await _groups_page(own, PageForm(group_values(own.event, own.registration, own.held)))

    @post("/groups", status_code=200)
    async def groups(self, request: AnyRequest, token: Token, links: Signer, now: Now) -> Template | Redirect:
        own = await _movable(request, links, token, now)
        form = PageForm(form_values(await request.form()))
        fixed = await locked_sessions(own.registration.id)
        wishes, form.errors = wishes_typed(form.values, own.event, fixed)
        if form.value("state") != own.state:
            form.errors = [(_first_field(own.event), CHANGED_MEANWHILE)]
        if not form.errors:
            try:
                await own_changes.change_groups(own.registration.id, wishes, now)
            except FormInvalid as error:
                form.errors = error.errors
            else:
                return own.saved(request, "groups")
        return await _groups_page(await _movable(request, links, token, now), form)

    @get("/attendance", name="own-attendance")
    async def attendance_form(self, request: AnyRequest, token: Token, links: Signer, now: Now) -> Template:
        own = await _movable(request, links, token, now)
        return await _attendance_page(own, PageForm(place_values(own.registration)))

    @post("/attendance", status_code=200)
    async def attendance(
        self, request: AnyRequest, token: Token, links: Signer, now: Now
    ) -> Template | Redirect:
        own = await _movable(request, links, token, now)
        form = PageForm(form_values(await request.form()))
        attendance, seats, form.errors = place_typed(form.values, own.event, own.registration)
        if form.value("state") != own.state:
            form.errors = [("seats", CHANGED_MEANWHILE)]
        if not form.errors:
            try:
                await own_changes.change_place(own.registration.id, attendance, seats, now)
            except FormInvalid as error:
                form.errors = error.errors
            else:
                return own.saved(request, "attendance")
        return await _attendance_page(await _movable(request, links, token, now), form)

    @get("/online", name="own-online")
    async def online_form(
        self, request: AnyRequest, token: Token, links: Signer, now: Now, could_move: CouldMove
    ) -> Template:
        own = await _asked_online(request, links, token, now, could_move)
        return await own.page("pages/own_online.html", PageForm(online_values(own.registration)))

    @post("/online", status_code=200)
    async def online(
        self, request: AnyRequest, token: Token, links: Signer, now: Now, could_move: CouldMove
    ) -> Template | Redirect:
        own = await _asked_online(request, links, token, now, could_move)
        form = PageForm(form_values(await request.form()))
        access, wished, form.errors = online_typed(form.values, own.event)
        if form.errors:
            return await own.page("pages/own_online.html", form)
        await own_changes.change_online(own.registration.id, access, wished)
        return own.saved(request, "online")

    @get("/answers", name="own-answers")
    async def answers_form(self, request: AnyRequest, token: Token, links: Signer, now: Now) -> Template:
        own = await _answerable(request, links, token, now)
        row = own.registration
        form = PageForm(fields_of(own.questions, {**row.answers, **row.special_answers}))
        return await own.page("pages/own_answers.html", form, asked=own.questions)

    @post("/answers", status_code=200)
    async def answers(
        self, request: AnyRequest, token: Token, links: Signer, now: Now
    ) -> Template | Redirect:
        own = await _answerable(request, links, token, now)
        form = PageForm(form_values(await request.form()))
        answers, _ = typed(form.values, own.questions)
        try:
            await own_changes.change_answers(own.registration.id, answers)
        except FormInvalid as error:
            form.errors = error.errors
            return await own.page("pages/own_answers.html", form, asked=own.questions)
        return own.saved(request, "answers")

    @get("/language", name="own-language")
    async def language_form(self, request: AnyRequest, token: Token, links: Signer, now: Now) -> Template:
        own = await _active(request, links, token, now)
        return await own.page("pages/own_language.html", PageForm({"language": own.registration.language}))

    @post("/language", status_code=200)
    async def language(
        self, request: AnyRequest, token: Token, links: Signer, now: Now, languages: Languages
    ) -> Template | Redirect:
        own = await _active(request, links, token, now)
        form = PageForm(form_values(await request.form()))
        if form.value("language") not in (*languages, own.registration.language):
            form.errors = [("language", "unknown")]
            return await own.page("pages/own_language.html", form)
        await own_changes.change_language(own.registration.id, form.value("language"))
        return own.saved(request, "language")


async def _active(request: AnyRequest, links: Links, token: str, now: datetime) -> Own:
    """Raises LinkInvalid, and ChangesClosed for a registration that has ended."""
    registration = await opened(request, links, "own", token)
    event = await details_of(await event_by_id(registration.event))
    if registration.status not in ACTIVE:
        raise ChangesClosed(event=event)
    held = (await groups_held([registration.id])).get(registration.id, {})
    return Own(token, links, now, registration, event, held)


async def _movable(request: AnyRequest, links: Links, token: str, now: datetime) -> Own:
    """Raises LinkInvalid, and ChangesClosed also once the event has begun."""
    own = await _active(request, links, token, now)
    status = RegistrationStatus(own.registration.status)
    if not may_move(now, status, own.event.status, own.event.starts_at):
        raise ChangesClosed(event=own.event)
    return own


async def _answerable(request: AnyRequest, links: Links, token: str, now: datetime) -> Own:
    """Raises as `_active`, and LinkInvalid where nothing is asked."""
    own = await _active(request, links, token, now)
    if not own.questions:
        raise LinkInvalid()
    return own


async def _asked_online(
    request: AnyRequest, links: Links, token: str, now: datetime, could_move: CouldMove
) -> Own:
    """Raises as `_active`, and LinkInvalid where the event cannot move and the person has said nothing."""
    own = await _active(request, links, token, now)
    if own.registration.online_access is None and not await could_move(own.event):
        raise LinkInvalid()
    return own


async def _groups_page(own: Own, form: PageForm) -> Template:
    if not own.event.wish_sessions:
        raise LinkInvalid()
    locks = await locked_sessions(own.registration.id)
    return await own.page("pages/own_groups.html", form, locks=locks, wish_fields=wish_fields)


async def _attendance_page(own: Own, form: PageForm) -> Template:
    return await own.page(
        "pages/own_attendance.html", form, attendances=attendances_of(own.event, own.registration)
    )


def _first_field(event: EventDetails) -> str:
    session = event.wish_sessions[0]
    return f"{'signup' if session.slot else 'group'}.{session.key}"
