"""The calendar entry of one person, read by vobject."""

from datetime import UTC, datetime, timedelta

import pytest
import vobject

from events.calendar import EntryText, Method, Party
from registration.calendar import personal_calendar

EVENT = {
    "status": "published",
    "timezone": "America/New_York",
    "starts_local": "2023-03-12T16:00:00",
    "ends_local": "2023-03-12T19:00:00",
}
REGISTRATION = {"uid": "registration-1", "sequence": 4, "status": "confirmed", "attendance": "online"}
KIM = Party("Kim Muster", "kim+dialog@example.org")
JOIN = "https://dialog.example.org/join/t0ken"


def entry(method=Method.REQUEST, attendee=KIM, join_url=JOIN, event=EVENT, **registration):
    content = personal_calendar(
        event,
        {**REGISTRATION, **registration},
        method=method,
        text=EntryText("Dialog", "Online", "Worte", "Morgen: Dialog"),
        organiser=Party("Stadt", "dialog@example.org"),
        attendee=attendee,
        page_url="https://dialog.example.org/events/dialog",
        join_url=join_url,
        at=datetime(2023, 3, 1, 8, 15, 30, 5, tzinfo=UTC),
    )
    calendar = vobject.readOne(content.decode())
    assert calendar.method.value == method
    return calendar.vevent


def test_it_has_the_registrations_own_uid_and_sequence():
    assert (entry().uid.value, entry().sequence.value) == ("registration-1", "4")


def test_on_the_day_of_the_change_the_new_time_counts():
    assert entry().dtstart.value.astimezone(UTC) == datetime(2023, 3, 12, 20, tzinfo=UTC)


def test_the_stamp_is_the_instant_of_the_cause():
    assert entry().dtstamp.value == datetime(2023, 3, 1, 8, 15, 30, tzinfo=UTC)


def test_the_address_is_the_one_the_mail_goes_to():
    assert entry().attendee.value == "mailto:kim+dialog@example.org"


def test_it_rings_a_day_before():
    assert entry().valarm.trigger.value == timedelta(days=-1)
    assert entry().valarm.description.value == "Morgen: Dialog"


@pytest.mark.parametrize(
    ("attendance", "join_url", "has_conference"),
    [("online", JOIN, True), ("in_person", JOIN, False), ("online", None, False)],
)
def test_a_conference_is_for_who_takes_part_online(attendance, join_url, has_conference):
    found = entry(attendance=attendance, join_url=join_url).contents
    assert ("conference" in found) is has_conference


@pytest.mark.parametrize(
    ("method", "event_status", "status", "expected"),
    [
        (Method.REQUEST, "published", "confirmed", "CONFIRMED"),
        (Method.PUBLISH, "published", "confirmed", "CONFIRMED"),
        (Method.CANCEL, "published", "confirmed", "CANCELLED"),
        (Method.CANCEL, "cancelled", "cancelled", "CANCELLED"),
        (Method.PUBLISH, "cancelled", "confirmed", "CANCELLED"),
        (Method.PUBLISH, "published", "cancelled", "CANCELLED"),
        (Method.PUBLISH, "published", "expired", "CANCELLED"),
    ],
)
def test_what_is_cancelled_neither_rings_nor_opens_anything(method, event_status, status, expected):
    found = entry(method, event={**EVENT, "status": event_status}, status=status)
    assert found.status.value == expected
    assert ("valarm" in found.contents) is (expected == "CONFIRMED")
    assert ("conference" in found.contents) is (expected == "CONFIRMED")


def test_a_download_names_nobody():
    assert "attendee" not in entry(Method.PUBLISH).contents
    assert "attendee" not in entry(Method.PUBLISH, attendee=None).contents
