"""When reminders fall due, with weekdays, on both sides of each boundary and of both changes of the clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from events.rules import Mode
from registration.reminders import DEFAULT_REMINDERS, ReminderSpec
from registration.schedule import Times, due, occurrences

BERLIN = ZoneInfo("Europe/Berlin")
SECOND = timedelta(seconds=1)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def event(starts="2022-11-18 16:00", ends=None, zone="Europe/Berlin", mode=Mode.IN_PERSON):
    start = datetime.fromisoformat(starts)
    return Times(start, datetime.fromisoformat(ends) if ends else start + timedelta(hours=3), zone, mode)


def shown(at, zone=BERLIN):
    return f"{at.astimezone(zone):%a %Y-%m-%d %H:%M %z}"


@pytest.mark.parametrize(
    ("starts", "spec", "expected"),
    [
        # Friday, 18 November 2022, in winter time
        ("2022-11-18 16:00", {"before": "7 days"}, "Fri 2022-11-11 16:00 +0100"),
        ("2022-11-18 16:00", {"before": "1 week"}, "Fri 2022-11-11 16:00 +0100"),
        ("2022-11-18 16:00", {"before": "1 day"}, "Thu 2022-11-17 16:00 +0100"),
        ("2022-11-18 16:00", {"before": "1 day", "at": "09:00"}, "Thu 2022-11-17 09:00 +0100"),
        ("2022-11-18 16:00", {"before": "0 days", "at": "08:30"}, "Fri 2022-11-18 08:30 +0100"),
        ("2022-11-18 16:00", {"before": "2 hours"}, "Fri 2022-11-18 14:00 +0100"),
        ("2022-11-18 16:00", {"before": "90 minutes"}, "Fri 2022-11-18 14:30 +0100"),
        ("2022-11-18 00:30", {"before": "1 day"}, "Thu 2022-11-17 00:30 +0100"),
        # The clocks went back on Sunday, 30 October 2022: the time of day stays, a span does not
        ("2022-10-30 18:00", {"before": "1 day"}, "Sat 2022-10-29 18:00 +0200"),
        ("2022-10-30 18:00", {"before": "24 hours"}, "Sat 2022-10-29 19:00 +0200"),
        ("2022-11-03 18:00", {"before": "7 days"}, "Thu 2022-10-27 18:00 +0200"),
        ("2022-11-03 18:00", {"before": "4 days", "at": "02:30"}, "Sun 2022-10-30 02:30 +0200"),
        ("2022-10-30 03:30", {"before": "2 hours"}, "Sun 2022-10-30 02:30 +0200"),
        # They went forward on Sunday, 26 March 2023: 02:30 did not exist that day
        ("2023-03-26 18:00", {"before": "1 day"}, "Sat 2023-03-25 18:00 +0100"),
        ("2023-03-26 18:00", {"before": "24 hours"}, "Sat 2023-03-25 17:00 +0100"),
        ("2023-03-27 02:30", {"before": "1 day"}, "Sun 2023-03-26 03:30 +0200"),
        ("2023-03-28 18:00", {"before": "2 days", "at": "02:30"}, "Sun 2023-03-26 03:30 +0200"),
        # Leap day and turn of the year
        ("2024-03-01 10:00", {"before": "1 day"}, "Thu 2024-02-29 10:00 +0100"),
        ("2024-03-01 10:00", {"before": "366 days"}, "Wed 2023-03-01 10:00 +0100"),
        ("2023-01-03 10:00", {"before": "1 week"}, "Tue 2022-12-27 10:00 +0100"),
        # Thanks come after the end, which is three hours later
        ("2022-11-18 16:00", {"after": "1 day"}, "Sat 2022-11-19 19:00 +0100"),
        ("2022-11-18 16:00", {"after": "3 days", "at": "10:00"}, "Mon 2022-11-21 10:00 +0100"),
        ("2022-11-18 16:00", {"after": "2 hours"}, "Fri 2022-11-18 21:00 +0100"),
        ("2022-11-18 22:00", {"after": "0 days", "at": "09:00"}, "Sat 2022-11-19 09:00 +0100"),
    ],
)
def test_a_reminder_falls_due(starts, spec, expected):
    (found,) = occurrences(event(starts), [ReminderSpec(**spec)])
    assert shown(found.at) == expected
    assert found.kind == ("thanks" if "after" in spec else "reminder")


def test_days_are_those_of_the_event_s_own_zone():
    far = event("2022-11-06 09:00", zone="America/New_York")  # the day on which clocks go back there
    (found,) = occurrences(far, [ReminderSpec(before="1 day")])
    assert shown(found.at, ZoneInfo("America/New_York")) == "Sat 2022-11-05 09:00 -0400"


@pytest.mark.parametrize(("mode", "expected"), [(Mode.IN_PERSON, 0), (Mode.HYBRID, 1), (Mode.DIGITAL, 1)])
def test_those_online_get_their_link_an_hour_before(mode, expected):
    found = [one for one in occurrences(event(mode=mode), []) if one.kind == "starts_soon"]
    assert [(shown(one.at), one.audience) for one in found] == [
        ("Fri 2022-11-18 15:00 +0100", "online")
    ] * expected


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2022-11-11 15:59:59", []),
        ("2022-11-11 16:00:00", ["before 7d all"]),
        ("2022-11-17 15:59:59", ["before 7d all"]),
        ("2022-11-17 16:00:00", ["before 1d all", "before 7d all"]),
        ("2022-11-18 15:59:59", ["before 1d all", "before 7d all"]),
        ("2022-11-18 16:00:00", []),
    ],
)
def test_nothing_is_due_before_its_time_or_once_the_event_has_begun(now, expected):
    assert [one.key for one in due(event(), DEFAULT_REMINDERS, LONG_AGO, at(now))] == expected


def test_what_was_due_by_the_last_look_is_past():
    day_before = at("2022-11-17 16:00")
    for since, expected in ((day_before - SECOND, 1), (day_before, 0)):
        assert len(due(event(), DEFAULT_REMINDERS, since, at("2022-11-17 18:00"))) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2022-11-19 18:59:59", 0),
        ("2022-11-19 19:00", 1),
        ("2022-11-26 18:59:59", 1),
        ("2022-11-26 19:00", 0),
    ],
)
def test_thanks_are_not_sent_when_nobody_remembers(now, expected):
    assert len(due(event(), [ReminderSpec(after="1 day")], LONG_AGO, at(now))) == expected


def test_a_moved_event_moves_its_reminders():
    moved = event("2022-11-25 16:00")
    assert due(moved, DEFAULT_REMINDERS, LONG_AGO, at("2022-11-17 16:00")) == []
    assert len(due(moved, DEFAULT_REMINDERS, LONG_AGO, at("2022-11-18 16:00"))) == 1
