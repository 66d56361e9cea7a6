"""All groups of all rounds assigned together once the deadline has passed: a published optimum with a published seed.

Among all assignments that keep the rules of "Registration" (one group per session, never the same group twice, nothing
at overlapping times, families all or none, no slot beyond its limit, locks kept) the one is taken that, in this order,

1. leaves as few wanted seats as possible without a group,
2. has the smallest sum of penalties: the wish of rank r counts r * (r - 1) / 2 (0, 1, 3, 6, …), an unwished group as
   if it were a wish after all groups of the session, and no group as the one after that, each once per seat; who said
   nothing is content with anything,
3. takes as few people as possible from a group that the previous assignment gave them, then from as few groups,
4. has the smallest sum of lots. The lot of a person, session and group is the number in the first 16 bits of the
   SHA-256 of `seed/person/session/group`, so that everybody can draw it again. The order of arrival decides nothing.

Each of these is a stage of `registration.optimum`: its exact optimum binds those after it, no weights are mixed. Only
where the time limit stops a stage, which the report says, may another run come out differently.

What somebody wants in a session: with wishes, one of them, or else any other group of it; who says nothing about it
(no key), any group; whose list is empty, none, and gets one only where `fill` is asked. In an optional session there is
nothing but what was wished.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest
from uuid import UUID

from registration.group_places import (
    Aim,
    Groups,
    Model,
    Obstacle,
    Person,
    Place,
    model_of,
    obstacle_to,
    seats_free,
    wished_groups,
)
from registration.optimum import best, solver
from registration.rules import Slot


@dataclass(frozen=True)
class RefusedLock:
    """A lock that cannot be kept; the person is assigned as if it were not there."""

    person: UUID
    session: str
    group: str
    obstacle: Obstacle


@dataclass(frozen=True)
class Unplaced:
    """Somebody who wants a group in a session and gets none, with what is in the way of each that would have done."""

    person: UUID
    session: str
    seats: int
    obstacles: Mapping[str, Obstacle]


@dataclass(frozen=True)
class Change:
    """A difference to the previous assignment."""

    person: UUID
    session: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Tally:
    """Seats by what they got, in one session or in all together. Who wants no group is not counted."""

    wishes: tuple[int, ...] = ()
    """How many got their first wish, their second, and so on, up to the last that anybody got."""
    unwished: int = 0
    """In a group that they did not wish, though they wished others."""
    unasked: int = 0
    """In a group, without having wished one."""
    none: int = 0
    """Without a group, though they want one."""


@dataclass(frozen=True)
class Stage:
    """One stage: `value` was reached, and nothing below `bound` can be.

    What is locked, and what a person had before and could not keep anyway, is not in these values.
    """

    aim: Aim
    value: int
    bound: int

    @property
    def is_optimal(self) -> bool:
        return self.value <= self.bound


@dataclass(frozen=True)
class Report:
    total: Tally
    by_session: Mapping[str, Tally]
    unplaced: tuple[Unplaced, ...]
    refused_locks: tuple[RefusedLock, ...]
    stages: tuple[Stage, ...]
    seed: str
    solver: str

    @property
    def is_optimal(self) -> bool:
        """Whether every stage is proved to be optimal; else the time limit stopped one."""
        return all(stage.is_optimal for stage in self.stages)


@dataclass(frozen=True)
class Allocation:
    """Who is in which group: people in order of arrival, sessions in order of time, every pair of them."""

    groups: Mapping[UUID, Groups]
    report: Report
    changes: tuple[Change, ...]
    """Every difference to the previous assignment, of the people who are still there."""

    @property
    def moves(self) -> tuple[Change, ...]:
        """The changes that take somebody from a group that they had."""
        return tuple(change for change in self.changes if change.before is not None)


def allocate(
    people: Iterable[Person],
    slots: Iterable[Slot],
    *,
    seed: str,
    previous: Mapping[UUID, Groups] | None = None,
    optional: Collection[str] = (),
    fill: bool = False,
    moves_first: bool = False,
    time_limit: timedelta = timedelta(seconds=30),
) -> Allocation:
    """The best assignment of `people` to `slots`; in which order they are given does not matter.

    `Slot.free` is what these people may take together: seats that they hold already count as free, those of others do
    not. `optional` are the sessions that one signs up for. Wishes for groups that do not exist are left aside, and so
    is what the previous assignment says of them. With `moves_first` few moves go before better wishes, as is kind once
    people know their groups. Never raises: what cannot be done stands in the report.

    Computes for up to about `time_limit` on one processor, and is best called in a thread.
    """
    people = sorted(people, key=lambda person: (person.arrival, person.id))
    slots = sorted(slots, key=lambda slot: (slot.starts_at, slot.ends_at, slot.session, slot.group))
    sessions = tuple(dict.fromkeys(slot.session for slot in slots))
    held, refused = _locks(people, slots)
    wanting = {
        session: [
            person
            for person in people
            if session in held[person.id] or _wants(person, session, optional, fill)
        ]
        for session in sessions
    }
    model = model_of(people, slots, held, wanting, optional, previous or {}, seed)
    aims = tuple(Aim)
    if moves_first:
        aims = (Aim.UNPLACED_SEATS, Aim.MOVED_PEOPLE, Aim.MOVES, Aim.PENALTIES, Aim.LOTS)
    places, stages = _optimum(model, aims, time_limit.total_seconds())
    for place in places:
        held[place.person.id][place.slot.session] = place.slot
    groups: dict[UUID, Groups] = {
        person.id: {
            session: slot.group if (slot := held[person.id].get(session)) else None for session in sessions
        }
        for person in people
    }
    by_session = {session: _tally(session, wanting[session], groups) for session in sessions}
    report = Report(
        total=_total(by_session.values()),
        by_session=by_session,
        unplaced=tuple(_unplaced(people, slots, held, wanting, optional)),
        refused_locks=tuple(refused),
        stages=stages,
        seed=seed,
        solver=solver(),
    )
    return Allocation(groups, report, tuple(_changes(groups, previous or {})))


def _wants(person: Person, session: str, optional: Collection[str], fill: bool) -> bool:
    """Whether somebody is to have a group in a session."""
    if session in optional:
        return bool(person.wishes.get(session))
    return session not in person.wishes or bool(person.wishes[session]) or fill


def _locks(
    people: Sequence[Person], slots: Sequence[Slot]
) -> tuple[dict[UUID, dict[str, Slot]], list[RefusedLock]]:
    """The locks that can be kept, by person and session, and those that cannot: who came first keeps theirs."""
    there = {(slot.session, slot.group): slot for slot in slots}
    free = {key: slot.free for key, slot in there.items()}
    kept: dict[UUID, dict[str, Slot]] = {person.id: {} for person in people}
    refused: list[RefusedLock] = []
    for person in people:
        for key in sorted(person.locked.items()):
            obstacle: Obstacle | None = Obstacle.UNKNOWN
            if key in there:
                obstacle = obstacle_to(person, there[key], kept[person.id].values(), free[key])
            if obstacle is not None:
                refused.append(RefusedLock(person.id, *key, obstacle))
                continue
            kept[person.id][key[0]] = there[key]
            if (left := free[key]) is not None:
                free[key] = left - person.seats
    return kept, refused


def _optimum(model: Model, aims: Sequence[Aim], seconds: float) -> tuple[list[Place], tuple[Stage, ...]]:
    """The places that are given, and how far each stage came."""
    by_wish = sorted(
        range(len(model.places)), key=lambda at: (model.places[at].penalty, model.places[at].lot)
    )
    chosen, bounds = best(
        model.width,
        model.rows,
        [model.objectives[aim] for aim in aims],
        [model.filled(by_wish), model.filled((*model.before, *by_wish))],
        model.completed,
        seconds,
    )
    # Where the first stage was stopped, somebody may still find room; where it was proved, nobody does.
    chosen = model.filled((*chosen, *by_wish))
    return [place for at, place in enumerate(model.places) if at in chosen], tuple(
        Stage(aim, model.objectives[aim].value(chosen), bound)
        for aim, bound in zip(aims, bounds, strict=True)
    )


def _tally(session: str, wanting: Iterable[Person], groups: Mapping[UUID, Groups]) -> Tally:
    wishes: Counter[int] = Counter()
    unwished = unasked = none = 0
    for person in wanting:
        wished, group = wished_groups(person, session), groups[person.id][session]
        if group is None:
            none += person.seats
        elif group in wished:
            wishes[wished.index(group)] += person.seats
        elif wished:
            unwished += person.seats
        else:
            unasked += person.seats
    return Tally(tuple(wishes[at] for at in range(max(wishes, default=-1) + 1)), unwished, unasked, none)


def _total(tallies: Collection[Tally]) -> Tally:
    return Tally(
        tuple(map(sum, zip_longest(*(tally.wishes for tally in tallies), fillvalue=0))),
        sum(tally.unwished for tally in tallies),
        sum(tally.unasked for tally in tallies),
        sum(tally.none for tally in tallies),
    )


def _unplaced(
    people: Sequence[Person],
    slots: Sequence[Slot],
    held: Mapping[UUID, Mapping[str, Slot]],
    wanting: Mapping[str, Collection[Person]],
    optional: Collection[str],
) -> Iterator[Unplaced]:
    free = seats_free(people, slots, held)
    for session, persons in wanting.items():
        there = {
            slot.group: (slot, room)
            for slot, room in zip(slots, free, strict=True)
            if slot.session == session
        }
        for person in persons:
            if session in held[person.id]:
                continue
            obstacles: dict[str, Obstacle] = {}
            for group in wished_groups(person, session) if session in optional else there:
                obstacle: Obstacle | None = Obstacle.UNKNOWN
                if group in there:
                    slot, room = there[group]
                    obstacle = obstacle_to(person, slot, held[person.id].values(), room)
                if obstacle is not None:
                    obstacles[group] = obstacle
            yield Unplaced(person.id, session, person.seats, obstacles)


def _changes(groups: Mapping[UUID, Groups], previous: Mapping[UUID, Groups]) -> Iterator[Change]:
    for person, now in groups.items():
        before = previous.get(person, {})
        for session in (*now, *sorted(before.keys() - now.keys())):
            if before.get(session) != now.get(session):
                yield Change(person, session, before.get(session), now.get(session))
