"""An event's mode as JSON, for the API and for `dialograum mode`."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dialograum.mode_words import ModeWords
from hybrid.overview import ModeView, RuleView
from hybrid.replay import Replay

Json = dict[str, Any]


def mode_json(view: ModeView, words: ModeWords, *, shows_addresses: bool = True) -> Json:
    """The answer of `GET /events/{slug}/mode`; helpers see no address of an organiser."""
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
        "switches": [
            {
                "at": _at(switch["at"], zone),
                "from": switch["from_mode"],
                "to": switch["to_mode"],
                **_decision_json(switch, shows_addresses),
            }
            for switch in view.switches
        ],
        "adjustments": [
            {
                "at": _at(entry["at"], zone),
                "mode": entry["to_mode"],
                "what": "seats" if entry["resized"] else "locked" if entry["locked"] else "unlocked",
                **_decision_json(entry, shows_addresses),
            }
            for entry in view.adjustments
        ],
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
        "key": rule.key,
        "indicator": rule.indicator,
        "region": rule.region,
        "region_title": dict(rule.region_title),
        "enter_at": rule.enter_at,
        "leave_at": rule.leave_at,
        "enter_after": rule.enter_after,
        "leave_after": rule.leave_after,
        "settle_days": rule.settle_days,
        "trend": "rising" if rule.only_rising else "any",
        "mode": rule.mode.value,
        "max_age_hours": int(rule.max_age.total_seconds() // 3600),
        "evaluate_days": rule.evaluate_days,
        "freeze_hours": int(rule.freeze.total_seconds() // 3600),
        "approval": "propose" if rule.proposes else "automatic",
        "expires_on": rule.expires_on.isoformat() if rule.expires_on else None,
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


def _decision_json(entry: Json, shows_addresses: bool) -> Json:
    """Who decided: `by` is the name or address of an organiser, else the same as `via`."""
    name = entry["organiser.name"] or (entry["organiser.email"] if shows_addresses else "organiser")
    if entry["organiser"] is None:
        name = via = "rule" if entry["evidence"] else "command line"
    else:
        via = "proposal" if entry["evidence"] else "hand"
    return {
        "by": name,
        "via": via,
        "reason": entry["reason"],
        "locked": entry["locked"],
        "evidence": entry["evidence"],
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
    lines += [_line(one, f"{one['from']} -> {one['to']}") for one in body["switches"]]
    lines += [_line(one, f"{ADJUSTMENTS[one['what']]} ({one['mode']})") for one in body["adjustments"]]
    return lines


ADJUSTMENTS = {"seats": "seats in the hall changed", "locked": "mode locked", "unlocked": "lock lifted"}


def _line(entry: Json, what: str) -> str:
    via = " (proposal)" if entry["via"] == "proposal" else ""
    return f"{entry['at']}: {what} by {entry['by']}{via}" + (
        f", {entry['reason']}" if entry["reason"] else ""
    )


def _at(at: datetime | date | None, zone: ZoneInfo) -> str | None:
    return at.astimezone(zone).isoformat() if isinstance(at, datetime) else None
