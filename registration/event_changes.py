"""What a change of the event means for those who are registered. Runs inside the transaction that changes it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from events.changes import Change, stated
from events.details import EventDetails
from events.errors import Conflict
from registration.messages import tell
from registration.queries import active_ids, active_registrations
from registration.rules import RegistrationStatus
from registration.tables import GroupSeat, Registration
from registration.waitlist import fill, move_up


async def leave_vanishing_groups(
    event: EventDetails, kept: Collection[tuple[str, str]], *, replace: bool
) -> set[UUID]:
    """Takes people out of groups and optional sessions that are to go, for not being among `kept`.

    Those are pairs of session and group; of a session that one signs up for, its key twice.

    Returns who they are; their calendars' SEQUENCE rises. Raises Conflict where there are any and `replace` is false.
    """
    slots = [
        (slot, group.key, f"{group.key} in {slot.session}") for group in event.groups for slot in group.slots
    ]
    slots += [
        (session.slot, session.key, session.key) for session in event.sessions if session.slot is not None
    ]
    vanishing = [
        (place, slot) for slot, key, place in slots if (slot.session, key) not in kept and slot.taken
    ]
    if not vanishing:
        return set()
    if not replace:
        held = sum(slot.taken for _, slot in vanishing)
        places = ", ".join(sorted(place for place, _ in vanishing))
        raise Conflict(f"{held} hold seats in groups that would vanish: {places}.", held=held)
    ids = [slot.id for _, slot in vanishing]
    rows = await GroupSeat.delete().where(GroupSeat.slot.is_in(ids)).returning(GroupSeat.registration)
    return await _left({row["registration"] for row in rows})


async def leave_overlapping_groups(event: EventDetails) -> set[UUID]:
    """Takes people out of the later of two groups whose sessions have come to overlap; returns who they are."""
    rows = await GroupSeat.raw(
        """
        WITH held AS (
            SELECT seat.id, seat.registration, seat.slot, seat.seats, session.starts_at, session.ends_at
            FROM group_seat AS seat JOIN group_slot AS slot ON slot.id = seat.slot
            JOIN session ON session.id = slot.session WHERE session.event = {}
        ), later AS (
            DELETE FROM group_seat USING held AS second, held AS first
            WHERE group_seat.id = second.id AND first.registration = second.registration
            AND (first.starts_at, first.slot) < (second.starts_at, second.slot)
            AND second.starts_at < first.ends_at AND first.starts_at < second.ends_at
            RETURNING group_seat.registration, group_seat.slot, group_seat.seats
        ), counted AS (
            UPDATE group_slot SET taken = taken - left_again.seats
            FROM (SELECT slot, sum(seats) AS seats FROM later GROUP BY slot) AS left_again
            WHERE group_slot.id = left_again.slot
        )
        SELECT DISTINCT registration FROM later
        """,
        event.id,
    )
    return await _left({row["registration"] for row in rows})


async def _left(people: set[UUID]) -> set[UUID]:
    await Registration.raw(
        "UPDATE registration SET sequence = sequence + 1 WHERE id = ANY({}::uuid[])", list(people)
    )
    return people


async def carry_through(
    event: EventDetails, changes: Sequence[Change], lost_group: Collection[UUID], now: datetime
) -> int:
    """Moves up who can, and tells everybody who takes part or waits what changed for them, each in one mail.

    Where addresses need no proof any more, seats that waited for it are confirmed; no seat waits for it beyond the
    start. Returns how many are told.
    """
    await Registration.raw(
        "UPDATE registration SET held_until = {} WHERE event = {} AND status = 'pending' AND held_until > {}",
        event.starts_at,
        event.id,
        event.starts_at,
    )
    listed = stated(changes)
    told = set() if event.confirm_email else await _confirm_held(event, now, listed)
    told |= await move_up(event, now, listed)
    count = len(told)
    if listed or lost_group:
        others = [person for person in await active_ids(event.id) if person not in told]
        losing = [person for person in others if person in lost_group]
        count += await tell("event_changed", event, losing, changes=[*listed, {"what": "groups"}])
        if listed:
            staying = [person for person in others if person not in lost_group]
            count += await tell("event_changed", event, staying, changes=listed)
    await fill(event.id, now)
    return count


async def _confirm_held(event: EventDetails, now: datetime, changes: Sequence[dict[str, Any]]) -> set[UUID]:
    people = [
        person
        for person in await active_registrations(event.id)
        if person.status == RegistrationStatus.PENDING
    ]
    for person in people:
        person.status, person.confirmed_at, person.held_until = RegistrationStatus.CONFIRMED, now, None
    await Registration.raw(
        "UPDATE registration SET status = 'confirmed', confirmed_at = {}, held_until = NULL"
        " WHERE event = {} AND status = 'pending'",
        now,
        event.id,
    )
    await tell("confirmed", event, [person.id for person in people], changes=list(changes))
    return {person.id for person in people}


async def tell_of_cancellation(event: EventDetails, reason: str | None, now: datetime) -> int:
    """One mail to everybody who takes part or waits; whoever got a calendar entry gets its removal."""
    return await tell("event_cancelled", event, await active_ids(event.id), reason=reason)
