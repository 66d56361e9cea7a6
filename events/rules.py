"""Decisions about events: what a mode offers, whether registration is open, when local times exist."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo


class Mode(StrEnum):
    """Where an event takes place now."""

    IN_PERSON = "in_person"
    HYBRID = "hybrid"
    DIGITAL = "digital"


class Attendance(StrEnum):
    """How one person takes part."""

    IN_PERSON = "in_person"
    ONLINE = "online"


class EventStatus(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    CANCELLED = "cancelled"


class RegistrationState(StrEnum):
    """What a visitor can do now; `full` still admits to the waitlist where the event has one."""

    UPCOMING = "upcoming"
    OPEN = "open"
    FULL = "full"
    CLOSED = "closed"


class Role(StrEnum):
    """What an organiser may do: admins see all, organisers their events, helpers no addresses."""

    ADMIN = "admin"
    ORGANISER = "organiser"
    HELPER = "helper"


OFFERED: dict[Mode, tuple[Attendance, ...]] = {
    Mode.IN_PERSON: (Attendance.IN_PERSON,),
    Mode.HYBRID: (Attendance.IN_PERSON, Attendance.ONLINE),
    Mode.DIGITAL: (Attendance.ONLINE,),
}


@dataclass(frozen=True)
class Limits:
    """Seats that may be held per attendance; `None` is no limit, 0 is not offered."""

    in_person: int | None
    online: int | None

    def of(self, attendance: Attendance) -> int | None:
        return self.in_person if attendance is Attendance.IN_PERSON else self.online


def limits(
    mode: Mode,
    base_mode: Mode,
    capacity: int | None,
    digital_capacity: int | None,
    hybrid_capacity: int | None,
    came_back: bool = False,
) -> Limits:
    """The limits of an event in a mode.

    `hybrid_capacity` limits the hall while a rule or a hand makes the event hybrid; an event that is
    hybrid by itself, or because it `came_back` to a hall that is too small for all, keeps `capacity`.
    """
    if mode is Mode.IN_PERSON:
        return Limits(in_person=capacity, online=0)
    if mode is Mode.DIGITAL:
        return Limits(in_person=0, online=digital_capacity)
    switched = base_mode is not Mode.HYBRID and hybrid_capacity is not None and not came_back
    return Limits(in_person=hybrid_capacity if switched else capacity, online=digital_capacity)


def group_limit(mode: Mode, capacity: int | None, digital_capacity: int | None) -> int | None:
    """Seats in a group and session: `digital_capacity` counts while the event is digital, where given."""
    return digital_capacity if mode is Mode.DIGITAL and digital_capacity is not None else capacity


def seats_left(limit: int | None, taken: int, waiting: int) -> int | None:
    """Seats a newcomer can get at once: none while anybody waits; `None` where there is no limit."""
    if waiting:
        return 0
    return None if limit is None else max(0, limit - taken)


def registration_state(
    now: datetime,
    status: EventStatus,
    opens_at: datetime | None,
    closes_at: datetime,
    offered_left: tuple[int | None, ...],
) -> RegistrationState:
    """Whether registration is open; `closes_at` itself is too late."""
    if status is not EventStatus.PUBLISHED or now >= closes_at:
        return RegistrationState.CLOSED
    if opens_at is not None and now < opens_at:
        return RegistrationState.UPCOMING
    if all(left == 0 for left in offered_left):
        return RegistrationState.FULL
    return RegistrationState.OPEN


def instant(local: datetime, zone: str) -> datetime:
    """The instant in UTC of a local time; of one that exists twice, the earlier."""
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def local_time(at: datetime, zone: str) -> datetime:
    """The naive local time of an instant."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
