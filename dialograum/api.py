"""The JSON API, version 1."""

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Controller, Request, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter, SkipValidation
from litestar.response import Response, Stream

from dialograum import publishing
from dialograum.access import (
    Calling,
    Managed,
    caller_of,
    managed_event,
    managed_registration,
    may_write,
    no_helper,
    signed_in,
)
from dialograum.event_file import from_document
from dialograum.languages import Language
from dialograum.negotiation import negotiate
from dialograum.pages import markdown
from events.api import Json, event_json
from events.controllers import Now, Slug
from events.details import EventDetails
from events.errors import EventUnknown, FormInvalid
from events.queries import details, details_of, event_by_id, public_events
from events.rules import Attendance, EventStatus, Mode, Role
from notifications.queries import messages_of
from notifications.tables import Message, MessageStatus
from registration import actions, editing
from registration.answers import visible
from registration.api import questions_json
from registration.attendees import Attendee, AttendeeFilter, attendee, attendees, csv_lines
from registration.by_hand import register_by_hand
from registration.controllers import KEY_LENGTH, Enter
from registration.forms import RegistrationBody, RegistrationPatch, edit_from_patch, newcomer_from_body
from registration.queries import counts_by_status
from registration.questions import questions_of
from registration.rules import RegistrationStatus
from registration.tables import Registration

AnyRequest = Request[Any, Any, Any]
Limit = Annotated[int, QueryParameter(ge=1, le=500)]

Special = Annotated[
    bool, QueryParameter(description="answers of special categories (Art. 9 GDPR) too; never for helpers")
]

Languages = NamedDependency[tuple[str, ...]]

Shown = NamedDependency[SkipValidation[Callable[[EventDetails], Json]]]
"""An event as JSON in the caller's language."""


class Cancellation(msgspec.Struct, forbid_unknown_fields=True):
    reason: (
        Annotated[str, msgspec.Meta(max_length=2000, description="Must be text, 2000 characters at most.")]
        | None
    ) = None


class EventApi(Controller):
    path = "/events"
    tags = ["Events"]

    @get("/", summary="Public events by start")
    async def list_events(
        self,
        now: Now,
        shown: Shown,
        from_: Annotated[str | None, QueryParameter(name="from", description="a day or an instant")] = None,
        to: Annotated[str | None, QueryParameter(description="a day, included, or an instant")] = None,
        mode: FromQuery[Mode | None] = None,
        q: Annotated[str | None, QueryParameter(max_length=200)] = None,
        cursor: FromQuery[str | None] = None,
        limit: Limit = 50,
    ) -> Json:
        found = await public_events(
            starting_from=_day_or_instant("from", from_, timedelta()) if from_ else None,
            starting_before=_day_or_instant("to", to, timedelta(days=1)) if to else None,
            mode=mode,
            words=q.split() if q else (),
            after=_event_cursor(cursor) if cursor else None,
            limit=limit + 1,
        )
        page = found[:limit]
        last = page[-1] if len(found) > limit else None
        return {
            "items": [shown(event) for event in page],
            "next": _cursor(f"{last.starts_at.timestamp()} {last.id}") if last else None,
        }

    @get("/{slug:str}", summary="One event")
    async def event(self, slug: Slug, request: AnyRequest, shown: Shown) -> Response[Json]:
        event = await details(slug)
        if event.status is EventStatus.DRAFT:
            caller = await caller_of(request)
            if caller is None:
                raise EventUnknown(slug=slug)
            event = await managed_event(slug, caller)
        return Response(shown(event), headers={"ETag": f'"{event.version}"'})

    @post("/", guards=[may_write], summary="Create an event from an event file as JSON")
    async def create(
        self, data: JSONBody[dict[str, Any]], caller: Calling, now: Now, shown: Shown, languages: Languages
    ) -> Response[Json]:
        event = await publishing.create(from_document(data), caller.organiser, now, languages=languages)
        return Response(shown(event), status_code=201, headers={"ETag": f'"{event.version}"'})

    @post("/{slug:str}/cancellation", guards=[may_write], status_code=200, summary="Cancel an event")
    async def cancel(
        self,
        managed: Managed,
        caller: Calling,
        now: Now,
        shown: Shown,
        data: JSONBody[Cancellation | None] = None,
    ) -> Json:
        reason = data.reason if data else None
        return shown(await publishing.cancel(managed.slug, reason, caller.organiser, now))


