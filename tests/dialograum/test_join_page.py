"""The page behind a join link: what people see at each hour, and who stays outside."""

from datetime import datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from dialograum import publishing
from hybrid.tables import MeetingRoom
from registration import actions
from registration.tables import GroupSeat, Registration
from tests.dialograum.meeting import DAY, NUMBERS, at, browser, enter, hold, press, register
from tests.hybrid.jitsi import jitsi
from tests.registration.town import rows_of
from tests.visitor import headings, words


async def test_looking_changes_nothing(town):
    await hold(town)
    registration = await register(town)
    async with jitsi(numbers=NUMBERS, pin=1) as server:
        visitor = await browser(town, server)
        before = await rows_of(Registration, GroupSeat, MeetingRoom)
        for clock in ("09:00", "15:50", "17:00", "19:10", "20:00"):
            async with at(clock):
                for look in (visitor.get, visitor.head):
                    assert (await look(town.link("join", registration))).status_code == 200
        assert await rows_of(Registration, GroupSeat, MeetingRoom) == before
        assert len(before["meeting_room"]) == 3


@pytest.mark.parametrize(
    ("clock", "heading", "has_button", "refresh"),
    [
        ("15:05", "It starts soon", False, (61, 66)),
        ("15:44", "It starts soon", False, (61, 66)),
        ("15:45", "You can come in", True, (301, 306)),
        ("16:28", "Your room is open", True, (121, 126)),
        ("17:00", "Your room is open", True, (301, 306)),
        ("19:00", "This event is over", True, (1801, 1806)),
        ("19:30", "This event is over", False, None),
    ],
)
async def test_the_page_says_what_is_now_and_looks_again(town, usual, clock, heading, has_button, refresh):
    await hold(town)
    link = town.link("join", await register(town))
    async with usual() as server, at(clock):
        page = await (await browser(town, server)).get(link)
    assert headings(page) == [heading]
    assert (f'method="post" action="{link}"' in page.text) is has_button
    seconds = page.headers.get("Refresh")
    assert (seconds is None) if refresh is None else refresh[0] <= int(seconds) <= refresh[1]


async def test_who_is_early_sees_the_minutes_and_what_to_prepare(town, usual):
    await hold(town)
    link = town.link("join", await register(town))
    async with usual() as server:
        visitor = await browser(town, server)
        async with at("15:18"):
            text = words(await visitor.get(link))
        for said in (
            "42 minutes until the beginning",
            "The room opens at 15:45",
            "Check your device",
            "Kim Muster",
        ):
            assert said in text
        assert "Your group: Housing & building" in text
        async with at("07:30"):
            assert headings(await visitor.get(link)) == ["9 hours until the beginning"]
        async with at("12:00", str(datetime.fromisoformat(DAY).date() - timedelta(days=2))):
            page = await visitor.get(link)
        assert headings(page) == ["You take part online"]
        assert "The room opens on" in words(page)
        assert "Check your device" not in words(page)
        assert "What to have at hand" in words(page)
        assert "Refresh" not in page.headers


async def test_the_programme_says_of_a_room_that_is_open_that_the_link_leads_there(town, usual):
    await hold(town)
    link = town.link("join", await register(town))
    said = []
    async with usual() as server:
        visitor = await browser(town, server)
        for clock in ("16:20", "16:30", "17:00"):
            async with at(clock):
                page = words(await visitor.get(link))
            said += [
                found
                for found in ("then leads to this room", "your link leads you there now")
                if found in page
            ]
    assert said == ["then leads to this room"] + ["your link leads you there now"] * 2


@pytest.mark.parametrize("clock", ["09:00", "15:44", "19:30", "22:00"])
async def test_before_and_after_the_time_the_button_leads_back_to_the_page(town, usual, clock):
    await hold(town)
    link = town.link("join", await register(town))
    async with usual() as server:
        visitor = await browser(town, server)
        async with at("17:00"):
            page = await visitor.get(link)
        async with at(clock):
            answer = await visitor.send_on(page, link)
        assert (answer.status_code, answer.headers["Location"]) == (303, link)


