"""The example events as plain values, with the programme that stands in their files."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from dialograum.event_file import EventDocument, read_files
from events.details import EventDetails, GroupDetails, SessionDetails, SlotDetails, VenueDetails
from events.rules import Mode, instant
from tests.events.examples import dialogue

EXAMPLES = Path(__file__).parents[2] / "dialograum" / "examples"


@cache
def _document(name: str) -> EventDocument:
    path = EXAMPLES / f"{name}.toml"
    return read_files([path])[0].events[0]


def programme(name: str, mode: Mode = Mode.DIGITAL, **changes: Any) -> EventDetails:
    """The event of a file in `dialograum/examples`, in a mode."""
    found = _document(name)
    zone = found.timezone
    venues = {
        spec.key: VenueDetails(spec.key, spec.name, spec.room, locality=spec.locality)
        for spec in found.venues
    }
    signups = found.signups
    event = replace(
        dialogue(),
        slug=found.slug,
        default_language=found.default_language,
        timezone=zone,
        starts_local=found.starts_at,
        ends_local=found.ends_at,
        starts_at=instant(found.starts_at, zone),
        ends_at=instant(found.ends_at, zone),
        title=found.title,
        mode=mode,
        venues=tuple(venues.values()),
        sessions=tuple(
            SessionDetails(
                key=spec.key,
                kind=spec.kind,
                title=spec.title,
                starts_local=spec.starts_at,
                ends_local=spec.ends_at,
                starts_at=instant(spec.starts_at, zone),
                ends_at=instant(spec.ends_at, zone),
                venue=venues.get(spec.venue or ""),
                optional=spec.optional,
                capacity=spec.capacity,
                slot=SlotDetails(spec.key, spec.capacity, 0) if spec.key in signups else None,
            )
            for spec in found.sessions
        ),
        groups=tuple(
            GroupDetails(
                spec.key,
                spec.title,
                spec.capacity,
                spec.digital_capacity,
                tuple(SlotDetails(session, spec.capacity, 0) for session in spec.sessions),
                spec.moderators,
            )
            for spec in found.groups
        ),
    )
    return replace(event, **changes)
