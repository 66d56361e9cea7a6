"""What becomes of two messages of which neither has left."""

import pytest

from registration.news import (
    ANNOUNCEMENT,
    ENDING,
    KINDS,
    MADE_WRONG,
    News,
    joined,
    programme_changes,
    together,
)

EARLY, NOON, LATE = ({"starts_local": f"2022-11-18T{hour}:00:00"} for hour in (9, 12, 16))


def time(before, after):
    return {"what": "time", "before": before, "after": after}


def mode(before, after):
    return {"what": "mode", "before": before, "after": after}


def told(kind, *changes, **more):
    return News(kind, {**more, **({"changes": list(changes)} if changes else {})})


@pytest.mark.parametrize(
    ("earlier", "later", "kind", "changes"),
    [
        pytest.param(
            [], told("event_changed", time(EARLY, NOON)), "event_changed", [time(EARLY, NOON)], id="alone"
        ),
        pytest.param(
            [told("confirmed")],
            told("event_changed", time(EARLY, NOON)),
            "confirmed",
            [time(EARLY, NOON)],
            id="who does not know yet that they are confirmed learns both",
        ),
        pytest.param(
            [told("waitlisted")],
            told("promoted"),
            "promoted",
            [],
            id="who moved up need not hear that they waited",
        ),
        pytest.param(
            [told("waitlisted"), told("event_changed", mode("in_person", "digital"))],
            told("promoted"),
            "promoted",
            [mode("in_person", "digital")],
            id="who moved up by a switch learns both in one",
        ),
        pytest.param(
            [told("event_changed", time(EARLY, NOON))],
            told("event_changed", time(NOON, LATE)),
            "event_changed",
            [time(EARLY, LATE)],
            id="moved twice is moved once",
        ),
        pytest.param(
            [told("event_changed", mode("in_person", "digital"))],
            told("event_changed", mode("digital", "in_person")),
            "event_changed",
            [],
            id="there and back is no change, and is told",
        ),
        pytest.param(
            [told("event_changed", time(EARLY, NOON))],
            told("registration_changed", {"what": "seats", "before": 1, "after": 2}, by="self"),
            "event_changed",
            [time(EARLY, NOON), {"what": "seats", "before": 1, "after": 2}],
            id="a change of the event says more than one's own",
        ),
        pytest.param(
            [told("confirm")],
            told("registration_changed", {"what": "name", "before": "A", "after": "B"}),
            "confirm",
            [{"what": "name", "before": "A", "after": "B"}],
            id="who is still asked to confirm is asked",
        ),
        pytest.param(
            [told("confirm"), told("reminder")],
            told("confirmed"),
            "confirmed",
            [],
            id="confirmed is confirmed",
        ),
        pytest.param(
            [told("confirmed"), told("event_changed", time(EARLY, NOON))],
            told("event_cancelled", reason="flood"),
            "event_cancelled",
            [],
            id="what is cancelled has not moved",
        ),
        pytest.param(
            [told("reminder")], told("reminder", reminder={}), "reminder", [], id="the later reminder counts"
        ),
    ],
)
def test_two_messages_become_one(earlier, later, kind, changes):
    both = together(later, earlier)
    assert (both.kind, both.changes) == (kind, changes)


def test_reasons_and_authors_stay():
    assert together(told("event_cancelled", reason="flood"), [told("confirmed")]).more["reason"] == "flood"
    both = together(told("registration_changed", {"what": "email"}, by="organiser"), [told("confirmed")])
    assert both.more["by"] == "organiser"


def test_groups_changed_twice_are_told_as_of_the_first_time():
    first = {"what": "groups", "before": ["a"], "after": ["b"], "sessions": [{"key": "one", "before": "a"}]}
    later = {
        "what": "groups",
        "before": ["b"],
        "after": ["c", "d"],
        "sessions": [{"key": "one", "before": "b"}, {"key": "two", "before": None}],
    }
    assert joined([first, later]) == [
        {
            "what": "groups",
            "before": ["a"],
            "after": ["c", "d"],
            "sessions": [{"key": "one", "before": "a"}, {"key": "two", "before": None}],
        }
    ]


def test_every_kind_that_makes_something_wrong_is_a_kind():
    assert set(MADE_WRONG) <= set(KINDS)
    assert {kind for wrong in MADE_WRONG.values() for kind in wrong} == {*KINDS, ANNOUNCEMENT}
    assert {kind for kind, wrong in MADE_WRONG.items() if ANNOUNCEMENT in wrong} == {*ENDING}
    assert {"confirm", "waitlisted", "already_registered"} == set(KINDS) - set(MADE_WRONG)


def item(key, start, end, venue=None):
    return {
        "key": key,
        "title": {"de": key},
        "starts_local": f"2022-11-18T{start}:00",
        "ends_local": f"2022-11-18T{end}:00",
        "venue": venue,
    }


def test_the_programme_says_what_is_new_gone_moved_and_elsewhere():
    before = [item("a", "10:00", "11:00"), item("b", "11:00", "12:00"), item("c", "12:00", "13:00", "Saal")]
    after = [item("b", "11:30", "12:00"), item("c", "12:00", "13:00", "Foyer"), item("d", "13:00", "14:00")]
    found = programme_changes({"before": before, "after": after})
    assert [(session["is"], session["key"]) for session in found] == [
        ("moved", "b"),
        ("elsewhere", "c"),
        ("new", "d"),
        ("gone", "a"),
    ]
    assert programme_changes({}) == []