class RegistrationApi(Controller):
    tags = ["Registrations"]

    @post("/events/{slug:str}/registrations", summary="Register, or with a token register by hand")
    async def register(
        self,
        slug: Slug,
        data: JSONBody[RegistrationBody],
        request: AnyRequest,
        entrance: Enter,
        key: Annotated[str | None, HeaderParameter(name="Idempotency-Key", max_length=KEY_LENGTH)] = None,
    ) -> Response[Any]:
        caller = await caller_of(request)
        if caller is not None:
            await may_write(request, request.route_handler)
            await managed_event(slug, caller)
            newcomer = newcomer_from_body(data, entrance.languages, by_hand=True)
            registration = await register_by_hand(slug, newcomer, caller.organiser, entrance.now)
            return Response(await registration_by_hand_json(registration), status_code=201)
        newcomer = newcomer_from_body(data, entrance.languages)
        outcome = await entrance.register(slug, newcomer, key)
        return Response(outcome, status_code=201)

    @get("/events/{slug:str}/registrations", guards=[signed_in], summary="The attendee list")
    async def list_registrations(
        self,
        managed: Managed,
        caller: Calling,
        status: FromQuery[RegistrationStatus | None] = None,
        group: FromQuery[str] = "",
        attendance: FromQuery[Attendance | None] = None,
        q: Annotated[str, QueryParameter(max_length=200)] = "",
        cursor: FromQuery[str | None] = None,
        limit: Limit = 100,
        special: Special = False,
    ) -> Json:
        shows_addresses = caller.organiser.role != Role.HELPER
        found = await attendees(
            managed,
            AttendeeFilter(status or "", group, attendance or "", "", q),
            after=_number_cursor(cursor) if cursor else 0,
            limit=limit + 1,
            with_addresses=shows_addresses,
        )
        page = found[:limit]
        return {
            "items": [
                registration_json(managed, attendee, shows_addresses, with_special=special)
                for attendee in page
            ],
            "next": _cursor(str(page[-1].registration.arrival)) if len(found) > limit else None,
            "counts": await counts_by_status(managed.id),
        }

    @get("/events/{slug:str}/registrations.csv", guards=[no_helper], summary="The attendee list as CSV")
    async def csv(self, managed: Managed, special: Special = False) -> Stream:
        return csv_download(managed, AttendeeFilter(), with_special=special)

    @get("/events/{slug:str}/messages", guards=[no_helper], summary="The outbox of an event")
    async def messages(
        self,
        managed: Managed,
        status: FromQuery[MessageStatus | None] = None,
        cursor: FromQuery[str | None] = None,
        limit: Limit = 100,
    ) -> Json:
        found = await messages_of(
            managed.id, status=status, after=_message_cursor(cursor) if cursor else None, limit=limit + 1
        )
        page = found[:limit]
        last = page[-1] if len(found) > limit else None
        return {
            "items": [message_json(managed, message) for message in page],
            "next": _cursor(f"{last.created_at.isoformat()} {last.id}") if last else None,
        }

    @patch(
        "/registrations/{registration_id:uuid}", guards=[may_write], summary="Change a registration by hand"
    )
    async def edit(
        self,
        registration_id: FromPath[UUID],
        data: JSONBody[RegistrationPatch],
        caller: Calling,
        now: Now,
        languages: Languages,
    ) -> Json:
        await managed_registration(registration_id, caller)
        edit = edit_from_patch(data, languages)
        return await registration_by_hand_json(
            await editing.edit(registration_id, edit, caller.organiser, now)
        )

    @post(
        "/registrations/{registration_id:uuid}/cancellation",
        guards=[may_write],
        status_code=200,
        summary="Cancel a registration",
    )
    async def cancel(self, registration_id: FromPath[UUID], caller: Calling, now: Now) -> Json:
        await managed_registration(registration_id, caller)
        return await registration_by_hand_json(await actions.cancel(registration_id, now, caller.organiser))


