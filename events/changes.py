"""What of a changed event those who are registered must know. Pure."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from events.details import EventDetails, SessionDetails, VenueDetails
from events.rules import Mode


@dataclass(frozen=True)
class Change:
    """Something that people who are registered must know: `time`, `place`, `mode` or `programme`."""

    what: str
    before: Any
    after: Any


def changes_between(before: EventDetails, after: EventDetails) -> list[Change]:
    """What people who are registered must know. The place of a digital event is online: no house, and no rooms."""
    changes = []
    times = [
        {
            "starts_local": event.starts_local.isoformat(),
            "ends_local": event.ends_local.isoformat(),
            "timezone": event.timezone,
        }
        for event in (before, after)
    ]
    if times[0] != times[1]:
        changes.append(Change("time", *times))
    if _places(before) != _places(after):
        changes.append(Change("place", _places(before), _places(after)))
    if before.mode is not after.mode:
        changes.append(Change("mode", before.mode.value, after.mode.value))
    programmes = _programmes(before, after)
    if programmes[0] != programmes[1]:
        changes.append(Change("programme", *programmes))
    return changes


def stated(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """The changes as messages state them."""
    return [asdict(change) for change in changes]


def _programmes(before: EventDetails, after: EventDetails) -> list[list[dict[str, Any]]]:
    """The sessions that are not the same on both sides: what moved along with the whole event is."""
    moved = after.starts_local - before.starts_local
    was, now = ({session.key: session for session in event.sessions} for event in (before, after))
    same = {
        key
        for key in was.keys() & now.keys()
        if (was[key].starts_local + moved, was[key].ends_local + moved)
        == (now[key].starts_local, now[key].ends_local)
        and (after.mode is Mode.DIGITAL or _room(was[key]) == _room(now[key]))
    }
    return [
        [_session(session) for key, session in sessions.items() if key not in same] for sessions in (was, now)
    ]


def _room(session: SessionDetails) -> str | None:
    return session.venue.key if session.venue else None


def _session(session: SessionDetails) -> dict[str, Any]:
    return {
        "key": session.key,
        "title": session.title,
        "starts_local": session.starts_local.isoformat(),
        "ends_local": session.ends_local.isoformat(),
        "venue": session.venue.line if session.venue else None,
    }


def _places(event: EventDetails) -> list[str]:
    return [] if event.mode is Mode.DIGITAL else [_place(venue) for venue in event.venues]


def _place(venue: VenueDetails) -> str:
    town = " ".join(filter(None, (venue.postal_code, venue.locality)))
    return ", ".join(filter(None, (venue.line, venue.street, town)))
