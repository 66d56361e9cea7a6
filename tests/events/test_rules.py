"""What a mode offers, whether registration is open, and what a local time is."""

from datetime import UTC, datetime, timedelta

import pytest

from events.rules import (
    OFFERED,
    Attendance,
    EventStatus,
    Limits,
    Mode,
    RegistrationState,
    group_limit,
    instant,
    limits,
    local_time,
    registration_state,
    seats_left,
)

IN_PERSON, HYBRID, DIGITAL = Mode
UPCOMING, OPEN, FULL, CLOSED = RegistrationState
SECOND = timedelta(seconds=1)


def test_each_mode_offers_where_it_takes_place():
    assert OFFERED == {
        IN_PERSON: (Attendance.IN_PERSON,),
        HYBRID: (Attendance.IN_PERSON, Attendance.ONLINE),
        DIGITAL: (Attendance.ONLINE,),
    }


@pytest.mark.parametrize(
    ("mode", "base_mode", "capacities", "in_person", "online"),
    [
        (IN_PERSON, IN_PERSON, (120, 300, 40), 120, 0),
        (IN_PERSON, IN_PERSON, (None, None, None), None, 0),
        (DIGITAL, IN_PERSON, (120, 300, 40), 0, 300),
        (DIGITAL, DIGITAL, (120, None, None), 0, None),
        # Made hybrid by a rule or a hand.
        (HYBRID, IN_PERSON, (120, 300, 40), 40, 300),
        (HYBRID, IN_PERSON, (120, 300, None), 120, 300),
        (HYBRID, IN_PERSON, (120, 300, 0), 0, 300),
        (HYBRID, IN_PERSON, (None, None, 40), 40, None),
        (HYBRID, DIGITAL, (120, 300, 40), 40, 300),
        # Hybrid by itself.
        (HYBRID, HYBRID, (120, 300, 40), 120, 300),
        (IN_PERSON, HYBRID, (120, 300, 40), 120, 0),
    ],
)
def test_how_many_seats_a_mode_has(mode, base_mode, capacities, in_person, online):
    found = limits(mode, base_mode, *capacities)
    assert found == Limits(in_person, online)
    assert (found.of(Attendance.IN_PERSON), found.of(Attendance.ONLINE)) == (in_person, online)


@pytest.mark.parametrize(
    ("mode", "capacity", "digital_capacity", "limit"),
    [
        (IN_PERSON, 20, 30, 20),
        (HYBRID, 20, 30, 20),
        (DIGITAL, 20, 30, 30),
        (DIGITAL, 20, 0, 0),
        (DIGITAL, 20, None, 20),
        (DIGITAL, None, None, None),
        (IN_PERSON, None, 30, None),
    ],
)
def test_a_group_counts_its_digital_capacity_only_online(mode, capacity, digital_capacity, limit):
    assert group_limit(mode, capacity, digital_capacity) == limit


@pytest.mark.parametrize(
    ("limit", "taken", "waiting", "left"),
    [
        (10, 9, 0, 1),
        (10, 10, 0, 0),
        (10, 11, 0, 0),
        (10, 0, 1, 0),
        (None, 10, 0, None),
        (None, 10, 1, 0),
        (0, 0, 0, 0),
    ],
)
def test_seats_left_are_those_a_newcomer_gets_at_once(limit, taken, waiting, left):
    assert seats_left(limit, taken, waiting) == left


OPENS = datetime(2022, 10, 17, 7, tzinfo=UTC)  # Monday
CLOSES = datetime(2022, 11, 13, 22, 59, 59, tzinfo=UTC)  # Sunday


@pytest.mark.parametrize(
    ("name", "now", "status", "left", "state"),
    [
        ("a second before it opens", OPENS - SECOND, EventStatus.PUBLISHED, (5,), UPCOMING),
        ("the moment it opens", OPENS, EventStatus.PUBLISHED, (5,), OPEN),
        ("a second before it closes", CLOSES - SECOND, EventStatus.PUBLISHED, (5,), OPEN),
        ("the moment it closes", CLOSES, EventStatus.PUBLISHED, (5,), CLOSED),
        ("one seat left", OPENS, EventStatus.PUBLISHED, (1,), OPEN),
        ("no seat left", OPENS, EventStatus.PUBLISHED, (0,), FULL),
        ("without a limit", OPENS, EventStatus.PUBLISHED, (None,), OPEN),
        ("the hall is full, online is not", OPENS, EventStatus.PUBLISHED, (0, 1), OPEN),
        ("both are full", OPENS, EventStatus.PUBLISHED, (0, 0), FULL),
        ("full before it opens", OPENS - SECOND, EventStatus.PUBLISHED, (0,), UPCOMING),
        ("full and closed", CLOSES, EventStatus.PUBLISHED, (0,), CLOSED),
        ("a draft", OPENS, EventStatus.DRAFT, (5,), CLOSED),
        ("cancelled", OPENS, EventStatus.CANCELLED, (5,), CLOSED),
        ("cancelled before it opens", OPENS - SECOND, EventStatus.CANCELLED, (5,), CLOSED),
    ],
)
def test_whether_registration_is_open(name, now, status, left, state):
    assert registration_state(now, status, OPENS, CLOSES, left) is state


def test_without_an_opening_it_is_open_from_the_first_day():
    found = registration_state(OPENS - timedelta(days=900), EventStatus.PUBLISHED, None, CLOSES, (1,))
    assert found is OPEN


@pytest.mark.parametrize(
    ("local", "zone", "utc"),
    [
        ("2022-11-18T16:00", "Europe/Berlin", "2022-11-18T15:00"),  # Friday, winter
        ("2022-07-01T16:00", "Europe/Berlin", "2022-07-01T14:00"),  # Friday, summer
        ("2022-03-27T01:59", "Europe/Berlin", "2022-03-27T00:59"),  # Sunday, before the clocks go forward
        ("2022-03-27T03:00", "Europe/Berlin", "2022-03-27T01:00"),  # Sunday, after it
        ("2022-10-30T01:59", "Europe/Berlin", "2022-10-29T23:59"),  # Sunday, before the clocks go back
        ("2022-10-30T02:30", "Europe/Berlin", "2022-10-30T00:30"),  # Sunday, twice there: the earlier
        ("2022-10-30T03:00", "Europe/Berlin", "2022-10-30T02:00"),  # Sunday, after it
        ("2022-11-18T16:00", "America/New_York", "2022-11-18T21:00"),  # Friday
    ],
)
def test_the_instant_of_a_local_time(local, zone, utc):
    at = instant(datetime.fromisoformat(local), zone)
    assert at == datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert at.tzinfo is UTC
    assert local_time(at, zone) == datetime.fromisoformat(local)
