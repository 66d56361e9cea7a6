"""What happens to registrations. Each action is one transaction that locks the event's row first."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from events.details import EventDetails
from events.errors import Conflict, EventCancelled, FormInvalid, Refusal
from events.queries import details_of, event_by_id, event_named
from events.rules import Attendance, EventStatus
from events.tables import Activity, Event, Organiser
from registration.errors import EventFull, GroupUnknown, RegistrationClosed, RegistrationNotOpen
from registration.messages import tell, withdraw
from registration.queries import active_registration, groups_held, registration_by_id, slots_of
from registration.rules import (
    ACTIVE,
    HOLDING,
    Refused,
    RegistrationStatus,
    Slot,
    Wishes,
    admission,
    attendance_or_default,
    groups_for,
    held_until,
    unknown_wishes,
)
from registration.seats import (
    Taking,
    count,
    leave_groups,
    raise_group_limit,
    raise_limit,
    seats_there,
    take_groups,
)
from registration.tables import IdempotencyKey, Registration
from registration.waitlist import fill, terms

NUMBER_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


@dataclass(frozen=True)
class Newcomer:
    """Who wants to register, as checked by the form. `email` is `None` only where registered by hand."""

    name: str
    email: str | None
    language: str
    attendance: Attendance | None = None
    seats: int = 1
    wishes: Wishes = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def address(self) -> str | None:
        """The e-mail for comparison."""
        return self.email.lower() if self.email else None


class Outcome(msgspec.Struct, frozen=True):
    """What a newcomer is told at once. Nothing in it depends on whether the address was known."""

    status: RegistrationStatus
    groups: dict[str, str | None]
    held_until: datetime | None = None


async def register(slug: str, newcomer: Newcomer, now: datetime, key: str | None = None) -> Outcome:
    """Admits a newcomer to a seat or to the waitlist and writes the mail that tells so.

    For an address that is registered already nothing is written but one mail to it; the outcome is computed
    all the same. A repetition under the same `key` gets the first answer, with other values Conflict.
    Raises EventUnknown, RegistrationNotOpen, RegistrationClosed, EventFull, EventCancelled, GroupUnknown and
    FormInvalid.
    """
    assert newcomer.address is not None
    async with Event._meta.db.transaction():
        event = await details_of(await event_named(slug, locked=True))
        if key is not None and (earlier := await _answer_given(event.id, newcomer, key)):
            return earlier
        slots = _checked_slots(event, newcomer)
        attendance = attendance_or_default(event.mode, newcomer.attendance)
        verdict = admission(now, terms(event), attendance, seats_there(event, attendance), newcomer.seats)
        if isinstance(verdict, Refused):
            raise _refusal(verdict)
        chosen = _first_come(event, newcomer, slots) if verdict in HOLDING else {}
        hold = (
            held_until(now, event.starts_at, event.hold_hours)
            if verdict is RegistrationStatus.PENDING
            else None
        )
        known = await active_registration(event.id, newcomer.address)
        if known is not None:
            await tell("already_registered", event, [known], now)
        else:
            registration = _new_row(event, newcomer, attendance, verdict, now)
            registration.held_until = hold
            registration.confirmed_at = None if event.confirm_email else now
            await _admit(event, registration, chosen, now)
        outcome = Outcome(
            verdict, {session: slot.group if slot else None for session, slot in chosen.items()}, hold
        )
        if verdict is RegistrationStatus.WAITLISTED:
            outcome = Outcome(verdict, dict.fromkeys(newcomer.wishes))
        if key is not None:
            await _remember_answer(event.id, newcomer, key, outcome)
        return outcome


async def register_by_hand(slug: str, newcomer: Newcomer, by: Organiser, now: datetime) -> Registration:
    """Registers somebody who phoned or came by: also after the deadline, without confirmation, and beyond the
    capacity, which is then raised in the same step.

    Raises EventUnknown, EventCancelled, GroupUnknown, FormInvalid, and Conflict for an address that is
    registered already.
    """
    async with Event._meta.db.transaction():
        event = await details_of(await event_named(slug, locked=True))
        if event.status is EventStatus.CANCELLED:
            raise EventCancelled()
        slots = _checked_slots(event, newcomer)
        attendance = attendance_or_default(event.mode, newcomer.attendance)
        if attendance not in event.offered:
            raise _refusal(Refused.NOT_OFFERED)
        if newcomer.address and await active_registration(event.id, newcomer.address):
            raise Conflict("This address is registered already.")
        await raise_limit(event, attendance, newcomer.seats)
        registration = _new_row(event, newcomer, attendance, RegistrationStatus.CONFIRMED, now)
        registration.confirmed_at = now
        registration.registered_by = by.id
        await _admit(event, registration, _first_come(event, newcomer, slots), now)
        await _keeps_personal_data(event.id)
        await record(event.id, by, now, "registration_added", registration)
        return await registration_by_id(registration.id)


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
                await registration.save(
                    [Registration.status, Registration.confirmed_at, Registration.held_until]
                )
                if event.status is not EventStatus.CANCELLED:
                    await tell("confirmed", event, [registration], now)
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
            await tell("registration_cancelled", event, [registration], now, by="organiser" if by else "self")
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
        changes = await _edit_person(event, registration, wanted)
        changes += await _edit_seats(event, registration, wanted)
        if not isinstance(wanted.groups, msgspec.UnsetType):
            changes += await _edit_groups(event, registration, wanted.groups)
        if any(change["what"] in ("attendance", "groups") for change in changes):
            registration.sequence += 1
        await registration.save()
        await _keeps_personal_data(event.id)
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
                await tell(
                    "registration_changed", event, [registration], now, changes=changes, by="organiser"
                )
            await fill(event.id, now)
        return await registration_by_id(registration_id)


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


def nonce() -> str:
    """A new nonce of a personal link; replacing it revokes the link."""
    return secrets.token_hex(8)


def _refusal(refused: Refused) -> Refusal:
    match refused:
        case Refused.NOT_OPEN:
            return RegistrationNotOpen()
        case Refused.CLOSED:
            return RegistrationClosed()
        case Refused.FULL:
            return EventFull()
        case Refused.CANCELLED:
            return EventCancelled()
        case Refused.NOT_OFFERED:
            return FormInvalid([("attendance", "not-offered")])


def _checked_slots(event: EventDetails, newcomer: Newcomer) -> list[Slot]:
    slots = slots_of(event)
    if unknown := unknown_wishes(newcomer.wishes, slots):
        session, group = unknown[0]
        raise GroupUnknown(f"{group!r} in session {session!r}", session=session, group=group)
    return slots


def _first_come(event: EventDetails, newcomer: Newcomer, slots: list[Slot]) -> dict[str, Slot | None]:
    if event.allocation != "first_come":
        return dict.fromkeys(newcomer.wishes)
    return groups_for(newcomer.wishes, newcomer.seats, slots)


def _new_row(
    event: EventDetails, newcomer: Newcomer, attendance: Attendance, status: RegistrationStatus, now: datetime
) -> Registration:
    letters = "".join(secrets.choice(NUMBER_LETTERS) for _ in range(8))
    return Registration(
        event=event.id,
        number=f"{letters[:4]}-{letters[4:]}",
        name=newcomer.name,
        email=newcomer.email,
        address=newcomer.address,
        language=newcomer.language,
        status=status,
        attendance=attendance,
        attendance_wished=newcomer.attendance,
        seats=newcomer.seats,
        wishes={session: list(groups) for session, groups in newcomer.wishes.items()},
        answers=dict(newcomer.answers),
        registered_at=now,
        confirm_nonce=nonce(),
        own_nonce=nonce(),
        join_nonce=nonce(),
    )


KIND_OF_NEWS = {
    RegistrationStatus.PENDING: "confirm",
    RegistrationStatus.CONFIRMED: "confirmed",
    RegistrationStatus.WAITLISTED: "waitlisted",
}


async def _admit(
    event: EventDetails, registration: Registration, chosen: Mapping[str, Slot | None], now: datetime
) -> None:
    await registration.save()
    attendance = Attendance(registration.attendance)
    status = RegistrationStatus(registration.status)
    if status is RegistrationStatus.WAITLISTED:
        await count(event.id, attendance, waiting=1)
    else:
        await count(event.id, attendance, seats=registration.seats)
        await take_groups(
            Taking(registration.id, registration.seats, [slot for slot in chosen.values() if slot])
        )
    saved = await registration_by_id(registration.id)
    await tell(KIND_OF_NEWS[status], event, [saved], now)


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
    registration.ended_at = now
    registration.sequence += 1
    await registration.save(
        [Registration.status, Registration.held_until, Registration.ended_at, Registration.sequence]
    )


async def _expire(event: EventDetails, registrations: Sequence[Registration], now: datetime) -> None:
    for registration in registrations:
        await _give_up_seat(event, registration, RegistrationStatus.EXPIRED, now)
    if event.status is not EventStatus.CANCELLED:
        await tell("expired", event, registrations, now)
    await fill(event.id, now)


async def _keeps_personal_data(event_id: int) -> None:
    """Has the event's personal data removed once more where that was done already."""
    await Event.update({Event.personal_data_removed_at: None}).where(Event.id == event_id)


