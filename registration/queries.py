"""Reads of registrations."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from events.details import EventDetails, SessionDetails, SlotDetails
from events.rules import Attendance
from registration.errors import RegistrationUnknown
from registration.rules import ACTIVE, RegistrationStatus, Slot
from registration.tables import GroupSeat, Invitation, Registration

ACTIVE_VALUES = [status.value for status in ACTIVE]


def slots_of(event: EventDetails) -> list[Slot]:
    """Every group in every session, in the order of the programme, with its free seats.

    A session that one signs up for is a slot whose group has the key of the session.
    """
    return [
        Slot(session.key, key, session.starts_at, session.ends_at, slot.seats_left, slot.id)
        for session in event.sessions
        for key, slot in _choices(event, session)
    ]


def _choices(event: EventDetails, session: SessionDetails) -> Iterator[tuple[str, SlotDetails]]:
    if session.slot is not None:
        yield session.key, session.slot
    for group in event.groups_in(session.key):
        for slot in group.slots:
            if slot.session == session.key:
                yield group.key, slot


async def registration_by_id(registration_id: UUID, *, locked: bool = False) -> Registration:
    """Raises RegistrationUnknown."""
    query = Registration.objects().where(Registration.id == registration_id).output(load_json=True).first()
    registration = await (query.lock_rows("UPDATE") if locked else query)
    if registration is None:
        raise RegistrationUnknown()
    return registration


async def active_registration(event_id: int, address: str) -> Registration | None:
    """The one registration of an address that is pending, confirmed or waitlisted."""
    return (
        await Registration.objects()
        .where(
            (Registration.event == event_id)
            & (Registration.address == address)
            & (Registration.status.is_in(ACTIVE_VALUES))
        )
        .output(load_json=True)
        .first()
    )


async def groups_held(registration_ids: Iterable[UUID]) -> dict[UUID, dict[str, str]]:
    """The group key by session key of each registration; of a session that one signs up for, its own key."""
    rows = await GroupSeat.raw(
        "SELECT seat.registration, session.key AS session, coalesce(working_group.key, session.key) AS group_key"
        " FROM group_seat seat"
        " JOIN group_slot slot ON slot.id = seat.slot JOIN session ON session.id = slot.session"
        ' LEFT JOIN working_group ON working_group.id = slot."group" WHERE seat.registration = ANY({}::uuid[])',
        list(registration_ids),
    )
    held: dict[UUID, dict[str, str]] = defaultdict(dict)
    for row in rows:
        held[row["registration"]][row["session"]] = row["group_key"]
    return held


@dataclass(frozen=True)
class Seated:
    """Somebody with seats in a group or an optional session."""

    id: UUID
    name: str
    seats: int
    status: RegistrationStatus
    locked: bool


async def people_in_groups(event_id: int) -> dict[int, list[Seated]]:
    """Who is in each slot, by name."""
    rows = await GroupSeat.raw(
        "SELECT seat.slot, person.id, person.name, seat.seats, person.status, seat.locked FROM group_seat AS seat"
        " JOIN registration AS person ON person.id = seat.registration WHERE person.event = {}"
        " ORDER BY lower(person.name), person.arrival",
        event_id,
    )
    people: dict[int, list[Seated]] = defaultdict(list)
    for row in rows:
        people[row["slot"]].append(
            Seated(row["id"], row["name"], row["seats"], RegistrationStatus(row["status"]), row["locked"])
        )
    return dict(people)


async def names_of(event_id: int) -> dict[str, str]:
    """The name of each registration of an event, by its id as text."""
    rows = await Registration.select(Registration.id, Registration.name).where(Registration.event == event_id)
    return {str(row["id"]): row["name"] for row in rows}


def groups_shown(
    event: EventDetails, registration: Registration, held: dict[str, str]
) -> dict[str, str | None]:
    """By session: the group held, or `None` where one was wished and none is held."""
    sessions = [session.key for session in event.wish_sessions]
    return {key: held.get(key) for key in sessions if key in held or registration.wishes.get(key)}


async def is_invited(registration_id: UUID) -> bool:
    """Whether a calendar REQUEST was put out to the person."""
    return await Invitation.exists().where(Invitation.registration == registration_id)


async def position(registration: Registration) -> int | None:
    """The place on the waitlist, counted from 1; `None` for who does not wait."""
    if registration.status != RegistrationStatus.WAITLISTED:
        return None
    return int(
        await Registration.count().where(
            (Registration.event == registration.event)
            & (Registration.status == RegistrationStatus.WAITLISTED.value)
            & (Registration.attendance == registration.attendance)
            & (Registration.arrival <= registration.arrival)
        )
    )


async def positions(registrations: Sequence[Registration]) -> dict[UUID, int]:
    """The place on the waitlist of each of these registrations of one event that waits."""
    waiting = [row for row in registrations if row.status == RegistrationStatus.WAITLISTED]
    if len(waiting) < 2:
        return {row.id: place for row in waiting if (place := await position(row))}
    rows = await Registration.raw(
        "SELECT id, place FROM (SELECT id, row_number() OVER (PARTITION BY attendance ORDER BY arrival) AS place"
        " FROM registration WHERE event = {} AND status = 'waitlisted') AS line WHERE id = ANY({}::uuid[])",
        waiting[0].event,
        [row.id for row in waiting],
    )
    return {row["id"]: row["place"] for row in rows}


class Waiter(NamedTuple):
    """Somebody on the waitlist; `wishes` are group keys in order of wish, by session key."""

    id: UUID
    arrival: int
    seats: int
    wishes: Mapping[str, Sequence[str]]
    confirmed_at: datetime | None


async def waitlist(event_id: int, attendance: Attendance) -> list[Waiter]:
    """Who waits for a seat, in order of arrival."""
    rows = await Registration.raw(
        "SELECT id, arrival, seats, wishes, confirmed_at FROM registration"
        " WHERE event = {} AND status = 'waitlisted' AND attendance = {} ORDER BY arrival",
        event_id,
        attendance.value,
    )
    return [Waiter(**{**row, "wishes": msgspec.json.decode(row["wishes"])}) for row in rows]


async def lacking_groups(
    event_id: int, slots: Sequence[int], sessions: int, rising: Sequence[int] = ()
) -> list[Waiter]:
    """Who holds a place, or is among `rising`, and has no group in a session for which they wished one.

    In order of arrival, by which `rising` are named. `slots` are the ids of all slots of the event, `sessions` in how
    many sessions they are.
    """
    rows = await Registration.raw(
        """
        WITH held AS (
            SELECT registration AS id, count(*) AS sessions FROM group_seat WHERE slot = ANY({}::int[]) GROUP BY 1
        )
        SELECT id, arrival, seats, wishes, confirmed_at FROM registration LEFT JOIN held USING (id)
        WHERE event = {} AND (status IN ('pending', 'confirmed') OR arrival = ANY({}::bigint[]))
            AND coalesce(sessions, 0) < {}
            AND (SELECT count(*) FROM jsonb_each(wishes) AS wish WHERE wish.value <> '[]') > coalesce(sessions, 0)
        ORDER BY arrival
        """,
        list(slots),
        event_id,
        list(rising),
        sessions,
    )
    return [Waiter(**{**row, "wishes": msgspec.json.decode(row["wishes"])}) for row in rows]


async def counts_by_status(event_id: int) -> dict[str, int]:
    """How many registrations have each status; zero counts are there too."""
    rows = await Registration.raw(
        "SELECT status, count(*) AS registrations FROM registration WHERE event = {} GROUP BY status",
        event_id,
    )
    found = {row["status"]: row["registrations"] for row in rows}
    return {status.value: found.get(status.value, 0) for status in RegistrationStatus}


async def events_with_lapsed_holds(now: datetime) -> list[int]:
    """Events in which a seat was held for a confirmation that did not come in time."""
    rows = await Registration.raw(
        "SELECT DISTINCT event FROM registration WHERE status = 'pending' AND held_until <= {}", now
    )
    return [row["event"] for row in rows]


async def events_to_fill(now: datetime) -> list[int]:
    """Published events past their deadline and before their start in which somebody waits while seats are free."""
    rows = await Registration.raw(
        "SELECT id FROM event WHERE status = 'published' AND closes_at <= {} AND starts_at > {} AND ("
        " (in_person_waiting > 0 AND (in_person_limit IS NULL OR in_person_taken < in_person_limit)) OR"
        " (online_waiting > 0 AND (online_limit IS NULL OR online_taken < online_limit)))",
        now,
        now,
    )
    return [row["id"] for row in rows]


async def active_ids(event_id: int) -> list[UUID]:
    """The ids of everybody who is pending, confirmed or waitlisted, in order of arrival."""
    rows = await Registration.raw(
        "SELECT id FROM registration WHERE event = {} AND status = ANY({}::text[]) ORDER BY arrival",
        event_id,
        ACTIVE_VALUES,
    )
    return [row["id"] for row in rows]


async def active_registrations(event_id: int) -> list[Registration]:
    """Everybody who is pending, confirmed or waitlisted, in order of arrival."""
    return (
        await Registration.objects()
        .where((Registration.event == event_id) & (Registration.status.is_in(ACTIVE_VALUES)))
        .order_by(Registration.arrival)
        .output(load_json=True)
    )
