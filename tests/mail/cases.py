"""Every mail in every form it takes."""

from dataclasses import replace

from events.rules import EventStatus, Mode
from tests.events.examples import dialogue, online
from tests.mail.case import Case
from tests.mail.examples import (
    BRING,
    BY_INCIDENCE,
    BY_WARNINGS,
    CANCELLED,
    MOVED_PLACE,
    MOVED_TIME,
    ONLY_GERMAN,
    OTHER_GROUP,
    PENDING,
    PROGRAMME,
    WAITING,
    WISHES,
    hybrid,
    two_days,
    with_dinner,
)
from tests.mail.switches import SWITCHES

CASES = SWITCHES | {
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
