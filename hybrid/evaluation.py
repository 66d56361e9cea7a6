"""From a new report to what follows for every event that listens to it.

Whoever read a report hands it in here. It is kept once, and each event is judged in a transaction of its own that
locks the event's row first; so any number of workers may hand in the same, and one that stopped half-way is made up
for by the next.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from events.queries import details_of, event_by_id
from events.rules import EventStatus, Mode
from events.tables import Event
from hybrid import keeping
from hybrid.actions import follow, propose_leaving_expired, settle
from hybrid.notices import tell_held, tell_switched
from hybrid.plans import state_plan
from hybrid.queries import (
    KeptReport,
    StoredRule,
    declined_to_come_back,
    history,
    listening_events,
    open_proposals,
    rule_of,
    stored_rules,
    waiting_reports,
)
from hybrid.reports import Report, Unreadable
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
    timing_of,
)
from hybrid.sources import Indicator
from hybrid.switching import Cause, hindrance, switch
from hybrid.tables import ModeRule


@dataclass(frozen=True)
class Judgement:
    """A rule after the reports that waited, the last of them and what the rule made of it."""

    stored: StoredRule
    standing: Standing
    turned_at: datetime | None
    report: KeptReport | None
    verdict: Verdict | None

    def evidence(self, now: datetime) -> dict[str, Any]:
        """Rule, reading, report and time of a switch, as they are kept with it."""
        assert self.report is not None
        assert self.verdict is not None
        rule, reading = self.standing.rule, self.verdict.reading
        return {
            "rule": rule.key,
            "indicator": rule.indicator,
            "region": rule.region,
            "region_title": dict(rule.region_title),
            "is_on": self.standing.is_on,
            "reading": {"value": reading.value, "row_on": reading.row_on.isoformat()},
            "report": {
                "id": self.report.id,
                "report_on": self.report.report_on.isoformat(),
                "read_at": self.report.read_at.isoformat(),
            },
            "in_a_row": self.verdict.high if self.standing.is_on else self.verdict.low,
            "threshold": rule.enter_at if self.standing.is_on else rule.leave_at,
            "at": now.isoformat(),
        }


async def take_report(
    indicator: Indicator,
    report: Report,
    *,
    address: str,
    checksum: str,
    read_at: datetime,
    now: datetime,
    has_servers: bool = True,
    regions: Collection[str] | None = None,
    scope: str = "",
) -> bool:
    """Keeps a report that was read and judges every event that listens to it; whether it was new to rules.

    Handing in the same again changes nothing. `has_servers`: there is a meeting server. `regions`
    are those that were read, `None` all; `scope` is the region where each is reported by itself.
    """
    kept = await keeping.keep(
        indicator.name,
        indicator.zone,
        report,
        address=address,
        checksum=checksum,
        read_at=read_at,
        regions=regions,
        scope=scope,
    )
    await evaluate_all(indicator, now, has_servers=has_servers)
    return kept is not None and bool(kept.counts)


async def could_not_read(indicator: Indicator, failure: Unreadable, now: datetime) -> bool:
    """Notes that there is no new report and why; whether that is news. No rule changes, no mode either."""
    return await keeping.note_failure(indicator.name, failure, now)


async def evaluate_waiting(
    indicators: Mapping[str, Indicator], now: datetime, *, has_servers: bool = True
) -> None:
    """Judges what came and was not judged, where a worker stopped half-way, and rules that have expired since."""
    for indicator in indicators.values():
        await evaluate_all(indicator, now, has_servers=has_servers)


async def evaluate_all(
    indicator: Indicator, now: datetime, *, has_servers: bool = True
) -> dict[int, Decision]:
    """Judges every event that listens to the indicator; what follows, by the ids of those that had a new report."""
    found = {}
    for event_id in await listening_events(indicator.name, now):
        decision = await evaluate(event_id, indicator, now, has_servers=has_servers)
        if decision is not None:
            found[event_id] = decision
    return found


async def evaluate(
    event_id: int, indicator: Indicator, now: datetime, *, has_servers: bool = True
) -> Decision | None:
    """Judges an event's rules on the indicator by the reports that came since; `None` where none came.

    What follows stands as the verdict on the rule that it comes from.
    """
    async with Event._meta.db.transaction():
        event = await event_by_id(event_id, locked=True)
        if event.ends_at <= now or event.status == EventStatus.CANCELLED:
            return None
        timing = timing_of(event)
        stored = await stored_rules(event_id)
        await settle(event, now)
        await propose_leaving_expired(event, stored, timing, now)
        waiting = await waiting_reports(event_id, indicator.name)
        if not waiting:
            await state_plan(event, stored, {indicator.name: indicator}, now)
            return None
        judgements = [
            await _judge(one, rule_of(one, indicator), waiting.get(one.id, []), indicator, timing, now)
            for one in stored
        ]
        decision = decide(
            Mode.HYBRID if event.came_back else Mode(event.base_mode),
            Mode(event.mode),
            [judgement.standing for judgement in judgements],
            indicator.name,
            now,
            timing=timing,
            locked=event.mode_locked,
            kept=[Mode(one.kept_mode) for one in await open_proposals(event_id) if one.kept_mode],
            declined=await declined_to_come_back(event),
        )
        hinders = None
        if decision.kind == "switch":
            hinders = hindrance(await details_of(event), decision.to, now, has_servers=has_servers)
        if hinders is not None:
            decision = replace(decision, kind="hold", hold=Hold(hinders))
        for judgement in judgements:
            if judgement.stored.id in waiting:
                await _write(judgement, waiting[judgement.stored.id][-1], decision)
        await state_plan(event, stored, {indicator.name: indicator}, now)
        cause = next((one for one in judgements if one.standing is decision.by), None)
        evidence = cause.evidence(now) if cause else {}
        await follow(event, decision, evidence, now)
        if decision.kind == "switch":
            before = Mode(event.mode)
            told = await switch(event, decision.to, Cause(evidence=evidence), now, has_servers=has_servers)
            await tell_switched(event_id, before, evidence, told)
        elif hinders is not None and cause is not None:
            await tell_held(event_id, decision.to, cause.turned_at, evidence)
        return decision


async def readings_of(
    rule: Rule, zone: ZoneInfo, timing: Timing, *, until: datetime | None = None
) -> list[tuple[KeptReport, Reading | None]]:
    """The last kept reports with what each says to the rule, oldest first."""
    return [(kept, reading(rule, kept.report, zone, timing)) for kept in await history(rule, until=until)]


async def _judge(
    stored: StoredRule, rule: Rule, waiting: list[int], indicator: Indicator, timing: Timing, now: datetime
) -> Judgement:
    """How the rule stands after the reports that wait; one that has expired stays as it is."""
    is_on, turned_at = stored.is_on, stored.turned_at
    expired = is_expired(rule, timing, now)
    said: KeptReport | None = None
    verdict: Verdict | None = None
    before: list[Reading] = []
    kept = await readings_of(rule, indicator.zone, timing) if waiting and not expired else []
    for report, found in kept:
        if found is not None:
            before.append(found)
        if report.id in waiting:
            said, verdict = report, None
            if found is not None:
                verdict = judged(rule, is_on, before)
                is_on, turned_at = verdict.is_on, now if verdict.has_changed else turned_at
    standing = Standing(
        rule,
        is_on,
        verdict.reading if verdict is not None and waiting and said and said.id == waiting[-1] else None,
        turned_at.timestamp() if turned_at else None,
        expired,
    )
    return Judgement(stored, standing, turned_at, said, verdict)


async def _write(judgement: Judgement, report_id: int, decision: Decision) -> None:
    """Writes down how a rule stands and what it made of the report."""
    said: dict[str, Any] = {"code": "expired" if judgement.standing.is_expired else "no_reading"}
    if judgement.verdict is not None:
        said = verdict_json(judgement.verdict, judgement.standing.is_on is not judgement.stored.is_on)
    if judgement.standing is decision.by:
        said["decision"] = {"kind": decision.kind, "to": decision.to, "hold": decision.hold}
    await ModeRule.update(
        {
            ModeRule.is_on: judgement.standing.is_on,
            ModeRule.turned_at: judgement.turned_at,
            ModeRule.judged: report_id,
            ModeRule.verdict: said,
        }
    ).where(ModeRule.id == judgement.stored.id)


def verdict_json(verdict: Verdict, has_changed: bool) -> dict[str, Any]:
    """A verdict as it is kept; templates make words of it."""
    return {
        "code": "judged",
        "value": verdict.reading.value,
        "row_on": verdict.reading.row_on.isoformat(),
        "report_on": verdict.reading.report_on.isoformat(),
        "is_rising": verdict.reading.is_rising,
        "high": verdict.high,
        "low": verdict.low,
        "is_on": verdict.is_on,
        "has_changed": has_changed,
    }
