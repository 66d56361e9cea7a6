"""When sending is tried again."""

from datetime import timedelta

import pytest

from notifications.rules import pause, retry_after


def steps() -> list[timedelta]:
    found, attempts = [], 1
    while (step := retry_after(attempts)) is not None:
        found.append(step)
        attempts += 1
    return found


def test_a_mail_is_tried_for_72_hours_even_if_two_attempts_were_lost():
    assert sum(steps()[2:], timedelta()) >= timedelta(hours=72)
    assert sum(sorted(steps())[:-2], timedelta()) >= timedelta(hours=72)


def test_the_first_retry_comes_soon_and_later_ones_rarer():
    assert steps()[0] == timedelta(minutes=1)
    assert steps() == sorted(steps())
    assert steps()[-1] == timedelta(hours=4)


@pytest.mark.parametrize("attempts", [-1, 0, 1])
def test_less_than_one_attempt_is_like_one(attempts):
    assert retry_after(attempts) == timedelta(minutes=1)


@pytest.mark.parametrize("attempts", [len(steps()) + 1, 10_000])
def test_after_the_last_attempt_there_is_none(attempts):
    assert retry_after(len(steps())) is not None
    assert retry_after(attempts) is None


@pytest.mark.parametrize(
    ("failures", "refused", "seconds"),
    [
        (1, False, 1),
        (2, False, 2),
        (5, False, 16),
        (6, False, 20),
        (10_000, False, 20),
        (6, True, 32),
        (99, True, 300),
    ],
)
def test_a_server_that_is_away_is_asked_rarely_and_one_that_refuses_us_more_rarely(
    failures, refused, seconds
):
    assert pause(failures, refused=refused) == timedelta(seconds=seconds)
