"""What visitors are told of an event's mode: when it would move, what the figures say now, and why it has moved.

Nothing in it is of organisers but the reason that they wrote for a switch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

import msgspec

from events.details import EventDetails
from events.rules import EventStatus, Mode
from events.tables import Event
from hybrid.forms import ModeRuleSpec
from hybrid.queries import SKIPPED, StoredRule, as_kept, rule_of
from hybrid.rules import (
    FURTHER,
    Reading,
    Rule,
    Timing,
    evaluated_from,
    is_expired,
    judged,
    reading,
    timing_of,
)
from hybrid.sources import Indicator
from hybrid.sparkline import Sparkline, sparkline
from hybrid.tables import ModeRule

DRAWN = timedelta(days=28)
"""How far back the small picture reaches."""

REPORTS = 40
"""So many reports are read per rule; more only where a rule waits for more."""

MOST_NUMBERS = 5
"""A switch that came of more reports in a row is told with its last ones."""


@dataclass(frozen=True)
class PublicRule:
    """A rule as it stands for visitors. `counted` of `needed` reports in a row are in reach of its next change."""

    rule: Rule
    indicator: Indicator
    is_on: bool
    last: Reading | None
    counted: int
    is_stale: bool
    decides_from: datetime
    decides_until: datetime
    picture: Sparkline | None

    @property
    def needed(self) -> int:
        return self.rule.leave_after if self.is_on else self.rule.enter_after

    @property
    def is_state(self) -> bool:
        return self.indicator.kind == "state"


@dataclass(frozen=True)
class Said:
    """What one report said."""

    on: date
    value: float


@dataclass(frozen=True)
class PublicSwitch:
    """The last change of the mode: the `said` numbers of its rule, or the `reason` as an organiser wrote it."""

    at: datetime
    from_mode: Mode
    to_mode: Mode
    reason: str | None
    indicator: str | None
    region: str | None
    region_title: Mapping[str, str]
    threshold: float | None
    in_a_row: int
    is_on: bool
    said: tuple[Said, ...]
    is_state: bool = False

    @property
    def goes_further(self) -> bool:
        """Whether it led away from the hall."""
        return FURTHER.index(self.to_mode) > FURTHER.index(self.from_mode)


@dataclass(frozen=True)
class PublicMode:
    """`rules` that may still move the event, and the `switch` that brought it where it is; neither for one that is
    cancelled or digital by itself."""

    rules: tuple[PublicRule, ...] = ()
    switch: PublicSwitch | None = None


NOTHING = PublicMode()

_READ = """
    SELECT mode_rule.id AS rule_id, mode_rule.rule, mode_rule.is_on, mode_rule.created_at, switch.at, switch.from_mode,
        switch.to_mode, switch.reason, switch.evidence, seen.*
    FROM (SELECT) AS one
    LEFT JOIN LATERAL (
        SELECT at, from_mode, to_mode, reason, evidence FROM mode_switch
        WHERE event = {} AND from_mode <> to_mode ORDER BY at DESC, id DESC LIMIT 1) AS switch ON true
    LEFT JOIN mode_rule ON mode_rule.event = {}
    LEFT JOIN LATERAL (
        SELECT report.id, report_on, dated_at, read_at, newest_on, revision, counts, reading.rows
        FROM report LEFT JOIN reading ON reading.report = report.id AND reading.region = mode_rule.rule->>'region'
        WHERE report.indicator = mode_rule.rule->>'indicator' AND report.counts
            AND report.scope IN ('', mode_rule.rule->>'region')
            AND (reading.id IS NOT NULL OR report.newest_on IS NULL
                AND (report.regions IS NULL OR report.regions ? (mode_rule.rule->>'region')))
        ORDER BY dated_at DESC
        LIMIT greatest({}, (mode_rule.rule->>'enter_after')::int + {}, (mode_rule.rule->>'leave_after')::int + {})
    ) AS seen ON true
    ORDER BY mode_rule.position, mode_rule.id, seen.dated_at
"""


async def public_mode(
    event: EventDetails | Event, indicators: Mapping[str, Indicator], now: datetime, *, mirrored: bool = False
) -> PublicMode:
    """How the event's mode stands for visitors, read in one query; pictures are `mirrored` from right to left."""
    if event.base_mode == Mode.DIGITAL or event.status == EventStatus.CANCELLED or event.ends_at <= now:
        return NOTHING
    rows = await ModeRule.raw(_READ, event.id, event.id, REPORTS, SKIPPED, SKIPPED)
    timing = timing_of(event)
    stored = [
        (_stored(of_rule[0]), of_rule)
        for _, group in groupby(rows, key=lambda row: row["rule_id"])
        if (of_rule := list(group))[0]["rule_id"] is not None
    ]
    known: dict[str, list[tuple[int, Reading]]] = {}
    rules = []
    for one, of_rule in stored:
        indicator = indicators.get(one.spec.indicator)
        if indicator is None:
            continue
        rule = rule_of(one, indicator)
        said = _readings(rule, indicator, of_rule, timing)
        known[rule.key] = said
        if not is_expired(rule, timing, now):
            rules.append(
                _public(
                    rule,
                    indicator,
                    one.is_on,
                    [found for _, found in said],
                    timing,
                    now,
                    mirrored,
                    is_moved=event.mode != event.base_mode,
                )
            )
    return PublicMode(tuple(rules), _switch(event, rows[0], known, indicators))


