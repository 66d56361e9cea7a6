"""Charts of readings as plain numbers: where lines, thresholds, spans and labels stand. Templates draw them.

Widths are units of an SVG that is as many pixels wide at most, so that type keeps its size; in a script that runs
from right to left the picture is mirrored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import zip_longest
from math import ceil, floor, log10

from events.rules import Mode

WIDE, NARROW = 1216, 350
LETTER = 7
"""Units that a letter of a label takes at most."""

ROW = 18
"""Units between labels above each other."""

MOST_ROWS = 3


@dataclass(frozen=True)
class Value:
    """A value at a day, or at an instant of one (naive, local); `beside` is the second line's, if it has one."""

    at: date
    value: float
    beside: float | None = None


@dataclass(frozen=True)
class Turn:
    """A switch; it stands at the value that led to it, at the top without one."""

    at: date
    to: Mode
    value: float | None = None


@dataclass(frozen=True)
class Content:
    """What a chart shows. Modes further than `base` are tinted from a turn to the next."""

    values: Sequence[Value]
    enter_at: float
    leave_at: float
    base: Mode
    turns: Sequence[Turn] = ()
    until: date | None = None
    checked_from: date | None = None
    freeze: tuple[date, date] | None = None


@dataclass(frozen=True)
class Tick:
    """A value of the scale beside the chart."""

    y: float
    value: float


@dataclass(frozen=True)
class Start:
    """The first day of a month, or of a week where months are few."""

    x: float
    day: date


@dataclass(frozen=True)
class Span:
    """A part of the width, from its left edge."""

    left: float
    width: float


@dataclass(frozen=True)
class Mark:
    """A switch. `row` is that of its label from below, `None` where it found no room; one that `ends` ends there."""

    x: float
    y: float
    turn: Turn
    row: int | None
    label_x: float
    ends: bool


@dataclass(frozen=True)
class Chart:
    """A picture of one width; all numbers are units from the upper left corner."""

    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    tick_x: float
    line: str
    beside: str
    enter_y: float
    leave_y: float
    ticks: tuple[Tick, ...]
    starts: tuple[Start, ...]
    online: tuple[Span, ...]
    freeze: Span | None
    event_x: float | None
    checked_x: float | None
    marks: tuple[Mark, ...]
    last: tuple[float, float] | None
    is_wide: bool


@dataclass(frozen=True)
class _Scale:
    """From days and values to units."""

    width: int
    start: float
    per_day: float
    first: float
    mirrored: bool
    top: float
    bottom: float
    lowest: float
    highest: float

    def x(self, at: date) -> float:
        along = self.start + (_day(at) - self.first) * self.per_day
        return round(self.width - along if self.mirrored else along, 1)

    def y(self, value: float) -> float:
        share = (value - self.lowest) / (self.highest - self.lowest)
        return round(self.bottom - share * (self.bottom - self.top), 1)

    def span(self, since: date, until: date) -> Span:
        left, right = sorted((self.x(since), self.x(until)))
        return Span(left, round(right - left, 1))

    def beside(self, x: float, units: float) -> float:
        """So many units further along."""
        return round(x - units if self.mirrored else x + units, 1)


def charts(content: Content, *, mirrored: bool = False) -> tuple[Chart, Chart]:
    """The picture for wide screens and paper, and the one for phones."""
    return _chart(content, WIDE, 300, mirrored), _chart(content, NARROW, 230, mirrored)


def nice_step(span: float, most: int) -> float:
    """The smallest of 1, 2, 5, 10, 20 … and their tenths that divides the span into at most so many parts."""
    if span <= 0:
        return 1.0
    power = 10.0 ** floor(log10(span / most))
    return next(step * power for step in (1, 2, 5, 10) if step * power * most >= span * (1 - 1e-9))


