"""Who moves up when seats come free. Runs inside a transaction that holds the event's lock."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from events.details import EventDetails
from events.queries import details_of, event_by_id
from events.rules import Attendance, EventStatus
from registration.decisions import seats_there, terms
from registration.messages import tell
from registration.queries import Waiter, groups_held, lacking_groups, slots_of, waitlist
from registration.rules import (
    RegistrationStatus,
    Slot,
    Waiting,
    groups_for,
    held_until,
    promotions,
    with_seats_taken,
)
from registration.seating import rise, take_hall_seats
from registration.seats import Taking, count, set_group_limits, settle_limits, take_groups
from registration.tables import Registration


async def fill(event_id: int, now: datetime) -> None:
    """Gives free seats to the waitlist and free group seats to those who wished them; all are told."""
    event = await settle_limits(await details_of(await event_by_id(event_id)))
    if event.groups:
        await set_group_limits(event.id, event.mode)
    if await move_up(event, now):
        event = await details_of(await event_by_id(event_id))
    if event.wish_sessions and event.assigns_at_once:
        await _fill_groups(event, now)


async def _offer_hall_seats(event: EventDetails, now: datetime) -> bool:
    """Gives hall seats that came free to those whom the way back left online, in order; they are told."""
    if now >= event.starts_at or event.status is not EventStatus.PUBLISHED:
        return False
    moved = await take_hall_seats(event)
    if moved:
        await rise(moved)
        event = await details_of(await event_by_id(event.id))
        change = {
            "what": "attendance",
            "before": Attendance.ONLINE.value,
            "after": Attendance.IN_PERSON.value,
        }
        await tell("registration_changed", event, moved, changes=[change], by="hall")
    return bool(moved)


async def move_up(
    event: EventDetails, now: datetime, changes: Sequence[dict[str, Any]] = (), **more: Any
) -> set[UUID]:
    """Gives free seats to the waitlist; returns who moved up. `changes` of the event stand in the same mail.

    Whom the way back left online comes first.
    """
    if event.came_back and await _offer_hall_seats(event, now):
        event = await details_of(await event_by_id(event.id))
    moved: list[Waiter] = []
    for attendance in event.offered:
        seats = seats_there(event, attendance)
        free = None if seats.limit is None else seats.limit - seats.taken
        if not seats.waiting or free == 0:
            continue
        people = {person.id: person for person in await waitlist(event.id, attendance)}
        queue = [Waiting(person.id, person.seats) for person in people.values()]
        moving = promotions(now, terms(event), free, queue)
        await count(event.id, attendance, seats=sum(one.seats for one in moving), waiting=-len(moving))
        moved += [people[one.id] for one in moving]
    moved.sort(key=lambda person: person.arrival)
    if moved:
        await _promote(event, moved, now)
        if event.assigns_at_once:
            await take_groups(*takings(moved, slots_of(event), {}))
        await tell("promoted", event, [person.id for person in moved], changes=list(changes), **more)
    return {person.id for person in moved}


async def _promote(event: EventDetails, people: Iterable[Waiter], now: datetime) -> None:
    proved: list[UUID] = []
    unproved: list[UUID] = []
    hold = held_until(now, event.starts_at, event.hold_hours)
    for person in people:
        (unproved if event.confirm_email and person.confirmed_at is None else proved).append(person.id)
    await Registration.raw(
        "UPDATE registration SET status = 'confirmed', confirmed_at = coalesce(confirmed_at, {}), promoted_at = {}"
        " WHERE id = ANY({}::uuid[])",
        now,
        now,
        proved,
    )
    await Registration.raw(
        "UPDATE registration SET status = 'pending', held_until = {}, promoted_at = {} WHERE id = ANY({}::uuid[])",
        hold,
        now,
        unproved,
    )


async def _fill_groups(event: EventDetails, now: datetime) -> None:
    """In order of arrival, those who hold a place and still lack a group they wished."""
    slots = slots_of(event)
    if (
        event.status is not EventStatus.PUBLISHED
        or now >= event.starts_at
        or all(slot.free == 0 for slot in slots)
    ):
        return
    people = await lacking_groups(event.id, [slot.id for slot in slots], len(event.wish_sessions))
    given = takings(people, slots, await groups_held(person.id for person in people))
    if not given:
        return
    await take_groups(*given)
    rows = await Registration.raw(
        "UPDATE registration SET sequence = sequence + 1 WHERE id = ANY({}::uuid[]) RETURNING id, status",
        [taking.registration_id for taking in given],
    )
    confirmed = {row["id"] for row in rows if row["status"] == RegistrationStatus.CONFIRMED}
    concerned = [person.id for person in people if person.id in confirmed]
    await tell("registration_changed", event, concerned, changes=[{"what": "groups"}], by="system")


def takings(
    people: Iterable[Waiter], slots: Sequence[Slot], held: Mapping[UUID, Mapping[str, str]]
) -> list[Taking]:
    """Free groups by wish, for one after the other."""
    given = []
    for person in people:
        has = held.get(person.id, {})
        kept = [slot for slot in slots if has.get(slot.session) == slot.group]
        chosen = [slot for slot in groups_for(person.wishes, person.seats, slots, kept).values() if slot]
        if chosen:
            given.append(Taking(person.id, person.seats, chosen))
            slots = with_seats_taken(slots, chosen, person.seats)
    return given