def shown_in(request: AnyRequest, now: datetime, offered: tuple[Language, ...], base_url: str) -> Shown:
    """How events are shown to this caller: `?lang=`, else `Accept-Language`, else the event's own language."""
    by_code = {language.code: language for language in offered}
    asked = by_code.get(request.query_params.get("lang", ""))
    header = request.headers.get("Accept-Language", "")

    def shown(event: EventDetails) -> Json:
        own = by_code.get(event.default_language, offered[0])
        language = asked or (negotiate(header, offered, own) if header else own)
        texts = event.description or {}
        source = (
            texts.get(language.code) or texts.get(event.default_language) or next(iter(texts.values()), "")
        )
        body = event_json(event, language.code, str(markdown(source)), base_url, now)
        return body | {"questions": questions_json(event, language.code)}

    return shown


def registration_json(
    event: EventDetails, attendee: Attendee, shows_addresses: bool = True, *, with_special: bool = False
) -> Json:
    """The `Registration` of the API; helpers see neither address nor answers.

    Answers of special categories stand in `special_answers`, `with_special` alone.
    """
    row = attendee.registration
    questions = questions_of(event)
    body: Json = {
        "id": str(row.id),
        "number": row.number,
        "name": row.name,
        "status": row.status,
        "attendance": row.attendance,
        "attendance_wished": row.attendance_wished,
        "seats": row.seats,
        "language": row.language,
        "groups": attendee.groups,
        "wishes": row.wishes,
        "registered_at": _in_zone(row.registered_at, event),
    }
    if shows_addresses:
        answers, special_answers = visible(questions, row.answers, row.special_answers)
        consents = {q.key: q.key in attendee.consents for q in questions if q.type == "consent"}
        body |= {
            "email": row.email,
            "online_access": row.online_access,
            "answers": answers,
            "consents": consents,
        }
        if with_special:
            body["special_answers"] = special_answers
    if attendee.waitlist_position is not None:
        body["waitlist_position"] = attendee.waitlist_position
    return body


def message_json(event: EventDetails, message: Message) -> Json:
    return {
        "to": message.recipient,
        "kind": message.kind,
        "status": message.status,
        "attempts": message.attempts,
        "due_at": _in_zone(message.due_at, event),
        "sent_at": _in_zone(message.sent_at, event) if message.sent_at else None,
        "last_error": message.last_error,
    }


async def registration_by_hand_json(registration: Registration) -> Json:
    event = await details_of(await event_by_id(registration.event))
    return registration_json(event, await attendee(event, registration))


def csv_download(event: EventDetails, wanted: AttendeeFilter, *, with_special: bool = False) -> Stream:
    return Stream(
        csv_lines(event, wanted, with_special=with_special),
        media_type="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="{event.slug}.csv"',
            "Cache-Control": "no-store",
        },
    )


def _in_zone(at: datetime, event: EventDetails) -> str:
    return at.astimezone(ZoneInfo(event.timezone)).isoformat()


def _day_or_instant(name: str, text: str, added: timedelta) -> datetime:
    """A day counts from its first instant in UTC."""
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC) + added
        at = datetime.fromisoformat(text.replace(" ", "+"))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise FormInvalid([(name, "invalid")]) from None


def _cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        raise FormInvalid([("cursor", "invalid")]) from None


def _event_cursor(cursor: str) -> tuple[datetime, int]:
    try:
        at, event_id = _read_cursor(cursor).split()
        return datetime.fromtimestamp(float(at), UTC), int(event_id)
    except (ValueError, OverflowError, OSError):
        raise FormInvalid([("cursor", "invalid")]) from None


def _message_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        at, message_id = _read_cursor(cursor).split()
        return datetime.fromisoformat(at), UUID(message_id)
    except ValueError:
        raise FormInvalid([("cursor", "invalid")]) from None


def _number_cursor(cursor: str) -> int:
    text = _read_cursor(cursor)
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise FormInvalid([("cursor", "invalid")])
    return int(text)
