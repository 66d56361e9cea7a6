"""Readers of series: files that hold one value per date and region."""

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hybrid.records import Csv, Records, is_region, row_refused, shown
from hybrid.reports import Row, SeriesReport, Unreadable

STAND = "Datenstand"
"""The first column of recorded reports: the day on which the source said this."""

EARLIEST, LATEST = date(1990, 1, 1), date(2199, 12, 31)
MOST_ROWS = 2_000_000
THIN_EVERY = 200_000
DAYS_READ = 400
"""A rule asks for a row that is at most a year old, and for the one of a week before."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True)
class SeriesReader:
    """How a series is read: the names of its columns, and what their values may be.

    - `region` is a column's name, or None where the whole file is about `place`.
    - `only` are columns and the value that a row must have in them to count, such as the age group.
    - `others` are regions that the file holds and nobody can choose, such as "unknown".
    - `absent` are the signs for "no value": such a row counts for nothing.
    - `zone`: dates may be instants too, and are those of this zone.
    """

    records: Records
    dated: str
    value: str
    region: str | None = None
    place: str = ""
    weekly: bool = False
    only: tuple[tuple[str, str], ...] = ()
    others: Collection[str] = ()
    absent: Collection[str] = ()
    least: float = 0.0
    most: float = 100_000.0
    zone: ZoneInfo | None = None
    regions: re.Pattern[str] | None = None

    def read(self, content: bytes, regions: Collection[str] | None = None) -> SeriesReport:
        """The report, with the rows of `regions` (None = all); its date is that of the newest row of any region.

        Rows more than `DAYS_READ` older than that are left out.
        """
        found = _Rows(regions, timedelta(days=DAYS_READ))
        for _, number, on, region, value in self._entries(content, is_recorded=False):
            found.add(number, on, region, value)
        return found.report(found.newest)

    def read_recorded(self, content: bytes) -> list[SeriesReport]:
        """The reports of a recording, by date: the source's own columns behind a first one, `Datenstand`."""
        stands: dict[date, _Rows] = {}
        entries = enumerate(self._entries(content, is_recorded=True), 1)
        for count, (stand, number, on, region, value) in entries:
            if on > stand + timedelta(days=7 if self.weekly else 0):
                raise row_refused(number, f"{on} lies after its {STAND}, {stand}")
            stands.setdefault(stand, _Rows()).add(number, on, region, value)
            _bound(count)
        if not stands:
            raise Unreadable("no row", "no-rows")
        return [stands[stand].report(stand) for stand in sorted(stands)]

    def _entries(self, content: bytes, *, is_recorded: bool) -> Iterator[tuple[date, int, date, str, float]]:
        """Stand (else the row's own date), line, date, region and value of the rows that count."""
        names = [self.dated, self.value, self.region, STAND if is_recorded else None]
        columns = [name for name in names if name is not None] + [name for name, _ in self.only]
        wanted = [value for _, value in self.only]
        records = self.records
        if is_recorded and isinstance(records, Csv):
            records = Csv(records.delimiter, ended=False)
        dates: dict[str, date] = {}
        known: set[str] = set()
        for number, (when, figure, *rest) in records.read(content, columns):
            region = rest.pop(0) if self.region else self.place
            stand = rest.pop(0) if is_recorded else None
            if rest != wanted or region in self.others:
                continue
            if region not in known:
                if not is_region(region) or not (self.regions is None or self.regions.fullmatch(region)):
                    raise row_refused(number, f"{self.region}: {shown(region)} is no region of this source")
                known.add(region)
            if (on := dates.get(when)) is None:
                on = dates[when] = self._date(number, when)
            if figure in self.absent:
                continue
            yield (
                _day(number, STAND, stand) if stand is not None else on,
                number,
                on,
                region,
                figure_of(number, self.value, figure, self.least, self.most),
            )

    def _date(self, number: int, text: str) -> date:
        on = self._week(number, text) if self.weekly else None
        if on is None and self.zone is not None and "T" in text:
            on = self._local(number, text)
        on = on or _day(number, self.dated, text)
        if self.weekly:
            on += timedelta(days=7 - on.isoweekday())
        return on

    def _week(self, number: int, text: str) -> date | None:
        if (week := _WEEK.fullmatch(text)) is None:
            return None
        try:
            return _within(number, self.dated, date.fromisocalendar(int(week[1]), int(week[2]), 7))
        except ValueError:
            raise row_refused(number, f"{self.dated}: there is no week {text}") from None

    def _local(self, number: int, text: str) -> date:
        try:
            at = datetime.fromisoformat(text)
            return _within(number, self.dated, (at.astimezone(self.zone) if at.tzinfo else at).date())
        except (ValueError, OverflowError):
            raise row_refused(number, f"{self.dated}: {shown(text)} is no date") from None


def figure_of(number: int, column: str, text: str, least: float, most: float) -> float:
    """The number that is written there, with a decimal point, from `least` to `most`; raises `Unreadable`."""
    if not _NUMBER.fullmatch(text):
        raise row_refused(number, f"{column}: {shown(text) or 'nothing'} is no number")
    value = float(text)
    if not math.isfinite(value) or not least <= value <= most:
        raise row_refused(number, f"{column}: {shown(text)} cannot be")
    return value


def _day(number: int, column: str, text: str) -> date:
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        return _within(number, column, date.fromisoformat(text))
    except ValueError:
        raise row_refused(number, f"{column}: {shown(text) or 'nothing'} is no date") from None


def _within(number: int, column: str, on: date) -> date:
    if not EARLIEST <= on <= LATEST:
        raise row_refused(number, f"{column}: {on} cannot be")
    return on


def _bound(count: int) -> None:
    if count > MOST_ROWS:
        raise Unreadable(f"more than {MOST_ROWS} rows", "too-large", str(MOST_ROWS))


class _Rows:
    """Values by region and date; with `days` those that have become too old go from time to time."""

    def __init__(self, regions: Collection[str] | None = None, days: timedelta | None = None) -> None:
        self._wanted, self._days = regions, days
        self._kept: dict[str, dict[date, float]] = {}
        self._count, self._count_to_thin = 0, THIN_EVERY
        self.newest: date | None = None

    def add(self, number: int, on: date, region: str, value: float) -> None:
        if self.newest is None or on > self.newest:
            self.newest = on
        if self._wanted is not None and region not in self._wanted:
            return
        values = self._kept.setdefault(region, {})
        if on in values:
            raise row_refused(number, f"a second value for {shown(region)} on {on}")
        values[on] = value
        self._count += 1
        if self._days is not None and self._count >= self._count_to_thin:
            self._thin(self.newest - self._days)
        _bound(self._count)

    def report(self, report_on: date | None) -> SeriesReport:
        if report_on is None:
            raise Unreadable("no row", "no-rows")
        if self._days is not None:
            self._thin(report_on - self._days)
        return SeriesReport(
            report_on,
            {
                region: tuple(Row(on, values[on]) for on in sorted(values))
                for region, values in self._kept.items()
            },
        )

    def _thin(self, first: date) -> None:
        for region, values in list(self._kept.items()):
            self._kept[region] = {on: value for on, value in values.items() if on >= first}
            if not self._kept[region]:
                del self._kept[region]
        self._count = sum(len(values) for values in self._kept.values())
        self._count_to_thin = self._count + THIN_EVERY
