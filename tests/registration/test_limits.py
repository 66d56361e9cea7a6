from datetime import UTC, datetime, timedelta

import pytest

from registration.limits import NO_LIMITS, UNLIMITED, Limit, Limits, seconds_to_wait

NOW = datetime(2022, 11, 1, 12, tzinfo=UTC)
"""Tuesday."""

THREE_AN_HOUR = Limit(3, 3600)


def ago(*seconds):
    return [NOW - timedelta(seconds=before) for before in seconds]


@pytest.mark.parametrize(
    ("limit", "earlier", "seconds"),
    [
        (THREE_AN_HOUR, ago(), 0),
        (THREE_AN_HOUR, ago(20, 10), 0),
        (THREE_AN_HOUR, ago(30, 20, 10), 3570),
        (THREE_AN_HOUR, ago(3599, 20, 10), 1),
        (THREE_AN_HOUR, ago(3599.5, 20, 10), 1),
        (THREE_AN_HOUR, ago(3600, 20, 10), 0),
        (THREE_AN_HOUR, ago(3601, 20, 10), 0),
        (THREE_AN_HOUR, ago(3000, 2000, 20, 10), 1600),
        (THREE_AN_HOUR, ago(0, 0, 0), 3600),
        (Limit(1, 1), ago(0.5), 1),
        (UNLIMITED, ago(*[0] * 1000), 0),
    ],
)
def test_the_window_slides(limit, earlier, seconds):
    assert seconds_to_wait(limit, earlier, NOW) == seconds


def test_the_longest_window_says_how_far_to_look_back():
    assert Limits(Limit(60, 60), THREE_AN_HOUR).window == timedelta(hours=1)
    assert Limits(Limit(60, 60), Limit(0, 3600)).window == timedelta(minutes=1)
    assert NO_LIMITS.window == timedelta()


def test_who_asks_cannot_be_read_back():
    limits = Limits(secret=b"secret")
    subject = limits.subject("client", "192.0.2.1")
    assert len(subject) == 32
    assert subject == limits.subject("client", "192.0.2.1")
    others = {
        limits.subject("client", "192.0.2.2"),
        limits.subject("address", "192.0.2.1"),
        Limits(secret=b"other").subject("client", "192.0.2.1"),
    }
    assert subject not in others
    assert len(others) == 3


def test_unconfirmed_seats_are_limited_where_clients_are():
    assert Limits(Limit(60, 60)).unconfirmed == 20
    assert NO_LIMITS.unconfirmed is None
