"""A batch of newcomers in the database: read under the event's lock, and written in one statement.

All of it runs inside a transaction.
"""

import base64
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from events.details import EventDetails
from events.queries import details_of, event_by_id
from events.rules import Attendance
from notifications.outbox import share
from registration.decisions import Admitted, Outcome, Past, Request
from registration.facts import Person, event_facts, registration_facts
from registration.limits import Limits
from registration.links import nonce
from registration.queries import slots_of
from registration.questions import Question, questions_of
from registration.rules import RegistrationStatus, Slot

NUMBER_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_TO_NUMBER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", NUMBER_LETTERS)
KIND_OF_NEWS = {
    RegistrationStatus.PENDING: "confirm",
    RegistrationStatus.CONFIRMED: "confirmed",
    RegistrationStatus.WAITLISTED: "waitlisted",
}
NEWS_OF_THE_KNOWN = "already_registered"


def _numbered(statement: str) -> str:
    """The statement as the driver takes it: `$1`, `$2` and so on for each `{}`."""
    first, *parts = statement.split("{}")
    return first + "".join(f"${number}{part}" for number, part in enumerate(parts, 1))


# These go to the driver directly: on the way through Piccolo each would take four times as long.
LOCK = _numbered("""
    SELECT id, version, plan, in_person_limit, online_limit, in_person_taken, online_taken, in_person_waiting,
        online_waiting
    FROM event WHERE slug = {} FOR UPDATE
""")

# What is asked for comes as JSON and not as arrays: of those the planner would look at every single one, and plan for a
# millisecond each time.
READ = _numbered("""
    SELECT
        (SELECT json_agg(json_build_array(id, seat_limit, taken))
            FROM json_array_elements_text({}) AS asked (slot) JOIN group_slot ON id = slot::int) AS slots,
        (SELECT json_agg(found.*) FROM json_array_elements_text({}) AS asked (address) CROSS JOIN LATERAL (
            SELECT there.id, number, name, email, address, language, status, attendance, attendance_wished, seats,
                wishes, sequence, held_until, confirmed_at,
                (SELECT sequence FROM invitation WHERE registration = there.id) AS invited_sequence,
                CASE WHEN status = 'waitlisted' THEN (
                    SELECT count(*) FROM registration AS before WHERE before.event = there.event
                    AND before.status = 'waitlisted' AND before.attendance = there.attendance
                    AND before.arrival <= there.arrival) END AS position,
                (SELECT json_agg(slot) FROM group_seat WHERE group_seat.registration = there.id) AS held
            FROM registration AS there WHERE event = {} AND there.address = asked.address
            AND status IN ('pending', 'confirmed', 'waitlisted') LIMIT 1) AS found) AS known,
        (SELECT json_agg(found.entry) FROM json_array_elements({}) AS asked (pair) CROSS JOIN LATERAL (
            SELECT json_build_array(address, key, body_hash, answer) FROM idempotency_key
            WHERE event = {} AND address = pair ->> 0 AND key = pair ->> 1) AS found (entry)) AS answered,
        (SELECT json_object_agg(subject, times) FROM json_array_elements_text({}) AS asked (subject)
            CROSS JOIN LATERAL (SELECT coalesce(json_agg(at ORDER BY at), '[]') AS times FROM demand
                WHERE demand.subject = asked.subject AND at > {}) AS counted) AS demands,
        (SELECT json_object_agg(asked.client, held) FROM json_array_elements_text({}) AS asked (client)
            CROSS JOIN LATERAL (SELECT coalesce(sum(seats), 0) AS held FROM registration
                WHERE status = 'pending' AND registration.client = asked.client) AS counted) AS unconfirmed
""")

