"""What mails in the tests are about: people, events, and what has changed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from events.details import EventDetails, GroupDetails, SlotDetails, VenueDetails
from events.rules import Mode
from registration.links import Links
from registration.mail import Nonces
from registration.rules import RegistrationStatus
from registration.tables import Registration
from tests.events.examples import dialogue, session

ID = UUID("3f1c5d52-7a0e-4f0e-9d56-2f6a4b1c0d9e")
MESSAGE_ID = UUID("a7c1e0d4-0c1b-4b59-8d7e-0f3b7c6f5a21")
AT = datetime(2022, 10, 20, 8, 15, tzinfo=UTC)
BASE_URL = "https://dialog.example.org"
LINKS = Links(b"secret of the tests", BASE_URL)
NONCES = Nonces(
    confirm="0011223344556677",
    own="8899aabbccddeeff",
    join="0123456789abcdef",
    unsubscribe="fedcba9876543210",
)


def registration(**changes: Any) -> Registration:
    values: dict[str, Any] = {
        "id": ID,
        "event": 1,
        "number": "K7QM-2XVT",
        "name": "Kim Muster",
        "email": "kim.muster@example.org",
        "address": "kim.muster@example.org",
        "language": "de",
        "status": RegistrationStatus.CONFIRMED.value,
        "attendance": "in_person",
        "seats": 1,
        "wishes": {"groups": ["wohnen"]},
        "confirmed_at": AT,
        "confirm_nonce": NONCES.confirm,
        "own_nonce": NONCES.own,
        "join_nonce": NONCES.join,
    }
    return Registration(**values | changes)


PENDING: dict[str, Any] = {
    "status": RegistrationStatus.PENDING.value,
    "confirmed_at": None,
    "invited_sequence": None,
    "held_until": AT + timedelta(hours=24),
}
WAITING: dict[str, Any] = {"status": RegistrationStatus.WAITLISTED.value, "invited_sequence": None}
CANCELLED: dict[str, Any] = {"status": RegistrationStatus.CANCELLED.value, "sequence": 1}


def two_days() -> EventDetails:
    """Two days, two houses, two rounds of the same groups."""
    hall = VenueDetails("rathaus", "Rathaus Herford", "Historischer Sitzungssaal", locality="Herford")
    museum = VenueDetails("marta", "Museum Marta Herford", locality="Herford")
    second = timedelta(days=1)
    rounds = tuple(
        replace(made, starts_local=made.starts_local + second, ends_local=made.ends_local + second)
        for made in (
            session(
                "round-1", "groups", "10:30", "11:30", de="Themenrunden, Phase 1", en="Topic rounds, phase 1"
            ),
            session(
                "round-2", "groups", "11:40", "12:40", de="Themenrunden, Phase 2", en="Topic rounds, phase 2"
            ),
        )
    )
    slots = tuple(SlotDetails(made.key, 16, 4) for made in rounds)
    return dialogue(
        slug="werkstatttreffen-herford-2023",
        title={
            "de": "Regionales Werkstatttreffen in der Hansestadt Herford",
            "en": "Regional workshop meeting in the Hanseatic town of Herford",
        },
        starts_local=datetime(2022, 11, 18, 12),
        ends_local=datetime(2022, 11, 19, 14),
        venues=(hall, museum),
        contact={"role": {"de": "Geschäftsstelle"}, "email": "werkstatt@example.org"},
        sessions=(session("opening", "plenary", "12:00", "13:45", de="Eröffnung", en="Opening"), *rounds),
        groups=(
            GroupDetails("integration", {"de": "Integration"}, 16, None, slots),
            GroupDetails("vielfalt", {"de": "Vielfalt", "en": "Diversity"}, 16, None, slots),
        ),
    )


def with_dinner() -> EventDetails:
    """The same with two optional sessions that one signs up for."""
    whole = two_days()
    extra = tuple(
        replace(made, optional=True, capacity=30, slot=SlotDetails(made.key, 30, 12))
        for made in (
            session("tour", "social", "16:30", "18:00", de="Stadtrundgang", en="Walk through the town"),
            session("dinner", "social", "19:00", "22:00", de="Gemeinsames Abendessen", en="Dinner together"),
        )
    )
    return replace(whole, sessions=(whole.sessions[0], *extra, *whole.sessions[1:]))


WISHES = {"tour": ["tour"], "dinner": ["dinner"], "round-1": ["vielfalt"], "round-2": []}


def hybrid() -> EventDetails:
    return dialogue(mode=Mode.HYBRID, in_person_limit=120, online_limit=300)


BY_INCIDENCE: dict[str, Any] = {
    "rule": {
        "key": "rki-incidence/05754/digital",
        "indicator": "rki-incidence",
        "region": "05754",
        "region_title": {"de": "Gütersloh", "ar": "غوترسلو"},
        "mode": "digital",
        "enter_at": 400.0,
        "leave_at": 300.0,
        "enter_after": 3,
        "leave_after": 5,
        "only_rising": False,
        "proposes": False,
    },
    "is_state": False,
    "is_on": False,
    "last": {"value": 332.7, "report_on": "2022-10-20", "row_on": "2022-10-17"},
    "decides_from_local": "2022-10-21T00:00:00",
    "decides_until_local": "2022-11-16T16:00:00",
}
"""A rule as `hybrid.plans` states it beside the event."""
BY_WARNINGS: dict[str, Any] = {
    "rule": {
        "key": "dwd-warnings/805754008/hybrid",
        "indicator": "dwd-warnings",
        "region": "805754008",
        "mode": "hybrid",
        "enter_at": 3.0,
        "leave_at": 2.0,
        "enter_after": 1,
        "leave_after": 3,
        "only_rising": False,
        "proposes": True,
    },
    "is_state": True,
    "is_on": False,
    "last": {"value": 2.0, "report_on": "2022-11-17", "row_on": "2022-11-17"},
    "decides_from_local": "2022-11-15T00:00:00",
    "decides_until_local": "2022-11-18T13:00:00",
}


MOVED_TIME = {
    "what": "time",
    "before": {
        "starts_local": "2022-11-17T17:00:00",
        "ends_local": "2022-11-17T20:00:00",
        "timezone": "Europe/Berlin",
    },
    "after": {
        "starts_local": "2022-11-18T16:00:00",
        "ends_local": "2022-11-18T19:00:00",
        "timezone": "Europe/Berlin",
    },
}
MOVED_PLACE = {
    "what": "place",
    "before": ["Ratssaal, Berliner Straße 70, 33330 Gütersloh"],
    "after": ["Stadthalle Gütersloh, Großer Saal, Friedrichstraße 10, 33330 Gütersloh"],
}
WENT_ONLINE = {"what": "mode", "before": "in_person", "after": "digital"}
CAME_BACK = {"what": "mode", "before": "digital", "after": "in_person"}
BECAME_HYBRID = {"what": "mode", "before": "in_person", "after": "hybrid"}
CAME_BACK_HYBRID = {"what": "mode", "before": "digital", "after": "hybrid"}
TO_SCREEN = {"what": "attendance", "before": "in_person", "after": "online"}
TO_HALL = {"what": "attendance", "before": "online", "after": "in_person"}
PROGRAMME = {
    "what": "programme",
    "before": [
        {
            "key": "groups",
            "title": {"de": "Arbeitsgruppen", "en": "Working groups"},
            "starts_local": "2022-11-18T17:00:00",
            "ends_local": "2022-11-18T18:30:00",
            "venue": None,
        },
        {
            "key": "coffee",
            "title": {"de": "Kaffeepause", "en": "Coffee break"},
            "starts_local": "2022-11-18T16:45:00",
            "ends_local": "2022-11-18T17:00:00",
            "venue": None,
        },
    ],
    "after": [
        {
            "key": "groups",
            "title": {"de": "Arbeitsgruppen", "en": "Working groups"},
            "starts_local": "2022-11-18T16:45:00",
            "ends_local": "2022-11-18T18:15:00",
            "venue": None,
        },
        {
            "key": "talk",
            "title": {"de": "Gespräch mit der Bürgermeisterin", "en": "Talk with the mayor"},
            "starts_local": "2022-11-18T18:15:00",
            "ends_local": "2022-11-18T18:45:00",
            "venue": None,
        },
    ],
}
OTHER_GROUP = {
    "what": "groups",
    "before": [{"de": "Beratung", "en": "Advice"}],
    "after": [{"de": "Wohnen", "en": "Housing"}],
}

BRING = {
    "id": "5b0e8f8e-3f1a-4a57-9d0b-6b8f1f1f7c55",
    "subjects": {"de": "Bitte bringen Sie etwas mit", "en": "Please bring something along"},
    "texts": {
        "de": "wir freuen uns auf Sie. **Bitte bringen Sie mit:**\n\n- einen Stift\n- etwas zu essen\n\n"
        "So finden Sie uns: https://dialog.example.org/anfahrt\nOder mit dem Bus, siehe"
        " [Fahrplan](https://dialog.example.org/bus) und fragen Sie vor Ort.\n\nIhr Büro für Integration",
        "en": "We look forward to seeing you. **Please bring along:**\n\n- a pencil\n- something to eat\n\n"
        "How to find us: https://dialog.example.org/anfahrt\n\nYour office for integration",
    },
}
ONLY_GERMAN = {
    **BRING,
    "subjects": {"de": "Es gibt doch ein Buffet"},
    "texts": {"de": "Sie müssen nichts mitbringen.\n\nBis bald"},
}
