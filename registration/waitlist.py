"""Who moves up when seats come free. Runs inside a transaction that holds the event's lock."""

from datetime import datetime

from events.details import EventDetails
from events.queries import details_of, event_by_id
from events.rules import EventStatus
from registration.messages import tell
from registration.queries import groups_held, slots_of, waitlist
from registration.rules import (
    HOLDING,
    RegistrationStatus,
    Terms,
    Waiting,
    groups_for,
    held_until,
    promotions,
)
from registration.seats import count, seats_there, take_groups
from registration.tables import Registration


def terms(event: EventDetails) -> Terms:
    """What the event says about its registration."""
    return Terms(
        status=event.status,
        mode=event.mode,
        opens_at=event.opens_at,
        closes_at=event.closes_at,
        starts_at=event.starts_at,
        waitlist=event.waitlist,
        confirm_email=event.confirm_email,
        hold_hours=event.hold_hours,
    )


async def fill(event_id: int, now: datetime) -> None:
    """Gives free seats to the waitlist and free group seats to those who wished them; all are told."""
    event = await details_of(await event_by_id(event_id))
    if event.waitlisted and await _move_up(event, now):
        event = await details_of(await event_by_id(event_id))
    if event.groups and event.allocation == "first_come":
        await _fill_groups(event, now)


async def _move_up(event: EventDetails, now: datetime) -> bool:
    moved = False
    for attendance in event.offered:
        if not event.waiting(attendance):
            continue
        seats = seats_there(event, attendance)
        free = None if seats.limit is None else seats.limit - seats.taken
        if free == 0:
            continue
        people = {person.id: person for person in await waitlist(event.id, attendance)}
        queue = [Waiting(person.id, person.seats) for person in people.values()]
        for waiting in promotions(now, terms(event), free, queue):
            person = people[waiting.id]
            await _promote(event, person, now)
            await count(event.id, attendance, seats=person.seats, waiting=-1)
            event = await details_of(await event_by_id(event.id))
            chosen = (
                groups_for(person.wishes, person.seats, slots_of(event))
                if event.allocation == "first_come"
                else {}
            )
            await take_groups(person.id, filter(None, chosen.values()), person.seats)
            await tell("promoted", event, [person], now)
            moved = True
    return moved


async def _promote(event: EventDetails, person: Registration, now: datetime) -> None:
    if person.confirmed_at is None:
        person.status = RegistrationStatus.PENDING
        person.held_until = held_until(now, event.starts_at, event.hold_hours)
    else:
        person.status = RegistrationStatus.CONFIRMED
    await person.save([Registration.status, Registration.held_until])


async def _fill_groups(event: EventDetails, now: datetime) -> None:
    """In order of arrival, those who hold a place and still lack a group they wished."""
    if event.status is not EventStatus.PUBLISHED or now >= event.starts_at:
        return
    if all(slot.free == 0 for slot in slots_of(event)):
        return
    people = (
        await Registration.objects()
        .where(
            (Registration.event == event.id)
            & (Registration.status.is_in([status.value for status in HOLDING]))
            & (Registration.wishes.is_not_null())
        )
        .order_by(Registration.arrival)
        .output(load_json=True)
    )
    held = await groups_held(person.id for person in people if person.wishes)
    for person in people:
        has = held.get(person.id, {})
        if not (set(person.wishes) - set(has)):
            continue
        slots = slots_of(event)
        kept = [slot for slot in slots if has.get(slot.session) == slot.group]
        chosen = [slot for slot in groups_for(person.wishes, person.seats, slots, kept).values() if slot]
        if not chosen:
            continue
        await take_groups(person.id, chosen, person.seats)
        person.sequence += 1
        await person.save([Registration.sequence])
        event = await details_of(await event_by_id(event.id))
        if person.status == RegistrationStatus.CONFIRMED:
            changes = [{"what": "groups"}]
            await tell("registration_changed", event, [person], now, changes=changes, by="system")
