"""Everybody's groups of all rounds at once, in small cases that are worked out by hand."""

from collections import Counter
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import pytest

from registration.allocation import Change, RefusedLock, Tally, Unplaced
from registration.group_places import Aim, Obstacle, Person
from tests.registration.rounds import assign, held, letters, lot, person, slots, two_rounds, value

UNKNOWN, TOO_SMALL, SAME_GROUP, OVERLAP, FULL = Obstacle


CASES = {
    "two fit": ([person(1, "a"), person(2, "a")], slots(a=2, b=2), "a a"),
    "a family fits exactly": ([person(1, "a", seats=3)], slots(a=3), "a"),
    "a family has one seat too few": ([person(1, "a", seats=3)], slots(a=2), "."),
    "a family that fits only elsewhere": ([person(1, "a", seats=2)], slots(a=1, b=2), "b"),
    "no limit": ([person(1, "a", seats=6), person(2, "a", seats=6)], slots(a=None), "a a"),
    "others hold more than the limit": ([person(1, "a")], slots(a=-1, b=1), "b"),
    "a second wish before an unwished group": ([person(1, "ab"), person(2, "a")], slots(a=1, b=1), "b a"),
    "two second wishes before a first and a third": (
        [person(1, "ab"), person(2, "cab")],
        slots(a=1, b=1, c=0),
        "b a",
    ),
    "a place for all before wishes": (
        [person(1, "b"), person(2, "ab", seats=2)],
        slots(a=1, b=2),
        "a b",
    ),
    "two seats before one": ([person(1, "a"), person(2, "a", seats=2)], slots(a=2), ". a"),
    "a wish of three counts three times": (
        [person(1, "a"), person(2, "a"), person(3, "a", seats=3)],
        slots(a=3, b=3),
        "b b a",
    ),
    "who says nothing takes what is left": ([person(1), person(2, "a")], slots(a=1, b=1), "b a"),
    "who wishes goes before who says nothing where one has to go without": (
        [person(1), person(2, "ba")],
        slots(a=1),
        ". a",
    ),
    "who wants none gets none": ([person(1, ""), person(2, "a")], slots(a=1, b=1), ". a"),
    "a wish that is not offered": ([person(1, "xb", "a")], slots(a=1, b=1), "b"),
    "the rounds as wished": ([person(1, "a", "b")], two_rounds(a=1, b=1), "ab"),
    "the same wish in both rounds": ([person(1, "ab", "a")], two_rounds(a=1, b=1), "ba"),
    "one begins as the other ends": (
        [person(1, "a", "bc")],
        [*slots("r1", a=1), *slots("r2", 60, b=1), *slots("r2", 90, c=1)],
        "ab",
    ),
    "one begins a minute before the other ends": (
        [person(1, "a", "bc")],
        [*slots("r1", a=1), *slots("r2", 59, b=1), *slots("r2", 90, c=1)],
        "ac",
    ),
    "nobody": ([], slots(a=1), ""),
    "no groups": ([person(1, "a")], [], ""),
}


@pytest.mark.parametrize(("people", "there", "expected"), CASES.values(), ids=CASES)
def test_the_best_assignment(people, there, expected):
    allocation = assign(people, there)
    assert letters(allocation) == expected
    assert allocation.report.is_optimal


def test_who_wants_no_group_gets_one_only_where_that_is_asked():
    people, there = [person(1, "", "b")], two_rounds(a=1, b=1)
    assert letters(assign(people, there)) == ".b"
    assert letters(assign(people, there, fill=True)) == "ab"
    assert letters(assign(people, there, fill=True, optional=["r1"])) == ".b"


def test_in_an_optional_session_there_is_nothing_but_what_was_wished():
    people = [person(1, "b"), person(2), person(3, "ac")]
    allocation = assign(people, slots(a=2, b=0), optional=["r1"])
    assert letters(allocation) == ". . a"
    assert allocation.report.unplaced == (Unplaced(UUID(int=1), "r1", 1, {"b": TOO_SMALL}),)
    assert allocation.report.total == Tally(wishes=(1,), none=1)


