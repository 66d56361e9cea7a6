"""Small series of our own, for one region, and the rules that read them."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hybrid.forms import ModeRuleSpec
from hybrid.reports import Row, SeriesReport
from hybrid.rules import Reading, Rule, Timing, resolved

BERLIN = ZoneInfo("Europe/Berlin")
REGION = "05754"
MONDAY = date(2022, 10, 3)
TIMING = Timing(
    datetime(2022, 10, 21, 14, tzinfo=UTC), datetime(2022, 10, 21, 17, tzinfo=UTC), "Europe/Berlin"
)
"""Friday 2022-10-21, 16:00 to 19:00 in Berlin."""


def spec(**changes: Any) -> ModeRuleSpec:
    given: dict[str, Any] = {
        "indicator": "rki-incidence",
        "region": REGION,
        "enter_at": 400.0,
        "leave_at": 300.0,
    }
    return ModeRuleSpec(**given | changes)


def rule(**changes: Any) -> Rule:
    return resolved(spec(**changes), "series")


def reading(value: float, day: date = MONDAY, *, is_rising: bool = False) -> Reading:
    """What a report of that day says, its newest row being of the day itself."""
    as_of = datetime(day.year, day.month, day.day, tzinfo=BERLIN)
    return Reading(day, day - timedelta(days=3), value, is_rising, as_of)


def readings(values: Iterable[float]) -> list[Reading]:
    return [reading(value, MONDAY + timedelta(days=number)) for number, value in enumerate(values)]


def report(day: date, values: Iterable[float], region: str = REGION) -> SeriesReport:
    """A report of that day; its newest row is of the day, those before it of the days before."""
    rows = [Row(day - timedelta(days=age), value) for age, value in enumerate(reversed(list(values)))]
    return SeriesReport(day, {region: tuple(reversed(rows))})
