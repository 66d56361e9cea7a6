"""Answers to what rules propose. Whoever comes first has answered; a second answer changes nothing."""

from datetime import datetime
from typing import Any
from uuid import UUID

from events import actions
from events.errors import EventUnknown
from events.queries import event_by_id
from events.rules import Mode
from events.tables import Event, Organiser
from hybrid.actions import settle
from hybrid.queries import stored_rules
from hybrid.rules import furthest
from hybrid.switching import Cause, switch
from hybrid.tables import ModeProposal, ModeRule


async def proposal_of(event_id: int, proposal_id: UUID) -> Any:
    """A proposal of the event, with `answered_by.name` where somebody has answered. Raises EventUnknown."""
    found = (
        await ModeProposal.objects(ModeProposal.answered_by)
        .where((ModeProposal.id == proposal_id) & (ModeProposal.event == event_id))
        .first()
        .output(load_json=True)
    )
    if found is None:
        raise EventUnknown()
    return found


async def destination(event: Any, proposal: Any) -> Mode:
    """Where the event would be after a yes: what was proposed, unless other rules that are on lead further."""
    if proposal.cause == "approval":
        return Mode(proposal.to_mode)
    others = [one for one in await stored_rules(event.id) if one.spec.effective_key != proposal.rule_key]
    return furthest([Mode(proposal.to_mode), *(Mode(one.spec.mode) for one in others if one.is_on)])


async def accept(
    event_id: int, proposal_id: UUID, by: Organiser, now: datetime, *, has_servers: bool
) -> bool:
    """Moves the event as proposed, and tells everybody; whether this answer counted.

    A rule that was on after its last day goes off by it. Raises EventUnknown, EventCancelled and ModeRefused.
    """
    async with Event._meta.db.transaction():
        event = await event_by_id(event_id, locked=True)
        proposal = await proposal_of(event_id, proposal_id)
        if proposal.answer is not None:
            return False
        to = await destination(event, proposal)
        if proposal.cause == "expired":
            await ModeRule.update({ModeRule.is_on: False, ModeRule.turned_at: now}).where(
                (ModeRule.event == event_id) & (ModeRule.key == proposal.rule_key)
            )
        await _answer(proposal, "accepted", by, now)
        await actions.record(event, by, now, "proposal_accepted", to=to.value, rule=proposal.rule_key)
        if Mode(event.mode) is not to:
            cause = Cause(by, evidence=proposal.evidence or None)
            await switch(event, to, cause, now, has_servers=has_servers)
            await settle(await event_by_id(event_id), now)
        return True


async def decline(event_id: int, proposal_id: UUID, by: Organiser, now: datetime) -> bool:
    """Leaves the event where it is; whether this answer counted. Raises EventUnknown."""
    async with Event._meta.db.transaction():
        event = await event_by_id(event_id, locked=True)
        proposal = await proposal_of(event_id, proposal_id)
        if proposal.answer is not None:
            return False
        await _answer(proposal, "declined", by, now)
        await actions.record(event, by, now, "proposal_declined", to=proposal.to_mode, rule=proposal.rule_key)
        return True


async def _answer(proposal: Any, answer: str, by: Organiser, now: datetime) -> None:
    await ModeProposal.update(
        {
            ModeProposal.answer: answer,
            ModeProposal.answered_at: now,
            ModeProposal.answered_by: by.id,
        }
    ).where(ModeProposal.id == proposal.id)
