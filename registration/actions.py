"""What happens to registrations. Each action is one transaction that locks the event's row first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from events.details import EventDetails
from events.queries import details_of, event_by_id
from events.rules import Attendance, EventStatus
from events.tables import Activity, Event, Organiser
from registration.messages import tell
from registration.queries import registration_by_id
from registration.rules import (
    ACTIVE,
    RegistrationStatus,
)
from registration.seats import (
    count,
    leave_groups,
)
from registration.tables import Registration
from registration.waitlist import fill


async def confirm(registration_id: UUID, now: datetime) -> Registration:
    """Proves the address: a held seat becomes a confirmed one, a waitlisted person stays on the waitlist.

    Too late is `expired`; whoever is confirmed, cancelled or expired already is left as they are.
    Raises RegistrationUnknown.
    """
    unlocked = await registration_by_id(registration_id)
    async with Event._meta.db.transaction():
        event = await details_of(await event_by_id(unlocked.event, locked=True))
        registration = await registration_by_id(registration_id)
        if registration.status == RegistrationStatus.WAITLISTED and registration.confirmed_at is None:
            registration.confirmed_at = now
            await registration.save([Registration.confirmed_at])
        elif registration.status == RegistrationStatus.PENDING:
            if now >= registration.held_until:
                await _expire(event, [registration], now)
            else:
                registration.status = RegistrationStatus.CONFIRMED
                registration.confirmed_at = now
                registration.held_until = None
                registration.client = None
                await registration.save(
                    [
                        Registration.status,
                        Registration.confirmed_at,
                        Registration.held_until,
                        Registration.client,
                    ]
                )
                if event.status is not EventStatus.CANCELLED:
                    await tell("confirmed", event, [registration.id])
        return await registration_by_id(registration_id)


async def cancel(registration_id: UUID, now: datetime, by: Organiser | None = None) -> Registration:
    """Gives the place back, by the person (`by` is `None`) or by an organiser; the waitlist moves up at once.

    Whoever is cancelled or expired already is left as they are. Raises RegistrationUnknown.
    """
    unlocked = await registration_by_id(registration_id)
    async with Event._meta.db.transaction():
        event = await details_of(await event_by_id(unlocked.event, locked=True))
        registration = await registration_by_id(registration_id)
        if registration.status in ACTIVE:
            await _give_up_seat(event, registration, RegistrationStatus.CANCELLED, now)
            await tell("registration_cancelled", event, [registration.id], by="organiser" if by else "self")
            if by:
                await record(event.id, by, now, "registration_cancelled", registration)
            await fill(event.id, now)
        return await registration_by_id(registration_id)


async def expire_lapsed_holds(event_id: int, now: datetime) -> int:
    """Ends every hold of the event that was not confirmed in time, and lets the waitlist move up."""
    async with Event._meta.db.transaction():
        event = await details_of(await event_by_id(event_id, locked=True))
        lapsed = (
            await Registration.objects()
            .where(
                (Registration.event == event_id)
                & (Registration.status == RegistrationStatus.PENDING.value)
                & (Registration.held_until <= now)
            )
            .order_by(Registration.arrival)
            .output(load_json=True)
        )
        if lapsed:
            await _expire(event, lapsed, now)
        return len(lapsed)


async def fill_free_seats(event_id: int, now: datetime) -> None:
    """Lets the waitlist move up where seats are free, as after the deadline."""
    async with Event._meta.db.transaction():
        await event_by_id(event_id, locked=True)
        await fill(event_id, now)


async def record(
    event_id: int,
    by: Organiser,
    now: datetime,
    what: str,
    registration: Registration,
    changed: list[str] | None = None,
) -> None:
    """Writes down who did it, without the attendee's name or address."""
    details: dict[str, Any] = {"registration": str(registration.id)}
    if changed:
        details["changed"] = changed
    await Activity.insert(Activity(event=event_id, organiser=by.id, at=now, what=what, details=details))


async def _give_up_seat(
    event: EventDetails, registration: Registration, ended_as: RegistrationStatus, now: datetime
) -> None:
    """Ends the registration and gives back what it held."""
    attendance = Attendance(registration.attendance)
    if registration.status == RegistrationStatus.WAITLISTED:
        await count(event.id, attendance, waiting=-1)
    else:
        await count(event.id, attendance, seats=-registration.seats)
        await leave_groups(registration.id)
    registration.status = ended_as
    registration.held_until = None
    registration.client = None
    registration.ended_at = now
    registration.sequence += 1
    await registration.save(
        [
            Registration.status,
            Registration.held_until,
            Registration.client,
            Registration.ended_at,
            Registration.sequence,
        ]
    )


async def _expire(event: EventDetails, registrations: Sequence[Registration], now: datetime) -> None:
    for registration in registrations:
        await _give_up_seat(event, registration, RegistrationStatus.EXPIRED, now)
    if event.status is not EventStatus.CANCELLED:
        await tell("expired", event, [lapsed.id for lapsed in registrations])
    await fill(event.id, now)


async def keeps_personal_data(event_id: int) -> None:
    """Has the event's personal data removed once more where that was done already."""
    await Event.update({Event.personal_data_removed_at: None}).where(Event.id == event_id)
