"""The visitor's filter over the list of events. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from events.details import EventDetails
from events.rules import Attendance

PERIODS: dict[str, timedelta | None] = {
    "all": None,
    "month": timedelta(days=31),
    "quarter": timedelta(days=92),
}


@dataclass(frozen=True)
class Filter:
    """What a visitor looks for; `mode` is `all` or an attendance that is offered."""

    q: str = ""
    mode: str = "all"
    period: str = "all"

    @classmethod
    def from_query(cls, q: str, mode: str, period: str) -> Self:
        """Values that do not exist count as `all`."""
        return cls(
            q.strip(),
            mode if mode in (*Attendance, "all") else "all",
            period if period in PERIODS else "all",
        )

    @property
    def is_empty(self) -> bool:
        return not self.q and self.mode == "all" and self.period == "all"


def matching(events: Iterable[EventDetails], wanted: Filter, now: datetime) -> list[EventDetails]:
    """The events whose texts hold every word, in any language, and which fit the mode and period."""
    words = wanted.q.casefold().split()
    span = PERIODS[wanted.period]
    return [
        event
        for event in events
        if (wanted.mode == "all" or Attendance(wanted.mode) in event.offered)
        and (span is None or event.starts_at < now + span)
        and all(word in _words(event) for word in words)
    ]


def _words(event: EventDetails) -> str:
    texts = [*event.title.values(), *(event.summary or {}).values(), *(venue.name for venue in event.venues)]
    texts += [venue.locality or "" for venue in event.venues]
    texts += [title for group in event.groups for title in group.title.values()]
    return " ".join(texts).casefold()
