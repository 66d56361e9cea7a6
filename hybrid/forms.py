"""When an event changes its mode by itself: the `[[mode_rules]]` of an event file."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, field

from events.forms import Flaw, Line, Part, Texts, repeated


def _whole(least: int, most: int) -> Meta:
    return Meta(ge=least, le=most, description=f"Must be a whole number from {least} to {most}.")


Level = Annotated[float, Meta(ge=-1e12, le=1e12, description="Must be a number.")]
Reports = Annotated[int, _whole(1, 100)]
Name = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]+([-_.][a-z0-9]+)*(?![\s\S])",
        max_length=80,
        description="Must be the name of an indicator, such as rki-incidence.",
    ),
]


class ModeRuleSpec(Part, frozen=True, kw_only=True):
    """One rule. What is `None` depends on the indicator: a series has other defaults than a state."""

    indicator: Name
    region: Line
    region_title: Texts = field(default_factory=dict)
    enter_at: Level
    leave_at: Level
    enter_after: Reports | None = None
    leave_after: Reports | None = None
    settle_days: Annotated[int, _whole(0, 366)] | None = None
    trend: Literal["any", "rising"] = "any"
    mode: Literal["digital", "hybrid"] = "digital"
    max_age_hours: Annotated[int, _whole(1, 8784)] | None = None
    evaluate_days: Annotated[int, _whole(0, 366)] | None = None
    freeze_hours: Annotated[int, _whole(0, 8784)] | None = None
    approval: Literal["automatic", "propose"] = "automatic"
    expires_on: Annotated[date, Meta(description="Must be a date such as 2022-11-18.")] | None = None
    key: Line | None = None

    @property
    def default_key(self) -> str:
        return f"{self.indicator}/{self.region}/{self.mode}"

    @property
    def effective_key(self) -> str:
        """What the rule is known by within its event."""
        return self.key or self.default_key


ModeRules = Annotated[tuple[ModeRuleSpec, ...], Meta(max_length=20)]


def flaws(rules: Sequence[ModeRuleSpec]) -> Iterator[Flaw]:
    """What does not fit together, with paths from `mode_rules[0]` on."""
    for i, rule in enumerate(rules):
        if rule.leave_at > rule.enter_at:
            yield Flaw(f"mode_rules[{i}].leave_at", "Must not be above enter_at.")
    for i in repeated(rule.effective_key for rule in rules):
        yield Flaw(f"mode_rules[{i}].key", f"Another rule has the key {rules[i].effective_key} already.")
