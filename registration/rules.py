"""Who gets a seat, who waits, who moves up, and which group. Pure: `now` is an argument, nothing is read or written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar
from uuid import UUID

from events.rules import OFFERED, Attendance, EventStatus, Mode


class OnlineAccess(StrEnum):
    """What keeps a person from taking part by screen; who can has none of these."""

    PHONE = "phone"
    """By telephone they can listen and talk."""
    NONE = "none"


class RegistrationStatus(StrEnum):
    """`pending` and `confirmed` hold seats; `pending` until the address is confirmed."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    WAITLISTED = "waitlisted"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


HOLDING = (RegistrationStatus.PENDING, RegistrationStatus.CONFIRMED)
ACTIVE = (*HOLDING, RegistrationStatus.WAITLISTED)


class Refused(StrEnum):
    """Why a newcomer is not admitted."""

    NOT_OPEN = "registration-not-open"
    CLOSED = "registration-closed"
    FULL = "event-full"
    CANCELLED = "event-cancelled"
    NOT_OFFERED = "attendance-not-offered"


@dataclass(frozen=True)
class Seats:
    """One attendance of an event: what may be held (`None` = no limit), what is held, how many wait."""

    limit: int | None
    taken: int
    waiting: int

    def fit(self, seats: int) -> bool:
        return self.limit is None or self.taken + seats <= self.limit


@dataclass(frozen=True)
class Terms:
    """What an event says about its registration. `closes_at` itself is too late."""

    status: EventStatus
    mode: Mode
    opens_at: datetime | None
    closes_at: datetime
    starts_at: datetime
    waitlist: bool
    confirm_email: bool
    hold_hours: int


def attendance_or_default(mode: Mode, wished: Attendance | None) -> Attendance:
    """The attendance of somebody who did not say: online while the event is digital, else in the hall."""
    return wished or (Attendance.ONLINE if mode is Mode.DIGITAL else Attendance.IN_PERSON)


def admission(
    now: datetime, terms: Terms, attendance: Attendance, seats_there: Seats, seats: int
) -> RegistrationStatus | Refused:
    """What becomes of a newcomer. While anyone waits, newcomers wait."""
    if terms.status is EventStatus.CANCELLED:
        return Refused.CANCELLED
    if terms.status is EventStatus.DRAFT or (terms.opens_at is not None and now < terms.opens_at):
        return Refused.NOT_OPEN
    if now >= terms.closes_at:
        return Refused.CLOSED
    if attendance not in OFFERED[terms.mode]:
        return Refused.NOT_OFFERED
    if seats_there.waiting == 0 and seats_there.fit(seats):
        return RegistrationStatus.PENDING if terms.confirm_email else RegistrationStatus.CONFIRMED
    return RegistrationStatus.WAITLISTED if terms.waitlist else Refused.FULL


def may_move(
    now: datetime, status: RegistrationStatus, event_status: EventStatus, starts_at: datetime
) -> bool:
    """Whether people may change their attendance, seats and groups themselves: until the event starts."""
    return status in ACTIVE and event_status is EventStatus.PUBLISHED and now < starts_at


def seats_needed(before: Attendance, seats_before: int, after: Attendance, seats: int) -> int:
    """How many more seats a change takes of the attendance that it leads to."""
    return seats - seats_before if after is before else seats


def held_until(now: datetime, starts_at: datetime, hold_hours: int) -> datetime:
    """How long a seat waits for its confirmation: `hold_hours`, but no more than a quarter of the time left."""
    return min(now + timedelta(hours=hold_hours), now + max(starts_at - now, timedelta()) / 4)


@dataclass(frozen=True)
class Waiting:
    """A waitlisted registration."""

    id: UUID
    seats: int


class TakesSeats(Protocol):
    """Whoever asks for so many seats."""

    @property
    def seats(self) -> int: ...


Someone = TypeVar("Someone", bound=TakesSeats)


