"""Writes of events. They run inside the transaction of their caller, who holds the event's lock where it exists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from events.details import EventDetails, SessionDetails
from events.errors import Conflict, ModeRefused
from events.forms import EventSpec, GroupSpec, SeriesSpec, SessionSpec, VenueSpec
from events.queries import details_of, event_by_id
from events.rules import OFFERED, Attendance, EventStatus, Limits, Mode, group_limit, instant, limits
from events.tables import (
    Activity,
    Event,
    GroupSlot,
    Membership,
    Organiser,
    Series,
    Session,
    Venue,
    WorkingGroup,
)


@dataclass(frozen=True)
class Change:
    """Something that people who are registered must know: `time`, `place`, `mode` or `programme`."""

    what: str
    before: Any
    after: Any


async def create(spec: EventSpec, uid: str, now: datetime, series: int | None = None) -> Event:
    """A new event with its programme. `uid` is that of its public calendar for ever."""
    event = Event(
        _ignore_missing=True, slug=spec.slug, uid=uid, series=series, created_at=now, reminded_until=now
    )
    _fill_row(event, spec, now)
    event.mode = spec.mode.value
    _set_limits(event)
    await event.save()
    await _write_programme(event, spec)
    return await event_by_id(event.id)


async def rewrite(event: Event, spec: EventSpec, now: datetime) -> list[Change]:
    """Makes the event what `spec` says and returns what changed for people who are registered.

    SEQUENCE rises with time, place and mode, the version with everything. An event that is over may come again, so
    personal data may come again too. Raises Conflict where fewer seats are
    named than are held, ModeRefused where people hold seats that the new mode does not offer.
    """
    before = await details_of(event)
    if event.mode == event.base_mode:
        event.mode = spec.mode.value
    _check_mode(before, Mode(event.mode))
    exceeded = limits_of(event).online
    _fill_row(event, spec, now)
    event.personal_data_removed_at = None
    event.version += 1
    _set_limits(event)
    if event.online_limit is not None and event.online_limit == exceeded:
        # What a switch has moved online beyond the limit stays there.
        event.online_limit = max(event.online_limit, event.online_taken)
    _check_seats(event)
    await event.save()
    await _write_programme(event, spec)
    after = await details_of(await event_by_id(event.id))
    changes = changes_between(before, after)
    if {"time", "place", "mode"} & {change.what for change in changes}:
        await Event.update({Event.sequence: Event.sequence + 1}).where(Event.id == event.id)
    return changes


async def publish(event: Event, now: datetime) -> None:
    """Shows a draft to the public. Raises Conflict for a cancelled event."""
    if event.status == EventStatus.CANCELLED:
        raise Conflict("A cancelled event cannot be published again.")
    event.status = EventStatus.PUBLISHED.value
    event.version += 1
    event.changed_at = now
    await event.save([Event.status, Event.version, Event.changed_at])


async def cancel(event: Event, reason: str | None, now: datetime) -> bool:
    """Cancels the event for good; whether it was not cancelled before."""
    if event.status == EventStatus.CANCELLED:
        return False
    event.status = EventStatus.CANCELLED.value
    event.cancel_reason = reason
    event.cancelled_at = event.changed_at = now
    event.version += 1
    event.sequence += 1
    await event.save(
        [
            Event.status,
            Event.cancel_reason,
            Event.cancelled_at,
            Event.changed_at,
            Event.version,
            Event.sequence,
        ]
    )
    return True


async def write_series(spec: SeriesSpec) -> int:
    """Creates or rewrites a series; returns its id."""
    values = {
        Series.default_language: spec.default_language,
        Series.title: spec.title,
        Series.summary: spec.summary or None,
        Series.description: spec.description or None,
    }
    series = await Series.objects().get_or_create(
        Series.slug == spec.slug, defaults={**values, Series.slug: spec.slug}
    )
    await Series.update(values).where(Series.id == series.id)
    return int(series.id)


async def join(organiser: Organiser, event: Event) -> None:
    """Makes somebody an organiser of the event, in the part that the organiser's role allows."""
    await Membership.insert(
        Membership(organiser=organiser.id, event=event.id, role=organiser.role)
    ).on_conflict(action="DO NOTHING")


async def record(event: Event | None, by: Organiser | None, now: datetime, what: str, **details: Any) -> None:
    """Writes down who did what."""
    await Activity.insert(
        Activity(
            event=event.id if event else None,
            organiser=by.id if by else None,
            at=now,
            what=what,
            details=details,
        )
    )


