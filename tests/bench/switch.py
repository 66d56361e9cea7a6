"""Seconds from the reading that moves an event online to the commit, and to the last mail; prints one JSON document.

One in seven of its people waits, and moves up. The hall is full, each has one of four groups, and all confirmed people
hold a calendar entry. `dialograum serve` with its background work and a `dialograum worker` beside it send to a mail
server in a process of its own, while somebody looks at the event's page and the home page all the time: what 95 in 100
of these visits took at most is printed for the time before, until the commit and until the last mail. `holds`:
everybody was told exactly once, nobody lost a place, and who waited moved up.
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx

from dialograum import publishing
from dialograum.database import DB
from hybrid.evaluation import take_report
from hybrid.indicators import BUILT_IN
from hybrid.reports import Row, SeriesReport
from tests.bench.admission import ROOT, answering
from tests.bench.post import gather, installed, sinking, worker
from tests.hybrid.files import COUNTIES
from tests.postgres import free_port, short_folder

PEOPLE = (1000, 10_000, 100_000)
BEFORE_SECONDS = 5
INDICATOR, COUNTY = BUILT_IN["rki-incidence"], "05754"
RULE = {
    "indicator": INDICATOR.name,
    "region": COUNTY,
    "enter_at": 400,
    "leave_at": 300,
    "enter_after": 1,
    "settle_days": 0,
    "evaluate_days": 60,
}
WAIT = """
    WITH late AS (
        UPDATE registration SET status = 'waitlisted'
        WHERE id IN (SELECT r.id FROM registration r JOIN event e ON e.id = r.event WHERE e.slug = $1
            ORDER BY r.arrival DESC LIMIT $2)
        RETURNING id
    ), seated AS (
        DELETE FROM group_seat USING late WHERE registration = late.id
    )
    DELETE FROM invitation USING late WHERE registration = late.id
"""
WISHES = """
    UPDATE registration SET wishes = '{"groups": ["wohnen", "bildung"]}'
    WHERE event = (SELECT id FROM event WHERE slug = $1)
"""
COUNTED = """
    UPDATE event SET in_person_taken = $2, in_person_waiting = $3, in_person_limit = $2, capacity = $2
    WHERE slug = $1
"""
SLOTS = """
    UPDATE group_slot SET taken = (SELECT coalesce(sum(seats), 0) FROM group_seat WHERE slot = group_slot.id)
    FROM working_group g JOIN event e ON e.id = g.event WHERE g.id = group_slot."group" AND e.slug = $1
"""
OUTCOME = """
    SELECT e.mode, e.online_taken, e.online_waiting,
        (SELECT count(*) FROM registration r WHERE r.event = e.id AND status = 'confirmed'
            AND attendance = 'online') AS online,
        (SELECT count(*) FROM mode_switch s WHERE s.event = e.id) AS switches,
        (SELECT count(DISTINCT m.about) FROM message m WHERE m.event_id = e.id AND m.status = 'sent') AS told
    FROM event e WHERE e.slug = $1
