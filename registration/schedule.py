"""When people are reminded, from the event as it stands. Pure.

Days are counted by the local calendar, so that the time of day stays the same when the clocks change; hours and minutes
are spans of time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from events.rules import Mode, instant
from registration.reminders import ReminderSpec

JOIN_BEFORE = timedelta(hours=1)
"""How long before a digital or hybrid event those online get their link once more."""

THANKS_LATE = timedelta(days=7)
"""How long after their time thanks are still sent, as when the worker was down."""

ONE_DATE = timedelta(days=1)
"""An event that moves by less keeps its date: whoever was reminded of it is not reminded again."""

SHORTEST_HOLD = timedelta(hours=2)
NUDGE_SHARE = 4
"""Who has not confirmed is reminded when a quarter of the time is left."""


class Audience(StrEnum):
    """Who is reminded; a group is named by its key beside it."""

    ALL = "all"
    IN_PERSON = "in_person"
    ONLINE = "online"
    GROUP = "group"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True)
class Occurrence:
    """A reminder with its instant. `key` stays the same when the event moves."""

    at: datetime
    kind: str
    key: str
    audience: Audience
    group: str | None = None
    text: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Times:
    """What of an event decides about its reminders; local times are naive, of the zone."""

    starts_local: datetime
    ends_local: datetime
    zone: str
    mode: Mode


def occurrences(event: Times, reminders: Sequence[ReminderSpec]) -> Iterator[Occurrence]:
    """Every reminder of the event as it stands, those that go without saying included."""
    if event.mode is not Mode.IN_PERSON:
        starts_at = instant(event.starts_local, event.zone)
        yield Occurrence(starts_at - JOIN_BEFORE, "starts_soon", "starts_soon", Audience.ONLINE)
    for spec in reminders:
        audience, _, group = spec.audience.partition(":")
        yield Occurrence(
            _at(event, spec),
            "reminder" if spec.after is None else "thanks",
            spec.key,
            Audience(audience),
            group or None,
            tuple(spec.text.items()),
        )


def _at(event: Times, spec: ReminderSpec) -> datetime:
    if spec.after is None:
        local, distance, sign = event.starts_local, spec.time_before, -1
    else:
        local, distance, sign = event.ends_local, spec.time_after, 1
    if distance.span:
        return instant(local, event.zone) + sign * distance.span
    day = local + sign * timedelta(days=distance.days)
    return instant(day if spec.time_of_day is None else _on(day, spec), event.zone)


def _on(day: datetime, spec: ReminderSpec) -> datetime:
    assert spec.time_of_day is not None
    return datetime.combine(day.date(), spec.time_of_day)


def due(event: Times, reminders: Sequence[ReminderSpec], since: datetime, now: datetime) -> list[Occurrence]:
    """What falls due after `since` and until `now`, the latest first; nothing that comes too late to be of use."""
    starts_at = instant(event.starts_local, event.zone)
    found = [
        reminder
        for reminder in occurrences(event, reminders)
        if since < reminder.at <= now
        and (now < reminder.at + THANKS_LATE if reminder.kind == "thanks" else now < starts_at)
    ]
    return sorted(found, key=lambda reminder: (reminder.at, reminder.kind == "starts_soon"), reverse=True)
