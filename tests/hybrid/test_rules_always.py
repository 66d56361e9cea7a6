"""What holds whatever the reports say: how far switches lie apart, and when none is made."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from events.rules import Mode
from hybrid.replay import Recorded, replay, timing_on
from hybrid.reports import Row, SeriesReport
from hybrid.rules import FURTHER, Standing, decide, evaluated_from, judged
from tests.hybrid.series import BERLIN, MONDAY, REGION, TIMING, reading, readings, rule

LEVELS = st.sampled_from([0.0, 100.0, 299.9, 300.0, 350.0, 399.9, 400.0, 500.0])
COUNTS = st.integers(1, 6)
SERIES = st.lists(LEVELS, min_size=1, max_size=60)
HOURS = st.integers(-24 * 60, 24 * 3)
MODES = st.sampled_from(list(Mode))


@given(SERIES, COUNTS, COUNTS, LEVELS)
def test_between_going_on_and_off_lie_as_many_reports_as_the_rule_says(
    values, enter_after, leave_after, leave_at
):
    one = rule(
        enter_at=400.0,
        leave_at=leave_at if leave_at <= 400 else 400.0,
        enter_after=enter_after,
        leave_after=leave_after,
    )
    is_on, turns = False, []
    said = readings(values)
    for number in range(len(said)):
        verdict = judged(one, is_on, said[: number + 1])
        if verdict.has_changed:
            turns.append((number, verdict.is_on))
        is_on = verdict.is_on
    if turns:
        assert turns[0][0] + 1 >= enter_after
    for (before, goes_on), (after, other) in pairwise(turns):
        assert other is not goes_on
        assert after - before >= (leave_after if goes_on else enter_after)


@st.composite
def standings(draw):
    found = []
    for number in range(draw(st.integers(1, 4))):
        day = TIMING.starts_at.date() - timedelta(days=draw(st.integers(-2, 40)))
        one = rule(
            key=str(number),
            mode=draw(st.sampled_from(["digital", "hybrid"])),
            indicator=draw(st.sampled_from(["rki-incidence", "rki-are"])),
            approval=draw(st.sampled_from(["automatic", "propose"])),
            max_age_hours=draw(st.integers(1, 200)),
            evaluate_days=draw(st.integers(0, 40)),
            freeze_hours=draw(st.integers(0, 100)),
        )
        said = draw(st.one_of(st.none(), st.just(reading(500.0, day))))
        found.append(
            Standing(
                one,
                draw(st.booleans()),
                said,
                draw(st.one_of(st.none(), st.floats(0, 9))),
                draw(st.booleans()),
            )
        )
    return found


@given(
    MODES,
    MODES,
    standings(),
    HOURS,
    st.booleans(),
    st.lists(MODES, max_size=1),
    st.one_of(st.none(), st.floats(0, 9)),
)
def test_no_mode_changes_on_stale_rows_in_the_freeze_or_while_locked(
    base, present, stand, hours, locked, kept, declined
):
    now = TIMING.starts_at + timedelta(hours=hours)
    found = decide(
        base,
        present,
        stand,
        "rki-incidence",
        now,
        timing=TIMING,
        locked=locked,
        kept=kept,
        declined=declined,
    )
    keeping = [*kept, *(one.rule.mode for one in stand if one.is_on and one.is_expired)]
    reaching = [base, *(one.rule.mode for one in stand if one.is_on and not one.is_expired)]
    reaching += [mode for mode in keeping if FURTHER.index(mode) <= FURTHER.index(present)]
    reaching += [present for mode in keeping if FURTHER.index(mode) > FURTHER.index(present)]
    furthest = max(reaching, key=FURTHER.index)
    if found.kind in ("switch", "propose"):
        assert found.by is not None
        assert found.by.reading is not None
        one = found.by.rule
        assert found.to is furthest is not present
        assert not locked
        assert not found.by.is_expired
        assert one.indicator == "rki-incidence"
        assert evaluated_from(one, TIMING) <= now < TIMING.starts_at - one.freeze
        assert now - found.by.reading.as_of <= one.max_age
        assert one.proposes is (found.kind == "propose")
        if declined and not found.by.is_on:
            assert (found.by.turned or 0.0) >= declined
    if found.kind == "stay":
        assert found.to in (present, furthest)
    if present is furthest:
        assert found.kind == "stay"


@st.composite
def publications(draw):
    """Reports of a month before and a week after the event, some missing, some with rows that are old."""
    found = []
    for day in range(40):
        if draw(st.integers(0, 4)):
            on = TIMING.starts_at.date() - timedelta(days=33 - day)
            newest = on - timedelta(days=draw(st.sampled_from([0, 0, 0, 1, 4])))
            rows = tuple(Row(newest - timedelta(days=age), draw(LEVELS)) for age in range(8, -1, -1))
            found.append(SeriesReport(on, {REGION: rows}))
    return found


@given(publications(), COUNTS, COUNTS, st.integers(0, 3))
def test_a_replay_for_a_day_switches_only_when_it_may(reports, enter_after, leave_after, settle_days):
    one = rule(enter_after=enter_after, leave_after=leave_after, settle_days=settle_days)
    recorded = [Recorded(one, BERLIN, reports)]
    event_on = TIMING.starts_at.date()
    found = replay(Mode.IN_PERSON, recorded, TIMING, event_on=event_on)
    timing = timing_on(TIMING, event_on)
    dates = [said.report_on for said in reports]
    for switch in found.switches:
        at = datetime.combine(switch.on, datetime.min.time(), BERLIN).astimezone(UTC)
        assert switch.on in dates
        assert evaluated_from(one, timing) <= at < timing.starts_at - one.freeze
        assert at - switch.verdict.reading.as_of <= one.max_age
    modes = [Mode.IN_PERSON, *(switch.to for switch in found.switches)]
    assert all(before is not after for before, after in pairwise(modes))
    assert [switch.before for switch in found.switches] == modes[:-1]


@given(publications())
def test_the_order_in_which_reports_are_handed_in_does_not_matter(reports):
    one = rule(enter_after=2, leave_after=2, settle_days=0)
    forward = replay(Mode.IN_PERSON, [Recorded(one, BERLIN, reports)], TIMING)
    assert replay(Mode.IN_PERSON, [Recorded(one, BERLIN, reports[::-1])], TIMING) == forward


def test_the_dates_of_the_series_begin_on_a_monday():
    assert date(2022, 10, 3) == MONDAY
