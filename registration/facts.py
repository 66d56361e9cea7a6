"""What a message states about an event and a registration, as of its cause: plain JSON values."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from events.details import EventDetails, SessionDetails, VenueDetails
from events.rules import Attendance, Mode, local_time
from registration.rules import RegistrationStatus
from registration.tables import Registration

Facts = dict[str, Any]


def event_facts(event: EventDetails) -> Facts:
    """Times, place, mode and words of the event; local times are naive ISO 8601 in `timezone`."""
    return {
        "slug": event.slug,
        "uid": event.uid,
        "title": event.title,
        "summary": event.summary,
        "kind": event.kind,
        "status": event.status.value,
        "default_language": event.default_language,
        "timezone": event.timezone,
        "starts_local": event.starts_local.isoformat(),
        "ends_local": event.ends_local.isoformat(),
        "deadline_local": event.closes_local.isoformat() if event.closes_local else None,
        "mode": event.mode.value,
        "collects_wishes": not event.assigns_at_once,
        "sequence": event.sequence,
        "venues": [venue_facts(venue) for venue in event.venues],
        "sessions": [_session_facts(session) for session in event.sessions],
        "contact": event.contact,
        "retention_days": event.retention_days,
        "plan": {
            "is_moved": event.mode is not event.base_mode,
            "is_locked": event.mode_locked,
            "rules": event.plan,
        }
        if event.plan
        else None,
    }


def venue_facts(venue: VenueDetails) -> Facts:
    return {
        "name": venue.name,
        "room": venue.room,
        "street": venue.street,
        "postal_code": venue.postal_code,
        "locality": venue.locality,
    }


def _session_facts(session: SessionDetails) -> Facts:
    return {
        "key": session.key,
        "kind": session.kind,
        "title": session.title,
        "starts_local": session.starts_local.isoformat(),
        "ends_local": session.ends_local.isoformat(),
        "venue": session.venue.line if session.venue else None,
        "optional": session.optional,
        "signs_up": session.slot is not None,
    }


class Person(msgspec.Struct, kw_only=True):
    """A registration as its mail states it."""

    id: UUID
    number: str
    name: str
    email: str
    language: str
    status: RegistrationStatus
    attendance: Attendance
    attendance_wished: Attendance | None = None
    seats: int
    wishes: dict[str, list[str]]
    sequence: int = 0
    held_until: datetime | None = None
    confirmed_at: datetime | None = None
    invited_sequence: int | None = None
    position: int | None = None


def registration_facts(
    registration: Registration | Person,
    event: EventDetails,
    groups: dict[str, str | None],
    position: int | None,
    invited_sequence: int | None = None,
) -> Facts:
    """The registration's own facts.

    `groups` is the group key by session, `position` the place on the waitlist, `invited_sequence` that of the last
    calendar REQUEST put out. `wished` is where they would take part if they could choose; who did not say it, would be
    where the event is by itself.
    """
    titles = event.choice_titles
    held_until = registration.held_until
    return {
        "uid": calendar_uid(registration),
        "number": registration.number,
        "name": registration.name,
        "status": registration.status,
        "attendance": registration.attendance,
        "wished": registration.attendance_wished or wished_unasked(event),
        "seats": registration.seats,
        "groups": {
            session: {"key": key, "title": titles[key]} if key else None
            for session, key in groups.items()
            if key or registration.wishes.get(session)
        },
        "sequence": event.sequence + registration.sequence,
        "sequence_before": invited_sequence,
        "invited": invited_sequence is not None,
        "needs_confirmation": registration.status
        in (RegistrationStatus.PENDING, RegistrationStatus.WAITLISTED)
        and registration.confirmed_at is None,
        "held_until_local": local_time(held_until, event.timezone).isoformat(timespec="minutes")
        if held_until
        else None,
        "position": position,
    }


def wished_unasked(event: EventDetails) -> Attendance | None:
    """Where somebody would take part who did not say it."""
    return Attendance.IN_PERSON if event.base_mode is Mode.IN_PERSON else None


def calendar_uid(registration: Registration | Person) -> str:
    """The UID of the registration's calendar entry, for ever."""
    return f"registration-{registration.id}"
