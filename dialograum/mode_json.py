"""An event's mode as JSON, for the API and for `dialograum mode`."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from dialograum.mode_words import ModeWords
from hybrid.overview import ModeView, RuleView
from hybrid.replay import Replay

Json = dict[str, Any]


def mode_json(view: ModeView, words: ModeWords) -> Json:
    """The answer of `GET /events/{slug}/mode`."""
    event = view.event
    zone = ZoneInfo(event.timezone)
    return {
        "mode": event.mode.value,
        "base_mode": event.base_mode.value,
        "since": _at(event.mode_changed_at, zone),
        "reason": event.mode_reason,
        "locked": event.mode_locked,
        "freezes_at": _at(view.freezes_at, zone),
        "rules": [_rule_json(rule, words, zone) for rule in view.rules],
        "switches": [switch_json(switch, zone) for switch in view.switches],
        "proposals": [
            {
                "id": str(proposal.id),
                "at": _at(proposal.made_at, zone),
                "to": proposal.to_mode,
                "rule": proposal.rule_key,
                "cause": proposal.cause,
                "evidence": proposal.evidence,
            }
            for proposal in view.proposals
        ],
    }


def _rule_json(view: RuleView, words: ModeWords, zone: ZoneInfo) -> Json:
    rule = view.rule
    verdict = words.verdict(view)
    last = view.last
    return {
        **msgspec.to_builtins(view.spec),
        "key": rule.key,
        "enter_after": rule.enter_after,
        "leave_after": rule.leave_after,
        "settle_days": rule.settle_days,
        "max_age_hours": int(rule.max_age.total_seconds() // 3600),
        "evaluate_days": rule.evaluate_days,
        "freeze_hours": int(rule.freeze.total_seconds() // 3600),
        "on": view.is_on,
        "since": _at(view.turned_at, zone),
        "evaluated_from": _at(view.evaluated_from, zone),
        "freezes_at": _at(view.freezes_at, zone),
        "attribution": view.indicator.attribution if view.indicator is not None else "",
        "verdict": verdict,
        "last": last
        and {
            "value": last.reading.value,
            "report_on": last.report_on.isoformat(),
            "row_on": last.reading.row_on.isoformat(),
            "read_at": _at(last.read_at, zone),
            "verdict": verdict,
        },
    }


def switch_json(switch: Json, zone: ZoneInfo) -> Json:
    """An entry of the log; `by` is an organiser's name, else `rule`."""
    return {
        "at": _at(switch["at"], zone),
        "from": switch["from_mode"],
        "to": switch["to_mode"],
        "by": switch["organiser.name"]
        or switch["organiser.email"]
        or ("rule" if switch["evidence"] else None),
        "reason": switch["reason"],
        "locked": switch["locked"],
        "evidence": switch["evidence"],
    }


def replay_json(found: Replay, words: ModeWords) -> Json:
    """The document of `dialograum mode replay --json`."""
    return {
        "switches": [
            {
                "on": switch.on.isoformat(),
                "to": switch.to.value,
                "reading": switch.verdict.reading.value,
                "reason": words.judgement(switch.rule, switch.verdict),
                "rule": switch.rule.key,
            }
            for switch in found.switches
        ],
        "readings": [
            {
                "report_on": step.verdict.reading.report_on.isoformat(),
                "row_on": step.verdict.reading.row_on.isoformat(),
                "value": step.verdict.reading.value,
                "rule": step.rule.key,
            }
            for step in found.steps
        ],
    }


def lines_of(body: Json) -> Sequence[str]:
    """The answer as lines to read."""
    locked = ", locked" if body["locked"] else ""
    lines = [f"mode: {body['mode']} (base {body['base_mode']}){locked}"]
    if body["since"]:
        lines.append(f"since: {body['since']}" + (f", {body['reason']}" if body["reason"] else ""))
    if body["freezes_at"]:
        lines.append(f"freezes at: {body['freezes_at']}")
    for rule in body["rules"]:
        lines.append(f"rule {rule['key']}: {'on' if rule['on'] else 'off'}")
        lines.append(f"  {rule['verdict']}")
    lines += [
        f"proposed since {one['at']}: {one['to']} ({one['cause']}, {one['rule']})"
        for one in body["proposals"]
    ]
    for switch in body["switches"]:
        by, reason = switch["by"] or "hand", switch["reason"] or ""
        lines.append(f"{switch['at']}: {switch['from']} -> {switch['to']} by {by} {reason}".rstrip())
    return lines


def _at(at: datetime | date | None, zone: ZoneInfo) -> str | None:
    return at.astimezone(zone).isoformat() if isinstance(at, datetime) else None
