"""The command `dialograum` in processes that begin with all modules loaded, in a tenth of a shell's time."""

import asyncio
import atexit
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [f"dialograum.commands.{name}" for name in ("events", "organisers", "tokens")]
    + ["dialograum.cli", __name__]
)


class Answer(NamedTuple):
    """What a command ended with."""

    code: int
    out: str
    err: str


async def command(*arguments: str | Path, environment: Mapping[str, str], stdin: str = "") -> Answer:
    """Runs `dialograum` with these arguments in this environment."""
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder) / name for name in ("in", "out", "err")]
        streams[0].write_text(stdin)
        process = PROCESSES.Process(
            target=_main, args=(list(map(str, arguments)), dict(environment), list(map(str, streams)))
        )
        process.start()
        await asyncio.to_thread(process.join)
        out, err = (stream.read_text() for stream in streams[1:])
        return Answer(process.exitcode or 0, out, err)


def _main(arguments: list[str], environment: dict[str, str], streams: list[str]) -> None:
    from dialograum.cli import main

    os.environ.clear()
    os.environ.update(environment)
    for number, (path, flags) in enumerate(
        zip(streams, (os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT] * 2), strict=True)
    ):
        os.dup2(os.open(path, flags, 0o600), number)
    sys.stdin = os.fdopen(0)
    try:
        main(arguments)
    finally:
        atexit._run_exitfuncs()  # which such a process would leave out