WRITE = _numbered("""
    WITH counted AS (
        UPDATE event SET
            in_person_taken = in_person_taken + {}, online_taken = online_taken + {},
            in_person_waiting = in_person_waiting + {}, online_waiting = online_waiting + {}
        WHERE id = {}
    ), arrived AS (
        INSERT INTO registration (
            id, event, number, name, email, address, language, status, attendance, attendance_wished, online_access,
            seats, wishes, answers, special_answers, held_until, registered_at, confirmed_at, client, confirm_nonce,
            own_nonce, join_nonce
        )
        SELECT id, {}, number, name, email, address, language, status, attendance, wished, access, seats, wishes,
            answers, special, held_until, registered_at, confirmed_at, client, one, two, three
        FROM unnest(
            {}::uuid[], {}::text[], {}::text[], {}::text[], {}::text[], {}::text[], {}::text[], {}::text[], {}::text[],
            {}::text[], {}::int[], {}::jsonb[], {}::jsonb[], {}::jsonb[], {}::timestamptz[], {}::timestamptz[],
            {}::timestamptz[], {}::text[], {}::text[], {}::text[], {}::text[]
        ) WITH ORDINALITY AS new (
            id, number, name, email, address, language, status, attendance, wished, access, seats, wishes, answers,
            special, held_until, registered_at, confirmed_at, client, one, two, three, place
        ) ORDER BY place
        RETURNING id, status
    ), invited AS (
        INSERT INTO invitation (registration, sequence) SELECT id, {}::int FROM arrived WHERE status = 'confirmed'
    ), grouped AS (
        INSERT INTO group_seat (registration, slot, seats)
        SELECT * FROM unnest({}::uuid[], {}::int[], {}::int[])
    ), filled AS (
        UPDATE group_slot SET taken = taken + new.seats FROM unnest({}::int[], {}::int[]) AS new (slot, seats)
        WHERE group_slot.id = new.slot
    ), agreed AS (
        INSERT INTO consent (registration, key, text_hash, language, given_at)
        SELECT * FROM unnest({}::uuid[], {}::text[], {}::text[], {}::text[], {}::timestamptz[])
    ), answered AS (
        INSERT INTO idempotency_key (event, address, key, body_hash, answer)
        SELECT {}, * FROM unnest({}::text[], {}::text[], {}::text[], {}::jsonb[])
    ), demanded AS (
        INSERT INTO demand (subject, at) SELECT * FROM unnest({}::text[], {}::timestamptz[])
    )
    INSERT INTO message (
        kind, about, event_id, recipient, recipient_name, language, context, shared, created_at, due_at
    )
    SELECT kind, about, {}, recipient, name, language, context, {}, clock_timestamp(), clock_timestamp()
    FROM unnest({}::text[], {}::uuid[], {}::text[], {}::text[], {}::text[], {}::jsonb[])
        AS new (kind, about, recipient, name, language, context)
""")


Connection = Any
"""Of asyncpg, with the transaction open."""

Groups = dict[str, str | None]
"""The group by session, `None` where one is wished and none is held."""


@dataclass(frozen=True)
class Programme:
    """What of an event changes with its version and its plan alone, made ready for many batches."""

    event: EventDetails
    slots: list[Slot]
    questions: tuple[Question, ...]
    shared: int
    places: dict[int, tuple[str, str]]
    """Session and group of each slot."""
    plan: str | None
    """The event's plan as its row holds it: reports change it without raising the version."""


class Known(Person, kw_only=True):
    """One that was there before."""

    address: str
    held: list[int] | None = None


@dataclass
class Present:
    """The event as it stands, and what was there before of those who ask."""

    programme: Programme
    event: EventDetails
    slots: list[Slot]
    past: Past
    known: dict[str, tuple[Person, Groups]]
    """Who is registered, by address, with the groups they hold or wish."""


