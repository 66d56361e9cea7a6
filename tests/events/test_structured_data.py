"""The event for search engines."""

import json
from datetime import UTC, datetime

import pytest

from events.details import Texts
from events.rules import EventStatus, Mode
from events.structured_data import json_ld
from tests.events.examples import dialogue, online

PAGE = "https://dialog.example.org/events/gemeinsam-leben-2022"
WEDNESDAY_BEFORE = datetime(2022, 11, 9, 12, tzinfo=UTC)
AFTER_THE_DEADLINE = datetime(2022, 11, 14, tzinfo=UTC)


def german(texts: Texts | None) -> str:
    return (texts or {}).get("de", "")


def data(event, now=WEDNESDAY_BEFORE):
    return json_ld(event, german, PAGE, "https://dialog.example.org", "Stadt Gütersloh", now)


def test_an_event_in_the_hall_says_when_where_and_how_many():
    assert data(dialogue()) == {
        "@context": "https://schema.org",
        "@type": "Event",
        "@id": PAGE,
        "url": PAGE,
        "name": "Gemeinsam leben in Gütersloh: Dialogveranstaltung zum Integrationskonzept",
        "description": "In sieben Handlungsfeldern vertiefen wir die Schwerpunkte. Alle sind willkommen.",
        "startDate": "2022-11-18T16:00:00+01:00",
        "endDate": "2022-11-18T19:00:00+01:00",
        "eventStatus": "https://schema.org/EventScheduled",
        "eventAttendanceMode": "https://schema.org/OfflineEventAttendanceMode",
        "location": {
            "@type": "Place",
            "name": "Stadthalle Gütersloh, Großer Saal",
            "address": {
                "@type": "PostalAddress",
                "streetAddress": "Friedrichstraße 10",
                "postalCode": "33330",
                "addressLocality": "Gütersloh",
                "addressCountry": "DE",
            },
        },
        "inLanguage": ["de", "en"],
        "isAccessibleForFree": True,
        "organizer": {
            "@type": "Organization",
            "name": "Stadt Gütersloh",
            "url": "https://dialog.example.org",
        },
        "offers": {
            "@type": "Offer",
            "url": f"{PAGE}/register",
            "price": 0,
            "priceCurrency": "EUR",
            "availability": "https://schema.org/InStock",
            "validFrom": "2022-10-17T09:00:00+02:00",
            "validThrough": "2022-11-13T23:59:59+01:00",
        },
        "maximumAttendeeCapacity": 120,
        "remainingAttendeeCapacity": 47,
    }


@pytest.mark.parametrize(
    ("changes", "status", "attendance", "places"),
    [
        ({}, "EventScheduled", "OfflineEventAttendanceMode", ["Place"]),
        ({"status": EventStatus.CANCELLED}, "EventCancelled", "OfflineEventAttendanceMode", ["Place"]),
        (
            {"mode": Mode.HYBRID},
            "EventScheduled",
            "MixedEventAttendanceMode",
            ["Place", "VirtualLocation"],
        ),
        ({"mode": Mode.DIGITAL}, "EventMovedOnline", "OnlineEventAttendanceMode", ["VirtualLocation"]),
        (
            {"mode": Mode.DIGITAL, "base_mode": Mode.DIGITAL},
            "EventScheduled",
            "OnlineEventAttendanceMode",
            ["VirtualLocation"],
        ),
    ],
)
def test_the_mode_is_told(changes, status, attendance, places):
    told = data(dialogue(**changes))
    found = told["location"] if isinstance(told["location"], list) else [told["location"]]
    assert told["eventStatus"] == f"https://schema.org/{status}"
    assert told["eventAttendanceMode"] == f"https://schema.org/{attendance}"
    assert [place["@type"] for place in found] == places


def test_online_it_is_at_its_own_page():
    assert data(online())["location"] == {"@type": "VirtualLocation", "url": PAGE}
    assert "/join/" not in json.dumps(data(online()))


def test_a_full_event_is_sold_out_and_a_closed_one_offers_nothing():
    full = dialogue(in_person_taken=120)
    assert data(full)["offers"]["availability"] == "https://schema.org/SoldOut"
    assert "offers" not in data(dialogue(), AFTER_THE_DEADLINE)
    assert "offers" not in data(dialogue(status=EventStatus.CANCELLED))


def test_without_a_limit_no_number_is_made_up():
    told = data(dialogue(in_person_limit=None))
    assert "maximumAttendeeCapacity" not in told
    assert "remainingAttendeeCapacity" not in told
