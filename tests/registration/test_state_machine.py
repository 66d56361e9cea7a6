"""Whatever two processes do to an event at once, in whatever order: nothing is oversold, miscounted or unfair."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from dialograum import publishing
from events.errors import Refusal
from events.queries import details
from events.rules import Attendance, EventStatus, Mode
from notifications.tables import Message
from registration import actions, own_changes
from registration.admission import Admission
from registration.editing import Edit, edit
from registration.tables import Registration
from tests.registration.town import (
    CLOSES_AT,
    GROUPS,
    NOW,
    ROUNDS,
    WAITLISTED,
    assert_in_order,
    hold,
    joined,
    newcomer,
    organiser,
    rewrite,
)

ATTENDANCES = st.sampled_from(list(Attendance))
WISHES = st.dictionaries(
    st.sampled_from(["first", "second"]), st.permutations(["wohnen", "bildung"]).map(tuple), max_size=2
) | st.just({"dinner": ("dinner",)})
PEOPLE = st.integers(0, 30)
STEPS = st.one_of(
    st.tuples(st.just("register"), ATTENDANCES, st.integers(1, 3), WISHES),
    st.tuples(st.just("register again"), PEOPLE),
    st.tuples(st.sampled_from(["confirm", "cancel"]), PEOPLE),
    st.tuples(st.just("move"), PEOPLE, ATTENDANCES),
    st.tuples(st.just("resize"), PEOPLE, st.integers(1, 4)),
    st.tuples(st.just("take part"), PEOPLE, ATTENDANCES, st.integers(1, 4)),
    st.tuples(st.just("wish"), PEOPLE, WISHES),
    st.tuples(st.just("capacity"), st.integers(0, 8)),
    st.tuples(st.just("expire"), st.sampled_from([timedelta(), timedelta(hours=13), timedelta(hours=25)])),
)


class Town(RuleBasedStateMachine):
    """One event, and two processes with a door and a connection each."""

    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        super().__init__()
        self.now, self.slug, self.arrived = NOW, f"dialog-{uuid4().hex}", 0
        self.doors = Admission(), Admission()
        self.moved: set[UUID] = set()

    def wait_for(self, *steps: Coroutine[Any, Any, Any]) -> None:
        """Has them done at the same time."""

        async def together() -> list[Any]:
            return await asyncio.gather(*steps, return_exceptions=True)

        for result in asyncio.run_coroutine_threadsafe(together(), self.loop).result():
            if isinstance(result, BaseException) and not isinstance(result, Refusal):
                raise result

    @initialize()
    def hold_the_event(self) -> None:
        dinner = joined("dinner", "18:40", "19:00", 2)
        self.wait_for(
            hold(
                slug=self.slug,
                mode=Mode.HYBRID,
                capacity=3,
                digital_capacity=2,
                sessions=(*ROUNDS, dinner),
                groups=GROUPS,
            )
        )

    @rule(one=STEPS)
    def one_does(self, one: tuple[Any, ...]) -> None:
        self.wait_for(self.step(0, one))

    @rule(one=STEPS, other=STEPS)
    def two_do_at_once(self, one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
        self.wait_for(self.step(0, one), self.step(1, other))

    @rule(steps=st.lists(STEPS, min_size=3, max_size=6))
    def many_do_at_once(self, steps: list[tuple[Any, ...]]) -> None:
        self.wait_for(*(self.step(number % 2, step) for number, step in enumerate(steps)))

    @rule()
    def the_event_is_cancelled_and_somebody_comes(self) -> None:
        if self.arrived > 8:
            registering = self.step(1, ("register", Attendance.IN_PERSON, 1, {}))
            self.wait_for(publishing.cancel(self.slug, None, None, self.now), registering)

    @invariant()
    def everything_is_in_order(self) -> None:
        self.wait_for(assert_in_order(settled=self.now < CLOSES_AT), self.nobody_was_overtaken())

    async def nobody_was_overtaken(self) -> None:
        """Who moved up came before everyone who has waited for the same all along."""
        event = await details(self.slug)
        if event.status is EventStatus.CANCELLED or self.now >= CLOSES_AT:
            return
        rows = await Registration.objects().where(Registration.event == event.id)
        told = await Message.select(Message.about, Message.created_at).where(
            (Message.event_id == event.id) & (Message.kind == "promoted")
        )
        promoted = {row["about"]: row["created_at"] for row in told}
        moved = self.moved | {row["about"] for row in await self.changed(event.id)}
        for attendance in Attendance:
            line = [row for row in rows if row.attendance == attendance and row.id not in moved]
            last = max((row.arrival for row in line if row.id in promoted), default=0)
            overtaken = [row.number for row in line if row.status == WAITLISTED and row.arrival < last]
            assert overtaken == []
            order = sorted((row for row in line if row.id in promoted), key=lambda row: row.arrival)
            times = [promoted[row.id] for row in order]
            assert times == sorted(times)

    async def changed(self, event_id: int) -> list[dict[str, Any]]:
        """Who changed attendance or the number of seats, and so does not stand where they stood."""
        return await Message.select(Message.about).where(
            (Message.event_id == event_id) & (Message.kind == "registration_changed")
        )

    async def step(self, process: int, step: tuple[Any, ...]) -> None:
        match step:
            case "register", attendance, seats, wishes:
                self.arrived += 1
                someone = newcomer(
                    f"{self.arrived}-{self.slug}", attendance=attendance, seats=seats, wishes=wishes
                )
                await self.doors[process].register(self.slug, someone, self.now)
            case "register again", number:
                if row := await self.person(number):
                    await self.doors[process].register(
                        self.slug, newcomer(row.name, email=row.email), self.now
                    )
            case "confirm" | "cancel" as action, number:
                if row := await self.person(number):
                    await getattr(actions, action)(row.id, self.now)
            case "move", number, attendance:
                if row := await self.person(number):
                    await edit(row.id, Edit(attendance=attendance), await organiser(), self.now)
            case "resize", number, seats:
                if row := await self.person(number):
                    await edit(row.id, Edit(seats=seats), await organiser(), self.now)
            case "take part", number, attendance, seats:
                if row := await self.person(number):
                    self.moved.add(row.id)
                    await own_changes.change_place(row.id, attendance, seats, self.now)
            case "wish", number, wishes:
                if row := await self.person(number):
                    await own_changes.change_groups(row.id, wishes, self.now)
            case "capacity", capacity:
                await rewrite(self.slug, self.now, capacity=capacity)
            case "expire", after:
                self.now += after
                await actions.expire_lapsed_holds((await details(self.slug)).id, self.now)

    async def person(self, number: int) -> Registration | None:
        event = await details(self.slug)
        rows = (
            await Registration.objects().where(Registration.event == event.id).order_by(Registration.arrival)
        )
        return rows[number % len(rows)] if rows else None


async def test_two_processes_at_once_leave_everything_in_order(database):
    await organiser()
    loop = asyncio.get_running_loop()
    machine = type("Town", (Town,), {"loop": loop})
    await asyncio.to_thread(
        run_state_machine_as_test,
        machine,
        settings=settings(
            max_examples=6, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