"""


async def measure(sizes: tuple[int, ...]) -> dict[str, Any]:
    return {"machine": {"cores": os.cpu_count()}, "switches": [await one(people) for people in sizes]}


async def one(people: int) -> dict[str, Any]:
    """An event of that size moves online, in an installation of its own."""
    with short_folder() as folder:
        figures = folder / "figures.csv"
        figures.write_text(COUNTIES)
        os.environ |= {
            "DIALOGRAUM_INDICATOR_URLS": json.dumps({INDICATOR.name: f"file://{figures}"}),
            "DIALOGRAUM_JITSI_URLS": "http://127.0.0.1:9",
        }
        async with installed(folder):
            return await moved("switch", people, people // 7, folder)


async def moved(slug: str, people: int, waiting: int, folder: Path) -> dict[str, Any]:
    ledger, visits = folder / "mails", folder / "visits"
    await gather(slug, people)
    await fill_up(slug, people - waiting, waiting)
    paths = (f"/events/{slug}", "/")
    with sinking(ledger) as port, serving(port) as (url, number), also_working(port):
        await answering(number)
        await warm(url, paths)
        with visiting(url, visits, *paths):
            await asyncio.sleep(BEFORE_SECONDS)
            began = time.monotonic()
            await rise()
            committed = time.monotonic()
            await until_nothing_waits()
            ended = time.monotonic()
    seen = [tuple(map(float, line.split())) for line in visits.read_text().splitlines()]
    (row,) = await DB._run_in_pool(OUTCOME, [slug])
    mails = Counter(ledger.read_text().split())
    await DB._run_in_pool("DELETE FROM message")
    return {
        "people": people,
        "of_them_waiting": waiting,
        "commit_seconds": round(committed - began, 2),
        "last_mail_seconds": round(ended - began, 2),
        "pages_p95_ms": {
            "before": p95(seen, began - BEFORE_SECONDS, began),
            "until_commit": p95(seen, began, committed),
            "until_last_mail": p95(seen, committed, ended),
        },
        "holds": (row["mode"], row["online_taken"], row["online_waiting"], row["online"], row["switches"])
        == ("digital", people, 0, people, 1)
        and row["told"] == len(mails) == mails.total() == people,
    }


async def fill_up(slug: str, seated: int, waiting: int) -> None:
    """Makes the last of the people wait, and lets the event listen to the figures."""
    await DB._run_in_pool(WAIT, [slug, waiting])
    await DB._run_in_pool(WISHES, [slug])
    await DB._run_in_pool(SLOTS, [slug])
    await DB._run_in_pool(COUNTED, [slug, seated, waiting])
    await publishing.patch(slug, {"mode_rules": [RULE]}, None, datetime.now(UTC))
    await DB._run_in_pool("ANALYZE registration, invitation, group_seat, message")


async def warm(url: str, paths: tuple[str, ...]) -> None:
    """Both workers have answered."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        for _ in range(20):
            for path in paths:
                (await client.get(path)).raise_for_status()


async def rise() -> None:
    """The report with which the event moves."""
    now = datetime.now(UTC)
    today = now.astimezone(INDICATOR.zone).date()
    said = SeriesReport(
        today, {COUNTY: tuple(Row(today - timedelta(days=age), 500) for age in range(9, -1, -1))}
    )
    await take_report(
        INDICATOR,
        said,
        address=INDICATOR.address,
        checksum=sha256(repr((said, now)).encode()).hexdigest(),
        read_at=now,
        now=now,
    )


async def until_nothing_waits() -> None:
    while True:
        (row,) = await DB._run_in_pool(
            "SELECT EXISTS (SELECT FROM message WHERE status IN ('queued', 'sending')) AS waits"
        )
        if not row["waits"]:
            return
        await asyncio.sleep(0.05)


def p95(seen: list[tuple[float, ...]], begin: float, end: float) -> float | None:
    """Of the visits that began or ended in that time."""
    took = [spent for at, spent in seen if at + spent / 1000 >= begin and at < end]
    return round(statistics.quantiles(took, n=20)[-1], 1) if len(took) > 1 else None


@contextlib.contextmanager
def serving(mail_port: int) -> Iterator[tuple[str, int]]:
    """`dialograum serve` with its background work: its address and port."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "dialograum.cli", "serve", f"--port={port}", "--workers=2"],
        cwd=ROOT,
        env=os.environ | {"DIALOGRAUM_MAIL_URL": f"smtp://127.0.0.1:{mail_port}?starttls=never"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}", port
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def also_working(mail_port: int) -> Iterator[None]:
    process = worker(mail_port)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def visiting(url: str, ledger: Path, *paths: str) -> Iterator[None]:
    """Somebody who looks at these pages; the ledger has a line for each visit."""
    with ledger.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.visiting", url, *paths], cwd=ROOT, stdout=written
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, nargs="+", default=PEOPLE)
    chosen = options.parse_args()
    found = asyncio.run(measure(tuple(chosen.people)))
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    sys.exit(0 if all(one["holds"] for one in found["switches"]) else 1)
