"""What people change of their own registration. No limit is ever raised; what they cannot have leaves all as it was."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from events.details import EventDetails
from events.errors import FormInvalid
from events.queries import details_of, event_by_id
from events.rules import Attendance
from events.tables import Event
from registration.answers import Accepted, Errors, accepted, with_changes
from registration.decisions import group_unknown
from registration.errors import ChangesClosed, RegistrationUnknown
from registration.locking import locked_sessions
from registration.messages import tell
from registration.moves import Changes, move_groups, move_seats, wish
from registration.queries import groups_held, registration_by_id, slots_of
from registration.questions import questions_of
from registration.rules import (
    ACTIVE,
    OnlineAccess,
    RegistrationStatus,
    Slot,
    Wishes,
    groups_instead,
    may_move,
    seats_needed,
    wishes_as_held,
)
from registration.tables import Registration
from registration.waitlist import fill


async def change_groups(registration_id: UUID, wishes: Wishes, now: datetime) -> Registration:
    """Sets the wishes of the sessions named, in order; none wants no group there. Sessions named unchanged stay.

    Where groups are given at once, the first with room is theirs, and what they held there goes to the next in order;
    a wish of somebody who holds nothing is kept. Raises RegistrationUnknown, GroupUnknown, ChangesClosed, and
    FormInvalid: `locked` by the organiser; `full` where they would lose a group for none; `together` for new wishes
    that their other groups exclude.
    """
    async with _own(registration_id) as (event, registration):
        _check_time(event, registration, now)
        slots = slots_of(event)
        if unknown := group_unknown(wishes, slots):
            raise unknown
        held = await held_by(registration, slots)
        changed = {
            session: list(dict.fromkeys(groups))
            for session, groups in wishes.items()
            if session not in held or list(dict.fromkeys(groups)) != _shown(registration, held, session)
        }
        if locked := await locked_sessions(registration.id) & changed.keys():
            raise FormInvalid([(f"group.{session}", "locked") for session in sorted(locked)])
        after = {session: slot for session, slot in held.items() if session not in changed}
        if registration.status != RegistrationStatus.WAITLISTED:
            after |= _chosen(event, registration, changed, held, slots)
        registration.wishes |= {
            session: groups for session, groups in changed.items() if groups or session in registration.wishes
        }
        changes = await move_groups(event, registration, held.values(), after.values())
        await _finish(event, registration, changes, now)
    return await registration_by_id(registration_id)


async def change_place(
    registration_id: UUID, attendance: Attendance, seats: int, now: datetime
) -> Registration:
    """Takes part in another way, or with another number of seats (1 to 6): more only where they are free and nobody
    waits for them. What comes free goes to the next in order.

    Raises RegistrationUnknown, ChangesClosed, and FormInvalid: `not-offered`; `full`; `group-full` where the event has
    room for more seats and a group that they hold has none.
    """
    async with _own(registration_id) as (event, registration):
        _check_time(event, registration, now)
        before = Attendance(registration.attendance)
        if attendance is not before and attendance not in event.offered:
            raise FormInvalid([("attendance", "not-offered")])
        needed = seats_needed(before, registration.seats, attendance, seats)
        left = event.seats_left(attendance)
        if needed > 0 and left is not None and needed > left:
            raise FormInvalid([("seats" if attendance is before else "attendance", "full")])
        more = seats - registration.seats
        held = await held_by(registration, slots_of(event))
        if more > 0 and any(slot.free is not None and slot.free < more for slot in held.values()):
            raise FormInvalid([("seats", "group-full")])
        await _finish(event, registration, await move_seats(event, registration, attendance, seats), now)
    return await registration_by_id(registration_id)


async def change_answers(registration_id: UUID, answers: Mapping[str, Any]) -> Registration:
    """Sets all answers; required ones stay required. Nobody is told.

    Raises RegistrationUnknown, ChangesClosed for an ended registration, and FormInvalid as `accepted` says.
    """
    async with _own(registration_id) as (event, registration):
        questions = questions_of(event)
        result = accepted(questions, answers, {}, registration.language, event.default_language)
        if not isinstance(result, Accepted):
            raise FormInvalid(result)
        registration.answers, registration.special_answers = with_changes(
            registration.answers,
            registration.special_answers,
            [question.key for question in questions if question.type != "consent"],
            result,
        )
        await registration.save([Registration.answers, Registration.special_answers])
    return await registration_by_id(registration_id)


async def change_online(
    registration_id: UUID, access: OnlineAccess | None, wished: Attendance | None
) -> Registration:
    """Says what keeps them from taking part online, and while the event is moved online what they would like once it
    comes back; `None` there leaves the wish as it is. Nobody is told, no seat changes.

    Raises RegistrationUnknown, and ChangesClosed for an ended registration.
    """
    async with _own(registration_id) as (event, registration):
        registration.online_access = access
        if wished is not None and event.is_moved_online:
            wish(registration, wished)
        await registration.save(
            [Registration.online_access, Registration.attendance_wished, Registration.attendance_before]
        )
    return await registration_by_id(registration_id)


async def change_language(registration_id: UUID, language: str) -> Registration:
    """Writes in another language from now on.

    Raises RegistrationUnknown, and ChangesClosed for an ended registration.
    """
    async with _own(registration_id) as (_, registration):
        registration.language = language
        await registration.save([Registration.language])
    return await registration_by_id(registration_id)


async def held_by(registration: Registration, slots: Sequence[Slot]) -> dict[str, Slot]:
    """The slot that a registration holds, by session."""
    there = {(slot.session, slot.group): slot for slot in slots}
    groups = (await groups_held([registration.id])).get(registration.id, {})
    return {session: there[session, group] for session, group in groups.items()}


@asynccontextmanager
async def _own(registration_id: UUID) -> AsyncIterator[tuple[EventDetails, Registration]]:
    """A transaction that holds the event's lock, for a registration that counts."""
    unlocked = await registration_by_id(registration_id)
    async with Event._meta.db.transaction():
        row = await event_by_id(unlocked.event, locked=True)
        registration = await registration_by_id(registration_id)
        if row.personal_data_removed_at is not None:
            raise RegistrationUnknown()
        event = await details_of(row)
        if registration.status not in ACTIVE:
            raise ChangesClosed(event=event)
        yield event, registration


