"""The embedded server, seen from processes that come and go."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest

from dialograum import embedded
from dialograum.failures import EmbeddedRefused
from tests.postgres import short_folder

VISITOR = """
import asyncio, sys
from pathlib import Path
from dialograum import embedded
asyncio.run(embedded.start(Path(sys.argv[1]), durable=False))
print("started", flush=True)
sys.stdin.read()
"""


class Visitor:
    """A process that uses the server until it is told to leave, or is killed."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", VISITOR, str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def arrive(self):
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"started\n"
        return self

    def leave(self):
        self.process.communicate(timeout=60)

    def kill(self):
        self.process.kill()
        self.process.communicate()


def server_of(data_dir: Path) -> psutil.Process | None:
    return embedded._postmaster(data_dir / "postgres")


@pytest.fixture
def data_dir():
    with short_folder() as folder:
        yield folder
        embedded.leave(folder)
        assert server_of(folder) is None


@pytest.fixture(scope="module")
async def finished():
    """A cluster to copy, since making one takes a second or two."""
    with short_folder() as folder:
        await embedded.start(folder, durable=False)
        embedded.leave(folder)
        yield folder / "postgres"


@pytest.fixture
def town(data_dir, finished):
    subprocess.run(["cp", "-a", finished, data_dir], check=True)
    return data_dir


async def answer(data_dir: Path) -> int:
    connection = await asyncpg.connect(
        host=str(data_dir / "postgres"), user=embedded.OWNER, database=embedded.DATABASE
    )
    try:
        return int(await connection.fetchval("SELECT 42"))
    finally:
        await connection.close()


async def test_the_server_outlives_the_first_to_leave_and_goes_with_the_last(town):
    first = Visitor(town).arrive()
    second = Visitor(town).arrive()
    server = server_of(town)
    first.leave()
    assert server_of(town) == server
    assert await answer(town) == 42
    second.leave()
    assert server_of(town) is None


async def test_processes_that_start_at_once_share_one_server(data_dir):
    visitors = [Visitor(data_dir) for _ in range(4)]
    for visitor in visitors:
        visitor.arrive()
    assert len([p for p in psutil.process_iter(["name"]) if is_postmaster_of(p, data_dir)]) == 1
    for visitor in visitors:
        visitor.leave()


def is_postmaster_of(process: psutil.Process, data_dir: Path) -> bool:
    try:
        if process.name() != "postgres" or Path(process.cwd()) != data_dir / "postgres":
            return False
        parent = process.parent()
        return parent is None or parent.name() != "postgres"
    except psutil.Error:
        return False


async def test_a_killed_process_leaves_no_handle_behind(town):
    killed = Visitor(town).arrive()
    other = Visitor(town).arrive()
    killed.kill()
    assert await answer(town) == 42
    other.leave()
    assert server_of(town) is None


async def test_a_server_whose_processes_were_all_killed_is_taken_over(town):
    Visitor(town).arrive().kill()
    assert server_of(town) is not None
    await embedded.start(town, durable=False)
    assert await answer(town) == 42
    embedded.leave(town)
    assert server_of(town) is None


async def test_after_a_crash_of_the_server_another_process_may_bear_its_number(town):
    await embedded.start(town, durable=False)
    server = server_of(town)
    assert server is not None
    pid_file = town / "postgres" / "postmaster.pid"
    written = pid_file.read_text()
    embedded.leave(town)
    # As after a power cut: the file stands, and a process of the same user has got the number.
    stranger = subprocess.Popen(["sleep", "60"], user=embedded._system_user())
    try:
        pid_file.write_text(written.replace(str(server.pid), str(stranger.pid), 1))
        await embedded.start(town, durable=False)
        assert await answer(town) == 42
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_only_its_owner_may_enter_the_folder_of_the_socket(town):
    await embedded.start(town, durable=False)
    embedded.leave(town)
    assert (town / "postgres").stat().st_mode & 0o777 == 0o700
    (town / "postgres").chmod(0o755)
    with pytest.raises(EmbeddedRefused, match="0700"):
        await embedded.start(town, durable=False)
    (town / "postgres").chmod(0o700)


async def test_a_path_too_long_for_a_socket_is_refused(data_dir):
    with pytest.raises(EmbeddedRefused, match=r"DIALOGRAUM_DATA_DIR.*too long"):
        await embedded.start(data_dir / ("x" * 100))


async def test_a_path_may_have_spaces_and_quotes(town):
    odd = town / "Bürger & 'Rat' $HOME"
    odd.mkdir()
    (town / "postgres").rename(odd / "postgres")
    await embedded.start(odd, durable=False)
    assert await answer(odd) == 42
    embedded.leave(odd)


async def test_a_folder_of_another_postgresql_is_refused(town):
    await embedded.start(town, durable=False)
    embedded.leave(town)
    (town / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedRefused, match="PostgreSQL 16"):
        await embedded.start(town, durable=False)


async def test_a_cluster_that_was_not_finished_is_made_again(data_dir):
    unfinished = data_dir / "postgres.new"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    await embedded.start(data_dir, durable=False)
    assert await answer(data_dir) == 42


async def test_the_log_of_the_server_holds_no_address(town):
    await embedded.start(town, durable=False)
    connection = await asyncpg.connect(
        host=str(town / "postgres"), user=embedded.OWNER, database=embedded.DATABASE
    )
    await connection.execute("CREATE TABLE person (email text UNIQUE, seats int)")
    await connection.execute("INSERT INTO person VALUES ('anna@example.org', 1)")
    for statement in ("INSERT INTO person VALUES ('anna@example.org', 1)", "SELECT 'anna@example.org'::int"):
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute(statement)
    await connection.close()
    embedded.leave(town)
    assert "anna" not in (town / "postgres" / "log").read_text()


def test_it_stops_with_a_process_that_is_asked_to_end(data_dir, tmp_path):
    environment = os.environ | {"DIALOGRAUM_DATA_DIR": str(data_dir)}
    waiting = subprocess.Popen(
        [sys.executable, "-m", "dialograum.cli", "migrate"],
        env=environment,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    assert waiting.stderr is not None
    while b"Migrating" not in waiting.stderr.readline():
        pass
    waiting.send_signal(signal.SIGTERM)
    waiting.communicate(timeout=60)
    assert server_of(data_dir) is None
