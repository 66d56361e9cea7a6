"""Who could sit where: the places of everybody in all groups, what excludes what, and what each aim counts."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from uuid import UUID

from registration.optimum import Objective, Row
from registration.rules import Slot, Wishes

Groups = Mapping[str, str | None]
"""The group of each session, `None` where there is none."""


@dataclass(frozen=True)
class Person:
    """A registration that holds `seats` (1 to 6). `arrival` says whose lock counts where two cannot both be kept."""

    id: UUID
    arrival: int
    seats: int = 1
    wishes: Wishes = field(default_factory=dict)
    locked: Mapping[str, str] = field(default_factory=dict)


class Obstacle(StrEnum):
    """What keeps somebody out of a group in a session."""

    UNKNOWN = "unknown"
    """There is no such group then."""
    TOO_SMALL = "too-small"
    """It would not hold so many seats if nobody else were in it."""
    SAME_GROUP = "same-group"
    """They are in it in another session."""
    OVERLAP = "overlap"
    """They are in another group at that time."""
    FULL = "full"


class Aim(StrEnum):
    """What the stages make as small as possible, usually in this order."""

    UNPLACED_SEATS = "unplaced-seats"
    PENALTIES = "penalties"
    MOVED_PEOPLE = "moved-people"
    MOVES = "moves"
    LOTS = "lots"


def wished_groups(person: Person, session: str) -> list[str]:
    return list(dict.fromkeys(person.wishes.get(session, ())))


def obstacle_to(person: Person, slot: Slot, held: Iterable[Slot], free: int | None) -> Obstacle | None:
    """What keeps a person who holds these slots out of another, in which so many seats are free."""
    if slot.free is not None and slot.free < person.seats:
        return Obstacle.TOO_SMALL
    for other in held:
        if other.session != slot.session and other.group == slot.group:
            return Obstacle.SAME_GROUP
        if other.session == slot.session or other.overlaps(slot):
            return Obstacle.OVERLAP
    return Obstacle.FULL if free is not None and free < person.seats else None


def seats_free(
    people: Sequence[Person], slots: Sequence[Slot], held: Mapping[UUID, Mapping[str, Slot]]
) -> list[int | None]:
    """What is free in each slot beside what is held."""
    taken: dict[Slot, int] = defaultdict(int)
    for person in people:
        for slot in held[person.id].values():
            taken[slot] += person.seats
    return [None if slot.free is None else slot.free - taken[slot] for slot in slots]


def _exclusions(slots: Sequence[Slot]) -> list[frozenset[int]]:
    """The sets of slots of which a person holds at most one; any two that exclude each other are in one of them.

    They are the slots of a session, the slots of a group, and those that are under way when one of them starts.
    """
    sets: set[frozenset[int]] = set()
    for slot in slots:
        sets.add(frozenset(at for at, other in enumerate(slots) if other.session == slot.session))
        sets.add(frozenset(at for at, other in enumerate(slots) if other.group == slot.group))
        sets.add(
            frozenset(
                at
                for at, other in enumerate(slots)
                if other is slot or (other.starts_at <= slot.starts_at and other.overlaps(slot))
            )
        )
    largest = (one for one in sets if len(one) > 1 and not any(one < other for other in sets))
    return sorted(largest, key=sorted)


@dataclass(frozen=True)
class Place:
    """One person in one slot."""

    person: Person
    slot: Slot
    penalty: int
    lot: int


@dataclass(frozen=True)
class Gap:
    """One person without a group in a session, as none of their places there is in."""

    person: Person
    places: Sequence[int]
    penalty: int


@dataclass(frozen=True)
class Model:
    """What is in or out: the places, then for each person and session a gap, then for each person a loss."""

    places: Sequence[Place]
    gaps: Sequence[Gap]
    losses: Sequence[Sequence[int]]
    """The places that a person had before, who is moved where one of them is out. Who is moved anyway has none here."""
    before: Sequence[int]
    """All places that people had before and could keep."""
    rows: Sequence[Row]
    objectives: Mapping[Aim, Objective]

    @property
    def width(self) -> int:
        return len(self.places) + len(self.gaps) + len(self.losses)

    @cached_property
    def rows_of(self) -> Sequence[Sequence[tuple[int, int]]]:
        """The rows of each column, with its weight there."""
        rows_of: list[list[tuple[int, int]]] = [[] for _ in range(self.width)]
        for number, row in enumerate(self.rows):
            for column, weight in zip(row.columns, row.weights, strict=True):
                rows_of[column].append((number, weight))
        return rows_of

    def completed(self, columns: Iterable[int]) -> frozenset[int]:
        """The places among the columns, with the gaps and losses that they leave."""
        places = {column for column in columns if column < len(self.places)}
        first_loss = len(self.places) + len(self.gaps)
        gaps = (at for at, gap in enumerate(self.gaps, len(self.places)) if places.isdisjoint(gap.places))
        losses = (at for at, had in enumerate(self.losses, first_loss) if not places.issuperset(had))
        return frozenset((*places, *gaps, *losses))

    def filled(self, columns: Iterable[int]) -> frozenset[int]:
        """As many of these places as go together, tried one after the other."""
        left = [row.most for row in self.rows]
        chosen: set[int] = set()
        for column in columns:
            rows = self.rows_of[column]
            if column < len(self.places) and column not in chosen and all(w <= left[row] for row, w in rows):
                chosen.add(column)
                for row, weight in rows:
                    left[row] -= weight
        return self.completed(chosen)


def model_of(
    people: Sequence[Person],
    slots: Sequence[Slot],
    locks: Mapping[UUID, Mapping[str, Slot]],
    wanting: Mapping[str, Collection[Person]],
    optional: Collection[str],
    previous: Mapping[UUID, Groups],
    seed: str,
) -> Model:
    """What is left to decide beside the locks."""
    free = seats_free(people, slots, locks)
    exclusions = _exclusions(slots)
    sizes = Counter(slot.session for slot in slots)
    wants = {session: {person.id for person in persons} for session, persons in wanting.items()}

    places: list[Place] = []
    rows: list[Row] = []
    gaps: list[Gap] = []
    losses: list[list[int]] = []
    before: list[int] = []
    takers: dict[int, list[int]] = defaultdict(list)
    for person in people:
        kept = locks[person.id]
        deciding = [session for session in sizes if session not in kept and person.id in wants[session]]
        ranks = {session: _ranks(wished_groups(person, session)) for session in deciding}
        own: dict[int, int] = {}
        for at, slot in enumerate(slots):
            if slot.session not in ranks or obstacle_to(person, slot, kept.values(), free[at]) is not None:
                continue
            rank = ranks[slot.session].get(slot.group)
            if rank is None:
                if slot.session in optional:
                    continue
                rank = sizes[slot.session] + 1 if ranks[slot.session] else 1
            own[at] = len(places)
            takers[at].append(len(places))
            lot = sha256(f"{seed}/{person.id}/{slot.session}/{slot.group}".encode()).digest()[:2]
            places.append(Place(person, slot, _penalty(rank), int.from_bytes(lot)))
        for exclusion in exclusions:
            columns = [own[at] for at in sorted(exclusion) if at in own]
            if len(columns) > 1:
                rows.append(Row(columns, [1] * len(columns), 0, 1))
        for session in deciding:
            penalty = _penalty(sizes[session] + 2) if ranks[session] else 0
            gaps.append(Gap(person, [own[at] for at in own if slots[at].session == session], penalty))
        had = previous.get(person.id, {})
        keepable = [own[at] for at in own if had.get(slots[at].session) == slots[at].group]
        before += keepable
        stays = {places[column].slot.session for column in keepable}
        stays |= {session for session, slot in kept.items() if had.get(session) == slot.group}
        if keepable and all(group is None or session in stays for session, group in had.items()):
            losses.append(keepable)
    for at, columns in takers.items():
        if (room := free[at]) is not None:
            rows.append(Row(columns, [places[column].person.seats for column in columns], 0, room))
    first_gap, first_loss = len(places), len(places) + len(gaps)
    for at, gap in enumerate(gaps, first_gap):
        rows.append(Row((*gap.places, at), [1] * (len(gap.places) + 1), 1, 1))
    for loss, columns in enumerate(losses, first_loss):
        rows += [Row((column, loss), (1, 1), 1, 2) for column in columns]
    return Model(
        places,
        gaps,
        losses,
        before,
        rows,
        {
            Aim.UNPLACED_SEATS: Objective({at: gap.person.seats for at, gap in enumerate(gaps, first_gap)}),
            Aim.PENALTIES: Objective(
                {at: place.penalty * place.person.seats for at, place in enumerate(places)}
                | {at: gap.penalty * gap.person.seats for at, gap in enumerate(gaps, first_gap)}
            ),
            Aim.MOVED_PEOPLE: Objective(dict.fromkeys(range(first_loss, first_loss + len(losses)), 1)),
            Aim.MOVES: Objective(dict.fromkeys(before, -1), len(before)),
            Aim.LOTS: Objective({at: place.lot for at, place in enumerate(places)}),
        },
    )


def _penalty(rank: int) -> int:
    return rank * (rank - 1) // 2


def _ranks(wished: Sequence[str]) -> dict[str, int]:
    return {group: rank for rank, group in enumerate(wished, 1)}