class Programmes:
    """The programmes of a process, each read again when its event has another version or plan."""

    MOST = 100

    def __init__(self) -> None:
        self._programmes: dict[int, Programme] = {}

    async def of(self, event_id: int, version: int, plan: str | None) -> Programme:
        programme = self._programmes.get(event_id)
        if programme is None or (programme.event.version, programme.plan) != (version, plan):
            if len(self._programmes) >= self.MOST:
                self._programmes.clear()
            programme = self._programmes[event_id] = await _read_programme(event_id, plan)
        return programme

    def forget(self) -> None:
        """Has everything read again, as after a batch that failed."""
        self._programmes.clear()


async def _read_programme(event_id: int, plan: str | None) -> Programme:
    event = await details_of(await event_by_id(event_id))
    slots = slots_of(event)
    return Programme(
        event,
        slots,
        questions_of(event),
        await share({"event": event_facts(event)}, event_id),
        {slot.id: (slot.session, slot.group) for slot in slots},
        plan,
    )


async def locked(
    connection: Connection, slug: str, programmes: Programmes
) -> tuple[Programme, EventDetails] | None:
    """Locks the event's row; the event with its counters as they stand, `None` where there is none."""
    row = await connection.fetchrow(LOCK, slug)
    if row is None:
        return None
    counters = dict(row)
    programme = await programmes.of(row["id"], row["version"], counters.pop("plan"))
    return programme, replace(programme.event, **counters)


async def read(
    connection: Connection,
    programme: Programme,
    event: EventDetails,
    requests: Sequence[Request],
    limits: Limits,
) -> Present:
    """What the decision needs to know, as of now."""
    keys = [(request.newcomer.address, request.key) for request in requests if request.key is not None]
    clients = {request.client for request in requests if request.client is not None}
    subjects = clients | {request.mailbox for request in requests if request.mailbox is not None}
    row = await connection.fetchrow(
        READ,
        _json([slot.id for slot in programme.slots]),
        _json([request.newcomer.address for request in requests]),
        event.id,
        _json(keys),
        event.id,
        _json(list(subjects)),
        requests[0].at - limits.window,
        _json(list(clients)),
    )
    found = {name: msgspec.json.decode(value) if value else [] for name, value in row.items()}
    known = msgspec.convert(found["known"], list[Known], strict=False)
    taken = {slot: (limit, seats) for slot, limit, seats in found["slots"]}
    return Present(
        programme,
        event,
        [_as_it_stands(slot, *taken[slot.id]) for slot in programme.slots],
        Past(
            known={person.address for person in known},
            answered={
                (address, key): (body, msgspec.convert(answer, Outcome))
                for address, key, body, answer in found["answered"]
            },
            demands=msgspec.convert(found["demands"] or {}, dict[str, list[datetime]]),
            unconfirmed=found["unconfirmed"] or {},
        ),
        {person.address: (person, _groups_held(programme, person)) for person in known},
    )


def _as_it_stands(slot: Slot, limit: int | None, taken: int) -> Slot:
    free = None if limit is None else max(0, limit - taken)
    return slot if free == slot.free else replace(slot, free=free)


@dataclass
class _Rows:
    """What is written: one tuple per row, in the order of the columns of `WRITE`."""

    registrations: list[tuple[Any, ...]] = field(default_factory=list)
    seats: list[tuple[UUID, int, int]] = field(default_factory=list)
    consents: list[tuple[Any, ...]] = field(default_factory=list)
    keys: list[tuple[Any, ...]] = field(default_factory=list)
    demands: list[tuple[str, datetime]] = field(default_factory=list)
    messages: list[tuple[Any, ...]] = field(default_factory=list)


