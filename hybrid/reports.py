"""What a source says, as plain values: one publication of a series, or one fetch of the warnings in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Row:
    """One value of a series. A weekly row is dated by the Sunday that ends its ISO week."""

    on: date
    value: float


@dataclass(frozen=True)
class SeriesReport:
    """One publication of a series.

    `report_on` is the date of its newest row, in recorded reports the `Datenstand`. `rows` are those of each
    region, by date.
    """

    report_on: date
    rows: Mapping[str, tuple[Row, ...]]


@dataclass(frozen=True, slots=True)
class Alert:
    """A warning in force for a region (in CAP an alert): from `onset` to `expires`, `None` = open.

    `severity` is 1 (minor) to 4 (extreme).
    """

    region: str
    severity: int
    onset: datetime
    expires: datetime | None
    event: str


@dataclass(frozen=True)
class StateReport:
    """One complete fetch of the warnings in force, dated by its own time of issue (aware)."""

    issued_at: datetime
    warnings: tuple[Alert, ...]


Report = SeriesReport | StateReport


class Unreadable(Exception):
    """What was fetched is no report; the message names the reason in a line, such as the column that is missing.

    `code` and `detail` say the same to templates: what is wrong, and with what.
    """

    def __init__(self, message: str, code: str = "malformed", detail: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.detail = detail
