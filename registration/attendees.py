"""The attendee list: filtered, in order of arrival, page by page, and as CSV that a spreadsheet opens safely."""

import csv
import io
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from piccolo.columns.combination import WhereRaw

from events.details import EventDetails
from events.rules import Attendance
from registration.answer_columns import AnswerColumns
from registration.consents import consents_in
from registration.errors import RegistrationUnknown
from registration.queries import groups_held, groups_shown, position, positions
from registration.questions import questions_of
from registration.rules import ACTIVE
from registration.tables import Consent, Registration
from registration.undeliverable import undeliverable

CSV_FIELDS = (
    "number",
    "name",
    "email",
    "status",
    "attendance",
    "seats",
    "language",
    "registered_at",
    "online_access",
)
NOBODY = UUID(int=0)
FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


TO_CALL = (
    Registration.status.is_in([status.value for status in ACTIVE])
    & (Registration.attendance == Attendance.ONLINE.value)
    & (Registration.online_access.is_not_null() | Registration.email.is_null())
)
"""Who takes part online and said that they cannot, or only by phone, or has no e-mail address to be told by."""

PHONE = re.compile(
    r"\b((tele)?phones?\b|telefon|handy|rufnummer|tel\b|mobil(e|funk)?[ -]?(phone|number|nummer|telefon))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class AttendeeFilter:
    """What is asked of the list; empty values ask nothing. `q` is part of a name, an address or a number.

    `undeliverable` leaves only those whom mails do not reach, `to_call` those who are `to_call`.
    """

    status: str = ""
    group: str = ""
    attendance: str = ""
    language: str = ""
    q: str = ""
    undeliverable: bool = False
    to_call: bool = False


@dataclass(frozen=True)
class Attendee:
    """A registration with its groups by session, its place on the waitlist, and its standing consents by key.

    `undeliverable` is why the last mail to its address did not reach it.
    """

    registration: Registration
    groups: dict[str, str | None]
    waitlist_position: int | None
    consents: Mapping[str, Consent] = field(default_factory=dict)
    undeliverable: str | None = None


async def attendees(
    event: EventDetails,
    wanted: AttendeeFilter,
    *,
    after: int = 0,
    limit: int = 100,
    with_addresses: bool = True,
) -> list[Attendee]:
    """The next `limit` attendees whose arrival is after `after`, in order of arrival.

    Without addresses (for helpers) the search does not look into them either.
    """
    query = (
        Registration.objects()
        .where((Registration.event == event.id) & (Registration.arrival > after))
        .order_by(Registration.arrival)
        .limit(limit)
        .output(load_json=True)
    )
    for column, value in (
        (Registration.status, wanted.status),
        (Registration.attendance, wanted.attendance),
        (Registration.language, wanted.language),
    ):
        if value:
            query = query.where(column == value)
    if wanted.group:
        query = query.where(
            WhereRaw(
                "EXISTS (SELECT 1 FROM group_seat s JOIN group_slot t ON t.id = s.slot JOIN session i"
                " ON i.id = t.session LEFT JOIN working_group g ON g.id = t.group"
                " WHERE s.registration = registration.id AND coalesce(g.key, i.key) = {})",
                wanted.group,
            )
        )
    if wanted.undeliverable:
        query = query.where(Registration.id.is_in(list(await undeliverable(event.id)) or [NOBODY]))
    if wanted.to_call:
        query = query.where(TO_CALL)
    if wanted.q:
        query = query.where(_search(wanted.q, with_addresses))
    rows = await query
    held = await groups_held(row.id for row in rows)
    places = await positions(rows)
    consents = await consents_in(event, rows)
    unreached = await undeliverable(event.id, (row.id for row in rows))
    return [
        Attendee(
            row,
            groups_shown(event, row, held.get(row.id, {})),
            places.get(row.id),
            consents.get(row.id, {}),
            unreached.get(row.id),
        )
        for row in rows
    ]


async def count_to_call(event_id: int) -> int:
    """How many registrations of the event are `TO_CALL`."""
    return int(await Registration.count().where((Registration.event == event_id) & TO_CALL))


def phone_of(event: EventDetails, registration: Registration) -> str | None:
    """The telephone number that was given in answer to a question for one, known by its key or its words."""
    for question in questions_of(event):
        answer = registration.answers.get(question.key) or registration.special_answers.get(question.key)
        said = [question.key, *question.label.values()]
        if question.type in ("text", "number") and answer and any(map(PHONE.search, said)):
            return str(answer)
    return None


async def csv_lines(
    event: EventDetails, wanted: AttendeeFilter, *, with_special: bool = False
) -> AsyncIterator[bytes]:
    """The list as CSV: UTF-8 with BOM, semicolons, CRLF; no cell begins like a formula. Times are local.

    Answers of special categories stand in it only `with_special`.
    """
    answers = AnswerColumns(event, with_special=with_special)
    sessions = [session.key for session in event.wish_sessions]
    yield "\ufeff".encode() + _csv_row([*CSV_FIELDS, *(f"group:{key}" for key in sessions), *answers.titles])
    after = 0
    while page := await attendees(event, wanted, after=after, limit=500):
        yield b"".join(
            _csv_row(
                [
                    *_cells(event, attendee, sessions),
                    *answers.cells(attendee.registration, attendee.consents.keys()),
                ]
            )
            for attendee in page
        )
        after = page[-1].registration.arrival


def _cells(event: EventDetails, attendee: Attendee, sessions: Sequence[str]) -> list[str]:
    row = attendee.registration
    registered: datetime = row.registered_at.astimezone(ZoneInfo(event.timezone))
    titles = {
        key: title.get(event.default_language) or next(iter(title.values()))
        for key, title in event.choice_titles.items()
    }
    return [
        row.number,
        row.name,
        row.email or "",
        str(row.status),
        str(row.attendance),
        str(row.seats),
        row.language,
        f"{registered:%Y-%m-%d %H:%M}",
        row.online_access or "",
        *(titles.get(attendee.groups.get(key) or "", "") for key in sessions),
    ]


def _csv_row(cells: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, delimiter=";", lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerow(
        map(safe_cell, cells)
    )
    return line.getvalue().encode()


def safe_cell(text: str) -> str:
    """The text such that no spreadsheet takes it for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _search(q: str, with_addresses: bool) -> Any:
    pattern = "%" + q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    found = Registration.name.ilike(pattern) | Registration.number.ilike(pattern)
    return found | Registration.email.ilike(pattern) if with_addresses else found


async def attendee(event: EventDetails, registration: Registration) -> Attendee:
    """One registration of the event. Raises RegistrationUnknown for one of another event."""
    if registration.event != event.id:
        raise RegistrationUnknown()
    held = (await groups_held([registration.id])).get(registration.id, {})
    consents = (await consents_in(event, [registration])).get(registration.id, {})
    return Attendee(
        registration,
        groups_shown(event, registration, held),
        await position(registration),
        consents,
        (await undeliverable(event.id, [registration.id])).get(registration.id),
    )
