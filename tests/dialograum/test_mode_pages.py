"""The organisers' pages of the mode, and the mode in the API: what stands there, and that rules can be tried."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import fields

from dialograum import publishing
from dialograum.event_file import from_document
from events.tables import Event
from hybrid.evaluation import could_not_read
from hybrid.forms import ModeRuleSpec
from hybrid.reports import Unreadable
from hybrid.tables import ModeProposal, ModeRule, ModeSwitch, RecordedFile, Report
from tests.dialograum.conftest import Town
from tests.forum import forum
from tests.hybrid.town import COUNTY, INCIDENCE, RULE, publish
from tests.visitor import Visitor, headings, words

PAGE = "/organise/events/forum/mode"
TRIAL = f"{PAGE}/replay"
TODAY = datetime.now(UTC).date()
HEADING = (
    "Datenstand,Meldedatum,Landkreis_id,Bevoelkerung,Faelle_gesamt,Faelle_neu,Faelle_7-Tage,Inzidenz_7-Tage"
)


def recorded(*values: float, region: str = COUNTY, first: date = date(2022, 10, 3)) -> bytes:
    """Reports of one morning after the other, each with a single row of its day."""
    lines = [
        f"{day},{day},{region},1000,1,1,1,{value}"
        for day, value in ((first + timedelta(days=number), value) for number, value in enumerate(values))
    ]
    return "\n".join([HEADING, *lines]).encode() + b"\n"


@pytest.fixture
async def browser(town: Town) -> Visitor:
    """An organiser's browser; the event has one rule, and starts in thirty days."""
    organiser = await town.organiser()
    await town.event(organiser, mode_rules=[RULE | {"evaluate_days": 60}])
    await ModeRule.update({ModeRule.created_at: datetime(2020, 1, 1, tzinfo=UTC)}, force=True)
    return await town.signed_in(organiser)


async def come_in(*values: float) -> None:
    """Reports of the last days, the last of today."""
    for age, value in zip(range(len(values) - 1, -1, -1), values, strict=True):
        now = datetime.now(UTC)
        await publish(TODAY - timedelta(days=age), value, now=now - timedelta(days=age))


async def set_event(**values: Any) -> None:
    await Event.update({getattr(Event, name): value for name, value in values.items()}, force=True)


async def send(browser: Visitor, content: bytes, name: str = "autumn.csv"):
    page = await browser.get(TRIAL)
    token = {"_csrf_token": page.text.split('name="_csrf_token" value="')[1].split('"')[0]}
    return await browser.post(TRIAL, data=token, files={"file": (name, content, "text/csv")})


# How it stands


async def test_without_a_rule_there_are_ready_ones_to_copy(town):
    organiser = await town.organiser()
    await town.event(organiser)
    page = await (await town.signed_in(organiser)).get(PAGE)
    assert headings(page) == ["Takes place on site"]
    assert "No rule decides about this event." in words(page)
    assert 'indicator = "rki-are"' in page.text
    assert 'indicator = "dwd-warnings"' in page.text


async def test_the_page_says_how_far_the_rule_is(browser):
    await come_in(100, 412.3)
    page = await browser.get(PAGE)
    assert "Way to “online” 1 of 2 reports at 400 or more" in words(page)
    assert "first report in a row at 400 or more: off." in words(page)
    assert "Quelle: Robert Koch-Institut (RKI), CC BY 4.0" in words(page)
    assert page.text.count('<svg class="d-chart ') == 2
    assert "2 readings, the last 412.3 on " in words(page)
    assert words(page).count("412.3") >= 3


async def test_the_page_says_what_a_rule_that_is_on_led_to(browser):
    await come_in(500, 412.3)
    page = await browser.get(PAGE)
    assert "Way back 0 of 2 reports below 300" in words(page)
    assert "second report in a row at 400 or more: on. This led to a switch: online." in words(page)


