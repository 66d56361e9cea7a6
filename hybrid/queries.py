"""Reads of what decides about an event's mode."""

import msgspec

from events.tables import Event
from hybrid.forms import ModeRuleSpec
from hybrid.tables import ModeRule


async def rules_of(event: Event) -> tuple[ModeRuleSpec, ...]:
    """The event's rules in the order of its file."""
    rows = (
        await ModeRule.select(ModeRule.rule)
        .where(ModeRule.event == event.id)
        .order_by(ModeRule.position)
        .output(load_json=True)
    )
    return tuple(msgspec.convert(row["rule"], ModeRuleSpec) for row in rows)