def changes_between(before: EventDetails, after: EventDetails) -> list[Change]:
    """What people who are registered must know."""
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


def _programmes(before: EventDetails, after: EventDetails) -> list[list[dict[str, Any]]]:
    """The sessions that are not the same on both sides: what moved along with the whole event is."""
    moved = after.starts_local - before.starts_local
    was, now = ({session.key: session for session in event.sessions} for event in (before, after))
    same = {
        key
        for key in was.keys() & now.keys()
        if (was[key].starts_local + moved, was[key].ends_local + moved)
        == (now[key].starts_local, now[key].ends_local)
        and _room(was[key]) == _room(now[key])
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
    return [", ".join(filter(None, (v.line, v.street, v.postal_code, v.locality))) for v in event.venues]


def _check_mode(before: EventDetails, mode: Mode) -> None:
    for attendance in Attendance:
        if attendance not in OFFERED[mode] and (before.taken(attendance) or before.waiting(attendance)):
            raise ModeRefused(
                f"{before.taken(attendance)} hold seats as {attendance.value} "
                f"and {before.waiting(attendance)} wait for one: move the event by a switch of its mode."
            )


def _check_seats(event: Event) -> None:
    for name, limit, taken in (
        ("capacity", event.in_person_limit, event.in_person_taken),
        ("digital_capacity", event.online_limit, event.online_taken),
    ):
        if limit is not None and taken > limit:
            raise Conflict(f"registration.{name}: {taken} hold seats, so it cannot be {limit}.", held=taken)


def _fill_row(event: Event, spec: EventSpec, now: datetime) -> None:
    registration = spec.registration
    event.short = spec.short
    event.kind = spec.kind
    event.status = spec.status.value
    event.default_language = spec.default_language
    event.timezone = spec.timezone
    event.starts_local, event.ends_local = spec.starts_at, spec.ends_at
    event.starts_at, event.ends_at = (
        instant(spec.starts_at, spec.timezone),
        instant(spec.ends_at, spec.timezone),
    )
    event.opens_local, event.closes_local = registration.opens_at, registration.closes_at
    event.opens_at = instant(registration.opens_at, spec.timezone) if registration.opens_at else None
    event.closes_at = (
        instant(registration.closes_at, spec.timezone) if registration.closes_at else event.starts_at
    )
    event.title = spec.title
    event.summary = spec.summary or None
    event.description = spec.description or None
    event.contact = msgspec.to_builtins(spec.contact) if spec.contact else None
    event.base_mode = spec.mode.value
    event.meeting_url = spec.meeting.url if spec.meeting else None
    event.capacity = registration.capacity
    event.digital_capacity = registration.digital_capacity
    event.hybrid_capacity = registration.hybrid_capacity
    event.waitlist = registration.waitlist
    event.confirm_email = registration.confirm_email
    event.hold_hours = registration.hold_hours
    event.allocation = registration.allocation
    event.retention_days = spec.retention_days
    event.topics = msgspec.to_builtins(spec.topics)
    event.changed_at = now


def _set_limits(event: Event) -> None:
    now = limits_of(event)
    event.in_person_limit, event.online_limit = now.in_person, now.online


def limits_of(event: Event) -> Limits:
    """What may be held of the event as it stands, if nobody held more since a switch."""
    return limits(
        Mode(event.mode),
        Mode(event.base_mode),
        event.capacity,
        event.digital_capacity,
        event.hybrid_capacity,
        event.came_back,
    )


async def _write_programme(event: Event, spec: EventSpec) -> None:
    venues = await _write_venues(event, spec.venues)
    sessions = await _write_sessions(event, spec.sessions, venues, spec.timezone)
    await _write_signups(event, spec, sessions)
    await _write_groups(event, spec.groups, sessions)
    await _remove(Session, event, sessions)
    await _remove(Venue, event, venues)


async def _ids(table: Any, event: Event) -> dict[str, int]:
    return {
        row["key"]: row["id"]
        for row in await table.select(table.id, table.key).where(table.event == event.id)
    }


async def _remove(table: Any, event: Event, keep: dict[str, int]) -> None:
    gone = [row_id for key, row_id in (await _ids(table, event)).items() if key not in keep]
    if gone:
        await table.delete().where(table.id.is_in(gone))


async def _write(table: Any, event: Event, existing: dict[str, int], key: str, values: dict[Any, Any]) -> int:
    if key in existing:
        await table.update(values).where(table.id == existing[key])
        return existing[key]
    row = table(_ignore_missing=True, event=event.id, key=key)
    for column, value in values.items():
        setattr(row, column._meta.name, value)
    await row.save()
    return int(row.id)


async def _write_venues(event: Event, specs: Sequence[VenueSpec]) -> dict[str, int]:
    existing = await _ids(Venue, event)
    return {
        spec.key: await _write(
            Venue,
            event,
            existing,
            spec.key,
            {
                Venue.position: position,
                Venue.name: spec.name,
                Venue.room: spec.room,
                Venue.street: spec.street,
                Venue.postal_code: spec.postal_code,
                Venue.locality: spec.locality,
                Venue.country: spec.country,
                Venue.access: spec.access or None,
            },
        )
        for position, spec in enumerate(specs)
    }


async def _write_sessions(
    event: Event, specs: Sequence[SessionSpec], venues: dict[str, int], zone: str
) -> dict[str, int]:
    existing = await _ids(Session, event)
    return {
        spec.key: await _write(
            Session,
            event,
            existing,
            spec.key,
            {
                Session.position: position,
                Session.kind: spec.kind,
                Session.venue: venues.get(spec.venue) if spec.venue else None,
                Session.starts_local: spec.starts_at,
                Session.ends_local: spec.ends_at,
                Session.starts_at: instant(spec.starts_at, zone),
                Session.ends_at: instant(spec.ends_at, zone),
                Session.title: spec.title,
                Session.speaker: spec.speaker or None,
                Session.optional: spec.optional,
                Session.capacity: spec.capacity,
            },
        )
        for position, spec in enumerate(specs)
    }


async def _write_signups(event: Event, spec: EventSpec, sessions: dict[str, int]) -> None:
    """Slots without a group, for the optional sessions that one signs up for."""
    rows = await GroupSlot.select().where((GroupSlot.session.event == event.id) & GroupSlot.group.is_null())
    slots = {row["session"]: row for row in rows}
    capacities = {session.key: session.capacity for session in spec.sessions}
    for key in spec.signups:
        await _write_slot(
            slots.pop(sessions[key], None), None, sessions[key], capacities[key], f"session {key}"
        )
    if slots:
        await GroupSlot.delete().where(GroupSlot.id.is_in([row["id"] for row in slots.values()]))


async def _write_groups(event: Event, specs: Sequence[GroupSpec], sessions: dict[str, int]) -> None:
    before = {
        row["key"]: group_limit(Mode(event.mode), row["capacity"], row["digital_capacity"])
        for row in await WorkingGroup.select().where(WorkingGroup.event == event.id)
    }
    existing = await _ids(WorkingGroup, event)
    groups = {}
    for position, spec in enumerate(specs):
        groups[spec.key] = await _write(
            WorkingGroup,
            event,
            existing,
            spec.key,
            {
                WorkingGroup.position: position,
                WorkingGroup.title: spec.title,
                WorkingGroup.capacity: spec.capacity,
                WorkingGroup.digital_capacity: spec.digital_capacity,
                WorkingGroup.moderators: list(spec.moderators),
            },
        )
        await _write_slots(
            event, spec, groups[spec.key], [sessions[key] for key in spec.sessions], before.get(spec.key)
        )
    await _remove(WorkingGroup, event, groups)


async def _write_slots(
    event: Event, spec: GroupSpec, group: int, sessions: Sequence[int], before: int | None
) -> None:
    limit = group_limit(Mode(event.mode), spec.capacity, spec.digital_capacity)
    slots = {row["session"]: row for row in await GroupSlot.select().where(GroupSlot.group == group)}
    for session in sessions:
        slot = slots.get(session)
        kept = limit is not None and limit == before and slot is not None
        await _write_slot(
            slot, group, session, max(limit, slot["taken"]) if kept else limit, f"group {spec.key}"
        )
    gone = [slots[session]["id"] for session in slots if session not in sessions]
    if gone:
        await GroupSlot.delete().where(GroupSlot.id.is_in(gone))


async def _write_slot(
    slot: dict[str, Any] | None, group: int | None, session: int, limit: int | None, named: str
) -> None:
    if slot is None:
        await GroupSlot.insert(GroupSlot(group=group, session=session, seat_limit=limit))
    elif limit is not None and slot["taken"] > limit:
        held = slot["taken"]
        raise Conflict(f"{named}: {held} hold seats, so its capacity cannot be {limit}.", held=held)
    else:
        await GroupSlot.update({GroupSlot.seat_limit: limit}).where(GroupSlot.id == slot["id"])
