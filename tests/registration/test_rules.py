"""Who gets a seat, who waits, who moves up, and which group."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from events.rules import Attendance, EventStatus, Mode
from registration.rules import (
    ACTIVE,
    HOLDING,
    Refused,
    RegistrationStatus,
    Seats,
    Slot,
    Terms,
    Waiting,
    admission,
    attendance_or_default,
    groups_for,
    groups_instead,
    held_until,
    may_move,
    promotions,
    seats_needed,
    unknown_wishes,
    wishes_as_held,
    with_seats_taken,
)

IN_PERSON, ONLINE = Attendance.IN_PERSON, Attendance.ONLINE
PENDING, CONFIRMED, WAITLISTED, CANCELLED, EXPIRED = RegistrationStatus
SECOND = timedelta(seconds=1)

OPENS = datetime(2022, 10, 17, 7, tzinfo=UTC)  # Monday
CLOSES = datetime(2022, 11, 13, 22, 59, 59, tzinfo=UTC)  # Sunday
STARTS = datetime(2022, 11, 18, 15, tzinfo=UTC)  # Friday
DURING = datetime(2022, 11, 1, 12, tzinfo=UTC)  # Tuesday
AFTER_CLOSING = datetime(2022, 11, 16, 12, tzinfo=UTC)  # Wednesday

TERMS = Terms(
    status=EventStatus.PUBLISHED,
    mode=Mode.IN_PERSON,
    opens_at=OPENS,
    closes_at=CLOSES,
    starts_at=STARTS,
    waitlist=True,
    confirm_email=True,
    hold_hours=24,
)
FREE, FULL, ENDLESS = Seats(10, 9, 0), Seats(10, 10, 0), Seats(None, 1_000_000, 0)


def test_seats_are_held_by_the_pending_and_the_confirmed():
    assert HOLDING == (PENDING, CONFIRMED)
    assert ACTIVE == (PENDING, CONFIRMED, WAITLISTED)


@pytest.mark.parametrize(
    ("seats", "wanted", "fits"),
    [
        (Seats(10, 9, 0), 1, True),
        (Seats(10, 9, 0), 2, False),
        (Seats(10, 10, 0), 1, False),
        (Seats(10, 4, 0), 6, True),
        (Seats(10, 5, 0), 6, False),
        (Seats(0, 0, 0), 1, False),
        (Seats(None, 1_000_000, 0), 6, True),
    ],
)
def test_seats_fit_all_or_not_at_all(seats, wanted, fits):
    assert seats.fit(wanted) is fits


@pytest.mark.parametrize(
    ("name", "now", "changes", "attendance", "there", "seats", "expected"),
    [
        ("there is room", DURING, {}, IN_PERSON, FREE, 1, PENDING),
        ("without a limit there is always room", DURING, {}, IN_PERSON, ENDLESS, 6, PENDING),
        ("no proof is asked for", DURING, {"confirm_email": False}, IN_PERSON, FREE, 1, CONFIRMED),
        ("no room", DURING, {}, IN_PERSON, FULL, 1, WAITLISTED),
        ("no room for all of them", DURING, {}, IN_PERSON, FREE, 2, WAITLISTED),
        ("room, and somebody waits", DURING, {}, IN_PERSON, Seats(10, 8, 1), 1, WAITLISTED),
        ("no limit, and somebody waits", DURING, {}, IN_PERSON, Seats(None, 8, 1), 1, WAITLISTED),
        ("no room and no waitlist", DURING, {"waitlist": False}, IN_PERSON, FULL, 1, Refused.FULL),
        (
            "room, somebody waits, no waitlist",
            DURING,
            {"waitlist": False},
            IN_PERSON,
            Seats(10, 8, 1),
            1,
            Refused.FULL,
        ),
        ("a second before it opens", OPENS - SECOND, {}, IN_PERSON, FREE, 1, Refused.NOT_OPEN),
        ("the moment it opens", OPENS, {}, IN_PERSON, FREE, 1, PENDING),
        ("always open", OPENS - SECOND, {"opens_at": None}, IN_PERSON, FREE, 1, PENDING),
        ("a second before it closes", CLOSES - SECOND, {}, IN_PERSON, FREE, 1, PENDING),
        ("the moment it closes", CLOSES, {}, IN_PERSON, FREE, 1, Refused.CLOSED),
        ("closed and full", CLOSES, {}, IN_PERSON, FULL, 1, Refused.CLOSED),
        ("a draft", DURING, {"status": EventStatus.DRAFT}, IN_PERSON, FREE, 1, Refused.NOT_OPEN),
        ("cancelled", DURING, {"status": EventStatus.CANCELLED}, IN_PERSON, FREE, 1, Refused.CANCELLED),
        ("cancelled, late", CLOSES, {"status": EventStatus.CANCELLED}, IN_PERSON, FREE, 1, Refused.CANCELLED),
        ("online at an event in the hall", DURING, {}, ONLINE, FREE, 1, Refused.NOT_OFFERED),
        (
            "the hall of a digital event",
            DURING,
            {"mode": Mode.DIGITAL},
            IN_PERSON,
            FREE,
            1,
            Refused.NOT_OFFERED,
        ),
        ("online at a digital event", DURING, {"mode": Mode.DIGITAL}, ONLINE, FREE, 1, PENDING),
        ("online at a hybrid event", DURING, {"mode": Mode.HYBRID}, ONLINE, FREE, 1, PENDING),
        ("the hall of a hybrid event", DURING, {"mode": Mode.HYBRID}, IN_PERSON, FULL, 1, WAITLISTED),
    ],
)
def test_what_becomes_of_a_newcomer(name, now, changes, attendance, there, seats, expected):
    assert admission(now, replace(TERMS, **changes), attendance, there, seats) == expected


@pytest.mark.parametrize(
    ("mode", "wished", "expected"),
    [
        (Mode.IN_PERSON, None, IN_PERSON),
        (Mode.HYBRID, None, IN_PERSON),
        (Mode.DIGITAL, None, ONLINE),
        (Mode.HYBRID, ONLINE, ONLINE),
        (Mode.DIGITAL, IN_PERSON, IN_PERSON),
    ],
)
def test_who_does_not_say_how_takes_part_as_the_event_does(mode, wished, expected):
    assert attendance_or_default(mode, wished) is expected


@pytest.mark.parametrize(
    ("now", "hours", "expected"),
    [
        # More than four days before: the hours count.
        (datetime(2022, 11, 1, 12), 24, datetime(2022, 11, 2, 12)),  # Tuesday to Wednesday
        (datetime(2022, 11, 14, 15), 24, datetime(2022, 11, 15, 15)),  # Monday to Tuesday, exactly four days
        # Less: a quarter of what is left.
        (datetime(2022, 11, 14, 19), 24, datetime(2022, 11, 15, 18)),  # Monday to Tuesday, 92 hours left
        (datetime(2022, 11, 18, 11), 24, datetime(2022, 11, 18, 12)),  # Friday, four hours left
        (
            datetime(2022, 11, 18, 14, 59, 56),
            24,
            datetime(2022, 11, 18, 14, 59, 57),
        ),  # Friday, four seconds left
        (
            datetime(2022, 11, 1, 12),
            720,
            datetime(2022, 11, 5, 18, 45),
        ),  # Tuesday to Saturday, 411 hours left
        # Nothing is left.
        (datetime(2022, 11, 18, 15), 24, datetime(2022, 11, 18, 15)),
        (datetime(2022, 11, 19, 15), 24, datetime(2022, 11, 19, 15)),  # Saturday
    ],
)
def test_a_seat_waits_some_hours_but_a_quarter_of_the_time_left_at_most(now, hours, expected):
    assert held_until(now.replace(tzinfo=UTC), STARTS, hours) == expected.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "now", "free", "waiting", "moving"),
    [
        ("nobody waits", DURING, 3, [], []),
        ("no seat", DURING, 0, [1], []),
        ("one seat", DURING, 1, [1, 1], [0]),
        ("in order of arrival", DURING, 3, [1, 2, 1], [0, 1]),
        ("the head does not fit, so nobody passes it", DURING, 2, [3, 1, 1], []),
        ("the next does not fit, so nobody passes it", DURING, 3, [1, 3, 1], [0]),
        ("no limit", DURING, None, [6, 6, 1], [0, 1, 2]),
        ("a second before the deadline", CLOSES - SECOND, 2, [3, 1, 1], []),
        ("from the deadline on the first who fits", CLOSES, 2, [3, 1, 1], [1, 2]),
        ("after it too, and in order", AFTER_CLOSING, 3, [4, 2, 2, 1], [1, 3]),
        ("a second before the start", STARTS - SECOND, 1, [1], [0]),
        ("not once it has started", STARTS, 1, [1], []),
        ("not once it has started, without a limit", STARTS + SECOND, None, [1], []),
    ],
)
def test_who_moves_up(name, now, free, waiting, moving):
    queue = [Waiting(UUID(int=number), seats) for number, seats in enumerate(waiting)]
    assert [person.id.int for person in promotions(now, TERMS, free, queue)] == moving


@pytest.mark.parametrize("status", [EventStatus.DRAFT, EventStatus.CANCELLED])
def test_nobody_moves_up_at_an_event_that_does_not_stand(status):
    assert promotions(DURING, replace(TERMS, status=status), 5, [Waiting(UUID(int=1), 1)]) == []


def slot(session: str, group: str, free: int | None, start: float = 0, end: float = 1) -> Slot:
    """Hours count from 16:00 on Friday, 18 November 2022."""
    hours = {"first": 0, "second": 1, "dinner": 2}.get(session, 0)
    at = [STARTS + timedelta(hours=hours + hour) for hour in (start, end)]
    return Slot(session, group, at[0], at[1], free, id=hash((session, group)))


PROGRAMME = [
    slot("first", "wohnen", 2),
    slot("first", "bildung", 0),
    slot("first", "arbeit", None),
    slot("second", "wohnen", 2),
    slot("second", "bildung", 1),
]


@pytest.mark.parametrize(
    ("name", "wishes", "seats", "expected"),
    [
        ("no wish", {}, 1, {}),
        ("the first wish", {"first": ["wohnen", "arbeit"]}, 1, {"first": "wohnen"}),
        ("the second, for the first is full", {"first": ["bildung", "arbeit"]}, 1, {"first": "arbeit"}),
        ("none is free", {"first": ["bildung"]}, 1, {"first": None}),
        ("no room for all of them", {"first": ["wohnen"]}, 3, {"first": None}),
        ("room for all of them", {"first": ["wohnen"]}, 2, {"first": "wohnen"}),
        ("without a limit", {"first": ["arbeit"]}, 6, {"first": "arbeit"}),
        (
            "never the same group twice",
            {"first": ["wohnen"], "second": ["wohnen"]},
            1,
            {"first": "wohnen", "second": None},
        ),
        (
            "the other wish instead of the same twice",
            {"first": ["wohnen"], "second": ["wohnen", "bildung"]},
            1,
            {"first": "wohnen", "second": "bildung"},
        ),
        (
            "the programme's order counts, not that of the wishes",
            {"second": ["wohnen"], "first": ["wohnen"]},
            1,
            {"first": "wohnen", "second": None},
        ),
        ("a group that does not meet then", {"second": ["arbeit", "bildung"]}, 1, {"second": "bildung"}),
        ("a session that is gone", {"third": ["wohnen"]}, 1, {}),
    ],
)
def test_which_group(name, wishes, seats, expected):
    chosen = groups_for(wishes, seats, PROGRAMME)
    assert {session: there.group if there else None for session, there in chosen.items()} == expected


@pytest.mark.parametrize(
    ("start", "end", "is_free"),
    [
        (0.5, 1.5, False),
        (-1, 0.5, False),
        (0.25, 0.75, False),
        (1, 2, True),
        (-1, 0, True),
        (0.999, 1.5, False),
    ],
)
def test_nobody_is_in_two_groups_at_once(start, end, is_free):
    programme = [slot("first", "wohnen", 5), slot("walk", "altstadt", 5, start, end)]
    chosen = groups_for({"first": ["wohnen"], "walk": ["altstadt"]}, 1, programme)
    assert (chosen["walk"] is not None) is is_free


def test_what_one_has_is_left_alone():
    kept = PROGRAMME[0]
    chosen = groups_for({"first": ["arbeit"], "second": ["wohnen", "bildung"]}, 1, PROGRAMME, [kept])
    assert chosen == {"second": PROGRAMME[4]}


def test_who_wants_no_group_is_given_none():
    assert groups_for({"first": [], "second": ["bildung"]}, 1, PROGRAMME) == {"second": PROGRAMME[4]}


def test_seats_that_one_took_are_not_free_for_the_next():
    left = with_seats_taken(PROGRAMME, [PROGRAMME[0], PROGRAMME[2]], 2)
    assert [there.free for there in left] == [0, 0, None, 2, 1]
    assert [there.free for there in PROGRAMME] == [2, 0, None, 2, 1]


def test_what_one_gives_back_is_free_for_oneself():
    held = [slot("first", "bildung", 0), slot("second", "bildung", 1)]
    chosen = groups_instead({"first": ["bildung"]}, held[:1], 1, PROGRAMME)
    assert {session: there.group if there else None for session, there in chosen.items()} == {
        "first": "bildung"
    }
    assert groups_instead({"first": ["bildung"]}, held, 1, PROGRAMME) == {"first": None}
    assert groups_instead({"first": []}, held, 1, PROGRAMME) == {}


@pytest.mark.parametrize(
    ("wishes", "held", "shown"),
    [
        ([], None, []),
        ([], "bildung", ["bildung"]),
        (["wohnen", "bildung"], None, ["wohnen", "bildung"]),
        (["wohnen", "bildung"], "bildung", ["bildung", "wohnen"]),
    ],
)
def test_the_group_that_one_has_stands_before_the_wishes(wishes, held, shown):
    assert wishes_as_held(wishes, held) == shown


@pytest.mark.parametrize(
    ("before", "after", "needed"),
    [
        ((Attendance.IN_PERSON, 2), (Attendance.IN_PERSON, 3), 1),
        ((Attendance.IN_PERSON, 2), (Attendance.IN_PERSON, 1), -1),
        ((Attendance.IN_PERSON, 2), (Attendance.ONLINE, 2), 2),
        ((Attendance.IN_PERSON, 2), (Attendance.ONLINE, 1), 1),
    ],
)
def test_how_many_seats_a_change_needs(before, after, needed):
    assert seats_needed(*before, *after) == needed


@pytest.mark.parametrize(
    ("now", "status", "event", "may"),
    [
        (STARTS - SECOND, "confirmed", "published", True),
        (STARTS, "confirmed", "published", False),
        (DURING, "pending", "published", True),
        (DURING, "waitlisted", "published", True),
        (DURING, "cancelled", "published", False),
        (DURING, "expired", "published", False),
        (DURING, "confirmed", "cancelled", False),
        (DURING, "confirmed", "draft", False),
    ],
)
def test_people_change_their_seats_until_the_event_starts(now, status, event, may):
    assert may_move(now, RegistrationStatus(status), EventStatus(event), STARTS) is may


@pytest.mark.parametrize(
    ("wishes", "unknown"),
    [
        ({}, []),
        ({"first": ["wohnen", "bildung"], "second": ["wohnen"]}, []),
        ({"first": ["wohnen", "kultur"]}, [("first", "kultur")]),
        ({"second": ["arbeit"]}, [("second", "arbeit")]),
        ({"third": ["wohnen"]}, [("third", "wohnen")]),
        ({"third": []}, [("third", "")]),
        ({"first": []}, []),
        ({"first": ["Wohnen"]}, [("first", "Wohnen")]),
    ],
)
def test_a_wish_for_what_there_is_not_is_named(wishes, unknown):
    assert unknown_wishes(wishes, PROGRAMME) == unknown
