"""The database dies in the middle of a switch: its workers come back by themselves, and it happens once."""

import asyncio
import contextlib
import json
import signal
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from dialograum import database as db
from dialograum import publishing
from dialograum.event_file import from_document
from dialograum.settings import Settings
from events.queries import details
from events.rules import Mode
from hybrid.evaluation import evaluate_waiting
from hybrid.tables import Report
from notifications.tables import Message
from tests.forum import forum
from tests.hybrid.files import COUNTIES
from tests.hybrid.jitsi import jitsi
from tests.hybrid.origin import answer, origin
from tests.hybrid.test_killed import CAPACITIES, EVERYBODY, ONCE_EACH, assert_moved_once, fill
from tests.hybrid.town import COUNTY, INCIDENCE, RULE, publish
from tests.notifications.sink import listening
from tests.notifications.working import until
from tests.postgres import short_folder, tcp_server
from tests.registration.town import watched

outbox = pytest.fixture(watched)

PATIENCE = 240
"""Also for a mail that could not be written while the database was away, and is tried again a minute later."""

CONNECTIONS = 4
"""That a worker keeps open to the mail server."""

NOT_RECORDED = "could not be recorded yet"

DEATHS = [
    ("moved", "by -9"),
    ("written", "immediate"),
    ("logged", "by -9"),
    ("told", "immediate"),
    ("before-commit", "by -9"),
    ("before-commit", "immediate"),
]
"""Points within the transaction of a switch, and how the database dies there."""

ADDRESSES = Counter(f"{name}@example.org" for name in EVERYBODY)


@pytest.fixture(scope="module")
async def server():
    """A database server of these tests' own."""
    with short_folder() as folder:
        async with tcp_server(folder) as server:
            yield server


@pytest.fixture(scope="module")
async def _databases(server, data_dir):
    settings = Settings(data_dir=data_dir, database_url=server.address, secret_key="s" * 40)
    db.DB.pool = None
    await db.connect(settings)
    await db.migrate()
    ready = settings, db.DB.config, db.DB.pool

    async def database_of(kind):
        return ready

    yield database_of
    await db.disconnect()
    db.DB.pool = None


class Town:
    """An event one report before it moves, a source, a mail server, and two workers that read and send."""

    def __init__(self, source, sink, environment, log):
        self.source, self.sink, self._environment, self.log = source, sink, environment, log
        self.today = datetime.now(UTC).date()
        self.workers = []

    async def prepare(self):
        day = self.today + timedelta(days=14)
        document = forum(
            starts_at=f"{day}T16:00:00",
            ends_at=f"{day}T19:00:00",
            registration={"closes_at": f"{day}T12:00:00", **CAPACITIES},
            mode_rules=[RULE],
            sessions=None,
            groups=None,
        )
        now = datetime.now(UTC)
        await publishing.create(from_document(document), None, now, languages=("de", "en"))
        await fill(now)
        self.report(self.today - timedelta(days=1))

    def report(self, day):
        """The source's report of a day, above the threshold."""
        row = f"{day},{COUNTY},100000,1,1,1,500"
        self.source.serve(answer("\n".join([COUNTIES.partition("\n")[0], row, ""]).encode()))

    async def work(self, point):
        """Starts two workers that halt at the point; returns once both are there and have read the first report."""
        with self.log.open("w") as log:
            for _ in range(2):
                self.workers.append(
                    await asyncio.create_subprocess_exec(
                        *(sys.executable, "-m", "tests.hybrid.halted", point),
                        env=self._environment,
                        stdin=asyncio.subprocess.PIPE,
                        stdout=asyncio.subprocess.PIPE,
                        stderr=log,
                    )
                )
        await until(self.both_listen, PATIENCE)
        await until(lambda: kept(1), PATIENCE)

    async def both_listen(self):
        """Whether both workers have a connection on which they hear of new messages."""
        rows = await Message.raw(
            "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
        )
        return len(rows) == len(self.workers)

    async def has_moved(self):
        return (await details("forum")).mode is Mode.DIGITAL

    async def halts(self):
        """Waits until one of the workers has come to the point."""
        said = [asyncio.create_task(worker.stdout.readline()) for worker in self.workers]
        done, others = await asyncio.wait(said, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()
        await asyncio.wait(said)
        assert [task.result() for task in done] == [b"halted\n"]

    def go_on(self):
        for worker in self.workers:
            worker.stdin.write(b"\n")

    async def stop(self):
        """Asks the workers to end; how they ended."""
        for worker in self.workers:
            with contextlib.suppress(ProcessLookupError):
                worker.send_signal(signal.SIGTERM)
        return [await asyncio.wait_for(worker.wait(), PATIENCE) for worker in self.workers]


@pytest.fixture
async def town(environment, tmp_path):
    async with origin() as source, listening() as sink, jitsi() as meetings:
        settings = {
            "MAIL_URL": f"smtp://127.0.0.1:{sink.port}?starttls=never",
            "JITSI_URLS": meetings.url,
            "INDICATOR_URLS": json.dumps({INCIDENCE.name: source.url()}),
            "INDICATOR_INTERVAL": "1",
        }
        given = environment | {f"DIALOGRAUM_{key}": value for key, value in settings.items()}
        town = Town(source, sink, given, tmp_path / "log")
        try:
            yield town
        finally:
            for worker in town.workers:
                with contextlib.suppress(ProcessLookupError):
                    worker.kill()
                await worker.wait()


async def kept(number):
    return await Report.count() == number


async def nothing_waits():
    return not await Message.exists().where(Message.status.is_in(["queued", "sending"]))


async def assert_told_once(town, outbox):
    """Everybody was told, and nothing waits that could tell anybody again."""
    await until(town.has_moved, PATIENCE)
    await until(nothing_waits, PATIENCE)
    await until(town.both_listen, PATIENCE)
    await evaluate_waiting({INCIDENCE.name: INCIDENCE}, datetime.now(UTC))
    await publish(town.today, 500)
    assert [worker.returncode for worker in town.workers] == [None, None]
    assert await town.stop() == [0, 0]
    await assert_moved_once(by=town.today)
    assert (
        sorted((letter["recipient_name"], letter["kind"]) for letter in await outbox.letters()) == ONCE_EACH
    )
    assert Counter(town.sink.recipients) == ADDRESSES


@pytest.mark.parametrize(("point", "how"), DEATHS)
async def test_a_database_that_dies_in_a_switch_leaves_none_and_then_there_is_one(
    outbox, town, server, point, how
):
    await town.prepare()
    await outbox.news()
    await town.work(point)
    town.report(town.today)
    await town.halts()
    await server.die(at_once=how == "by -9")
    town.go_on()
    await server.start()
    await assert_told_once(town, outbox)


@pytest.mark.parametrize("how", ["immediate", "by -9"])
async def test_a_database_that_dies_while_mails_leave_brings_none_twice(outbox, town, server, how):
    going, go_on = 0, asyncio.Event()

    async def slowly():
        nonlocal going
        going += 1
        await go_on.wait()

    async def all_go_over():
        return going >= CONNECTIONS

    async def none_is_recorded():
        """Whether all are taken, and a worker has found that it cannot write that down."""
        return len(town.sink.letters) == going and NOT_RECORDED in town.log.read_text()

    await town.prepare()
    await outbox.news()
    town.sink.answer("DATA", *[slowly] * len(EVERYBODY))
    await town.work("never")
    town.report(town.today)
    await until(all_go_over, PATIENCE)
    await server.die(at_once=how == "by -9")
    go_on.set()
    await until(none_is_recorded, PATIENCE)
    await server.start()
    await assert_told_once(town, outbox)
