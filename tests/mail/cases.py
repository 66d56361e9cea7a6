"""Every mail in every form it takes: what it is about, as the actions write it into the outbox."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from jinja2 import Environment

from dialograum.calendars import Calendars
from dialograum.languages import LANGUAGES
from dialograum.pages import Site, environment
from events.calendar import Party
from events.details import EventDetails, GroupDetails, SlotDetails, VenueDetails
from events.rules import EventStatus, Mode
from notifications.outbox import Claim
from registration.facts import event_facts, registration_facts
from registration.links import Links
from registration.mail import Composer, Nonces
from registration.rules import RegistrationStatus
from registration.tables import Registration
from tests.events.examples import dialogue, online, session

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

SITE = Site(
    town="Gütersloh",
    base_url=BASE_URL,
    privacy_url=f"{BASE_URL}/privacy",
    imprint_url=f"{BASE_URL}/imprint",
    languages=tuple(LANGUAGES.values()),
    default_language=LANGUAGES["de"],
)


def composer(made: Environment | None = None) -> Composer:
    made = made or environment(SITE, assets={})
    return Composer(
        made,
        LINKS,
        Calendars(made, SITE, "dialog@example.org"),
        sender=Party("", "dialog@example.org"),
        base_url=BASE_URL,
        privacy_url=SITE.privacy_url,
        imprint_url=SITE.imprint_url,
        languages=LANGUAGES,
        default_language="de",
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
        "invited_at": AT,
        "confirm_nonce": NONCES.confirm,
        "own_nonce": NONCES.own,
        "join_nonce": NONCES.join,
    }
    return Registration(**values | changes)


PENDING: dict[str, Any] = {
    "status": RegistrationStatus.PENDING.value,
    "confirmed_at": None,
    "invited_at": None,
    "held_until": AT + timedelta(hours=24),
}
WAITING: dict[str, Any] = {"status": RegistrationStatus.WAITLISTED.value, "invited_at": None}
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


@dataclass(frozen=True)
class Case:
    """A message as an action would write it."""

    kind: str
    event: EventDetails = field(default_factory=dialogue)
    person: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, str | None] = field(default_factory=lambda: {"groups": "wohnen"})
    position: int | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def message(self, language: str = "de", **changes: Any) -> Claim:
        row = registration(**self.person)
        values: dict[str, Any] = {
            "id": MESSAGE_ID,
            "fence": 1,
            "kind": self.kind,
            "recipient": row.email,
            "recipient_name": row.name,
            "language": language,
            "context": {
                "event": event_facts(self.event),
                "registration": registration_facts(row, self.event, self.groups, self.position),
                **self.more,
            },
            "about": row.id,
            "event_id": 1,
            "attempts": 1,
            "created_at": AT,
            "message_id": f"<{MESSAGE_ID}@dialog.example.org>",
        }
        return Claim(**values | changes)


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
    "before": ["Ratssaal, Berliner Straße 70, 33330, Gütersloh"],
    "after": ["Stadthalle Gütersloh, Großer Saal, Friedrichstraße 10, 33330, Gütersloh"],
}
WENT_ONLINE = {"what": "mode", "before": "in_person", "after": "digital"}
PROGRAMME = {"what": "programme", "before": None, "after": None}
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

CASES = {
    "confirm": Case("confirm", person=PENDING),
    "confirm-three-places": Case("confirm", person={**PENDING, "seats": 3}, groups={"groups": None}),
    "confirm-online": Case("confirm", online(), {**PENDING, "attendance": "online"}, {}),
    "confirmed": Case("confirmed"),
    "confirmed-online": Case("confirmed", hybrid(), {"attendance": "online", "seats": 2}),
    "confirmed-no-group-free": Case("confirmed", groups={"groups": None}),
    "confirmed-two-days": Case(
        "confirmed", two_days(), groups={"round-1": "integration", "round-2": "vielfalt"}
    ),
    "confirmed-optional-sessions": Case(
        "confirmed",
        with_dinner(),
        {"wishes": WISHES},
        {"tour": None, "dinner": "dinner", "round-1": "vielfalt", "round-2": None},
    ),
    "confirmed-wishes-collected": Case(
        "confirmed",
        replace(with_dinner(), allocation="at_deadline"),
        {"wishes": WISHES},
        {"dinner": None, "round-1": None},
    ),
    "confirmed-bare": Case(
        "confirmed",
        dialogue(venues=(), sessions=(), groups=(), contact=None, title={"de": "Bürgerrat"}),
        groups={},
    ),
    "waitlisted": Case("waitlisted", person=WAITING, position=3),
    "waitlisted-to-confirm": Case(
        "waitlisted", person={**WAITING, "confirmed_at": None, "seats": 2}, position=12
    ),
    "promoted": Case("promoted"),
    "promoted-to-confirm": Case("promoted", person=PENDING),
    "expired": Case("expired", person={**PENDING, "status": "expired", "held_until": None}),
    "registration_cancelled-by-self": Case("registration_cancelled", person=CANCELLED, more={"by": "self"}),
    "registration_cancelled-by-organiser": Case(
        "registration_cancelled",
        person=CANCELLED,
        more={"by": "organiser", "reason": "Sie hatten uns am Telefon darum gebeten."},
    ),
    "registration_cancelled-never-invited": Case(
        "registration_cancelled", person={**WAITING, **CANCELLED}, more={"by": "self"}
    ),
    "registration_changed-groups": Case(
        "registration_changed", more={"by": "self", "changes": [OTHER_GROUP]}
    ),
    "registration_changed-groups-by-self": Case(
        "registration_changed",
        with_dinner(),
        {"sequence": 1, "wishes": {**WISHES, "dinner": []}},
        {"tour": "tour", "round-1": "vielfalt"},
        more={
            "by": "self",
            "changes": [
                {
                    "what": "groups",
                    "before": [
                        {"de": "Gemeinsames Abendessen", "en": "Dinner together"},
                        {"de": "Integration"},
                        {"de": "Vielfalt", "en": "Diversity"},
                    ],
                    "after": [
                        {"de": "Stadtrundgang", "en": "Walk through the town"},
                        {"de": "Vielfalt", "en": "Diversity"},
                    ],
                    "sessions": [
                        {"key": "tour", "before": None},
                        {
                            "key": "dinner",
                            "before": {"de": "Gemeinsames Abendessen", "en": "Dinner together"},
                        },
                        {"key": "round-1", "before": {"de": "Integration"}},
                        {"key": "round-2", "before": {"de": "Vielfalt", "en": "Diversity"}},
                    ],
                }
            ],
        },
    ),
    "registration_changed-attendance-by-self": Case(
        "registration_changed",
        hybrid(),
        {"attendance": "in_person", "seats": 2, "sequence": 1},
        more={
            "by": "self",
            "changes": [
                {"what": "attendance", "before": "online", "after": "in_person"},
                {"what": "seats", "before": 3, "after": 2},
            ],
        },
    ),
    "registration_changed-moved-up-into-group": Case(
        "registration_changed", more={"by": "system", "changes": [{"what": "groups"}]}
    ),
    "registration_changed-groups-assigned": Case(
        "registration_changed",
        with_dinner(),
        {"sequence": 1, "wishes": WISHES},
        {"dinner": "dinner", "round-1": "vielfalt"},
        more={"by": "assignment", "changes": [{"what": "groups", "before": []}]},
    ),
    "registration_changed-attendance": Case(
        "registration_changed",
        hybrid(),
        {"attendance": "online", "sequence": 1},
        more={
            "by": "organiser",
            "changes": [{"what": "attendance", "before": "in_person", "after": "online"}],
        },
    ),
    "registration_changed-person": Case(
        "registration_changed",
        person={"seats": 2},
        more={
            "by": "organiser",
            "changes": [
                {"what": "name", "before": "Kim Mustter", "after": "Kim Muster"},
                {"what": "email"},
                {"what": "seats", "before": 1, "after": 2},
            ],
        },
    ),
    "registration_changed-to-confirm": Case(
        "registration_changed", person=PENDING, more={"by": "organiser", "changes": [{"what": "email"}]}
    ),
    "already_registered": Case("already_registered"),
    "already_registered-to-confirm": Case("already_registered", person=PENDING),
    "already_registered-waitlisted": Case("already_registered", person=WAITING, position=3),
    "event_changed-time-and-place": Case(
        "event_changed", dialogue(sequence=1), more={"changes": [MOVED_TIME, MOVED_PLACE]}
    ),
    "event_changed-online": Case(
        "event_changed", online(), {"attendance": "online"}, more={"changes": [WENT_ONLINE]}
    ),
    "event_changed-programme": Case("event_changed", more={"changes": [PROGRAMME]}),
    "event_changed-group-lost": Case(
        "event_changed", groups={"groups": None}, more={"changes": [PROGRAMME, {"what": "groups"}]}
    ),
    "event_changed-waitlisted": Case(
        "event_changed", dialogue(sequence=1), WAITING, position=3, more={"changes": [MOVED_TIME]}
    ),
    "event_changed-to-confirm": Case(
        "event_changed", dialogue(sequence=1), PENDING, more={"changes": [MOVED_PLACE]}
    ),
    "announcement": Case("announcement", groups={}, more={"announcement": BRING}),
    "announcement-test": Case("announcement", groups={}, more={"announcement": {**BRING, "is_test": True}}),
    "announcement-only-german": Case(
        "announcement", person=WAITING, groups={}, position=None, more={"announcement": ONLY_GERMAN}
    ),
    "announcement-to-confirm": Case(
        "announcement", person=PENDING, groups={}, more={"announcement": ONLY_GERMAN}
    ),
    "announcement-cancelled": Case(
        "announcement", person=CANCELLED, groups={}, more={"announcement": ONLY_GERMAN}
    ),
    "event_cancelled": Case(
        "event_cancelled",
        dialogue(status=EventStatus.CANCELLED, sequence=1),
        more={"reason": "Die Stadthalle hat einen Wasserschaden."},
    ),
    "event_cancelled-never-invited": Case(
        "event_cancelled", dialogue(status=EventStatus.CANCELLED, sequence=1), PENDING, more={"reason": None}
    ),
}
