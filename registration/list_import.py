"""People of a list, registered together: what would become of each, and the one transaction that does it."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import uuid4

import msgspec

from events.actions import record
from events.details import EventDetails
from events.errors import EventCancelled
from events.queries import details_of, event_by_id
from events.rules import Attendance, EventStatus
from events.tables import Event, Organiser
from registration.actions import keeps_personal_data
from registration.arrivals import number
from registration.decisions import first_come
from registration.links import nonce
from registration.list_columns import Candidate
from registration.messages import tell
from registration.queries import ACTIVE_VALUES, slots_of
from registration.rules import Slot, attendance_or_default, with_seats_taken
from registration.seats import Taking, count, raise_limit, take_groups
from registration.tables import Registration


class Verdict(StrEnum):
    """What becomes of a row. Only `NEW` ones are registered."""

    NEW = "new"
    ADDRESS_KNOWN = "address-known"
    """The address is on the event's list."""
    ADDRESS_REPEATED = "address-repeated"
    """The address stands in an earlier row."""
    NAME_KNOWN = "name-known"
    """Without an address, and the name is on the list or in an earlier row: registered where somebody says so."""
    NOT_COMING = "not-coming"
    """The list says that they have cancelled or wait."""
    INVALID = "invalid"


@dataclass(frozen=True)
class Planned:
    """What becomes of a candidate; `slots` are the groups that it gets at once."""

    candidate: Candidate
    verdict: Verdict
    slots: tuple[Slot, ...] = ()


@dataclass(frozen=True)
class Plan:
    rows: tuple[Planned, ...] = ()
    needed: Mapping[Attendance, int] = field(default_factory=dict)
    """The seats that all new ones need."""

    def count(self, verdict: str) -> int:
        return sum(row.verdict == verdict for row in self.rows)

    @property
    def new(self) -> list[Planned]:
        return [row for row in self.rows if row.verdict is Verdict.NEW]

    @property
    def left_out(self) -> list[Planned]:
        return [row for row in self.rows if row.verdict is not Verdict.NEW]


def planned(
    event: EventDetails,
    people: Iterable[Candidate],
    addresses: Collection[str],
    names: Collection[str],
    also: Collection[int] = (),
) -> Plan:
    """What becomes of each, in order. `addresses` and `names` (case folded) are on the list already; `also` are rows
    whose name is known and who are others all the same."""
    listed, earlier, called = set(addresses), set[str](), set(names)
    slots: Sequence[Slot] = slots_of(event)
    rows, needed = [], Counter[Attendance]()
    for one in people:
        newcomer = one.newcomer
        chosen: tuple[Slot, ...] = ()
        verdict = Verdict.NEW
        if not one.comes:
            verdict = Verdict.NOT_COMING
        elif newcomer is None:
            verdict = Verdict.INVALID
        elif newcomer.address in listed:
            verdict = Verdict.ADDRESS_KNOWN
        elif newcomer.address in earlier:
            verdict = Verdict.ADDRESS_REPEATED
        elif newcomer.address is None and _folded(newcomer.name) in called and one.number not in also:
            verdict = Verdict.NAME_KNOWN
        elif newcomer.address is not None:
            earlier.add(newcomer.address)
        if newcomer is not None and verdict is Verdict.NEW:
            called.add(_folded(newcomer.name))
            needed[attendance_or_default(event.mode, newcomer.attendance)] += newcomer.seats
            chosen = tuple(slot for slot in first_come(event, newcomer, slots).values() if slot)
            slots = with_seats_taken(slots, chosen, newcomer.seats)
        rows.append(Planned(one, verdict, chosen))
    return Plan(tuple(rows), needed)


async def plan(event: EventDetails, people: Sequence[Candidate], also: Collection[int] = ()) -> Plan:
    """As `planned`, with who is on the list at the moment."""
    rows = await Registration.raw(
        "SELECT name, address FROM registration WHERE event = {} AND status = ANY({})",
        event.id,
        ACTIVE_VALUES,
    )
    addresses = {row["address"] for row in rows if row["address"]}
    return planned(event, people, addresses, {_folded(row["name"]) for row in rows}, also)


async def import_people(
    event_id: int,
    people: Sequence[Candidate],
    also: Collection[int],
    by: Organiser,
    now: datetime,
    *,
    tells: bool,
) -> Plan:
    """Registers all new ones as by hand, all or none: confirmed, beyond the capacity, groups by wish.

    They are told by mail where `tells` says so. Raises EventUnknown and EventCancelled.
    """
    async with Event._meta.db.transaction():
        event = await details_of(await event_by_id(event_id, locked=True))
        if event.status is EventStatus.CANCELLED:
            raise EventCancelled()
        done = await plan(event, people, also)
        if done.new:
            await _register(event, done, by, now, tells)
        return done


INSERT = """
    INSERT INTO registration (id, event, number, name, email, address, language, status, attendance,
        attendance_wished, seats, wishes, registered_at, confirmed_at, registered_by, confirm_nonce, own_nonce,
        join_nonce)
    SELECT id, {}, number, name, email, address, language, 'confirmed', attendance, wished, seats, wishes::jsonb,
        {}, {}, {}, confirm_nonce, own_nonce, join_nonce
    FROM unnest({}::uuid[], {}::text[], {}::text[], {}::text[], {}::text[], {}::text[], {}::text[], {}::text[],
        {}::int[], {}::text[], {}::text[], {}::text[], {}::text[]) WITH ORDINALITY AS new (id, number, name, email,
        address, language, attendance, wished, seats, wishes, confirm_nonce, own_nonce, join_nonce, place)
    ORDER BY place
"""
"""Thousands of rows at once: Piccolo's own insert would take seconds of our time."""


async def _register(event: EventDetails, done: Plan, by: Organiser, now: datetime, tells: bool) -> None:
    rows, takings = [], []
    for one in done.new:
        newcomer = one.candidate.newcomer
        assert newcomer is not None
        registration_id = uuid4()
        rows.append(
            (
                registration_id,
                number(),
                newcomer.name,
                newcomer.email,
                newcomer.address,
                newcomer.language or event.default_language,
                attendance_or_default(event.mode, newcomer.attendance).value,
                wished.value if (wished := newcomer.wished(event)) else None,
                newcomer.seats,
                msgspec.json.encode(newcomer.wishes).decode(),
                *(nonce() for _ in range(3)),
            )
        )
        takings.append(Taking(registration_id, newcomer.seats, one.slots))
    for attendance, seats in done.needed.items():
        await raise_limit(event, attendance, seats)
        await count(event.id, attendance, seats=seats)
    await Registration.raw(INSERT, event.id, now, now, by.id, *map(list, zip(*rows, strict=True)))
    await take_groups(*takings)
    await keeps_personal_data(event.id)
    await record(await event_by_id(event.id), by, now, "list_imported", registrations=len(rows))
    if tells:
        event = await details_of(await event_by_id(event.id))
        await tell("confirmed", event, [taking.registration_id for taking in takings])


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
