"""Rows that are kept come back as they were."""

from datetime import date, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hybrid.packing import packed, unpacked
from hybrid.reports import Row

FIRST = date(2022, 10, 3)


@given(
    st.sets(st.integers(0, 60), min_size=1),
    st.sampled_from([1, 7]),
    st.data(),
)
def test_what_is_kept_comes_back(places, step, data):
    values = data.draw(st.lists(st.floats(-1e12, 1e12), min_size=len(places), max_size=len(places)))
    rows = tuple(
        Row(FIRST + timedelta(days=place * step), value)
        for place, value in zip(sorted(places), values, strict=True)
    )
    assert unpacked(msgspec.json.decode(msgspec.json.encode(packed(rows)))) == rows


def test_a_weekly_series_has_no_gaps_for_the_days_between():
    rows = [Row(FIRST + timedelta(weeks=week), float(week)) for week in (0, 1, 3)]
    assert packed(rows) == {"first": "2022-10-03", "step": 7, "values": [0.0, 1.0, None, 3.0]}
