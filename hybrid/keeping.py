"""Reports as they are kept: what was first published under a date stands."""

from collections.abc import Collection, Iterable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from hybrid.packing import packed
from hybrid.queries import regions_in_use
from hybrid.reports import Report as Said
from hybrid.reports import SeriesReport, StateReport, Unreadable
from hybrid.tables import Reading, Report, Source

DAYS_KEPT = 30
"""How far back the rows of a report are kept, unless a rule waits longer until they have settled."""

DAYS_MORE = 15
"""So many days before the settled row are kept with it, for its rise."""

DETAIL_LENGTH = 200

WHOLE_STATES_KEPT = timedelta(days=3)
"""How long every region of a state is kept; after that, those that rules listen to."""


async def keep(
    indicator: str,
    zone: ZoneInfo,
    said: Said,
    *,
    address: str,
    checksum: str,
    read_at: datetime,
    regions: Collection[str] | None = None,
    scope: str = "",
) -> Report | None:
    """Keeps a report, `None` where the same was kept before; `counts` says whether it is a new one to rules.

    `regions` are those that were read, `None` all. `scope` is the region where each is reported by itself.
    """
    async with Report._meta.db.transaction():
        await _note_reading(indicator, read_at)
        if isinstance(said, SeriesReport):
            dated_at = datetime.combine(said.report_on, time(), zone)
            report_on = said.report_on
            newest_on = max((rows[-1].on for rows in said.rows.values() if rows), default=report_on)
        else:
            dated_at, newest_on = said.issued_at, None
            report_on = said.issued_at.astimezone(zone).date()
        of_same = (Report.indicator == indicator) & (Report.scope == scope)
        before = (
            await Report.select(Report.checksum)
            .where(of_same & (Report.dated_at == dated_at))
            .order_by(Report.id)
        )
        if checksum in [row["checksum"] for row in before]:
            return None
        is_newest = not await Report.exists().where(
            of_same & Report.counts.eq(True) & (Report.dated_at >= dated_at)
        )
        report = Report(
            _ignore_missing=True,
            indicator=indicator,
            scope=scope,
            address=address,
            dated_at=dated_at,
            report_on=report_on,
            newest_on=newest_on,
            read_at=read_at,
            checksum=checksum,
            revision=len(before),
            counts=is_newest,
            regions=sorted(regions) if regions is not None else None,
        )
        await report.save()
        in_use = await regions_in_use(indicator)
        await _write_readings(report.id, _readings(said, in_use))
        if isinstance(said, StateReport):
            await _thin(indicator, sorted(in_use), read_at - WHOLE_STATES_KEPT)
        return report


async def note_failure(indicator: str, failure: Unreadable, now: datetime) -> bool:
    """Notes why a file was no report; whether the one before was read."""
    async with Source._meta.db.transaction():
        source = await _locked_source(indicator)
        is_first = source.failing_since is None
        source.failing_since = source.failing_since or now
        source.failed_at = now
        source.failure_code, source.failure_detail = failure.code, failure.detail[:DETAIL_LENGTH]
        await source.save()
        return is_first


async def note_unchanged(indicator: str, now: datetime) -> None:
    """Notes that the source was read and says the same as before."""
    async with Source._meta.db.transaction():
        await _note_reading(indicator, now)


async def _note_reading(indicator: str, now: datetime) -> None:
    """Also lets one at a time keep reports of the indicator."""
    source = await _locked_source(indicator)
    source.read_at, source.failing_since, source.failed_at = now, None, None
    source.failure_code, source.failure_detail = None, ""
    await source.save()


async def _locked_source(indicator: str) -> Source:
    await Source.insert(Source(_ignore_missing=True, indicator=indicator)).on_conflict(action="DO NOTHING")
    source = await Source.objects().where(Source.indicator == indicator).lock_rows("UPDATE").first()
    assert source is not None
    return source


def _readings(said: Said, in_use: dict[str, int]) -> Iterable[tuple[str, Any]]:
    if isinstance(said, SeriesReport):
        for region, rows in said.rows.items():
            days = max(DAYS_KEPT, in_use.get(region, 0) + DAYS_MORE)
            first = said.report_on - timedelta(days=days)
            if kept := [row for row in rows if row.on >= first]:
                yield region, packed(kept)
        return
    by_region: dict[str, list[Any]] = {}
    for warning in said.warnings:
        expires = warning.expires.isoformat() if warning.expires else None
        by_region.setdefault(warning.region, []).append(
            [warning.severity, warning.onset.isoformat(), expires, warning.event]
        )
    yield from by_region.items()


async def _write_readings(report_id: int, readings: Iterable[tuple[str, Any]]) -> None:
    found = list(readings)
    await Reading.raw(
        "INSERT INTO reading (report, region, rows)"
        " SELECT {}::int, region, rows FROM unnest({}::text[], {}::jsonb[]) AS new (region, rows)",
        report_id,
        [region for region, _ in found],
        [msgspec.json.encode(rows).decode() for _, rows in found],
    )


async def _thin(indicator: str, in_use: list[str], until: datetime) -> None:
    """Of older states only the regions in use stay; which ones that were is kept with them."""
    await Report.raw(
        """
        WITH thinned AS (
            UPDATE report SET regions = {}::jsonb
            WHERE indicator = {} AND newest_on IS NULL AND regions IS NULL AND dated_at < {}
            RETURNING id
        )
        DELETE FROM reading USING thinned WHERE reading.report = thinned.id AND region <> ALL({}::text[])
        """,
        msgspec.json.encode(in_use).decode(),
        indicator,
        until,
        in_use,
    )
