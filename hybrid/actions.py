"""Writes of what decides about an event's mode."""

from collections.abc import Sequence

import msgspec

from events.tables import Event
from hybrid.forms import ModeRuleSpec
from hybrid.tables import ModeRule


async def write_rules(event: Event, specs: Sequence[ModeRuleSpec]) -> None:
    """Makes the event's rules what the file says; a rule keeps its row across an edit."""
    existing = {row["key"]: row["id"] for row in await ModeRule.select().where(ModeRule.event == event.id)}
    for position, spec in enumerate(specs):
        key, rule = spec.effective_key, msgspec.to_builtins(spec)
        if key in existing:
            await ModeRule.update({ModeRule.position: position, ModeRule.rule: rule}).where(
                ModeRule.id == existing.pop(key)
            )
        else:
            await ModeRule.insert(ModeRule(event=event.id, key=key, position=position, rule=rule))
    if existing:
        await ModeRule.delete().where(ModeRule.id.is_in(list(existing.values())))
