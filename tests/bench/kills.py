"""Kills workers with -9 while mails go out, again and again, and prints the ledger of rows and of the mail server.

Two `dialograum worker` send to a mail server in a process of its own. Kills come in turn when messages have just been
claimed, when the server has just taken a mail, and at random; a killed worker is started anew at once. Leases of killed
workers are ended early, for nobody wants to wait 45 seconds a hundred times. Nothing may be lost; what came twice must
have been taken by the server before a kill and not been recorded, at most one mail per connection and kill.
"""

import argparse
import asyncio
import json
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dialograum.database import DB
from notifications.outbox import CLAIMS_LOST
from tests.bench.mail import tell_all
from tests.bench.post import gather, installed, sinking, statuses, worker
from tests.postgres import short_folder

CONNECTIONS = 4
"""That a worker keeps open."""

WORKERS = 2
POINTS = ("claimed", "taken", "random")
ANSWER_SECONDS = 0.02
"""How long the mail server looks a mail over before it answers: so that there is something to interrupt."""


async def measure(messages: int, kills: int, seed: int) -> dict[str, Any]:
    with short_folder() as folder:
        async with installed(folder):
            await gather("kills", messages)
            ledger = folder / "ledger"
            with sinking(ledger, ANSWER_SECONDS) as port:
                await tell_all("kills", messages)
                killed = await interrupted(ledger, port, messages, kills, random.Random(seed))
            return judged(await rows(), ledger.read_text().split(), killed)


async def interrupted(
    ledger: Path, port: int, messages: int, kills: int, chance: random.Random
) -> Counter[str]:
    """Lets workers send everything, and kills one after so many mails; returns how often at which point."""
    workers = [worker(port) for _ in range(WORKERS)]
    killed: Counter[str] = Counter()
    try:
        for number in range(kills):
            await until_taken(ledger, messages * number // (kills + 1))
            point = POINTS[number % len(POINTS)]
            await reach(point, ledger, chance)
            if not (await statuses())["queued"] and not (await statuses())["sending"]:
                break
            victim = chance.randrange(WORKERS)
            workers[victim].send_signal(signal.SIGKILL)
            workers[victim].wait()
            killed[point] += 1
            await end_leases_of_the_dead()
            workers[victim] = worker(port)
        while (found := await statuses())["queued"] or found["sending"]:
            await asyncio.sleep(0.1)
            await end_leases_of_the_dead()
    finally:
        for process in workers:
            process.terminate()
        for process in workers:
            stopped(process)
    return killed


async def reach(point: str, ledger: Path, chance: random.Random) -> None:
    """Waits for the moment: `claimed` when a worker has just claimed, `taken` when the server has just got a mail."""
    if point == "claimed":
        before = (await statuses())["queued"]
        while before and (await statuses())["queued"] == before:  # noqa: ASYNC110, another process does it
            await asyncio.sleep(0.002)
    elif point == "taken":
        before = taken(ledger)
        for _ in range(1000):
            if taken(ledger) > before:
                return
            await asyncio.sleep(0.001)
    else:
        await asyncio.sleep(chance.uniform(0, 0.3))


async def until_taken(ledger: Path, mails: int) -> None:
    while taken(ledger) < mails:
        if not (found := await statuses())["queued"] and not found["sending"]:
            return
        await asyncio.sleep(0.05)
        await end_leases_of_the_dead()


def taken(ledger: Path) -> int:
    return ledger.read_bytes().count(b"\n")


async def end_leases_of_the_dead() -> None:
    """What nobody renews is due again; living workers renew their 45 seconds every 15."""
    await DB._run_in_pool(
        "UPDATE message SET lease_until = now()"
        " WHERE status = 'sending' AND lease_until < now() + interval '27 seconds'"
    )


async def rows() -> Mapping[str, str]:
    found = await DB._run_in_pool("SELECT message_id, status FROM message")
    return {row["message_id"]: row["status"] for row in found}


def judged(messages: Mapping[str, str], mails: list[str], killed: Counter[str]) -> dict[str, Any]:
    """The ledger: what is in the outbox, what the server took, and what must be nothing."""
    arrived = Counter(mails)
    twice = sum(count - 1 for count in arrived.values())
    allowed = CONNECTIONS * killed.total()
    return {
        "rows": len(messages),
        "sent": sum(status == "sent" for status in messages.values()),
        "by_status": dict(Counter(messages.values())),
        "kills": dict(killed),
        "mails": len(mails),
        "lost": sum(identifier not in arrived for identifier in messages),
        "unknown": sum(identifier not in messages for identifier in arrived),
        "duplicates": twice,
        "duplicates_allowed": allowed,
        "most_of_one": max(arrived.values(), default=0),
        "given_up_after_claims_lost": CLAIMS_LOST,
        "holds": not (set(messages) ^ set(arrived))
        and set(messages.values()) == {"sent"}
        and twice <= allowed,
    }


def stopped(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--messages", type=int, default=10_000)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--seed", type=int, default=1, help="of the random points")
    chosen = options.parse_args()
    found = asyncio.run(measure(chosen.messages, chosen.kills, chosen.seed))
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    sys.exit(0 if found["holds"] else 1)
