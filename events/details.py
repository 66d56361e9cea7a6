"""An event with its programme, as pages, calendars, mails and the API show it: plain values, no database."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from events.rules import (
    OFFERED,
    Attendance,
    EventStatus,
    Mode,
    RegistrationState,
    registration_state,
    seats_left,
)

Texts = dict[str, str]
"""One text by language code."""


@dataclass(frozen=True)
class VenueDetails:
    key: str
    name: str
    room: str | None = None
    street: str | None = None
    postal_code: str | None = None
    locality: str | None = None
    country: str | None = None
    access: Texts | None = None

    @property
    def line(self) -> str:
        """House and room, as on a signpost."""
        return f"{self.name}, {self.room}" if self.room else self.name


@dataclass(frozen=True)
class SlotDetails:
    """One group in one session, or an optional session that one signs up for."""

    session: str
    limit: int | None
    taken: int
    id: int = 0

    @property
    def seats_left(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.taken)


@dataclass(frozen=True)
class SessionDetails:
    key: str
    kind: str
    title: Texts
    starts_local: datetime
    ends_local: datetime
    starts_at: datetime
    ends_at: datetime
    speaker: Texts | None = None
    venue: VenueDetails | None = None
    optional: bool = False
    capacity: int | None = None
    slot: SlotDetails | None = None
    """Its own seats, where one signs up for the session itself."""


@dataclass(frozen=True)
class GroupDetails:
    key: str
    title: Texts
    capacity: int | None
    digital_capacity: int | None
    slots: tuple[SlotDetails, ...]
    moderators: tuple[str, ...] = ()

    @property
    def sessions(self) -> tuple[str, ...]:
        return tuple(slot.session for slot in self.slots)

    @property
    def seats_left(self) -> int | None:
        """Seats that are free in every one of its sessions; `None` where there is no limit."""
        return min((slot.seats_left for slot in self.slots if slot.seats_left is not None), default=None)


@dataclass(frozen=True)
class EventDetails:
    """An event as it stands.

    `*_local` are naive local times of `timezone`, `*_at` instants in UTC. `closes_at` is the start where no
    deadline is given (`closes_local` is then `None`).
    """

    id: int
    slug: str
    short: str | None
    uid: str
    kind: str
    status: EventStatus
    default_language: str
    timezone: str
    starts_local: datetime
    ends_local: datetime
    opens_local: datetime | None
    closes_local: datetime | None
    starts_at: datetime
    ends_at: datetime
    opens_at: datetime | None
    closes_at: datetime
    title: Texts
    summary: Texts | None
    description: Texts | None
    contact: dict[str, Any] | None
    mode: Mode
    base_mode: Mode
    capacity: int | None
    digital_capacity: int | None
    hybrid_capacity: int | None
    in_person_limit: int | None
    online_limit: int | None
    in_person_taken: int
    online_taken: int
    in_person_waiting: int
    online_waiting: int
    waitlist: bool
    confirm_email: bool
    hold_hours: int
    allocation: str
    retention_days: int
    sequence: int
    version: int
    changed_at: datetime
    cancel_reason: str | None = None
    mode_locked: bool = False
    """Whether rules are judged and shown, but do not move the event."""
    came_back: bool = False
    """Whether it is hybrid because the hall was too small for all on the way back."""
    mode_changed_at: datetime | None = None
    mode_reason: str | None = None
    series: str | None = None
    assigned_at: datetime | None = None
    assignment_seed: str | None = None
    meeting_url: str | None = None
    """The town's own stream or conference, in place of a plenary room of ours."""
    plan: list[dict[str, Any]] | None = None
    """What is known in advance of when it would move: the rules in force and what their last reports say."""
    venues: tuple[VenueDetails, ...] = ()
    sessions: tuple[SessionDetails, ...] = ()
    groups: tuple[GroupDetails, ...] = ()
    questions: tuple[dict[str, Any], ...] = ()

    @property
    def offered(self) -> tuple[Attendance, ...]:
        """The attendances a newcomer can choose in the present mode."""
        return OFFERED[self.mode]

    @property
    def is_moved_online(self) -> bool:
        """Whether a switch took it from the hall to the screen."""
        return self.mode is Mode.DIGITAL and self.base_mode is not Mode.DIGITAL

    @property
    def assigns_at_once(self) -> bool:
        """Whether wishes are met as they come: not while they are collected until the deadline."""
        return self.allocation == "first_come" or self.assigned_at is not None

    @property
    def waitlisted(self) -> int:
        return self.in_person_waiting + self.online_waiting

    def limit(self, attendance: Attendance) -> int | None:
        return self.in_person_limit if attendance is Attendance.IN_PERSON else self.online_limit

    def taken(self, attendance: Attendance) -> int:
        return self.in_person_taken if attendance is Attendance.IN_PERSON else self.online_taken

    def waiting(self, attendance: Attendance) -> int:
        return self.in_person_waiting if attendance is Attendance.IN_PERSON else self.online_waiting

    def seats_left(self, attendance: Attendance) -> int | None:
        """Free seats for a newcomer: 0 where not offered or where anybody waits, `None` without a limit."""
        if attendance not in self.offered:
            return 0
        return seats_left(self.limit(attendance), self.taken(attendance), self.waiting(attendance))

    def state(self, now: datetime) -> RegistrationState:
        return registration_state(
            now, self.status, self.opens_at, self.closes_at, tuple(map(self.seats_left, self.offered))
        )

    def groups_in(self, session: str) -> tuple[GroupDetails, ...]:
        return tuple(group for group in self.groups if session in group.sessions)

    @cached_property
    def signup_sessions(self) -> tuple[SessionDetails, ...]:
        """The optional sessions that one signs up for, such as a dinner, in the order of the programme."""
        return tuple(session for session in self.sessions if session.slot is not None)

    @cached_property
    def wish_sessions(self) -> tuple[SessionDetails, ...]:
        """The sessions for which there are wishes: those with groups and those that one signs up for."""
        return tuple(session for session in self.sessions if session.slot or self.groups_in(session.key))

    @cached_property
    def choice_titles(self) -> dict[str, Texts]:
        """The titles of all that can be wished, by key: groups, and the sessions that one signs up for."""
        return {session.key: session.title for session in self.signup_sessions} | {
            group.key: group.title for group in self.groups
        }

    @cached_property
    def group_sessions(self) -> tuple[SessionDetails, ...]:
        """The sessions in which groups work, in the order of the programme."""
        return tuple(session for session in self.sessions if self.groups_in(session.key))
