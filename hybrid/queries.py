"""Reads of what decides about an event's mode."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from events.details import EventDetails
from events.rules import EventStatus, Mode
from events.tables import Event
from hybrid.forms import ModeRuleSpec
from hybrid.packing import unpacked
from hybrid.reports import Alert, SeriesReport, StateReport
from hybrid.rules import FURTHER, Rule, resolved
from hybrid.sources import Indicator
from hybrid.tables import ModeProposal, ModeRule, ModeSwitch, RecordedFile, Report, Source

SKIPPED = 20
"""So many reports that say nothing to a rule may lie between those that do."""


@dataclass(frozen=True)
class StoredRule:
    """A rule as the organiser wrote it, and how it stands; `judged` is the last report that it judged."""

    id: int
    spec: ModeRuleSpec
    created_at: datetime
    is_on: bool
    turned_at: datetime | None
    judged: int | None
    verdict: dict[str, Any] | None


@dataclass(frozen=True)
class KeptReport:
    """A report for one region as it is kept."""

    id: int
    report_on: date
    dated_at: datetime
    read_at: datetime
    revision: int
    counts: bool
    report: SeriesReport | StateReport


async def rules_of(event: Event) -> tuple[ModeRuleSpec, ...]:
    """The event's rules in the order of its file."""
    return tuple(stored.spec for stored in await stored_rules(event.id))


async def could_move(event: EventDetails) -> bool:
    """Whether an event that has a hall may be moved from or to it by a rule, or is moved at the moment."""
    if event.base_mode is Mode.DIGITAL:
        return False
    if event.mode is not event.base_mode:
        return True
    return bool(await ModeRule.exists().where(ModeRule.event == event.id))


def rule_of(stored: StoredRule, indicator: Indicator | None) -> Rule:
    """The rule with the defaults of its indicator; of one that nobody knows, with those of a series."""
    if indicator is None:
        return resolved(stored.spec, "series")
    return resolved(stored.spec, indicator.kind, weekly=indicator.weekly)


async def stored_rules(event_id: int) -> list[StoredRule]:
    """The same with how they stand."""
    rows = (
        await ModeRule.select()
        .where(ModeRule.event == event_id)
        .order_by(ModeRule.position)
        .output(load_json=True)
    )
    return [
        StoredRule(
            id=row["id"],
            spec=msgspec.convert(row["rule"], ModeRuleSpec),
            created_at=row["created_at"],
            is_on=row["is_on"],
            turned_at=row["turned_at"],
            judged=row["judged"],
            verdict=row["verdict"],
        )
        for row in rows
    ]


async def kept_reports(
    indicator: str,
    region: str,
    *,
    until: datetime | None = None,
    since: datetime | None = None,
    limit: int | None = None,
    revisions: bool = False,
) -> list[KeptReport]:
    """What is kept of an indicator for a region, by date: the last `limit`, those dated from `since` to `until`.

    Without `revisions` only those that count.
    """
    rows = await Report.raw(
        """
        SELECT report.*, reading.rows FROM report
        LEFT JOIN reading ON reading.report = report.id AND reading.region = {}
        WHERE report.indicator = {} AND report.scope IN ('', {}) AND (report.counts OR {})
            AND (reading.id IS NOT NULL OR report.newest_on IS NULL
                AND (report.regions IS NULL OR report.regions ? {}))
            AND ({}::timestamptz IS NULL OR report.dated_at <= {})
            AND ({}::timestamptz IS NULL OR report.dated_at >= {})
        ORDER BY report.dated_at DESC, report.revision DESC
        LIMIT {}
        """,
        region,
        indicator,
        region,
        revisions,
        region,
        until,
        until,
        since,
        since,
        limit,
    )
    return [as_kept(row, region) for row in reversed(rows)]


def as_kept(row: Mapping[str, Any], region: str) -> KeptReport:
    """A row of `report` with the region's `rows` of `reading`, `None` where it has none."""
    rows: Any = msgspec.json.decode(row["rows"]) if row["rows"] else []
    report: SeriesReport | StateReport
    if row["newest_on"] is None:
        report = StateReport(
            row["dated_at"],
            tuple(
                Alert(
                    region,
                    severity,
                    datetime.fromisoformat(onset),
                    datetime.fromisoformat(expires) if expires else None,
                    event,
                )
                for severity, onset, expires, event in rows
            ),
        )
    else:
        report = SeriesReport(row["report_on"], {region: unpacked(rows)})
    return KeptReport(
        id=row["id"],
        report_on=row["report_on"],
        dated_at=row["dated_at"],
        read_at=row["read_at"],
        revision=row["revision"],
        counts=row["counts"],
        report=report,
    )


async def history(rule: Rule, *, until: datetime | None = None) -> list[KeptReport]:
    """As many of the last reports as the rule needs to judge the newest."""
    limit = max(rule.enter_after, rule.leave_after) + SKIPPED
    return await kept_reports(rule.indicator, rule.region, until=until, limit=limit)


