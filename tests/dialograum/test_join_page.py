"""The page behind a join link: what people see at each hour, and that each gets into one room and no other."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import time_machine
from pydantic import SecretStr

from dialograum import publishing
from events.queries import details
from events.rules import instant
from hybrid.rooms import PLENARY, Key, rooms_of
from hybrid.tables import MeetingRoom
from registration import actions
from registration.tables import GroupSeat, Registration
from tests.forum import forum
from tests.hybrid.jitsi import Jitsi, jitsi
from tests.hybrid.prosody import Refused
from tests.registration.town import rows_of
from tests.visitor import headings, words

SECRET = "s" * 40
DAY = forum()["starts_at"][:10]
OPEN = {"confirm_email": False, "digital_capacity": 50}
GROUPS = [
    {
        "key": "wohnen",
        "session": "groups",
        "capacity": 9,
        "title": {"de": "Wohnen & Bauen", "en": "Housing & building"},
        "moderators": ["Leitung@example.org"],
    },
    {"key": "bildung", "session": "groups", "capacity": 9, "title": {"de": "Bildung", "en": "Education"}},
]
NUMBERS = [{"countryCode": "DE", "formattedNumber": "+49 5241 000000"}]


_usual: list[Jitsi] = []


@pytest.fixture(scope="module", autouse=True)
async def _one_server_for_most():
    async with jitsi() as server:
        _usual.append(server)
        yield
        _usual.clear()


@asynccontextmanager
async def usual():
    """The meeting server of most tests, so that they share an application, which takes long to make."""
    _usual[0].asked.clear()
    yield _usual[0]


@asynccontextmanager
async def at(clock: str, day: str = DAY):
    """Somebody's afternoon, at a time of the town."""
    moment = instant(datetime.fromisoformat(f"{day}T{clock}"), "Europe/Berlin")
    with time_machine.travel(moment, tick=False):
        yield moment


async def hold(town, **changes):
    values = {"mode": "digital", "registration": OPEN, "groups": GROUPS, **changes}
    return await town.event(**values)


async def register(town, name="Kim Muster", group="wohnen", **more):
    groups = {"groups": [group]} if group else {}
    return await town.register(await details("forum"), name, groups=groups, **more)


async def browser(town, *servers, **changes):
    """Somebody who visits an installation with these meeting servers."""
    return await town.visitor(
        jitsi_urls=[getattr(server, "url", server) for server in servers],
        jitsi_app_id="dialograum",
        jitsi_app_secret=SecretStr(SECRET),
        **changes,
    )


async def press(visitor, link):
    """Presses the button of the page."""
    answer = await visitor.send_form(link)
    assert answer.status_code == 303
    return answer.headers["Location"]


def token_of(address):
    return parse_qs(urlsplit(address).query)["jwt"][0]


def room_of(address):
    return urlsplit(address).path.rpartition("/")[2]


async def enter(visitor, link, server, moment):
    """Presses the button, and enters the room as the server sees it: its name and the affiliation."""
    address = await press(visitor, link)
    assert address.startswith(f"{server.url}/")
    room = room_of(address)
    return room, server.prosody.enter(token_of(address), room, moment.timestamp())


async def test_the_link_follows_the_person_into_one_room_after_the_other(town):
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


async def test_a_token_opens_the_room_of_the_click_alone(town):
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
async def test_the_page_says_what_is_now_and_looks_again(town, clock, heading, has_button, refresh):
    await hold(town)
    link = town.link("join", await register(town))
    async with usual() as server, at(clock):
        page = await (await browser(town, server)).get(link)
    assert headings(page) == [heading]
    assert (f'method="post" action="{link}"' in page.text) is has_button
    seconds = page.headers.get("Refresh")
    assert (seconds is None) if refresh is None else refresh[0] <= int(seconds) <= refresh[1]


async def test_who_is_early_sees_the_minutes_and_what_to_prepare(town):
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
            assert "9 hours until the beginning" in words(await visitor.get(link))
        async with at("12:00", str(datetime.fromisoformat(DAY).date() - timedelta(days=2))):
            page = await visitor.get(link)
        assert headings(page) == ["You take part online"]
        assert "The room opens on" in words(page)
        assert "Refresh" not in page.headers


@pytest.mark.parametrize("clock", ["09:00", "15:44", "19:30", "22:00"])
async def test_before_and_after_the_time_the_button_leads_back_to_the_page(town, clock):
    await hold(town)
    link = town.link("join", await register(town))
    async with usual() as server:
        visitor = await browser(town, server)
        async with at("17:00"):
            page = await visitor.get(link)
        async with at(clock):
            answer = await visitor.send_on(page, link)
        assert (answer.status_code, answer.headers["Location"]) == (303, link)