async def test_there_is_no_way_back_where_the_event_has_not_left(browser):
    await ModeRule.update({ModeRule.rule: RULE | {"evaluate_days": 60, "approval": "propose"}}, force=True)
    await come_in(500, 500)
    page = words(await browser.get(PAGE))
    assert headings(await browser.get(PAGE)) == ["Takes place on site"]
    assert "A rule proposes: online." in page
    assert "Way to “online” reached, but the event has not moved" in page
    assert "Way back" not in page


async def test_it_says_that_a_source_cannot_be_read_and_since_when(browser):
    await come_in(500)
    missing = Unreadable("the column Inzidenz is missing", "column", "Inzidenz")
    await could_not_read(INCIDENCE, missing, datetime.now(UTC))
    page = await browser.get(PAGE)
    assert "Not evaluated: The column “Inzidenz” is missing." in words(page)
    assert "It could not be read since" in words(page)


async def test_rows_too_old_are_not_evaluated(browser):
    await publish(TODAY - timedelta(days=9), 500, now=datetime.now(UTC))
    assert "Not evaluated: the newest value is of" in words(await browser.get(PAGE))


async def test_a_source_that_nobody_knows_is_said(town):
    organiser = await town.organiser()
    await town.event(organiser, mode_rules=[RULE | {"indicator": "nobody-knows"}])
    browser = await town.signed_in(organiser)
    assert "Not evaluated: this installation has no such source." in words(await browser.get(PAGE))
    assert "has no rule on a source that this installation knows" in words(await browser.get(TRIAL))


async def test_lock_proposals_and_switches_are_shown(browser):
    await come_in(500, 500)
    event = await Event.objects().first()
    assert event is not None
    await set_event(
        mode="digital", mode_locked=True, mode_changed_at=datetime.now(UTC), mode_reason="Flooded."
    )
    await ModeSwitch(
        _ignore_missing=True,
        event=event.id,
        at=datetime.now(UTC),
        from_mode="in_person",
        to_mode="digital",
        evidence={
            "rule": "rki-incidence/05754/digital",
            "is_on": True,
            "reading": {"value": 500.0, "row_on": str(TODAY)},
            "in_a_row": 2,
            "threshold": 400,
        },
    ).save()
    await ModeProposal(
        _ignore_missing=True,
        event=event.id,
        rule_key="old",
        cause="expired",
        to_mode="in_person",
        made_at=datetime.now(UTC),
        evidence={"rule": "old"},
    ).save()
    page = words(await browser.get(PAGE))
    assert headings(await browser.get(PAGE)) == ["Takes place online"]
    assert "The mode is locked" in page
    assert "Flooded." in page
    assert "on site → online, by itself 500 on" in page
    assert ", 2 reports in a row at 400 or more" in page
    assert "Shall the event come back: on site?" in page


async def test_a_revision_is_shown_beside_what_was_published_first(browser):
    await come_in(500)
    await publish(TODAY, 600, now=datetime.now(UTC))
    page = words(await browser.get(PAGE))
    assert "Published again under the same date" in page
    assert ": 500, then 600" in page


async def test_the_page_speaks_german(browser):
    await come_in(500, 412.3)
    page = words(await browser.get(PAGE, headers={"Accept-Language": "de"}))
    assert "412,3 am" in page
    assert "zweite Meldung in Folge ab 400: an." in page


async def test_nobody_sees_the_mode_of_others(town, browser):
    stranger = await town.signed_in(await town.organiser("stranger"))
    assert (await stranger.get(PAGE)).status_code == 403
    assert (await stranger.get(TRIAL)).status_code == 403
    assert (await (await town.visitor()).get(PAGE)).status_code in (303, 401)


# Trials


async def test_a_rule_is_tried_on_what_is_kept_and_nothing_changes(browser):
    await come_in(500, 450, 299, 299, 100)
    before, switches = await ModeRule.select(), await ModeSwitch.count()
    page = await browser.get(TRIAL)
    assert "It would have switched 2 times" in words(page)
    page = await browser.get(TRIAL, params={"enter_at": "600"})
    assert "It would have switched 0 times" in words(page)
    page = await browser.get(TRIAL, params={"enter_at": "449,5", "enter_after": "1", "leave_after": "1"})
    assert "It would have switched 2 times" in words(page)
    assert 'value="449,5"' in page.text
    assert await ModeRule.select() == before
    assert await ModeSwitch.count() == switches


