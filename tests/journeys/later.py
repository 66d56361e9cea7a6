"""Presses the buttons behind join links at other times: the whole application in a process whose clock it moves.

Each line of stdin is a JSON pair of an instant and paths. A line of stdout answers with a pair for each path: the
address of the room, or null, and the words of the page. It works on the database of the settings.
"""

import asyncio
import json
import sys
from datetime import datetime
from typing import Any

import httpx
import time_machine

from dialograum.database import connected
from dialograum.settings import load
from dialograum.web import create_app
from tests.visitor import Visitor, words


async def main() -> None:
    settings = load()
    app: Any = create_app(settings)
    transport = httpx.ASGITransport(app)
    headers = {"Accept-Language": "de"}
    async with connected(settings):
        while line := await asyncio.to_thread(sys.stdin.readline):
            instant, paths = json.loads(line)
            found = []
            with time_machine.travel(datetime.fromisoformat(instant), tick=False):
                for path in paths:
                    async with Visitor(
                        transport=transport, base_url=settings.base_url, headers=headers
                    ) as visitor:
                        found.append(await press(visitor, path))
            sys.stdout.write(json.dumps(found) + "\n")
            sys.stdout.flush()


async def press(visitor: Visitor, path: str) -> tuple[str | None, str]:
    page = await visitor.get(path)
    assert page.status_code == 200, page.text
    if f'action="{path}"' not in page.text:
        return None, words(page)
    answer = await visitor.send_on(page, path)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"], words(page)


if __name__ == "__main__":
    asyncio.run(main())
