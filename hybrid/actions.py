"""Writes of what decides about an event's mode. They run in a transaction that holds the event's lock."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from events.rules import EventStatus, Mode
from events.tables import Event
from hybrid.forms import ModeRuleSpec
from hybrid.indicators import BUILT_IN
from hybrid.notices import tell_proposed
from hybrid.plans import state_plan
from hybrid.queries import StoredRule, open_proposals, stored_rules
from hybrid.rules import FURTHER, Decision, Timing, furthest, is_expired, resolved
from hybrid.tables import ModeProposal, ModeRule


async def write_rules(event: Event, specs: Sequence[ModeRuleSpec], now: datetime) -> None:
    """Makes the event's rules what the file says; a rule keeps its row, and how it stands, across an edit.

    One that vanishes while the event is where the rule has brought it becomes a proposal to come back. The plan states
    them at once; those on indicators of the operator's own when a worker judges them next.
    """
    existing = {stored.spec.effective_key: stored for stored in await stored_rules(event.id)}
    kept = []
    for position, spec in enumerate(specs):
        key, rule = spec.effective_key, msgspec.to_builtins(spec)
        if key in existing:
            kept.append(existing.pop(key))
            await ModeRule.update({ModeRule.position: position, ModeRule.rule: rule}).where(
                ModeRule.id == kept[-1].id
            )
        else:
            await ModeRule.insert(
                ModeRule(
                    _ignore_missing=True,
                    event=event.id,
                    key=key,
                    position=position,
                    rule=rule,
                    created_at=now,
                )
            )
    for gone in existing.values():
        if gone.is_on and event.status != EventStatus.CANCELLED:
            await _propose_leaving(event, gone, kept, "vanished", now)
    if existing:
        await ModeRule.delete().where(ModeRule.id.is_in([gone.id for gone in existing.values()]))
    await state_plan(event, await stored_rules(event.id), BUILT_IN, now)


async def follow(event: Event, decision: Decision, evidence: Mapping[str, Any], now: datetime) -> None:
    """Does what follows from a report for the event, and takes back proposals that do not follow any more."""
    proposes = decision.kind == "propose"
    waiting = ModeProposal.objects().where(
        (ModeProposal.event == event.id) & (ModeProposal.cause == "approval") & ModeProposal.answer.is_null()
    )
    for proposal in await waiting:
        same = proposes and decision.by is not None and proposal.rule_key == decision.by.rule.key
        if decision.kind != "hold" and not (same and proposal.to_mode == decision.to):
            await _take_back(proposal, now)
    if proposes and decision.by is not None:
        since = decision.by.turned or 0.0
        await _propose_once(event, decision.by.rule.key, "approval", decision.to, None, since, evidence, now)


async def settle(event: Event, now: datetime, *, by_hand: bool = False) -> None:
    """Takes back what is proposed and has come about by other means, such as by hand.

    A hand that has decided (`by_hand`) answers what rules ask for leave to do, too, whatever it decided.
    """
    for proposal in await open_proposals(event.id):
        if is_moot(proposal, Mode(event.mode)) or (by_hand and proposal.cause == "approval"):
            await _take_back(proposal, now)


async def _take_back(proposal: ModeProposal, now: datetime) -> None:
    proposal.answer, proposal.answered_at = "superseded", now
    await proposal.save([ModeProposal.answer, ModeProposal.answered_at])


def is_moot(proposal: ModeProposal, present: Mode) -> bool:
    """Whether the event is already where a proposal would bring it."""
    if proposal.cause == "approval":
        return Mode(proposal.to_mode) is present
    return FURTHER.index(present) <= FURTHER.index(Mode(proposal.to_mode))


async def propose_leaving_expired(
    event: Event, stored: Sequence[StoredRule], timing: Timing, now: datetime
) -> None:
    """Makes a proposal to come back of each rule that is on after its last day."""
    for one in stored:
        if one.is_on and is_expired(resolved(one.spec, "series"), timing, now):
            await _propose_leaving(
                event, one, [other for other in stored if other is not one], "expired", now
            )


async def _propose_leaving(
    event: Event, rule: StoredRule, others: Sequence[StoredRule], cause: str, now: datetime
) -> None:
    """A proposal to leave the mode that the rule alone holds; until it is answered the mode is kept."""
    held = [Mode(other.spec.mode) for other in others if other.is_on]
    to = furthest([Mode(event.base_mode), *held])
    if FURTHER.index(Mode(event.mode)) <= FURTHER.index(to):
        return
    verdict = rule.verdict or {}
    evidence: dict[str, Any] = {
        "rule": rule.spec.effective_key,
        "indicator": rule.spec.indicator,
        "region": rule.spec.region,
        "region_title": dict(rule.spec.region_title),
    }
    if "value" in verdict:
        evidence |= {"reading": {"value": verdict["value"], "row_on": verdict["row_on"]}}
    since = rule.turned_at.timestamp() if rule.turned_at else 0.0
    await _propose_once(event, rule.spec.effective_key, cause, to, Mode(event.mode), since, evidence, now)


async def _propose_once(
    event: Event,
    rule_key: str,
    cause: str,
    to: Mode,
    kept: Mode | None,
    since: float,
    evidence: Mapping[str, Any],
    now: datetime,
) -> None:
    """A proposal, unless the same was made since the rule last went on or off: a no is not asked again."""
    made = await ModeProposal.select(ModeProposal.made_at).where(
        (ModeProposal.event == event.id)
        & (ModeProposal.rule_key == rule_key)
        & (ModeProposal.cause == cause)
        & (ModeProposal.to_mode == to.value)
        & (ModeProposal.answer.is_null() | (ModeProposal.answer != "superseded"))
    )
    if any(row["made_at"].timestamp() >= since for row in made):
        return
    proposal = ModeProposal(
        _ignore_missing=True,
        event=event.id,
        rule_key=rule_key,
        cause=cause,
        to_mode=to.value,
        kept_mode=kept.value if kept else None,
        made_at=now,
    )
    proposal.evidence = dict(evidence)
    await proposal.save()
    await tell_proposed(event, proposal)
