"""Sends what is due, for as long as the process lives."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from notifications import outbox, pace
from notifications.delivery import Letter, Outcome, Refused, Sent, ServerAway, Transport, Withheld
from notifications.errors import CannotCompose
from notifications.outbox import Claim
from notifications.rules import NO_LIMITS, Limits, pause, retry_after

logger = logging.getLogger(__name__)

Write = Callable[[Claim], Letter]
"""Makes the finished mail of a message. `CannotCompose` fails that message for good, anything else is tried again."""

Compose = Callable[[Sequence[Claim]], Awaitable[Write]]
"""Looks up in one go what the mails of several messages need, and answers with what writes each of them."""

INTERVAL_SECONDS = 5.0
"""How often to look without being woken: for what falls due, and for what other workers left behind."""

DRAIN_SECONDS = 10.0
"""How long a stop waits for what the server has not answered yet."""

LONGEST_GATHERING = 0.02
"""Seconds that an outcome waits for others at most, to be recorded with them."""


async def deliver(
    compose: Compose,
    transport: Transport,
    stop: asyncio.Event,
    wake: asyncio.Event,
    *,
    host: str,
    lease_seconds: float = outbox.LEASE_SECONDS,
    interval_seconds: float = INTERVAL_SECONDS,
    drain_seconds: float = DRAIN_SECONDS,
    limits: Limits = NO_LIMITS,
) -> None:
    """Sends due messages until `stop` is set, then finishes what is under way.

    Any number may run, in any number of processes; all together keep within `limits`. `wake` makes it look at once;
    `host` stands in the Message-IDs. Nothing but cancellation ends it: without database or mail server it waits.
    """
    worker = _Worker(compose, transport, stop, wake, host, lease_seconds, interval_seconds, limits)
    renewing = asyncio.create_task(worker.renew_in_time())
    try:
        await worker.run()
        await worker.drain(drain_seconds)
    finally:
        renewing.cancel()
        await worker.end()


class _Worker:
    def __init__(
        self,
        compose: Compose,
        transport: Transport,
        stop: asyncio.Event,
        wake: asyncio.Event,
        host: str,
        lease_seconds: float,
        interval_seconds: float,
        limits: Limits,
    ) -> None:
        self._compose, self._transport, self._stop, self._wake = compose, transport, stop, wake
        self._host, self._lease_seconds, self._interval_seconds = host, lease_seconds, interval_seconds
        self._limits = limits
        self._turns = _Turns(transport.at_once)
        # More than are sent at once, so that the next mails are written while the server answers.
        self._most = 8 * transport.at_once
        self._recorder = _Recorder(self._turns.all_are_answered)
        self._in_hand: dict[asyncio.Task[None], Claim] = {}
        self._ours_until: dict[Claim, float] = {}
        self._half_done = asyncio.Event()
        self._away: ServerAway | None = None
        self._failures = 0

    async def run(self) -> None:
        while not self._stop.is_set():
            if self._away is not None:
                await self._wait_for_server(self._away)
                continue
            self._wake.clear()
            free = self._most - len(self._in_hand)
            if await self._take(free) == free:
                await self._until_half_done()
                continue
            if not self._in_hand:
                await self._transport.close()
            await self._any(self._wake, seconds=await self._look_again_in())

    async def drain(self, seconds: float) -> None:
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=seconds)

    async def end(self) -> None:
        # What is cut off here keeps its lease until it lapses: whether the server took it, nobody knows.
        for task in self._in_hand:
            task.cancel()
        if self._in_hand:
            await asyncio.wait(self._in_hand)
        await self._transport.close()

    async def renew_in_time(self) -> None:
        while True:
            await asyncio.sleep(self._lease_seconds / 3)
            claims, since = list(self._in_hand.values()), time.monotonic()
            if not claims:
                continue
            try:
                ours = await outbox.renew(claims, self._lease_seconds)
            except Exception:  # Without the database nobody else can claim them either.
                logger.exception("Leases could not be renewed")
                continue
            for claim in claims:
                if claim in self._ours_until:
                    self._ours_until[claim] = since + self._lease_seconds if claim.id in ours else 0.0

    async def _any(self, *events: asyncio.Event, seconds: float | None = None) -> None:
        """Waits for one of the events, for the stop, or so many seconds."""
        waits = [asyncio.create_task(event.wait()) for event in (self._stop, *events)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _until_half_done(self) -> None:
        self._half_done.clear()
        if len(self._in_hand) > self._most // 2:
            await self._any(self._half_done)

    async def _take(self, free: int) -> int:
        since = time.monotonic()
        try:
            claims = await outbox.claim(
                free,
                self._host,
                self._lease_seconds,
                paced=bool(self._limits),
                suspects=0 if any(claim.is_suspect for claim in self._in_hand.values()) else 1,
            )
            slots = await self._slots(claims)
        except Exception:  # Whatever happens to the database, this loop must be there when it is back.
            logger.exception("The outbox could not be read")
            return 0
        if not claims:
            return 0
        write = await self._look_up(claims)
        for claim in claims:
            self._ours_until[claim] = since + self._lease_seconds
            task = asyncio.create_task(self._deal_with(claim, write, slots.get(claim)))
            self._in_hand[task] = claim
            task.add_done_callback(self._put_down)
        return len(claims)

    def _put_down(self, task: asyncio.Task[None]) -> None:
        claim = self._in_hand.pop(task)
        del self._ours_until[claim]
        if claim.is_suspect:
            self._wake.set()  # for the next one of them
        if len(self._in_hand) <= self._most // 2:
            self._half_done.set()
        if not task.cancelled() and (error := task.exception()):
            logger.error("A message was left to the next worker", exc_info=error)

    async def _slots(self, claims: Sequence[Claim]) -> dict[Claim, float]:
        if self._limits and claims:
            return await pace.reserve(claims, self._limits)
        return dict.fromkeys(claims, 0.0)

    async def _look_again_in(self) -> float:
        """Seconds until something may have fallen due, or one of the lanes is free again."""
        if not self._limits:
            return self._interval_seconds
        try:
            free_in = await pace.free_in()
        except Exception:  # As in `_take`.
            logger.exception("The outbox could not be read")
            return self._interval_seconds
        return self._interval_seconds if free_in is None else min(free_in, self._interval_seconds)

    async def _look_up(self, claims: Sequence[Claim]) -> Write:
        try:
            return await self._compose(claims)
        except Exception as error:  # These mails cannot be written now; others may.
            logger.exception("What mails need could not be looked up")
            failure = error

        def fail(claim: Claim) -> Letter:
            raise failure

        return fail

    async def _deal_with(self, claim: Claim, write: Write, slot: float | None) -> None:
        if slot is None:
            await self._record(claim, None)
            return
        if slot:
            await asyncio.sleep(slot)
        letter = _written(claim, write)
        if isinstance(letter, Refused):
            await self._record(claim, letter)
            return
        async with self._turns.turn() as turn:
            outcome: Outcome | None = None
            if self._away is None and not self._stop.is_set():
                outcome = await self._transport.send(letter, partial(self._may_go, claim, turn))
        if isinstance(outcome, ServerAway):
            self._note(outcome)
        elif isinstance(outcome, Sent | Refused):
            self._failures = 0
        try:
            await self._record(claim, outcome)
        finally:
            turn.is_recorded.set()

    async def _may_go(self, claim: Claim, turn: "_Turn") -> bool:
        await turn.before.wait()
        if time.monotonic() >= self._ours_until[claim] or self._stop.is_set():
            return False
        self._turns.go(turn)
        return True

    async def _record(self, claim: Claim, outcome: Outcome | None) -> None:
        if not await self._recorder.record(_became(claim, outcome)):
            logger.warning("Message %s was claimed by another worker meanwhile", claim.id)

    def _note(self, away: ServerAway) -> None:
        if self._away is None:
            self._failures += 1
            self._away = away
            logger.warning("Sending rests: %s", away.reason)

    async def _wait_for_server(self, away: ServerAway) -> None:
        await self._any(seconds=pause(self._failures, refused=away.refused).total_seconds())
        if self._stop.is_set():
            return
        self._away = None
        if (still := await self._transport.reach()) is not None:
            self._note(still)


@dataclass
class _Turn:
    """One mail's use of a connection. It goes over when what became of the one `before` is recorded.

    So whoever kills us makes one mail per connection come twice, and not one more; and while the database writes
    one down, the server already hears for whom the next is.
    """

    before: asyncio.Event
    is_recorded: asyncio.Event = field(default_factory=asyncio.Event)
    goes: bool = False


class _Turns:
    """As many at once as there are connections."""

    def __init__(self, number: int) -> None:
        self._last: asyncio.Queue[asyncio.Event] = asyncio.Queue()
        self._going = 0
        self.all_are_answered = asyncio.Event()
        self.all_are_answered.set()
        for _ in range(number):
            none_before = asyncio.Event()
            none_before.set()
            self._last.put_nowait(none_before)

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[_Turn]:
        turn = _Turn(before=await self._last.get())
        try:
            yield turn
        finally:
            self._last.put_nowait(turn.is_recorded)
            self._going -= turn.goes
            if not self._going:
                self.all_are_answered.set()

    def go(self, turn: _Turn) -> None:
        """The mail goes over now."""
        self._going += not turn.goes
        turn.goes = True
        self.all_are_answered.clear()


class _Recorder:
    """Writes outcomes down at once; those that come while the database writes others are written together.

    It waits for the answers to mails that are going over, but never longer than writing took the last time: one
    more write costs that.
    """

    def __init__(self, all_are_answered: asyncio.Event) -> None:
        self._waiting: list[tuple[outbox.Outcome, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._all_are_answered, self._took = all_are_answered, 0.0

    async def record(self, outcome: outbox.Outcome) -> bool:
        """Whether the claim still held. Tries until it is done: what is not recorded will be sent again."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((outcome, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        held: bool = await done
        return held

    async def _write(self) -> None:
        while self._waiting:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(self._took, LONGEST_GATHERING)):
                    await self._all_are_answered.wait()
            together, self._waiting = self._waiting, []
            began = time.monotonic()
            try:
                held = await outbox.record([outcome for outcome, _ in together])
            except Exception:  # Whatever happens to the database.
                logger.exception("What became of %d messages could not be recorded yet", len(together))
                # Who has given up waiting by then is not waited for either.
                self._waiting = [each for each in together if not each[1].done()] + self._waiting
                await asyncio.sleep(1)
                continue
            self._took = time.monotonic() - began
            for outcome, done in together:
                if not done.done():
                    done.set_result(outcome.claim.id in held)


def _written(claim: Claim, write: Write) -> Letter | Refused:
    try:
        return write(claim)
    except CannotCompose as error:
        return Refused(final=True, reason=str(error))
    except Exception as error:  # One mail that cannot be written must not hold up the others.
        logger.exception("The %s mail %s could not be written", claim.kind, claim.id)
        return Refused(final=False, reason=f"could not be written: {type(error).__name__}")


def _became(claim: Claim, outcome: Outcome | None) -> outbox.Outcome:
    match outcome:
        case Sent():
            return outbox.sent(claim)
        case Refused(final=False, reason=reason) if after := retry_after(claim.attempts):
            return outbox.retry(claim, reason, after.total_seconds())
        case Refused(reason=reason):
            return outbox.failed(claim, reason)
        case ServerAway(reason=reason):
            return outbox.released(claim, reason)
        case Withheld() | None:
            return outbox.released(claim)
