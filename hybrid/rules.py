"""When a rule is on, which mode the event has then, and what holds the switch back.

Source: "Mode" in the interface. A reading is what one report says to one rule; reports come in the order of their
dates.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import takewhile
from math import isfinite
from typing import Any, Literal
from zoneinfo import ZoneInfo

from events.rules import Mode
from hybrid.forms import ModeRuleSpec
from hybrid.reports import Report, SeriesReport

RISE = Decimal("1.1")
RISE_DAYS = timedelta(days=7)
FURTHER = (Mode.IN_PERSON, Mode.HYBRID, Mode.DIGITAL)
"""Modes from near to far."""


@dataclass(frozen=True)
class Rule:
    """A rule with its defaults filled in; `expires_on` is its last day.

    `region_title` is what people call the region, by language.
    """

    key: str
    indicator: str
    region: str
    enter_at: float
    leave_at: float
    enter_after: int
    leave_after: int
    settle_days: int
    only_rising: bool
    mode: Mode
    max_age: timedelta
    evaluate_days: int
    freeze: timedelta
    proposes: bool
    expires_on: date | None
    region_title: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Reading:
    """What a report says to a rule. `as_of` is 00:00 of its newest row's day, of a state the time of issue."""

    report_on: date
    row_on: date
    value: float
    is_rising: bool
    as_of: datetime


@dataclass(frozen=True)
class Verdict:
    """What a rule made of a reading: how many in a row, this one included, are in reach of each threshold."""

    reading: Reading
    high: int
    low: int
    is_on: bool
    has_changed: bool


@dataclass(frozen=True)
class Timing:
    """When the event takes place; `zone` is its own."""

    starts_at: datetime
    ends_at: datetime
    zone: str


class Hold(StrEnum):
    """Why a switch is not made with this report."""

    LOCKED = "locked"
    TOO_EARLY = "too_early"
    FROZEN = "frozen"
    STALE = "stale"
    NO_SERVERS = "no_servers"
    NO_ROOMS = "no_rooms"


@dataclass(frozen=True)
class Standing:
    """A rule after its newest report; `turned` orders when rules last went on or off, `None` = never."""

    rule: Rule
    is_on: bool
    reading: Reading | None
    turned: float | None = None
    is_expired: bool = False


@dataclass(frozen=True)
class Decision:
    """What follows for the event: `stay`, or `switch`, `propose` or `hold` the mode `to` because of the rule `by`."""

    kind: Literal["stay", "switch", "propose", "hold"]
    to: Mode
    by: Standing | None = None
    hold: Hold | None = None


def timing_of(event: Any) -> Timing:
    """When the event takes place, of its row or of its details."""
    return Timing(event.starts_at, event.ends_at, event.timezone)


def resolved(spec: ModeRuleSpec, kind: Literal["series", "state"], *, weekly: bool = False) -> Rule:
    """The rule with what it leaves out: a series has other defaults than a state."""
    series = kind == "series"

    def given(value: int | None, of_series: int, of_state: int) -> int:
        return value if value is not None else of_series if series else of_state

    return Rule(
        key=spec.effective_key,
        indicator=spec.indicator,
        region=spec.region,
        enter_at=spec.enter_at,
        leave_at=spec.leave_at,
        enter_after=given(spec.enter_after, 2, 1),
        leave_after=given(spec.leave_after, 5, 3),
        settle_days=given(spec.settle_days, 0 if weekly else 3, 0),
        only_rising=series and spec.trend == "rising",
        mode=Mode(spec.mode),
        max_age=timedelta(hours=given(spec.max_age_hours, 336 if weekly else 72, 2)),
        evaluate_days=given(spec.evaluate_days, 28, 3),
        freeze=timedelta(hours=given(spec.freeze_hours, 48, 3)),
        proposes=spec.approval == "propose",
        expires_on=spec.expires_on,
        region_title=spec.region_title,
    )


