"""What a switch would do and whom it touches: found out by reading, so that an event of thousands is not held up."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from uuid import UUID

import msgspec

from events.details import EventDetails
from events.rules import Attendance, EventStatus, Mode
from hybrid.foresight import Foresight, Person, foresee, with_group_limits, with_seats_in_groups
from hybrid.rooms import CROWD
from hybrid.switching import check, resizes
from registration.queries import Waiter, groups_held, lacking_groups, slots_of
from registration.rules import Slot, with_seats_taken
from registration.tables import Registration
from registration.waitlist import takings

NAMED = 100
"""So many of each list are named."""


@dataclass(frozen=True)
class Name:
    """Somebody who takes part or waits."""

    id: UUID
    number: str
    name: str


@dataclass(frozen=True)
class Names:
    """So many people, the first of them by name, by order of arrival."""

    people: int
    first: tuple[Name, ...]

    def __len__(self) -> int:
        return self.people


@dataclass(frozen=True)
class SwitchOutlook:
    """The event before and after; seats in groups are counted as far as a group could be too full for a room.

    `told` counts the mails. `left_online` would sit in the hall and find no seat there, `cannot_join` take part
    online and said that they cannot, or only by phone; `untold` have no address.
    """

    before: EventDetails
    after: EventDetails
    told: int
    to_online: int
    to_hall: int
    moving_up: Names
    left_online: Names
    cannot_join: Names
    untold: Names


async def preview(
    event: EventDetails,
    to: Mode,
    now: datetime,
    *,
    has_servers: bool,
    hybrid_capacity: int | msgspec.UnsetType | None = msgspec.UNSET,
) -> SwitchOutlook:
    """What `hybrid.switching.set_mode` would do; nothing is written. Raises EventCancelled and ModeRefused."""
    given = event
    if not isinstance(hybrid_capacity, msgspec.UnsetType):
        given = replace(event, hybrid_capacity=hybrid_capacity)
    moves = event.mode is not to or resizes(to, hybrid_capacity)
    check(given, to, now, has_servers=has_servers, moves=moves)
    people = await _people(event.id)
    seen = await asyncio.to_thread(foresee, given, people, to if moves else None, now)
    lists = [
        sorted((one for rising in seen.rising for one in rising), key=_arrival),
        seen.left_online,
        seen.cannot_join,
        seen.untold,
    ]
    names = await _names(event.id, {one.arrival for listed in lists for one in listed[:NAMED]})
    after = seen.event
    if moves and after.mode is not Mode.IN_PERSON:
        after = await _with_groups(seen, {one.arrival for one in people if one.holds}, now)
    return SwitchOutlook(
        event,
        after,
        seen.told,
        seen.to_online,
        seen.to_hall,
        *(Names(len(listed), tuple(names[one.arrival] for one in listed[:NAMED])) for listed in lists),
    )


_arrival = attrgetter("arrival")


async def _people(event_id: int) -> list[Person]:
    """Who takes part or waits, in order of arrival; those who are alike come in one row."""
    rows = await Registration.raw(
        """
        SELECT status <> 'waitlisted' AS holds, attendance, attendance_wished AS wished,
            coalesce(attendance_before = 'in_person', false) AS sat_in_hall,
            online_access IS NULL AS can_join, email IS NOT NULL AS has_address,
            array_agg(arrival) AS arrivals, array_agg(seats) AS seats
        FROM registration WHERE event = {} AND status IN ('pending', 'confirmed', 'waitlisted')
        GROUP BY 1, 2, 3, 4, 5, 6
        """,
        event_id,
    )
    people: list[Person] = []
    for row in rows:
        attendance, wished = Attendance(row["attendance"]), row["wished"] and Attendance(row["wished"])
        people += (
            Person(
                arrival,
                seats,
                row["holds"],
                attendance,
                row["sat_in_hall"],
                wished,
                row["can_join"],
                row["has_address"],
            )
            for arrival, seats in zip(row["arrivals"], row["seats"], strict=True)
        )
    return sorted(people, key=_arrival)


async def _names(event_id: int, arrivals: set[int]) -> Mapping[int, Name]:
    rows = await Registration.raw(
        "SELECT arrival, id, number, name FROM registration WHERE event = {} AND arrival = ANY({}::bigint[])",
        event_id,
        list(arrivals),
    )
    return {row["arrival"]: Name(row["id"], row["number"], row["name"]) for row in rows}


async def _with_groups(seen: Foresight, holding: Collection[int], now: datetime) -> EventDetails:
    """The event with its groups as they would be then, for those `holding` a place, by arrival.

    Where none of them can be too full for a room nobody is looked at.
    """
    event = with_group_limits(seen.event)
    slots: Sequence[Slot] = slots_of(event)
    limits = [slot.limit for group in event.groups for slot in group.slots]
    is_open = event.status is EventStatus.PUBLISHED and now < event.starts_at and event.assigns_at_once
    if not is_open or all(limit is not None and limit <= CROWD for limit in limits):
        return event
    if all(slot.free == 0 for slot in slots):
        return event
    rising = [one.arrival for risen in seen.rising for one in risen]
    lacking = await lacking_groups(event.id, [slot.id for slot in slots], len(event.wish_sessions), rising)
    held = await groups_held(one.id for one in lacking)
    turns = [{one.arrival for one in rising} for rising in seen.rising] + [holding]
    taken = await asyncio.to_thread(_taken, slots, lacking, held, turns)
    return with_seats_in_groups(event, taken)


def _taken(
    slots: Sequence[Slot],
    lacking: Sequence[Waiter],
    held: Mapping[UUID, Mapping[str, str]],
    turns: Sequence[Collection[int]],
) -> Mapping[int, int]:
    """How many more seats are taken in each slot, when those in `turns`, by arrival, take groups turn by turn."""
    taken: Counter[int] = Counter()
    has = defaultdict(dict, {person: dict(groups) for person, groups in held.items()})
    for turn in turns:
        for taking in takings([one for one in lacking if one.arrival in turn], slots, has):
            slots = with_seats_taken(slots, taking.slots, taking.seats)
            for slot in taking.slots:
                has[taking.registration_id][slot.session] = slot.group
                taken[slot.id] += taking.seats
    return taken
