"""Processes that belong together: the background work beside the web, and nobody left behind when their parent dies."""

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize

from dialograum import embedded, logs, work
from dialograum.database import connected, migrate
from dialograum.settings import Settings

DRAIN_SECONDS = 15
LONGEST_PAUSE = 60

logger = logging.getLogger(__name__)


async def run(settings: Settings) -> None:
    """The background work, until SIGTERM or SIGINT; then what is under way may end."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with connected(settings, plans_anew=True):
        await migrate()
        working = asyncio.create_task(work.run(settings, stop))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            await asyncio.wait([working], timeout=DRAIN_SECONDS)
        stopping.cancel()
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working


def start_child(parent: int) -> None:
    """What every process does first that `parent` has started: it logs as we do, and ends when its parent is gone."""
    logs.configure()
    # Such a process ends without the usual farewells of Python.
    Finalize(None, embedded.leave_all, exitpriority=0)
    threading.Thread(target=_watch, args=(parent,), daemon=True, name="parent-watch").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(DRAIN_SECONDS * 2)
    os._exit(1)


def _work(settings: Settings, parent: int) -> None:
    start_child(parent)
    asyncio.run(run(settings))


# On Linux children begin with all modules loaded, which makes the start several times as fast.
START_METHOD = "fork" if sys.platform == "linux" else "spawn"


class Background:
    """One process with the background work, started again when it dies, after pauses that grow to a minute."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stopping = threading.Event()
        self._process: BaseProcess | None = None
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
        if self._process is not None and self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _spawn(self) -> None:
        self._process = multiprocessing.Process(
            target=_work, args=(self._settings, os.getpid()), name="background"
        )
        self._process.start()
        if self._stopping.is_set():
            self._process.terminate()

    def _supervise(self) -> None:
        pause = 1.0
        while self._process is not None:
            started = time.monotonic()
            self._process.join()
            if self._stopping.is_set():
                return
            pause = 1.0 if time.monotonic() - started > LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)
            logger.error(
                "The background work ended with %s; it starts again in %.0f s", self._process.exitcode, pause
            )
            if self._stopping.wait(pause):
                return
            self._spawn()