def promotions(now: datetime, terms: Terms, free: int | None, waitlist: Iterable[Someone]) -> list[Someone]:
    """Who moves up into `free` seats (`None` = no limit), given the waitlist in order of arrival.

    Before the deadline seats are kept for the head until it fits; afterwards the first who fits moves up.
    Nobody moves up once the event has started, or while it is not published.
    """
    if now >= terms.starts_at or terms.status is not EventStatus.PUBLISHED:
        return []
    moving: list[Someone] = []
    for person in waitlist:
        if free is None or person.seats <= free:
            moving.append(person)
            free = None if free is None else free - person.seats
        elif now < terms.closes_at:
            break
    return moving


def seated(free: int | None, queue: Iterable[Someone]) -> list[Someone]:
    """Who of a queue fits into `free` seats (`None` = no limit), in its order; who does not fit is passed over."""
    sitting: list[Someone] = []
    for person in queue:
        if free is None or person.seats <= free:
            sitting.append(person)
            free = None if free is None else free - person.seats
    return sitting


@dataclass(frozen=True)
class Slot:
    """One group in one session. `free` is `None` where there is no limit."""

    session: str
    group: str
    starts_at: datetime
    ends_at: datetime
    free: int | None
    id: int = 0

    def overlaps(self, other: "Slot") -> bool:
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


Wishes = Mapping[str, Sequence[str]]
"""Group keys in order of wish, by session key."""


def unknown_wishes(wishes: Wishes, slots: Iterable[Slot]) -> list[tuple[str, str]]:
    """The (session, group) pairs of wishes that the programme does not have."""
    known = {(slot.session, slot.group) for slot in slots}
    sessions = {session for session, _ in known}
    return [
        (session, group)
        for session, groups in wishes.items()
        for group in (groups if session in sessions else groups or ("",))
        if (session, group) not in known
    ]


def with_seats_taken(slots: Sequence[Slot], chosen: Iterable[Slot], seats: int) -> list[Slot]:
    """The slots after `seats` were taken in those that were chosen."""
    ids = {slot.id for slot in chosen}
    return [
        replace(slot, free=slot.free - seats) if slot.id in ids and slot.free is not None else slot
        for slot in slots
    ]


def wishes_as_held(wishes: Sequence[str], held: str | None) -> list[str]:
    """A session's wishes with the group that the person has before all others."""
    return list(dict.fromkeys((held, *wishes) if held else wishes))


def groups_instead(
    wishes: Wishes, held: Iterable[Slot], seats: int, slots: Sequence[Slot]
) -> dict[str, Slot | None]:
    """The group of each session in `wishes`, after what is held there was given back. As `groups_for`."""
    has = list(held)
    given_back = [slot for slot in has if slot.session in wishes]
    kept = [slot for slot in has if slot.session not in wishes]
    return groups_for(wishes, seats, with_seats_taken(slots, given_back, -seats), kept)


def groups_for(
    wishes: Wishes, seats: int, slots: Sequence[Slot], kept: Iterable[Slot] = ()
) -> dict[str, Slot | None]:
    """The group of each wished session, in the order of `slots`: the first wish with room.

    Never the same group twice, nothing at overlapping times; `kept` are slots the person has already, whose
    sessions are left alone. A session without a free wish gets `None`: the wish is kept. Who wants no group in a
    session, as an empty list says, is not asked about it.
    """
    has = list(kept)
    chosen: dict[str, Slot | None] = {}
    for session in dict.fromkeys(slot.session for slot in slots):
        if not wishes.get(session) or any(slot.session == session for slot in has):
            continue
        there = {slot.group: slot for slot in slots if slot.session == session}
        chosen[session] = next(
            (
                there[group]
                for group in wishes[session]
                if group in there
                and (there[group].free is None or seats <= (there[group].free or 0))
                and not any(group == other.group or there[group].overlaps(other) for other in has)
            ),
            None,
        )
        if (slot := chosen[session]) is not None:
            has.append(slot)
    return chosen
