"""Writes of events. They run inside the transaction of their caller, who holds the event's lock where it exists."""

from datetime import datetime
from typing import Any

import msgspec

from events.changes import Change, changes_between
from events.details import EventDetails
from events.errors import Conflict, ModeRefused
from events.forms import EventSpec, SeriesSpec
from events.programme import write_programme
from events.queries import details_of, event_by_id
from events.rules import OFFERED, Attendance, EventStatus, Limits, Mode, instant, limits
from events.tables import (
    Activity,
    Event,
    Membership,
    Organiser,
    Series,
)


async def create(spec: EventSpec, uid: str, now: datetime, series: int | None = None) -> Event:
    """A new event with its programme. `uid` is that of its public calendar for ever."""
    event = Event(
        _ignore_missing=True, slug=spec.slug, uid=uid, series=series, created_at=now, reminded_until=now
    )
    _fill_row(event, spec, now)
    event.mode = spec.mode.value
    _set_limits(event)
    await event.save()
    await write_programme(event, spec)
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
    await write_programme(event, spec)
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
    event.plan = None
    event.cancelled_at = event.changed_at = now
    event.version += 1
    event.sequence += 1
    await event.save(
        [
            Event.status,
            Event.cancel_reason,
            Event.plan,
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
