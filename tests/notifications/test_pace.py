"""Limits per second: over all workers, for all mails and for each domain."""

import asyncio
import itertools
import time

import pytest

from notifications.outbox import claim, enqueue
from notifications.pace import free_in, reserve
from notifications.rules import Limits, slots
from tests.notifications.examples import HOST, new
from tests.notifications.sink import listening, smtp
from tests.notifications.working import all_are, until, working


@pytest.mark.parametrize(
    ("wanted", "free", "given", "after"),
    [
        ([], {}, [], {}),
        ([{}], {}, [0.0], {}),
        ([{"a": 0.5}] * 4, {"a": 0.0}, [0.0, 0.5, 1.0, None], {"a": 1.5}),
        ([{"a": 0.5}], {"a": -7.0}, [0.0], {"a": 0.5}),
        ([{"a": 0.5}], {"a": 1.1}, [None], {"a": 1.1}),
        ([{"a": 10.0}, {"a": 10.0}], {"a": 0.0}, [0.0, None], {"a": 10.0}),
        (
            [{"": 0.1, "a": 1.0}, {"": 0.1, "a": 1.0}, {"": 0.1, "a": 1.0}, {"": 0.1, "b": 1.0}],
            {"": 0.0, "a": 0.0, "b": 0.0},
            [0.0, 1.0, None, 0.2],
            {"": 0.3, "a": 2.0, "b": 1.0},
        ),
    ],
)
def test_slots_follow_each_other_and_no_further_than_a_second_ahead(wanted, free, given, after):
    found, free_after = slots(wanted, free, 1.0)
    assert found == pytest.approx(given) if None not in given else found == given
    assert free_after == pytest.approx(after)


@pytest.mark.parametrize(
    ("limits", "steps"),
    [
        (Limits(), {}),
        (Limits(10), {"": 0.1}),
        (Limits(None, 2), {"example.org": 0.5}),
        (Limits(10, 2), {"": 0.1, "example.org": 0.5}),
    ],
)
def test_a_recipient_has_the_lanes_that_are_limited(limits, steps):
    assert limits.steps("Kim@Example.ORG") == steps
    assert bool(limits) == bool(steps)


@pytest.mark.usefixtures("database")
async def test_workers_share_what_there_is():
    await enqueue([new(number) for number in range(12)])
    claims = await claim(12, HOST)
    limits = Limits(4)
    first, second = await asyncio.gather(reserve(claims[:6], limits), reserve(claims[6:], limits))
    given = sorted([*first.values(), *second.values()])
    assert len(given) <= 6
    assert all(later - earlier > 0.2 for earlier, later in itertools.pairwise(given))


@pytest.mark.usefixtures("database")
async def test_who_writes_to_a_crowded_domain_holds_up_nobody_else():
    await enqueue([new(number, recipient=f"{number}@crowded.example") for number in range(40)])
    await enqueue([new(number, recipient=f"{number}@quiet.example") for number in range(2)])
    for _ in range(3):
        claims = await claim(50, HOST, -1.0, paced=True)
        await reserve(claims, Limits(None, 2))
    assert claims == []
    assert 0 < (await free_in() or 0) <= 2


@pytest.mark.usefixtures("database")
async def test_mails_leave_no_faster_than_allowed():
    await enqueue([new(number, recipient=f"{number}@one.example") for number in range(6)])
    await enqueue([new(number, recipient=f"{number}@Two.example") for number in range(3)])
    limits = Limits(20, 4)
    began = time.monotonic()
    async with listening() as sink, working(smtp(sink), limits=limits), working(smtp(sink), limits=limits):
        await until(all_are("sent"))
    assert time.monotonic() - began > 5 / 4 - 0.1
    assert len(sink.letters) == 9
    quiet = [index for index, to in enumerate(sink.recipients) if to.endswith("@two.example")]
    assert quiet[-1] < 8