async def write(
    connection: Connection, present: Present, admitted: Iterable[tuple[Request, Admitted]]
) -> None:
    """Writes registrations, seats, consents, counters, answers to keys, counts of the limits and mails."""
    event, rows, there = present.event, _Rows(), dict(present.known)
    taken: Counter[Attendance] = Counter()
    waiting: Counter[Attendance] = Counter()
    for request, admission in admitted:
        newcomer, outcome = request.newcomer, admission.outcome
        if admission.is_known:
            _tell(rows, event, NEWS_OF_THE_KNOWN, *there[str(newcomer.address)])
        else:
            person = _arrive(rows, event, request, admission)
            there[str(newcomer.address)] = person, outcome.groups
            _tell(rows, event, KIND_OF_NEWS[outcome.status], person, outcome.groups)
            if outcome.status is RegistrationStatus.WAITLISTED:
                waiting[admission.attendance] += 1
            else:
                taken[admission.attendance] += newcomer.seats
        if request.key is not None:
            answer = msgspec.json.encode(outcome).decode()
            rows.keys.append((newcomer.address, request.key, request.body, answer))
        rows.demands += [
            (subject, request.at) for subject in (request.client, request.mailbox) if subject is not None
        ]
    slots: Counter[int] = Counter()
    for _, slot, seats in rows.seats:
        slots[slot] += seats
    await connection.execute(
        WRITE,
        taken[Attendance.IN_PERSON],
        taken[Attendance.ONLINE],
        waiting[Attendance.IN_PERSON],
        waiting[Attendance.ONLINE],
        event.id,
        event.id,
        *_columns(rows.registrations, 21),
        event.sequence,
        *_columns(rows.seats, 3),
        list(slots),
        list(slots.values()),
        *_columns(rows.consents, 5),
        event.id,
        *_columns(rows.keys, 4),
        *_columns(rows.demands, 2),
        event.id,
        present.programme.shared,
        *_columns(rows.messages, 6),
    )


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> Iterable[Sequence[Any]]:
    return zip(*rows, strict=True) if rows else [()] * width


def _arrive(rows: _Rows, event: EventDetails, request: Request, admission: Admitted) -> Person:
    newcomer, outcome = request.newcomer, admission.outcome
    assert newcomer.email is not None
    confirmed_at = None if event.confirm_email else request.at
    person = Person(
        id=uuid4(),
        number=number(),
        name=newcomer.name,
        email=newcomer.email,
        language=newcomer.language or event.default_language,
        status=outcome.status,
        attendance=admission.attendance,
        attendance_wished=newcomer.wished(event),
        seats=newcomer.seats,
        wishes={session: list(groups) for session, groups in newcomer.wishes.items()},
        held_until=outcome.held_until,
        confirmed_at=confirmed_at,
        position=admission.position,
    )
    rows.registrations.append(
        (
            person.id,
            person.number,
            person.name,
            person.email,
            newcomer.address,
            person.language,
            person.status,
            person.attendance,
            person.attendance_wished,
            newcomer.online_access,
            person.seats,
            _json(person.wishes),
            _json(admission.accepted.answers),
            _json(admission.accepted.special_answers),
            person.held_until,
            request.at,
            confirmed_at,
            request.client if outcome.held_until else None,
            nonce(),
            nonce(),
            nonce(),
        )
    )
    rows.seats += [(person.id, slot.id, newcomer.seats) for slot in admission.slots]
    rows.consents += [(person.id, *agreed, request.at) for agreed in admission.accepted.consents]
    return person


def _tell(rows: _Rows, event: EventDetails, kind: str, person: Person, groups: Groups) -> None:
    facts = registration_facts(person, event, groups, person.position, person.invited_sequence)
    context = _json({"registration": facts})
    rows.messages.append((kind, person.id, person.email, person.name, person.language, context))


def _groups_held(programme: Programme, person: Known) -> Groups:
    held = dict(programme.places[slot] for slot in person.held or ())
    sessions = {slot.session: None for slot in programme.slots}
    return {session: held.get(session) for session in sessions if session in held or session in person.wishes}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def number() -> str:
    """A new number to say on the phone, of 40 random bits."""
    letters = base64.b32encode(secrets.token_bytes(5)).decode().translate(_TO_NUMBER)
    return f"{letters[:4]}-{letters[4:]}"
