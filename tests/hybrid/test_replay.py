"""Replay: on what was published in autumn 2022 against a second opinion, and on small series of our own."""

from datetime import date, timedelta

import pytest

from events.rules import Mode
from hybrid.hindsight import undone
from hybrid.indicators import BUILT_IN
from hybrid.replay import Recorded, replay
from hybrid.reports import SeriesReport
from tests.hybrid.recorded import AS_PUBLISHED, shared
from tests.hybrid.series import BERLIN, MONDAY, TIMING, report, rule
from tests.hybrid.switch_dates import switch_dates, values

RULES = {
    "plain at 500": (500, 500, 1, 1, 0, False),
    "plain at 500, settled": (500, 500, 1, 1, 3, False),
    "the event file's": (400, 300, 3, 5, 3, False),
    "the defaults": (400, 300, 2, 5, 3, False),
    "the defaults at 500": (500, 500, 2, 5, 3, False),
    "patient": (450, 250, 7, 10, 3, False),
    "settled for five days": (400, 350, 2, 3, 5, False),
    "rising": (400, 300, 2, 5, 3, True),
    "never": (2000, 1000, 1, 1, 0, False),
}
COUNTIES = ("05513", "05754", "05758")


@pytest.fixture(scope="module")
def published() -> list[SeriesReport]:
    """What was published on each morning."""
    return BUILT_IN["rki-incidence"].read_recorded(shared(AS_PUBLISHED).read_bytes())


def of(county: str, numbers: tuple[float, float, int, int, int, bool]):
    enter_at, leave_at, enter_after, leave_after, settle_days, rising = numbers
    return rule(
        region=county,
        enter_at=float(enter_at),
        leave_at=float(leave_at),
        enter_after=enter_after,
        leave_after=leave_after,
        settle_days=settle_days,
        trend="rising" if rising else "any",
    )


def dates(found) -> list[tuple[str, str]]:
    return [(switch.on.isoformat(), switch.to.value) for switch in found.switches]


@pytest.mark.parametrize("county", COUNTIES)
@pytest.mark.parametrize("name", RULES)
def test_the_replay_switches_when_a_second_opinion_does(published, county, name):
    found = replay(Mode.IN_PERSON, [Recorded(of(county, RULES[name]), BERLIN, published)], TIMING)
    assert dates(found) == switch_dates(shared(AS_PUBLISHED), county, *RULES[name])
    assert [
        (step.verdict.reading.report_on.isoformat(), step.verdict.reading.value) for step in found.steps
    ] == [(morning, value) for morning, value, _ in values(shared(AS_PUBLISHED), county, RULES[name][4])]


def test_the_rule_of_the_event_file_would_have_switched_four_times(published):
    found = replay(
        Mode.IN_PERSON, [Recorded(of("05754", RULES["the event file's"]), BERLIN, published)], TIMING
    )
    assert dates(found) == [
        ("2022-08-03", "digital"),
        ("2022-09-14", "in_person"),
        ("2022-10-04", "digital"),
        ("2022-11-19", "in_person"),
    ]
    assert found.switches[2].verdict.reading.value == 401.8


def test_a_plain_rule_flaps_and_a_sane_one_does_not(published):
    plain, sane = (
        replay(Mode.IN_PERSON, [Recorded(of("05754", RULES[name]), BERLIN, published)], TIMING)
        for name in ("plain at 500", "the defaults at 500")
    )
    days = [
        (day, "digital" if number % 2 else "in_person") for number, day in enumerate((20, 22, 23, 27, 31))
    ]
    assert [one for one in dates(plain) if "2022-10-20" <= one[0] <= "2022-10-31"] == [
        (f"2022-10-{day}", mode) for day, mode in days
    ]
    assert len(undone(plain.switches)) == 4
    assert dates(sane) == [("2022-10-07", "digital"), ("2022-11-09", "in_person")]


def test_for_an_event_on_a_day_only_the_weeks_before_it_count(published):
    recorded = [Recorded(of("05754", RULES["the event file's"]), BERLIN, published)]
    found = replay(Mode.IN_PERSON, recorded, TIMING, event_on=date(2022, 10, 21))
    assert dates(found) == [("2022-10-04", "digital")]
    later = replay(Mode.IN_PERSON, recorded, TIMING, event_on=date(2022, 11, 4))
    assert dates(later) == [("2022-10-07", "digital")], "on since the 4th, but not before the 7th"
    holds = [step.hold for step in later.steps if step.verdict.reading.report_on == date(2022, 10, 4)]
    assert holds == ["too_early"]


# Small series of our own


def run(values, *, first=None, last=None, **changes):
    reports = [report(MONDAY + timedelta(days=number), [value]) for number, value in enumerate(values)]
    return replay(
        Mode.IN_PERSON,
        [Recorded(rule(settle_days=0, **changes), BERLIN, reports)],
        TIMING,
        first=first,
        last=last,
    )


def test_nothing_before_the_first_day_counts():
    whole = run([500] * 3)
    assert dates(whole) == [("2022-10-04", "digital")]
    assert dates(run([500] * 3, first=date(2022, 10, 4))) == [("2022-10-05", "digital")]
    assert dates(run([500] * 3, last=MONDAY)) == []


def test_what_was_first_published_under_a_date_stands():
    first, second = report(MONDAY, [500]), report(MONDAY, [100])
    once = rule(settle_days=0, enter_after=1)
    found = replay(Mode.IN_PERSON, [Recorded(once, BERLIN, [first, second])], TIMING)
    assert [step.verdict.reading.value for step in found.steps] == [500]


def test_two_rules_are_followed_together():
    reports = [
        report(MONDAY + timedelta(days=number), [value]) for number, value in enumerate([350, 500, 350, 100])
    ]
    near = rule(settle_days=0, enter_at=300.0, leave_at=200.0, enter_after=1, leave_after=1, mode="hybrid")
    far = rule(settle_days=0, enter_after=1, leave_after=1, leave_at=400.0)
    found = replay(Mode.IN_PERSON, [Recorded(one, BERLIN, reports) for one in (near, far)], TIMING)
    assert [switch.to for switch in found.switches] == ["hybrid", "digital", "hybrid", "in_person"]
    assert [switch.rule for switch in found.switches] == [near, far, far, near]


def test_old_rows_hold_a_switch_back_until_newer_ones_come():
    stale = SeriesReport(MONDAY, report(MONDAY - timedelta(days=4), [500]).rows)
    fresh = report(MONDAY + timedelta(days=1), [500])
    once = rule(settle_days=0, enter_after=1)
    found = replay(Mode.IN_PERSON, [Recorded(once, BERLIN, [stale, fresh])], TIMING)
    assert [step.hold for step in found.steps] == ["stale", None]
    assert dates(found) == [("2022-10-04", "digital")]


def test_after_its_last_day_a_rule_decides_nothing():
    reports = [report(MONDAY + timedelta(days=number), [500]) for number in range(5)]
    expiring = rule(settle_days=0, expires_on=MONDAY)
    recorded = [Recorded(expiring, BERLIN, reports)]
    assert replay(Mode.IN_PERSON, recorded, TIMING, event_on=date(2022, 10, 21)).switches == ()
    assert dates(replay(Mode.IN_PERSON, recorded, TIMING)) == [("2022-10-04", "digital")]