def _stored(row: Mapping[str, Any]) -> StoredRule:
    return StoredRule(
        id=row["rule_id"],
        spec=msgspec.convert(msgspec.json.decode(row["rule"]), ModeRuleSpec),
        created_at=row["created_at"],
        is_on=row["is_on"],
        turned_at=None,
        judged=None,
        verdict=None,
    )


def _readings(
    rule: Rule, indicator: Indicator, rows: Sequence[Mapping[str, Any]], timing: Timing
) -> list[tuple[int, Reading]]:
    """What each kept report says to the rule, by the report's id, oldest first."""
    found = []
    for row in rows:
        if row["id"] is not None:
            said = reading(rule, as_kept(row, rule.region).report, indicator.zone, timing)
            if said is not None:
                found.append((row["id"], said))
    return found


def _public(
    rule: Rule,
    indicator: Indicator,
    is_on: bool,
    readings: Sequence[Reading],
    timing: Timing,
    now: datetime,
    mirrored: bool,
    *,
    is_moved: bool,
) -> PublicRule:
    last = readings[-1] if readings else None
    verdict = judged(rule, is_on, readings) if readings else None
    in_reach = (verdict.low if is_on else verdict.high) if verdict else 0
    drawn: dict[date, float] = {}
    if last is not None and indicator.kind == "series":
        drawn = {said.report_on: said.value for said in readings if said.report_on > last.report_on - DRAWN}
    return PublicRule(
        rule=rule,
        indicator=indicator,
        is_on=is_on,
        last=last,
        counted=min(in_reach, rule.leave_after if is_on else rule.enter_after),
        is_stale=last is not None and now - last.as_of > rule.max_age,
        decides_from=evaluated_from(rule, timing),
        decides_until=timing.starts_at - rule.freeze,
        picture=sparkline(
            list(drawn.items()), rule.leave_at if is_on and is_moved else rule.enter_at, mirrored=mirrored
        ),
    )


def _switch(
    event: EventDetails | Event,
    row: Mapping[str, Any],
    known: Mapping[str, Sequence[tuple[int, Reading]]],
    indicators: Mapping[str, Indicator],
) -> PublicSwitch | None:
    """The last switch, where the event is still in the mode that it led to."""
    if row["at"] is None or row["to_mode"] != event.mode:
        return None
    evidence: dict[str, Any] = msgspec.json.decode(row["evidence"]) if row["evidence"] else {}
    has_reading = bool(evidence.get("reading") and evidence.get("report"))
    indicator = indicators.get(evidence.get("indicator", ""))
    return PublicSwitch(
        at=row["at"],
        from_mode=Mode(row["from_mode"]),
        to_mode=Mode(row["to_mode"]),
        reason=row["reason"] or None,
        indicator=evidence.get("indicator") if has_reading else None,
        region=evidence.get("region"),
        region_title=evidence.get("region_title") or {},
        threshold=evidence.get("threshold"),
        in_a_row=evidence.get("in_a_row") or 1,
        is_on=bool(evidence.get("is_on")),
        said=said_in_a_row(evidence, known.get(evidence.get("rule", ""), ())) if has_reading else (),
        is_state=indicator is not None and indicator.kind == "state",
    )


def said_in_a_row(evidence: Mapping[str, Any], readings: Sequence[tuple[int, Reading]]) -> tuple[Said, ...]:
    """The numbers of a switch's reports in a row, oldest first; the last alone where the others are not known any more.

    `readings` are the rule's, by report: of a rule that was changed since they may be others than those that counted.
    """
    last = Said(date.fromisoformat(evidence["report"]["report_on"]), float(evidence["reading"]["value"]))
    place = next(
        (n for n, (report, _) in enumerate(readings) if report == evidence["report"].get("id")), None
    )
    if place is None or readings[place][1].value != last.value:
        return (last,)
    count = min(evidence.get("in_a_row") or 1, MOST_NUMBERS)
    threshold = evidence.get("threshold")
    before = [Said(found.report_on, found.value) for _, found in readings[max(0, place - count + 1) : place]]
    if threshold is not None and any(
        (said.value >= threshold) != bool(evidence.get("is_on")) for said in before
    ):
        return (last,)
    return (*before, last)
