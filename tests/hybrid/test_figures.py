"""Figures typed in by an organiser: a report for one region, which counts as any other."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from events.errors import FormInvalid
from events.queries import activities_of, event_by_id
from hybrid.figures import note_figure, typed_figure
from hybrid.indicators import BUILT_IN
from hybrid.queries import kept_reports, stored_rules
from hybrid.reports import SeriesReport
from tests.hybrid import town

MANUAL = BUILT_IN["manual"]
NOW = datetime(2027, 3, 5, 9, tzinfo=UTC)
TODAY = date(2027, 3, 5)
RULE = {"indicator": "manual", "region": "Pegel Ems", "enter_at": 300, "leave_at": 200}


@pytest.fixture
async def event(database):
    made = await town.event([RULE, RULE | {"region": "Sporthalle"}])
    return await event_by_id(made.id)


async def note(event, on: date, value: float, region: str = "Pegel Ems") -> bool:
    return await note_figure(MANUAL, region, on, value, event, None, NOW)


async def test_two_figures_in_a_row_turn_a_rule_on_without_waiting_for_them_to_settle(event):
    assert await note(event, date(2027, 3, 4), 310)
    assert await note(event, TODAY, 320)
    ems, hall = await stored_rules(event.id)
    assert (ems.is_on, hall.is_on, hall.verdict) == (True, False, None)
    assert [activity["what"] for activity in await activities_of(event.id, limit=2)] == ["figure_noted"] * 2


async def test_figures_of_two_regions_on_one_day_both_count(event):
    assert await note(event, TODAY, 310)
    assert await note(event, TODAY, 1, "Sporthalle")
    for region, value in (("Pegel Ems", 310.0), ("Sporthalle", 1.0)):
        kept: Any
        [kept] = await kept_reports("manual", region)
        assert isinstance(kept.report, SeriesReport)
        assert kept.report.rows[region][-1].value == value


async def test_what_was_noted_first_under_a_day_stands(event):
    assert await note(event, TODAY, 310)
    assert not await note(event, TODAY, 10)
    assert not await note(event, date(2027, 3, 4), 10)
    first, revision = [
        one for one in await kept_reports("manual", "Pegel Ems", revisions=True) if one.report_on == TODAY
    ]
    assert (first.counts, revision.counts) == (True, False)


@pytest.mark.parametrize(
    ("on", "value", "region", "errors"),
    [
        (date(2027, 3, 6), 1, "x", [("on", "day")]),
        (date(1989, 12, 31), 1, "x", [("on", "day")]),
        (TODAY, float("nan"), "x", [("value", "number")]),
        (TODAY, float("inf"), "x", [("value", "number")]),
        (TODAY, 1, "", [("region", "region")]),
    ],
)
async def test_a_figure_that_cannot_be_is_refused(event, on, value, region, errors):
    with pytest.raises(FormInvalid) as refused:
        await note(event, on, value, region)
    assert refused.value.errors == errors


async def test_nobody_types_in_what_is_fetched(event):
    with pytest.raises(FormInvalid):
        await note_figure(BUILT_IN["rki-incidence"], "05754", TODAY, 1, event, None, NOW)


@pytest.mark.parametrize("value", ["310,5", "310.5", " 310.5 ", "3105e-1"])
def test_a_number_is_typed_with_a_point_or_a_comma(value):
    assert typed_figure("2027-03-05", value) == (TODAY, 310.5)


@pytest.mark.parametrize(
    ("on", "value", "errors"),
    [
        ("5.3.2027", "1", [("on", "day")]),
        ("", "", [("on", "day"), ("value", "number")]),
        ("2027-03-05", "NaN", [("value", "number")]),
        ("2027-03-05", "1.000,5", [("value", "number")]),
    ],
)
def test_what_is_typed_wrong_is_named(on, value, errors):
    with pytest.raises(FormInvalid) as refused:
        typed_figure(on, value)
    assert refused.value.errors == errors
