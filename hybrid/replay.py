"""What an event's rules would have made of reports that are over: no clock, no database, nothing is touched."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from events.rules import Mode
from hybrid.reports import Report, SeriesReport
from hybrid.rules import (
    Decision,
    Hold,
    Reading,
    Rule,
    Standing,
    Timing,
    Verdict,
    decide,
    is_expired,
    judged,
    reading,
)


@dataclass(frozen=True)
class Recorded:
    """The reports of one rule's indicator, in any order; `zone` is that of the source."""

    rule: Rule
    zone: ZoneInfo
    reports: Sequence[Report]


@dataclass(frozen=True)
class Switch:
    """A change of the event's mode by a report; `reading` and `verdict` are those of the rule."""

    on: date
    before: Mode
    to: Mode
    rule: Rule
    verdict: Verdict


@dataclass(frozen=True)
class Step:
    """One report as one rule read it, and what held a switch back that would have followed from it."""

    rule: Rule
    verdict: Verdict
    newest: Reading | None
    hold: Hold | None = None


@dataclass(frozen=True)
class Replay:
    """All that a run came to, by date."""

    steps: tuple[Step, ...]
    switches: tuple[Switch, ...]


def timing_on(timing: Timing, day: date) -> Timing:
    """The event moved to another day, at its own time of day."""
    zone = ZoneInfo(timing.zone)
    local = timing.starts_at.astimezone(zone)
    starts_at = datetime.combine(day, local.time(), zone).astimezone(UTC)
    return Timing(starts_at, starts_at + (timing.ends_at - timing.starts_at), timing.zone)


def replay(
    base: Mode,
    recorded: Sequence[Recorded],
    timing: Timing,
    *,
    first: date | None = None,
    last: date | None = None,
    event_on: date | None = None,
) -> Replay:
    """Runs the rules over the reports dated `first` to `last`, in the order of their dates, beginning in the base mode.

    Each report is taken at 00:00 of its date at its source, a state at its issue. Without `event_on` nothing but
    stale rows holds a switch back; with it, `evaluate_days`, `freeze_hours` and `expires_on` count for an event
    on that day. The first report of a date stands, and a rule that proposes is taken to be agreed with.
    """
    assumed = timing_on(timing, event_on) if event_on else None
    moments: dict[tuple[datetime, str], list[tuple[int, Recorded, Report]]] = {}
    for number, one in enumerate(recorded):
        seen = set()
        for report in one.reports:
            at = _taken_at(report, one.zone)
            if at not in seen and _is_within(at.astimezone(one.zone).date(), first, last):
                seen.add(at)
                moments.setdefault((at, one.rule.indicator), []).append((number, one, report))
    standings = [Standing(one.rule, False, None) for one in recorded]
    before: list[list[Reading]] = [[] for _ in recorded]
    mode = base
    steps: list[Step] = []
    switches: list[Switch] = []
    for (at, indicator), arrived in sorted(moments.items(), key=lambda moment: moment[0]):
        verdicts: dict[int, Verdict] = {}
        for number, one, report in arrived:
            found = reading(one.rule, report, one.zone, assumed or timing)
            standing = standings[number] = replace(standings[number], reading=found)
            if assumed and is_expired(one.rule, assumed, at):
                standings[number] = replace(standing, is_expired=True)
            elif found is not None:
                before[number].append(found)
                verdict = verdicts[number] = judged(one.rule, standing.is_on, before[number])
                turned = at.timestamp() if verdict.has_changed else standing.turned
                standings[number] = replace(standing, is_on=verdict.is_on, turned=turned)
        decision = _agreed(decide(base, mode, standings, indicator, at, timing=assumed))
        for number, one, report in arrived:
            if number in verdicts:
                hold = decision.hold if decision.by is standings[number] else None
                steps.append(Step(one.rule, verdicts[number], _newest(one, report, assumed or timing), hold))
                if decision.kind == "switch" and decision.by is standings[number]:
                    on = at.astimezone(one.zone).date()
                    switches.append(Switch(on, mode, decision.to, one.rule, verdicts[number]))
        if decision.kind == "switch":
            mode = decision.to
    return Replay(tuple(steps), tuple(switches))


def _agreed(decision: Decision) -> Decision:
    return replace(decision, kind="switch") if decision.kind == "propose" else decision


def _taken_at(report: Report, zone: ZoneInfo) -> datetime:
    if isinstance(report, SeriesReport):
        return datetime.combine(report.report_on, time(), zone).astimezone(UTC)
    return report.issued_at


def _is_within(day: date, first: date | None, last: date | None) -> bool:
    return (first is None or day >= first) and (last is None or day <= last)


def _newest(one: Recorded, report: Report, timing: Timing) -> Reading | None:
    """What the newest row says, which has not settled yet."""
    return reading(replace(one.rule, settle_days=0), report, one.zone, timing)
