"""When people are reminded of an event: the `[[reminders]]` of an event file."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Annotated

from msgspec import Meta, field

from events.forms import Flaw, Part, Texts, repeated

_BEFORE = re.compile(r"(0|[1-9][0-9]{0,4}) (minute|hour|day|week)s?")


@dataclass(frozen=True)
class Distance:
    """How long before the start or after the end: `days` of the calendar or a `span` of time; the other is zero."""

    days: int = 0
    span: timedelta = timedelta()


def parse_distance(text: str) -> Distance | None:
    """What "7 days", "1 week", "2 hours" or "30 minutes" means; `None` where nothing, or more than a year."""
    match = _BEFORE.fullmatch(text)
    if match is None:
        return None
    number, unit = int(match[1]), match[2]
    if unit in ("day", "week"):
        days = number * (7 if unit == "week" else 1)
        return Distance(days=days) if days <= 366 else None
    span = timedelta(**{f"{unit}s": number})
    return Distance(span=span) if timedelta() < span <= timedelta(days=366) else None


Span = Annotated[
    str,
    Meta(
        description="Must be a number of minutes, hours, days or weeks, such as 7 days, a year at most.",
        extra={"holds": lambda text: parse_distance(text) is not None},
    ),
]


class ReminderSpec(Part, frozen=True, kw_only=True):
    """One reminder `before` the start, or thanks `after` the end.

    `at` is a local time of day; without it the time of day is that of the start or the end.
    """

    before: Span | None = None
    after: Span | None = None
    at: (
        Annotated[
            str,
            Meta(
                pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](?![\s\S])",
                description="Must be a time of day such as 09:00.",
            ),
        ]
        | None
    ) = None
    audience: Annotated[
        str,
        Meta(
            max_length=86,
            pattern=r"^(all|in_person|online|unconfirmed|group:[a-z0-9]+(-[a-z0-9]+)*)(?![\s\S])",
            description="Must be all, in_person, online, unconfirmed, or group: and the key of a group.",
        ),
    ] = "all"
    text: Texts = field(default_factory=dict)

    @property
    def time_before(self) -> Distance:
        return parse_distance(self.before or "") or Distance()

    @property
    def time_after(self) -> Distance:
        return parse_distance(self.after or "") or Distance()

    @property
    def key(self) -> str:
        """What it is known by within its event: another text is still the same reminder."""
        distance = self.time_after if self.after is not None else self.time_before
        length = f"{distance.span.total_seconds():.0f}s" if distance.span else f"{distance.days}d"
        when = "after" if self.after is not None else "before"
        return " ".join(filter(None, (when, length, self.at, self.audience)))

    @property
    def time_of_day(self) -> time | None:
        return None if self.at is None else time.fromisoformat(self.at)

    @property
    def group(self) -> str | None:
        """The key of the only group that is reminded."""
        return self.audience.removeprefix("group:") if self.audience.startswith("group:") else None


Reminders = Annotated[tuple[ReminderSpec, ...], Meta(max_length=20)]

DEFAULT_REMINDERS = (ReminderSpec(before="7 days"), ReminderSpec(before="1 day"))
"""The reminders of an event that names none."""


def flaws(reminders: Sequence[ReminderSpec], groups: Collection[str]) -> Iterator[Flaw]:
    """What does not fit together, with paths from `reminders[0]` on; `groups` are the keys of the groups."""
    for i, reminder in enumerate(reminders):
        if (reminder.before is None) == (reminder.after is None):
            yield Flaw(f"reminders[{i}]", "Must have either before or after.")
            continue
        if reminder.at is not None and (reminder.time_before.span or reminder.time_after.span):
            yield Flaw(f"reminders[{i}].at", "Must only stand beside a number of days or weeks.")
        if reminder.at is None and reminder.time_before == reminder.time_after == Distance():
            yield Flaw(f"reminders[{i}].at", "Is missing: a reminder on the day itself needs a time of day.")
        if reminder.after is not None and reminder.audience == "unconfirmed":
            yield Flaw(f"reminders[{i}].audience", "Must not be unconfirmed after the event.")
        if reminder.group is not None and reminder.group not in groups:
            yield Flaw(f"reminders[{i}].audience", f"There is no group with the key {reminder.group}.")
    for i in repeated(reminder.key for reminder in reminders):
        yield Flaw(f"reminders[{i}]", "Another reminder goes to the same people at the same time.")
