"""Changes of a registration."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from events.details import EventDetails
from events.errors import Conflict, FormInvalid
from events.queries import details_of, event_by_id
from events.rules import Attendance, EventStatus
from events.tables import Event, Organiser
from registration.actions import keeps_personal_data, record
from registration.answers import Accepted, accepted, with_changes
from registration.errors import AddressKnown, GroupUnknown
from registration.links import nonce
from registration.messages import tell, withdraw
from registration.moves import Changes, move_groups, move_seats, wish
from registration.queries import active_registration, groups_held, registration_by_id, slots_of
from registration.questions import questions_of
from registration.rules import ACTIVE, OnlineAccess, RegistrationStatus, Slot
from registration.tables import Registration
from registration.waitlist import fill


@dataclass(frozen=True)
class Edit:
    """What an organiser changes of a registration; `UNSET` stays as it is."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    email: str | msgspec.UnsetType | None = msgspec.UNSET
    language: str | msgspec.UnsetType = msgspec.UNSET
    attendance: Attendance | msgspec.UnsetType = msgspec.UNSET
    seats: int | msgspec.UnsetType = msgspec.UNSET
    groups: Mapping[str, str | None] | msgspec.UnsetType = msgspec.UNSET
    answers: Mapping[str, Any] | msgspec.UnsetType = msgspec.UNSET
    online_access: OnlineAccess | msgspec.UnsetType | None = msgspec.UNSET
    attendance_wished: Attendance | msgspec.UnsetType | None = msgspec.UNSET


async def edit(registration_id: UUID, wanted: Edit, by: Organiser, now: datetime) -> Registration:
    """Changes a registration by hand; capacities that are too small for it are raised in the same step.

    The person is told what changed. Raises RegistrationUnknown, GroupUnknown, FormInvalid, and Conflict for
    an ended registration or an address that another registration of the event has.
    """
    unlocked = await registration_by_id(registration_id)
    async with Event._meta.db.transaction():
        event = await details_of(await event_by_id(unlocked.event, locked=True))
        registration = await registration_by_id(registration_id)
        if registration.status not in ACTIVE:
            raise Conflict("This registration has ended.")
        changes = await _edit_person(event, registration, wanted, now)
        changes += await _edit_seats(event, registration, wanted)
        _edit_wish(registration, wanted)
        if not isinstance(wanted.groups, msgspec.UnsetType):
            changes += await _edit_groups(event, registration, wanted.groups)
        if any(change["what"] in ("attendance", "groups") for change in changes):
            registration.sequence += 1
        await registration.save()
        await keeps_personal_data(event.id)
        if changes:
            await record(
                event.id,
                by,
                now,
                "registration_changed",
                registration,
                [change["what"] for change in changes],
            )
            event = await details_of(await event_by_id(event.id))
            if event.status is not EventStatus.CANCELLED:
                await tell("registration_changed", event, [registration.id], changes=changes, by="organiser")
            await fill(event.id, now)
        return await registration_by_id(registration_id)


async def _edit_person(
    event: EventDetails, registration: Registration, wanted: Edit, now: datetime
) -> Changes:
    """Name, address, language and answers. Who has no address any more need not confirm one."""
    changes: Changes = []
    if not isinstance(wanted.name, msgspec.UnsetType) and wanted.name != registration.name:
        changes.append({"what": "name", "before": registration.name, "after": wanted.name})
        registration.name = wanted.name
    if not isinstance(wanted.email, msgspec.UnsetType) and wanted.email != registration.email:
        address = wanted.email.lower() if wanted.email else None
        other = await active_registration(event.id, address) if address else None
        if other is not None and other.id != registration.id:
            raise AddressKnown("Another registration of this event has this address.", registration=other.id)
        registration.email, registration.address = wanted.email, address
        registration.confirm_nonce, registration.own_nonce, registration.join_nonce = (
            nonce(),
            nonce(),
            nonce(),
        )
        registration.unsubscribe_nonce = nonce()
        await withdraw(registration, event)
        changes.append({"what": "email"})
        if address is None and registration.confirmed_at is None:
            registration.confirmed_at = now
            if registration.status == RegistrationStatus.PENDING:
                registration.status, registration.held_until = RegistrationStatus.CONFIRMED, None
    if not isinstance(wanted.language, msgspec.UnsetType):
        registration.language = wanted.language
    if not isinstance(wanted.answers, msgspec.UnsetType):
        _edit_answers(event, registration, wanted.answers)
    return changes


def _edit_answers(event: EventDetails, registration: Registration, answers: Mapping[str, Any]) -> None:
    """Sets the answers that are named (`None` takes one back); others stay, also of questions asked no more."""
    result = accepted(
        questions_of(event),
        answers,
        {},
        registration.language,
        event.default_language,
        must_be_whole=False,
    )
    if not isinstance(result, Accepted):
        raise FormInvalid(result)
    registration.answers, registration.special_answers = with_changes(
        registration.answers, registration.special_answers, answers.keys(), result
    )


async def _edit_seats(event: EventDetails, registration: Registration, wanted: Edit) -> Changes:
    unset = msgspec.UnsetType
    return await move_seats(
        event,
        registration,
        Attendance(registration.attendance) if isinstance(wanted.attendance, unset) else wanted.attendance,
        registration.seats if isinstance(wanted.seats, unset) else wanted.seats,
        beyond_limits=True,
    )


def _edit_wish(registration: Registration, wanted: Edit) -> None:
    """What keeps them from taking part online, and what they would like best."""
    if not isinstance(wanted.online_access, msgspec.UnsetType):
        registration.online_access = wanted.online_access
    if not isinstance(wanted.attendance_wished, msgspec.UnsetType):
        wish(registration, wanted.attendance_wished)


async def _edit_groups(
    event: EventDetails, registration: Registration, groups: Mapping[str, str | None]
) -> Changes:
    """Sets the groups as told. A waitlisted person holds none: it becomes the first wish."""
    slots = {(slot.session, slot.group): slot for slot in slots_of(event)}
    sessions = {session for session, _ in slots}
    held = (await groups_held([registration.id])).get(registration.id, {})
    after = dict(held)
    for session, group in groups.items():
        if session not in sessions or (group is not None and (session, group) not in slots):
            raise GroupUnknown(f"{group!r} in session {session!r}", session=session, group=group)
        if group is None:
            after.pop(session, None)
        else:
            after[session] = group
    _check_together([slots[session, group] for session, group in after.items()])
    wishes = dict(registration.wishes)
    for session, group in groups.items():
        if group is None:
            wishes[session] = []
        else:
            wishes[session] = [group, *(wish for wish in wishes.get(session, []) if wish != group)]
    registration.wishes = wishes
    if registration.status == RegistrationStatus.WAITLISTED or after == held:
        return []
    return await move_groups(
        event,
        registration,
        [slots[place] for place in held.items()],
        [slots[place] for place in after.items()],
        beyond_limits=True,
    )


def _check_together(slots: list[Slot]) -> None:
    for number, slot in enumerate(slots):
        for other in slots[:number]:
            if slot.group == other.group or slot.overlaps(other):
                raise Conflict(
                    f"{slot.group!r} in {slot.session!r} and {other.group!r} in {other.session!r} exclude each other."
                )
