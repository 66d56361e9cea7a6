"""What an event's page says of its mode: when it would move, how the figures stand, and that it has moved."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from events.tables import Event
from hybrid.tables import ModeRule, ModeSwitch, Report
from tests.dialograum.test_mode_pages import come_in
from tests.hybrid.town import COUNTY, RULE
from tests.visitor import words

PAGE = "/events/forum"
CONTACT = {"role": {"de": "Büro"}, "phone": "+49 5241 000000", "email": "office@example.org"}
EVENT: dict[str, Any] = {"contact": CONTACT, "mode_rules": [RULE | {"evaluate_days": 60}]}
PLAN = 'class="d-section d-plan"'


async def switched(to: str, before: str = "in_person", **values: Any) -> None:
    row = await Event.objects().first()
    assert row is not None
    switch = {"at": datetime.now(UTC), "from_mode": before, "to_mode": to, **values}
    await ModeSwitch(_ignore_missing=True, event=row.id, **switch).save()
    limits = {"in_person_limit": None, "online_limit": None}
    await Event.update(
        {Event.mode: to, **{getattr(Event, name): value for name, value in limits.items()}}, force=True
    )


async def by_rule(**values: Any) -> dict[str, Any]:
    """The evidence of a switch by the newest report."""
    report = await Report.objects().order_by(Report.dated_at, ascending=False).first()
    assert report is not None
    return {
        "rule": f"rki-incidence/{COUNTY}/digital",
        "indicator": "rki-incidence",
        "region": COUNTY,
        "is_on": True,
        "reading": {"value": 420.5, "row_on": str(report.report_on)},
        "report": {"id": report.id, "report_on": str(report.report_on)},
        "in_a_row": 2,
        "threshold": 400,
        **values,
    }


def structured(page):
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page.text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


# Plan B


async def test_the_rule_stands_there_in_words_with_the_value_its_date_and_its_source(town, visitor):
    await town.event(**EVENT)
    await come_in(250, 332.7)
    page = await visitor.get(PAGE)
    text = words(page)
    assert "Plan B: when we go online" in text
    assert "If two reports in a row are at 400 or more, the event takes place online." in text
    assert re.search(r"332\.7 Value of the report of \w+", text)
    assert "No report at 400 or more at the moment" in text
    assert "Quelle: Robert Koch-Institut (RKI), CC BY 4.0" in text
    assert re.search(r"We decide by \w+, .* at the latest\.", text)
    assert page.text.count('<svg class="d-spark"') == 1
    assert "Threshold 400" in text
    assert text.index("If two reports") < text.index("332.7") < text.index("Threshold 400")


async def test_the_region_is_called_as_people_call_it(town, visitor):
    title = {"de": "Gütersloh", "en": "Guetersloh"}
    await town.event(contact=CONTACT, mode_rules=[EVENT["mode_rules"][0] | {"region_title": title}])
    await come_in(250, 332.7)
    page = await visitor.get(PAGE)
    assert "by county, Guetersloh" in words(page)
    assert COUNTY not in page.text
    evidence = await by_rule(region_title=title)
    await switched("digital", evidence=evidence)
    page = await visitor.get(PAGE)
    assert "Why? Seven-day incidence of COVID-19 by county, Guetersloh" in words(page)
    assert COUNTY not in page.text


async def test_an_event_that_is_online_while_its_rule_is_off_says_nothing_of_going_online(town, visitor):
    await town.event(**EVENT)
    await come_in(250, 332.7)
    await switched("digital", reason="Water damage")
    assert PLAN not in (await visitor.get(PAGE)).text
    await switched("hybrid", before="digital", reason="The hall is dry")
    assert PLAN in (await visitor.get(PAGE)).text


async def test_without_a_rule_there_is_no_plan_b(town, visitor):
    await town.event(contact=CONTACT)
    assert PLAN not in (await visitor.get(PAGE)).text


async def test_before_the_first_report_the_rule_stands_there_alone(town, visitor):
    await town.event(**EVENT)
    page = await visitor.get(PAGE)
    assert "No report has come yet." in words(page)
    assert '<svg class="d-spark"' not in page.text


async def test_who_decides_by_hand_says_that_figures_change_nothing(town, visitor):
    await town.event(**EVENT)
    await Event.update({Event.mode_locked: True}, force=True)
    text = words(await visitor.get(PAGE))
    assert "At the moment we decide this ourselves, and figures change nothing." in text
    assert "at the latest" not in text


async def test_in_the_last_days_the_page_says_that_nothing_changes_and_refers_to_nothing(town, visitor):
    await town.event(contact=CONTACT, mode_rules=[RULE | {"evaluate_days": 60, "freeze_hours": 1000}])
    await come_in(250, 332.7)
    text = words(await visitor.get(PAGE))
    assert re.search(
        r"Since \w+, [^.]* nothing changes by itself any more\. If something changes, we write", text
    )
    assert "The rule is met" not in text


async def test_a_rule_that_is_met_too_late_is_said_to_be(town, visitor):
    await town.event(contact=CONTACT, mode_rules=[RULE | {"evaluate_days": 60, "freeze_hours": 1000}])
    await come_in(500, 500)
    text = words(await visitor.get(PAGE))
    assert re.search(
        r"The rule is met, but too late: since \w+, .* nothing changes by itself any more\.", text
    )
    assert "reports in a row below 300" not in text
    assert "Threshold 400" in text


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"mode": "hybrid"}, "If two reports in a row are at 400 or more, one can also take part online."),
        ({"enter_after": 1}, "If one report is at 400 or more, the event takes place online."),
        ({"trend": "rising"}, "The last one must also be at least a tenth above the week before."),
        ({"approval": "propose"}, "We then look at it once more before we decide."),
        (
            {"indicator": "dwd-warnings", "region": "805754008", "enter_at": 3, "leave_at": 2},
            "If one report warns for the time of the event of level 3 or more (of 4), the event takes place online.",
        ),
    ],
    ids=["hybrid", "one report", "rising", "proposed", "warnings"],
)
async def test_each_kind_of_rule_has_its_words(town, visitor, rule, said):
    await town.event(contact=CONTACT, mode_rules=[{**RULE, **rule}])
    assert said in words(await visitor.get(PAGE))


async def test_from_right_to_left_the_picture_is_mirrored(town, visitor):
    await town.event(**EVENT)
    await come_in(250, 332.7)

    def last_x(page):
        found = re.search(r'class="d-spark__last" cx="([\d.]+)"', page.text)
        assert found is not None
        return float(found[1])

    assert last_x(await visitor.get(f"/ar{PAGE}")) < 145 < last_x(await visitor.get(PAGE))


async def test_an_organisers_preview_shows_it_too(town):
    organiser = await town.organiser()
    await town.event(organiser, **EVENT, status="draft")
    browser = await town.signed_in(organiser)
    assert PLAN in (await browser.get("/organise/events/forum/preview")).text


# Moved online


async def test_moved_online_by_a_rule_the_notice_stands_below_the_title_with_its_numbers(town, visitor):
    await town.event(**EVENT)
    await come_in(300, 410.5, 420.5)
    await switched("digital", evidence=await by_rule())
    await ModeRule.update({ModeRule.is_on: True}, force=True)
    page = await visitor.get(PAGE)
    text = words(page)
    assert "This event now takes place online" in text
    assert "two reports in a row at 400 or more: 410.5 · 420.5 (" in text
    assert "You have already registered? You need not do anything." in text
    assert "You cannot take part online? Please call us: +49 5241 000000" in text
    assert "Does it come back to the venue?" in text
    assert "Only if two reports in a row are below 300." in text
    assert text.index("Forum" if "Forum" in text else "forum") < text.index("now takes place online")


async def test_the_old_place_stands_there_with_the_word_before_alone(town, visitor):
    await town.event(**EVENT)
    await switched("digital")
    text = words(await visitor.get(PAGE))
    assert text.count("Stadthalle") == 1
    assert "Before: Stadthalle" in text
    assert "Online, with your personal link" in text


async def test_by_hand_the_notice_gives_the_reason_and_nobodys_name(town, visitor):
    organiser = await town.organiser()
    await town.event(organiser, contact=CONTACT)
    await switched("digital", organiser=organiser.id, reason="Die Heizung <ist> ausgefallen.")
    page = await visitor.get(PAGE)
    assert '<span dir="auto">Die Heizung &lt;ist&gt; ausgefallen.</span>' in page.text
    assert organiser.email.partition("@")[0].title() not in words(page).partition("Questions?")[0]


@pytest.mark.parametrize(
    ("mode", "status", "attendance", "places"),
    [
        ("in_person", "EventScheduled", "Offline", "Place"),
        ("digital", "EventMovedOnline", "Online", "VirtualLocation"),
        ("hybrid", "EventScheduled", "Mixed", ["Place", "VirtualLocation"]),
    ],
)
async def test_search_engines_and_calendars_and_the_api_say_the_same(
    town, visitor, mode, status, attendance, places
):
    await town.event(**EVENT)
    if mode != "in_person":
        await switched(mode)
    data = structured(await visitor.get(PAGE))
    assert data["eventStatus"] == f"https://schema.org/{status}"
    assert data["eventAttendanceMode"] == f"https://schema.org/{attendance}EventAttendanceMode"
    found = data["location"]
    assert ([one["@type"] for one in found] if isinstance(found, list) else found["@type"]) == places
    for calendar in (f"{PAGE}/calendar.ics", "/calendar.ics"):
        location = next(
            line for line in (await visitor.get(calendar)).text.splitlines() if line.startswith("LOCATION")
        )
        assert ("Stadthalle" in location) is (mode != "digital")
        assert ("nline" in location) is (mode != "in_person")
    assert (await visitor.get("/api/v1/events/forum")).json()["mode"] == mode


@pytest.mark.parametrize("limit", [None, 3, 0], ids=["free", "few left", "full"])
async def test_the_list_of_events_says_that_it_is_online_now(town, visitor, limit):
    await town.event(**EVENT)
    await switched("digital")
    await Event.update({Event.online_limit: limit}, force=True)
    text = words(await visitor.get("/"))
    assert "Now online" in text
    assert "Online, not on site" in text
    assert "Only 3 seats left" not in text


# Back again


async def test_back_in_the_hall_the_page_says_so_until_the_event_is_over(town, visitor):
    await town.event(**EVENT)
    await come_in(290, 280)
    await switched("digital", at=datetime.now(UTC) - timedelta(days=3))
    back = await by_rule(is_on=False, threshold=300, reading={"value": 280.0, "row_on": "2022-10-04"})
    await switched("in_person", "digital", evidence=back)
    text = words(await visitor.get(PAGE))
    assert "This event takes place on site again" in text
    assert "two reports in a row below 300: 290 · 280 (" in text
    assert "We have written to you, and your personal link shows the way." in text
    assert "Before:" not in text
    now = datetime.now(UTC)
    await Event.update({Event.starts_at: now - timedelta(hours=2), Event.ends_at: now}, force=True)
    assert "on site again" not in words(await visitor.get(PAGE))


@pytest.mark.parametrize("before", ["digital", "in_person"])
async def test_in_a_hybrid_event_the_notice_says_where_to_look(town, visitor, before):
    await town.event(**EVENT)
    await switched("hybrid", before)
    text = words(await visitor.get(PAGE))
    assert "This event now takes place on site and online" in text
    assert "Your own page says where your place is." in text


async def test_an_event_that_is_hybrid_by_itself_has_no_notice(town, visitor):
    await town.event(mode="hybrid", contact=CONTACT)
    assert "now takes place" not in words(await visitor.get(PAGE))


# Counts


@pytest.mark.parametrize(("capacity", "said"), [(1, "of 1 seat free"), (120, "of 120 seats free")])
async def test_the_number_of_seats_decides_the_form(town, visitor, capacity, said):
    await town.event(registration={"capacity": capacity})
    assert said in words(await visitor.get(PAGE))
