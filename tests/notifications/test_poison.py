"""A message that kills its worker is given up and shown; whoever was in the same hand with it goes out."""

import asyncio
import sys
from collections import Counter
from email import message_from_bytes

import pytest

from dialograum.database import DB
from notifications.outbox import CLAIMS_LOST, SUSPECT, WORKER_LOST, claim, enqueue, record, sent
from tests.notifications.examples import HOST, new, rows
from tests.notifications.sink import Sink, listening
from tests.notifications.working import statuses

pytestmark = pytest.mark.usefixtures("database")

WORKER = """
import asyncio, os, signal, sys
from dialograum.database import connected
from dialograum.settings import load
from notifications.worker import deliver
from tests.notifications.examples import HOST, letter_of
from tests.notifications.sink import Sink, smtp

def write(claim):
    if claim.context["number"] in POISON:
        os._exit(9)
    return letter_of(claim)

async def compose(claims):
    return write

async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with connected(load()):
        transport = smtp(Sink(port=int(sys.argv[1])))
        await deliver(compose, transport, stop, asyncio.Event(), host=HOST, interval_seconds=0.1)

POISON = set(map(int, sys.argv[2:]))
asyncio.run(main())
"""


async def end_leases():
    """As 45 seconds later."""
    await DB._run_in_pool("UPDATE message SET lease_until = now() WHERE status = 'sending'")


async def test_messages_that_kill_their_worker_take_no_other_with_them(environment):
    poison = {3, 40}
    await enqueue([new(number) for number in range(100)])
    async with listening() as sink:
        deaths = await deaths_of_workers(environment, sink, poison)
    found = {row["context"]["number"]: row for row in await rows()}
    assert {number for number, row in found.items() if row["status"] == "failed"} == poison
    assert {row["last_error"] for row in found.values() if row["status"] == "failed"} == {WORKER_LOST}
    assert Counter(row["status"] for row in found.values()) == {
        "sent": 100 - len(poison),
        "failed": len(poison),
    }
    arrived = Counter(message_from_bytes(letter.content)["Message-ID"] for letter in sink.letters)
    assert set(arrived) == {row["message_id"] for row in found.values() if row["status"] == "sent"}
    assert deaths <= CLAIMS_LOST * len(poison)
    others = [row["attempts"] for row in found.values() if row["status"] == "sent"]
    assert max(others) <= SUSPECT * len(poison) + 1


async def deaths_of_workers(environment: dict[str, str], sink: Sink, poison: set[int]) -> int:
    """Starts a worker again whenever one dies, until nothing waits; answers how often."""
    for deaths in range(CLAIMS_LOST * len(poison) + 2):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", WORKER, str(sink.port), *map(str, poison)), env=environment
        )
        gone = asyncio.create_task(process.wait())
        while not gone.done() and {"queued", "sending"} & set(await statuses()):
            await asyncio.wait([gone], timeout=0.05)
        if not gone.done():
            process.terminate()
            assert await gone == 0
            return deaths
        assert await gone == 9
        await end_leases()
    raise AssertionError("workers die for ever")


async def left_behind(times: int) -> None:
    for _ in range(times):
        assert await claim(50, HOST, suspects=50)
        await end_leases()


@pytest.mark.parametrize(("deaths", "at_once"), [(SUSPECT - 1, 8), (SUSPECT, 1), (CLAIMS_LOST - 1, 1)])
async def test_what_was_left_behind_again_and_again_is_taken_one_at_a_time(deaths, at_once):
    await enqueue([new(number) for number in range(8)])
    await left_behind(deaths)
    assert len(await claim(50, HOST)) == at_once


async def test_who_holds_a_suspect_gets_no_other_and_all_that_is_none():
    await enqueue([new(number) for number in range(4)])
    await left_behind(SUSPECT)
    await enqueue([new(number) for number in range(4, 7)])
    held = await claim(50, HOST)
    assert [found.is_suspect for found in held] == [True, False, False, False]
    assert await claim(50, HOST, suspects=0) == []
    assert len(await claim(50, HOST)) == 1


async def test_no_more_is_claimed_than_is_asked_for():
    await enqueue([new(number) for number in range(3)])
    await left_behind(SUSPECT)
    await enqueue([new(number) for number in range(3, 6)])
    await left_behind(1)
    await enqueue([new(number) for number in range(6, 20)])
    assert len(await claim(5, HOST)) == 5
    assert len(await claim(1, HOST)) == 1
    assert await claim(0, HOST) == []


async def test_a_suspect_that_is_sent_is_one_no_more():
    await enqueue([new()])
    await left_behind(SUSPECT)
    [found] = await claim(1, HOST)
    assert found.is_suspect
    assert await record([sent(found)]) == {found.id}
    assert await statuses() == ["sent"]


async def test_what_was_left_behind_comes_before_what_waits():
    await enqueue([new(1)])
    await claim(1, HOST)
    await enqueue([new(2), new(3)])
    await end_leases()
    assert {found.context["number"] for found in await claim(2, HOST)} == {1, 2}
