from datetime import datetime

import pytest

from events.forms import is_address, is_web_address, is_zone, readings


@pytest.mark.parametrize(
    ("local", "zone", "expected"),
    [
        # Sunday, 27 March 2022: clocks go from 02:00 to 03:00.
        ("2022-03-27T01:59:59", "Europe/Berlin", ["2022-03-27T01:59:59+01:00"]),
        ("2022-03-27T02:00", "Europe/Berlin", ["2022-03-27T01:00:00+01:00", "2022-03-27T03:00:00+02:00"]),
        ("2022-03-27T02:59:59", "Europe/Berlin", ["2022-03-27T01:59:59+01:00", "2022-03-27T03:59:59+02:00"]),
        ("2022-03-27T03:00", "Europe/Berlin", ["2022-03-27T03:00:00+02:00"]),
        # Sunday, 30 October 2022: clocks go from 03:00 to 02:00.
        ("2022-10-30T01:59:59", "Europe/Berlin", ["2022-10-30T01:59:59+02:00"]),
        ("2022-10-30T02:00", "Europe/Berlin", ["2022-10-30T02:00:00+02:00", "2022-10-30T02:00:00+01:00"]),
        ("2022-10-30T02:59:59", "Europe/Berlin", ["2022-10-30T02:59:59+02:00", "2022-10-30T02:59:59+01:00"]),
        ("2022-10-30T03:00", "Europe/Berlin", ["2022-10-30T03:00:00+01:00"]),
        # Half an hour on Lord Howe Island, and a day that Samoa left out.
        (
            "2022-10-02T02:15",
            "Australia/Lord_Howe",
            ["2022-10-02T01:45:00+10:30", "2022-10-02T02:45:00+11:00"],
        ),
        ("2011-12-30T12:00", "Pacific/Apia", ["2011-12-29T12:00:00-10:00", "2011-12-31T12:00:00+14:00"]),
        ("2022-03-27T02:30", "UTC", ["2022-03-27T02:30:00+00:00"]),
    ],
)
def test_a_local_time_has_one_reading_but_where_clocks_change(local, zone, expected):
    found = readings(datetime.fromisoformat(local), zone)
    assert [reading.isoformat() for reading in found] == expected


@pytest.mark.parametrize("address", ["a@example.org", "jürgen@exämple.de", "o'neil+x@example.org"])
def test_an_address_is_one(address):
    assert is_address(address)


@pytest.mark.parametrize(
    "address", ["", "a", "@example.org", "a@", "a b@example.org", "a@b@c.org", "a@example"]
)
def test_what_is_no_address_is_none(address):
    assert not is_address(address)


def test_a_zone_is_one_of_the_zone_database():
    assert is_zone("Europe/Berlin")
    assert is_zone("UTC")
    assert not is_zone("Europe/berlin")
    assert not is_zone("localtime")
    assert not is_zone("/etc/localtime")


def test_a_meeting_is_at_an_https_address():
    assert is_web_address("https://meet.example.org:8443/room?x=1")
    assert not is_web_address("javascript:alert(1)//https://example.org")
    assert not is_web_address("https://user@example.org/")
    assert not is_web_address("https://example.org:x/")
