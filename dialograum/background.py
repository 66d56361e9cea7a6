"""Processes that belong together: the background work beside the web, and nobody left behind when their parent dies."""

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time

from dialograum.settings import Settings

PARENT = "DIALOGRAUM_PARENT"
DRAIN_SECONDS = 15
LONGEST_PAUSE = 60

logger = logging.getLogger(__name__)


def end_with_parent(parent: int) -> None:
    """From now on this process ends when `parent`, which started it, is gone, however that ended."""
    threading.Thread(target=_watch, args=(parent,), daemon=True, name="parent-watch").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(DRAIN_SECONDS * 2)
    os._exit(1)


async def run(settings: Settings) -> None:
    """The background work, until SIGTERM or SIGINT; then what is under way may end."""
    from dialograum import work
    from dialograum.database import connected, migrate

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with connected(settings):
        await migrate()
        working = asyncio.create_task(work.run(settings, stop))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            await asyncio.wait([working], timeout=DRAIN_SECONDS)
        stopping.cancel()
        if not working.done():
            working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working


class Background:
    """One process with the background work, started again when it dies, after pauses that grow to a minute."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._supervise, daemon=True, name="background")

    def start(self) -> None:
        self._spawn()
        self._thread.start()

    def stop(self) -> None:
        """Asks the process to end; `join` waits for it."""
        self._stopping.set()
        if self._process is not None:
            self._process.terminate()

    def join(self) -> None:
        self._thread.join(DRAIN_SECONDS + 5)
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _spawn(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dialograum.cli", "worker"], env=os.environ | {PARENT: str(os.getpid())}
        )
        if self._stopping.is_set():
            self._process.terminate()

    def _supervise(self) -> None:
        pause = 1.0
        while True:
            assert self._process is not None
            started = time.monotonic()
            code = self._process.wait()
            if self._stopping.is_set():
                return
            pause = 1.0 if time.monotonic() - started > LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)
            logger.error("The background work ended with %s; it starts again in %.0f s", code, pause)
            if self._stopping.wait(pause):
                return
            self._spawn()