async def test_a_link_that_is_none_opens_nothing(town):
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


async def test_a_form_without_its_token_leads_nowhere(town):
    await hold(town)
    link = town.link("join", await register(town))
    async with usual() as server, at("17:00"):
        answer = await (await browser(town, server)).post(link)
        assert answer.status_code == 403
        assert server.asked == []


async def test_who_left_gets_in_no_more(town):
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


async def test_who_waits_or_has_not_confirmed_stays_outside(town):
    await hold(town, registration={"digital_capacity": 1})
    pending = await register(town, "Anna Muster", group=None)
    waiting = await register(town, "Berta Muster", group=None)
    async with usual() as server, at("17:00"):
        visitor = await browser(town, server)
        first, second = [await visitor.get(town.link("join", row)) for row in (pending, waiting)]
        assert headings(first) == ["Please confirm your email address"]
        assert headings(second) == ["You are on the waitlist"]
        assert "<form" not in first.text + second.text


async def test_of_a_cancelled_event_the_link_says_so(town):
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


async def test_who_changes_the_group_is_led_to_the_other(town):
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


async def test_who_has_no_group_stays_with_all(town):
    event = await hold(town)
    link = town.link("join", await register(town, group=None))
    async with usual() as server, at("17:00") as moment:
        visitor = await browser(town, server)
        assert "You have no group in this part" in words(await visitor.get(link))
        room, _ = await enter(visitor, link, server, moment)
        assert room == (await rooms_of(event.id))[PLENARY].name


async def test_who_moderates_a_group_moderates_its_room_alone(town):
    await hold(town)
    link = town.link("join", await register(town, "Leitung Muster"))
    async with usual() as server:
        visitor = await browser(town, server)
        for clock, affiliation in (("16:00", "member"), ("17:00", "owner")):
            async with at(clock) as moment:
                assert (await enter(visitor, link, server, moment))[1] == affiliation


async def test_who_moderates_without_a_seat_is_led_to_the_group(town):
    event = await hold(town)
    link = town.link("join", await register(town, "Leitung Muster", group=None))
    async with usual() as server, at("17:00") as moment:
        room, affiliation = await enter(await browser(town, server), link, server, moment)
        assert (room, affiliation) == ((await rooms_of(event.id))["groups", "wohnen"].name, "owner")


async def test_an_organiser_of_the_event_moderates_wherever_the_link_leads(town):
    office, other = await town.organiser("office"), await town.organiser("other")
    await hold(town, by=office)
    rows = [await register(town, organiser.name, email=organiser.email) for organiser in (office, other)]
    async with usual() as server, at("17:00") as moment:
        visitor = await browser(town, server)
        for row, affiliation in zip(rows, ("owner", "member"), strict=True):
            assert (await enter(visitor, town.link("join", row), server, moment))[1] == affiliation


async def test_the_browser_may_follow_to_the_meeting_servers_alone(town):
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


async def test_an_odd_address_adds_nothing_to_the_policy(town):
    await hold(town, meeting={"url": "https://a;script-src*/"})
    link = town.link("join", await register(town))
    async with usual() as server, at("17:00"):
        policy = (await (await browser(town, server)).get(link)).headers["Content-Security-Policy"]
        assert f"form-action 'self' {server.url};" in policy
        assert "a;" not in policy


async def test_the_town_s_own_address_takes_the_place_of_the_plenary(town):
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


async def test_a_device_can_be_tried_in_a_room_of_one_s_own(town):
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
                found.append(room)
        assert len(set(found)) == 3 + 2
        async with at("12:00", str(datetime.fromisoformat(DAY).date() - timedelta(days=2))):
            page = await visitor.get(link)
            assert "/test" not in page.text
        async with at("20:00"):
            assert (await visitor.post(f"{link}/test")).status_code == 403


async def test_a_hybrid_event_knows_who_sits_where(town):
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


async def test_the_page_speaks_the_language_of_the_visitor(town):
    await hold(town)
    link = town.link("join", await register(town))
    async with usual() as server, at("17:00"):
        visitor = await browser(town, server)
        assert headings(await visitor.get(f"/de{link}")) == ["Ihr Raum ist offen"]
        address = await press(visitor, f"/de{link}")
        assert parse_qs(urlsplit(address).query)["lang"] == ["de"]
        assert "Wohnen & Bauen" in unquote(urlsplit(address).fragment)
