"""Where a personal join link leads now. Pure: the event as it stands, the person with their groups, the time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from events.details import EventDetails, GroupDetails, SessionDetails, VenueDetails
from events.rules import Attendance, EventStatus, Mode
from registration.rules import ACTIVE, RegistrationStatus

OPENS_BEFORE = timedelta(minutes=15)
"""How long before it begins people can go into the first room of a day."""

BREAK = timedelta(hours=2)
"""A pause in the programme up to this long is a break, in which the next room is open; a longer one ends the day."""

COMES_BACK = timedelta(minutes=30)
"""How long after the end somebody whose line dropped can go back."""

MINUTE = timedelta(minutes=1)
OFTEN = timedelta(minutes=5)
SELDOM = timedelta(hours=1)
SOON = timedelta(hours=2)
"""From here on minutes are counted."""

FAR = timedelta(days=1)


class Stage(StrEnum):
    """What the link shows."""

    CANCELLED = "cancelled"
    NOT_REGISTERED = "not-registered"
    UNCONFIRMED = "unconfirmed"
    WAITLISTED = "waitlisted"
    OVER = "over"
    HALL = "hall"
    WAITING = "waiting"
    OPEN = "open"


@dataclass(frozen=True)
class Person:
    """Somebody with a link. `groups` are those held, by session; `moderates` those that the person moderates."""

    status: RegistrationStatus
    attendance: Attendance
    groups: Mapping[str, str] = field(default_factory=dict)
    moderates: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Sight:
    """What a person sees now.

    `session` is the one that runs, else the next; `group` the person's in it, `venue` where it is in the hall.
    `begins_at` is when that session begins, `opens_at` when its room opens. `moderates`: the person moderates
    `group`, and online. `can_return` is true for a while after the end; `can_test` from a day before, when there is a
    room to try a device in. `changes_at` is when to look again at the latest; `None` = there is nothing to wait for.
    """

    stage: Stage
    session: SessionDetails | None = None
    group: GroupDetails | None = None
    venue: VenueDetails | None = None
    is_running: bool = False
    is_open: bool = False
    opens_at: datetime | None = None
    begins_at: datetime | None = None
    moderates: bool = False
    can_return: bool = False
    can_test: bool = False
    changes_at: datetime | None = None

    @property
    def room(self) -> tuple[str, str] | None:
        """Session and group of the meeting room; `None` is the plenary."""
        return (self.session.key, self.group.key) if self.session and self.group else None

    @property
    def may_enter(self) -> bool:
        """Whether there is a room to go into now: for who takes part online, and in the hall for who moderates."""
        return self.stage is Stage.OPEN or self.can_return or (self.is_open and self.moderates)


@dataclass(frozen=True)
class _Part:
    """A stretch of the programme; without a session it belongs to nobody but all."""

    starts_at: datetime
    ends_at: datetime
    session: SessionDetails | None = None


def sight(event: EventDetails, person: Person, now: datetime) -> Sight:
    """What the link shows; total."""
    if event.status is EventStatus.CANCELLED:
        return Sight(Stage.CANCELLED)
    if person.status not in ACTIVE:
        return Sight(Stage.NOT_REGISTERED)
    is_online = _is_online(event, person)
    if now >= event.ends_at:
        until = event.ends_at + COMES_BACK
        if person.status is not RegistrationStatus.CONFIRMED or not is_online or now >= until:
            return Sight(Stage.OVER)
        return Sight(Stage.OVER, can_return=True, changes_at=until)
    if person.status is RegistrationStatus.WAITLISTED:
        return Sight(Stage.WAITLISTED, changes_at=_look_again(now, event.starts_at, OFTEN))
    if person.status is RegistrationStatus.PENDING:
        return Sight(Stage.UNCONFIRMED)
    parts = _programme(event, person)
    part = _part(parts, person, now)
    is_running = part.starts_at <= now
    is_open = is_running or _is_break(parts, part, now) or now >= part.starts_at - OPENS_BEFORE
    group = _group(event, person, part.session)
    is_moderator = group is not None and group.key in person.moderates
    boundary = min(at for part in parts for at in (part.starts_at, part.ends_at) if at > now)
    if not is_online:
        stage, changes_at = Stage.HALL, _look_again(now, boundary, OFTEN)
    elif is_open:
        stage, changes_at = Stage.OPEN, min(boundary, now + OFTEN)
    else:
        stage, changes_at = Stage.WAITING, _look_again(now, part.starts_at - OPENS_BEFORE, MINUTE)
    return Sight(
        stage,
        part.session,
        group,
        _venue(event, part.session),
        is_running=is_running,
        is_open=is_open,
        opens_at=part.starts_at - OPENS_BEFORE,
        begins_at=part.starts_at,
        moderates=is_moderator and (is_online or event.mode is Mode.HYBRID),
        can_test=is_online and part.starts_at - now <= FAR,
        changes_at=changes_at,
    )


def _is_online(event: EventDetails, person: Person) -> bool:
    if event.mode is Mode.HYBRID:
        return person.attendance is Attendance.ONLINE
    return event.mode is Mode.DIGITAL


def rooms_ahead(
    event: EventDetails, person: Person, now: datetime
) -> list[tuple[SessionDetails, GroupDetails | None]]:
    """The person's programme from now on: each session with the group in whose room it is, else in the plenary's."""
    return [
        (part.session, _group(event, person, part.session))
        for part in _programme(event, person)
        if part.session is not None and part.ends_at > now
    ]


def _programme(event: EventDetails, person: Person) -> Sequence[_Part]:
    """What concerns this person, by time; before the first session and after the last the event itself."""
    parts = [
        _Part(session.starts_at, session.ends_at, session)
        for session in event.sessions
        if not session.optional or session.key in person.groups
    ]
    parts.sort(key=lambda part: (part.starts_at, part.ends_at))
    first = min((part.starts_at for part in parts), default=event.ends_at)
    last = max((part.ends_at for part in parts), default=event.ends_at)
    if event.starts_at < first:
        parts.insert(0, _Part(event.starts_at, first))
    if last < event.ends_at:
        parts.append(_Part(last, event.ends_at))
    return parts


def _part(parts: Sequence[_Part], person: Person, now: datetime) -> _Part:
    """The part that runs, else the next. Of several at the same time the one with a group, then the last to begin."""
    running = [part for part in parts if part.starts_at <= now < part.ends_at]
    starts_at = min((part.starts_at for part in parts if part.starts_at > now), default=None)
    candidates = running or [part for part in parts if part.starts_at == starts_at]
    return max(candidates, key=lambda part: (_has_seat(person, part), part.starts_at))


def _has_seat(person: Person, part: _Part) -> bool:
    return part.session is not None and part.session.key in person.groups


def _is_break(parts: Sequence[_Part], following: _Part, now: datetime) -> bool:
    ended = [part.ends_at for part in parts if part.ends_at <= now]
    return bool(ended) and following.starts_at - max(ended) <= BREAK


def _group(event: EventDetails, person: Person, session: SessionDetails | None) -> GroupDetails | None:
    """The group that the person holds a seat in, else one that the person moderates."""
    there = event.groups_in(session.key) if session else ()
    held = person.groups.get(session.key) if session else None
    return next(
        (group for group in there if group.key == held),
        next((group for group in there if group.key in person.moderates), None),
    )


def _venue(event: EventDetails, session: SessionDetails | None) -> VenueDetails | None:
    """Where it is in the hall; `None` where the event has several places, or none, and does not say which."""
    if session and session.venue:
        return session.venue
    return event.venues[0] if len(event.venues) == 1 else None


def _look_again(now: datetime, at: datetime, step: timedelta) -> datetime | None:
    """When to look again for something at `at`: in steps shortly before, seldom earlier, never a day ahead."""
    left = at - now
    if left > FAR:
        return None
    return min(at, now + step) if left <= SOON else min(now + SELDOM, at - SOON)
