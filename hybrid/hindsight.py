"""What is known of a run over old reports by now: what values were put at later, and which switches did not last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from events.rules import Mode
from hybrid.replay import Recorded, Replay, Switch
from hybrid.reports import SeriesReport
from hybrid.rules import FURTHER, Hold, Reading, Rule

SHORT = timedelta(days=7)
"""A switch undone within it is one that people could have been spared."""


@dataclass(frozen=True)
class Moment:
    """A report as the rule read it; `later` is what the same row was put at in the last report that has it."""

    reading: Reading
    later: float | None
    high: int
    low: int
    is_on: bool
    hold: Hold | None
    switch: Switch | None


@dataclass(frozen=True)
class Seen:
    """A switch in hindsight. `is_confirmed` says whether the later value is on the same side of the threshold."""

    switch: Switch
    later: float | None
    is_confirmed: bool
    is_undone: bool


@dataclass(frozen=True)
class Hindsight:
    """A run as one rule's chart and tables show it; the switches are those of all rules."""

    moments: tuple[Moment, ...]
    switches: tuple[Seen, ...]
    first: date | None
    last: date | None
    days_away: int

    @property
    def undone(self) -> int:
        return sum(one.is_undone for one in self.switches)


def hindsight(found: Replay, recorded: Sequence[Recorded], rule: Rule, base: Mode) -> Hindsight:
    """What is known by now; `days_away` are days in another mode than the base one."""
    known = {one.rule.key: later_values(one) for one in recorded}
    by_day = {switch.on: switch for switch in found.switches}
    moments = [
        Moment(
            reading=step.verdict.reading,
            later=known[rule.key].get(step.verdict.reading.row_on),
            high=step.verdict.high,
            low=step.verdict.low,
            is_on=step.verdict.is_on,
            hold=step.hold,
            switch=by_day.get(step.verdict.reading.report_on),
        )
        for step in found.steps
        if step.rule.key == rule.key
    ]
    first = moments[0].reading.report_on if moments else None
    last = moments[-1].reading.report_on if moments else None
    back = set(undone(found.switches))
    return Hindsight(
        moments=tuple(moments),
        switches=tuple(_seen(switch, known[switch.rule.key], switch in back) for switch in found.switches),
        first=first,
        last=last,
        days_away=_days_away(found.switches, base, last),
    )


def later_values(recorded: Recorded) -> dict[date, float]:
    """What each row of the rule's region was put at in the last report that has it."""
    found: dict[date, tuple[date, float]] = {}
    for report in recorded.reports:
        if isinstance(report, SeriesReport):
            for row in report.rows.get(recorded.rule.region, ()):
                if row.on not in found or found[row.on][0] <= report.report_on:
                    found[row.on] = report.report_on, row.value
    return {on: value for on, (_, value) in found.items()}


def undone(switches: Sequence[Switch]) -> list[Switch]:
    """Switches that the next one took back within a week."""
    return [one for one, next_ in pairwise(switches) if next_.to is one.before and next_.on - one.on <= SHORT]


def _seen(switch: Switch, known: Mapping[date, float], is_undone: bool) -> Seen:
    later = known.get(switch.verdict.reading.row_on)
    goes_further = FURTHER.index(switch.to) > FURTHER.index(switch.before)
    rule = switch.rule
    confirmed = later is None or (later >= rule.enter_at if goes_further else later < rule.leave_at)
    return Seen(switch, later, confirmed, is_undone)


def _days_away(switches: Sequence[Switch], base: Mode, last: date | None) -> int:
    ends = [*(switch.on for switch in switches[1:]), last]
    return sum(
        (end - switch.on).days
        for switch, end in zip(switches, ends, strict=False)
        if end and switch.to is not base
    )
