"""One small interface for whatever a rule can listen to: an indicator, and how its reports are read."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from hybrid.records import is_region
from hybrid.reports import Report, SeriesReport, StateReport, Unreadable
from hybrid.series import SeriesReader

Kind = Literal["series", "state"]

AHEAD = timedelta(hours=1)
"""How far a source's clock may be ahead of ours."""


LONGEST_ADDRESS = 500


class IndicatorsInvalid(ValueError):
    """An address or the file of own indicators cannot be used; the message says which and why."""


class Reader(Protocol):
    def read(
        self, content: bytes, regions: Collection[str] | None = None, issued_at: datetime | None = None
    ) -> Report: ...

    def read_recorded(self, content: bytes) -> list[SeriesReport]: ...


@dataclass(frozen=True)
class Indicator:
    """A source, and how it is read.

    - `zone` is the source's own: a row's day begins at 00:00 there.
    - `attribution` is the source note that stands where its figures are shown, in the source's words.
    - `region_pattern` is what a region looks like, `region_example` one that exists, `regions` all of them
      where they are few.
    - `address` is empty where there is nothing to fetch.
    """

    name: str
    kind: Kind
    weekly: bool
    zone: ZoneInfo
    attribution: str
    address: str
    reader: Reader
    region_pattern: str
    region_example: str
    regions: tuple[str, ...] = ()

    def has_region(self, region: str) -> bool:
        """Whether a rule may name this region; whether the source has rows for it shows when it is read."""
        if self.regions:
            return region in self.regions
        return is_region(region) and re.fullmatch(self.region_pattern, region) is not None

    def read(
        self, content: bytes, regions: Collection[str] | None = None, issued_at: datetime | None = None
    ) -> Report:
        """What the source says, for `regions` (None = all); raises `Unreadable` and nothing else.

        `issued_at` is when the file was last changed as its server says, for a state that bears no time itself.
        """
        return self.reader.read(content, regions, issued_at)

    def read_recorded(self, content: bytes) -> list[SeriesReport]:
        """Recorded reports by date: the source's own columns behind a first one, `Datenstand`; raises `Unreadable`."""
        return self.reader.read_recorded(content)

    def check_age(self, report: Report, now: datetime) -> None:
        """Raises `Unreadable` for a report from the future, which would outdate all that come after it."""
        if isinstance(report, StateReport):
            if report.issued_at > now + AHEAD:
                raise Unreadable(
                    f"issued in the future, {report.issued_at.isoformat()}",
                    "future",
                    report.issued_at.isoformat(),
                )
            return
        # A week is dated by its last day, and published before that in a few series.
        latest = (now + AHEAD).astimezone(self.zone).date() + timedelta(days=7 if self.weekly else 0)
        if report.report_on > latest:
            raise Unreadable(
                f"the newest row lies in the future, {report.report_on}",
                "future",
                report.report_on.isoformat(),
            )


@dataclass(frozen=True)
class Series:
    """A series as an indicator's reader."""

    of: SeriesReader

    def read(
        self, content: bytes, regions: Collection[str] | None = None, issued_at: datetime | None = None
    ) -> SeriesReport:
        return self.of.read(content, regions)

    def read_recorded(self, content: bytes) -> list[SeriesReport]:
        return self.of.read_recorded(content)


def checked_address(address: str) -> str:
    """The address if it can be fetched; raises `IndicatorsInvalid`."""
    try:
        parts = urlsplit(address)
        _ = parts.port
        if len(address) > LONGEST_ADDRESS or not address.isprintable():
            raise ValueError
    except ValueError:
        raise IndicatorsInvalid("its address cannot be read") from None
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
            raise IndicatorsInvalid("an address of a file looks like file:///srv/figures.csv")
        return address
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username is not None:
        raise IndicatorsInvalid(
            "an address begins with https://, http:// or file:///, without a name or password"
        )
    return address
