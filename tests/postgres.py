"""A second PostgreSQL, as a data centre has one: reached over TCP, with a password, by a user who owns one database."""

import asyncio
import contextlib
import itertools
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil

from dialograum import embedded

ROLE = "town"


PORTS = 2000
"""How many each process that runs tests has for itself, below those that systems give to connections."""

_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 6
_ports = itertools.cycle(range(20_000 + _WORKER * PORTS, 20_000 + (_WORKER + 1) * PORTS))


def free_port() -> int:
    """A port that nothing uses; the same is not handed out again for a long time."""
    for port in itertools.islice(_ports, PORTS):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """A folder with a path short enough for a socket, which the server's own user may cross."""
    folder = Path(tempfile.mkdtemp(prefix="dialograum-")).resolve()
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@dataclass(frozen=True)
class Server:
    """A server that runs, and its address with the password in it. What was committed survives its death."""

    cluster: Path
    address: str

    async def die(self, *, at_once: bool) -> None:
        """Ends without a word to anybody, as by a failure; `at_once`: by -9."""
        if at_once:
            postmaster = embedded._postmaster(self.cluster)
            assert postmaster is not None
            family = [postmaster, *postmaster.children(recursive=True)]
            postmaster.kill()
            await asyncio.to_thread(psutil.wait_procs, family)
        else:
            await self._control("stop", "--mode=immediate")

    async def start(self) -> None:
        """Starts it again as it was."""
        await self._control("restart", "--log=log")

    async def _control(self, *arguments: str) -> None:
        await asyncio.to_thread(embedded._run, self.cluster, "pg_ctl", *arguments, "--wait", "--silent")


@contextlib.asynccontextmanager
async def tcp_server(folder: Path) -> AsyncIterator[Server]:
    cluster, port, password = folder / "tcp", free_port(), secrets.token_urlsafe(12)
    cluster.mkdir(mode=0o700)
    words = folder / "password"
    words.write_text(password)
    if user := embedded._system_user():
        shutil.chown(cluster, user)
        shutil.chown(words, user)
    embedded._run(
        cluster,
        "initdb",
        "--username=admin",
        f"--pwfile={words}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
    )
    options = embedded.OPTIONS | embedded.CARELESS | {"listen_addresses": "127.0.0.1", "port": str(port)}
    # Without it, what was committed last is lost with the server, though not with its files.
    options["synchronous_commit"] = "on"
    written = " ".join(f"-c {name}='{value}'" for name, value in options.items())
    embedded._run(cluster, "pg_ctl", "start", "--wait", "--log=log", f"--options={written}")
    try:
        admin = await asyncpg.connect(
            host="127.0.0.1", port=port, user="admin", password=password, database="postgres"
        )
        await admin.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{password}'")
        await admin.execute(f"CREATE DATABASE {ROLE} OWNER {ROLE}")
        await admin.close()
        yield Server(cluster, f"postgresql://{ROLE}:{password}@127.0.0.1:{port}/{ROLE}")
    finally:
        embedded._run(cluster, "pg_ctl", "stop", "--silent", "--mode=immediate")
