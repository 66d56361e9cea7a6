from datetime import time, timedelta

import pytest

from registration.reminders import DEFAULT_REMINDERS, Distance, ReminderSpec, parse_distance


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("7 days", Distance(days=7)),
        ("1 day", Distance(days=1)),
        ("0 days", Distance()),
        ("2 weeks", Distance(days=14)),
        ("366 days", Distance(days=366)),
        ("367 days", None),
        ("2 hours", Distance(span=timedelta(hours=2))),
        ("48 hours", Distance(span=timedelta(days=2))),
        ("30 minutes", Distance(span=timedelta(minutes=30))),
        ("8784 hours", Distance(span=timedelta(days=366))),
        ("8785 hours", None),
        ("0 hours", None),
        ("07 days", None),
        ("-1 days", None),
        ("1.5 days", None),
        ("٧ days", None),
        ("7  days", None),
        ("7 days\n", None),
        ("7 months", None),
        ("seven days", None),
        ("", None),
    ],
)
def test_days_are_of_the_calendar_and_hours_of_the_clock(text, before):
    assert parse_distance(text) == before


def test_an_event_that_names_no_reminders_has_two():
    assert [reminder.time_before for reminder in DEFAULT_REMINDERS] == [Distance(days=7), Distance(days=1)]


def test_a_reminder_knows_its_time_of_day_and_its_group():
    reminder = ReminderSpec(before="1 day", at="09:00", audience="group:wohnen")
    assert reminder.time_of_day == time(9)
    assert reminder.group == "wohnen"
    assert ReminderSpec(before="1 day").time_of_day is None
    assert ReminderSpec(before="1 day", audience="online").group is None
