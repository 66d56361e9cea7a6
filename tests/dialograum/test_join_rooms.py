"""Behind the button of a join link: one room and no other, by a token that a strict server takes."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from dialograum import publishing
from events.queries import details
from events.rules import instant
from hybrid.rooms import PLENARY, Key, rooms_of
from hybrid.tables import MeetingRoom
from registration.tables import GroupSeat, Registration
from tests.dialograum.meeting import (
    DAY,
    GROUPS,
    NUMBERS,
    at,
    browser,
    enter,
    hold,
    press,
    register,
    room_of,
    token_of,
)
from tests.hybrid.jitsi import jitsi
from tests.hybrid.prosody import Refused
from tests.visitor import words


async def test_the_link_follows_the_person_into_one_room_after_the_other(town, usual):
    event = await hold(town)
    link = town.link("join", await register(town))
    async with usual() as server:
        visitor = await browser(town, server)
        found: dict[Key, str] = {}
        for clock, room in (
            ("15:45", PLENARY),
            ("16:29", PLENARY),
            ("16:30", ("groups", "wohnen")),
            ("17:59", ("groups", "wohnen")),
            ("18:00", PLENARY),
            ("19:10", PLENARY),
        ):
            async with at(clock) as moment:
                name, affiliation = await enter(visitor, link, server, moment)
            assert affiliation == "member"
            assert found.setdefault(room, name) == name
        rooms = await rooms_of(event.id)
        assert found == {key: rooms[key].name for key in found}
        assert len(set(found.values())) == 2


async def test_rooms_are_there_from_the_first_day_of_an_event_that_is_online(town):
    event = await hold(town)
    before = await rooms_of(event.id)
    assert set(before) == {PLENARY, ("groups", "wohnen"), ("groups", "bildung")}
    more = {"key": "verkehr", "session": "groups", "capacity": 9, "title": {"de": "Verkehr"}}
    await publishing.patch("forum", {"groups": [*GROUPS, more]}, None, datetime.now(UTC))
    after = await rooms_of(event.id)
    assert set(after) == {*before, ("groups", "verkehr")}
    assert {key: after[key] for key in before} == before
    in_the_hall = await town.event(slug="hall", mode="in_person")
    assert await rooms_of(in_the_hall.id) == {}


async def test_a_token_opens_the_room_of_the_click_alone(town, usual):
    event = await hold(town)
    link = town.link("join", await register(town))
    async with usual() as server, at("17:00") as moment:
        address = await press(await browser(town, server), link)
        rooms = {room.name for room in (await rooms_of(event.id)).values()}
        assert len(rooms) == 3
        for other in rooms - {room_of(address)}:
            with pytest.raises(Refused, match="Room"):
                server.prosody.enter(token_of(address), other, moment.timestamp())
        assert "example.org" not in address
        assert "config.subject=%22Housing%20%26%20building%22" in urlsplit(address).fragment
        claims = server.prosody.log_in(token_of(address), moment.timestamp())
        assert claims["context"]["user"]["name"] == "Kim Muster"
        end = instant(datetime.fromisoformat(f"{DAY}T19:00"), "Europe/Berlin")
        assert claims["exp"] == (end + timedelta(minutes=30)).timestamp()
        assert claims["nbf"] == (moment - timedelta(seconds=120)).timestamp()


async def test_who_changes_the_group_is_led_to_the_other(town, usual):
    event = await hold(town)
    registration = await register(town)
    link = town.link("join", registration)
    async with usual() as server, at("17:00") as moment:
        visitor = await browser(town, server)
        first, _ = await enter(visitor, link, server, moment)
        slots = {group.key: group.slots[0].id for group in (await details("forum")).groups}
        await GroupSeat.update({GroupSeat.slot: slots["bildung"]}).where(
            GroupSeat.registration == registration.id
        )
        second, _ = await enter(visitor, link, server, moment)
        rooms = await rooms_of(event.id)
        assert (first, second) == (rooms["groups", "wohnen"].name, rooms["groups", "bildung"].name)


async def test_who_has_no_group_stays_with_all(town, usual):
    event = await hold(town)
    link = town.link("join", await register(town, group=None))
    async with usual() as server, at("17:00") as moment:
        visitor = await browser(town, server)
        assert "You have no group in this part" in words(await visitor.get(link))
        room, _ = await enter(visitor, link, server, moment)
        assert room == (await rooms_of(event.id))[PLENARY].name


async def test_who_moderates_a_group_moderates_its_room_alone(town, usual):
    await hold(town)
    link = town.link("join", await register(town, "Leitung Muster"))
    async with usual() as server:
        visitor = await browser(town, server)
        for clock, affiliation in (("16:00", "member"), ("17:00", "owner")):
            async with at(clock) as moment:
                assert (await enter(visitor, link, server, moment))[1] == affiliation


async def test_who_moderates_without_a_seat_is_led_to_the_group(town, usual):
    event = await hold(town)
    link = town.link("join", await register(town, "Leitung Muster", group=None))
    async with usual() as server, at("17:00") as moment:
        room, affiliation = await enter(await browser(town, server), link, server, moment)
        assert (room, affiliation) == ((await rooms_of(event.id))["groups", "wohnen"].name, "owner")


async def test_an_organiser_of_the_event_moderates_wherever_the_link_leads(town, usual):
    office, other = await town.organiser("office"), await town.organiser("other")
    await hold(town, by=office)
    rows = [await register(town, organiser.name, email=organiser.email) for organiser in (office, other)]
    async with usual() as server, at("17:00") as moment:
        visitor = await browser(town, server)
        for row, affiliation in zip(rows, ("owner", "member"), strict=True):
            assert (await enter(visitor, town.link("join", row), server, moment))[1] == affiliation


async def test_the_browser_may_follow_to_the_meeting_servers_alone(town, usual):
    event = await hold(town, meeting={"url": "https://stream.example.org/live?x=1"})
    link = town.link("join", await register(town))
    async with usual() as server, at("17:00"):
        visitor = await browser(town, server, "https://meet.example.org/sub")
        policy = (await visitor.get(link)).headers["Content-Security-Policy"]
        assert (
            f"form-action 'self' {server.url} https://meet.example.org https://stream.example.org;" in policy
        )
        for path in (f"/events/{event.slug}", "/join/nothing"):
            assert "form-action 'self';" in (await visitor.get(path)).headers["Content-Security-Policy"]


async def test_an_odd_address_adds_nothing_to_the_policy(town, usual):
    await hold(town, meeting={"url": "https://a;script-src*/"})
    link = town.link("join", await register(town))
    async with usual() as server, at("17:00"):
        policy = (await (await browser(town, server)).get(link)).headers["Content-Security-Policy"]
        assert f"form-action 'self' {server.url};" in policy
        assert "a;" not in policy


async def test_the_town_s_own_address_takes_the_place_of_the_plenary(town, usual):
    event = await hold(town, meeting={"url": "https://stream.example.org/live"})
    link = town.link("join", await register(town))
    async with usual() as server:
        visitor = await browser(town, server)
        async with at("16:00"):
            assert await press(visitor, link) == "https://stream.example.org/live"
        async with at("17:00") as moment:
            room, _ = await enter(visitor, link, server, moment)
            assert room == (await rooms_of(event.id))["groups", "wohnen"].name


async def test_without_any_server_the_page_says_that_the_room_is_not_ready(town):
    await hold(town)
    link = town.link("join", await register(town))
    visitor = await town.visitor()
    async with at("17:00"):
        page = await visitor.get(link)
        assert "The room is not ready yet." in words(page)
        assert "<form" not in page.text
        assert "form-action 'self';" in page.headers["Content-Security-Policy"]


async def test_a_phone_without_cookies_gets_in(town, usual):
    await hold(town)
    link = town.link("join", await register(town))
    async with usual() as server, at("17:00"):
        visitor = await browser(town, server)
        answer = await visitor.post(link)
        assert (answer.status_code, answer.headers["Location"].startswith(server.url)) == (303, True)
        assert not visitor.cookies
        assert (await visitor.post("/join/forged")).status_code == 404


async def test_open_rooms_need_no_token(town):
    await hold(town)
    link = town.link("join", await register(town))
    async with jitsi(is_open=True) as server, at("17:00"):
        visitor = await town.visitor(jitsi_urls=[server.url])
        assert "The others see" not in words(await visitor.get(link))
        assert urlsplit(await press(visitor, link)).query == "lang=en"


async def test_people_get_to_a_server_that_answers_else_to_the_first(town):
    await hold(town)
    link = town.link("join", await register(town))
    async with (
        jitsi(fault=502) as first,
        jitsi(secret="another" * 6) as second,
        jitsi() as third,
        at("17:00"),
    ):
        assert (await press(await browser(town, first, second, third), link)).startswith(third.url)
        assert (await press(await browser(town, first, second), link)).startswith(first.url)


async def test_a_server_whose_clock_is_late_takes_the_token(town):
    await hold(town)
    link = town.link("join", await register(town))
    async with jitsi(behind=30) as server, at("17:00") as moment:
        assert await enter(await browser(town, server), link, server, moment - timedelta(seconds=30))


async def test_number_and_pin_stand_on_the_page(town):
    event = await hold(town)
    link = town.link("join", await register(town))
    await MeetingRoom.delete(force=True)
    async with jitsi(numbers=NUMBERS, pin=482913075) as server:
        visitor = await browser(town, server)
        async with at("15:50"):
            assert "By telephone only" not in words(await visitor.get(link)), "there is no room yet"
            await press(visitor, link)
            text = words(await visitor.get(link))
        assert "+49 5241 000000" in text
        assert "PIN 482 913 075, then the hash key" in text
        plenary = (await rooms_of(event.id))[PLENARY].name
        assert any(f"conference={plenary}%40" in line for line in server.asked)
        async with at("17:00"):
            await visitor.get(link)
        group = (await rooms_of(event.id))["groups", "wohnen"].name
        assert any(f"conference={group}%40" in line for line in server.asked)


async def test_a_device_can_be_tried_in_a_room_of_one_s_own(town, usual):
    event = await hold(town)
    rows = [await register(town, name) for name in ("Anna Muster", "Berta Muster")]
    async with usual() as server:
        visitor = await browser(town, server)
        found = [room.name for room in (await rooms_of(event.id)).values()]
        async with at("12:00") as moment:
            for row in rows:
                link = town.link("join", row)
                answer = await visitor.send_form(f"{link}/test", page=link)
                address = answer.headers["Location"]
                room = room_of(address)
                assert server.prosody.enter(token_of(address), room, moment.timestamp()) == "member"
                with pytest.raises(Refused, match="exp"):
                    server.prosody.enter(token_of(address), room, moment.timestamp() + 1800)
                assert f"config.subject=%22{row.name.split()[0]}%20Muster%22" in urlsplit(address).fragment
                found.append(room)
            await Registration.update({Registration.name: "anna@example.org"}, force=True)
            address = (await visitor.send_form(f"{link}/test", page=link)).headers["Location"]
            assert "config.subject=%22anna%22" in urlsplit(address).fragment
            assert "example.org" not in urlsplit(address).fragment
        assert len(set(found)) == 3 + 2
        async with at("12:00", str(datetime.fromisoformat(DAY).date() - timedelta(days=2))):
            page = await visitor.get(link)
            assert "/test" not in page.text
            answer = await visitor.post(f"{link}/test")
            assert (answer.status_code, answer.headers["Location"]) == (303, link)
