"""A worker as it is run, which halts once at a point of a switch: it says so, and goes on when it reads a line.

It works on the database of the settings. At the point `never` it does not halt.
"""

import asyncio
import sys
from typing import Any

from dialograum import background
from dialograum.settings import load
from tests.hybrid.killed import POINTS


def halting_after(function: Any) -> Any:
    has_halted = False

    async def wrapped(*arguments: Any, **options: Any) -> Any:
        nonlocal has_halted
        found = await function(*arguments, **options)
        if not has_halted:
            has_halted = True
            sys.stdout.write("halted\n")
            sys.stdout.flush()
            await asyncio.to_thread(sys.stdin.readline)
        return found

    return wrapped


if __name__ == "__main__":
    if sys.argv[1] in POINTS:
        module, name = POINTS[sys.argv[1]]
        setattr(module, name, halting_after(getattr(module, name)))
    asyncio.run(background.run(load()))
