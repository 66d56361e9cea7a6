"""Figures that organisers type in: each is a report of its own, for one region and day."""

from datetime import date, datetime
from hashlib import sha256

from events.actions import record
from events.errors import FormInvalid
from events.tables import Event, Organiser
from hybrid.evaluation import take_report
from hybrid.indicators import LARGEST, MANUAL
from hybrid.reports import Row, SeriesReport, Unreadable
from hybrid.series import EARLIEST, figure_of
from hybrid.sources import Indicator

NOTED = "figure_noted"


async def note_figure(
    indicator: Indicator,
    region: str,
    on: date,
    value: float,
    event: Event,
    by: Organiser | None,
    now: datetime,
    *,
    has_servers: bool = True,
) -> bool:
    """Keeps the figure as a report and judges every event that listens to the region; whether it counts.

    What was noted first under a day stands: another figure for it is kept as a revision, one for a day before the last
    decides nothing. Raises FormInvalid for a day to come, a region that cannot be, a number that no rule can have.
    """
    errors = []
    if indicator.address:
        errors.append(("indicator", "fetched"))
    if not indicator.has_region(region):
        errors.append(("region", "region"))
    if not EARLIEST <= on <= now.astimezone(indicator.zone).date():
        errors.append(("on", "day"))
    if not -LARGEST <= value <= LARGEST:
        errors.append(("value", "number"))
    if errors:
        raise FormInvalid(errors)
    report = SeriesReport(on, {region: (Row(on, value),)})
    await record(
        event, by, now, NOTED, indicator=indicator.name, region=region, on=on.isoformat(), value=value
    )
    return await take_report(
        indicator,
        report,
        address=MANUAL,
        checksum=sha256(f"{region}\n{on}\n{value!r}".encode()).hexdigest(),
        read_at=now,
        now=now,
        scope=region,
        has_servers=has_servers,
    )


def typed_figure(on: str, value: str) -> tuple[date, float]:
    """The day and the number as typed in, with a point or a comma; raises FormInvalid."""
    errors = []
    day, number = date.min, 0.0
    try:
        day = date.fromisoformat(on.strip()[:40])
    except ValueError:
        errors.append(("on", "day"))
    try:
        number = figure_of(1, "value", value.strip()[:40].replace(",", "."), -LARGEST, LARGEST)
    except Unreadable:
        errors.append(("value", "number"))
    if errors:
        raise FormInvalid(errors)
    return day, number
