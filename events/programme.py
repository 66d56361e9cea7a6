"""Writes of an event's programme: venues, sessions and groups. They run inside the transaction of their caller."""

from collections.abc import Sequence
from typing import Any

from events.errors import Conflict
from events.forms import EventSpec, GroupSpec, SessionSpec, VenueSpec
from events.rules import Mode, group_limit, instant
from events.tables import Event, GroupSlot, Session, Venue, WorkingGroup


async def write_programme(event: Event, spec: EventSpec) -> None:
    """Makes venues, sessions and groups what the spec says; each keeps its row by its key."""
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
        slot, kept = slots.get(session), limit
        if slot is not None and limit is not None and limit == before:
            kept = max(limit, slot["taken"])  # what a switch has left beyond the limit stays
        await _write_slot(slot, group, session, kept, f"group {spec.key}")
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
