"""What an organiser types in to try a rule that is not theirs yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from hybrid.forms import ModeRuleSpec
from hybrid.rules import Rule

NUMBERS = ("enter_at", "leave_at", "enter_after", "leave_after", "settle_days")
DAYS = ("from", "to", "event_on")


@dataclass(frozen=True)
class Trial:
    """A rule to be tried, on which days; `values` as typed in, `errors` by field. What is wrong stays as it was."""

    spec: ModeRuleSpec
    first: date | None
    last: date | None
    event_on: date | None
    values: Mapping[str, str]
    errors: tuple[tuple[str, str], ...]


def trial_from_query(query: Mapping[str, str], spec: ModeRuleSpec, whole: Rule) -> Trial:
    """The rule with what the query changes; `whole` is it with its defaults.

    Errors are `number` (none, or out of bounds), `above` (to leave above where to enter), `day` and `order`.
    """
    rule = msgspec.to_builtins(spec)
    values = {name: _written(getattr(whole, name)) for name in NUMBERS}
    values |= {"trend": spec.trend} | dict.fromkeys(DAYS, "")
    errors: list[tuple[str, str]] = []
    for name in (*NUMBERS, "trend"):
        typed = query.get(name, "").strip()[:40]
        if not typed:
            continue
        values[name] = typed
        changed = {**rule, name: typed.replace(",", ".")}
        try:
            msgspec.convert(changed, ModeRuleSpec, strict=False)
        except msgspec.ValidationError:
            errors.append((name, "number"))
        else:
            rule = changed
    days: dict[str, date | None] = {}
    for name in DAYS:
        values[name] = query.get(name, "").strip()[:40]
        try:
            days[name] = date.fromisoformat(values[name]) if values[name] else None
        except ValueError:
            errors.append((name, "day"))
    tried = msgspec.convert(rule, ModeRuleSpec, strict=False)
    if tried.leave_at > tried.enter_at:
        errors.append(("leave_at", "above"))
        tried = spec
    first, last = days.get("from"), days.get("to")
    if first and last and first > last:
        errors.append(("to", "order"))
        last = None
    return Trial(tried, first, last, days.get("event_on"), values, tuple(errors))


def _written(value: Any) -> str:
    """A number as one types it in."""
    return f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 else str(value)
