"""Where a join link leads, minute by minute through the real programmes."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from events.rules import Attendance, EventStatus, Mode, instant
from hybrid.joining import COMES_BACK, OPENS_BEFORE, Person, Stage, rooms_ahead, sight
from registration.rules import RegistrationStatus
from tests.events.examples import dialogue
from tests.hybrid.programmes import programme

CONFIRMED = RegistrationStatus.CONFIRMED
ONLINE, IN_PERSON = Attendance.ONLINE, Attendance.IN_PERSON
MINUTE = timedelta(minutes=1)
ZONE = "Europe/Berlin"

HERFORD = programme("herford-werkstatt-2023")
GUETERSLOH = programme("guetersloh-dialog-2022")
ANNA = Person(CONFIRMED, ONLINE, {"round-1": "integration", "round-2": "vielfalt"})
"""Two groups in Herford, one after the other."""

KIM = Person(CONFIRMED, ONLINE, {"groups": "wohnen"})
WITHOUT = Person(CONFIRMED, ONLINE)


def at(text: str) -> datetime:
    """A local time of both towns."""
    return instant(datetime.fromisoformat(text), ZONE)


def holding(**groups: str) -> Person:
    """Somebody online with these groups, by session."""
    return Person(CONFIRMED, ONLINE, {key.replace("_", "-"): group for key, group in groups.items()})


def seen(event, person, time: str) -> tuple[str, str | None, str | None, bool]:
    found = sight(event, person, at(time))
    group = found.group.key if found.group else None
    return found.stage.value, found.session.key if found.session else None, group, found.may_enter


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2023-05-01T12:00", ("waiting", "arrival", None, False)),  # Monday of the week before
        ("2023-05-09T11:44:59", ("waiting", "arrival", None, False)),  # Tuesday
        ("2023-05-09T11:45", ("open", "arrival", None, True)),
        ("2023-05-09T12:00", ("open", "arrival", None, True)),
        ("2023-05-09T13:00", ("open", "opening", None, True)),
        ("2023-05-09T15:59:59", ("open", "herford", None, True)),
        ("2023-05-09T16:00", ("waiting", "tools", None, False)),
        ("2023-05-10T08:44:59", ("waiting", "tools", None, False)),  # Wednesday
        ("2023-05-10T08:45", ("open", "tools", None, True)),
        ("2023-05-10T10:14:59", ("open", "tools", None, True)),
        ("2023-05-10T10:15", ("open", "round-1", "integration", True)),
        ("2023-05-10T10:30", ("open", "round-1", "integration", True)),
        ("2023-05-10T11:29:59", ("open", "round-1", "integration", True)),
        ("2023-05-10T11:30", ("open", "round-2", "vielfalt", True)),
        ("2023-05-10T11:40", ("open", "round-2", "vielfalt", True)),
        ("2023-05-10T12:39:59", ("open", "round-2", "vielfalt", True)),
        ("2023-05-10T12:40", ("open", "closing", None, True)),
        ("2023-05-10T13:59:59", ("open", "closing", None, True)),
        ("2023-05-10T14:00", ("over", None, None, True)),
        ("2023-05-10T14:29:59", ("over", None, None, True)),
        ("2023-05-10T14:30", ("over", None, None, False)),
    ],
)
def test_a_link_follows_the_person_through_both_rounds_of_herford(time, expected):
    assert seen(HERFORD, ANNA, time) == expected


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2022-11-18T15:44:59", ("waiting", "welcome", None, False)),  # Friday
        ("2022-11-18T15:45", ("open", "welcome", None, True)),
        ("2022-11-18T16:00", ("open", "welcome", None, True)),
        ("2022-11-18T16:15", ("open", "talk", None, True)),
        ("2022-11-18T16:44:59", ("open", "talk", None, True)),
        ("2022-11-18T16:45", ("open", "groups", "wohnen", True)),
        ("2022-11-18T18:29:59", ("open", "groups", "wohnen", True)),
        ("2022-11-18T18:30", ("open", "closing", None, True)),
        ("2022-11-18T18:59:59", ("open", "closing", None, True)),
        ("2022-11-18T19:00", ("over", None, None, True)),
        ("2022-11-18T19:30", ("over", None, None, False)),
    ],
)
def test_a_link_leads_through_the_afternoon_of_guetersloh(time, expected):
    assert seen(GUETERSLOH, KIM, time) == expected


@pytest.mark.parametrize(
    ("person", "time", "expected"),
    [
        (holding(dinner="dinner"), "2023-05-09T19:30", ("open", "dinner", None)),
        (holding(dinner="dinner"), "2023-05-09T16:00", ("waiting", "dinner", None)),
        (holding(tour="tour"), "2023-05-09T16:00", ("open", "tour", None)),
        (WITHOUT, "2023-05-09T19:30", ("waiting", "tools", None)),
        (WITHOUT, "2023-05-10T10:30", ("open", "round-1", None)),
        (holding(round_2="vielfalt"), "2023-05-10T10:30", ("open", "round-1", None)),
        (holding(round_1="no-more"), "2023-05-10T10:30", ("open", "round-1", None)),
        (holding(round_1="partizipation"), "2023-05-10T10:30", ("open", "round-1", "partizipation")),
    ],
)
def test_only_what_concerns_the_person_counts(person, time, expected):
    assert seen(HERFORD, person, time)[:3] == expected


@pytest.mark.parametrize(
    ("mode", "attendance", "stage"),
    [
        (Mode.DIGITAL, ONLINE, Stage.OPEN),
        (Mode.DIGITAL, IN_PERSON, Stage.OPEN),
        (Mode.HYBRID, ONLINE, Stage.OPEN),
        (Mode.HYBRID, IN_PERSON, Stage.HALL),
        (Mode.IN_PERSON, IN_PERSON, Stage.HALL),
        (Mode.IN_PERSON, ONLINE, Stage.HALL),
    ],
)
def test_the_mode_and_in_a_hybrid_event_the_person_decide(mode, attendance, stage):
    event, person = replace(GUETERSLOH, mode=mode), replace(KIM, attendance=attendance)
    found = sight(event, person, at("2022-11-18T17:00"))
    assert (found.stage, found.may_enter) == (stage, stage is Stage.OPEN)
    over = sight(event, person, at("2022-11-18T19:10"))
    assert (over.stage, over.can_return) == (Stage.OVER, stage is Stage.OPEN)


@pytest.mark.parametrize(
    ("status", "before", "after"),
    [
        (RegistrationStatus.CONFIRMED, Stage.OPEN, Stage.OVER),
        (RegistrationStatus.PENDING, Stage.UNCONFIRMED, Stage.OVER),
        (RegistrationStatus.WAITLISTED, Stage.WAITLISTED, Stage.OVER),
        (RegistrationStatus.CANCELLED, Stage.NOT_REGISTERED, Stage.NOT_REGISTERED),
        (RegistrationStatus.EXPIRED, Stage.NOT_REGISTERED, Stage.NOT_REGISTERED),
    ],
)
def test_only_who_is_confirmed_gets_in(status, before, after):
    person = replace(KIM, status=status)
    first, last = (sight(GUETERSLOH, person, at(f"2022-11-18T{time}")) for time in ("17:00", "19:10"))
    assert (first.stage, last.stage) == (before, after)
    assert first.may_enter == last.may_enter == (status is CONFIRMED)


def test_of_a_cancelled_event_there_is_nothing():
    cancelled = replace(GUETERSLOH, status=EventStatus.CANCELLED)
    for time in ("2022-11-01T12:00", "2022-11-18T17:00", "2022-11-18T19:10"):
        found = sight(cancelled, KIM, at(time))
        assert (found.stage, found.may_enter, found.changes_at) == (Stage.CANCELLED, False, None)


@pytest.mark.parametrize(
    ("time", "venue"),
    [
        ("2023-05-09T11:00", "rathaus"),
        ("2023-05-09T15:00", "rathaus"),
        ("2023-05-09T17:00", "marta"),
        ("2023-05-10T11:00", "marta"),
    ],
)
def test_in_the_hall_the_link_knows_the_house_and_the_round(time, venue):
    hall = replace(HERFORD, mode=Mode.IN_PERSON)
    found = sight(hall, replace(ANNA, attendance=IN_PERSON), at(time))
    assert found.venue is not None
    assert (found.stage, found.venue.key, found.may_enter) == (Stage.HALL, venue, False)


def test_a_session_without_a_place_has_one_only_where_there_is_but_one():
    on_tour = replace(ANNA, attendance=IN_PERSON, groups={"tour": "tour"})
    assert sight(replace(HERFORD, mode=Mode.IN_PERSON), on_tour, at("2023-05-09T17:00")).venue is None
    assert sight(replace(GUETERSLOH, mode=Mode.IN_PERSON), KIM, at("2022-11-18T17:00")).venue is not None


@pytest.mark.parametrize(
    ("person", "mode", "group", "moderates", "may_enter"),
    [
        (replace(KIM, moderates=frozenset({"wohnen"})), Mode.DIGITAL, "wohnen", True, True),
        (replace(WITHOUT, moderates=frozenset({"wohnen"})), Mode.DIGITAL, "wohnen", True, True),
        (replace(KIM, moderates=frozenset({"beratung"})), Mode.DIGITAL, "wohnen", False, True),
        (
            replace(KIM, moderates=frozenset({"wohnen"}), attendance=IN_PERSON),
            Mode.HYBRID,
            "wohnen",
            True,
            True,
        ),
        (
            replace(KIM, moderates=frozenset({"wohnen"}), attendance=IN_PERSON),
            Mode.IN_PERSON,
            "wohnen",
            False,
            False,
        ),
        (replace(KIM, attendance=IN_PERSON), Mode.HYBRID, "wohnen", False, False),
    ],
)
def test_who_moderates_a_group_gets_into_its_room_and_from_the_hall_too(
    person, mode, group, moderates, may_enter
):
    found = sight(replace(GUETERSLOH, mode=mode), person, at("2022-11-18T16:45"))
    assert found.group is not None
    assert (found.group.key, found.moderates, found.may_enter) == (group, moderates, may_enter)
    in_the_talk = sight(replace(GUETERSLOH, mode=mode), person, at("2022-11-18T16:30"))
    assert (in_the_talk.group, in_the_talk.moderates) == (None, False)


def test_an_event_without_a_programme_is_one_room_from_start_to_end():
    bare = dialogue(mode=Mode.DIGITAL, sessions=(), groups=())
    for minutes, stage in ((-16, "waiting"), (-15, "open"), (0, "open"), (179, "open"), (180, "over")):
        assert sight(bare, KIM, bare.starts_at + minutes * MINUTE).stage == stage


def test_before_the_first_session_and_after_the_last_all_are_together():
    sessions = tuple(session for session in GUETERSLOH.sessions if session.key == "groups")
    event = replace(GUETERSLOH, sessions=sessions)
    assert seen(event, KIM, "2022-11-18T16:00") == ("open", None, None, True)
    assert seen(event, KIM, "2022-11-18T16:45") == ("open", "groups", "wohnen", True)
    assert seen(event, KIM, "2022-11-18T18:30") == ("open", None, None, True)


def test_of_two_sessions_at_once_the_one_with_a_seat_counts():
    groups = next(session for session in GUETERSLOH.sessions if session.key == "groups")
    other = replace(groups, key="other", starts_at=groups.starts_at + 5 * MINUTE)
    event = replace(GUETERSLOH, sessions=(*GUETERSLOH.sessions, other))
    assert seen(event, KIM, "2022-11-18T17:00")[1:3] == ("groups", "wohnen")
    assert seen(event, WITHOUT, "2022-11-18T17:00")[1:3] == ("other", None)


@pytest.mark.parametrize(
    ("person", "time", "seconds"),
    [
        (KIM, "2022-11-10T12:00", None),
        (KIM, "2022-11-17T15:44", None),
        (KIM, "2022-11-17T15:45", 3600),
        (KIM, "2022-11-18T13:00", 2700),
        (KIM, "2022-11-18T13:45", 60),
        (KIM, "2022-11-18T15:44", 60),
        (KIM, "2022-11-18T15:44:30", 30),
        (KIM, "2022-11-18T15:45", 300),
        (KIM, "2022-11-18T15:58", 120),
        (KIM, "2022-11-18T16:44:59", 1),
        (KIM, "2022-11-18T17:00", 300),
        (KIM, "2022-11-18T19:00", 1800),
        (KIM, "2022-11-18T19:30", None),
        (replace(KIM, attendance=IN_PERSON), "2022-11-18T16:43", 120),
    ],
)
def test_the_page_looks_again_when_something_may_have_changed(person, time, seconds):
    mode = Mode.DIGITAL if person.attendance is ONLINE else Mode.IN_PERSON
    found = sight(replace(GUETERSLOH, mode=mode), person, at(time)).changes_at
    assert (None if found is None else (found - at(time)).total_seconds()) == seconds


@pytest.mark.parametrize("event", [HERFORD, GUETERSLOH, programme("kreis-guetersloh-impulsforum")])
@pytest.mark.parametrize("person", [ANNA, KIM, WITHOUT, Person(CONFIRMED, IN_PERSON)])
def test_nothing_changes_before_the_page_looks_again(event, person):
    def key(now):
        found = sight(event, person, now)
        return found.stage, found.room, found.may_enter

    now = event.starts_at - timedelta(hours=3)
    while now < event.ends_at + timedelta(hours=1):
        found = sight(event, person, now)
        after = found.changes_at or now + MINUTE
        assert after > now
        assert key(after - timedelta(microseconds=1)) == key(now)
        now = after


def test_the_programme_ahead_names_the_person_s_rooms():
    found = [
        (session.key, group.key if group else None)
        for session, group in rooms_ahead(HERFORD, ANNA, at("2023-05-10T10:15"))
    ]
    assert found == [("round-1", "integration"), ("round-2", "vielfalt"), ("closing", None)]


def test_margins():
    assert (OPENS_BEFORE, COMES_BACK) == (15 * MINUTE, 30 * MINUTE)