@pytest.mark.parametrize(
    ("people", "there", "session", "obstacles"),
    [
        pytest.param(
            [person(1), Person(UUID(int=2), 2, locked={"r1": "a"})], slots(a=1), "r1", {"a": FULL}, id="full"
        ),
        pytest.param(
            [person(1, "a", seats=2)], slots(a=1, b=0), "r1", {"a": TOO_SMALL, "b": TOO_SMALL}, id="small"
        ),
        pytest.param(
            [Person(UUID(int=1), 1, locked={"r1": "a"})], two_rounds(a=9), "r2", {"a": SAME_GROUP}, id="same"
        ),
        pytest.param(
            [Person(UUID(int=1), 1, locked={"r1": "a"}), Person(UUID(int=2), 2, 3, {}, {"r2": "c"})],
            [*slots("r1", a=9), *slots("r2", 59, a=9, b=9, c=3, d=0)],
            "r2",
            {"a": SAME_GROUP, "b": OVERLAP, "c": OVERLAP, "d": TOO_SMALL},
            id="many",
        ),
    ],
)
def test_the_report_says_what_is_in_the_way(people, there, session, obstacles):
    unplaced = {(one.person, one.session): one.obstacles for one in assign(people, there).report.unplaced}
    assert unplaced[UUID(int=1), session] == obstacles


def test_a_wish_for_a_group_that_an_optional_session_does_not_have():
    (unplaced,) = assign([person(1, "xa")], slots(a=0), optional={"r1"}).report.unplaced
    assert unplaced.obstacles == {"x": UNKNOWN, "a": TOO_SMALL}


def test_a_locked_person_stays_whatever_it_costs_others():
    people = [person(1, "a"), person(2, "a"), Person(UUID(int=3), 3, 1, {"r1": ()}, {"r1": "a"})]
    allocation = assign(people, slots(a=1, b=2), optional={"r1"})
    assert letters(allocation) == ". . a"
    assert letters(assign(people, slots(a=1, b=2))) == "b b a"
    assert allocation.report.refused_locks == ()


@pytest.mark.parametrize(
    ("locked", "there", "expected", "refused"),
    [
        pytest.param({"r1": "x"}, slots(a=1), "a", ("r1", "x", UNKNOWN), id="a group that is not there"),
        pytest.param({"r9": "a"}, slots(a=1), "a", ("r9", "a", UNKNOWN), id="a session that is not there"),
        pytest.param(
            {"r1": "a"}, slots(a=0, b=1), "b", ("r1", "a", TOO_SMALL), id="no seat for these people"
        ),
        pytest.param(
            {"r1": "a", "r2": "a"}, two_rounds(a=2, b=2), "ab", ("r2", "a", SAME_GROUP), id="the same twice"
        ),
        pytest.param(
            {"r1": "a", "r2": "b"},
            [*slots("r1", a=1), *slots("r2", 59, b=1), *slots("r2", 60, c=1)],
            "ac",
            ("r2", "b", OVERLAP),
            id="at the same time",
        ),
    ],
)
def test_a_lock_that_cannot_be_kept_is_refused_and_the_person_assigned_without_it(
    locked, there, expected, refused
):
    allocation = assign([Person(UUID(int=1), 1, locked=locked)], there)
    assert letters(allocation) == expected
    assert allocation.report.refused_locks == (RefusedLock(UUID(int=1), *refused),)


def test_of_two_locks_on_the_last_seat_the_first_to_arrive_keeps_theirs():
    late = Person(UUID(int=1), 2, locked={"r1": "a"})
    early = Person(UUID(int=2), 1, locked={"r1": "a"})
    allocation = assign([late, early], slots(a=1, b=1))
    assert allocation.groups == {early.id: {"r1": "a"}, late.id: {"r1": "b"}}
    assert allocation.report.refused_locks == (RefusedLock(late.id, "r1", "a", FULL),)


def test_equal_claims_are_decided_by_lots_that_everybody_can_draw_again():
    one, other = person(1, "a"), person(2, "a")
    winners: Counter[str] = Counter()
    for seed in map(str, range(12)):
        first = lot(seed, one, "r1", "a") + lot(seed, other, "r1", "b")
        second = lot(seed, one, "r1", "b") + lot(seed, other, "r1", "a")
        expected = "a b" if first < second else "b a"
        assert letters(assign([one, other], slots(a=1, b=1), seed=seed)) == expected
        winners[expected] += 1
    assert min(winners["a b"], winners["b a"]) >= 3


def test_the_lot_of_a_known_seed():
    who = Person(UUID("6f1e1f0e-6a2b-4d36-9d4c-0a4f5f6d7c8b"), 1)
    expected = int(sha256(b"herford/6f1e1f0e-6a2b-4d36-9d4c-0a4f5f6d7c8b/r1/a").hexdigest()[:4], 16)
    assert value(assign([who], slots(a=1)), Aim.LOTS) == expected


def test_the_order_of_arrival_decides_nothing_but_the_order_of_the_answer():
    one, other = person(1, "a"), person(2, "a")
    allocation = assign([one, other], slots(a=1, b=1))
    swapped = assign([Person(one.id, 9, 1, one.wishes), other], slots(a=1, b=1))
    assert allocation.groups == swapped.groups
    assert (list(allocation.groups), list(swapped.groups)) == ([one.id, other.id], [other.id, one.id])


