"""Charts as numbers: nothing stands outside the picture, labels do not lie on each other, mirrored is mirrored."""

from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest

from events.rules import Mode
from hybrid.charts import LETTER, NARROW, WIDE, Content, Turn, Value, charts, nice_step

FIRST = date(2022, 8, 1)


def content(values=(500.0, 350.0, 100.0, 450.0), turns=(), **more) -> Content:
    every = [
        Value(FIRST + timedelta(days=number * 10), value, value - 50) for number, value in enumerate(values)
    ]
    return Content(every, 400.0, 300.0, Mode.IN_PERSON, turns, **more)


def points(line: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in line.split())]


@pytest.mark.parametrize("mirrored", [False, True])
def test_everything_stands_inside_the_picture(mirrored):
    turns = [
        Turn(FIRST + timedelta(days=day), Mode.DIGITAL if day % 2 else Mode.IN_PERSON, 420.0)
        for day in range(30)
    ]
    freeze = (datetime(2022, 10, 19, 16), datetime(2022, 10, 21, 16))
    for chart in charts(content(turns=turns, until=freeze[1], freeze=freeze), mirrored=mirrored):
        for x, y in [*points(chart.line), *points(chart.beside), *((mark.x, mark.y) for mark in chart.marks)]:
            assert chart.left - 0.1 <= x <= chart.right + 0.1
            assert chart.top <= y <= chart.bottom
        assert 0 < chart.top < chart.leave_y
        assert chart.enter_y < chart.leave_y < chart.bottom < chart.height
        assert chart.freeze is not None
        assert chart.left <= chart.freeze.left <= chart.freeze.left + chart.freeze.width <= chart.right + 0.1


def test_a_mirrored_picture_is_the_same_seen_from_behind():
    for chart, other in zip(charts(content()), charts(content(), mirrored=True), strict=True):
        assert [(round(chart.width - x, 1), y) for x, y in points(chart.line)] == points(other.line)


def test_the_picture_comes_for_wide_screens_and_for_phones():
    wide, narrow = charts(content())
    assert (wide.width, wide.is_wide, narrow.width, narrow.is_wide) == (WIDE, True, NARROW, False)


def test_labels_in_a_row_keep_apart_and_earlier_ones_are_higher():
    turns = [Turn(FIRST + timedelta(days=day), Mode.DIGITAL, 400.0) for day in (0, 1, 2, 3, 29)]
    wide, narrow = charts(content(turns=turns))
    for chart, letters in ((wide, 26), (narrow, 9)):
        rows: dict[int, list[float]] = {}
        for mark in chart.marks:
            if mark.row is not None:
                rows.setdefault(mark.row, []).append(mark.x)
        for places in rows.values():
            assert all(later - earlier >= LETTER * letters for earlier, later in pairwise(places))
    assert [mark.row for mark in wide.marks] == [None, 2, 1, 0, 0]


def test_the_time_in_another_mode_is_tinted_until_the_last_value():
    turns = [Turn(FIRST + timedelta(days=10), Mode.DIGITAL), Turn(FIRST + timedelta(days=20), Mode.IN_PERSON)]
    wide, _ = charts(content(turns=turns))
    [span] = wide.online
    xs = [x for x, _ in points(wide.line)]
    assert (span.left, round(span.left + span.width, 1)) == (xs[1], xs[2])
    wide, _ = charts(content(turns=turns[:1]))
    assert round(wide.online[0].left + wide.online[0].width, 1) == xs[3]


def test_a_value_of_the_scale_gives_way_to_a_threshold():
    wide, _ = charts(content())
    assert [tick.value for tick in wide.ticks] == [0, 100, 200, 500]


def test_months_begin_where_they_begin_and_a_few_days_have_weeks():
    wide, _ = charts(content([1.0] * 10))
    assert [start.day for start in wide.starts] == [date(2022, month, 1) for month in (8, 9, 10)]
    short, _ = charts(content([1.0] * 3))
    assert {start.day.weekday() for start in short.starts} == {0}


@pytest.mark.parametrize("values", [(), (0.0,), (5.0,), (-3.0, 2.0)])
def test_there_is_a_picture_of_little_and_of_nothing(values):
    every = [Value(FIRST, value) for value in values]
    for chart in charts(Content(every, 0.0, 0.0, Mode.IN_PERSON)):
        assert chart.top < chart.bottom


@pytest.mark.parametrize(
    ("span", "step"), [(0, 1), (1, 0.2), (5, 1), (5.1, 2), (499, 100), (1001, 500), (2500, 500), (0.3, 0.1)]
)
def test_a_scale_has_at_most_five_steps_of_round_numbers(span, step):
    assert nice_step(span, 5) == pytest.approx(step)
