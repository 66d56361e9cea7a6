"""What people are told: rows for the outbox, written in the transaction of what they tell about."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from events.details import EventDetails
from notifications.outbox import NewMessage, enqueue, share, supersede
from registration.facts import event_facts, registration_facts
from registration.queries import groups_held, groups_shown, positions
from registration.rules import RegistrationStatus
from registration.tables import Registration

INVITING = {"confirmed", "promoted", "registration_changed", "event_changed"}
"""Kinds that carry a calendar REQUEST for those who are confirmed."""


ANNOUNCEMENT = "announcement"
"""What an organiser writes to many. It carries the link to unsubscribe."""

KINDS = (
    ANNOUNCEMENT,
    "confirm",
    "confirmed",
    "waitlisted",
    "promoted",
    "already_registered",
    "registration_changed",
    "event_changed",
    "expired",
    "registration_cancelled",
    "event_cancelled",
)

MADE_WRONG = {
    "confirmed": ("confirm", "waitlisted", "promoted", "already_registered"),
    "promoted": ("waitlisted", "already_registered"),
    "expired": KINDS,
    "registration_cancelled": KINDS,
    "event_cancelled": KINDS,
}
"""What a message of a kind makes wrong of what is still queued about the same registration."""

AT_ONCE = 5000


async def tell(
    kind: str, event: EventDetails, registrations: Iterable[Registration], now: datetime, **more: Any
) -> int:
    """Writes one message per registration that has an address; returns how many.

    The context holds the facts as they stand now. Queued messages that it makes wrong are superseded. Whoever is
    sent a calendar REQUEST for the first time is marked as invited.
    """
    people = [registration for registration in registrations if registration.email]
    for start in range(0, len(people), AT_ONCE):
        await _tell(kind, event, people[start : start + AT_ONCE], now, more)
    return len(people)


async def withdraw(registration_id: UUID) -> None:
    """Supersedes all that is still queued about a registration, as when its address was wrong."""
    await supersede(KINDS, about=[registration_id])


async def _tell(
    kind: str, event: EventDetails, people: Sequence[Registration], now: datetime, more: dict[str, Any]
) -> None:
    held = await groups_held(person.id for person in people)
    places = await positions(people)
    messages = []
    for person in people:
        assert person.email is not None
        groups = groups_shown(event, person, held.get(person.id, {}))
        messages.append(
            NewMessage(
                kind=kind,
                about=person.id,
                event_id=event.id,
                recipient=person.email,
                recipient_name=person.name,
                language=person.language,
                context={
                    "registration": registration_facts(person, event, groups, places.get(person.id)),
                    **more,
                },
            )
        )
    if kind in MADE_WRONG:
        await supersede(MADE_WRONG[kind], about=[person.id for person in people])
    await enqueue(messages, shared=await share({"event": event_facts(event)}, event.id))
    if kind in INVITING:
        invited = [person.id for person in people if person.status == RegistrationStatus.CONFIRMED]
        await Registration.raw(
            "UPDATE registration SET invited_at = {} WHERE invited_at IS NULL AND id = ANY({}::uuid[])",
            now,
            invited,
        )