async def waiting_reports(event_id: int, indicator: str) -> dict[int, list[int]]:
    """By the id of the event's rules: the reports that came since and are not judged yet, by date."""
    rows = await ModeRule.raw(
        """
        SELECT mode_rule.id AS rule, report.id AS report
        FROM mode_rule LEFT JOIN report AS last ON last.id = mode_rule.judged
        JOIN report ON report.indicator = mode_rule.rule->>'indicator' AND report.counts
            AND report.scope IN ('', mode_rule.rule->>'region')
            AND CASE WHEN last.id IS NULL THEN report.read_at >= mode_rule.created_at
                ELSE report.dated_at > last.dated_at END
        WHERE mode_rule.event = {} AND mode_rule.rule->>'indicator' = {}
        ORDER BY report.dated_at
        """,
        event_id,
        indicator,
    )
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(row["rule"], []).append(row["report"])
    return found


async def listening_events(indicator: str, now: datetime) -> list[int]:
    """The events that are not over and have a rule on the indicator."""
    rows = await ModeRule.raw(
        """
        SELECT DISTINCT event.id FROM event JOIN mode_rule ON mode_rule.event = event.id
        WHERE mode_rule.rule->>'indicator' = {} AND event.ends_at > {} AND event.status <> {}
        ORDER BY event.id
        """,
        indicator,
        now,
        EventStatus.CANCELLED.value,
    )
    return [row["id"] for row in rows]


async def listening_slugs(now: datetime) -> list[str]:
    """The slugs of the events that are not over and have a rule, by start."""
    rows = await ModeRule.raw(
        """
        SELECT slug FROM event WHERE ends_at > {} AND status <> {}
            AND EXISTS (SELECT FROM mode_rule WHERE mode_rule.event = event.id)
        ORDER BY starts_at, id
        """,
        now,
        EventStatus.CANCELLED.value,
    )
    return [row["slug"] for row in rows]


async def regions_in_use(indicator: str) -> dict[str, int]:
    """The regions that rules listen to, with the most settle days that one of them asks for."""
    rows = await ModeRule.raw(
        """
        SELECT rule->>'region' AS region, max(coalesce((rule->>'settle_days')::int, 0)) AS days
        FROM mode_rule WHERE rule->>'indicator' = {} GROUP BY 1
        """,
        indicator,
    )
    return {row["region"]: row["days"] for row in rows}


async def source_of(indicator: str) -> Source | None:
    """How reading the indicator went last, `None` where it never was tried."""
    return await Source.objects().where(Source.indicator == indicator).first()


async def switches_of(event_id: int) -> list[dict[str, Any]]:
    """Each change of the event's mode, lock or seats, newest first, with `organiser.name` and `.email`."""
    rows: list[dict[str, Any]] = (
        await ModeSwitch.select(
            *ModeSwitch.all_columns(), ModeSwitch.organiser.name, ModeSwitch.organiser.email
        )
        .where(ModeSwitch.event == event_id)
        .order_by(ModeSwitch.at, ModeSwitch.id, ascending=False)
        .output(load_json=True)
    )
    return rows


async def open_proposals(event_id: int) -> Sequence[ModeProposal]:
    """What waits for an organiser's answer, oldest first."""
    found: Sequence[ModeProposal] = (
        await ModeProposal.objects()
        .where((ModeProposal.event == event_id) & ModeProposal.answer.is_null())
        .order_by(ModeProposal.made_at)
        .output(load_json=True)
    )
    return found


async def declined_to_come_back(event: Event) -> float | None:
    """When an organiser last said no to a way back from the present mode, if no hand or rule has set it since."""
    present = FURTHER.index(Mode(event.mode))
    rows = await ModeProposal.raw(
        """
        SELECT extract(epoch FROM max(answered_at))::float8 AS declined FROM mode_proposal
        WHERE event = {} AND answer = 'declined' AND to_mode = ANY({}::text[])
            AND NOT EXISTS (SELECT FROM mode_switch
                WHERE mode_switch.event = mode_proposal.event AND mode_switch.at >= mode_proposal.answered_at)
        """,
        event.id,
        [mode.value for mode in FURTHER[:present]],
    )
    declined: float | None = rows[0]["declined"]
    return declined


RECORDED_KEPT = timedelta(days=1)


async def recorded_files(event_id: int, now: datetime) -> Sequence[RecordedFile]:
    """The recorded reports that organisers of the event sent in the last day, newest first."""
    found: Sequence[RecordedFile] = (
        await RecordedFile.objects()
        .where((RecordedFile.event == event_id) & (RecordedFile.created_at > now - RECORDED_KEPT))
        .order_by(RecordedFile.created_at, ascending=False)
    )
    return found


def names_of(rules: Iterable[StoredRule]) -> list[str]:
    """The indicators that the rules listen to, each once."""
    return list(dict.fromkeys(stored.spec.indicator for stored in rules))
