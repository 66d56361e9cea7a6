"""Counters of held seats. All of it runs inside a transaction that holds the event's lock."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from piccolo.columns import Integer

from events.details import EventDetails
from events.rules import Attendance, Mode, limits
from events.tables import Event, GroupSlot, Session, WorkingGroup
from registration.rules import Slot
from registration.tables import GroupSeat

TAKEN: dict[Attendance, Integer] = {
    Attendance.IN_PERSON: Event.in_person_taken,
    Attendance.ONLINE: Event.online_taken,
}
WAITING: dict[Attendance, Integer] = {
    Attendance.IN_PERSON: Event.in_person_waiting,
    Attendance.ONLINE: Event.online_waiting,
}


async def count(event_id: int, attendance: Attendance, *, seats: int = 0, waiting: int = 0) -> None:
    """Adds to the event's counters; the database refuses what would oversell."""
    taken, waits = TAKEN[attendance], WAITING[attendance]
    await Event.update({taken: taken + seats, waits: waits + waiting}).where(Event.id == event_id)


async def settle_limits(event: EventDetails) -> EventDetails:
    """Lets limits that a switch has exceeded sink with what is held; answers with the event as it is then."""
    base = limits(
        event.mode,
        event.base_mode,
        event.capacity,
        event.digital_capacity,
        event.hybrid_capacity,
        event.came_back,
    )
    if base.online is None or event.online_limit is None or event.online_limit <= base.online:
        return event
    settled = max(base.online, event.online_taken)
    await Event.update({Event.online_limit: settled}).where(Event.id == event.id)
    return replace(event, online_limit=settled)


async def set_group_limits(event_id: int, mode: Mode) -> None:
    """What a mode gives each group; seats that are held in it stay, and its limit sinks with them."""
    await GroupSlot.raw(
        """
        UPDATE group_slot
        SET seat_limit = CASE WHEN given.places IS NOT NULL THEN greatest(given.places, taken) END
        FROM (SELECT id, CASE WHEN {} AND digital_capacity IS NOT NULL THEN digital_capacity ELSE capacity END AS places
            FROM working_group WHERE event = {}) AS given
        WHERE given.id = group_slot."group"
        AND seat_limit IS DISTINCT FROM CASE WHEN given.places IS NOT NULL THEN greatest(given.places, taken) END
        """,
        mode is Mode.DIGITAL,
        event_id,
    )


class Taking(NamedTuple):
    """Seats of a registration in groups."""

    registration_id: UUID
    seats: int
    slots: Sequence[Slot]
    locked: Collection[int] = ()
    """The ids of the slots in which every assignment keeps them."""


async def take_groups(*takings: Taking) -> None:
    """Gives each registration its seats in groups."""
    rows = [
        (taking.registration_id, slot.id, taking.seats, slot.id in taking.locked)
        for taking in takings
        for slot in taking.slots
    ]
    if not rows:
        return
    sums: Counter[int] = Counter()
    for _, slot_id, seats, _ in rows:
        sums[slot_id] += seats
    for slot_id, seats in sums.items():
        await GroupSlot.update({GroupSlot.taken: GroupSlot.taken + seats}).where(GroupSlot.id == slot_id)
    await GroupSeat.raw(
        "INSERT INTO group_seat (registration, slot, seats, locked)"
        " SELECT * FROM unnest({}::uuid[], {}::int[], {}::int[], {}::bool[])",
        *map(list, zip(*rows, strict=True)),
    )


async def leave_groups(registration_id: UUID, slots: Iterable[Slot] | None = None) -> None:
    """Takes the registration's seats in groups back, in some slots or in all."""
    seats = GroupSeat.delete().where(GroupSeat.registration == registration_id)
    if slots is not None:
        seats = seats.where(GroupSeat.slot.is_in([slot.id for slot in slots]))
    for row in await seats.returning(GroupSeat.slot, GroupSeat.seats):
        await GroupSlot.update({GroupSlot.taken: GroupSlot.taken - row["seats"]}).where(
            GroupSlot.id == row["slot"]
        )


async def leave_slots(leaving: Sequence[tuple[UUID, int]]) -> None:
    """Takes the seats of many registrations back, each in a slot."""
    rows = await GroupSeat.raw(
        "DELETE FROM group_seat WHERE (registration, slot) IN (SELECT * FROM unnest({}::uuid[], {}::int[]))"
        " RETURNING slot, seats",
        [registration for registration, _ in leaving],
        [slot for _, slot in leaving],
    )
    sums: Counter[int] = Counter()
    for row in rows:
        sums[row["slot"]] += row["seats"]
    for slot_id, seats in sums.items():
        await GroupSlot.update({GroupSlot.taken: GroupSlot.taken - seats}).where(GroupSlot.id == slot_id)


async def raise_limit(event: EventDetails, attendance: Attendance, seats: int) -> None:
    """Makes room for `seats` more, beyond the capacity, as somebody decided by hand."""
    limit, needed = event.limit(attendance), event.taken(attendance) + seats
    if limit is None or needed <= limit:
        return
    if attendance is Attendance.ONLINE:
        limited, capacity = Event.online_limit, Event.digital_capacity
    else:
        switched = event.mode is Mode.HYBRID and event.base_mode is not Mode.HYBRID
        by_switch = switched and event.hybrid_capacity is not None and not event.came_back
        limited, capacity = Event.in_person_limit, Event.hybrid_capacity if by_switch else Event.capacity
    await Event.update({limited: needed, capacity: needed, Event.version: Event.version + 1}).where(
        Event.id == event.id
    )


async def raise_group_limit(event: EventDetails, slot: Slot, seats: int) -> None:
    """Makes room for `seats` more in a group or an optional session, as somebody decided by hand."""
    row = await GroupSlot.objects().get(GroupSlot.id == slot.id)
    assert row is not None
    needed = row.taken + seats
    if row.seat_limit is None or needed <= row.seat_limit:
        return
    group = await WorkingGroup.objects().get(WorkingGroup.id == row.group)
    if group is None:
        await Session.update({Session.capacity: needed}).where(Session.id == row.session)
        await GroupSlot.update({GroupSlot.seat_limit: needed}).where(GroupSlot.id == row.id)
    else:
        online = event.mode is Mode.DIGITAL and group.digital_capacity is not None
        capacity = WorkingGroup.digital_capacity if online else WorkingGroup.capacity
        await WorkingGroup.update({capacity: needed}).where(WorkingGroup.id == group.id)
        await GroupSlot.update({GroupSlot.seat_limit: needed}).where(GroupSlot.group == group.id)
    await Event.update({Event.version: Event.version + 1}).where(Event.id == event.id)
