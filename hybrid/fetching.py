"""Reads the sources that events listen to, each once per interval over all workers together.

A worker claims a source by its row in `source_fetch`, so the others pass it by; one that died is made up for after
`CLAIM`. What was read goes to the evaluation; where there is nothing to read the reason is kept, nothing changes, and
organisers are told once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from events.rules import EventStatus
from hybrid import evaluation, keeping
from hybrid.downloads import LIMITS, Download, Limits, Mark, download
from hybrid.queries import source_of
from hybrid.reports import Report, Unreadable
from hybrid.sources import Indicator
from hybrid.tables import Fetch, ModeRule

CLAIM = timedelta(minutes=10)
"""How long a worker may read; after that it is taken for dead."""

TOLD_AGAIN = timedelta(days=1)
"""A source that comes and goes is not told more often."""

Tell = Callable[[Indicator, Unreadable, datetime], Awaitable[None]]
"""Writes to the organisers of events that listen to the source, in the transaction that notes it."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claimed:
    """A source that this worker reads, and how its file is known again."""

    began_at: datetime
    mark: Mark
    checksum: str


async def listened_to(now: datetime) -> set[str]:
    """The names of the indicators that a published event which is not over has a rule on."""
    rows = await ModeRule.raw(
        """
        SELECT DISTINCT mode_rule.rule->>'indicator' AS name
        FROM mode_rule JOIN event ON event.id = mode_rule.event
        WHERE event.status = {} AND event.ends_at > {}
        """,
        EventStatus.PUBLISHED.value,
        now,
    )
    return {row["name"] for row in rows}


async def read_due(
    indicators: Mapping[str, Indicator],
    interval: timedelta,
    tell: Tell,
    *,
    stop: asyncio.Event | None = None,
    limits: Limits = LIMITS,
    has_servers: bool = True,
) -> list[str]:
    """Reads one after the other what is due; the names of those that this worker read.

    One that fails, in whatever way, does not keep the rest from being read.
    """
    read = []
    for name in sorted(await listened_to(datetime.now(UTC))):
        indicator = indicators.get(name)
        if stop is not None and stop.is_set():
            break
        if indicator is None or not indicator.address:
            continue
        claimed = await _claim(indicator, interval)
        if claimed is not None:
            read.append(name)
            try:
                await read_source(indicator, claimed, tell, limits=limits, has_servers=has_servers)
            except Exception:  # a worker goes on, whatever one source ran into
                logger.exception("The source %s could not be read", name)
    return read


async def read_source(
    indicator: Indicator, claimed: Claimed, tell: Tell, *, limits: Limits = LIMITS, has_servers: bool = True
) -> Unreadable | None:
    """Reads the source once and hands over what it says; why not, where it cannot be read."""
    try:
        found = await download(indicator.address, claimed.mark, limits)
        if found.content is None or (indicator.kind == "series" and found.checksum == claimed.checksum):
            await _unchanged(indicator, claimed, found.mark)
            return None
        report = await report_of(indicator, found)
    except Unreadable as failure:
        await _failed(indicator, failure, tell)
        return failure
    now = datetime.now(UTC)
    await evaluation.take_report(
        indicator,
        report,
        address=indicator.address,
        checksum=found.checksum,
        read_at=now,
        now=now,
        has_servers=has_servers,
    )
    await _done(indicator, found.mark, found.checksum)
    return None


async def report_of(indicator: Indicator, found: Download) -> Report:
    """What the file says, read beside the loop; raises `Unreadable`, also for what comes from the future."""
    assert found.content is not None
    try:
        report = await asyncio.to_thread(indicator.read, found.content, None, found.issued_at)
    except MemoryError:
        raise Unreadable("it takes more memory than there is", "too-large") from None
    indicator.check_age(report, datetime.now(UTC))
    return report


async def _claim(indicator: Indicator, interval: timedelta) -> Claimed | None:
    await Fetch.insert(Fetch(_ignore_missing=True, indicator=indicator.name)).on_conflict(action="DO NOTHING")
    rows = await Fetch.raw(
        """
        UPDATE source_fetch SET
            began_at = statement_timestamp(),
            is_running = true,
            etag = CASE WHEN address = {} THEN etag ELSE '' END,
            modified = CASE WHEN address = {} THEN modified ELSE '' END,
            checksum = CASE WHEN address = {} THEN checksum ELSE '' END,
            address = {}
        WHERE indicator = {}
            AND (NOT is_running OR began_at + {} <= statement_timestamp())
            AND (began_at IS NULL OR is_running OR address <> {} OR began_at + {} <= statement_timestamp())
        RETURNING began_at, etag, modified, checksum
        """,
        *([indicator.address] * 4),
        indicator.name,
        CLAIM,
        indicator.address,
        interval,
    )
    return (
        Claimed(rows[0]["began_at"], Mark(rows[0]["etag"], rows[0]["modified"]), rows[0]["checksum"])
        if rows
        else None
    )


async def _unchanged(indicator: Indicator, claimed: Claimed, mark: Mark) -> None:
    await keeping.note_unchanged(indicator.name, datetime.now(UTC))
    await _done(indicator, mark, claimed.checksum)


async def _done(indicator: Indicator, mark: Mark, checksum: str) -> None:
    await _end(
        indicator,
        {
            Fetch.etag: mark.etag,
            Fetch.modified: mark.modified,
            Fetch.checksum: checksum,
        },
    )


async def _failed(indicator: Indicator, failure: Unreadable, tell: Tell) -> None:
    """Keeps why, and tells organisers if this is new. The mark goes: what comes next is read in full."""
    now = datetime.now(UTC)
    logger.warning("The source %s cannot be read: %s", indicator.name, failure)
    await evaluation.could_not_read(indicator, failure, now)
    async with Fetch._meta.db.transaction():
        before: Any = (
            await Fetch.objects().where(Fetch.indicator == indicator.name).lock_rows("UPDATE").first()
        )
        source = await source_of(indicator.name)
        since = source.failing_since if source is not None else None
        is_told = before.told_at is not None and (
            (since is not None and before.told_at >= since) or before.told_at + TOLD_AGAIN > now
        )
        values: dict[Any, Any] = {
            Fetch.etag: "",
            Fetch.modified: "",
            Fetch.checksum: "",
        }
        if not is_told:
            await tell(indicator, failure, now)
            values[Fetch.told_at] = now
        await _end(indicator, values)


async def _end(indicator: Indicator, values: Mapping[Any, Any]) -> None:
    ended: dict[Any, Any] = {**values, Fetch.is_running: False}
    await Fetch.update(ended).where(Fetch.indicator == indicator.name)