def test_the_report_counts_seats():
    """In the first round four wish the three seats of a; in the second who wishes goes before who says nothing."""
    people = [person(1, "a", "d", seats=2), person(2, "a", "ed"), person(3, "a", ""), person(4, seats=3)]
    report = assign(people, [*slots("r1", a=3, b=4), *slots("r2", 60, d=3, e=0)]).report
    assert report.by_session == {
        "r1": Tally(wishes=(3,), unwished=1, unasked=3),
        "r2": Tally(wishes=(2, 1), none=3),
    }
    assert report.total == Tally(wishes=(5, 1), unwished=1, unasked=3, none=3)
    assert report.unplaced == (Unplaced(UUID(int=4), "r2", 3, {"d": FULL, "e": TOO_SMALL}),)
    assert (report.seed, report.solver[:5]) == ("herford", "HiGHS")


class TestARunAfterAnother:
    def test_changes_nothing_where_nothing_changed(self):
        people = [person(number, "ab", "ab") for number in range(1, 7)]
        first = assign(people, two_rounds(a=3, b=3))
        again = assign(people, two_rounds(a=3, b=3), seed="another", previous=first.groups)
        assert again.groups == first.groups
        assert again.changes == ()

    def test_says_what_is_new(self):
        allocation = assign([person(1, "a", "")], two_rounds(a=1))
        assert allocation.changes == (Change(UUID(int=1), "r1", None, "a"),)
        assert allocation.moves == ()

    def test_moves_somebody_up_whose_wish_came_free(self):
        people = [person(2, "ab"), person(3, "b")]
        allocation = assign(people, slots(a=1, b=2), previous=held("a", "b", "b"))
        assert allocation.changes == allocation.moves == (Change(UUID(int=2), "r1", "b", "a"),)

    def test_leaves_everybody_where_they_are_if_moves_go_first(self):
        people = [person(2, "ab"), person(3, "b"), person(4, "a")]
        before = held("a", "b", "b", ".")
        allocation = assign(people, slots(a=1, b=2), previous=before, moves_first=True)
        assert allocation.changes == (Change(UUID(int=4), "r1", None, "a"),)
        assert [stage.aim for stage in allocation.report.stages][1:3] == [Aim.MOVED_PEOPLE, Aim.MOVES]
        assert letters(assign(people, slots(a=2, b=2), previous=before)) == "a b a"
        assert letters(assign(people, slots(a=2, b=2), previous=before, moves_first=True)) == "b b a"

    @pytest.mark.parametrize("seed", "abcdef")
    def test_moves_only_as_many_as_no_longer_fit(self, seed):
        people = [person(number) for number in range(1, 5)]
        allocation = assign(people, slots(a=2, b=3), seed=seed, previous=held("a", "a", "a", "b"))
        assert len(allocation.moves) == 1
        assert value(allocation, Aim.MOVED_PEOPLE) == value(allocation, Aim.MOVES) == 1

    @pytest.mark.parametrize("seed", "abcdef")
    def test_moves_one_person_twice_rather_than_two_people(self, seed):
        people = [person(1), person(2)]
        there = [*slots("r1", a=1, b=1), *slots("r2", 60, c=1, d=1)]
        allocation = assign(people, there, seed=seed, previous=held("ac", "ac"))
        assert letters(allocation) in ("ac bd", "bd ac")
        assert (value(allocation, Aim.MOVED_PEOPLE), value(allocation, Aim.MOVES)) == (1, 2)

    @pytest.mark.parametrize("seed", "abcdef")
    def test_moves_rather_somebody_who_is_moved_anyway(self, seed):
        people = [person(1), person(2)]
        there = [*slots("r1", b=2), *slots("r2", 60, c=1, d=1)]
        allocation = assign(people, there, seed=seed, previous=held("ac", "bc"))
        assert letters(allocation) == "bd bc"

    def test_shows_the_group_that_vanished_and_leaves_out_who_went(self):
        allocation = assign([person(2, "a")], slots(b=1), previous=held("a", "aa"))
        assert allocation.changes == (
            Change(UUID(int=2), "r1", "a", "b"),
            Change(UUID(int=2), "r2", "a", None),
        )

    def test_takes_the_group_from_who_wants_none_now(self):
        allocation = assign([person(1, "")], slots(a=1), previous=held("a"))
        assert allocation.moves == (Change(UUID(int=1), "r1", "a", None),)


def test_without_time_everybody_who_finds_room_has_a_group_and_nothing_is_called_optimal():
    people = [person(number, "ab") for number in range(1, 9)]
    allocation = assign(people, slots(a=4, b=5), time_limit=timedelta())
    assert allocation.report.total == Tally(wishes=(4, 4))
    assert not allocation.report.is_optimal