def reading(rule: Rule, report: Report, source: ZoneInfo, timing: Timing) -> Reading | None:
    """What the report says to the rule, `None` where it says nothing; `source` is the zone of the source."""
    if not isinstance(report, SeriesReport):
        there = (
            warning.severity
            for warning in report.warnings
            if warning.region == rule.region
            and warning.onset < timing.ends_at
            and (warning.expires is None or warning.expires > timing.starts_at)
        )
        issued_on = report.issued_at.astimezone(source).date()
        return Reading(issued_on, issued_on, float(max(there, default=0)), False, report.issued_at)
    rows = {row.on: row.value for row in report.rows.get(rule.region, ())}
    settled = [on for on in rows if on <= report.report_on - timedelta(days=rule.settle_days)]
    if not settled or not isfinite(rows[max(settled)]):
        return None
    row_on, newest_on = max(settled), max(on for on in rows if on <= report.report_on)
    earlier = rows.get(row_on - RISE_DAYS, 0.0)
    is_rising = earlier > 0 and Decimal(repr(rows[row_on])) >= Decimal(repr(earlier)) * RISE
    as_of = datetime.combine(newest_on, time(), source).astimezone(UTC)
    return Reading(report.report_on, row_on, rows[row_on], is_rising, as_of)


def judged(rule: Rule, was_on: bool, readings: Sequence[Reading]) -> Verdict:
    """The verdict on the last of the readings, of which there is at least one."""
    newest = readings[-1]
    high = sum(1 for _ in takewhile(lambda one: one.value >= rule.enter_at, reversed(readings)))
    low = sum(1 for _ in takewhile(lambda one: one.value < rule.leave_at, reversed(readings)))
    enters = high >= rule.enter_after and (newest.is_rising or not rule.only_rising)
    is_on = low < rule.leave_after if was_on else enters
    return Verdict(newest, high, low, is_on, is_on is not was_on)


def furthest(modes: Collection[Mode]) -> Mode:
    return max(modes, key=FURTHER.index)


def nearest(modes: Collection[Mode]) -> Mode:
    return min(modes, key=FURTHER.index)


def evaluated_from(rule: Rule, timing: Timing) -> datetime:
    """From when on the rule may switch: the first instant of the day `evaluate_days` before the event's."""
    zone = ZoneInfo(timing.zone)
    starts_on = timing.starts_at.astimezone(zone).date()
    return datetime.combine(starts_on - timedelta(days=rule.evaluate_days), time(), zone).astimezone(UTC)


def held(rule: Rule, reading: Reading, timing: Timing | None, locked: bool, now: datetime) -> Hold | None:
    """What holds a switch back at `now`. Without `timing` only the age of the newest row counts."""
    if timing is not None:
        if locked:
            return Hold.LOCKED
        if now < evaluated_from(rule, timing):
            return Hold.TOO_EARLY
        if now >= timing.starts_at - rule.freeze:
            return Hold.FROZEN
    return Hold.STALE if now - reading.as_of > rule.max_age else None


def is_expired(rule: Rule, timing: Timing, now: datetime) -> bool:
    """Whether the rule's last day is over where the event takes place."""
    return rule.expires_on is not None and now.astimezone(ZoneInfo(timing.zone)).date() > rule.expires_on


def decide(
    base: Mode,
    present: Mode,
    standings: Sequence[Standing],
    arrived: str,
    now: datetime,
    *,
    timing: Timing | None,
    locked: bool = False,
    kept: Collection[Mode] = (),
    declined: float | None = None,
) -> Decision:
    """What follows from a new report of the indicator `arrived`, once its rules are judged.

    Only a rule that the report speaks to can move the event: further by being on, and back by having gone off
    last of all that are off, and after organisers `declined` to come back. A rule that has expired moves nothing
    and hinders none, but while on it keeps the event where it is, like `kept` modes, which wait for an answer
    before they are left.
    """
    keeping = [*kept, *(one.rule.mode for one in standings if one.is_on and one.is_expired)]
    standings = [one for one in standings if not one.is_expired]
    to = furthest(
        [
            base,
            *(nearest([mode, present]) for mode in keeping),
            *(one.rule.mode for one in standings if one.is_on),
        ]
    )
    if to is present:
        return Decision("stay", to)
    if FURTHER.index(to) > FURTHER.index(present):
        causes = [one for one in standings if one.is_on and one.rule.mode is to]
    else:
        off = [one for one in standings if not one.is_on and FURTHER.index(one.rule.mode) > FURTHER.index(to)]
        last = max([declined or 0.0, *(one.turned or 0.0 for one in off)])
        causes = [one for one in off if (one.turned or 0.0) == last]
    reason: Hold | None = None
    cause: Standing | None = None
    for one in causes:
        if one.rule.indicator != arrived or one.reading is None:
            continue
        cause = one
        reason = held(one.rule, one.reading, timing, locked, now)
        if reason is None:
            return Decision("propose" if one.rule.proposes else "switch", to, one)
    return Decision("hold", to, cause, reason) if cause is not None else Decision("stay", present)
