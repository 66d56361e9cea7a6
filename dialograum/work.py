"""The background work: mails, reminders, sources, meeting servers, lapsed holds, groups and waitlist after the
deadline, old data.

Any number of processes may do it at once: every step locks what it changes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog

from dialograum import retention
from dialograum.mailing import mail_worker
from dialograum.settings import Settings
from dialograum.signin import forget_what_expired
from hybrid.evaluation import evaluate_waiting
from hybrid.fetching import listened_to, read_due
from hybrid.meeting_servers import MeetingServers
from hybrid.notices import tell_source_failed
from hybrid.outages import watch_servers
from registration import actions, reminding, rounds
from registration.announcements import hold_back
from registration.limits import Limits
from registration.queries import events_to_fill, events_with_lapsed_holds
from registration.tables import Demand, IdempotencyKey

TEND_SECONDS = 10
SOURCES_SECONDS = 30
SERVERS_SECONDS = 60
KEYS_KEPT = timedelta(days=7)

T = TypeVar("T")

log = structlog.get_logger()


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Works until `stop` is set; what is under way then may end."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(mail_worker(settings, stop))
        tasks.create_task(_tend(settings, stop))
        tasks.create_task(_read_sources(settings, stop))
        tasks.create_task(_watch_servers(settings, stop))


async def _tend(settings: Settings, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await tend(settings, datetime.now(UTC))
        await _pause(stop, TEND_SECONDS)


async def _read_sources(settings: Settings, stop: asyncio.Event) -> None:
    """Reads what is due; a stop does not wait for servers that take their time."""
    stopping = asyncio.create_task(stop.wait())
    pause = min(SOURCES_SECONDS, settings.indicator_interval)
    while not stop.is_set():
        reading = asyncio.create_task(_tried(read_sources(settings)))
        await asyncio.wait([reading, stopping], return_when=asyncio.FIRST_COMPLETED)
        reading.cancel()
        await asyncio.wait([reading])
        await _pause(stop, pause)


async def read_sources(settings: Settings) -> None:
    """Reads every source that is due and judges what was not judged yet."""
    interval, has_servers = timedelta(seconds=settings.indicator_interval), bool(settings.jitsi_urls)
    await read_due(settings.sources, interval, tell_source_failed, has_servers=has_servers)
    now = datetime.now(UTC)
    listened = await listened_to(now)
    known = {name: settings.sources[name] for name in listened & settings.sources.keys()}
    await evaluate_waiting(known, now, has_servers=has_servers)


async def _watch_servers(settings: Settings, stop: asyncio.Event) -> None:
    servers = MeetingServers(settings.meeting_servers)
    while not stop.is_set():
        await _tried(watch_servers(servers, datetime.now(UTC)))
        await _pause(stop, SERVERS_SECONDS)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def tend(settings: Settings, now: datetime) -> None:
    """Everything that falls due by time, once; one failure does not keep the rest from being done."""

    async def expire(event_id: int) -> None:
        await actions.expire_lapsed_holds(event_id, now)

    async def assign(event_id: int) -> None:
        await rounds.assign_at_deadline(event_id, now)

    async def fill(event_id: int) -> None:
        await actions.fill_free_seats(event_id, now)

    async def remind(event_id: int) -> None:
        await reminding.remind(event_id, now)

    async def remove(event_id: int) -> None:
        await retention.remove_personal_data(event_id, now, settings.mail_dir)

    await _for_each(events_with_lapsed_holds(now), expire)
    await _for_each(rounds.events_to_assign(now), assign)
    await _for_each(events_to_fill(now), fill)
    await _for_each(reminding.events_to_remind(now), remind)
    await _tried(reminding.withdraw_late(now))
    await _for_each(retention.events_due(now), remove)
    await _tried(hold_back())
    await _tried(forget_what_expired(now))
    await _tried(_forget_keys(now))
    await _tried(_forget_demands(settings, now))
    await _tried(retention.forget_drafts(now))


async def _forget_keys(now: datetime) -> None:
    await IdempotencyKey.delete().where(IdempotencyKey.created_at < now - KEYS_KEPT)


async def _forget_demands(settings: Settings, now: datetime) -> None:
    window = Limits(settings.client_limit, settings.address_limit).window
    await Demand.delete().where(Demand.at < now - window)


async def _for_each(event_ids: Awaitable[list[int]], step: Callable[[int], Awaitable[None]]) -> None:
    for event_id in await _tried(event_ids) or ():
        await _tried(step(event_id))


async def _tried(step: Awaitable[T]) -> T | None:
    try:
        return await step
    except Exception as error:  # a worker goes on, whatever one step ran into
        log.error("background work failed", exc_info=error)
        return None
