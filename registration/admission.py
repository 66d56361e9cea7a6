"""Who registers by themselves."""

import hashlib
from datetime import datetime

import msgspec

from events.errors import Conflict
from events.queries import details_of, event_named
from events.tables import Event
from registration.by_hand import admit, checked_slots, new_row
from registration.decisions import Newcomer, Outcome, first_come, refusal, seats_there, terms
from registration.messages import tell
from registration.queries import active_registration
from registration.rules import (
    HOLDING,
    Refused,
    RegistrationStatus,
    admission,
    attendance_or_default,
    held_until,
)
from registration.tables import IdempotencyKey


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
        slots = checked_slots(event, newcomer)
        attendance = attendance_or_default(event.mode, newcomer.attendance)
        verdict = admission(now, terms(event), attendance, seats_there(event, attendance), newcomer.seats)
        if isinstance(verdict, Refused):
            raise refusal(verdict)
        chosen = first_come(event, newcomer, slots) if verdict in HOLDING else {}
        hold = (
            held_until(now, event.starts_at, event.hold_hours)
            if verdict is RegistrationStatus.PENDING
            else None
        )
        known = await active_registration(event.id, newcomer.address)
        if known is not None:
            await tell("already_registered", event, [known], now)
        else:
            registration = new_row(event, newcomer, attendance, verdict, now)
            registration.held_until = hold
            registration.confirmed_at = None if event.confirm_email else now
            await admit(event, registration, chosen, now)
        outcome = Outcome(
            verdict, {session: slot.group if slot else None for session, slot in chosen.items()}, hold
        )
        if verdict is RegistrationStatus.WAITLISTED:
            outcome = Outcome(verdict, dict.fromkeys(newcomer.wishes))
        if key is not None:
            await _remember_answer(event.id, newcomer, key, outcome)
        return outcome


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
