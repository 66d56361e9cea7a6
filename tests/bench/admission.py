"""Registrations per second over HTTP, in batches and plainly, beside an empty handler; prints one JSON document.

Two workers, one event, ten times as much demand as capacity, four groups, limits off, two in a hundred asking twice.
The load comes from wrk where there is one, else from a client of our own, which is slower. Rates are medians of
interleaved runs. The mail worker does not run.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from dialograum import embedded, publishing
from dialograum.database import DB, connected, migrate
from dialograum.event_file import from_document
from dialograum.settings import Settings
from tests.bench.load import Load, run
from tests.forum import forum
from tests.postgres import free_port, short_folder

ROOT = Path(__file__).parents[2]
CLIENTS = (1, 64, 256, 1000)
VARIANTS = {
    "empty": "/api/v1/bench/empty",
    "plain": "/api/v1/bench/plain/{}",
    "alone": "/api/v1/bench/alone/{}",
    "batches": "/api/v1/events/{}/registrations",
}
GROUPS = ("wohnen", "bildung", "arbeit", "umwelt")


async def measure(seconds: float, runs: int, clients: tuple[int, ...], filled: int) -> dict[str, Any]:
    with short_folder() as folder:
        async with installed(folder) as url:
            await hold("warm", 100)
            for variant in VARIANTS:
                await run(url, VARIANTS[variant].format("warm"), f"w{variant}", clients=16, seconds=1)
            return {
                "machine": {"cores": os.cpu_count(), "client": Load.name()},
                "clients": {number: await compared(url, number, seconds, runs) for number in clients},
                "known_and_unknown": await told_apart(url),
                "with_registrations": await grown(url, seconds, runs, filled) if filled else None,
            }


async def compared(url: str, clients: int, seconds: float, runs: int) -> dict[str, Any]:
    """All variants, one after the other, several times."""
    found: dict[str, list[Load]] = {variant: [] for variant in VARIANTS}
    checks = []
    for number in range(runs):
        for variant, path in VARIANTS.items():
            slug = f"{variant}-{clients}-{number}"
            rate = statistics.median(load.rate for load in found[variant]) if number else 300
            if variant != "empty":
                await hold(slug, max(10, int(rate * seconds / 10)))
            load = await run(url, path.format(slug), slug, clients=clients, seconds=seconds)
            found[variant].append(load)
            await at_rest()
            if variant != "empty":
                checks.append(await checked(slug, load))
    medians = {variant: median(loads) for variant, loads in found.items()}
    rates = {variant: medians[variant]["per_second"] for variant in VARIANTS}
    return {
        **medians,
        "batches_to_plain": round(rates["batches"] / rates["plain"], 2),
        "batches_to_alone": round(rates["batches"] / rates["alone"], 2),
        "batches_to_empty": round(rates["batches"] / rates["empty"], 2),
        "invariants": {name: sum(check[name] for check in checks) for name in checks[0]},
    }


async def told_apart(url: str, calls: int = 300) -> dict[str, float]:
    """Whether the time of an answer tells a known address from a new one: medians of alternating single calls."""
    await hold("telling", 10 * calls)
    times: dict[str, list[float]] = {"known": [], "unknown": []}
    async with httpx.AsyncClient(base_url=url) as client:
        for number in range(calls + 1):
            for kind, name in (("known", "kim"), ("unknown", f"k{number}")):
                body = {
                    "name": "Kim Muster",
                    "email": f"{name}@example.org",
                    "groups": {"groups": ["wohnen"]},
                }
                began = time.perf_counter()
                answer = await client.post(VARIANTS["batches"].format("telling"), json=body)
                times[kind].append((time.perf_counter() - began) * 1000)
                answer.raise_for_status()
    medians = {f"{kind}_ms": round(statistics.median(found[1:]), 2) for kind, found in times.items()}
    return {**medians, "known_to_unknown": round(medians["known_ms"] / medians["unknown_ms"], 3)}


async def grown(url: str, seconds: float, runs: int, filled: int) -> dict[str, Any]:
    """Batches at 256 clients, with hardly anything and with very much in the database."""
    before = [await batches(url, f"few-{number}", seconds) for number in range(runs)]
    await fill(filled)
    after = [await batches(url, f"many-{number}", seconds) for number in range(runs)]
    few, many = median(before), median(after)
    return {
        "few": few,
        "many": many,
        "registrations": filled,
        "many_to_few": round(many["per_second"] / few["per_second"], 2),
    }


async def batches(url: str, slug: str, seconds: float) -> Load:
    await hold(slug, 1000)
    load = await run(url, VARIANTS["batches"].format(slug), slug, clients=256, seconds=seconds)
    await at_rest()
    return load


def median(loads: list[Load]) -> dict[str, float]:
    return {
        "per_second": round(statistics.median(load.rate for load in loads)),
        "slowest": round(min(load.rate for load in loads)),
        "fastest": round(max(load.rate for load in loads)),
        **{
            f"p{percent}_ms": round(statistics.median(load.latency[percent] for load in loads), 2)
            for percent in (50, 95, 99)
        },
        "refused": sum(load.refused for load in loads),
    }


async def at_rest() -> None:
    """Waits until nobody is registered any more: what clients leave behind is worked off."""
    before, now = -1, 0
    while before != now:
        await asyncio.sleep(0.7)
        (row,) = await DB._run_in_pool("SELECT count(*) AS messages FROM message")
        before, now = now, row["messages"]


async def hold(slug: str, capacity: int) -> None:
    sessions = forum()["sessions"]
    groups = [
        {"key": key, "session": "groups", "capacity": capacity // 5 + 1, "title": {"de": key}}
        for key in GROUPS
    ]
    document = forum(slug=slug, groups=groups, sessions=sessions, registration={"capacity": capacity})
    await publishing.create(from_document(document), None, datetime.now(UTC), languages=["de", "en"])


async def checked(slug: str, load: Load) -> dict[str, int]:
    """What must be nothing: seats beyond the capacity, answers without a row, two rows of one address, and the like."""
    (row,) = await DB._run_in_pool(
        """
        WITH mine AS (SELECT r.* FROM registration r JOIN event e ON e.id = r.event WHERE e.slug = $1)
        SELECT
            greatest(0, (SELECT sum(seats) FROM mine WHERE status = 'pending') - capacity) AS oversold,
            abs(in_person_taken - (SELECT coalesce(sum(seats), 0) FROM mine WHERE status = 'pending')) AS miscounted,
            abs(in_person_waiting - (SELECT count(*) FROM mine WHERE status = 'waitlisted')) AS miscounted_waiting,
            (SELECT coalesce(sum(greatest(0, s.taken - s.seat_limit) + abs(s.taken - (
                SELECT coalesce(sum(seats), 0) FROM group_seat WHERE slot = s.id))), 0)
                FROM group_slot s JOIN working_group g ON g.id = s.group WHERE g.event = event.id) AS groups_oversold,
            (SELECT count(*) - count(DISTINCT address) FROM mine) AS doubled,
            greatest(0, $2 - (SELECT count(*) FROM message WHERE event_id = event.id)) AS lost,
            (SELECT count(*) FROM mine WHERE NOT EXISTS (SELECT FROM message WHERE about = mine.id)) AS untold
        FROM event WHERE slug = $1
        """,
        [slug, load.answered],
    )
    return {name: int(value or 0) for name, value in row.items()}


async def fill(registrations: int) -> None:
    """Another event with very many registrations."""
    await hold("crowd", registrations)
    await DB._run_in_pool(
        """
        INSERT INTO registration (id, event, number, name, email, address, language, status, attendance, seats,
            wishes, answers, registered_at, confirmed_at, confirm_nonce, own_nonce, join_nonce)
        SELECT gen_random_uuid(), e.id, 'AAAA-AAAA', 'Kim Muster', n || '@example.org', n || '@example.org', 'de',
            'confirmed', 'in_person', 1, '{}', '{}', now(), now(), '0000000000000000', '0000000000000000',
            '0000000000000000'
        FROM event e, generate_series(1, $1) AS n WHERE e.slug = 'crowd'
        """,
        [registrations],
    )
    await DB._run_in_pool("UPDATE event SET in_person_taken = $1 WHERE slug = 'crowd'", [registrations])
    await DB._run_in_pool("ANALYZE registration")


@asynccontextmanager
async def installed(folder: Path) -> AsyncIterator[str]:
    """The address of the service on a database of its own."""
    os.environ.update(
        DIALOGRAUM_DATA_DIR=str(folder), DIALOGRAUM_CLIENT_LIMIT="0", DIALOGRAUM_ADDRESS_LIMIT="0"
    )
    port = free_port()
    async with connected(Settings()):
        await migrate()
        server = subprocess.Popen([sys.executable, "-m", "tests.bench.serving", str(port)], cwd=ROOT)
        try:
            await answering(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()
    embedded.leave(folder)


async def answering(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=5)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--clients", type=int, nargs="*", default=CLIENTS)
    options.add_argument("--filled", type=int, default=1_000_000, help="0 leaves that part out")
    chosen = options.parse_args()
    found = asyncio.run(measure(chosen.seconds, chosen.runs, tuple(chosen.clients), chosen.filled))
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
