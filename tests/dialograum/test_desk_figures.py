"""The form on the mode page for a figure that an organiser types in."""

from typing import Any

import pytest

from events.actions import join
from events.queries import event_named
from hybrid.queries import kept_reports
from hybrid.reports import SeriesReport
from tests.dialograum.conftest import Town
from tests.visitor import Visitor, words

PAGE = "/organise/events/forum/mode"
MANUAL = {"indicator": "manual", "region": "Pegel Ems", "enter_at": 300, "leave_at": 200}
INCIDENCE = {"indicator": "rki-incidence", "region": "05754", "enter_at": 400, "leave_at": 300}


@pytest.fixture
async def browser(town: Town) -> Visitor:
    organiser = await town.organiser()
    await town.event(organiser, mode_rules=[INCIDENCE, MANUAL])
    return await town.signed_in(organiser)


async def note(browser: Visitor, **typed: str):
    usual = {"rule": "manual/Pegel Ems/digital", "on": "2026-01-05", "value": "310"}
    return await browser.send_form(f"{PAGE}/figure", {**usual, **typed}, page=PAGE)


async def test_a_figure_is_noted_for_the_rule_that_is_not_fetched(browser):
    page = await browser.get(PAGE)
    assert page.text.count('action="/organise/events/forum/mode/figure"') == 1
    answer = await note(browser, value="310,5")
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    kept: Any
    [kept] = await kept_reports("manual", "Pegel Ems")
    assert isinstance(kept.report, SeriesReport)
    assert kept.report.rows["Pegel Ems"][-1].value == 310.5


async def test_what_is_typed_wrong_is_said_beside_the_field(browser):
    answer = await note(browser, on="2199-01-05")
    assert answer.status_code == 422
    assert "Enter a day that is not to come." in words(answer)
    answer = await note(browser, value="viel")
    assert "Enter a number that a rule can have." in words(answer)
    assert await kept_reports("manual", "Pegel Ems") == []


async def test_nothing_is_noted_for_a_rule_that_is_fetched(browser):
    answer = await note(browser, rule="rki-incidence/05754/digital")
    assert answer.status_code == 303
    assert await kept_reports("rki-incidence", "05754") == []


async def test_helpers_see_no_form(town, browser):
    helper = await town.organiser("helper", "helper")
    await join(helper, await event_named("forum"))
    page = await (await town.signed_in(helper)).get(PAGE)
    assert "/mode/figure" not in page.text
