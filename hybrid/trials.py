"""An event's rules, or changed ones, tried on reports that are over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from events.details import EventDetails
from hybrid.errors import ReportsUnusable
from hybrid.queries import StoredRule, kept_reports, rule_of, stored_rules
from hybrid.replay import Recorded, Replay, replay
from hybrid.reports import Report, Unreadable
from hybrid.rules import Rule, timing_of
from hybrid.sources import Indicator


@dataclass(frozen=True)
class ReportFile:
    """Recorded reports as a file; without `indicator` for every rule whose reader accepts it."""

    indicator: str
    name: str
    content: bytes


async def replay_files(
    event: EventDetails,
    indicators: Mapping[str, Indicator],
    files: Sequence[ReportFile],
    *,
    first: date | None = None,
    last: date | None = None,
    event_on: date | None = None,
) -> Replay:
    """The event's rules over recorded reports. Raises ReportsUnusable where a file serves no rule."""
    stored = await stored_rules(event.id)
    found = recorded_of(files, known_rules(stored, indicators), indicators)
    return replay(event.base_mode, found, timing_of(event), first=first, last=last, event_on=event_on)


async def replay_kept(
    event: EventDetails,
    indicators: Mapping[str, Indicator],
    *,
    first: date | None = None,
    last: date | None = None,
    event_on: date | None = None,
) -> Replay:
    """The same over the reports that the installation has kept."""
    rules = known_rules(await stored_rules(event.id), indicators)
    found = [await kept_of(rule, indicators[rule.indicator]) for rule in rules]
    return replay(event.base_mode, found, timing_of(event), first=first, last=last, event_on=event_on)


def known_rules(stored: Sequence[StoredRule], indicators: Mapping[str, Indicator]) -> list[Rule]:
    """The rules on indicators that the installation has, as they stand in the file. Raises ReportsUnusable."""
    known = [
        rule_of(one, indicators[one.spec.indicator]) for one in stored if one.spec.indicator in indicators
    ]
    if not known:
        raise ReportsUnusable("The event has no rule on an indicator of this installation.")
    return known


async def kept_of(rule: Rule, indicator: Indicator) -> Recorded:
    """All that is kept for a rule."""
    kept = await kept_reports(rule.indicator, rule.region)
    return Recorded(rule, indicator.zone, [one.report for one in kept])


def recorded_of(
    files: Sequence[ReportFile], rules: Sequence[Rule], indicators: Mapping[str, Indicator]
) -> list[Recorded]:
    """The reports of the files for each rule; rules without any have none. Raises ReportsUnusable."""
    by_indicator: dict[str, list[Report]] = {rule.indicator: [] for rule in rules}
    for file in files:
        if file.indicator and file.indicator not in by_indicator:
            raise ReportsUnusable(f"{file.name}: the event has no rule on {file.indicator}.")
        reasons = []
        for name in [file.indicator] if file.indicator else by_indicator:
            try:
                by_indicator[name] += indicators[name].read_recorded(file.content)
            except Unreadable as error:
                reasons.append(f"{name}: {error}")
        if len(reasons) == (1 if file.indicator else len(by_indicator)):
            raise ReportsUnusable(f"{file.name} cannot be read as reports of {'; '.join(reasons)}.")
    return [Recorded(rule, indicators[rule.indicator].zone, by_indicator[rule.indicator]) for rule in rules]