async def test_hindsight_says_what_values_were_put_at_later(browser):
    now = datetime.now(UTC)
    await publish(TODAY - timedelta(days=1), 399, now=now - timedelta(days=1))
    await publish(TODAY, 500, more=[800], now=now)
    page = await browser.get(TRIAL, params={"enter_at": "350", "enter_after": "1"})
    assert "later put at 800" in words(page)


async def test_a_switch_that_hindsight_does_not_bear_out_is_marked(browser):
    answer = await send(browser, recorded(500, 100, 100, 100))
    page = await browser.get(answer.headers["location"])
    assert "It would have switched 0 times" in words(page)
    page = await browser.get(answer.headers["location"] + "&enter_after=1&leave_after=1&settle_days=0")
    assert "It would have switched 2 times" in words(page)
    assert "1 switch would have been undone within a week." in words(page)
    assert "the value stayed the same; undone within a week" in words(page)


async def test_a_recorded_file_is_tried_and_offered_for_a_day(browser):
    answer = await send(browser, recorded(500, 500, 500, 100, 100))
    assert answer.status_code == 303
    page = await browser.get(answer.headers["location"])
    assert "With 5 reports from Monday, 3 October 2022 to Friday, 7 October 2022" in words(page)
    assert "It would have switched 2 times" in words(page)
    assert "autumn.csv" in words(page)
    shorter = await browser.get(answer.headers["location"] + "&from=2022-10-04&to=2022-10-05")
    assert "With 2 reports" in words(shorter)
    early = await browser.get(answer.headers["location"] + "&event_on=2022-10-05")
    assert "It would have switched 0 times" in words(early)
    assert "the event is too close" in words(early)
    await RecordedFile.update(
        {RecordedFile.created_at: datetime.now(UTC) - timedelta(days=1, seconds=1)}, force=True
    )
    assert "autumn.csv" not in words(await browser.get(TRIAL))
    assert await Report.count() == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Choose a file that is not empty."),
        (b"<html>", "It holds no recorded reports of a rule of this event."),
        (HEADING.replace("Datenstand,", "").encode(), "the column Datenstand is missing"),
        (b"x" * 900_001, "The file is larger than 900 kB."),
    ],
    ids=["empty", "a page", "no Datenstand", "too large"],
)
async def test_a_file_that_cannot_be_used_is_refused_with_the_reason(browser, content, said):
    answer = await send(browser, content)
    assert answer.status_code == 422
    assert said in words(answer)
    assert await RecordedFile.count() == 0


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"enter_at": "many"}, "Enter a number that a rule can have."),
        ({"enter_after": "0"}, "Enter a number that a rule can have."),
        ({"leave_at": "401"}, "Going off cannot lie above going on."),
        ({"from": "yesterday"}, "Enter a day."),
        ({"from": "2022-10-05", "to": "2022-10-04"}, "The last day lies before the first."),
    ],
)
async def test_what_no_rule_can_have_is_said_at_the_field(browser, typed, said):
    await come_in(500, 500)
    page = await browser.get(TRIAL, params=typed)
    assert page.status_code == 200
    assert said in words(page)
    assert page.text.count('aria-invalid="true"') == 1


async def test_of_several_rules_one_is_moved_and_the_others_stay(town):
    organiser = await town.organiser()
    rules = [RULE | {"mode": "hybrid", "enter_at": 100, "leave_at": 50, "enter_after": 1}, RULE]
    await town.event(organiser, mode_rules=rules)
    browser = await town.signed_in(organiser)
    answer = await send(browser, recorded(120, 500, 500))
    page = await browser.get(answer.headers["location"] + "&rule=rki-incidence/05754/digital")
    assert "It would have switched 2 times" in words(page)
    page = await browser.get(answer.headers["location"] + "&rule=rki-incidence/05754/digital&enter_at=900")
    assert "It would have switched 1 time" in words(page)


