"""Admission in batches: requests for one event that arrive while the previous batch commits are decided together.

One lock of the event's row, one pure decision in order of arrival, one statement that writes registrations, seats and
messages, one commit. Nobody is answered before it.
"""

import asyncio
import contextlib
import hashlib
import logging
from collections import deque
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from events.errors import EventUnknown, Refusal
from events.tables import Event
from notifications.outbox import CHANNEL
from registration.arrivals import Programmes, locked, read, write
from registration.decisions import Admitted, Decision, Newcomer, Outcome, Request, decide
from registration.limits import NO_LIMITS, Limits

AT_ONCE = 256
"""The most requests of one batch."""

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class _Waiting:
    request: Request
    answer: asyncio.Future[Outcome]


class Admission:
    """The door of one process. Each event has a queue of its own; different events do not wait for each other."""

    def __init__(self, limits: Limits = NO_LIMITS) -> None:
        self._limits = limits
        self._programmes = Programmes()
        self._queues: dict[str, deque[_Waiting]] = {}
        self._batches: set[asyncio.Task[None]] = set()
        self._telling: asyncio.Task[None] | None = None
        self._news = False

    async def register(
        self,
        slug: str,
        newcomer: Newcomer,
        now: datetime,
        *,
        key: str | None = None,
        client: str | None = None,
    ) -> Outcome:
        """Admits a newcomer to a seat or to the waitlist and writes the mail that tells so.

        For an address that is registered already nothing is written but one mail to it; the outcome is computed
        all the same. A repetition under the same `key` gets the first answer, with other values Conflict. `client`
        is whom the limits count, `None` nobody. A caller that goes away changes nothing: what it asked for is
        decided and written. Raises EventUnknown, RegistrationNotOpen, RegistrationClosed, EventFull,
        EventCancelled, GroupUnknown, FormInvalid, TooManyRequests, and whatever the database raises.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(self._request(newcomer, now, key, client), loop.create_future())
        queue = self._queues.get(slug)
        if queue is None:
            queue = self._queues[slug] = deque()
            # In a context of its own, so that it never joins a transaction of whoever came first.
            batches = loop.create_task(self._work(slug, queue), context=Context())
            self._batches.add(batches)
            batches.add_done_callback(self._batches.discard)
        queue.append(waiting)
        return await asyncio.shield(waiting.answer)

    async def drain(self) -> None:
        """Waits until everybody who asked has an answer."""
        while self._batches:
            await asyncio.wait(self._batches)

    def _request(self, newcomer: Newcomer, now: datetime, key: str | None, client: str | None) -> Request:
        limits, mailbox = self._limits, None
        if limits.address.count and newcomer.address:
            mailbox = limits.subject("address", newcomer.address)
        return Request(
            newcomer,
            now,
            key=_hash(key) if key is not None else None,
            body=_hash(newcomer) if key is not None else "",
            client=limits.subject("client", client) if client is not None and limits.client.count else None,
            mailbox=mailbox,
        )

    async def _work(self, slug: str, queue: deque[_Waiting]) -> None:
        while queue:
            batch: list[_Waiting] = []
            try:
                decisions = await self._decided(slug, queue, batch)
            except Exception as error:  # whatever it was, each of the batch is told
                await self._failed(slug, batch or _taken_from(queue), error)
            else:
                _answer(batch, decisions)
                self._wake_workers()
        # Nothing is awaited between the last look and this line, so nobody can have joined the queue.
        del self._queues[slug]

    async def _decided(self, slug: str, queue: deque[_Waiting], batch: list[_Waiting]) -> Sequence[Decision]:
        """Takes a batch from the queue once the event is locked, and writes what is decided."""
        engine: Any = Event._meta.db
        async with engine.transaction() as transaction:
            connection = transaction.connection
            found = await locked(connection, slug, self._programmes)
            batch += _taken_from(queue)
            if found is None:
                return [EventUnknown(slug=slug) for _ in batch]
            programme, event = found
            requests = [waiting.request for waiting in batch]
            present = await read(connection, programme, event, requests, self._limits)
            decisions = decide(
                event, present.slots, programme.questions, requests, present.past, self._limits
            )
            admitted = [
                (request, decision)
                for request, decision in zip(requests, decisions, strict=True)
                if isinstance(decision, Admitted)
            ]
            if admitted:
                await write(connection, present, admitted)
            return decisions

    async def _failed(self, slug: str, batch: Sequence[_Waiting], error: Exception) -> None:
        """Tells each that it failed; where one request may have spoilt it for the others, each is tried alone."""
        self._programmes.forget()
        if len(batch) == 1 or not isinstance(error, _SPOILT):
            for waiting in batch:
                _set_error(waiting, error)
            return
        logger.warning("A batch of %d failed and is tried one by one", len(batch), exc_info=error)
        for waiting in batch:
            alone = deque([waiting])
            try:
                _answer([waiting], await self._decided(slug, alone, []))
            except Exception as own:  # as above
                _set_error(waiting, own)
        self._wake_workers()

    def _wake_workers(self) -> None:
        """Tells them that there are mails, while the next batch is on its way."""
        self._news = True
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_workers(), context=Context())
            self._batches.add(self._telling)
            self._telling.add_done_callback(self._batches.discard)

    async def _tell_workers(self) -> None:
        engine: Any = Event._meta.db
        while self._news:
            self._news = False
            with contextlib.suppress(Exception):  # they also look by themselves
                await engine.notify(CHANNEL)


_SPOILT = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError, ValueError, TypeError)
"""What a single request can bring upon its batch."""


def _taken_from(queue: deque[_Waiting]) -> list[_Waiting]:
    """The next batch. One key of an address is decided at a time, so that its repetition finds the answer."""
    batch: list[_Waiting] = []
    keys: set[tuple[str | None, str]] = set()
    while queue and len(batch) < AT_ONCE:
        request = queue[0].request
        if request.key is not None:
            key = (request.newcomer.address, request.key)
            if key in keys:
                break
            keys.add(key)
        batch.append(queue.popleft())
    return batch


def _answer(batch: Sequence[_Waiting], decisions: Sequence[Decision]) -> None:
    for waiting, decision in zip(batch, decisions, strict=True):
        if isinstance(decision, Refusal):
            _set_error(waiting, decision)
        elif not waiting.answer.done():
            waiting.answer.set_result(decision.outcome)


def _set_error(waiting: _Waiting, error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
        # Whoever asked may be gone; then nobody reads it, which is all right.
        waiting.answer.exception()


def _hash(value: Newcomer | str) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()