def _chart(content: Content, width: int, height: int, mirrored: bool) -> Chart:
    is_wide = width == WIDE
    days = [_day(value.at) for value in content.values] + [_day(turn.at) for turn in content.turns]
    days += [_day(content.until)] if content.until is not None else []
    first, last = (min(days), max(days)) if days else (1.0, 2.0)
    last = max(last, first + 1)
    values = [one for value in content.values for one in (value.value, value.beside) if one is not None]
    lowest, highest = min([*values, content.leave_at, 0.0]), max([*values, content.enter_at, 0.0])
    step = nice_step(highest - lowest, 5)
    lowest, highest = floor(lowest / step) * step, ceil(highest / step) * step
    start, end = (44.0 if is_wide else 36.0), width - (20.0 if is_wide else 8.0)
    per_day = (end - start) / (last - first)
    labels = _labels([start + (_day(turn.at) - first) * per_day for turn in content.turns], width)
    top = 14.0 + ROW * max((row + 1 for row, _ in labels if row is not None), default=0)
    top += ROW if content.freeze else 0
    scale = _Scale(
        width, start, per_day, first, mirrored, top, top + height, lowest, max(highest, lowest + step)
    )
    left, right = sorted(
        (scale.x(_date(first)), scale.x(_date(first)) + (start - end if mirrored else end - start))
    )
    newest = content.values[-1] if content.values else None
    checked = content.checked_from
    return Chart(
        width=width,
        height=int(scale.bottom) + 30,
        left=left,
        right=right,
        top=scale.top,
        bottom=scale.bottom,
        tick_x=scale.beside(right if mirrored else left, -8),
        line=" ".join(f"{scale.x(value.at)},{scale.y(value.value)}" for value in content.values),
        beside=" ".join(
            f"{scale.x(value.at)},{scale.y(value.beside)}"
            for value in content.values
            if value.beside is not None
        ),
        enter_y=scale.y(content.enter_at),
        leave_y=scale.y(content.leave_at),
        ticks=_ticks(content, scale, step),
        starts=_starts(first, last, scale, 60 if is_wide else 52),
        online=_online(content, scale),
        freeze=scale.span(*content.freeze) if content.freeze else None,
        event_x=scale.x(content.freeze[1]) if content.freeze else None,
        checked_x=scale.x(checked) if checked is not None and first <= _day(checked) <= last else None,
        marks=tuple(
            Mark(
                scale.x(turn.at),
                scale.top if turn.value is None else scale.y(turn.value),
                turn,
                row,
                scale.beside(scale.x(turn.at), -4 if ends else 4),
                ends,
            )
            for turn, (row, ends) in zip(content.turns, labels, strict=True)
        ),
        last=(scale.x(newest.at), scale.y(newest.value)) if newest is not None else None,
        is_wide=is_wide,
    )


def _day(at: date) -> float:
    if isinstance(at, datetime):
        return at.toordinal() + (at - datetime.combine(at.date(), time())) / timedelta(days=1)
    return float(at.toordinal())


def _date(day: float) -> date:
    return datetime.combine(date.fromordinal(max(1, floor(day))), time()) + timedelta(days=day - floor(day))


def _labels(places: Sequence[float], width: int) -> list[tuple[int | None, bool]]:
    """For each turn the row of its label, and whether it ends at the turn instead of beginning there.

    Earlier ones are higher, so that no line runs through a later label.
    """
    long = LETTER * (26 if width == WIDE else 9)
    taken: list[list[tuple[float, float]]] = [[] for _ in range(MOST_ROWS)]
    found: list[tuple[int | None, bool]] = []
    for place in reversed(places):
        ends = place + long > width
        edges = (place - long, place) if ends else (place, place + long)
        free = (
            number
            for number, others in enumerate(taken)
            if all(edges[1] <= other[0] or edges[0] >= other[1] for other in others)
        )
        row = next(free, None)
        if row is not None:
            taken[row].append(edges)
        found.append((row, ends))
    return found[::-1]


def _ticks(content: Content, scale: _Scale, step: float) -> tuple[Tick, ...]:
    """The scale beside the chart; a value too near to a threshold gives way to it."""
    count = round((scale.highest - scale.lowest) / step)
    values = [round(scale.lowest + number * step, 9) for number in range(count + 1)]
    edges = (scale.y(content.enter_at), scale.y(content.leave_at))
    return tuple(
        Tick(scale.y(value), value)
        for value in values
        if all(abs(scale.y(value) - edge) >= LETTER * 2 for edge in edges)
    )


def _starts(first: float, last: float, scale: _Scale, apart: float) -> tuple[Start, ...]:
    days = [date.fromordinal(day) for day in range(ceil(first), floor(last) + 1)]
    chosen = [day for day in days if day.day == 1]
    if len(chosen) < 2:
        chosen = [day for day in days if day.weekday() == 0] or days[:1]
    found: list[Start] = []
    for day in chosen:
        x = scale.x(day)
        is_inside = apart / 2 <= x <= scale.width - apart / 2
        if is_inside and (not found or abs(x - found[-1].x) >= apart):
            found.append(Start(x, day))
    return tuple(found)


def _online(content: Content, scale: _Scale) -> tuple[Span, ...]:
    found = []
    for turn, later in zip_longest(content.turns, content.turns[1:]):
        until = later.at if later is not None else content.values[-1].at if content.values else turn.at
        if turn.to is not content.base and _day(until) >= _day(turn.at):
            found.append(scale.span(turn.at, until))
    return tuple(found)
