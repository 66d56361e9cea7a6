"""Events as JSON, in one language."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from events.details import EventDetails, GroupDetails, SessionDetails, VenueDetails
from events.rules import Attendance

Json = dict[str, Any]


def event_json(
    event: EventDetails, language: str, description_html: str, base_url: str, now: datetime
) -> Json:
    """The `Event` of the API; times bear the offset of the event's zone.

    Texts are in `language` where the event has them, else in its default language, else in any.
    """
    zone = ZoneInfo(event.timezone)
    page = f"{base_url}/events/{event.slug}"

    def text(texts: dict[str, str] | None) -> str | None:
        if not texts:
            return None
        return texts.get(language) or texts.get(event.default_language) or next(iter(texts.values()))

    def time(at: datetime | None) -> str | None:
        return at.astimezone(zone).isoformat() if at else None

    def session_json(session: SessionDetails) -> Json:
        return {
            "key": session.key,
            "kind": session.kind,
            "title": text(session.title),
            "speaker": text(session.speaker),
            "starts_at": time(session.starts_at),
            "ends_at": time(session.ends_at),
            "venue": session.venue.key if session.venue else None,
            "optional": session.optional,
            "capacity": session.capacity,
            "seats_left": session.slot.seats_left if session.slot else None,
        }

    def group_json(group: GroupDetails) -> Json:
        return {
            "key": group.key,
            "title": text(group.title),
            "sessions": list(group.sessions),
            "capacity": group.capacity,
            "seats_left": group.seats_left,
            "seats_left_by_session": {slot.session: slot.seats_left for slot in group.slots},
        }

    def venue_json(venue: VenueDetails) -> Json:
        return {
            "key": venue.key,
            "name": venue.name,
            "room": venue.room,
            "street": venue.street,
            "postal_code": venue.postal_code,
            "locality": venue.locality,
            "country": venue.country,
            "access": text(venue.access),
        }

    contact = event.contact or {}
    return {
        "slug": event.slug,
        "title": text(event.title),
        "summary": text(event.summary),
        "description_html": description_html,
        "language": language if language in event.title else event.default_language,
        "kind": event.kind,
        "status": event.status.value,
        "timezone": event.timezone,
        "starts_at": time(event.starts_at),
        "ends_at": time(event.ends_at),
        "mode": event.mode.value,
        "version": event.version,
        "registration": {
            "state": event.state(now).value,
            "opens_at": time(event.opens_at),
            "closes_at": time(event.closes_at),
            "capacity": event.capacity,
            "digital_capacity": event.digital_capacity,
            "seats_left": {attendance.value: event.seats_left(attendance) for attendance in Attendance},
            "waitlisted": event.waitlisted,
        },
        "venues": [venue_json(venue) for venue in event.venues],
        "sessions": [session_json(session) for session in event.sessions],
        "groups": [group_json(group) for group in event.groups],
        "contact": {
            "role": text(contact.get("role")),
            "name": contact.get("name"),
            "email": contact.get("email"),
            "phone": contact.get("phone"),
        },
        "links": {"page": page, "register": f"{page}/register", "ics": f"{page}/calendar.ics"},
    }
