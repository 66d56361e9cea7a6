"""Time zones as calendars carry them: exact for the years asked, made from the zone rules of this machine.

icalendar's own lists end in 2038 and put the onset of summer time an hour late (RFC 5545, 3.6.5 wants the local
time by the offset before).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard, vDDDLists, vRecur

LOOKAHEAD_YEARS = 10
"""How long a yearly rule must hold beyond the years asked before it is written as a rule."""

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True, order=True)
class Observance:
    """What clocks show from an onset on; seasons that return are equal."""

    before: timedelta
    after: timedelta
    name: str
    is_summer: bool


@lru_cache(maxsize=64)
def vtimezone(zone: str, first: int, last: int) -> Timezone:
    """The VTIMEZONE of an IANA zone, true for every instant of the years `first` to `last` (both local).

    Yearly rules are written as such and go on; where there are none, every onset is listed. The component is
    shared: do not change it.
    """
    found = [
        (onset, observance)
        for onset, observance in _onsets(zone, first - 1, last + LOOKAHEAD_YEARS)
        if onset.year >= first - 1
    ]
    component = Timezone()
    component.add("tzid", zone)
    if not found or found[0][0] >= datetime(first, 1, 1):
        began = datetime(first - 1, 1, 1)
        at = began.replace(tzinfo=ZoneInfo(zone))
        offset = at.utcoffset() or timedelta()
        still = Observance(offset, offset, at.tzname() or zone, bool(at.dst()))
        component.add_component(_component(still, [began], None))
    for observance, group in groupby(sorted(found, key=lambda pair: pair[::-1]), key=lambda pair: pair[1]):
        onsets = [onset for onset, _ in group]
        rule = _yearly(onsets, last + LOOKAHEAD_YEARS)
        needed = onsets[:1] if rule else [onset for onset in onsets if onset.year <= last]
        if needed:
            component.add_component(_component(observance, needed, rule))
    return component


def _onsets(zone: str, first: int, last: int) -> Iterator[tuple[datetime, Observance]]:
    """The onsets of the years, each in the local time by the offset before it."""
    info = ZoneInfo(zone)
    step = timedelta(hours=12)
    at = datetime(first, 1, 1, tzinfo=UTC) - step
    end = datetime(last + 1, 1, 1, tzinfo=UTC) + step
    while at < end:
        low, high = at, at + step
        if _shown(low, info) != _shown(high, info):
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                middle = middle.replace(microsecond=0)
                low, high = (middle, high) if _shown(middle, info) == _shown(low, info) else (low, middle)
            before, after = _shown(low, info), _shown(high, info)
            # Irish and Moroccan winters are written as negative summer time.
            is_summer = after[1] > timedelta() or (not after[1] and before[1] < timedelta())
            onset = high.replace(tzinfo=None) + before[0]
            name = high.astimezone(info).tzname() or zone
            if onset.year <= last:
                yield onset, Observance(before[0], after[0], name, is_summer)
        at += step


def _shown(at: datetime, info: ZoneInfo) -> tuple[timedelta, timedelta]:
    local = at.astimezone(info)
    return local.utcoffset() or timedelta(), local.dst() or timedelta()


def _yearly(onsets: list[datetime], last: int) -> vRecur | None:
    """The yearly rule that gives exactly these onsets up to the year `last`, where there is one."""
    years = [onset.year for onset in onsets]
    if years != list(range(years[0], last + 1)):
        return None
    if len({(onset.month, onset.weekday(), onset.time()) for onset in onsets}) > 1:
        return None
    ordinals = {(onset.day + 6) // 7 for onset in onsets}
    if all((onset + timedelta(days=7)).month != onset.month for onset in onsets):
        ordinal = -1
    elif len(ordinals) == 1:
        ordinal = ordinals.pop()
    else:
        return None
    day = f"{ordinal}{_WEEKDAYS[onsets[0].weekday()]}"
    return vRecur(FREQ="YEARLY", BYMONTH=onsets[0].month, BYDAY=day)


def _component(
    observance: Observance, onsets: list[datetime], rule: vRecur | None
) -> TimezoneDaylight | TimezoneStandard:
    component = TimezoneDaylight() if observance.is_summer else TimezoneStandard()
    component.add("dtstart", onsets[0])
    component.add("tzoffsetfrom", observance.before)
    component.add("tzoffsetto", observance.after)
    component.add("tzname", observance.name)
    if rule:
        component.add("rrule", rule)
    else:
        # One line each: of several on a line some readers, vobject among them, take the first alone.
        for onset in onsets[1:]:
            component.add("rdate", vDDDLists([onset]))
    return component
