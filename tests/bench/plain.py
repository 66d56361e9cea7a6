"""Registering in the plain way, which batches are measured against: one request, one transaction, row after row.

It decides as the service does; idempotency keys, questions and limits are left out, in its favour.
"""

from datetime import datetime
from uuid import uuid4

from events.queries import details_of, event_named
from events.tables import Event
from registration.arrivals import KIND_OF_NEWS, number
from registration.decisions import Admitted, Newcomer, Outcome, Past, Request, decide
from registration.links import nonce
from registration.messages import tell
from registration.queries import active_registration, slots_of
from registration.rules import RegistrationStatus
from registration.seats import Taking, count, take_groups
from registration.tables import Registration


async def register(slug: str, newcomer: Newcomer, now: datetime) -> Outcome:
    """What `Admission.register` promises, alone."""
    assert newcomer.address is not None
    async with Event._meta.db.transaction():
        event = await details_of(await event_named(slug, locked=True))
        known = await active_registration(event.id, newcomer.address)
        past = Past(known=() if known is None else (newcomer.address,))
        (admitted,) = decide(event, slots_of(event), (), [Request(newcomer, now)], past)
        if not isinstance(admitted, Admitted):
            raise TypeError(admitted)
        if known is not None:
            await tell("already_registered", event, [known.id])
            return admitted.outcome
        status = admitted.outcome.status
        registration = Registration(
            id=uuid4(),
            event=event.id,
            number=number(),
            name=newcomer.name,
            email=newcomer.email,
            address=newcomer.address,
            language=newcomer.language or event.default_language,
            status=status,
            attendance=admitted.attendance,
            attendance_wished=newcomer.attendance,
            seats=newcomer.seats,
            wishes={session: list(groups) for session, groups in newcomer.wishes.items()},
            held_until=admitted.outcome.held_until,
            registered_at=now,
            confirm_nonce=nonce(),
            own_nonce=nonce(),
            join_nonce=nonce(),
        )
        await registration.save()
        if status is RegistrationStatus.WAITLISTED:
            await count(event.id, admitted.attendance, waiting=1)
        else:
            await count(event.id, admitted.attendance, seats=newcomer.seats)
            await take_groups(Taking(registration.id, newcomer.seats, admitted.slots))
        await tell(KIND_OF_NEWS[status], event, [registration.id])
        return admitted.outcome
