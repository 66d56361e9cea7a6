"""What visitors are told of an event's mode: its rules as they stand, and the numbers of its last switch."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from events.queries import details
from events.rules import Mode
from events.tables import Event
from hybrid.indicators import BUILT_IN
from hybrid.public_mode import NOTHING, Said, public_mode, said_in_a_row
from hybrid.queries import could_move
from hybrid.rules import Reading
from hybrid.tables import ModeRule, ModeSwitch, Report
from tests.hybrid.town import COUNTY, RULE, STARTS_AT, event, publish, warn

NOW = datetime(2027, 3, 8, 9, tzinfo=UTC)
"""Monday, eleven days before the event."""

KEY = f"rki-incidence/{COUNTY}/digital"
WARNED = {"indicator": "dwd-warnings", "region": "805754008", "enter_at": 3, "leave_at": 2}


@pytest.fixture(autouse=True)
def _database(database):
    """Every test has a database of its own."""


async def come_in(*values: float, last: date = date(2027, 3, 8)) -> None:
    for age, value in zip(range(len(values) - 1, -1, -1), values, strict=True):
        await publish(last - timedelta(days=age), value)


async def moved(to: Mode, **values) -> None:
    """The event is switched now."""
    row = await Event.objects().first()
    assert row is not None
    switch = {"at": NOW, "from_mode": row.mode, "to_mode": to.value, **values}
    await ModeSwitch(_ignore_missing=True, event=row.id, **switch).save()
    await Event.update({Event.mode: to.value}, force=True)


async def seen(now: datetime = NOW, **options):
    return await public_mode(await details("forum"), BUILT_IN, now, **options)


async def evidence(threshold: float = 400, **values) -> dict[str, Any]:
    """That of the newest report."""
    report = await Report.objects().order_by(Report.dated_at, ascending=False).first()
    assert report is not None
    return {
        "rule": KEY,
        "indicator": "rki-incidence",
        "region": COUNTY,
        "is_on": True,
        "reading": {"value": 420.0, "row_on": str(report.report_on)},
        "report": {"id": report.id, "report_on": str(report.report_on), "read_at": NOW.isoformat()},
        "in_a_row": 2,
        "threshold": threshold,
        "at": NOW.isoformat(),
        **values,
    }


# Rules


async def test_without_a_rule_and_a_switch_there_is_nothing():
    await event(rules=())
    assert await seen() == NOTHING
    assert not await could_move(await details("forum"))


async def test_a_rule_stands_with_its_last_value_and_how_far_it_is():
    await event()
    await come_in(250, 332.7, 410.5)
    (view,) = (await seen()).rules
    assert view.last is not None
    assert (view.last.value, view.last.report_on) == (410.5, date(2027, 3, 8))
    assert (view.counted, view.needed, view.is_on, view.is_stale) == (1, 2, False, False)
    assert view.decides_from == datetime(2027, 2, 18, 23, tzinfo=UTC)
    assert view.decides_until == STARTS_AT - timedelta(hours=48)
    assert view.picture is not None
    assert (view.picture.first_on, view.picture.last_on) == (date(2027, 3, 6), date(2027, 3, 8))
    assert await could_move(await details("forum"))


async def test_a_rule_that_is_on_counts_the_way_back_and_draws_its_threshold():
    await event()
    await come_in(500, 450, 290)
    await ModeRule.update({ModeRule.is_on: True}, force=True)
    (view,) = (await seen()).rules
    assert (view.counted, view.needed) == (1, 2)
    assert view.picture is not None
    assert view.picture.threshold_y < view.picture.last[1]


@pytest.mark.parametrize(("hours", "is_stale"), [(72, False), (73, True)])
async def test_a_value_that_is_too_old_for_a_switch_is_said_to_be(hours, is_stale):
    await event()
    await come_in(250, 332.7)
    day_begins = datetime(2027, 3, 7, 23, tzinfo=UTC)
    (view,) = (await seen(day_begins + timedelta(hours=hours))).rules
    assert view.is_stale is is_stale


async def test_a_rule_without_reports_stands_all_the_same():
    await event()
    (view,) = (await seen()).rules
    assert (view.last, view.counted, view.picture, view.is_stale) == (None, 0, None, False)


async def test_a_rule_on_warnings_has_a_level_and_no_picture():
    await event([WARNED])
    await warn(NOW - timedelta(hours=2), 1)
    await warn(NOW - timedelta(hours=1), 2)
    (view,) = (await seen()).rules
    assert view.last is not None
    assert (view.last.value, view.counted, view.is_state, view.picture) == (2, 0, True, None)


async def test_each_rule_has_its_own_reports_in_the_order_of_the_event_file():
    await event([RULE | {"region": "05758"}, RULE, WARNED])
    await come_in(250, 332.7)
    found = (await seen()).rules
    assert [view.rule.region for view in found] == ["05758", COUNTY, "805754008"]
    assert [view.last is not None for view in found] == [False, True, False]


@pytest.mark.parametrize(("day", "there"), [(8, 1), (9, 0)])
async def test_a_rule_whose_last_day_is_over_is_not_shown(day, there):
    await event([RULE | {"expires_on": "2027-03-08"}])
    assert len((await seen(datetime(2027, 3, day, 12, tzinfo=UTC))).rules) == there


async def test_a_rule_on_a_source_that_nobody_knows_is_not_shown():
    await event([RULE | {"indicator": "nobody-knows"}])
    assert await seen() == NOTHING


@pytest.mark.parametrize("how", ["cancelled", "over", "digital"])
async def test_of_an_event_that_cannot_move_nothing_is_told(how):
    await event()
    await moved(Mode.DIGITAL)
    now = NOW
    if how == "cancelled":
        await Event.update({Event.status: "cancelled"}, force=True)
    elif how == "digital":
        await Event.update({Event.base_mode: "digital"}, force=True)
    else:
        now = STARTS_AT + timedelta(hours=3)
    assert await seen(now) == NOTHING


# The last switch


async def test_a_switch_is_told_with_the_numbers_of_its_reports():
    await event()
    await come_in(250, 413.8, 420)
    await moved(Mode.DIGITAL, evidence=await evidence())
    switch = (await seen()).switch
    assert switch is not None
    assert switch.said == (Said(date(2027, 3, 7), 413.8), Said(date(2027, 3, 8), 420))
    assert (switch.indicator, switch.region, switch.threshold) == ("rki-incidence", COUNTY, 400)
    assert (switch.is_on, switch.goes_further, switch.reason) == (True, True, None)


async def test_a_switch_by_hand_is_told_with_its_reason_and_nobodys_name():
    await event(rules=())
    await moved(Mode.DIGITAL, reason="Die Heizung ist ausgefallen.")
    switch = (await seen()).switch
    assert switch is not None
    assert (switch.reason, switch.said, switch.indicator) == ("Die Heizung ist ausgefallen.", (), None)
    assert not [name for name in vars(switch) if "organiser" in name]


async def test_the_last_switch_counts_and_a_lock_is_none():
    await event(rules=())
    await moved(Mode.DIGITAL, at=NOW - timedelta(days=2))
    await moved(Mode.IN_PERSON, at=NOW - timedelta(days=1), reason="Wieder warm.")
    await moved(Mode.IN_PERSON, at=NOW, reason="Nur gesperrt.", locked=True)
    switch = (await seen()).switch
    assert switch is not None
    assert (switch.to_mode, switch.goes_further, switch.reason) == (Mode.IN_PERSON, False, "Wieder warm.")


async def test_a_switch_that_somebody_undid_elsewhere_is_not_told():
    await event(rules=())
    await moved(Mode.DIGITAL)
    await Event.update({Event.mode: "in_person"}, force=True)
    assert (await seen()).switch is None


READINGS = [
    (number, Reading(date(2022, 10, number), date(2022, 10, number), value, False, NOW))
    for number, value in enumerate((390.0, 413.8, 445.2, 401.8), 1)
]
EVIDENCE = {
    "is_on": True,
    "reading": {"value": 401.8},
    "report": {"id": 4, "report_on": "2022-10-04"},
    "in_a_row": 3,
    "threshold": 400,
}


@pytest.mark.parametrize(
    ("changes", "readings", "numbers"),
    [
        ({}, READINGS, [413.8, 445.2, 401.8]),
        ({"in_a_row": 1}, READINGS, [401.8]),
        ({"report": {"id": 9, "report_on": "2022-10-04"}}, READINGS, [401.8]),
        ({"in_a_row": 4}, READINGS, [401.8]),
        ({}, [(4, replace(READINGS[3][1], value=402.0))], [401.8]),
        ({}, [], [401.8]),
        ({"in_a_row": 9, "threshold": 100}, READINGS, [390.0, 413.8, 445.2, 401.8]),
        ({"is_on": False, "threshold": 500}, READINGS, [413.8, 445.2, 401.8]),
        ({"is_on": False, "threshold": 414}, READINGS, [401.8]),
    ],
    ids=[
        "all",
        "one report",
        "a report that is forgotten",
        "one of them was below: the rule is another one now",
        "the same report says something else: the rule is another one now",
        "nothing is known",
        "more than are known",
        "on the way back",
        "one of them was above",
    ],
)
def test_only_numbers_that_counted_are_told(changes, readings, numbers):
    assert [said.value for said in said_in_a_row(EVIDENCE | changes, readings)] == numbers


def test_of_a_long_row_the_last_are_told():
    long = [(number, replace(READINGS[1][1], value=500.0 + number)) for number in range(1, 11)]
    told = said_in_a_row(
        EVIDENCE
        | {"reading": {"value": 510.0}, "report": {"id": 10, "report_on": "2022-10-04"}, "in_a_row": 10},
        long,
    )
    assert [said.value for said in told] == [506, 507, 508, 509, 510]


async def test_all_of_it_is_one_query(monkeypatch):
    await event([RULE, WARNED])
    await come_in(250, 413.8, 420)
    await moved(Mode.DIGITAL, evidence=await evidence())
    known = await details("forum")
    asked = []
    engine = Event._meta.db
    ran = engine.run_querystring

    async def counted(*arguments, **options):
        asked.append(arguments)
        return await ran(*arguments, **options)

    monkeypatch.setattr(engine, "run_querystring", counted)
    assert (await public_mode(known, BUILT_IN, NOW)).switch is not None
    assert len(asked) == 1
