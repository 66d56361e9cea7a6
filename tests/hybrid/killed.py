"""A worker that hands in the report with which the town's event moves online, and dies at the point that it is told.

It works on the database of the settings. At the point `never` it lives.
"""

import asyncio
import os
import signal
import sys
from datetime import date
from typing import Any

from dialograum.database import connected
from dialograum.settings import load
from hybrid import evaluation, keeping, switching
from tests.hybrid.town import publish

POINTS = {
    "kept": (keeping, "keep"),
    "moved": (switching, "_move"),
    "written": (switching, "_write"),
    "logged": (switching, "_log"),
    "told": (switching, "_tell"),
    "before-commit": (evaluation, "switch"),
    "committed": (evaluation, "evaluate"),
}
"""The function that is the last thing done."""

SECOND_DAY = date(2027, 3, 2)


def dying_after(function: Any) -> Any:
    async def wrapped(*arguments: Any, **options: Any) -> Any:
        await function(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    return wrapped


async def main(point: str) -> None:
    if point in POINTS:
        module, name = POINTS[point]
        setattr(module, name, dying_after(getattr(module, name)))
    async with connected(load()):
        await publish(SECOND_DAY, 500)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
