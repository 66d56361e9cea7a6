"""What a switch does with people, found out without making it. Pure.

It decides as `registration.seating` and `registration.waitlist` do while a switch is made.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from events.details import EventDetails, SlotDetails
from events.rules import OFFERED, Attendance, EventStatus, Limits, Mode, group_limit, limits
from registration.decisions import terms
from registration.rules import promotions, seated

HALL, ONLINE = Attendance.IN_PERSON, Attendance.ONLINE


@dataclass(slots=True)
class Person:
    """Somebody who takes part (`holds`) or waits. `sat_in_hall`: before a switch moved them online."""

    arrival: int
    seats: int
    holds: bool
    attendance: Attendance
    sat_in_hall: bool
    wished: Attendance | None
    can_join: bool
    has_address: bool

    def wishes_hall(self, event: EventDetails) -> bool:
        """Who did not say what they wish, wishes what the event is by itself."""
        wished = self.wished or (HALL if event.base_mode is Mode.IN_PERSON else ONLINE)
        return self.sat_in_hall or wished is HALL


@dataclass(frozen=True)
class Foresight:
    """The event after a switch, but for its groups, and by order of arrival those whom it touches.

    `rising` are those who move up from the waitlist, at once and then into seats that were left for others. `told`
    counts those who have an address.
    """

    event: EventDetails
    told: int
    to_online: int
    to_hall: int
    rising: tuple[Sequence[Person], Sequence[Person]]
    left_online: Sequence[Person]
    cannot_join: Sequence[Person]
    untold: Sequence[Person]


def foresee(event: EventDetails, people: Sequence[Person], to: Mode | None, now: datetime) -> Foresight:
    """What becomes of `people`, who are in order of arrival and are moved by it. `None` leaves all as it is."""
    moved: list[Person] = []
    first: list[Person] = []
    second: list[Person] = []
    after = event
    if to is not None:
        moved, after = _moved(event, people, to)
        for rising in (first, second):
            if after.came_back and now < event.starts_at and event.status is EventStatus.PUBLISHED:
                moved += _offered(after, people)
                after = _counted(after, people, Limits(after.in_person_limit, after.digital_capacity))
            rising += _rise(after, people, now)
        after = _counted(after, people, Limits(after.in_person_limit, after.online_limit))
    told = (
        people
        if after.mode is not event.mode
        else {one.arrival: one for one in (*moved, *first, *second)}.values()
    )
    risen = {one.arrival for one in (*first, *second)}
    return Foresight(
        event=after,
        told=sum(one.has_address for one in told),
        to_online=sum(one.holds and one.attendance is ONLINE and one.arrival not in risen for one in moved),
        to_hall=sum(one.holds and one.attendance is HALL and one.arrival not in risen for one in moved),
        rising=(first, second),
        left_online=_online(
            people, lambda one: after.mode is Mode.HYBRID and one.holds and one.wishes_hall(event)
        ),
        cannot_join=_online(people, lambda one: not one.can_join),
        untold=[one for one in people if not one.has_address],
    )


def with_group_limits(event: EventDetails) -> EventDetails:
    """As `registration.seats.set_group_limits`: what the mode gives each group, and no less than is held."""
    return _with_slots(
        event, lambda slot, limit: replace(slot, limit=None if limit is None else max(limit, slot.taken))
    )


def with_seats_in_groups(event: EventDetails, taken: Mapping[int, int]) -> EventDetails:
    """The event when so many more seats are taken in its groups, by the ids of their slots."""
    return _with_slots(event, lambda slot, _: replace(slot, taken=slot.taken + taken.get(slot.id, 0)))


def _with_slots(
    event: EventDetails, changed: Callable[[SlotDetails, int | None], SlotDetails]
) -> EventDetails:
    return replace(
        event,
        groups=tuple(
            replace(
                group,
                slots=tuple(
                    changed(slot, group_limit(event.mode, group.capacity, group.digital_capacity))
                    for slot in group.slots
                ),
            )
            for group in event.groups
        ),
    )


def _online(people: Iterable[Person], is_meant: Callable[[Person], bool]) -> list[Person]:
    return [one for one in people if one.attendance is ONLINE and is_meant(one)]


def _moved(event: EventDetails, people: Sequence[Person], to: Mode) -> tuple[list[Person], EventDetails]:
    """Who changes between hall and screen at once, and the event then."""
    hall = _limits(event, to).in_person
    shrinks = event.mode is Mode.HYBRID and hall is not None and hall < event.in_person_taken
    left = shrinks
    if to is Mode.DIGITAL:
        moved = _go_online(people, 0)
    elif shrinks or (to is Mode.HYBRID and event.mode is Mode.IN_PERSON):
        moved = _go_online(people, hall)
    else:
        moved = _come_back(event, people, hall, keeps_online=to is Mode.HYBRID)
        left = any(one.holds and one.attendance is ONLINE for one in people)
        keeps_online = to is Mode.HYBRID or left
        waiting = [
            one
            for one in people
            if not one.holds and one.attendance is ONLINE and (one.wished is HALL or not keeps_online)
        ]
        for one in waiting:
            one.attendance = HALL
        moved += waiting
    came_back = to is Mode.IN_PERSON and left
    mode = Mode.HYBRID if came_back else to
    after = replace(event, mode=mode, came_back=came_back)
    return moved, _counted(after, people, _limits(event, mode, came_back))


def _go_online(people: Iterable[Person], hall_seats: int | None) -> list[Person]:
    """As `registration.seating.move_online`."""
    if hall_seats == 0:
        moved = [one for one in people if one.attendance is HALL]
    else:
        queue = [one for one in people if one.holds and one.attendance is HALL]
        staying = {one.arrival for one in seated(hall_seats, sorted(queue, key=lambda one: one.can_join))}
        moved = [one for one in queue if one.arrival not in staying]
    for one in moved:
        one.attendance, one.wished = ONLINE, one.wished or HALL
        one.sat_in_hall = one.sat_in_hall or one.holds
    return moved


def _come_back(
    event: EventDetails, people: Iterable[Person], hall_seats: int | None, *, keeps_online: bool
) -> list[Person]:
    """As `registration.seating.move_to_hall`."""
    held = 0 if event.mode is Mode.DIGITAL else event.in_person_taken
    free = None if hall_seats is None else max(0, hall_seats - held)
    return _sit(free, _hall_queue(event, people, first_who_cannot=keeps_online))


def _offered(event: EventDetails, people: Iterable[Person]) -> list[Person]:
    """As `registration.seating.take_hall_seats`."""
    limit = event.in_person_limit
    taken = _seats(one for one in people if one.holds and one.attendance is HALL)
    free = None if limit is None else limit - taken
    return _sit(free, _hall_queue(event, people, first_who_cannot=False))


def _sit(free: int | None, queue: Iterable[Person]) -> list[Person]:
    moved = seated(free, queue)
    for one in moved:
        one.attendance, one.sat_in_hall = HALL, False
    return moved


def _hall_queue(event: EventDetails, people: Iterable[Person], *, first_who_cannot: bool) -> list[Person]:
    queue = [one for one in people if one.holds and one.attendance is ONLINE and one.wishes_hall(event)]
    return sorted(queue, key=lambda one: (first_who_cannot and one.can_join, not one.sat_in_hall))


def _rise(event: EventDetails, people: Iterable[Person], now: datetime) -> list[Person]:
    """As the promotions of `registration.waitlist.move_up`, by order of arrival."""
    moved: list[Person] = []
    for attendance in OFFERED[event.mode]:
        there = [one for one in people if one.attendance is attendance]
        limit = event.limit(attendance)
        free = None if limit is None else limit - _seats(one for one in there if one.holds)
        moved += promotions(now, terms(event), free, (one for one in there if not one.holds))
    for one in moved:
        one.holds = True
    return sorted(moved, key=lambda one: one.arrival)


def _counted(event: EventDetails, people: Sequence[Person], given: Limits) -> EventDetails:
    """As `registration.seating.recount`."""
    hall = [one for one in people if one.attendance is HALL]
    screen = [one for one in people if one.attendance is ONLINE]
    held = _seats(one for one in screen if one.holds)
    return replace(
        event,
        in_person_limit=given.in_person,
        online_limit=None if given.online is None else max(given.online, held),
        in_person_taken=_seats(one for one in hall if one.holds),
        online_taken=held,
        in_person_waiting=sum(not one.holds for one in hall),
        online_waiting=sum(not one.holds for one in screen),
    )


def _seats(people: Iterable[Person]) -> int:
    return sum(one.seats for one in people)


def _limits(event: EventDetails, mode: Mode, came_back: bool = False) -> Limits:
    return limits(
        mode, event.base_mode, event.capacity, event.digital_capacity, event.hybrid_capacity, came_back
    )
