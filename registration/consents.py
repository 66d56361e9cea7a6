"""Consents as they are kept: to which text, in which language, from when, until when."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from events.details import EventDetails
from events.errors import Conflict
from events.queries import details_of, event_by_id
from events.tables import Event
from registration.answers import Agreed, agreement
from registration.errors import ConsentUnknown, RegistrationUnknown
from registration.queries import registration_by_id
from registration.questions import questions_of
from registration.rules import ACTIVE
from registration.tables import Consent, Registration


async def standing_consents(registration_ids: Iterable[UUID]) -> dict[UUID, dict[str, Consent]]:
    """What each of these registrations agreed to and did not withdraw, by key."""
    found: dict[UUID, dict[str, Consent]] = defaultdict(dict)
    ids = list(registration_ids)
    if ids:
        query = Consent.objects().where(Consent.registration.is_in(ids) & Consent.withdrawn_at.is_null())
        for consent in await query:
            found[consent.registration][consent.key] = consent
    return found


async def consents_in(
    event: EventDetails, registrations: Iterable[Registration]
) -> dict[UUID, dict[str, Consent]]:
    """The standing consents of these registrations of one event, without a look where it asks for none."""
    asks = any(question.type == "consent" for question in questions_of(event))
    return await standing_consents(row.id for row in registrations) if asks else {}


async def keep(registration_id: UUID, agreed: Iterable[Agreed], now: datetime) -> None:
    """Writes consents in the caller's transaction; one that stands already and is to the same text stays."""
    there = (await standing_consents([registration_id])).get(registration_id, {})
    for consent in agreed:
        before = there.get(consent.key)
        if before is not None:
            if before.text_hash == consent.text_hash:
                continue
            await _end(before, now)
        await Consent.insert(
            Consent(
                registration=registration_id,
                key=consent.key,
                text_hash=consent.text_hash,
                language=consent.language,
                given_at=now,
            )
        )


async def give(
    registration_id: UUID, key: str, language: str, now: datetime, *, text_hash: str | None = None
) -> None:
    """The person agrees to what the question says now, read in `language`. Once more changes nothing.

    Raises RegistrationUnknown, ConsentUnknown, and Conflict for an ended registration, or where the text that the
    person read (`text_hash`) is no longer that of the question.
    """
    unlocked = await registration_by_id(registration_id)
    async with Event._meta.db.transaction():
        row = await event_by_id(unlocked.event, locked=True)
        registration = await registration_by_id(registration_id)
        if row.personal_data_removed_at is not None:
            raise RegistrationUnknown()
        if registration.status not in ACTIVE:
            raise Conflict("This registration has ended.")
        event = await details_of(row)
        for question in questions_of(event):
            if question.key == key and question.type == "consent":
                agreed = agreement(question, language, event.default_language)
                if text_hash not in (None, agreed.text_hash):
                    raise Conflict("The text has changed since it was read.")
                await keep(registration_id, [agreed], now)
                return
        raise ConsentUnknown()


async def withdraw(registration_id: UUID, key: str, now: datetime) -> None:
    """Ends a consent, also of a registration that has ended and of a question that is asked no more.

    Where none stands nothing happens. Raises RegistrationUnknown.
    """
    unlocked = await registration_by_id(registration_id)
    async with Event._meta.db.transaction():
        await event_by_id(unlocked.event, locked=True)
        there = (await standing_consents([registration_id])).get(registration_id, {})
        if key in there:
            await _end(there[key], now)


async def _end(consent: Consent, now: datetime) -> None:
    consent.withdrawn_at = now
    await consent.save([Consent.withdrawn_at])
