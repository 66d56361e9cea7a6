"""What the preview of a switch says is what the switch then does, whoever takes part and wherever the event is."""

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from dialograum import mode_previews
from dialograum.mode_previews import Names, SwitchOutlook, preview
from events.details import EventDetails
from events.queries import details
from events.rules import Attendance, Mode
from hybrid.switching import Cause, set_mode
from notifications.tables import Message, MessageStatus
from registration.tables import Registration
from tests.registration.town import CLOSES_AT, DAY, GROUPS, NOW, ROUNDS, STARTS_AT, cancel, hold, register

ACTIVE = ["pending", "confirmed", "waitlisted"]
AFTER = ("mode", "came_back", "in_person_limit", "online_limit")
COUNTED = ("in_person_taken", "online_taken", "in_person_waiting", "online_waiting")


@pytest.fixture(autouse=True)
def _database(database):
    """Every test of this module has one."""


@dataclass
class Town:
    """An event whose terms and people are drawn by lot, and what happens to it."""

    lot: random.Random
    now: datetime = NOW
    people: int = 0

    async def opens(self) -> None:
        base = self.lot.choice([Mode.IN_PERSON, Mode.IN_PERSON, Mode.HYBRID])
        await hold(
            mode=base,
            capacity=self.lot.choice([None, 3, 6, 9]),
            digital_capacity=self.lot.choice([None, 2, 5, 12]),
            hybrid_capacity=self.lot.choice([None, 0, 2, 5]),
            confirm_email=self.lot.choice([True, False]),
            sessions=ROUNDS,
            groups=GROUPS,
        )

    async def people_come_and_go(self) -> None:
        event = await details("dialog")
        for _ in range(self.lot.randint(2, 9)):
            self.people += 1
            name = f"p{self.people}"
            attendance = self.lot.choice([None, *event.offered])
            wishes = self.lot.choice([{}, {"first": ("wohnen", "arbeit")}, {"second": ("bildung",)}])
            seats = self.lot.choice([1, 1, 1, 2, 3])
            await register(name, attendance=attendance, seats=seats, wishes=wishes)
            drawn = [
                self.lot.choice([None, None, "in_person", "online"]),
                self.lot.choice([None, None, None, "phone", "none"]),
                self.lot.random() < 0.8,
                name,
            ]
            await Registration.raw(
                "UPDATE registration SET attendance_wished = {}, online_access = {},"
                " email = CASE WHEN {} THEN email END WHERE name = {}",
                *drawn,
            )
        for name in await _rows():
            if self.lot.random() < 0.2:
                await cancel(name, self.now)

    def turn(self, base: Mode) -> tuple[Mode, dict[str, Any]]:
        """Where a hand moves the event next, with seats in the hall where they count."""
        to = self.lot.choice(list(Mode))
        named = to is Mode.HYBRID and base is not Mode.HYBRID and self.lot.random() < 0.7
        return to, {"hybrid_capacity": self.lot.choice([None, 0, 1, 3, 6])} if named else {}


async def made(
    before: EventDetails, to: Mode, now: datetime, **changes: Any
) -> tuple[EventDetails, dict[str, object]]:
    """The event after the switch, and what it did, by reading the rows from before and after."""
    await Message.update({Message.status: MessageStatus.SENT}, force=True)
    people_before = await _rows()
    after = await set_mode(before.slug, to, Cause(reason="Sturm"), now, has_servers=True, **changes)
    people = await _rows()
    held = {name for name, row in people_before.items() if row["status"] != "waitlisted"}
    base_wish = "in_person" if before.base_mode is Mode.IN_PERSON else "online"

    def moved(attendance: str) -> int:
        return sum(
            name in held and row["attendance"] == attendance != people_before[name]["attendance"]
            for name, row in people.items()
        )

    return after, {
        "told": await Message.count().where(Message.status == MessageStatus.QUEUED),
        "to_online": moved("online"),
        "to_hall": moved("in_person"),
        "moving_up": [
            name for name, row in people.items() if name not in held and row["status"] != "waitlisted"
        ],
        "left_online": [
            name
            for name, row in people.items()
            if (after.mode, row["attendance"]) == (Mode.HYBRID, "online")
            and row["status"] != "waitlisted"
            and "in_person" in (row["attendance_before"], row["attendance_wished"] or base_wish)
        ],
        "cannot_join": [
            name for name, row in people.items() if row["attendance"] == "online" and row["online_access"]
        ],
        "untold": [name for name, row in people.items() if row["email"] is None],
    }


async def _rows() -> dict[str, dict[str, Any]]:
    rows = await Registration.select().where(Registration.status.is_in(ACTIVE)).order_by(Registration.arrival)
    return {row["name"]: row for row in rows}


def said(outlook: SwitchOutlook) -> dict[str, object]:
    lists = {
        name: [person.name for person in names.first]
        for name, names in vars(outlook).items()
        if isinstance(names, Names)
    }
    return {name: getattr(outlook, name) for name in ("told", "to_online", "to_hall")} | lists


@pytest.mark.parametrize("seed", range(24))
async def test_the_preview_of_every_switch_is_what_it_does(seed, monkeypatch):
    monkeypatch.setattr(mode_previews, "CROWD", 0)
    town = Town(random.Random(seed))
    await town.opens()
    for now in (NOW, NOW + DAY, CLOSES_AT - DAY, CLOSES_AT + DAY, STARTS_AT - DAY, STARTS_AT):
        town.now = now
        if now < CLOSES_AT:
            await town.people_come_and_go()
        before = await details("dialog")
        to, changes = town.turn(before.base_mode)
        outlook = await preview(before, to, now, has_servers=True, **changes)
        assert await details("dialog") == before
        after, found = await made(before, to, now, **changes)
        assert said(outlook) == found
        for name in (*AFTER, *COUNTED):
            assert getattr(outlook.after, name) == getattr(after, name), name
        if after.mode is not Mode.IN_PERSON:
            assert outlook.after.groups == after.groups


async def test_a_long_list_is_counted_and_its_first_are_named(monkeypatch):
    monkeypatch.setattr(mode_previews, "NAMED", 2)
    await hold(capacity=3)
    for name in ("kim", "toni", "alex"):
        await register(name)
    await Registration.update({Registration.email: None}, force=True)
    outlook = await preview(await details("dialog"), Mode.DIGITAL, NOW, has_servers=True)
    assert (len(outlook.untold), [one.name for one in outlook.untold.first]) == (3, ["kim", "toni"])
    assert not outlook.moving_up


async def test_a_seat_left_in_the_hall_goes_to_who_is_online_before_who_waits():
    await hold(capacity=4, hybrid_capacity=6, confirm_email=False)
    await set_mode("dialog", Mode.HYBRID, Cause(reason="Sturm"), NOW, has_servers=True)
    for name, attendance, seats in (
        ("kim", Attendance.IN_PERSON, 3),
        ("toni", Attendance.IN_PERSON, 3),
        ("alex", Attendance.ONLINE, 1),
        ("late", Attendance.IN_PERSON, 1),
    ):
        await register(name, attendance=attendance, seats=seats)
    await Registration.update({Registration.attendance_wished: None}, force=True)
    before = await details("dialog")
    outlook = await preview(before, Mode.IN_PERSON, NOW, has_servers=True)
    assert (outlook.to_online, outlook.to_hall, outlook.moving_up.people) == (1, 1, 0)
    _, found = await made(before, Mode.IN_PERSON, NOW)
    assert said(outlook) == found
