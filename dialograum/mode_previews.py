"""What a switch would do and whom it touches, found out by making it and taking it back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from events.details import EventDetails
from events.queries import details_of, event_by_id
from events.rules import Attendance, Mode
from events.tables import Event
from notifications.tables import Message
from registration.rules import RegistrationStatus
from registration.tables import Registration


@dataclass(frozen=True)
class Person:
    """Somebody who takes part or waits, as they stand after the switch."""

    id: UUID
    number: str
    name: str
    status: RegistrationStatus
    attendance: Attendance
    online_access: str | None
    has_address: bool
    wishes_hall: bool


@dataclass(frozen=True)
class SwitchOutlook:
    """The event before and after. `told` counts the mails; the rest are people, by order of arrival.

    `left_online` would sit in the hall and find no seat there, `cannot_join` take part online and said that they
    cannot, or only by phone; `untold` have no address.
    """

    before: EventDetails
    after: EventDetails
    told: int
    to_online: int
    to_hall: int
    moving_up: tuple[Person, ...]
    left_online: tuple[Person, ...]
    cannot_join: tuple[Person, ...]
    untold: tuple[Person, ...]


async def preview(event_id: int, move: Callable[[], Awaitable[object]]) -> SwitchOutlook:
    """What `move` would do; nothing is written, and nobody is told. Raises as it does."""
    async with Event._meta.db.transaction(allow_nested=False) as transaction:
        before = await details_of(await event_by_id(event_id, locked=True))
        people_before = await _people(before)
        await move()
        after = await details_of(await event_by_id(event_id))
        people = (await _people(after)).values()
        outlook = SwitchOutlook(
            before=before,
            after=after,
            told=await _told(event_id),
            to_online=_moved(people_before, people, Attendance.ONLINE),
            to_hall=_moved(people_before, people, Attendance.IN_PERSON),
            moving_up=tuple(
                person
                for person in people
                if people_before[person.id].status is RegistrationStatus.WAITLISTED
                and person.status is not RegistrationStatus.WAITLISTED
            ),
            left_online=tuple(
                person
                for person in people
                if after.mode is Mode.HYBRID
                and person.attendance is Attendance.ONLINE
                and person.wishes_hall
                and person.status is not RegistrationStatus.WAITLISTED
            ),
            cannot_join=tuple(
                person
                for person in people
                if person.attendance is Attendance.ONLINE and person.online_access is not None
            ),
            untold=tuple(person for person in people if not person.has_address),
        )
        await transaction.rollback()
        return outlook


def _moved(before: dict[UUID, Person], people: Any, attendance: Attendance) -> int:
    return sum(
        person.attendance is attendance
        and before[person.id].attendance is not attendance
        and before[person.id].status is not RegistrationStatus.WAITLISTED
        for person in people
    )


async def _people(event: EventDetails) -> dict[UUID, Person]:
    rows = await Registration.raw(
        """
        SELECT id, number, name, status, attendance, online_access, email IS NOT NULL AS has_address,
            coalesce(
                attendance_before = 'in_person' OR attendance_wished = 'in_person', attendance_wished IS NULL AND {}
            ) AS wishes_hall
        FROM registration WHERE event = {} AND status IN ('pending', 'confirmed', 'waitlisted') ORDER BY arrival
        """,
        event.base_mode is Mode.IN_PERSON,
        event.id,
    )
    return {
        row["id"]: Person(
            row["id"],
            row["number"],
            row["name"],
            RegistrationStatus(row["status"]),
            Attendance(row["attendance"]),
            row["online_access"],
            row["has_address"],
            row["wishes_hall"],
        )
        for row in rows
    }


async def _told(event_id: int) -> int:
    """The messages to attendees that the present transaction has written and that will leave."""
    rows = await Message.raw(
        "SELECT count(*) AS messages FROM message WHERE event_id = {} AND status = 'queued'"
        " AND about IS NOT NULL AND xmin = pg_current_xact_id()::xid",
        event_id,
    )
    return int(rows[0]["messages"])
