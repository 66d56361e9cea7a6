"""A worker beside a test, and waiting for what it does."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from notifications.delivery import Transport
from notifications.worker import Compose, deliver
from tests.notifications.examples import HOST, compose, rows


@contextlib.asynccontextmanager
async def working(
    transport: Transport,
    wake: asyncio.Event | None = None,
    composing: Compose = compose,
    interval: float = 0.2,
    **settings: Any,
) -> AsyncIterator[None]:
    """A worker for as long as the block lasts; then it drains."""
    stop = asyncio.Event()
    task = asyncio.create_task(
        deliver(
            composing,
            transport,
            stop,
            wake or asyncio.Event(),
            host=HOST,
            interval_seconds=interval,
            **settings,
        )
    )
    try:
        yield
    finally:
        stop.set()
        await task


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    """Waits until something is true of the world outside this process."""
    end = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.02)


async def statuses() -> list[str]:
    return [row["status"] for row in await rows()]


def all_are(status: str) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return set(await statuses()) == {status}

    return condition


def counted(**expected: int) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        found = await statuses()
        return {status: found.count(status) for status in set(found)} == expected

    return condition