async def test_a_link_that_is_none_opens_nothing(town, usual):
    await hold(town)
    registration = await register(town)
    link = town.link("join", registration)
    others = [town.link(purpose, registration).split("/")[2] for purpose in ("own", "confirm")]
    others.append(town.links.token("check_in", registration.id, registration.join_nonce))
    forged = link[:-1] + ("A" if link[-1] != "A" else "B")
    async with usual() as server, at("17:00"):
        visitor = await browser(town, server)
        page = await visitor.get(link)
        await Registration.update({Registration.join_nonce: "0" * 16}).where(
            Registration.id == registration.id
        )
        for path in (link, forged, link[:-4], *(f"/join/{other}" for other in others)):
            assert (await visitor.get(path)).status_code == 404, path
            assert (await visitor.send_on(page, path)).status_code == 404, path
            assert (await visitor.send_on(page, f"{path}/test")).status_code == 404, path
        assert "location" not in (await visitor.send_on(page, link)).headers


async def test_who_left_gets_in_no_more(town, usual):
    await hold(town)
    registration = await register(town)
    link = town.link("join", registration)
    async with usual() as server:
        visitor = await browser(town, server)
        async with at("15:50") as moment:
            page = await visitor.get(link)
            await actions.cancel(registration.id, moment)
            assert headings(await visitor.get(link)) == ["This registration has ended"]
            assert (await visitor.send_on(page, link)).headers["Location"] == link


async def test_who_waits_or_has_not_confirmed_stays_outside(town, usual):
    await hold(town, registration={"digital_capacity": 1})
    pending = await register(town, "Anna Muster", group=None)
    waiting = await register(town, "Berta Muster", group=None)
    async with usual() as server, at("17:00"):
        visitor = await browser(town, server)
        first, second = [await visitor.get(town.link("join", row)) for row in (pending, waiting)]
        assert headings(first) == ["Please confirm your email address"]
        assert headings(second) == ["You are on the waitlist"]
        assert "<form" not in first.text + second.text


async def test_of_a_cancelled_event_the_link_says_so(town, usual):
    await hold(town)
    link = town.link("join", await register(town))
    async with usual() as server, at("15:50") as moment:
        visitor = await browser(town, server)
        page = await visitor.get(link)
        await publishing.cancel("forum", "Sturm", None, moment)
        cancelled = await visitor.get(link)
        assert headings(cancelled) == ["This event is cancelled"]
        assert "Sturm" in words(cancelled)
        assert (await visitor.send_on(page, link)).headers["Location"] == link


async def test_a_hybrid_event_knows_who_sits_where(town, usual):
    terms = {"confirm_email": False, "capacity": 9, "digital_capacity": 9}
    await hold(town, mode="hybrid", registration=terms)
    hall = town.link("join", await register(town, "Anna Muster", attendance="in_person"))
    online = town.link("join", await register(town, "Berta Muster", attendance="online"))
    leader = town.link("join", await register(town, "Leitung Muster", attendance="in_person"))
    async with usual() as server, at("17:00") as moment:
        visitor = await browser(town, server)
        page = await visitor.get(hall)
        assert headings(page) == ["You take part on site"]
        assert "Stadthalle" in words(page)
        assert "Now: Working groups. Your group: Housing & building." in words(page)
        assert "<form" not in page.text
        room, _ = await enter(visitor, online, server, moment)
        assert await enter(visitor, leader, server, moment) == (room, "owner")


async def test_in_the_hall_the_link_tells_the_way(town):
    place = {
        "name": "Stadthalle",
        "room": "Saal 2",
        "street": "Friedrichstraße 10",
        "postal_code": "33330",
        "locality": "Gütersloh",
        "access": {"en": "Ring at the side entrance."},
    }
    await hold(town, mode="in_person", venue=place)
    link = town.link("join", await register(town))
    visitor = await town.visitor()
    async with at("15:30"):
        text = words(await visitor.get(link))
    for said in ("Saal 2", "Friedrichstraße 10, 33330 Gütersloh", "Ring at the side entrance.", "16:00"):
        assert said in text
    async with at("17:00"):
        text = words(await visitor.get(link))
        assert "Now: Working groups. Your group: Housing & building." in text


async def test_the_page_speaks_the_language_of_the_visitor(town, usual):
    await hold(town)
    link = town.link("join", await register(town))
    async with usual() as server, at("17:00"):
        visitor = await browser(town, server)
        assert headings(await visitor.get(f"/de{link}")) == ["Ihr Raum ist offen"]
        address = await press(visitor, f"/de{link}")
        assert parse_qs(urlsplit(address).query)["lang"] == ["de"]
        assert "Wohnen & Bauen" in unquote(urlsplit(address).fragment)
