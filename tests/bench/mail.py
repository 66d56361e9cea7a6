"""Mails per second from the outbox to a mail server, beside bare aiosmtplib; prints one JSON document.

One `dialograum worker`, four connections, a mail server in a process of its own on the same machine. Bare is aiosmtplib
with one prebuilt mail of the same kind over as many connections. Rates are medians of interleaved runs; ours is from
the commit of the rows until all of them say that they are sent.
Besides: how long a change of the event takes until everybody's message is queued, and until all are sent.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import aiosmtplib
from msgspec.structs import replace

from dialograum import publishing
from dialograum.database import DB
from dialograum.mailing import composer_of
from dialograum.settings import Settings
from events.queries import details_of, event_named
from notifications import outbox
from notifications.delivery import Letter
from registration.messages import tell
from registration.queries import active_registrations
from tests.bench.post import gather, installed, sinking, until_sent, working
from tests.postgres import short_folder

CONNECTIONS = 4


async def measure(messages: int, people: int, runs: int) -> dict[str, Any]:
    with short_folder() as folder:
        async with installed(folder) as settings:
            await gather("bench", messages)
            letter = await sample(settings)
            with sinking(folder / "ledger") as port:
                rates = await compared(port, letter, messages, runs)
                told = [await change(port, f"change-{number}", people) for number in range(runs)]
    ours, bare = (statistics.median(rates[name]) for name in ("ours", "bare"))
    return {
        "machine": {"cores": os.cpu_count()},
        "connections": CONNECTIONS,
        "mail_bytes": len(letter.content),
        "messages": messages,
        "per_second": {"ours": round(ours), "bare": round(bare), "ours_to_bare": round(ours / bare, 2)},
        "runs": {name: [round(rate) for rate in found] for name, found in rates.items()},
        "change": {
            "people": people,
            "queued_seconds": round(statistics.median(queued for queued, _ in told), 2),
            "sent_seconds": round(statistics.median(sent for _, sent in told), 2),
        },
    }


async def compared(port: int, letter: Letter, messages: int, runs: int) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {"ours": [], "bare": []}
    with working(port):
        await tell_all("bench", 20)
        await until_sent(20)
        for _ in range(runs):
            await DB._run_in_pool("DELETE FROM message")
            await tell_all("bench", messages)
            began = time.perf_counter()
            await until_sent(messages)
            rates["ours"].append(messages / (time.perf_counter() - began))
            rates["bare"].append(await bare(port, letter, messages))
    return rates


async def tell_all(slug: str, people: int) -> None:
    """Writes messages and commits them; the worker sleeps until then."""
    async with DB.transaction():
        event = await details_of(await event_named(slug))
        confirmed = await active_registrations(event.id)
        await tell("confirmed", event, [person.id for person in confirmed[:people]])


async def bare(port: int, letter: Letter, messages: int) -> float:
    async def send(number: int) -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
            for _ in range(number):
                await client.sendmail(letter.sender, [letter.recipient], letter.content)

    began = time.perf_counter()
    await asyncio.gather(*(send(messages // CONNECTIONS) for _ in range(CONNECTIONS)))
    return messages // CONNECTIONS * CONNECTIONS / (time.perf_counter() - began)


async def sample(settings: Settings) -> Letter:
    await tell_all("bench", 1)
    claims = await outbox.claim(1, "example.org")
    letter = (await composer_of(settings).compose(claims))(claims[0])
    await DB._run_in_pool("DELETE FROM message")
    return letter


async def change(port: int, slug: str, people: int) -> tuple[float, float]:
    """Seconds until everybody's message is queued, and until all are sent: the event begins five minutes later."""
    await DB._run_in_pool("DELETE FROM message")
    await gather(slug, people)
    before = await publishing.document_of(slug)
    moved = replace(before, starts_at=before.starts_at + timedelta(minutes=5))
    with working(port):
        await tell_all(slug, 1)
        await until_sent(1)
        began = time.perf_counter()
        await publishing.edit(slug, moved, None, datetime.now(UTC))
        queued = time.perf_counter() - began
        await until_sent(people + 1)
        return queued, time.perf_counter() - began


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--messages", type=int, default=4000)
    options.add_argument("--people", type=int, default=1000, help="who are told of a change")
    options.add_argument("--runs", type=int, default=3)
    chosen = options.parse_args()
    found = asyncio.run(measure(chosen.messages, chosen.people, chosen.runs))
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
