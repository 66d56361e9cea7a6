"""The installation's own indicators: a TOML file that says for each where it is and what its columns are called.

    [pegel-ems]
    address = "https://example.org/pegel.csv"
    format = "csv"                     # or "json", "cap"
    kind = "series"                    # or "state": warnings with a severity from 0 to 4
    zone = "Europe/Berlin"
    columns = { date = "tag", region = "ort", value = "wert" }
    weekly = false
    delimiter = ","                    # of a csv
    entries = "data.items"             # where the list stands in a json; left out: the json is the list
    region = "Gütersloh"               # instead of a column, where all rows are about one place
    attribution = "Source: …"

Of a state, `date` is when the warning begins, and `columns` may name `until`, when it ends; both are instants or local
times of `zone`.
"""

import re
import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from hybrid.cap import MOST_WARNINGS, CapReader
from hybrid.records import Csv, Json, Records, is_region, row_refused, shown
from hybrid.reports import Alert, SeriesReport, StateReport, Unreadable
from hybrid.series import SeriesReader, figure_of
from hybrid.sources import Indicator, IndicatorsInvalid, Kind, Reader, Series, checked_address

NAME = re.compile(r"[a-z0-9]+([-_.][a-z0-9]+)*")
LONGEST_NAME = 80
LARGEST = 1e12
HIGHEST_SEVERITY = 4

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Columns(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    date: Text
    value: Text
    region: Text | None = None
    until: Text | None = None


class OwnSource(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    address: str
    format: Literal["csv", "json", "cap"]
    kind: Kind
    zone: Text
    columns: Columns | None = None
    weekly: bool = False
    delimiter: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = ","
    entries: str = ""
    region: Annotated[str, msgspec.Meta(min_length=1, max_length=80)] | None = None
    attribution: Annotated[str, msgspec.Meta(max_length=1000)] = ""

    def indicator(self, name: str) -> Indicator:
        """Raises `IndicatorsInvalid`."""
        if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
            raise IndicatorsInvalid("a name is of small letters, digits and hyphens, such as pegel-ems")
        return Indicator(
            name=name,
            kind=self.kind,
            weekly=self.weekly,
            zone=self._zone(),
            attribution=self.attribution,
            address=checked_address(self.address),
            reader=self._reader(),
            region_pattern="[0-9]{9}" if self.format == "cap" else r"\S(.{0,78}\S)?",
            region_example=self.region or "",
            regions=(self.region,) if self.region else (),
        )

    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.zone)
        except (ValueError, OSError, KeyError):
            raise IndicatorsInvalid(f"the zone {self.zone} is not known") from None

    def _reader(self) -> Reader:
        if self.format == "cap":
            if self.kind != "state" or self.columns is not None or self.region is not None or self.weekly:
                raise IndicatorsInvalid(
                    "the format cap is a state and needs neither columns nor region nor weekly"
                )
            return CapReader()
        columns = self.columns
        if columns is None:
            raise IndicatorsInvalid("columns is missing")
        if (columns.region is None) == (self.region is None):
            raise IndicatorsInvalid("either columns.region or region says what a row is about")
        if self.delimiter in '"\r\n':
            raise IndicatorsInvalid("delimiter is a sign such as , or ;")
        records: Records = Csv(self.delimiter) if self.format == "csv" else Json(self.entries)
        if self.kind == "state":
            if self.weekly:
                raise IndicatorsInvalid("a state is not weekly")
            return WarningsReader(records, columns, self.region or "", self._zone())
        if columns.until is not None:
            raise IndicatorsInvalid("columns.until belongs to a state")
        return Series(
            SeriesReader(
                records,
                columns.date,
                columns.value,
                columns.region,
                place=self.region or "",
                weekly=self.weekly,
                zone=self._zone(),
                least=-LARGEST,
                most=LARGEST,
            )
        )


@dataclass(frozen=True)
class WarningsReader:
    """Warnings as a table: one row for each, with its region, severity, begin and end.

    The report is dated by when the file was last changed, as its server says.
    """

    records: Records
    columns: Columns
    place: str
    zone: ZoneInfo

    def read(
        self, content: bytes, regions: Collection[str] | None = None, issued_at: datetime | None = None
    ) -> StateReport:
        of = self.columns
        names = [name for name in (of.date, of.value, of.region, of.until) if name is not None]
        warnings: list[Alert] = []
        for number, (begins, severity, *rest) in self.records.read(content, names):
            region = rest.pop(0) if of.region else self.place
            if not is_region(region):
                raise row_refused(number, f"{of.region}: {shown(region) or 'nothing'} is no region")
            level = figure_of(number, of.value, severity, 0, HIGHEST_SEVERITY)
            if not level.is_integer():
                raise row_refused(number, f"{of.value}: {shown(severity)} is no severity from 0 to 4")
            onset = self._time(number, of.date, begins)
            expires = self._time(number, of.until or "", rest[0]) if rest and rest[0] else None
            if expires is not None and expires < onset:
                raise row_refused(number, f"{of.until}: it ends before it begins")
            if level and (regions is None or region in regions):
                warnings.append(Alert(region, int(level), onset, expires, ""))
            if len(warnings) > MOST_WARNINGS:
                raise Unreadable(f"more than {MOST_WARNINGS} warnings", "too-large", str(MOST_WARNINGS))
        if issued_at is None:
            raise Unreadable("neither the file nor its server says of when it is", "no-time")
        return StateReport(issued_at, tuple(warnings))

    def read_recorded(self, content: bytes) -> list[SeriesReport]:
        raise Unreadable("warnings cannot be replayed from a table", "malformed")

    def _time(self, number: int, column: str, text: str) -> datetime:
        try:
            at = datetime.fromisoformat(text)
            if not 1990 <= at.year < 2200:
                raise ValueError
            return (at if at.tzinfo else at.replace(tzinfo=self.zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise row_refused(number, f"{column}: {shown(text) or 'nothing'} is no time") from None


def read_own(path: Path) -> Iterator[Indicator]:
    """The indicators of the operator's file; raises `IndicatorsInvalid`."""
    try:
        sources: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise IndicatorsInvalid(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise IndicatorsInvalid(f"{path}: {error}") from None
    for name, source in sources.items():
        try:
            yield msgspec.convert(source, OwnSource).indicator(name)
        except (msgspec.ValidationError, IndicatorsInvalid) as error:
            raise IndicatorsInvalid(f"{path}: {name}: {error}") from None