def _check_time(event: EventDetails, registration: Registration, now: datetime) -> None:
    if not may_move(now, RegistrationStatus(registration.status), event.status, event.starts_at):
        raise ChangesClosed(event=event)


def _shown(registration: Registration, held: Mapping[str, Slot], session: str) -> list[str]:
    slot = held.get(session)
    return wishes_as_held(registration.wishes.get(session, ()), slot.group if slot else None)


def _chosen(
    event: EventDetails,
    registration: Registration,
    changed: Wishes,
    held: Mapping[str, Slot],
    slots: Sequence[Slot],
) -> dict[str, Slot]:
    """What they have then in the sessions that change. Raises FormInvalid."""
    if not event.assigns_at_once:
        return {
            session: slot
            for session, slot in held.items()
            if session in changed and slot.group in changed[session]
        }
    chosen = groups_instead(changed, held.values(), registration.seats, slots)
    after = [slot for session, slot in held.items() if session not in changed]
    after += [slot for slot in chosen.values() if slot is not None]
    errors: Errors = []
    for session, slot in chosen.items():
        if slot is not None:
            continue
        wished = [one for one in slots if one.session == session and one.group in changed[session]]
        if session in held:
            has_room = any(one.free is None or one.free >= registration.seats for one in wished)
            errors.append((f"group.{session}", "together" if has_room else "full"))
        elif changed[session] != registration.wishes.get(session) and all(
            any(one.group == other.group or one.overlaps(other) for other in after) for one in wished
        ):
            errors.append((f"group.{session}", "together"))
    if errors:
        raise FormInvalid(errors)
    return {session: slot for session, slot in chosen.items() if slot is not None}


async def _finish(event: EventDetails, registration: Registration, changes: Changes, now: datetime) -> None:
    """Saves, tells the person once, and lets others have what came free."""
    if any(change["what"] in ("attendance", "groups") for change in changes):
        registration.sequence += 1
    await registration.save(
        [
            Registration.attendance,
            Registration.attendance_wished,
            Registration.seats,
            Registration.wishes,
            Registration.sequence,
        ]
    )
    if not changes:
        return
    waits = registration.status == RegistrationStatus.WAITLISTED
    if waits:  # who moves up by it learns both in one
        await fill(event.id, now)
        registration = await registration_by_id(registration.id)
    if not waits or registration.status == RegistrationStatus.WAITLISTED:
        event = await details_of(await event_by_id(event.id))
        await tell("registration_changed", event, [registration.id], changes=changes, by="self")
    if not waits:
        await fill(event.id, now)
