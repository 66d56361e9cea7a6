"""Time zones of calendars, read by vobject and reckoned by dateutil, hour by hour beside zoneinfo."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import vobject
from dateutil.rrule import rrulestr
from dateutil.tz import tzical

from events.timezones import vtimezone

ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Asia/Jerusalem",
    "America/St_Johns",
    "UTC",
]
HOUR = timedelta(hours=1)


def offset_of(text: str) -> timedelta:
    sign = -1 if text[0] == "-" else 1
    return sign * timedelta(hours=int(text[1:3]), minutes=int(text[3:5]), seconds=int(text[5:7] or 0))


def local_time(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%S")  # noqa: DTZ007


def onsets(zone: str, first: int, last: int) -> list[tuple[datetime, timedelta, timedelta]]:
    """Every onset of the written zone as (instant, offset before, offset after), as RFC 5545 says."""
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{vtimezone(zone, first, last).to_ical().decode()}END:VCALENDAR\r\n"
    found = []
    for part in vobject.readOne(text, transform=False).vtimezone.getChildren():
        if part.name not in ("STANDARD", "DAYLIGHT"):
            continue
        start = local_time(part.dtstart.value)
        locals_ = [start]
        if hasattr(part, "rrule"):
            rule = rrulestr(part.rrule.value, dtstart=start)
            locals_ = list(rule.between(start, datetime(last + 2, 1, 1), inc=True))
            assert locals_[0] == start, "DTSTART is an onset of its own rule"
        locals_ += [local_time(line.value) for line in part.contents.get("rdate", [])]
        before, after = offset_of(part.tzoffsetfrom.value), offset_of(part.tzoffsetto.value)
        found += [((local - before).replace(tzinfo=UTC), before, after) for local in locals_]
    return sorted(found)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("first", "last"), [(2022, 2022), (2026, 2027), (2037, 2046)])
def test_every_hour_of_the_years_has_the_offset_that_clocks_show(zone, first, last):
    info = ZoneInfo(zone)
    written = onsets(zone, first, last)
    instants = [at for at, _, _ in written]
    at = datetime(first, 1, 1, tzinfo=info).astimezone(UTC)
    end = datetime(last + 1, 1, 1, tzinfo=info).astimezone(UTC)
    while at < end:
        assert written[bisect_right(instants, at) - 1][2] == at.astimezone(info).utcoffset(), at
        at += HOUR


@pytest.mark.parametrize("zone", ZONES)
def test_each_onset_begins_from_the_offset_before_it(zone):
    for (_, _, after), (at, before, _) in pairwise(onsets(zone, 2025, 2027)):
        assert after == before or at.year > 2027, at


@pytest.mark.parametrize("zone", ZONES)
def test_dateutil_shows_the_same_time_on_the_wall(zone):
    text = f"BEGIN:VCALENDAR\r\n{vtimezone(zone, 2026, 2026).to_ical().decode()}END:VCALENDAR\r\n"
    read, info = tzical(StringIO(text)).get(zone), ZoneInfo(zone)
    local = datetime(2026, 1, 1)
    while local.year == 2026:
        first, second = (local.replace(tzinfo=info, fold=fold).utcoffset() for fold in (0, 1))
        if first == second:  # neither skipped nor twice
            assert local.replace(tzinfo=read).utcoffset() == first, local
        local += HOUR


def test_summer_time_begins_at_two_by_the_winter_clock():
    assert (
        vtimezone("Europe/Berlin", 2022, 2022).to_ical().decode().replace("\r\n", "\n")
        == """\
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
DTSTART:20210328T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZNAME:CEST
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:20211031T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZNAME:CET
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
"""
    )


def test_a_zone_that_gave_up_summer_time_is_right_before_and_after():
    assert vtimezone("Europe/Istanbul", 2016, 2016).to_ical().count(b"BEGIN:STANDARD") == 2
    assert onsets("Europe/Istanbul", 2016, 2016)[-1][1:] == (timedelta(hours=3), timedelta(hours=3))


def test_ramadan_in_morocco_is_listed_day_by_day():
    assert b"RRULE" not in vtimezone("Africa/Casablanca", 2026, 2026).to_ical()
