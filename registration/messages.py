"""What people are told: rows for the outbox, written in the transaction of what they tell about."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from events.details import EventDetails
from notifications.outbox import NewMessage, enqueue
from registration.facts import event_facts, registration_facts
from registration.queries import groups_held, groups_shown, position
from registration.rules import RegistrationStatus
from registration.tables import Registration

INVITING = {"confirmed", "promoted", "registration_changed", "event_changed"}
"""Kinds that carry a calendar REQUEST for those who are confirmed."""


async def tell(
    kind: str, event: EventDetails, registrations: Iterable[Registration], now: datetime, **more: Any
) -> int:
    """Writes one message per registration that has an address; returns how many.

    The context holds the facts as they stand now. Whoever is sent a calendar REQUEST for the first time is
    marked as invited.
    """
    people = [registration for registration in registrations if registration.email]
    held = await groups_held(person.id for person in people)
    about_event = event_facts(event)
    messages, invited = [], []
    for person in people:
        assert person.email is not None
        groups = groups_shown(event, person, held.get(person.id, {}))
        context = {
            "event": about_event,
            "registration": registration_facts(person, event, groups, await position(person)),
            **more,
        }
        messages.append(
            NewMessage(
                kind=kind,
                about=person.id,
                event_id=event.id,
                recipient=person.email,
                recipient_name=person.name,
                language=person.language,
                context=context,
            )
        )
        if (
            kind in INVITING
            and person.status == RegistrationStatus.CONFIRMED
            and person.invited_at is None
        ):
            invited.append(person.id)
    await enqueue(messages)
    if invited:
        await Registration.update({Registration.invited_at: now}).where(Registration.id.is_in(invited))
    return len(messages)
