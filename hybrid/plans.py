"""What is known in advance of when an event would move, as facts beside the event: what its page says, for mails.

Packages below know nothing of rules. They state these facts as they stand.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from events.rules import local_time
from events.tables import Event
from hybrid.public_mode import PublicRule, public_mode
from hybrid.queries import StoredRule
from hybrid.rules import Reading
from hybrid.sources import Indicator


async def state_plan(
    event: Event, rules: Sequence[StoredRule], indicators: Mapping[str, Indicator], now: datetime
) -> None:
    """Writes the event's plan where it is another one now; the event's row is locked.

    `rules` are all that the event has. What stands of those on other `indicators` is kept.
    """
    moves = await public_mode(event, indicators, now)
    stated = {
        one["rule"]["key"]: one for one in event.plan or () if one["rule"]["indicator"] not in indicators
    }
    stated |= {view.rule.key: plan_facts(view, event.timezone) for view in moves.rules}
    keys = [rule.spec.effective_key for rule in rules]
    plan = [stated[key] for key in keys if key in stated] or None
    if plan != event.plan:
        event.plan = plan
        await event.save([Event.plan])


def plan_facts(view: PublicRule, timezone: str) -> dict[str, Any]:
    """A rule as it stands for visitors, as plain JSON values by the same names; local times are of the event."""
    rule = view.rule
    return {
        "rule": {
            "key": rule.key,
            "indicator": rule.indicator,
            "region": rule.region,
            "region_title": dict(rule.region_title),
            "mode": rule.mode.value,
            "enter_at": rule.enter_at,
            "leave_at": rule.leave_at,
            "enter_after": rule.enter_after,
            "leave_after": rule.leave_after,
            "only_rising": rule.only_rising,
            "proposes": rule.proposes,
        },
        "is_state": view.is_state,
        "is_on": view.is_on,
        "last": _last(view.last),
        "decides_from_local": local_time(view.decides_from, timezone).isoformat(),
        "decides_until_local": local_time(view.decides_until, timezone).isoformat(),
    }


def _last(reading: Reading | None) -> dict[str, Any] | None:
    if reading is None:
        return None
    return {
        "value": reading.value,
        "report_on": reading.report_on.isoformat(),
        "row_on": reading.row_on.isoformat(),
    }
