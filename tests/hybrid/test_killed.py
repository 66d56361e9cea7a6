"""Killed in the middle of a switch, or hurried by others: one switch or none, nobody lost, every message once."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, time, timedelta

import pytest

from events.queries import details
from events.rules import Attendance, Mode
from hybrid.evaluation import evaluate_waiting
from hybrid.queries import history, stored_rules
from hybrid.rules import resolved
from hybrid.switching import Cause, set_mode
from hybrid.tables import MeetingRoom, ModeSwitch
from notifications.tables import Message
from registration.tables import Registration
from tests.hybrid.killed import POINTS, SECOND_DAY
from tests.hybrid.town import INCIDENCE, event, publish
from tests.registration.town import CONFIRMED, WAITLISTED, assert_in_order, organiser, register, seat, watched
from tests.registration.town import confirm as confirmed

outbox = pytest.fixture(watched)

SEATED = [f"seated-{number}" for number in range(6)]
WAITING = [f"waiting-{number}" for number in range(3)]
EVERYBODY = sorted([*SEATED, *WAITING])
BEFORE = datetime(2027, 2, 20, 9, tzinfo=UTC)
FIRST_DAY = SECOND_DAY - timedelta(days=1)
AT = datetime.combine(SECOND_DAY, time(6), UTC)


CAPACITIES = {"capacity": len(SEATED), "digital_capacity": 8}


async def fill(now):
    """Fills the hall; more people wait than there are places online."""
    for name in SEATED:
        await seat(name, now, slug="forum")
    for name in WAITING:
        await register(name, now, slug="forum")
        await confirmed(name, now)


async def full():
    """The event with a full hall and people who wait, one report before it moves."""
    await event(registration=CAPACITIES)
    await fill(BEFORE)
    await publish(FIRST_DAY, 500)
    assert (await details("forum")).mode is Mode.IN_PERSON


async def worker(point, environment):
    """A worker in a process of its own that hands in the second report; how it ended."""
    process = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.hybrid.killed", point],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return process.returncode, process.stderr


async def told(outbox):
    """Who is told that the event moves, and how: queued messages alone."""
    letters = [letter for letter in await outbox.letters() if letter["status"] == "queued"]
    assert {letter["context"]["event"]["mode"] for letter in letters} <= {"digital"}
    return sorted((letter["recipient_name"], letter["kind"]) for letter in letters)


ONCE_EACH = sorted(
    [
        *((name, "event_changed") for name in [*SEATED, WAITING[2]]),
        *((name, "promoted") for name in WAITING[:2]),
    ]
)


async def assert_moved_once(by=SECOND_DAY):
    """The event has moved by the report of that day, once, and with everybody."""
    after = await details("forum")
    assert (after.mode, after.sequence) == (Mode.DIGITAL, 1)
    assert (after.online_taken, after.online_limit, after.waiting(Attendance.ONLINE)) == (8, 8, 1)
    people = await Registration.select(Registration.name, Registration.status, Registration.attendance)
    assert sorted(row["name"] for row in people) == EVERYBODY
    assert Counter(row["status"] for row in people) == {CONFIRMED: 8, WAITLISTED: 1}
    assert {row["attendance"] for row in people} == {"online"}
    assert await MeetingRoom.count() == 1
    (entry,) = await ModeSwitch.select().output(load_json=True)
    assert (entry["from_mode"], entry["to_mode"], entry["organiser"]) == ("in_person", "digital", None)
    assert entry["evidence"]["report"]["report_on"] == by.isoformat()
    await assert_in_order()


@pytest.mark.parametrize("point", POINTS)
async def test_killed_in_a_switch_the_next_look_makes_it_whole(outbox, environment, point):
    await full()
    await outbox.news()
    code, said = await worker(point, environment)
    assert code == -signal.SIGKILL, said
    is_done = point == "committed"
    assert (await details("forum")).mode is (Mode.DIGITAL if is_done else Mode.IN_PERSON)
    assert await ModeSwitch.count() == is_done
    queued = await Message.count().where(Message.status == "queued")
    assert queued == (len(EVERYBODY) if is_done else 0)
    await assert_in_order()
    for _ in range(2):
        await evaluate_waiting({INCIDENCE.name: INCIDENCE}, AT)
    await publish(SECOND_DAY, 500)
    await assert_moved_once()
    assert await told(outbox) == ONCE_EACH


async def test_two_workers_with_the_same_report_move_it_once(outbox, environment):
    await full()
    await outbox.news()
    ends = await asyncio.gather(*(worker("never", environment) for _ in range(2)))
    assert [code for code, _ in ends] == [0, 0], ends
    await assert_moved_once()
    assert await told(outbox) == ONCE_EACH
    (stored,) = await stored_rules((await details("forum")).id)
    assert len(await history(resolved(stored.spec, "series"))) == 2


async def test_many_looks_at_once_move_it_once(outbox):
    await full()
    await outbox.news()
    looks = (evaluate_waiting({INCIDENCE.name: INCIDENCE}, AT) for _ in range(4))
    await asyncio.gather(publish(SECOND_DAY, 500), publish(SECOND_DAY, 500), *looks)
    await assert_moved_once()
    assert await told(outbox) == ONCE_EACH


@pytest.mark.parametrize("hand_first", [True, False])
async def test_rule_and_hand_at_the_same_moment_are_one_switch(outbox, hand_first):
    await full()
    await outbox.news()
    hand = set_mode("forum", Mode.DIGITAL, Cause(await organiser(), "Sturm"), AT, has_servers=True)
    steps = [hand, publish(SECOND_DAY, 500)]
    await asyncio.gather(*(steps if hand_first else reversed(steps)))
    after = await details("forum")
    assert (after.mode, after.sequence, after.mode_locked) == (Mode.DIGITAL, 1, True)
    entries = await ModeSwitch.select().order_by(ModeSwitch.id)
    assert [entry["to_mode"] for entry in entries if entry["from_mode"] != entry["to_mode"]] == ["digital"]
    assert await told(outbox) == ONCE_EACH


async def test_where_rule_and_hand_disagree_the_hand_has_the_last_word(outbox):
    await full()
    await outbox.news()
    hand = set_mode(
        "forum", Mode.HYBRID, Cause(await organiser(), "Sturm"), AT, has_servers=True, hybrid_capacity=4
    )
    await asyncio.gather(publish(SECOND_DAY, 500), hand)
    after = await details("forum")
    assert (after.mode, after.mode_locked) == (Mode.HYBRID, True)
    letters = [letter for letter in await outbox.letters() if letter["status"] == "queued"]
    assert sorted(letter["recipient_name"] for letter in letters) == EVERYBODY
    assert {letter["context"]["event"]["mode"] for letter in letters} == {"hybrid"}


async def test_there_back_and_there_again_while_mails_wait_is_one_mail_each(outbox):
    await full()
    await outbox.news()
    day = SECOND_DAY
    modes = []
    for value in (500, 200, 200, 500, 500):
        await publish(day, value)
        modes.append((await details("forum")).mode.value)
        day += timedelta(days=1)
    assert modes == ["digital", "digital", "hybrid", "hybrid", "digital"]
    assert await ModeSwitch.count() == 3
    after = await details("forum")
    assert after.sequence == 3
    messages = await Message.select().where(Message.status.is_in(["queued", "superseded"]))
    live = Counter(row["recipient_name"] for row in messages if row["status"] == "queued")
    assert live == Counter(EVERYBODY)
    assert any(row["status"] == "superseded" for row in messages)
    letters = [letter for letter in await outbox.letters() if letter["status"] == "queued"]
    for letter in letters:
        assert letter["context"]["event"]["mode"] == "digital"
        stated = letter["context"]["registration"]
        assert stated["attendance"] == "online"
        if stated["status"] == "confirmed":
            # Whoever has a calendar entry gets one that is newer, whoever has none gets the first.
            assert stated["sequence"] > (stated["sequence_before"] if stated["invited"] else -1)
