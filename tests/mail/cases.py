"""Every mail in every form it takes: what it is about, as the actions write it into the outbox."""

from dataclasses import dataclass, field, replace
from typing import Any

from jinja2 import Environment

from dialograum.calendars import Calendars
from dialograum.languages import LANGUAGES
from dialograum.pages import Site, environment
from events.calendar import Party
from events.details import EventDetails
from events.rules import EventStatus, Mode
from notifications.outbox import Claim
from registration.facts import event_facts, registration_facts
from registration.mail import Composer
from tests.events.examples import dialogue, online
from tests.mail.examples import (
    AT,
    BASE_URL,
    BRING,
    BY_INCIDENCE,
    BY_WARNINGS,
    CANCELLED,
    LINKS,
    MESSAGE_ID,
    MOVED_PLACE,
    MOVED_TIME,
    ONLY_GERMAN,
    OTHER_GROUP,
    PENDING,
    PROGRAMME,
    WAITING,
    WENT_ONLINE,
    WISHES,
    hybrid,
    registration,
    two_days,
    with_dinner,
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
        person = dict(self.person)
        invited_sequence = person.pop("invited_sequence", 0)
        row = registration(**person)
        values: dict[str, Any] = {
            "id": MESSAGE_ID,
            "fence": 1,
            "kind": self.kind,
            "recipient": row.email,
            "recipient_name": row.name,
            "language": language,
            "context": {
                "event": event_facts(self.event),
                "registration": registration_facts(
                    row, self.event, self.groups, self.position, invited_sequence
                ),
                **self.more,
            },
            "about": row.id,
            "event_id": 1,
            "attempts": 1,
            "created_at": AT,
            "message_id": f"<{MESSAGE_ID}@dialog.example.org>",
        }
        return Claim(**values | changes)


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
    "confirmed-plan-b": Case("confirmed", dialogue(plan=[BY_INCIDENCE])),
    "confirmed-plan-b-two-rules": Case(
        "confirmed", dialogue(plan=[{**BY_INCIDENCE, "last": None}, BY_WARNINGS])
    ),
    "confirmed-plan-b-locked": Case("confirmed", dialogue(plan=[BY_WARNINGS], mode_locked=True)),
    "confirmed-plan-b-back": Case(
        "confirmed", online(plan=[{**BY_INCIDENCE, "is_on": True}, BY_WARNINGS]), {"attendance": "online"}
    ),
    "promoted-plan-b-back": Case(
        "promoted", replace(hybrid(), plan=[BY_INCIDENCE, {**BY_WARNINGS, "is_on": True}])
    ),
    "promoted-plan-b-online": Case(
        "promoted",
        dialogue(mode=Mode.HYBRID, base_mode=Mode.HYBRID, plan=[BY_INCIDENCE]),
        {"attendance": "online"},
    ),
    "promoted-plan-b-to-confirm": Case("promoted", dialogue(plan=[BY_INCIDENCE]), PENDING),
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
    "event_changed-online-by-rule": Case(
        "event_changed",
        online(sequence=1),
        {"attendance": "online"},
        more={
            "changes": [
                WENT_ONLINE,
                {"what": "attendance", "before": "in_person", "after": "online"},
            ],
            "why": {
                "reason": None,
                "evidence": {
                    "rule": "rki-incidence/05754/digital",
                    "indicator": "rki-incidence",
                    "region": "05754",
                    "is_on": True,
                    "reading": {"value": 445.2, "row_on": "2022-10-01"},
                    "in_a_row": 3,
                    "threshold": 400,
                },
            },
        },
    ),
    "event_changed-online-by-hand": Case(
        "event_changed",
        online(sequence=1),
        {"attendance": "online"},
        more={
            "changes": [WENT_ONLINE],
            "why": {"reason": "Die Stadthalle hat einen Wasserschaden.", "evidence": None},
        },
    ),
    "event_changed-back-on-site": Case(
        "event_changed",
        dialogue(sequence=2),
        more={"changes": [{"what": "mode", "before": "digital", "after": "in_person"}]},
    ),
    "event_changed-back-left-online": Case(
        "event_changed",
        hybrid(),
        {"attendance": "online"},
        more={"changes": [{"what": "mode", "before": "digital", "after": "hybrid"}]},
    ),
    "promoted-by-a-switch": Case(
        "promoted",
        online(sequence=1, plan=[{**BY_INCIDENCE, "is_on": True}]),
        {"attendance": "online"},
        more={"changes": [WENT_ONLINE]},
    ),
    "registration_changed-hall-seat": Case(
        "registration_changed",
        hybrid(),
        more={"by": "hall", "changes": [{"what": "attendance", "before": "online", "after": "in_person"}]},
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
    "event_changed-there-and-back": Case("event_changed", dialogue(sequence=2), more={"changes": []}),
    "confirmed-and-moved": Case(
        "confirmed", dialogue(sequence=1), more={"changes": [MOVED_TIME, MOVED_PLACE]}
    ),
    "reminder": Case("reminder"),
    "reminder-with-words": Case(
        "reminder",
        more={
            "reminder": {
                "text": {
                    "de": [
                        "Bitte bringen Sie gute Laune mit.",
                        "Auf https://dialog.example.org/anfahrt steht der Weg.",
                    ],
                    "en": [
                        "Please bring a good mood.",
                        "The page https://dialog.example.org/anfahrt shows the way.",
                    ],
                }
            }
        },
    ),
    "reminder-online": Case("reminder", online(), {"attendance": "online"}),
    "reminder-to-confirm": Case("reminder", person=PENDING),
    "starts_soon": Case("starts_soon", online(), {"attendance": "online"}),
    "confirm_soon": Case("confirm_soon", person=PENDING),
    "thanks": Case(
        "thanks",
        more={
            "reminder": {
                "text": {
                    "de": ["Auf https://dialog.example.org/ergebnisse steht die Dokumentation."],
                    "en": ["The page https://dialog.example.org/ergebnisse has the documentation."],
                }
            }
        },
    ),
    "event_cancelled-never-invited": Case(
        "event_cancelled", dialogue(status=EventStatus.CANCELLED, sequence=1), PENDING, more={"reason": None}
    ),
}
