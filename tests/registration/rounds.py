"""People, rounds and groups to assign, and the rules that hold for every assignment."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import combinations
from uuid import UUID

from registration.allocation import allocate
from registration.group_places import Person
from registration.rules import Slot

TEN = datetime(2023, 5, 10, 10, tzinfo=UTC)
"""Wednesday, the second day in Herford."""


def slots(session="r1", start=0, **free):
    """The groups of a session that begins so many minutes after ten and lasts an hour, with what is free in each."""
    begin = TEN + timedelta(minutes=start)
    return [Slot(session, group, begin, begin + timedelta(hours=1), room) for group, room in free.items()]


def two_rounds(**free):
    return [*slots("r1", 0, **free), *slots("r2", 60, **free)]


def person(number, r1=None, r2=None, seats=1, **locked):
    """Somebody with wishes for two rounds, a letter for each group. `None` says nothing, an empty text wants none."""
    wishes = {session: tuple(groups) for session, groups in (("r1", r1), ("r2", r2)) if groups is not None}
    return Person(UUID(int=number), number, seats, wishes, locked)


def assign(people, there, **more):
    return allocate(people, there, **{"seed": "herford", "time_limit": timedelta(seconds=60), **more})


def letters(allocation):
    """The groups of everybody, a dot for none."""
    return " ".join("".join(group or "." for group in one.values()) for one in allocation.groups.values())


def held(*people):
    """A previous assignment: the groups of the first person, of the second and so on, as `letters` gives them."""
    return {
        UUID(int=number): {f"r{at}": None if group == "." else group for at, group in enumerate(groups, 1)}
        for number, groups in enumerate(people, 1)
    }


def value(allocation, aim):
    return next(stage.value for stage in allocation.report.stages if stage.aim is aim)


def lot(seed, who, session, group):
    return int.from_bytes(sha256(f"{seed}/{who.id}/{session}/{group}".encode()).digest()[:2], "big")


def keeps_the_rules(allocation, people, there):
    """Whether nobody is in the same group twice or in two places at once, and nothing is beyond its limit."""
    by_key = {(slot.session, slot.group): slot for slot in there}
    taken: Counter[Slot] = Counter()
    for one in people:
        mine = [by_key[key] for key in allocation.groups[one.id].items() if key[1] is not None]
        taken.update(dict.fromkeys(mine, one.seats))
        if any(a.group == b.group or a.overlaps(b) for a, b in combinations(mine, 2)):
            return False
    return all(slot.free is None or seats <= slot.free for slot, seats in taken.items())
