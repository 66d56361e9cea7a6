"""Calendar files (RFC 5545, 5546, 7986) and links that put an event into a calendar. Pure: same input, same bytes.

What an entry says is an `EntryText`, rendered from `templates/calendar/`; here it becomes properties of which no
text can make others.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import quote, urlencode

from icalendar import Alarm, Calendar, Event, Parameters, vCalAddress, vText
from icalendar.parser import Contentline

from events.details import EventDetails
from events.rules import EventStatus
from events.timezones import vtimezone

PRODUCT = "-//Dialograum//Dialograum//DE"
REFRESH = timedelta(hours=1)
LINK_TEXT_LENGTH = 1000
FOLD = 75
"""Octets of a line that are too many (RFC 5545, 3.1, counts the space that begins the next one)."""

_MAIL_SAFE = "@!#$&'*+-/=^_`{|}~."
_BIDI_CONTROLS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


class Method(StrEnum):
    """What a calendar file asks for (RFC 5546)."""

    PUBLISH = "PUBLISH"
    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True)
class Party:
    """Who organises or attends; `name` may be empty."""

    name: str
    address: str


@dataclass(frozen=True)
class EntryText:
    """What a calendar entry says in one language. The summary is the title, whatever the mode."""

    summary: str
    location: str
    description: str
    alarm: str = ""


@dataclass(frozen=True)
class Entry:
    """One event as a calendar holds it. Public ones have neither `attendee` nor `conference_url`."""

    uid: str
    sequence: int
    timezone: str
    starts_local: datetime
    ends_local: datetime
    changed_at: datetime
    cancelled: bool
    text: EntryText
    page_url: str
    organiser: Party
    attendee: Party | None = None
    conference_url: str | None = None
    alarm_before: timedelta | None = None


def public_calendar(event: EventDetails, text: EntryText, page_url: str, organiser: Party) -> bytes:
    """The calendar file of one event, for anybody; it never holds a join link."""
    return calendar(Method.PUBLISH, [_public_entry(event, text, page_url, organiser)])


def feed(
    events: Iterable[tuple[EventDetails, EntryText, str]], name: str, feed_url: str, organiser: Party
) -> bytes:
    """The calendar of all public events, as `(event, text, page_url)`, to subscribe to; cancelled ones say so."""
    entries = [_public_entry(event, text, page_url, organiser) for event, text, page_url in events]
    return calendar(Method.PUBLISH, entries, name=name, feed_url=feed_url)


def _public_entry(event: EventDetails, text: EntryText, page_url: str, organiser: Party) -> Entry:
    return Entry(
        uid=event.uid,
        sequence=event.sequence,
        timezone=event.timezone,
        starts_local=event.starts_local,
        ends_local=event.ends_local,
        changed_at=event.changed_at,
        cancelled=event.status is EventStatus.CANCELLED,
        text=text,
        page_url=page_url,
        organiser=organiser,
    )


def calendar(method: Method, entries: Sequence[Entry], name: str = "", feed_url: str = "") -> bytes:
    """A calendar file. One with a name is a feed, which readers fetch again every hour."""
    made = Calendar()
    made.add("version", "2.0")
    made.add("prodid", PRODUCT)
    made.add("calscale", "GREGORIAN")
    made.add("method", method.value)
    if name:
        made.add("name", vText(one_line(name)))
        made.add("x-wr-calname", vText(one_line(name)))
        made.add("source", feed_url, parameters={"VALUE": "URI"})
        made.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
        made.add("x-published-ttl", vText("PT1H"))
    for zone in sorted({entry.timezone for entry in entries}):
        years = [
            local.year
            for entry in entries
            if entry.timezone == zone
            for local in (entry.starts_local, entry.ends_local)
        ]
        made.add_component(vtimezone(zone, min(years), max(years)))
    for entry in sorted(entries, key=lambda entry: (entry.starts_local, entry.uid)):
        made.add_component(_component(method, entry))
    written: bytes = made.to_ical()
    return written


def _component(method: Method, entry: Entry) -> Event:
    cancelled = entry.cancelled or method is Method.CANCEL
    made = Event()
    made.add("uid", vText(one_line(entry.uid)))
    made.add("sequence", entry.sequence)
    made.add("dtstamp", entry.changed_at.astimezone(UTC).replace(microsecond=0))
    made.add("last-modified", entry.changed_at.astimezone(UTC).replace(microsecond=0))
    made.add("dtstart", entry.starts_local, parameters={"TZID": entry.timezone})
    made.add("dtend", entry.ends_local, parameters={"TZID": entry.timezone})
    made.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    made.add("summary", vText(one_line(entry.text.summary)))
    if location := one_line(entry.text.location):
        made.add("location", vText(location))
    if description := lines(entry.text.description):
        made.add("description", vText(description))
    made.add("url", quote(entry.page_url, safe=":/?#[]@!$&'()*+,;=%~"))
    made.add("organizer", mailto(entry.organiser), parameters=_name(entry.organiser))
    if entry.attendee is not None and method is not Method.PUBLISH:
        made.add("attendee", _attendee(entry.attendee))
    if entry.conference_url and not cancelled:
        # A list, not a string: as a string both features would become one quoted value.
        features = Parameters(VALUE="URI", FEATURE=["AUDIO", "VIDEO"])
        made.add("conference", entry.conference_url, parameters=features)
    if entry.alarm_before is not None and not cancelled:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", vText(one_line(entry.text.alarm) or one_line(entry.text.summary)))
        alarm.add("trigger", -entry.alarm_before)
        made.add_component(alarm)
    return made


def _attendee(party: Party) -> vCalAddress:
    address = vCalAddress(mailto(party))
    address.params.update(
        {
            **_name(party),
            "CUTYPE": "INDIVIDUAL",
            "ROLE": "REQ-PARTICIPANT",
            "PARTSTAT": "ACCEPTED",
            "RSVP": "FALSE",
        }
    )
    return address


# Lines


def content_lines(calendar: bytes) -> list[str]:
    """The lines of a calendar file as they were before they were folded."""
    return calendar.decode().replace("\r\n ", "").removesuffix("\r\n").split("\r\n")


def folded(line: str) -> str:
    """A content line as it stands in a file, its end included: folded where icalendar folds, in a tenth of the time."""
    rest, parts = line.encode(), []
    while len(rest) >= FOLD:
        cut = FOLD - 1
        while rest[cut] & 0b1100_0000 == 0b1000_0000:
            cut -= 1
        if rest[cut - 1 : cut] in (b"\\", b"^"):
            cut -= 1
        parts.append(rest[:cut])
        rest = rest[cut:]
    return b"\r\n ".join([*parts, rest]).decode() + "\r\n"


def attendee_line(party: Party) -> str:
    """The content line that names who attends."""
    address = _attendee(party)
    return str(Contentline.from_parts("ATTENDEE", address.params, address))


def stamp_line(name: str, at: datetime) -> str:
    """A content line with an instant."""
    return f"{name}:{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


# Text


def one_line(text: str) -> str:
    """Text for a property that is one line: no line breaks, control or direction-forcing characters."""
    return " ".join("".join(map(_harmless, text)).split())


def lines(text: str) -> str:
    """Text of several lines, each as in `one_line`, at most one empty line in a row."""
    written = [one_line(line) for line in text.splitlines()]
    kept = [line for index, line in enumerate(written) if line or (index and written[index - 1])]
    return "\n".join(kept).strip("\n")


def _harmless(character: str) -> str:
    if character in _BIDI_CONTROLS:
        return ""
    return " " if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") else character


def mailto(party: Party) -> str:
    return f"mailto:{quote(one_line(party.address), safe=_MAIL_SAFE)}"


def _name(party: Party) -> dict[str, str]:
    # A quotation mark would be written as ^' (RFC 6868), which clients show as it stands.
    name = one_line(party.name).replace('"', "'").replace("^", " ")
    return {"CN": name} if name else {}


# Links


def calendar_links(event: EventDetails, text: EntryText, page_url: str) -> list[tuple[str, str]]:
    """Addresses, by the calendar's name, that open a new entry there; nothing is sent before the click."""
    starts, ends = (at.astimezone(UTC) for at in (event.starts_at, event.ends_at))
    title, location, words = one_line(text.summary), one_line(text.location), lines(text.description)
    words = words if len(words) <= LINK_TEXT_LENGTH else page_url
    google = {
        "action": "TEMPLATE",
        "text": title,
        "dates": f"{starts:%Y%m%dT%H%M%SZ}/{ends:%Y%m%dT%H%M%SZ}",
        "ctz": event.timezone,
        "location": location,
        "details": words,
    }
    outlook = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": title,
        "startdt": f"{starts:%Y-%m-%dT%H:%M:%SZ}",
        "enddt": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
        "location": location,
        "body": words,
    }
    compose = f"calendar/0/deeplink/compose?{urlencode(outlook, quote_via=quote)}"
    return [
        ("Google", f"https://calendar.google.com/calendar/render?{urlencode(google, quote_via=quote)}"),
        ("Outlook.com", f"https://outlook.live.com/{compose}"),
        ("Microsoft 365", f"https://outlook.office.com/{compose}"),
    ]


def subscription_url(base_url: str) -> str:
    """The feed's address as calendar programs subscribe to it."""
    return f"webcal://{base_url.partition('://')[2].rstrip('/')}/calendar.ics"
