"""Public calendars, read by vobject."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st
from icalendar.parser import Contentline

from events.calendar import (
    Entry,
    EntryText,
    Method,
    Party,
    calendar,
    calendar_links,
    content_lines,
    feed,
    folded,
    lines,
    one_line,
    public_calendar,
    subscription_url,
)
from events.rules import EventStatus
from tests.events.examples import ZONE, dialogue, online

PAGE = "https://dialog.example.org/events/gemeinsam-leben-2022"
TOWN = Party("Stadt Gütersloh", "dialog@example.org")
TEXT = EntryText(
    summary="Gemeinsam leben in Gütersloh: Dialogveranstaltung; Konzept, Teil 1",
    location="Stadthalle Gütersloh, Großer Saal",
    description="Alle sind willkommen.\n\nProgramm und Anmeldung:\nhttps://dialog.example.org/",
)
ENTRY = Entry(
    uid="event-0b8f4a2e",
    sequence=0,
    timezone=ZONE,
    starts_local=datetime(2022, 11, 18, 16),
    ends_local=datetime(2022, 11, 18, 19),
    changed_at=datetime(2022, 10, 10, 12, 30, tzinfo=UTC),
    cancelled=False,
    text=TEXT,
    page_url=PAGE,
    organiser=TOWN,
)


def public(event, text=TEXT):
    return public_calendar(event, text, PAGE, TOWN)


def read(content: bytes):
    return vobject.readOne(content.decode())


def names_of(content: bytes) -> list[str]:
    """The names of all properties of the first event, in alphabetical order."""
    return sorted(child.name for child in read(content).vevent.getChildren())


def test_a_public_file_holds_the_event():
    event = read(public(dialogue())).vevent
    assert event.uid.value == "event-0b8f4a2e"
    assert event.sequence.value == "0"
    assert event.summary.value == TEXT.summary
    assert event.location.value == TEXT.location
    assert event.description.value == TEXT.description
    assert event.url.value == PAGE
    assert event.status.value == "CONFIRMED"
    assert event.organizer.value == "mailto:dialog@example.org"
    assert event.organizer.params["CN"] == ["Stadt Gütersloh"]
    assert event.dtstart.value.astimezone(UTC) == datetime(2022, 11, 18, 15, tzinfo=UTC)
    assert event.dtend.value.astimezone(UTC) == datetime(2022, 11, 18, 18, tzinfo=UTC)


def test_times_are_local_with_their_zone():
    content = public(dialogue())
    assert b"DTSTART;TZID=Europe/Berlin:20221118T160000\r\n" in content
    assert content.count(b"BEGIN:VTIMEZONE") == 1
    assert b"METHOD:PUBLISH\r\n" in content


def test_the_same_event_gives_the_same_bytes_for_ever():
    assert public(dialogue()) == public(dialogue())
    assert b"DTSTAMP:20221010T123015Z\r\n" in public(dialogue())
    assert b"LAST-MODIFIED:20221010T123015Z\r\n" in public(dialogue())


def test_nobody_is_named_and_nothing_rings_in_a_public_file():
    for event in (dialogue(), online()):
        content = public(event)
        assert not {"ATTENDEE", "CONFERENCE", "VALARM"} & set(names_of(content))
        assert b"/join/" not in content


def test_the_title_stays_when_the_event_moves_online():
    assert read(public(online())).vevent.summary.value == TEXT.summary
    assert read(public(online())).vevent.sequence.value == "1"


def test_a_cancelled_event_stays_in_the_feed_and_says_so():
    events = [
        (dialogue(status=EventStatus.CANCELLED), TEXT, PAGE),
        (dialogue(uid="event-other", timezone="Europe/London"), TEXT, PAGE),
    ]
    content = feed(
        events, "Stadt Gütersloh: Veranstaltungen", "https://dialog.example.org/calendar.ics", TOWN
    )
    calendar = read(content)
    assert [(event.uid.value, event.status.value) for event in calendar.vevent_list] == [
        ("event-0b8f4a2e", "CANCELLED"),
        ("event-other", "CONFIRMED"),
    ]
    assert [zone.tzid.value for zone in calendar.vtimezone_list] == ["Europe/Berlin", "Europe/London"]
    assert b"X-WR-CALNAME:Stadt G\xc3\xbctersloh: Veranstaltungen\r\n" in content
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in content
    assert b"X-PUBLISHED-TTL:PT1H\r\n" in content
    assert b"SOURCE;VALUE=URI:https://dialog.example.org/calendar.ics\r\n" in content


def test_a_feed_does_not_depend_on_the_order_of_its_events():
    events = [(dialogue(), TEXT, PAGE), (dialogue(uid="event-other"), TEXT, PAGE)]
    assert feed(events, "x", PAGE, TOWN) == feed(events[::-1], "x", PAGE, TOWN)


def test_an_empty_feed_is_a_calendar():
    assert read(feed([], "Nichts", PAGE, TOWN)).method.value == "PUBLISH"


def test_no_line_is_longer_than_75_octets():
    long = replace(TEXT, summary="Ä" * 10_000, description="ö ü " * 500)
    content = public(dialogue(), long)
    assert max(map(len, content.split(b"\r\n"))) <= 75
    assert read(content).vevent.summary.value == "Ä" * 10_000


HOSTILE = [
    "Title\r\nATTENDEE:mailto:evil@example.org",
    "Title\nEND:VEVENT\nBEGIN:VEVENT",
    "Title\rX-EVIL:1",
    "Title\u2028X-EVIL:1\u2029X-EVIL:2\u0085X-EVIL:3\x0bX-EVIL:4\x0cX-EVIL:5",
    "Title\x00\x07\x1b[31m",
    "Title \u202e3202\u202c \u2066x\u2069",
    "Title\\nX-EVIL:1",
    "Title\\",
    'Title";X-EVIL=1:mailto:evil@example.org',
    "Title\ud800",
    "\r\n ",
    "x" * 10_000,
]


@given(st.text("ab,;\\\\^äß€😀 :", max_size=400))
def test_lines_are_folded_as_the_library_folds_them(line):
    assert folded(line) == Contentline(line).to_ical().decode() + "\r\n"


def test_folded_lines_can_be_read_again():
    made = public_calendar(online(), EntryText("ß" * 200, "x" * 80, "Grüße,\n" * 90), PAGE, TOWN)
    assert "".join(map(folded, content_lines(made))).encode() == made


@pytest.mark.parametrize("title", HOSTILE)
def test_no_text_can_add_a_property(title):
    plain = calendar(Method.REQUEST, [replace(ENTRY, attendee=Party("Kim", "kim@example.org"))])
    hostile = replace(
        ENTRY,
        uid=f"uid-{title}",
        text=EntryText(f"a{title}", f"a{title}", f"a{title}", f"a{title}"),
        organiser=Party(title, "dialog@example.org"),
        attendee=Party(title, f"kim{title}@example.org"),
        page_url=f"{PAGE}/{title.encode(errors='replace').decode()}",
    )
    content = calendar(Method.REQUEST, [hostile])
    assert names_of(content) == names_of(plain)
    assert len(content.decode().splitlines()) == content.count(b"\r\n"), (
        "no other line breaks for lax readers"
    )
    assert not any(character in content.decode() for character in "\x00\x07\x1b\u202e\u2066")


@given(st.text())
def test_a_title_comes_back_as_it_was_read(title):
    content = calendar(Method.PUBLISH, [replace(ENTRY, text=replace(TEXT, summary=title))])
    assert read(content).vevent.summary.value == one_line(title)


@given(st.text())
def test_a_description_comes_back_with_its_lines(description):
    content = calendar(Method.PUBLISH, [replace(ENTRY, text=replace(TEXT, description=description))])
    event = read(content).vevent
    assert (event.description.value if "description" in event.contents else "") == lines(description)


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_what_people_write_is_kept_but_for_its_spaces(title):
    assert one_line(title).split() == title.split()


def test_an_empty_line_stays_one_empty_line():
    assert lines("\n\n a \n\n\n\nb\nc\n") == "a\n\nb\nc"


def test_a_conference_has_its_features_one_by_one():
    entry = replace(ENTRY, conference_url="https://dialog.example.org/join/t0ken")
    content = calendar(Method.REQUEST, [entry]).replace(b"\r\n ", b"")
    assert b"CONFERENCE;FEATURE=AUDIO,VIDEO;VALUE=URI:https://dialog.example.org/join/t0ken\r\n" in content


def test_an_alarm_rings_before_and_not_after_a_cancellation():
    entry = replace(ENTRY, alarm_before=timedelta(days=1))
    assert read(calendar(Method.REQUEST, [entry])).vevent.valarm.trigger.value == timedelta(days=-1)
    assert "VALARM" not in names_of(calendar(Method.CANCEL, [entry]))
    assert "VALARM" not in names_of(calendar(Method.REQUEST, [replace(entry, cancelled=True)]))


def test_links_into_calendars_on_the_web_carry_instants():
    links = dict(calendar_links(dialogue(), TEXT, PAGE))
    google = parse_qs(urlsplit(links["Google"]).query)
    assert google["dates"] == ["20221118T150000Z/20221118T180000Z"]
    assert google["text"] == [TEXT.summary]
    assert google["details"] == [TEXT.description]
    for name, host in [("Outlook.com", "outlook.live.com"), ("Microsoft 365", "outlook.office.com")]:
        parts = urlsplit(links[name])
        query = parse_qs(parts.query)
        assert parts.hostname == host
        assert (query["startdt"], query["enddt"]) == (["2022-11-18T15:00:00Z"], ["2022-11-18T18:00:00Z"])
        assert query["location"] == [TEXT.location]


def test_a_link_does_not_grow_with_the_description():
    links = calendar_links(dialogue(), replace(TEXT, description="lang " * 1000), PAGE)
    assert all(len(url) < 1000 for _, url in links)


def test_the_feed_is_subscribed_to_by_webcal():
    assert subscription_url("https://dialog.example.org/") == "webcal://dialog.example.org/calendar.ics"
