"""An event's mode as organisers see it: now and why, its rules with their last readings, and what changed it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from events.details import EventDetails
from hybrid.actions import is_moot
from hybrid.evaluation import readings_of
from hybrid.forms import ModeRuleSpec
from hybrid.queries import (
    StoredRule,
    kept_reports,
    open_proposals,
    rule_of,
    stored_rules,
    switches_of,
)
from hybrid.rules import Reading, Rule, Timing, evaluated_from, judged, reading, timing_of
from hybrid.sources import Indicator
from hybrid.tables import Fetch, ModeProposal, Source

SHOWN = timedelta(days=120)
"""How far back charts and tables of the present may reach."""


@dataclass(frozen=True)
class Point:
    """What one kept report says to a rule; `newest` is its newest value, which may not have settled."""

    report_on: date
    read_at: datetime
    reading: Reading
    newest: float


@dataclass(frozen=True)
class Revision:
    """A reading as it was published again under the same date; it counts for nothing."""

    report_on: date
    read_at: datetime
    first: float
    value: float


@dataclass(frozen=True)
class RuleView:
    """A rule as it stands. `indicator` is `None` where the installation has no such source."""

    rule: Rule
    spec: ModeRuleSpec
    indicator: Indicator | None
    is_on: bool
    turned_at: datetime | None
    verdict: dict[str, Any] | None
    last: Point | None
    high: int
    low: int
    is_stale: bool
    source: Source | None
    fetch: Fetch | None
    evaluated_from: datetime
    freezes_at: datetime
    points: tuple[Point, ...] = ()
    revisions: tuple[Revision, ...] = ()

    @property
    def failure(self) -> tuple[str, str] | None:
        """Why the source could not be read last, as code and detail; `None` where it was."""
        if self.source is None or self.source.failure_code is None:
            return None
        return self.source.failure_code, self.source.failure_detail

    @property
    def counted(self) -> int:
        """How many of the reports that the next change takes have come in a row."""
        return min(self.low if self.is_on else self.high, self.needed)

    @property
    def needed(self) -> int:
        return self.rule.leave_after if self.is_on else self.rule.enter_after


@dataclass(frozen=True)
class ModeView:
    """All of it; `log` is what changed, newest first."""

    event: EventDetails
    timing: Timing
    rules: tuple[RuleView, ...]
    log: tuple[dict[str, Any], ...]
    proposals: tuple[ModeProposal, ...]

    @property
    def switches(self) -> list[dict[str, Any]]:
        """Each change of the mode."""
        return [entry for entry in self.log if entry["from_mode"] != entry["to_mode"]]

    @property
    def adjustments(self) -> list[dict[str, Any]]:
        """What changed within a mode: its lock, or the seats in the hall."""
        return [entry for entry in self.log if entry["from_mode"] == entry["to_mode"]]

    @property
    def freezes_at(self) -> datetime | None:
        """When the last of the rules is held back before the start."""
        return max((view.freezes_at for view in self.rules), default=None)


async def mode_view(
    event: EventDetails,
    indicators: Mapping[str, Indicator],
    now: datetime,
    *,
    with_points: bool = False,
) -> ModeView:
    """How the event's mode stands; `with_points` with the readings of the last months for charts and tables."""
    timing = timing_of(event)
    rules = [
        await _rule_view(stored, indicators.get(stored.spec.indicator), timing, now, with_points)
        for stored in await stored_rules(event.id)
    ]
    return ModeView(
        event=event,
        timing=timing,
        rules=tuple(rules),
        log=tuple(await switches_of(event.id)),
        proposals=tuple(one for one in await open_proposals(event.id) if not is_moot(one, event.mode)),
    )


async def _rule_view(
    stored: StoredRule, indicator: Indicator | None, timing: Timing, now: datetime, with_points: bool
) -> RuleView:
    rule = rule_of(stored, indicator)
    points: list[Point] = []
    revisions: list[Revision] = []
    if indicator is not None:
        for kept, said in await readings_of(rule, indicator.zone, timing):
            if said is not None:
                points.append(Point(kept.report_on, kept.read_at, said, _newest(rule, kept.report)))
    verdict = judged(rule, stored.is_on, [point.reading for point in points]) if points else None
    if indicator is not None and with_points:
        points, revisions = await all_points(rule, indicator, timing, since=now - SHOWN)
    last = points[-1] if points else None
    return RuleView(
        rule=rule,
        spec=stored.spec,
        indicator=indicator,
        is_on=stored.is_on,
        turned_at=stored.turned_at,
        verdict=_dated(stored.verdict),
        last=last,
        high=verdict.high if verdict else 0,
        low=verdict.low if verdict else 0,
        is_stale=last is not None and now - last.reading.as_of > rule.max_age,
        source=await Source.objects().where(Source.indicator == rule.indicator).first(),
        fetch=await Fetch.objects().where(Fetch.indicator == rule.indicator).first(),
        evaluated_from=evaluated_from(rule, timing),
        freezes_at=timing.starts_at - rule.freeze,
        points=tuple(points),
        revisions=tuple(revisions),
    )


def _dated(verdict: dict[str, Any] | None) -> dict[str, Any] | None:
    days = ("row_on", "report_on")
    return verdict and {
        key: date.fromisoformat(value) if key in days else value for key, value in verdict.items()
    }


async def all_points(
    rule: Rule, indicator: Indicator, timing: Timing, since: datetime | None = None
) -> tuple[list[Point], list[Revision]]:
    """Every kept reading for the rule, and those that were published again."""
    points: list[Point] = []
    revisions: list[Revision] = []
    first: dict[datetime, float] = {}
    for kept in await kept_reports(rule.indicator, rule.region, since=since, revisions=True):
        said = reading(rule, kept.report, indicator.zone, timing)
        if said is None:
            continue
        if kept.revision:
            before = first.get(kept.dated_at, said.value)
            revisions.append(Revision(kept.report_on, kept.read_at, before, said.value))
        else:
            first[kept.dated_at] = said.value
        if kept.counts:
            points.append(Point(kept.report_on, kept.read_at, said, _newest(rule, kept.report)))
    return points, revisions


def _newest(rule: Rule, report: Any) -> float:
    rows: Sequence[Any] = report.rows.get(rule.region, ()) if hasattr(report, "rows") else ()
    return float(rows[-1].value) if rows else 0.0


def next_reading(view: RuleView, interval: timedelta) -> datetime | None:
    """When the source is read again, `None` where it never was or is not fetched at all."""
    if view.indicator is None or not view.indicator.address or view.fetch is None:
        return None
    began_at: datetime | None = view.fetch.began_at
    return began_at + interval if began_at is not None else None
