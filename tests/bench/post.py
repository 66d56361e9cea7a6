"""A town that writes mails: people at an event, a mail server that takes all, worker processes and ledgers."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from dialograum import embedded
from dialograum.database import DB, connected, migrate
from dialograum.settings import Settings
from tests.bench.admission import ROOT, hold

PEOPLE = """
    INSERT INTO registration (id, event, number, name, email, address, language, status, attendance, seats,
        wishes, answers, registered_at, confirmed_at, confirm_nonce, own_nonce, join_nonce)
    SELECT gen_random_uuid(), e.id, 'AAAA-AAAA', 'Kim Muster', e.slug || '-' || n || '@example.org',
        e.slug || '-' || n || '@example.org', 'de', 'confirmed', 'in_person', 1, '{}', '{}', now(), now(),
        '0000000000000000', '0000000000000000', '0000000000000000'
    FROM event e, generate_series(1, $1) AS n WHERE e.slug = $2
"""
INVITED = """
    INSERT INTO invitation (registration, sequence)
    SELECT r.id, 0 FROM registration r JOIN event e ON e.id = r.event WHERE e.slug = $1
"""
SEATED = """
    INSERT INTO group_seat (registration, slot, seats)
    SELECT r.id, s.id, 1
    FROM (SELECT *, row_number() OVER (ORDER BY arrival) AS n FROM registration) r
    JOIN event e ON e.id = r.event
    JOIN (
        SELECT s.id, g.event, row_number() OVER (PARTITION BY g.event ORDER BY s.id) AS k
        FROM group_slot s JOIN working_group g ON g.id = s.group
    ) s ON s.event = e.id AND s.k = r.n % 4 + 1
    WHERE e.slug = $1
"""


@contextlib.asynccontextmanager
async def installed(folder: Path) -> AsyncIterator[Settings]:
    """A database of its own; `DIALOGRAUM_…` of this process lead to it."""
    os.environ["DIALOGRAUM_DATA_DIR"] = str(folder)
    async with connected(Settings()):
        await migrate()
        yield Settings()
    embedded.leave(folder)


async def gather(slug: str, people: int) -> None:
    """An event with so many confirmed people, each in one of four groups."""
    await hold(slug, people * 2)
    await DB._run_in_pool(PEOPLE, [people, slug])
    await DB._run_in_pool(INVITED, [slug])
    await DB._run_in_pool("UPDATE event SET in_person_taken = $1 WHERE slug = $2", [people, slug])
    await DB._run_in_pool(SEATED, [slug])
    await DB._run_in_pool(
        "UPDATE group_slot SET taken = (SELECT coalesce(sum(seats), 0) FROM group_seat WHERE slot = group_slot.id)"
        ' FROM working_group g JOIN event e ON e.id = g.event WHERE g.id = group_slot."group" AND e.slug = $1',
        [slug],
    )
    await DB._run_in_pool("ANALYZE registration, invitation, group_seat, message")


@contextlib.contextmanager
def sinking(ledger: Path, answer_seconds: float = 0.0) -> Iterator[int]:
    """The port of a mail server in a process of its own, which writes the Message-IDs that it took into the ledger."""
    ledger.touch()
    sink = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.sink", str(ledger), str(answer_seconds)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert sink.stdout is not None
    try:
        yield int(sink.stdout.readline())
    finally:
        sink.terminate()
        sink.wait()
        sink.stdout.close()


def worker(port: int) -> subprocess.Popen[bytes]:
    """`dialograum worker` with this mail server, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "dialograum.cli", "worker"],
        cwd=ROOT,
        env=os.environ | {"DIALOGRAUM_MAIL_URL": f"smtp://127.0.0.1:{port}?starttls=never"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@contextlib.contextmanager
def working(port: int) -> Iterator[None]:
    process = worker(port)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


async def statuses() -> Counter[str]:
    """How many messages have each status."""
    rows = await DB._run_in_pool("SELECT status, count(*) AS messages FROM message GROUP BY status")
    return Counter({row["status"]: row["messages"] for row in rows})


async def until_sent(messages: int) -> None:
    while (await statuses())["sent"] < messages:  # noqa: ASYNC110, another process does it
        await asyncio.sleep(0.05)
