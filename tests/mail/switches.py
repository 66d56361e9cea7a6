"""Mails about an event that moves between hall and screen, in every form they take."""

from tests.events.examples import dialogue, online
from tests.mail.case import Case
from tests.mail.examples import (
    BECAME_HYBRID,
    BY_INCIDENCE,
    CAME_BACK,
    CAME_BACK_HYBRID,
    MOVED_PLACE,
    PENDING,
    TO_HALL,
    TO_SCREEN,
    WAITING,
    WENT_ONLINE,
    hybrid,
)

SWITCHES = {
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
                    "region_title": {"de": "Gütersloh", "ar": "غوترسلو"},
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
        more={"changes": [CAME_BACK]},
    ),
    "event_changed-back-left-online": Case(
        "event_changed",
        hybrid(),
        {"attendance": "online"},
        more={"changes": [CAME_BACK_HYBRID]},
    ),
    "event_changed-back-wished-online": Case(
        "event_changed",
        hybrid(),
        {"attendance": "online", "attendance_wished": "online"},
        more={"changes": [CAME_BACK_HYBRID]},
    ),
    "event_changed-back-at-another-place": Case(
        "event_changed",
        dialogue(sequence=2),
        more={"changes": [{**MOVED_PLACE, "before": []}, CAME_BACK, TO_HALL]},
    ),
    "event_changed-there-and-back-to-another-place": Case(
        "event_changed", dialogue(sequence=2), more={"changes": [MOVED_PLACE]}
    ),
    "event_changed-back-waitlisted": Case(
        "event_changed",
        dialogue(sequence=2),
        WAITING,
        position=1,
        more={"changes": [CAME_BACK, TO_HALL]},
    ),
    "event_changed-online-waitlisted": Case(
        "event_changed",
        online(sequence=1),
        {**WAITING, "attendance": "online"},
        position=1,
        more={"changes": [WENT_ONLINE, TO_SCREEN]},
    ),
    "event_changed-online-to-confirm": Case(
        "event_changed",
        online(sequence=1),
        {**PENDING, "attendance": "online"},
        more={"changes": [WENT_ONLINE, TO_SCREEN]},
    ),
    "event_changed-hybrid": Case("event_changed", hybrid(), more={"changes": [BECAME_HYBRID]}),
    "event_changed-hybrid-fewer-seats": Case(
        "event_changed", hybrid(), {"attendance": "online"}, more={"changes": [BECAME_HYBRID, TO_SCREEN]}
    ),
    "event_changed-hybrid-waitlisted": Case(
        "event_changed", hybrid(), WAITING, position=1, more={"changes": [BECAME_HYBRID]}
    ),
    "event_changed-hybrid-waitlisted-online": Case(
        "event_changed",
        hybrid(),
        {**WAITING, "attendance": "online"},
        position=1,
        more={"changes": [CAME_BACK_HYBRID]},
    ),
    "event_changed-hybrid-to-confirm": Case(
        "event_changed", hybrid(), PENDING, more={"changes": [CAME_BACK_HYBRID, TO_HALL]}
    ),
    "event_changed-hybrid-to-confirm-online": Case(
        "event_changed", hybrid(), {**PENDING, "attendance": "online"}, more={"changes": [CAME_BACK_HYBRID]}
    ),
    "event_changed-wider-hall-waitlisted": Case(
        "event_changed", hybrid(), WAITING, position=1, more={"changes": [TO_HALL]}
    ),
    "waitlisted-hybrid": Case("waitlisted", hybrid(), WAITING, position=3),
    "promoted-by-a-switch": Case(
        "promoted",
        online(sequence=1, plan=[{**BY_INCIDENCE, "is_on": True}]),
        {"attendance": "online"},
        more={"changes": [WENT_ONLINE]},
    ),
    "registration_changed-hall-seat": Case(
        "registration_changed",
        hybrid(),
        more={"by": "hall", "changes": [TO_HALL]},
    ),
    "registration_changed-hall-seat-to-confirm": Case(
        "registration_changed", hybrid(), PENDING, more={"by": "hall", "changes": [TO_HALL]}
    ),
    "registration_changed-attendance-waitlisted": Case(
        "registration_changed",
        hybrid(),
        {**WAITING, "attendance": "online"},
        position=2,
        more={"by": "self", "changes": [TO_SCREEN]},
    ),
    "promoted-by-the-way-back": Case(
        "promoted", hybrid(), {"attendance": "online"}, more={"changes": [CAME_BACK_HYBRID]}
    ),
    "event_changed-there-and-back": Case("event_changed", dialogue(sequence=2), more={"changes": []}),
}
