"""No other assignment is better, by every assignment that small towns have; and two real programmes."""

from datetime import UTC, timedelta
from itertools import product
from pathlib import Path
from random import Random
from unittest.mock import patch
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialograum.event_file import read
from registration import optimum
from registration.allocation import Tally
from registration.group_places import Aim, Person
from registration.rules import Slot
from tests.registration.rounds import assign, keeps_the_rules, lot, person, slots, value

EXAMPLES = Path(__file__).parents[2] / "dialograum" / "examples"


@st.composite
def towns(draw, most=3):
    """Up to three people, two sessions that may overlap, and what was before."""
    groups = {
        session: draw(st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(-1, 4), max_size=3))
        for session in ("r1", "r2")
    }
    there = [*slots("r1", **groups["r1"]), *slots("r2", draw(st.sampled_from([59, 60])), **groups["r2"])]
    wishes = st.none() | st.permutations("abcx").flatmap(
        lambda order: st.integers(0, 4).map(lambda length: "".join(order[:length]))
    )
    people = []
    for number in range(1, draw(st.integers(0, most)) + 1):
        locked = draw(st.dictionaries(st.sampled_from(["r1", "r2"]), st.sampled_from("abc"), max_size=1))
        one = person(number, draw(wishes), draw(wishes), draw(st.integers(1, 3)))
        people.append(Person(one.id, number, one.seats, one.wishes, locked if draw(st.booleans()) else {}))
    previous = {
        one.id: draw(st.dictionaries(st.sampled_from(["r1", "r2"]), st.none() | st.sampled_from("abc")))
        for one in people
        if draw(st.booleans())
    }
    return (
        people,
        there,
        {
            "previous": previous,
            "optional": draw(st.sampled_from([(), ("r1",), ("r2",)])),
            "fill": draw(st.booleans()),
            "moves_first": draw(st.booleans()),
            "seed": draw(st.sampled_from(["one", "two"])),
        },
    )


def every_assignment(people, there, locks, optional, fill):
    """All that keep the rules and the locks, each a list with the groups of everybody by session."""
    sessions = list(dict.fromkeys(slot.session for slot in there))

    def choices(one, session):
        if (one.id, session) in locks:
            return [locks[one.id, session]]
        wished = one.wishes.get(session)
        groups = [slot.group for slot in there if slot.session == session]
        if session in optional:
            return [None, *(group for group in groups if group in (wished or ()))]
        return [None, *groups] if wished is None or wished or fill else [None]

    by_person = [
        [
            dict(zip(sessions, choice, strict=True))
            for choice in product(*(choices(one, session) for session in sessions))
        ]
        for one in people
    ]
    for assignment in product(*by_person):
        groups = {one.id: mine for one, mine in zip(people, assignment, strict=True)}
        if keeps_the_rules(Answer(groups), people, there):
            yield groups


class Answer:
    def __init__(self, groups):
        self.groups = groups


def cost(groups, people, there, locks, previous, optional, fill, seed):
    """What the published order of aims says about an assignment, the less the better."""
    unplaced = penalties = moved = moves = lots = 0
    for one in people:
        lost = 0
        for session, group in groups[one.id].items():
            wished = one.wishes.get(session)
            if (one.id, session) not in locks:
                size = sum(slot.session == session for slot in there)
                if group is None:
                    wants = bool(wished) if session in optional else wished is None or bool(wished) or fill
                    unplaced += one.seats * wants
                    rank = size + 2
                else:
                    rank = wished.index(group) + 1 if group in (wished or ()) else size + 1
                    lots += lot(seed, one, session, group)
                penalties += one.seats * rank * (rank - 1) // 2 if wished else 0
        for session, group in previous.get(one.id, {}).items():
            lost += group is not None and group != groups[one.id].get(session)
        moves += lost
        moved += lost > 0
    return unplaced, penalties, moved, moves, lots


@settings(max_examples=50, deadline=None)
@given(towns(), st.sampled_from([optimum.CORES, (0, 1)]))
def test_no_other_assignment_is_better(town, cores):
    people, there, more = town
    with patch.object(optimum, "CORES", cores):
        allocation = assign(people, there, **more)
    refused = {(one.person, one.session) for one in allocation.report.refused_locks}
    locks = {
        (one.id, session): group
        for one in people
        for session, group in one.locked.items()
        if (one.id, session) not in refused
    }
    terms = (more["optional"], more["fill"])

    def cost_of(groups):
        unplaced, penalties, *moves, lots = cost(
            groups, people, there, locks, more["previous"], *terms, more["seed"]
        )
        return (
            (unplaced, *moves, penalties, lots)
            if more["moves_first"]
            else (unplaced, penalties, *moves, lots)
        )

    least = min(map(cost_of, every_assignment(people, there, locks, *terms)))
    assert cost_of(allocation.groups) == least
    assert value(allocation, Aim.UNPLACED_SEATS) == least[0]
    assert value(allocation, Aim.PENALTIES) == least[3 if more["moves_first"] else 1]
    assert allocation.report.is_optimal


