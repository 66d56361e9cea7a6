"""Whole calendars as people get them; readable copies stand in `calendars/`.

`WRITE_COPIES=1` in the environment writes them anew: look at the difference before you keep it.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import vobject

from dialograum.calendars import Calendars
from dialograum.languages import LANGUAGES
from dialograum.pages import Site, environment
from events.calendar import Method, Party
from events.rules import EventStatus, Mode
from registration.facts import event_facts
from tests.events.examples import dialogue, online

COPIES = Path(__file__).parent / "calendars"
DE, EN = LANGUAGES["de"], LANGUAGES["en"]
SITE = Site(
    town="Stadt Gütersloh",
    base_url="https://dialog.example.org",
    privacy_url="/privacy",
    imprint_url="/imprint",
    languages=(DE, EN),
    default_language=DE,
)
CALENDARS = Calendars(environment(SITE, assets={}), SITE, "dialog@example.org")
KIM = Party("Kim Muster", "kim@example.org")
OWN = "https://dialog.example.org/r/own-t0ken"
JOIN = "https://dialog.example.org/join/join-t0ken"
AT = datetime(2022, 10, 20, 8, 15, tzinfo=UTC)
REGISTRATION = {
    "id": "3f1c5d52-7a0e-4f0e-9d56-2f6a4b1c0d9e",
    "uid": "registration-3f1c5d52-7a0e-4f0e-9d56-2f6a4b1c0d9e",
    "number": "K7QM-2XVT",
    "name": "Kim Muster",
    "status": "confirmed",
    "attendance": "in_person",
    "seats": 2,
    "groups": {"groups": {"key": "wohnen", "title": {"de": "Wohnen", "en": "Housing"}}},
    "sequence": 0,
}


def personal(event=None, language=DE, method=Method.REQUEST, join_url=JOIN, own_url=OWN, **changes):
    return CALENDARS.personal(
        event_facts(event or dialogue()),
        {**REGISTRATION, **changes},
        language,
        method=method,
        attendee=None if method is Method.PUBLISH else KIM,
        own_url=own_url,
        join_url=join_url,
        at=AT,
    )


FILES = {
    "public": CALENDARS.public(dialogue(), DE),
    "public-english": CALENDARS.public(dialogue(), EN),
    "public-hybrid": CALENDARS.public(dialogue(mode=Mode.HYBRID, sequence=1), DE),
    "public-online": CALENDARS.public(online(), DE),
    "public-cancelled": CALENDARS.public(dialogue(status=EventStatus.CANCELLED, sequence=1), DE),
    "feed": CALENDARS.feed([online(), dialogue(uid="event-other", status=EventStatus.CANCELLED)], DE),
    "personal-in-person": personal(),
    "personal-online": personal(online(), attendance="online", seats=1, sequence=2),
    "personal-english": personal(online(), EN, attendance="online", seats=1, sequence=2),
    "personal-download": personal(method=Method.PUBLISH),
    "personal-cancel": personal(
        online(), method=Method.CANCEL, attendance="online", status="cancelled", sequence=3
    ),
}


def readable(content: bytes) -> str:
    """Without folding, and with a line of its own for each line of text."""
    text = content.decode().replace("\r\n ", "").replace("\r\n", "\n")
    return text.replace("\\n", "\n    ").replace("\n    \n", "\n\n")


def read(content: bytes):
    return vobject.readOne(content.decode())


@pytest.mark.parametrize("name", FILES)
def test_a_calendar_reads_as_its_copy(name):
    copy = COPIES / f"{name}.txt"
    if os.environ.get("WRITE_COPIES"):
        copy.write_text(readable(FILES[name]), encoding="utf-8")
    assert readable(FILES[name]) == copy.read_text(encoding="utf-8")


def test_every_copy_has_its_calendar():
    assert {path.stem for path in COPIES.iterdir()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_second_parser_reads_it(name):
    for event in read(FILES[name]).vevent_list:
        assert event.dtstart.value.astimezone(UTC) == datetime(2022, 11, 18, 15, tzinfo=UTC)
        assert event.dtend.value.astimezone(UTC) == datetime(2022, 11, 18, 18, tzinfo=UTC)


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("personal")])
def test_public_calendars_hold_no_personal_link(name):
    assert b"/join/" not in FILES[name].replace(b"\r\n ", b"")
    assert b"/r/" not in FILES[name].replace(b"\r\n ", b"")
    assert b"ATTENDEE" not in FILES[name]


def test_the_part_of_a_mail_names_its_recipient_alone():
    event = read(personal()).vevent
    assert [attendee.value for attendee in event.attendee_list] == ["mailto:kim@example.org"]
    assert event.attendee.params == {
        "CN": ["Kim Muster"],
        "CUTYPE": ["INDIVIDUAL"],
        "ROLE": ["REQ-PARTICIPANT"],
        "PARTSTAT": ["ACCEPTED"],
        "RSVP": ["FALSE"],
    }
    assert event.organizer.value == "mailto:dialog@example.org"
    assert read(personal()).method.value == "REQUEST"


def test_in_the_hall_the_place_is_the_place_and_the_link_is_told():
    event = read(personal()).vevent
    assert event.location.value == "Stadthalle Gütersloh, Großer Saal, Friedrichstraße 10, 33330 Gütersloh"
    assert JOIN in event.description.value
    assert OWN in event.description.value
    assert "conference" not in event.contents


def test_online_the_place_is_the_personal_link():
    event = read(personal(online(), attendance="online")).vevent
    assert event.location.value == f"Online, Ihr persönlicher Link: {JOIN}"
    assert event.conference.value == JOIN
    assert event.summary.value == read(personal()).vevent.summary.value


def test_who_comes_to_the_hall_of_a_hybrid_event_has_the_hall():
    hybrid = dialogue(mode=Mode.HYBRID)
    assert "Stadthalle" in read(personal(hybrid)).vevent.location.value
    assert JOIN in read(personal(hybrid, attendance="online")).vevent.location.value


def test_the_programme_names_the_persons_group_and_no_optional_session():
    description = read(personal()).vevent.description.value
    assert "16:45–18:30 Arbeitsgruppen: Wohnen" in description
    assert "Abendessen" not in description
    assert "Arbeitsgruppen: Wohnen" not in read(personal(groups={"groups": None})).vevent.description.value


def test_over_several_days_the_programme_names_the_day():
    event = dialogue(ends_local=datetime(2022, 11, 19, 12))
    assert "Freitag, 18. November, 16:00–16:15 Begrüßung" in read(personal(event)).vevent.description.value


def test_a_cancellation_takes_the_entry_away_and_opens_nothing():
    content = FILES["personal-cancel"].replace(b"\r\n ", b"")
    calendar = read(content)
    assert calendar.method.value == "CANCEL"
    assert calendar.vevent.status.value == "CANCELLED"
    assert calendar.vevent.uid.value == read(personal()).vevent.uid.value
    assert calendar.vevent.organizer.value == "mailto:dialog@example.org"
    assert calendar.vevent.attendee.value == "mailto:kim@example.org"
    assert b"VALARM" not in content
    assert b"t0ken" not in content


def test_a_download_names_nobody():
    assert b"ATTENDEE" not in FILES["personal-download"]
    assert b"VALARM" in FILES["personal-download"]


@pytest.mark.parametrize(
    ("event", "registration"),
    [
        (dialogue(status=EventStatus.CANCELLED), "confirmed"),
        (dialogue(), "cancelled"),
        (dialogue(), "expired"),
    ],
)
def test_a_download_after_the_end_says_that_it_is_cancelled(event, registration):
    content = personal(event, method=Method.PUBLISH, status=registration)
    assert read(content).vevent.status.value == "CANCELLED"
    assert b"VALARM" not in content


def test_links_say_what_the_file_says():
    links = CALENDARS.links(dialogue(), DE)
    assert [name for name, _ in links] == ["Google", "Outlook.com", "Microsoft 365"]
    assert all("Stadthalle" in url for _, url in links)


def test_an_event_without_venue_contact_or_summary_has_a_calendar():
    bare = dialogue(venues=(), contact=None, summary=None, sessions=(), groups=())
    assert "location" not in read(CALENDARS.public(bare, DE)).vevent.contents
    assert "location" not in read(personal(bare, groups={})).vevent.contents
