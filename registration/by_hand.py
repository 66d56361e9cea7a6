"""People who phone or come by: organisers register them."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from events.details import EventDetails
from events.errors import EventCancelled, FormInvalid
from events.queries import details_of, event_named
from events.rules import Attendance, EventStatus
from events.tables import Event, Organiser
from registration.actions import keeps_personal_data, record
from registration.answers import Accepted, accepted
from registration.arrivals import KIND_OF_NEWS, number
from registration.consents import keep
from registration.decisions import Newcomer, first_come, refusal
from registration.errors import AddressKnown, GroupUnknown, NameKnown
from registration.links import nonce
from registration.messages import tell
from registration.queries import ACTIVE_VALUES, active_registration, registration_by_id, slots_of
from registration.questions import questions_of
from registration.rules import Refused, RegistrationStatus, Slot, attendance_or_default, unknown_wishes
from registration.seats import Taking, count, raise_limit, take_groups
from registration.tables import Registration


async def register_by_hand(
    slug: str, newcomer: Newcomer, by: Organiser, now: datetime, *, asks_for_names: bool = False
) -> Registration:
    """Registers somebody who phoned or came by: also after the deadline, without confirmation, and beyond the
    capacity, which is then raised in the same step.

    Raises EventUnknown, EventCancelled, GroupUnknown, FormInvalid, AddressKnown and, where asked for names,
    NameKnown for a name without an address that is on the list already.
    """
    async with Event._meta.db.transaction():
        event = await details_of(await event_named(slug, locked=True))
        if event.status is EventStatus.CANCELLED:
            raise EventCancelled()
        slots = checked_slots(event, newcomer)
        kept = _answers(event, newcomer)
        attendance = attendance_or_default(event.mode, newcomer.attendance)
        if attendance not in event.offered:
            raise refusal(Refused.NOT_OFFERED)
        if newcomer.address and (known := await active_registration(event.id, newcomer.address)):
            raise AddressKnown(registration=known.id)
        if asks_for_names and not newcomer.address and (ids := await _namesakes(event.id, newcomer.name)):
            raise NameKnown(registrations=ids)
        await raise_limit(event, attendance, newcomer.seats)
        registration = new_row(event, newcomer, attendance, RegistrationStatus.CONFIRMED, now)
        registration.confirmed_at = now
        registration.registered_by = by.id
        registration.answers, registration.special_answers = kept.answers, kept.special_answers
        await admit(event, registration, first_come(event, newcomer, slots), now)
        await keep(registration.id, kept.consents, now)
        await keeps_personal_data(event.id)
        await record(event.id, by, now, "registration_added", registration)
        return await registration_by_id(registration.id)


async def _namesakes(event_id: int, name: str) -> list[UUID]:
    rows = await Registration.raw(
        "SELECT id FROM registration WHERE event = {} AND status = ANY({}) AND lower(name) = lower({})"
        " ORDER BY arrival LIMIT 5",
        event_id,
        ACTIVE_VALUES,
        name,
    )
    return [row["id"] for row in rows]


def checked_slots(event: EventDetails, newcomer: Newcomer) -> list[Slot]:
    slots = slots_of(event)
    if unknown := unknown_wishes(newcomer.wishes, slots):
        session, group = unknown[0]
        raise GroupUnknown(f"{group!r} in session {session!r}", session=session, group=group)
    return slots


def _answers(event: EventDetails, newcomer: Newcomer) -> Accepted:
    """What is known of the answers; nothing is required of whoever phones."""
    language = newcomer.language or event.default_language
    result = accepted(
        questions_of(event),
        newcomer.answers,
        newcomer.consents,
        newcomer.shown_in or language,
        event.default_language,
        must_be_whole=False,
    )
    if isinstance(result, Accepted):
        return result
    raise FormInvalid(result)


def new_row(
    event: EventDetails, newcomer: Newcomer, attendance: Attendance, status: RegistrationStatus, now: datetime
) -> Registration:
    return Registration(
        event=event.id,
        number=number(),
        name=newcomer.name,
        email=newcomer.email,
        address=newcomer.address,
        language=newcomer.language or event.default_language,
        status=status,
        attendance=attendance,
        attendance_wished=newcomer.wished(event),
        online_access=newcomer.online_access,
        seats=newcomer.seats,
        wishes={session: list(groups) for session, groups in newcomer.wishes.items()},
        registered_at=now,
        confirm_nonce=nonce(),
        own_nonce=nonce(),
        join_nonce=nonce(),
    )


async def admit(
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
    await tell(KIND_OF_NEWS[status], event, [registration.id])