# API


async def test_the_api_tells_mode_rules_and_switches(town):
    organiser = await town.organiser()
    document = forum(mode_rules=[RULE | {"evaluate_days": 60}])
    api = await town.system(organiser)
    await publishing.create(
        from_document(document), organiser, datetime(2020, 1, 1, tzinfo=UTC), languages=("de", "en")
    )
    await come_in(500, 412.3)
    body = (await api.get("/api/v1/events/forum/mode")).json()
    assert {name: body[name] for name in ("mode", "base_mode", "reason", "locked")} == {
        "mode": "digital",
        "base_mode": "in_person",
        "reason": None,
        "locked": False,
    }
    [switch] = body["switches"]
    assert (switch["from"], switch["to"], switch["by"], switch["via"], switch["reason"]) == (
        "in_person",
        "digital",
        "rule",
        "rule",
        None,
    )
    assert switch["evidence"]["reading"] == {"value": 412.3, "row_on": str(TODAY)}
    assert switch["at"] == body["since"]
    start = datetime.fromisoformat(forum()["starts_at"])
    assert body["freezes_at"].startswith((start - timedelta(hours=48)).isoformat())
    [rule] = body["rules"]
    assert (rule["indicator"], rule["on"], rule["enter_after"], rule["leave_after"]) == (
        "rki-incidence",
        True,
        2,
        2,
    )
    assert rule.items() >= EFFECTIVE.items()
    assert rule["last"].items() >= {"value": 412.3, "report_on": str(TODAY), "row_on": str(TODAY)}.items()
    assert "second report in a row at 400 or more: on" in rule["last"]["verdict"]
    german = (await api.get("/api/v1/events/forum/mode?lang=de")).json()
    assert "zweite Meldung in Folge" in german["rules"][0]["last"]["verdict"]


EFFECTIVE = {
    "key": "rki-incidence/05754/digital",
    "region": "05754",
    "enter_at": 400,
    "leave_at": 300,
    "settle_days": 0,
    "trend": "any",
    "mode": "digital",
    "max_age_hours": 72,
    "evaluate_days": 60,
    "freeze_hours": 48,
    "approval": "automatic",
    "expires_on": None,
}


async def test_each_rule_has_all_its_keys_with_the_values_that_count(town):
    organiser = await town.organiser()
    warning = {"indicator": "dwd-warnings", "region": "09373", "enter_at": 3, "leave_at": 2}
    own = RULE | {
        "mode": "hybrid",
        "approval": "propose",
        "trend": "rising",
        "expires_on": "2030-11-18",
        "key": "a",
    }
    await town.event(organiser, mode_rules=[own, warning])
    body = (await (await town.system(organiser)).get("/api/v1/events/forum/mode")).json()
    first, second = body["rules"]
    assert {name: first[name] for name in ("mode", "approval", "trend", "expires_on", "key", "last")} == {
        "mode": "hybrid",
        "approval": "propose",
        "trend": "rising",
        "expires_on": "2030-11-18",
        "key": "a",
        "last": None,
    }
    assert (
        second.items()
        >= {
            "indicator": "dwd-warnings",
            "enter_after": 1,
            "leave_after": 3,
            "settle_days": 0,
            "trend": "any",
            "mode": "digital",
            "max_age_hours": 2,
            "evaluate_days": 3,
            "freeze_hours": 3,
            "approval": "automatic",
            "expires_on": None,
            "key": "dwd-warnings/09373/digital",
            "on": False,
            "last": None,
        }.items()
    )
    assert first.keys() == second.keys() > {field.name for field in fields(ModeRuleSpec)}


async def test_the_api_asks_who_calls(town):
    event = await town.event()
    assert (await (await town.visitor()).get(f"/api/v1/events/{event.slug}/mode")).status_code == 401
    stranger = await town.system(await town.organiser("stranger"))
    assert (await stranger.get(f"/api/v1/events/{event.slug}/mode")).status_code == 403
