"""The small picture beside a rule: where its line, its threshold and its words stand."""

from datetime import date, timedelta

import pytest

from hybrid.sparkline import BOTTOM, ROOM, TOP, WIDTH, sparkline

FIRST = date(2022, 9, 12)


def values(*numbers: float) -> list[tuple[date, float]]:
    """One a day from Monday, 12 September 2022."""
    return [(FIRST + timedelta(days=day), number) for day, number in enumerate(numbers)]


def points(picture) -> list[tuple[float, float]]:
    pairs = (point.split(",") for point in picture.line.split())
    return [(float(across), float(down)) for across, down in pairs]


@pytest.mark.parametrize("numbers", [(), (332.7,)], ids=["none", "one"])
def test_less_than_two_values_are_no_picture(numbers):
    assert sparkline(values(*numbers), 400) is None


def test_the_threshold_stands_above_values_below_it_and_the_line_ends_at_the_last():
    picture = sparkline(values(250, 240, 332.7), 400)
    assert picture is not None
    assert picture.threshold_y == TOP
    assert [y for _, y in points(picture)][1] == BOTTOM
    assert points(picture)[-1] == picture.last == (WIDTH - ROOM, picture.last[1])
    assert TOP < picture.last[1] < BOTTOM
    assert (picture.first_on, picture.last_on) == (FIRST, date(2022, 9, 14))


@pytest.mark.parametrize(
    ("numbers", "is_above"), [((399.9, 500), True), ((400, 300), False), ((500, 300), False)]
)
def test_the_word_of_the_threshold_keeps_out_of_the_way_of_the_line(numbers, is_above):
    picture = sparkline(values(*numbers), 400)
    assert picture is not None
    assert (picture.word_y < picture.threshold_y) is is_above


def test_from_right_to_left_it_is_mirrored():
    plain, mirrored = (sparkline(values(250, 240, 332.7), 400, mirrored=one) for one in (False, True))
    assert plain is not None
    assert mirrored is not None
    assert [(round(WIDTH - x, 1), y) for x, y in points(mirrored)] == points(plain)
    assert mirrored.first_x > mirrored.last[0] > mirrored.value_x
    assert plain.first_x < plain.last[0] < plain.value_x


@pytest.mark.parametrize("numbers", [(5, 5), (0, 0, 0)], ids=["as the threshold", "zeros"])
def test_values_that_are_all_alike_can_be_drawn(numbers):
    picture = sparkline(values(*numbers), numbers[0])
    assert picture is not None
    assert {y for _, y in points(picture)} == {BOTTOM}


def test_reports_of_weeks_stand_where_their_days_are():
    picture = sparkline([(FIRST, 1), (FIRST + timedelta(days=7), 2), (FIRST + timedelta(days=28), 3)], 5)
    assert picture is not None
    first, second, last = (x for x, _ in points(picture))
    assert second - first == pytest.approx((last - first) / 4, abs=0.1)
