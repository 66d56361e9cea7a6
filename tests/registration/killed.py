"""A process that registers twenty people, and twenty more, and dies at the point that it is told, in the second batch.

Each answer is a line on stdout. It works on the database of the settings.
"""

import asyncio
import os
import signal
import sys
from typing import Any

from dialograum.database import connected
from dialograum.settings import load
from registration import admission
from registration.admission import Admission
from tests.registration.town import NOW, newcomer

NUMBER = 20
POINTS = {"locked": "locked", "read": "read", "written": "write", "committed": "_answer"}
"""The function of `registration.admission` that is the last thing done."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying_after(function: Any) -> Any:
    async def wrapped(*arguments: Any) -> Any:
        await function(*arguments)
        die()

    return wrapped


def dying(*_: Any) -> None:
    die()


async def main(point: str) -> None:
    door = Admission()

    async def one(number: int) -> None:
        name = f"k{number}"
        await door.register("dialog", newcomer(name), NOW, key=name)
        sys.stdout.write(name + "\n")
        sys.stdout.flush()

    async with connected(load()):
        await asyncio.gather(*map(one, range(NUMBER)))
        name = POINTS[point]
        setattr(admission, name, dying if point == "committed" else dying_after(getattr(admission, name)))
        await asyncio.gather(*map(one, range(NUMBER, 2 * NUMBER)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
