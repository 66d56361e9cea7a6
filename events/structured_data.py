"""An event as search engines read it: schema.org's Event."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from events.details import EventDetails, Texts, VenueDetails
from events.rules import Attendance, EventStatus, Mode, RegistrationState

_ATTENDANCE_MODES = {
    Mode.IN_PERSON: "OfflineEventAttendanceMode",
    Mode.HYBRID: "MixedEventAttendanceMode",
    Mode.DIGITAL: "OnlineEventAttendanceMode",
}


def json_ld(
    event: EventDetails,
    text: Callable[[Texts | None], str],
    page_url: str,
    base_url: str,
    town: str,
    now: datetime,
) -> dict[str, Any]:
    """The event for a block of `application/ld+json`; online it is at its own page, never at a meeting."""
    places: list[dict[str, Any]] = []
    if Attendance.IN_PERSON in event.offered:
        places += [_place(venue) for venue in event.venues]
    if Attendance.ONLINE in event.offered:
        places.append({"@type": "VirtualLocation", "url": page_url})
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Event",
        "@id": page_url,
        "url": page_url,
        "name": text(event.title),
        "description": text(event.summary) or None,
        "startDate": _with_offset(event.starts_local, event.timezone),
        "endDate": _with_offset(event.ends_local, event.timezone),
        "eventStatus": f"https://schema.org/{_status(event)}",
        "eventAttendanceMode": f"https://schema.org/{_ATTENDANCE_MODES[event.mode]}",
        "location": places[0] if len(places) == 1 else places or None,
        "inLanguage": sorted(event.title),
        "isAccessibleForFree": True,
        "organizer": {"@type": "Organization", "name": town, "url": base_url},
        "offers": _offer(event, page_url, now),
        **_capacities(event),
    }
    return {key: value for key, value in data.items() if value is not None}


def _status(event: EventDetails) -> str:
    if event.status is EventStatus.CANCELLED:
        return "EventCancelled"
    return "EventMovedOnline" if event.is_moved_online else "EventScheduled"


def _place(venue: VenueDetails) -> dict[str, Any]:
    address = {
        "streetAddress": venue.street,
        "postalCode": venue.postal_code,
        "addressLocality": venue.locality,
        "addressCountry": venue.country,
    }
    known = {key: value for key, value in address.items() if value}
    place: dict[str, Any] = {"@type": "Place", "name": venue.line}
    return {**place, "address": {"@type": "PostalAddress", **known}} if known else place


def _offer(event: EventDetails, page_url: str, now: datetime) -> dict[str, Any] | None:
    """Registration as a free offer; none once it is closed."""
    state = event.state(now)
    if state is RegistrationState.CLOSED:
        return None
    offer: dict[str, Any] = {
        "@type": "Offer",
        "url": f"{page_url}/register",
        "price": 0,
        "priceCurrency": "EUR",
        "availability": f"https://schema.org/{'SoldOut' if state is RegistrationState.FULL else 'InStock'}",
        "validThrough": _with_offset(event.closes_local or event.starts_local, event.timezone),
    }
    if event.opens_local:
        offer["validFrom"] = _with_offset(event.opens_local, event.timezone)
    return offer


def _capacities(event: EventDetails) -> dict[str, int]:
    limits = [event.limit(attendance) for attendance in event.offered]
    left = [event.seats_left(attendance) for attendance in event.offered]
    known_limits = [limit for limit in limits if limit is not None]
    known_left = [seats for seats in left if seats is not None]
    found: dict[str, int] = {}
    if len(known_limits) == len(limits):
        found["maximumAttendeeCapacity"] = sum(known_limits)
    if len(known_left) == len(left):
        found["remainingAttendeeCapacity"] = sum(known_left)
    return found


def _with_offset(local: datetime, zone: str) -> str:
    return local.replace(tzinfo=ZoneInfo(zone)).isoformat(timespec="seconds")
