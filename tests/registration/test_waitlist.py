"""Who moves up when seats come free, and that order holds whatever happens."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.errors import Conflict
from events.queries import details
from events.rules import Attendance, Mode
from registration import actions
from registration.errors import RegistrationClosed
from registration.queries import events_to_fill, position
from registration.rules import HOLDING, RegistrationStatus
from registration.tables import Registration
from tests.registration.town import (
    CANCELLED,
    CLOSES_AT,
    CONFIRMED,
    DAY,
    DOCUMENT,
    EXPIRED,
    GROUPS,
    HOUR,
    NOW,
    PENDING,
    ROUNDS,
    SECOND,
    STARTS_AT,
    WAITLISTED,
    assert_in_order,
    cancel,
    confirm,
    group,
    groups_of,
    hold,
    id_of,
    register,
    rewrite,
    row_of,
    seat,
    status_of,
)

IN_PERSON, ONLINE = Attendance


async def test_whoever_leaves_the_waitlist_takes_nothing_from_the_others(outbox):
    await hold(capacity=1)
    for name in ("kim", "toni", "alex"):
        await register(name)
    await cancel("toni")
    assert await position(await row_of("alex")) == 1
    assert await status_of("alex") == WAITLISTED
    assert (await outbox.news())[3:] == [("registration_cancelled", "toni")]


async def test_free_seats_are_kept_for_a_family_at_the_head_until_it_fits(outbox):
    await hold(capacity=3)
    for name in ("kim", "toni", "alex"):
        await seat(name)
    await register("family", seats=3)
    await register("sascha")
    await outbox.news()
    await cancel("kim")
    await cancel("toni")
    assert (await details("dialog")).in_person_taken == 1
    assert [await status_of(name) for name in ("family", "sascha")] == [WAITLISTED, WAITLISTED]
    assert (await register("newcomer")).status == WAITLISTED
    await cancel("alex")
    assert [await status_of(name) for name in ("family", "sascha")] == [PENDING, WAITLISTED]
    assert ("promoted", "family") in await outbox.news()


async def test_when_the_family_leaves_the_waitlist_the_seats_kept_for_it_go_to_the_next(outbox):
    await hold(capacity=2)
    await seat("kim")
    await register("family", seats=2)
    await register("toni")
    await cancel("family")
    assert await status_of("toni") == PENDING
    assert (await outbox.news())[-2:] == [("registration_cancelled", "family"), ("promoted", "toni")]


async def test_from_the_deadline_on_the_first_who_fits_moves_up_by_itself(outbox):
    await hold(capacity=2)
    await seat("kim")
    await register("family", seats=2)
    await register("toni")
    await confirm("toni")
    await outbox.news()
    event_id = (await details("dialog")).id
    assert await events_to_fill(CLOSES_AT - SECOND) == []
    await actions.fill_free_seats(event_id, CLOSES_AT - SECOND)
    assert await status_of("toni") == WAITLISTED
    assert await events_to_fill(CLOSES_AT) == [event_id]
    await actions.fill_free_seats(event_id, CLOSES_AT)
    assert await events_to_fill(CLOSES_AT) == []
    assert [await status_of(name) for name in ("family", "toni")] == [WAITLISTED, CONFIRMED]
    assert await outbox.news() == [("promoted", "toni")]


async def test_nobody_moves_up_once_the_event_has_started(outbox):
    await hold(capacity=1)
    await seat("kim")
    await register("toni")
    await confirm("toni")
    await outbox.news()
    await cancel("kim", STARTS_AT)
    assert await events_to_fill(STARTS_AT) == []
    assert await status_of("toni") == WAITLISTED
    assert await outbox.news() == [("registration_cancelled", "kim")]
    outbox.settled = False


async def test_who_lately_moved_up_has_a_shorter_hold(outbox):
    await hold(capacity=1)
    await seat("kim")
    await register("toni")
    late = STARTS_AT - 4 * HOUR
    await cancel("kim", late)
    assert (await row_of("toni")).held_until == late + HOUR
    await outbox.news()


async def test_many_move_up_in_order_and_each_is_told_once(outbox):
    await hold(capacity=0, sessions=ROUNDS, groups=(group("wohnen", "first", capacity=2),))
    names = [f"p{number}" for number in range(8)]
    for name in names:
        await register(name, wishes={"first": ["wohnen"]})
    for name in names[::2]:
        await confirm(name)
    await outbox.news()
    await rewrite(capacity=6)
    assert [await status_of(name) for name in names] == [CONFIRMED, PENDING] * 3 + [WAITLISTED] * 2
    assert [await groups_of(name) for name in names] == [{"first": "wohnen"}] * 2 + [{}] * 6
    assert await outbox.news() == [("promoted", name) for name in names[:6]]


async def test_of_the_hall_and_online_who_came_first_gets_the_group(outbox):
    await hold(mode=Mode.HYBRID, capacity=0, digital_capacity=0, sessions=ROUNDS, groups=GROUPS)
    await register("kim", attendance=ONLINE, wishes={"first": ("wohnen",)})
    await register("toni", attendance=IN_PERSON, wishes={"first": ("wohnen",)})
    await outbox.news()
    await rewrite(capacity=1, digital_capacity=1)
    assert [await groups_of(name) for name in ("kim", "toni")] == [{"first": "wohnen"}, {}]
    assert await outbox.news() == [("promoted", "kim"), ("promoted", "toni")]


@dataclass
class Person:
    name: str
    attendance: Attendance
    seats: int
    status: RegistrationStatus
    proved: bool = False
    held_until: datetime = STARTS_AT


@dataclass
class Line:
    """What ought to happen, said once more in the plainest way: people in order of arrival, one step at a time."""

    limits: dict[Attendance, int]
    now: datetime = NOW
    people: list[Person] = field(default_factory=list)

    def taken(self, attendance: Attendance) -> int:
        return sum(p.seats for p in self.people if p.attendance is attendance and p.status in HOLDING)

    def hold(self) -> datetime:
        return self.now + min(DAY, (STARTS_AT - self.now) / 4)

    def register(self, name: str, attendance: Attendance, seats: int) -> None:
        anybody = any(p.status == WAITLISTED and p.attendance is attendance for p in self.people)
        if anybody or self.taken(attendance) + seats > self.limits[attendance]:
            self.people.append(Person(name, attendance, seats, WAITLISTED))
        else:
            self.people.append(Person(name, attendance, seats, PENDING, held_until=self.hold()))

    def confirm(self, person: Person) -> None:
        if person.status == PENDING and person.held_until <= self.now:
            person.status = EXPIRED
        elif person.status == PENDING:
            person.status, person.proved = CONFIRMED, True
        elif person.status == WAITLISTED:
            person.proved = True
        self.settle()

    def cancel(self, person: Person) -> None:
        if person.status in (*HOLDING, WAITLISTED):
            person.status = CANCELLED
        self.settle()

    def wait(self, hours: int) -> None:
        self.now += hours * HOUR
        for person in self.people:
            if person.status == PENDING and person.held_until <= self.now:
                person.status = EXPIRED
        self.settle()

    def settle(self) -> None:
        for attendance in Attendance:
            for person in self.people:
                if (
                    self.now >= STARTS_AT
                    or person.status != WAITLISTED
                    or person.attendance is not attendance
                ):
                    continue
                if self.taken(attendance) + person.seats <= self.limits[attendance]:
                    person.status = CONFIRMED if person.proved else PENDING
                    person.held_until = self.hold()
                elif self.now < CLOSES_AT:
                    break


WISHES = st.sampled_from([(), ("wohnen",), ("bildung", "wohnen"), ("wohnen", "bildung", "arbeit")])
ANYBODY = st.integers(0, 7)
STEPS = st.one_of(
    st.tuples(st.just("register"), st.sampled_from(Attendance), st.integers(1, 3), WISHES),
    st.tuples(st.just("confirm"), ANYBODY),
    st.tuples(st.just("cancel"), ANYBODY),
    st.tuples(st.just("wait"), st.sampled_from([1, 20, 90])),
    st.tuples(st.just("capacity"), st.sampled_from(Attendance), st.integers(0, 6)),
    st.tuples(st.just("move"), st.integers(-1, 1)),
)


@given(st.lists(STEPS, min_size=5, max_size=25))
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_whatever_happens_who_came_first_moves_up_first(database, steps):
    slug = f"dialog-{uuid4().hex}"
    event = await hold(
        slug=slug, mode=Mode.HYBRID, capacity=3, digital_capacity=2, sessions=ROUNDS, groups=GROUPS
    )
    line = Line({IN_PERSON: 3, ONLINE: 2})
    for step in steps:
        await walk(slug, event.id, line, step)
        rows = (
            await Registration.objects().where(Registration.event == event.id).order_by(Registration.arrival)
        )
        assert [(row.name, row.status) for row in rows] == [(p.name, p.status) for p in line.people]
        after = await details(slug)
        for attendance in Attendance:
            assert after.taken(attendance) == line.taken(attendance) <= line.limits[attendance]
    await assert_in_order()


async def walk(slug, event_id, line, step):
    """One step in the town and in the line."""
    match step:
        case "register", attendance, seats, wishes:
            name = f"{slug}-{len(line.people)}"
            values = {
                "attendance": attendance,
                "seats": seats,
                "wishes": {"first": wishes, "second": wishes[:2]},
            }
            try:
                await register(name, line.now, slug, **values)
            except RegistrationClosed:
                assert line.now >= CLOSES_AT
            else:
                line.register(name, attendance, seats)
        case "confirm" | "cancel" as action, number if number < len(line.people):
            person = line.people[number]
            await getattr(actions, action)(await id_of(person.name), line.now)
            getattr(line, action)(person)
        case "wait", hours:
            line.wait(hours)
            await actions.expire_lapsed_holds(event_id, line.now)
            await actions.fill_free_seats(event_id, line.now)
        case "capacity", attendance, limit:
            name = "capacity" if attendance is IN_PERSON else "digital_capacity"
            try:
                await rewrite(slug, line.now, **{name: limit})
            except Conflict:
                assert limit < line.taken(attendance)
            else:
                line.limits[attendance] = limit
                line.settle()
        case "move", hours:
            await rewrite(slug, line.now, ends_at=DOCUMENT.ends_at + hours * HOUR)
            line.settle()
