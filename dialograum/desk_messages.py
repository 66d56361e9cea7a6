"""Desk pages for the organisers' messages: written, looked at, tried, sent, and what became of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Annotated, Any
from uuid import UUID, uuid4

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter, SkipValidation
from litestar.response import Redirect, Template

from dialograum.access import Calling, Managed, may_write
from dialograum.desk import PRIVATE, frame_of
from dialograum.mailbox import MAIL_CSP
from dialograum.signin import Caller
from events.controllers import NO_FORMS, Now, see_other
from events.details import EventDetails
from events.errors import Conflict, FormInvalid
from events.tables import Organiser
from notifications.outbox import Claim
from notifications.tables import MessageStatus
from registration import announcements
from registration.announcement_forms import (
    SUBJECT_LENGTH,
    TEXT_LENGTH,
    Draft,
    draft_of,
    flaws,
    languages_of,
    typed,
)
from registration.announcement_queries import announcements_of, outcome_of, reach, recipients_of
from registration.announcements import announcement_of, sample_context, state_of
from registration.forms import PageForm
from registration.mail import NO_LINKS, Composer
from registration.news import ANNOUNCEMENT
from registration.segments import answers_to_choose
from registration.tables import Announcement

AnyRequest = Request[Any, Any, Any]
Languages = NamedDependency[tuple[str, ...]]
Mails = NamedDependency[SkipValidation[Composer]]
MessageId = FromPath[UUID]
PAGE = 50
REFRESH_SECONDS = 5
WAITING = (MessageStatus.QUEUED, MessageStatus.SENDING)


class MessagePages(Controller):
    path = "/organise/events/{slug:str}/messages"
    guards = (may_write,)
    include_in_schema = False
    response_headers = PRIVATE

    @get("/", name="messages")
    async def messages(self, managed: Managed, caller: Calling, now: Now) -> Template:
        return Template(
            "desk/messages.html",
            context={
                **await frame_of(managed, caller, now, "messages"),
                "announcements": await announcements_of(managed.id),
            },
        )

    @get("/new", name="write-message")
    async def new(self, managed: Managed, caller: Calling, now: Now, languages: Languages) -> Template:
        return await _form_page(managed, uuid4(), PageForm(Draft().fields), caller, now, languages)

    @get("/{message_id:uuid}/edit", name="edit-message")
    async def form(
        self,
        managed: Managed,
        message_id: MessageId,
        request: AnyRequest,
        caller: Calling,
        now: Now,
        languages: Languages,
    ) -> Template | Redirect:
        row = await announcement_of(managed.id, message_id)
        if row.sent_at is not None:
            return see_other(request, _url(managed, message_id))
        form = PageForm({**draft_of(row).fields, "state": state_of(row)})
        return await _form_page(managed, message_id, form, caller, now, languages)

    @post("/{message_id:uuid}/edit", status_code=200)
    async def write(
        self,
        managed: Managed,
        message_id: MessageId,
        request: AnyRequest,
        caller: Calling,
        now: Now,
        languages: Languages,
    ) -> Template | Redirect:
        form = PageForm(_whole_values(await request.form()))
        draft = typed(form.values, languages_of(managed, languages))
        form.errors = flaws(draft, managed, languages)
        by = caller.organiser
        try:
            row = await announcements.save(managed, message_id, draft, by, now, state=form.value("state"))
        except Conflict:
            row = await announcement_of(managed.id, message_id)
            if row.sent_at is None:
                form.errors.insert(0, (f"subject.{managed.default_language}", "changed-meanwhile"))
            else:  # what was typed becomes another draft
                message_id = uuid4()
                row = await announcements.save(managed, message_id, draft, by, now)
        if not form.errors:
            return see_other(request, _url(managed, message_id))
        form.values["state"] = state_of(row)
        return await _form_page(managed, message_id, form, caller, now, languages)

    @get("/{message_id:uuid}", name="message")
    async def message(
        self,
        managed: Managed,
        message_id: MessageId,
        request: AnyRequest,
        caller: Calling,
        now: Now,
        languages: Languages,
        mails: Mails,
        status: FromQuery[str] = "",
        language: FromQuery[str] = "",
        q: Annotated[str, QueryParameter(max_length=200)] = "",
        page: Annotated[int, QueryParameter(ge=1, le=10_000)] = 1,
        reload: FromQuery[str] = "",
        tried: FromQuery[str] = "",
    ) -> Template | Redirect:
        row = await announcement_of(managed.id, message_id)
        if row.sent_at is not None:
            return await _outcome_page(managed, row, caller, now, status, q.strip(), page, reload != "no")
        if flaws(draft_of(row), managed, languages):
            return see_other(request, f"{_url(managed, message_id)}/edit")
        return await _preview_page(
            managed, row, caller, now, languages, mails, language=language, has_tried=bool(tried)
        )

    @get("/{message_id:uuid}/look/{code:str}", name="message-look", opt=NO_FORMS)
    async def look(
        self, managed: Managed, message_id: MessageId, code: FromPath[str], caller: Calling, mails: Mails
    ) -> Response[str]:
        """The mail as it looks, for a frame."""
        row = await announcement_of(managed.id, message_id)
        return Response(
            _look(mails, managed, row, caller.organiser, code).html,
            media_type="text/html",
            headers={"Content-Security-Policy": MAIL_CSP, "X-Frame-Options": "SAMEORIGIN"},
        )

    @post("/{message_id:uuid}/test", status_code=200)
    async def test(
        self,
        managed: Managed,
        message_id: MessageId,
        request: AnyRequest,
        caller: Calling,
        languages: Languages,
    ) -> Redirect:
        chosen = str((await request.form()).get("language", ""))
        code = chosen if chosen in languages else managed.default_language
        await announcements.try_out(managed, message_id, caller.organiser, code, languages)
        return see_other(request, f"{_url(managed, message_id)}?language={code}&tried=yes")

    @post("/{message_id:uuid}/send", status_code=200)
    async def send(
        self,
        managed: Managed,
        message_id: MessageId,
        request: AnyRequest,
        caller: Calling,
        now: Now,
        languages: Languages,
        mails: Mails,
    ) -> Template | Redirect:
        state = str((await request.form()).get("state", ""))
        try:
            await announcements.send(
                managed.id, message_id, caller.organiser, now, state=state, languages=languages
            )
        except (Conflict, FormInvalid) as error:
            row = await announcement_of(managed.id, message_id)
            if flaws(draft_of(row), managed, languages):
                return see_other(request, f"{_url(managed, message_id)}/edit")
            return await _preview_page(
                managed, row, caller, now, languages, mails, has_changed=isinstance(error, Conflict)
            )
        return see_other(request, _url(managed, message_id))

    @post("/{message_id:uuid}/pause", status_code=200)
    async def pause(self, managed: Managed, message_id: MessageId, request: AnyRequest, now: Now) -> Redirect:
        await announcements.pause(managed.id, message_id, now)
        return see_other(request, _url(managed, message_id))

    @post("/{message_id:uuid}/resume", status_code=200)
    async def resume(self, managed: Managed, message_id: MessageId, request: AnyRequest) -> Redirect:
        await announcements.resume(managed.id, message_id)
        return see_other(request, _url(managed, message_id))

    @post("/{message_id:uuid}/stop", status_code=200)
    async def stop(
        self, managed: Managed, message_id: MessageId, request: AnyRequest, caller: Calling, now: Now
    ) -> Redirect:
        await announcements.stop(managed.id, message_id, caller.organiser, now)
        return see_other(request, _url(managed, message_id))

    @post("/{message_id:uuid}/discard", status_code=200)
    async def discard(self, managed: Managed, message_id: MessageId, request: AnyRequest) -> Redirect:
        await announcements.discard(managed, message_id)
        return see_other(request, f"/organise/events/{managed.slug}/messages")


@dataclass(frozen=True)
class Look:
    """A mail as it is received."""

    subject: str
    sender: str
    text: str
    html: str


def _look(mails: Composer, event: EventDetails, announcement: Announcement, to: Organiser, code: str) -> Look:
    """The mail as somebody of the segment gets it in a language, with links that open nothing."""
    letter = mails.letter(
        Claim(
            id=announcement.id,
            fence=0,
            kind=ANNOUNCEMENT,
            recipient=to.email,
            recipient_name=to.name,
            language=code,
            context=sample_context(event, announcement, to, is_test=False),
            about=None,
            event_id=event.id,
            attempts=0,
            created_at=datetime.now(UTC),
            message_id=f"<{announcement.id}>",
        ),
        NO_LINKS,
    )
    mail: Any = message_from_bytes(letter.content, policy=default)
    assert isinstance(mail, EmailMessage)
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    return Look(str(mail["Subject"]), str(mail["From"]), plain.get_content(), html.get_content())


def _whole_values(form: FormMultiDict) -> dict[str, str]:
    """Everything that was typed, however long."""
    return {key: value for key, value in form.items() if isinstance(value, str) and key != "_csrf_token"}


def _url(event: EventDetails, message_id: UUID) -> str:
    return f"/organise/events/{event.slug}/messages/{message_id}"


async def _form_page(
    event: EventDetails,
    message_id: UUID,
    form: PageForm,
    caller: Caller,
    now: datetime,
    languages: tuple[str, ...],
) -> Template:
    return Template(
        "desk/write_message.html",
        context={
            **await frame_of(event, caller, now, "messages"),
            "form": form,
            "message_url": _url(event, message_id),
            "is_new": not form.value("state"),
            "codes": languages_of(event, languages),
            "answers": answers_to_choose(event),
            "limits": {"subject": SUBJECT_LENGTH, "text": TEXT_LENGTH},
        },
        status_code=422 if form.errors else 200,
    )


async def _preview_page(
    event: EventDetails,
    row: Announcement,
    caller: Caller,
    now: datetime,
    languages: tuple[str, ...],
    mails: Composer,
    *,
    language: str = "",
    has_tried: bool = False,
    has_changed: bool = False,
) -> Template:
    draft = draft_of(row)
    reached = await reach(event, draft.segment)
    counts: Mapping[str, int] = reached.by_language
    shown = [code for code in languages_of(event, languages) if code in counts or code in draft.texts]
    code = language if language in shown else shown[0]
    return Template(
        "desk/message_preview.html",
        context={
            **await frame_of(event, caller, now, "messages"),
            "announcement": row,
            "draft": draft,
            "reach": reached,
            "shown": shown,
            "code": code,
            "look": _look(mails, event, row, caller.organiser, code),
            "message_url": _url(event, row.id),
            "state": state_of(row),
            "answers": answers_to_choose(event),
            "has_tried": has_tried,
            "has_changed": has_changed,
        },
        status_code=409 if has_changed else 200,
    )


async def _outcome_page(
    event: EventDetails,
    row: Announcement,
    caller: Caller,
    now: datetime,
    status: str,
    q: str,
    page: int,
    reloads: bool,
) -> Template:
    status = status if status in list(MessageStatus) else ""
    counts = await outcome_of(row)
    found = await recipients_of(row.id, status=status, q=q, page=page, size=PAGE)
    is_waiting = any(counts[waiting] for waiting in WAITING) and row.paused_at is None
    is_first = not status and not q and page == 1
    refreshes = is_waiting and is_first and reloads
    people = {
        person.id: person.name
        for person in await Organiser.objects().where(
            Organiser.id.is_in([row.written_by or 0, row.sent_by or 0])
        )
    }
    return Template(
        "desk/message.html",
        context={
            **await frame_of(event, caller, now, "messages"),
            "announcement": row,
            "draft": draft_of(row) if row.outcome is None else Draft(),
            "outcome": counts,
            "answers": answers_to_choose(event),
            "writer": people.get(row.written_by),
            "sender": people.get(row.sent_by),
            "recipients": found[:PAGE],
            "has_more": len(found) > PAGE,
            "wanted": {"status": status, "q": q, "page": page},
            "is_waiting": is_waiting,
            "refreshes": refreshes,
            "refresh_seconds": REFRESH_SECONDS,
            "message_url": _url(event, row.id),
        },
        headers={"Refresh": str(REFRESH_SECONDS)} if refreshes else {},
    )
