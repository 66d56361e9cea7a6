"""Killed in the middle of a batch: who was answered is registered, and nobody twice."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter

import pytest

from notifications.tables import Message
from registration.admission import Admission
from registration.tables import Registration
from tests.registration.killed import POINTS
from tests.registration.town import PENDING, ask, assert_in_order, hold


@pytest.mark.parametrize("point", POINTS)
async def test_killed_in_a_batch_nobody_who_was_answered_is_lost_and_nobody_doubled(
    database, environment, point
):
    await hold(capacity=1000)
    process = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.registration.killed", point],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr
    answered = process.stdout.split()
    there = {row["name"] for row in await Registration.select(Registration.name)}
    assert set(answered) <= there
    assert len(answered) == 20
    assert len(there) == (40 if point == "committed" else 20)
    await assert_in_order()
    names = [f"k{number}" for number in range(40)]
    door = Admission()
    again = await asyncio.gather(*(ask(door, name, key=name) for name in names))
    assert {outcome.status for outcome in again} == {PENDING}
    rows = await Registration.select(Registration.name)
    assert Counter(row["name"] for row in rows) == Counter(names)
    assert await Message.count() == 40
    await assert_in_order()