async def _edit_person(event: EventDetails, registration: Registration, wanted: Edit) -> list[dict[str, Any]]:
    changes: list[dict[str, Any]] = []
    if not isinstance(wanted.name, msgspec.UnsetType) and wanted.name != registration.name:
        changes.append({"what": "name", "before": registration.name, "after": wanted.name})
        registration.name = wanted.name
    if not isinstance(wanted.email, msgspec.UnsetType) and wanted.email != registration.email:
        address = wanted.email.lower() if wanted.email else None
        other = await active_registration(event.id, address) if address else None
        if other is not None and other.id != registration.id:
            raise Conflict("Another registration of this event has this address.")
        registration.email, registration.address = wanted.email, address
        registration.confirm_nonce, registration.own_nonce, registration.join_nonce = (
            nonce(),
            nonce(),
            nonce(),
        )
        await withdraw(registration.id)
        changes.append({"what": "email"})
    if not isinstance(wanted.language, msgspec.UnsetType):
        registration.language = wanted.language
    if not isinstance(wanted.answers, msgspec.UnsetType):
        registration.answers = dict(wanted.answers)
    return changes


async def _edit_seats(event: EventDetails, registration: Registration, wanted: Edit) -> list[dict[str, Any]]:
    before, seats_before = Attendance(registration.attendance), registration.seats
    after = before if isinstance(wanted.attendance, msgspec.UnsetType) else wanted.attendance
    seats = seats_before if isinstance(wanted.seats, msgspec.UnsetType) else wanted.seats
    if (after, seats) == (before, seats_before):
        return []
    if after is not before and after not in event.offered:
        raise FormInvalid([("attendance", "not-offered")])
    if registration.status == RegistrationStatus.WAITLISTED:
        await count(event.id, before, waiting=-1)
        await count(event.id, after, waiting=1)
    else:
        held = await groups_held([registration.id])
        await leave_groups(registration.id)
        await count(event.id, before, seats=-seats_before)
        lower = await details_of(await event_by_id(event.id))
        await raise_limit(lower, after, seats)
        await count(event.id, after, seats=seats)
        slots = [
            slot for slot in slots_of(lower) if held.get(registration.id, {}).get(slot.session) == slot.group
        ]
        for slot in slots:
            await raise_group_limit(event, slot, seats)
        await take_groups(Taking(registration.id, seats, slots))
    registration.attendance, registration.seats = after, seats
    changes: list[dict[str, Any]] = []
    if after is not before:
        registration.attendance_wished = after
        changes.append({"what": "attendance", "before": before.value, "after": after.value})
    if seats != seats_before:
        changes.append({"what": "seats", "before": seats_before, "after": seats})
    return changes