@settings(max_examples=25, deadline=None)
@given(towns(most=9), st.randoms(use_true_random=False))
def test_the_same_in_any_order_and_by_the_rules(town, random):
    people, there, more = town
    allocation = assign(people, there, **more)
    assert keeps_the_rules(allocation, people, there)
    refused = {(one.person, one.session) for one in allocation.report.refused_locks}
    for one in people:
        for session, group in one.locked.items():
            assert (one.id, session) in refused or allocation.groups[one.id][session] == group
    changed = {(change.person, change.session): change.before for change in allocation.changes}
    before = {one.id: {**dict.fromkeys(("r1", "r2")), **more["previous"].get(one.id, {})} for one in people}
    for one in people:
        for session, group in before[one.id].items():
            now = allocation.groups[one.id].get(session)
            assert changed.get((one.id, session), now) == group
    unplaced = {(one.person, one.session) for one in allocation.report.unplaced}
    assert allocation.report.total.none == sum(one.seats for one in allocation.report.unplaced)
    assert all(allocation.groups[who][session] is None for who, session in unplaced)
    assert all(one.obstacles for one in allocation.report.unplaced)
    random.shuffle(people)
    random.shuffle(there)
    assert assign(people, there, **more) == allocation


def programme(file, slug):
    """The groups of an example, as free as they are at the deadline."""
    (event,) = (event for event in read((EXAMPLES / file).read_bytes(), file).events if event.slug == slug)
    zone = ZoneInfo(event.timezone)
    times = {
        session.key: (
            session.starts_at.replace(tzinfo=zone).astimezone(UTC),
            session.ends_at.replace(tzinfo=zone).astimezone(UTC),
        )
        for session in event.sessions
    }
    return [
        Slot(session, group.key, *times[session], group.capacity)
        for group in event.groups
        for session in group.sessions
    ]


def crowd(number, there, wishes=3, sizes=(1,)):
    """So many people who wish groups at random, those that come first in the programme more often."""
    random = Random(2023)
    by_session: dict[str, list[str]] = {}
    for slot in there:
        by_session.setdefault(slot.session, []).append(slot.group)

    def wished(groups):
        return tuple(
            sorted(groups, key=lambda group: random.random() ** (1 / (1 + groups.index(group))))[:wishes]
        )

    return [
        Person(
            UUID(int=at),
            at,
            sizes[int(random.random() * len(sizes))],
            {session: wished(groups) for session, groups in by_session.items()},
        )
        for at in range(number)
    ]


def test_herford_in_two_rounds():
    """60 people, 4 groups of 16 in 2 rounds, 3 wishes a round: 75 first, 41 second and 4 third wishes."""
    there = programme("herford-werkstatt-2023.toml", "werkstatttreffen-herford-2023")
    people = crowd(60, there)
    allocation = assign(people, there, seed="werkstatttreffen-herford-2023")
    assert keeps_the_rules(allocation, people, there)
    assert allocation.report.total == Tally(wishes=(75, 41, 4))
    assert allocation.report.is_optimal


def test_kreis_guetersloh_in_six_fields():
    """150 people for the 150 seats of 6 groups, 3 wishes each: 77 first, 64 second and 9 third wishes."""
    there = programme("kreis-guetersloh-konzept.toml", "integrationskonferenz-2023")
    people = crowd(150, there)
    allocation = assign(people, there, seed="integrationskonferenz-2023")
    assert keeps_the_rules(allocation, people, there)
    assert allocation.report.total == Tally(wishes=(77, 64, 9))
    assert allocation.report.is_optimal


@pytest.mark.parametrize(("seconds", "wished"), [(60, 2_900), (0.2, 2_200)])
def test_a_thousand_people_in_three_rounds_of_ten_groups_get_an_answer_in_time(seconds, wished):
    there = [
        slot
        for number in range(3)
        for slot in slots(f"r{number + 1}", 60 * number, **dict.fromkeys("abcdefghij", 105))
    ]
    people = crowd(1000, there)
    allocation = assign(people, there, time_limit=timedelta(seconds=seconds))
    assert keeps_the_rules(allocation, people, there)
    assert allocation.report.total.none == 0
    assert sum(allocation.report.total.wishes) >= wished
