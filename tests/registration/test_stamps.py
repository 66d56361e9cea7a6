from datetime import UTC, datetime, timedelta

import pytest

from registration.stamps import LONGEST, FormStamps

NOW = datetime(2022, 11, 1, 12, tzinfo=UTC)
"""Tuesday."""

STAMPS = FormStamps(b"secret")


@pytest.mark.parametrize("age", [timedelta(), timedelta(seconds=1), LONGEST])
def test_a_stamp_says_when_its_form_was_shown(age):
    assert STAMPS.age(STAMPS.new(NOW), NOW + age) == age


def test_an_old_stamp_is_none():
    assert STAMPS.age(STAMPS.new(NOW), NOW + LONGEST + timedelta(milliseconds=1)) is None


def test_no_two_stamps_are_the_same():
    assert len({STAMPS.new(NOW) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "x",
        "ä",
        "A" * 36,
        "A" * 1000,
        "=",
        pytest.param(FormStamps(b"other").new(NOW), id="another secret"),
    ],
)
def test_what_others_make_is_none(stamp):
    assert STAMPS.age(stamp, NOW) is None


def test_a_stamp_that_was_changed_is_none():
    stamp = STAMPS.new(NOW)
    changed = stamp[:5] + ("A" if stamp[5] != "A" else "B") + stamp[6:]
    assert STAMPS.age(changed, NOW) is None
