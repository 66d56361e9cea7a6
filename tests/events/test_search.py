"""The visitor's filter over the list of events."""

from datetime import UTC, datetime, timedelta

import pytest

from events.rules import Mode
from events.search import Filter, matching
from tests.events.examples import dialogue, online

NOW = datetime(2022, 11, 1, 12, tzinfo=UTC)  # Tuesday; the dialogue is on Friday, 18 November
LATER = dialogue(slug="later", starts_at=NOW + timedelta(days=31), title={"de": "Straßenfest"}, summary=None)
HYBRID = dialogue(slug="hybrid", mode=Mode.HYBRID, starts_at=NOW + timedelta(days=92), title={"en": "Forum"})
EVENTS = {"dialogue": dialogue(), "online": online(), "later": LATER, "hybrid": HYBRID}


@pytest.mark.parametrize(
    ("q", "mode", "period", "found"),
    [
        ("", "all", "all", {"dialogue", "online", "later", "hybrid"}),
        ("", "in_person", "all", {"dialogue", "later", "hybrid"}),
        ("", "online", "all", {"online", "hybrid"}),
        ("", "nonsense", "nonsense", {"dialogue", "online", "later", "hybrid"}),
        ("", "all", "month", {"dialogue", "online"}),
        ("", "all", "quarter", {"dialogue", "online", "later"}),
        ("  gemeinsam GÜTERSLOH ", "all", "all", {"dialogue", "online"}),
        ("living dialogue", "all", "all", {"dialogue", "online"}),
        ("strassenfest", "all", "all", {"later"}),
        ("housing", "all", "all", {"dialogue", "online", "later", "hybrid"}),
        ("stadthalle forum", "all", "all", {"hybrid"}),
        ("nowhere", "all", "all", set()),
        ("(.*)", "all", "all", set()),
        ("\0", "all", "all", set()),
    ],
)
def test_what_is_found(q, mode, period, found):
    events = matching(EVENTS.values(), Filter.from_query(q, mode, period), NOW)
    names = {name for name, event in EVENTS.items() if event in events}
    assert names == found
    assert events == [event for name, event in EVENTS.items() if name in found]


@pytest.mark.parametrize(
    ("query", "is_empty"),
    [
        (("", "all", "all"), True),
        ((" ", "x", "y"), True),
        (("a", "all", "all"), False),
        (("", "online", "all"), False),
    ],
)
def test_an_empty_filter_asks_nothing(query, is_empty):
    assert Filter.from_query(*query).is_empty is is_empty