async def _edit_groups(
    event: EventDetails, registration: Registration, groups: Mapping[str, str | None]
) -> list[dict[str, Any]]:
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
            wishes.pop(session, None)
        else:
            wishes[session] = [group, *(wish for wish in wishes.get(session, []) if wish != group)]
    registration.wishes = wishes
    if registration.status == RegistrationStatus.WAITLISTED or after == held:
        return []
    leaving = [slots[session, group] for session, group in held.items() if after.get(session) != group]
    if leaving:
        await leave_groups(registration.id, leaving)
    taking = [slots[session, group] for session, group in after.items() if held.get(session) != group]
    for slot in taking:
        await raise_group_limit(event, slot, registration.seats)
    await take_groups(Taking(registration.id, registration.seats, taking))
    titles = {group.key: group.title for group in event.groups}
    return [
        {
            "what": "groups",
            "before": [titles[key] for key in held.values()],
            "after": [titles[key] for key in after.values()],
        }
    ]


def _check_together(slots: list[Slot]) -> None:
    for number, slot in enumerate(slots):
        for other in slots[:number]:
            if slot.group == other.group or slot.overlaps(other):
                raise Conflict(
                    f"{slot.group!r} in {slot.session!r} and {other.group!r} in {other.session!r} exclude each other."
                )


async def _answer_given(event_id: int, newcomer: Newcomer, key: str) -> Outcome | None:
    row = (
        await IdempotencyKey.objects()
        .where(
            (IdempotencyKey.event == event_id)
            & (IdempotencyKey.address == newcomer.address)
            & (IdempotencyKey.key == _hash(key))
        )
        .first()
    )
    if row is None:
        return None
    if row.body_hash != _hash(newcomer):
        raise Conflict("The same Idempotency-Key came with other values.")
    return msgspec.json.decode(row.answer, type=Outcome)


async def _remember_answer(event_id: int, newcomer: Newcomer, key: str, outcome: Outcome) -> None:
    await IdempotencyKey.insert(
        IdempotencyKey(
            event=event_id,
            address=newcomer.address,
            key=_hash(key),
            body_hash=_hash(newcomer),
            answer=msgspec.json.encode(outcome).decode(),
        )
    )


def _hash(value: Newcomer | str) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()
