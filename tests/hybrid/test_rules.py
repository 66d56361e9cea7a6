"""Rules as tables: both sides of every boundary, with their weekdays."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from events.rules import Mode
from hybrid import rules
from hybrid.reports import Alert, Row, SeriesReport, StateReport
from hybrid.rules import (
    Decision,
    Hold,
    Standing,
    Timing,
    decide,
    evaluated_from,
    held,
    is_expired,
    judged,
    resolved,
)
from tests.hybrid.series import BERLIN, MONDAY, REGION, TIMING, reading, readings, report, rule, spec

SATURDAY, SUNDAY = date(2022, 10, 15), date(2022, 10, 16)
TUESDAY = date(2022, 10, 18)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


# Defaults


def test_a_series_a_weekly_series_and_a_state_have_other_defaults():
    series, weekly, state = (
        resolved(spec(), "series"),
        resolved(spec(), "series", weekly=True),
        resolved(spec(), "state"),
    )
    days = [timedelta(hours=hours) for hours in (72, 336, 2)]
    for found, expected in (
        (series, (2, 5, 3, days[0], 28, timedelta(hours=48))),
        (weekly, (2, 5, 0, days[1], 28, timedelta(hours=48))),
        (state, (1, 3, 0, days[2], 3, timedelta(hours=3))),
    ):
        assert expected == (
            found.enter_after,
            found.leave_after,
            found.settle_days,
            found.max_age,
            found.evaluate_days,
            found.freeze,
        )


def test_what_a_rule_says_itself_counts():
    given = {"enter_after": 1, "leave_after": 7, "settle_days": 0, "max_age_hours": 5, "evaluate_days": 0}
    found = resolved(
        spec(**given, freeze_hours=0, trend="rising", approval="propose", mode="hybrid"), "series"
    )
    assert (found.enter_after, found.leave_after, found.settle_days) == (1, 7, 0)
    assert (found.max_age, found.evaluate_days, found.freeze) == (timedelta(hours=5), 0, timedelta())
    assert (found.only_rising, found.proposes, found.mode) == (True, True, Mode.HYBRID)
    assert found.key == "rki-incidence/05754/hybrid"


# Readings


@pytest.mark.parametrize(
    ("settle_days", "row_on", "value"),
    [(0, TUESDAY, 40.0), (1, TUESDAY - timedelta(days=1), 30.0), (3, SATURDAY, 10.0)],
)
def test_the_reading_is_the_newest_row_that_has_settled(settle_days, row_on, value):
    found = rules.reading(rule(settle_days=settle_days), report(TUESDAY, [10, 20, 30, 40]), BERLIN, TIMING)
    assert found is not None
    assert (found.report_on, found.row_on, found.value) == (TUESDAY, row_on, value)
    assert found.as_of == berlin("2022-10-18T00:00")


def test_a_missing_row_gives_way_to_the_one_before_it():
    rows = (Row(SATURDAY - timedelta(days=2), 10.0), Row(TUESDAY - timedelta(days=1), 30.0))
    found = rules.reading(rule(), SeriesReport(TUESDAY, {REGION: rows}), BERLIN, TIMING)
    assert found is not None
    assert (found.row_on, found.value, found.as_of) == (rows[0].on, 10.0, berlin("2022-10-17T00:00"))


@pytest.mark.parametrize(
    "said",
    [
        report(TUESDAY, [10, 20, 30]),
        report(TUESDAY, [10, 20, 30, 40], "05758"),
        report(TUESDAY, [float("nan"), 20, 30, 40]),
        report(TUESDAY, [float("inf"), 20, 30, 40]),
        SeriesReport(TUESDAY, {}),
    ],
    ids=["nothing settled", "another region", "no number", "no finite number", "empty"],
)
def test_a_report_may_say_nothing_to_a_rule(said):
    assert rules.reading(rule(), said, BERLIN, TIMING) is None


@pytest.mark.parametrize(
    ("earlier", "newest", "is_rising"),
    [
        (10.0, 11.0, True),
        (10.0, 10.99, False),
        (409.0, 449.9, True),
        (409.0, 449.8, False),
        (0.0, 50.0, False),
        (50.0, 40.0, False),
    ],
)
def test_a_value_rises_when_it_is_a_tenth_above_that_of_a_week_before(earlier, newest, is_rising):
    found = rules.reading(rule(settle_days=0), report(TUESDAY, [earlier, *[0.0] * 6, newest]), BERLIN, TIMING)
    assert found is not None
    assert found.is_rising is is_rising


def test_without_a_value_of_a_week_before_nothing_rises():
    found = rules.reading(rule(settle_days=0), report(TUESDAY, [1.0, 2.0, 50.0]), BERLIN, TIMING)
    assert found is not None
    assert not found.is_rising


ISSUED = datetime(2022, 10, 20, 22, 30, tzinfo=UTC)  # Friday in Berlin


@pytest.mark.parametrize(
    ("onset", "expires", "value"),
    [
        ("2022-10-21T12:00", "2022-10-21T16:00", 0),
        ("2022-10-21T12:00", "2022-10-21T16:01", 3),
        ("2022-10-21T18:59", "2022-10-21T23:00", 3),
        ("2022-10-21T19:00", "2022-10-21T23:00", 0),
        ("2022-10-20T12:00", None, 3),
    ],
)
def test_a_warning_counts_when_it_is_valid_during_the_event(onset, expires, value):
    warning = Alert(REGION, 3, berlin(onset), berlin(expires) if expires else None, "STURMBÖEN")
    elsewhere = replace(warning, region="05758", severity=4, onset=berlin("2022-10-21T17:00"), expires=None)
    state = StateReport(ISSUED, (warning, elsewhere))
    found = rules.reading(resolved(spec(), "state"), state, BERLIN, TIMING)
    assert found is not None
    assert (found.value, found.row_on, found.as_of) == (value, date(2022, 10, 21), ISSUED)


def test_of_several_warnings_the_highest_counts():
    warnings = tuple(Alert(REGION, severity, ISSUED, None, "") for severity in (1, 4, 2))
    found = rules.reading(resolved(spec(), "state"), StateReport(ISSUED, warnings), BERLIN, TIMING)
    assert found is not None
    assert found.value == 4


# On and off


@pytest.mark.parametrize(
    ("was_on", "values", "is_on", "high", "low"),
    [
        (False, [400], False, 1, 0),
        (False, [400, 400], True, 2, 0),
        (False, [400, 399.9], False, 0, 0),
        (False, [400, 399.9, 400], False, 1, 0),
        (False, [500, 500, 350], False, 0, 0),
        (True, [299.9] * 4, True, 0, 4),
        (True, [299.9] * 5, False, 0, 5),
        (True, [299.9] * 4 + [300], True, 0, 0),
        (True, [100, 100, 300, 100, 100], True, 0, 2),
        (True, [500, 299, 299, 299, 299, 299], False, 0, 5),
        (False, [299] * 5, False, 0, 5),
        (True, [500] * 3, True, 3, 0),
    ],
)
def test_a_rule_goes_on_and_off_by_its_last_readings(was_on, values, is_on, high, low):
    found = judged(rule(), was_on, readings(values))
    assert (found.is_on, found.high, found.low, found.has_changed) == (is_on, high, low, is_on is not was_on)


@pytest.mark.parametrize(("rises", "is_on"), [(True, True), (False, False)])
def test_where_it_must_rise_the_newest_reading_must(rises, is_on):
    found = judged(rule(trend="rising"), False, [reading(500.0), reading(510.0, is_rising=rises)])
    assert found.is_on is is_on


def test_a_rule_that_is_on_stays_on_when_nothing_rises_any_more():
    assert judged(rule(trend="rising"), True, readings([500, 500])).is_on


# What holds a switch back


@pytest.mark.parametrize(
    ("now", "hold"),
    [
        ("2022-09-22T23:59:59", Hold.TOO_EARLY),
        ("2022-09-23T00:00", None),
        ("2022-10-19T15:59:59", None),
        ("2022-10-19T16:00", Hold.FROZEN),
        ("2022-10-21T17:00", Hold.FROZEN),
    ],
    ids=[
        "Thursday four weeks before",
        "Friday four weeks before",
        "Wednesday before 16",
        "Wednesday",
        "under way",
    ],
)
def test_a_switch_is_made_neither_too_early_nor_too_late(now, hold):
    at = berlin(now)
    assert held(rule(), reading(500.0, at.date()), TIMING, False, at) is hold


def test_days_before_the_event_are_days_of_its_calendar():
    # On Sunday 2022-10-30 the clocks went back.
    timing = Timing(berlin("2022-11-04T16:00"), berlin("2022-11-04T19:00"), "Europe/Berlin")
    assert evaluated_from(rule(evaluate_days=7), timing) == berlin("2022-10-28T00:00")


@pytest.mark.parametrize(
    ("now", "hold"),
    [("2022-10-13T00:00", None), ("2022-10-13T00:00:01", Hold.STALE)],
    ids=["72 hours", "more"],
)
def test_a_row_is_as_old_as_its_day(now, hold):
    monday = date(2022, 10, 10)
    assert held(rule(), reading(500.0, monday), TIMING, False, berlin(now)) is hold
    assert held(rule(), reading(500.0, monday), None, True, berlin(now)) is hold


def test_a_lock_holds_everything_back():
    assert held(rule(), reading(500.0, TUESDAY), TIMING, True, berlin("2022-10-18T08:00")) is Hold.LOCKED


@pytest.mark.parametrize(
    ("now", "expired"),
    [("2022-10-18T23:59", False), ("2022-10-19T00:00", True)],
    ids=["last day", "next day"],
)
def test_a_rule_s_last_day_is_a_whole_day(now, expired):
    assert is_expired(rule(expires_on=TUESDAY), TIMING, berlin(now)) is expired
    assert not is_expired(rule(), TIMING, berlin(now))


# The event's mode

NOW = berlin("2022-10-11T08:00")
FRESH = reading(500.0, NOW.date())


def standing(is_on: bool, mode: str = "digital", turned: float | None = None, **changes) -> Standing:
    fresh = changes.pop("reading", FRESH)
    expired = changes.pop("is_expired", False)
    return Standing(rule(mode=mode, **changes), is_on, fresh, turned, expired)


def decided(present: Mode, *standings: Standing, base: Mode = Mode.IN_PERSON, **changes) -> Decision:
    return decide(base, present, standings, "rki-incidence", NOW, timing=TIMING, **changes)


HALL, BOTH, ONLINE = Mode.IN_PERSON, Mode.HYBRID, Mode.DIGITAL


@pytest.mark.parametrize(
    ("base", "present", "rules_on", "rules_off", "kind", "to"),
    [
        (HALL, HALL, [], ["digital"], "stay", HALL),
        (HALL, HALL, ["digital"], [], "switch", ONLINE),
        (HALL, HALL, ["hybrid"], ["digital"], "switch", BOTH),
        (HALL, HALL, ["hybrid", "digital"], [], "switch", ONLINE),
        (HALL, BOTH, ["hybrid", "digital"], [], "switch", ONLINE),
        (HALL, ONLINE, ["digital"], ["hybrid"], "stay", ONLINE),
        (HALL, ONLINE, ["hybrid"], ["digital"], "switch", BOTH),
        (HALL, ONLINE, [], ["digital", "hybrid"], "switch", HALL),
        (BOTH, BOTH, ["hybrid"], [], "stay", BOTH),
        (BOTH, ONLINE, [], ["digital"], "switch", BOTH),
        (ONLINE, ONLINE, ["hybrid"], [], "stay", ONLINE),
    ],
)
def test_the_mode_is_the_furthest_of_base_and_rules_that_are_on(base, present, rules_on, rules_off, kind, to):
    standings = [standing(True, mode) for mode in rules_on] + [standing(False, mode) for mode in rules_off]
    found = decided(present, *standings, base=base)
    assert (found.kind, found.to) == (kind, to)
    if kind == "switch":
        assert found.by is not None
        further = rules.FURTHER.index(to) > rules.FURTHER.index(present)
        assert found.by.is_on is further


def test_only_a_rule_that_the_report_speaks_to_moves_the_event():
    online = standing(True, indicator="rki-are")
    assert decided(HALL, online) == Decision("stay", HALL)
    assert decided(HALL, standing(True, reading=None)) == Decision("stay", HALL)


def test_another_rule_does_not_bring_the_event_back_for_the_one_that_moved_it():
    moved = standing(False, turned=5.0, indicator="rki-are")
    assert decided(ONLINE, moved, standing(False)) == Decision("stay", ONLINE)
    assert decided(ONLINE, moved, standing(False, turned=7.0)).kind == "switch"


@pytest.mark.parametrize(
    ("turned", "kind", "to"),
    [(None, "stay", ONLINE), (5.0, "stay", ONLINE), (7.0, "switch", HALL)],
    ids=["never on", "off before the no", "off after it"],
)
def test_after_a_no_to_coming_back_only_a_rule_that_goes_off_later_brings_the_event_back(turned, kind, to):
    found = decided(ONLINE, standing(False, turned=turned), declined=6.0)
    assert (found.kind, found.to) == (kind, to)
    assert decided(ONLINE, standing(False, turned=turned)).kind == "switch"


def test_a_no_to_coming_back_does_not_hinder_a_rule_that_goes_on():
    assert decided(BOTH, standing(True), declined=6.0).kind == "switch"


def test_of_two_rules_the_one_that_is_not_held_back_moves_the_event():
    early = standing(True, evaluate_days=3, key="early")
    free = standing(True, key="free")
    found = decided(HALL, early, free)
    assert (found.kind, found.by) == ("switch", free)
    assert decided(HALL, early) == Decision("hold", ONLINE, early, Hold.TOO_EARLY)


def test_whoever_wants_to_be_asked_is_asked():
    asking = standing(True, approval="propose")
    assert decided(HALL, asking) == Decision("propose", ONLINE, asking)
    assert decided(HALL, asking, locked=True) == Decision("hold", ONLINE, asking, Hold.LOCKED)


def test_a_mode_that_waits_for_an_answer_is_kept():
    assert decided(ONLINE, standing(False), kept=[ONLINE]) == Decision("stay", ONLINE)


def test_a_rule_that_has_expired_moves_nothing():
    assert decided(HALL, standing(True, is_expired=True)).kind == "stay"
    assert decided(ONLINE, standing(True, is_expired=True)) == Decision("stay", ONLINE)


def test_a_rule_that_has_expired_while_on_keeps_the_mode_from_other_rules():
    gone = standing(True, is_expired=True, key="gone")
    assert decided(ONLINE, gone, standing(False, turned=7.0)) == Decision("stay", ONLINE)


def test_a_rule_that_has_expired_does_not_hinder_others():
    both = standing(True, "hybrid")
    assert decided(HALL, standing(True, is_expired=True), both) == Decision("switch", BOTH, both)
    never_on = standing(False)
    assert decided(ONLINE, standing(False, turned=5.0, is_expired=True), never_on).by is never_on


def test_days_of_the_tables_are_what_they_are_called():
    assert [day.strftime("%A") for day in (MONDAY, SATURDAY, SUNDAY, TUESDAY)] == [
        "Monday",
        "Saturday",
        "Sunday",
        "Tuesday",
    ]
