"""From reports to decisions, on the real database; the event is on Friday 2027-03-19, judged from 2027-02-19."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from dialograum import publishing
from events.tables import Event
from hybrid.evaluation import could_not_read, evaluate, evaluate_waiting, take_report
from hybrid.indicators import BUILT_IN
from hybrid.queries import kept_reports, open_proposals, source_of, stored_rules
from hybrid.reports import Row, SeriesReport, Unreadable
from hybrid.tables import ModeProposal, ModeRule, Reading, Report
from tests.hybrid import town
from tests.hybrid.town import CELL, COUNTY, INCIDENCE, RULE, STARTS_AT, decisions, publish, verdicts, warn

MARCH = [date(2027, 3, day) for day in range(1, 32)]


@pytest.fixture(autouse=True)
def _database(database):
    """Every test of this module has one."""


async def is_on(event) -> list[bool]:
    return [stored.is_on for stored in await stored_rules(event.id)]


async def set_event(event, **values) -> None:
    await Event.update({getattr(Event, name): value for name, value in values.items()}).where(
        Event.id == event.id
    )


def value_of(report) -> float:
    """The newest value of the county."""
    return float(report.rows[COUNTY][-1].value)


async def edit(event, *rules, at: datetime | None = None):
    changes = {"mode_rules": list(rules)}
    return await publishing.patch(event.slug, changes, None, at or datetime(2027, 3, 5, 9, tzinfo=UTC))


# Going on and off


async def test_a_rule_goes_on_with_its_second_report_and_says_why():
    event = await town.event()
    assert await publish(MARCH[0], 412.3)
    assert (await is_on(event), await decisions(event)) == ([False], [])
    assert await publish(MARCH[1], 445.2)
    [verdict] = await verdicts(event)
    assert await is_on(event) == [True]
    assert verdict == {
        "code": "judged",
        "value": 445.2,
        "row_on": "2027-03-02",
        "report_on": "2027-03-02",
        "is_rising": False,
        "high": 2,
        "low": 0,
        "is_on": True,
        "has_changed": True,
        "decision": {"kind": "switch", "to": "digital", "hold": None},
    }


async def test_it_goes_off_after_as_many_reports_below_as_it_says():
    event = await town.event()
    for day, value in zip(MARCH, [500, 500, 299, 300, 299], strict=False):
        await publish(day, value)
    assert await is_on(event) == [True]
    await set_event(event, mode="digital")
    await publish(MARCH[5], 299)
    assert await is_on(event) == [False]
    assert await decisions(event) == [("switch", "in_person", None)]


async def test_the_same_report_again_is_no_report():
    event = await town.event()
    assert await publish(MARCH[0], 500)
    assert not await publish(MARCH[0], 500, now=datetime(2027, 3, 1, 18, tzinfo=UTC))
    assert await Report.count() == 1
    assert await is_on(event) == [False]


async def test_a_revision_is_kept_and_is_neither_a_report_nor_a_reading():
    event = await town.event()
    await publish(MARCH[0], 100)
    assert not await publish(MARCH[0], 500)
    assert not await publish(MARCH[0], 600)
    await publish(MARCH[1], 500)
    assert await is_on(event) == [False]
    kept = await kept_reports("rki-incidence", COUNTY, revisions=True)
    values = [(one.revision, one.counts, value_of(one.report)) for one in kept]
    assert values == [(0, True, 100), (1, False, 500), (2, False, 600), (0, True, 500)]


async def test_a_report_older_than_the_last_is_kept_and_decides_nothing():
    event = await town.event()
    await publish(MARCH[1], 500)
    assert not await publish(MARCH[0], 500)
    assert await is_on(event) == [False]
    assert [one.counts for one in await kept_reports("rki-incidence", COUNTY, revisions=True)] == [
        False,
        True,
    ]
    await publish(MARCH[2], 500)
    assert await is_on(event) == [True]


async def test_a_day_without_a_report_counts_for_nothing():
    event = await town.event()
    await publish(MARCH[0], 500)
    await publish(MARCH[7], 500)
    assert await is_on(event) == [True]


async def test_reports_from_before_the_event_count_but_the_next_one_decides():
    await publish(date(2027, 1, 10), 500)
    event = await town.event()
    await evaluate_waiting(BUILT_IN, datetime(2027, 1, 15, 10, tzinfo=UTC))
    assert await verdicts(event) == [{}]
    await publish(date(2027, 1, 16), 500)
    assert await is_on(event) == [True]
    assert await decisions(event) == [("hold", "digital", "too_early")]


async def test_a_report_without_the_region_says_nothing():
    event = await town.event()
    await publish(MARCH[0], 500)
    await publish(MARCH[1], 500, region="05758")
    assert await verdicts(event) == [{"code": "no_reading"}]
    await publish(MARCH[2], 500)
    assert await is_on(event) == [True]


# What holds the switch back


async def test_a_switch_that_was_held_back_is_made_with_the_next_report():
    event = await town.event()
    for day in (17, 18):
        await publish(date(2027, 2, day), 500)
    assert await is_on(event) == [True]
    assert await decisions(event) == [("hold", "digital", "too_early")]
    await publish(date(2027, 2, 19), 350)
    assert await decisions(event) == [("switch", "digital", None)]


async def test_in_the_freeze_rules_change_and_the_mode_does_not():
    event = await town.event()
    await publish(MARCH[14], 500)
    await publish(MARCH[16], 500, now=datetime(2027, 3, 17, 15, tzinfo=UTC))
    assert await is_on(event) == [True]
    assert await decisions(event) == [("hold", "digital", "frozen")]


async def test_lifting_the_lock_applies_nothing_until_the_next_report():
    event = await town.event()
    await set_event(event, mode_locked=True)
    await publish(MARCH[0], 500)
    await publish(MARCH[1], 500)
    assert await decisions(event) == [("hold", "digital", "locked")]
    await set_event(event, mode_locked=False)
    await evaluate_waiting(BUILT_IN, datetime(2027, 3, 2, 12, tzinfo=UTC))
    assert await decisions(event) == [("hold", "digital", "locked")]
    await publish(MARCH[2], 350)
    assert await decisions(event) == [("switch", "digital", None)]


async def test_rows_too_old_switch_nothing():
    event = await town.event()
    await publish(MARCH[0], 500)
    await publish(MARCH[1], 500, now=datetime(2027, 3, 5, 0, tzinfo=UTC))
    assert await is_on(event) == [True]
    assert await decisions(event) == [("hold", "digital", "stale")]


async def test_an_event_that_is_cancelled_or_over_is_not_judged():
    event = await town.event()
    await publish(MARCH[0], 500)
    await set_event(event, status="cancelled")
    await publish(MARCH[1], 500)
    assert await is_on(event) == [False]
    await set_event(event, status="published")
    await publish(MARCH[2], 500, now=event.ends_at)
    assert await is_on(event) == [False]


# Several workers, and one that stops half-way


async def test_two_workers_at_once_judge_a_report_once():
    event = await town.event()
    await publish(MARCH[0], 500)
    news = await asyncio.gather(*(publish(MARCH[1], 500) for _ in range(4)))
    assert sorted(news) == [False, False, False, True]
    assert await Report.count() == 2
    assert await is_on(event) == [True]
    found = await asyncio.gather(
        *(evaluate(event.id, INCIDENCE, STARTS_AT - timedelta(days=9)) for _ in range(2))
    )
    assert found == [None, None]


async def test_what_a_worker_left_behind_is_judged_by_the_next(monkeypatch):
    event = await town.event()
    await publish(MARCH[0], 500)

    async def stop(*_, **__):
        raise asyncio.CancelledError

    with monkeypatch.context() as stopped:
        stopped.setattr("hybrid.evaluation.evaluate_all", stop)
        with pytest.raises(asyncio.CancelledError):
            await publish(MARCH[1], 500)
    assert await is_on(event) == [False]
    await evaluate_waiting(BUILT_IN, datetime(2027, 3, 2, 7, tzinfo=UTC))
    assert await is_on(event) == [True]


# States


STATE_RULE = {"indicator": "dwd-warnings", "region": CELL, "enter_at": 3, "leave_at": 3}


async def test_a_warning_for_the_event_takes_it_online_and_three_states_without_bring_it_back():
    event = await town.event([STATE_RULE])
    at = datetime(2027, 3, 18, 6, tzinfo=UTC)
    await warn(at, 2, 3)
    assert await decisions(event) == [("switch", "digital", None)]
    await set_event(event, mode="digital")
    for hours in (1, 2):
        await warn(at + timedelta(hours=hours))
        assert await is_on(event) == [True]
    await warn(at + timedelta(hours=3), 2)
    assert await is_on(event) == [False]
    assert await decisions(event) == [("switch", "in_person", None)]


async def test_a_warning_elsewhere_is_none_here():
    event = await town.event([STATE_RULE])
    await warn(datetime(2027, 3, 18, 6, tzinfo=UTC), 4, region="105758000")
    assert [verdict["value"] for verdict in await verdicts(event)] == [0]


async def test_of_old_states_only_the_regions_in_use_are_kept():
    await town.event([STATE_RULE])
    at = datetime(2027, 3, 10, 6, tzinfo=UTC)
    await warn(at, 4, region="105758000")
    await warn(at + timedelta(hours=1), 4)
    await warn(at + timedelta(days=4), 4, region="105758000")
    assert [row["region"] for row in await Reading.select().order_by(Reading.id)] == [CELL, "105758000"]
    assert len(await kept_reports("dwd-warnings", CELL)) == 3
    assert len(await kept_reports("dwd-warnings", "105758000")) == 1


# Figures that are reported region by region


async def test_a_figure_of_one_region_is_no_report_of_another():
    manual = BUILT_IN["manual"]
    event = await town.event(
        [RULE | {"indicator": "manual", "enter_after": 1, "region": place} for place in "ab"]
    )
    for place, value in (("a", 500.0), ("b", 100.0)):
        said = SeriesReport(MARCH[0], {place: (Row(MARCH[0], value),)})
        at = datetime(2027, 3, 1, 9, tzinfo=UTC)
        assert await take_report(manual, said, address="", checksum=place, read_at=at, now=at, scope=place)
    assert await is_on(event) == [True, False]
    assert [verdict["value"] for verdict in await verdicts(event)] == [500, 100]


# Editing, vanishing, expiry, proposals


async def test_a_rule_keeps_its_state_across_an_edit():
    event = await town.event()
    await publish(MARCH[0], 500)
    await publish(MARCH[1], 500)
    await edit(event, RULE | {"enter_at": 900, "leave_at": 800})
    assert await is_on(event) == [True]
    await publish(MARCH[2], 700)
    assert await is_on(event) == [False], "two readings below the new threshold"


async def test_settling_longer_reads_the_kept_reports_anew():
    event = await town.event()
    await publish(MARCH[0], 100, more=[100] * 5)
    await publish(MARCH[1], 100, more=[500] * 5)
    await edit(event, RULE | {"settle_days": 3})
    await publish(MARCH[2], 100, more=[500] * 5)
    assert await is_on(event) == [True]


async def test_a_rule_that_vanishes_while_on_becomes_a_proposal_to_come_back():
    event = await town.event()
    await publish(MARCH[0], 500)
    await publish(MARCH[1], 500)
    await set_event(event, mode="digital")
    await edit(event, RULE | {"key": "another"})
    [proposal] = await open_proposals(event.id)
    assert (proposal.cause, proposal.to_mode, proposal.rule_key) == (
        "vanished",
        "in_person",
        "rki-incidence/05754/digital",
    )
    assert proposal.evidence["reading"] == {"value": 500, "row_on": "2027-03-02"}
    for day in MARCH[5:8]:
        await publish(day, 100)
    assert await decisions(event) == [], "it does not come back before somebody has answered"


async def test_a_rule_that_vanishes_while_off_leaves_nothing_behind():
    event = await town.event()
    await publish(MARCH[0], 500)
    await edit(event)
    assert await open_proposals(event.id) == []
    assert await ModeRule.count() == 0


async def test_after_its_last_day_a_rule_that_is_on_becomes_a_proposal_once():
    event = await town.event([RULE | {"expires_on": "2027-03-03"}])
    await publish(MARCH[0], 500)
    await publish(MARCH[1], 500)
    await set_event(event, mode="digital")
    await publish(MARCH[2], 500)
    assert await open_proposals(event.id) == []
    for hours in (0, 1):
        await evaluate_waiting(BUILT_IN, datetime(2027, 3, 4, 6 + hours, tzinfo=UTC))
    [proposal] = await open_proposals(event.id)
    assert (proposal.cause, proposal.to_mode) == ("expired", "in_person")
    await publish(MARCH[4], 100)
    await publish(MARCH[5], 100)
    assert await verdicts(event) == [{"code": "expired"}]
    assert await is_on(event) == [True]


async def test_whoever_wants_to_be_asked_is_asked_once_until_it_follows_no_more():
    event = await town.event([RULE | {"approval": "propose"}])
    for day in MARCH[:3]:
        await publish(day, 500)
    [proposal] = await open_proposals(event.id)
    assert (proposal.cause, proposal.to_mode) == ("approval", "digital")
    assert proposal.evidence["report"]["report_on"] == "2027-03-02"
    assert (proposal.evidence["in_a_row"], proposal.evidence["threshold"]) == (2, 400)
    for day in MARCH[3:5]:
        await publish(day, 100)
    assert await open_proposals(event.id) == []
    for day in MARCH[5:7]:
        await publish(day, 500)
    assert [one.made_at.day for one in await open_proposals(event.id)] == [7]


async def test_a_no_is_not_asked_again_while_the_rule_stays_on():
    await town.event([RULE | {"approval": "propose"}])
    await publish(MARCH[0], 500)
    await publish(MARCH[1], 500)
    await ModeProposal.update({ModeProposal.answer: "declined"}, force=True)
    await publish(MARCH[2], 500)
    assert await ModeProposal.count() == 1


# What cannot be read


async def test_what_cannot_be_read_changes_nothing_and_is_news_once():
    event = await town.event()
    await publish(MARCH[0], 500)
    before = await verdicts(event)
    at = datetime(2027, 3, 2, 6, tzinfo=UTC)
    missing = Unreadable("the column Inzidenz is missing", "column", "Inzidenz" * 30)
    assert await could_not_read(INCIDENCE, missing, at)
    assert not await could_not_read(INCIDENCE, missing, at + timedelta(hours=1))
    source = await source_of("rki-incidence")
    assert source is not None
    assert (source.failure_code, source.failure_detail, source.failing_since, source.failed_at) == (
        "column",
        ("Inzidenz" * 30)[:200],
        at,
        at + timedelta(hours=1),
    )
    assert (await verdicts(event), await is_on(event)) == (before, [False])
    await publish(MARCH[1], 500, now=at + timedelta(hours=2))
    source = await source_of("rki-incidence")
    assert source is not None
    assert (source.failure_code, source.failure_detail, source.failing_since) == (None, "", None)
    assert await is_on(event) == [True]
