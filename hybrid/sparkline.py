"""A small picture of the last readings beside their threshold: where its line and its words stand. Pure.

Numbers are units of an SVG as wide as it is shown; in a script that runs from right to left the picture is mirrored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 290.0, 122.0
TOP, BOTTOM = 26.0, 92.0
"""Between them stand the values; above the threshold's word, below the days."""

ROOM = 58.0
"""Kept free beside the last value for its number."""


@dataclass(frozen=True)
class Sparkline:
    """`line` are the points; `first_x` and `last` where the line begins and ends, `threshold_y` where the threshold is.

    `word_y` is where the threshold's word stands, out of the way of the line.
    """

    width: float
    height: float
    line: str
    threshold_y: float
    word_y: float
    first_x: float
    last: tuple[float, float]
    value_x: float
    days_y: float
    first_on: date
    last_on: date
    is_mirrored: bool


def sparkline(
    values: Sequence[tuple[date, float]], threshold: float, *, mirrored: bool = False
) -> Sparkline | None:
    """The picture of at least two values by day, else none."""
    if len(values) < 2:
        return None
    first, last = values[0][0], values[-1][0]
    days = max(1, (last - first).days)
    numbers = [value for _, value in values]
    lowest, highest = min([*numbers, threshold]), max([*numbers, threshold])
    span = highest - lowest or 1.0

    def x(along: float) -> float:
        return round(WIDTH - along if mirrored else along, 1)

    def y(value: float) -> float:
        return round(BOTTOM - (value - lowest) / span * (BOTTOM - TOP), 1)

    def along(on: date) -> float:
        return 2 + (on - first).days / days * (WIDTH - ROOM - 2)

    threshold_y = y(threshold)
    begins_above = numbers[0] >= threshold
    return Sparkline(
        width=WIDTH,
        height=HEIGHT,
        line=" ".join(f"{x(along(on))},{y(value)}" for on, value in values),
        threshold_y=threshold_y,
        word_y=threshold_y + 15 if begins_above else threshold_y - 7,
        first_x=x(2),
        last=(x(along(last)), y(numbers[-1])),
        value_x=x(along(last) + 9),
        days_y=HEIGHT - 4,
        first_on=first,
        last_on=last,
        is_mirrored=mirrored,
    )
