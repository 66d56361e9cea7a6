"""The desk page of the meeting rooms, and what the doctor says of them."""

import re
import time

import pytest
from pydantic import SecretStr

from dialograum.doctor import meeting_checks
from events.actions import join
from events.queries import event_named
from events.tables import Event
from hybrid.rooms import PLENARY, rooms_of
from tests.dialograum.meeting import DAY, OPEN, SECRET, browser, hold, room_of, token_of
from tests.dialograum.test_doctor import found_by
from tests.hybrid.jitsi import jitsi
from tests.postgres import free_port
from tests.visitor import words

ROOMS = "/organise/events/forum/rooms"


async def desk(town, organiser, *servers):
    return await town.signed_in(organiser, await browser(town, *servers))


async def test_an_organiser_goes_into_every_room_as_moderator(town):
    organiser = await town.organiser()
    event = await hold(town, by=organiser)
    async with jitsi() as server:
        visitor = await desk(town, organiser, server)
        page = await visitor.get(ROOMS)
        assert "Answers and lets people in" in words(page)
        assert f"form-action 'self' {server.url};" in page.headers["Content-Security-Policy"]
        for path, key in (("/plenary", PLENARY), ("/groups/wohnen", ("groups", "wohnen"))):
            assert f'action="{ROOMS}{path}"' in page.text
            answer = await visitor.send_on(page, ROOMS + path)
            address = answer.headers["Location"]
            room = (await rooms_of(event.id))[key].name
            assert (answer.status_code, room_of(address)) == (303, room)
            assert server.prosody.enter(token_of(address), room, time.time()) == "owner"
            assert "example.org" not in address


async def test_nobody_else_does(town):
    organiser, helper, other = (
        await town.organiser(),
        await town.organiser("h", "helper"),
        await town.organiser("o"),
    )
    await hold(town, by=organiser)
    async with jitsi() as server:
        await join(helper, await event_named("forum"))
        visitor = await desk(town, helper, server)
        page = await visitor.get(ROOMS)
        assert "Go in as moderator" not in page.text
        assert "People expected" in words(page)
        assert (await visitor.send_on(page, f"{ROOMS}/plenary")).status_code == 403
        stranger = await desk(town, other, server)
        assert (await stranger.get(ROOMS)).status_code == 403
        assert (await stranger.send_on(page, f"{ROOMS}/plenary")).status_code == 403
        nobody = await browser(town, server)
        assert (await nobody.get(ROOMS)).status_code == 303
        assert server.url not in (await nobody.get(ROOMS)).headers["Location"]


@pytest.mark.parametrize("path", ["/groups/nothing", "/nothing/wohnen"])
async def test_a_room_that_is_none_leads_back(town, path):
    organiser = await town.organiser()
    await hold(town, by=organiser)
    async with jitsi() as server:
        visitor = await desk(town, organiser, server)
        answer = await visitor.send_form(ROOMS + path, page=ROOMS)
        assert (answer.status_code, answer.headers["Location"]) == (303, ROOMS)


async def test_after_the_end_the_rooms_are_closed(town):
    organiser = await town.organiser()
    await hold(town, by=organiser)
    async with jitsi() as server:
        visitor = await desk(town, organiser, server)
        page = await visitor.get(ROOMS)
        await Event.raw(
            "UPDATE event SET ends_at = now() - interval '30 minutes', starts_at = now() - interval '1 day'"
        )
        assert "Go in as moderator" not in (await visitor.get(ROOMS)).text
        assert (await visitor.send_on(page, f"{ROOMS}/plenary")).headers["Location"] == ROOMS


async def test_the_town_s_own_address_and_what_is_too_much_for_a_room_are_named(town):
    organiser = await town.organiser()
    await hold(town, by=organiser)
    await Event.raw("UPDATE event SET online_taken = 76, online_limit = NULL, digital_capacity = NULL")
    async with jitsi(fault=502) as first, jitsi(behind=30) as second:
        visitor = await desk(town, organiser, first, second)
        text = words(await visitor.get(ROOMS))
        assert "76 people are expected in one room." in text
        assert "Has a fault of its own ( 502 )" in text
        assert re.search(r"Its clock is (29|3\d) seconds behind ours\.", text)
        await Event.raw("UPDATE event SET meeting_url = 'https://stream.example.org/live'")
        page = await visitor.get(ROOMS)
        assert "expected in one room." not in words(page)
        answer = await visitor.send_on(page, f"{ROOMS}/plenary")
        assert answer.headers["Location"] == "https://stream.example.org/live"


async def test_without_a_server_the_page_says_so(town):
    organiser = await town.organiser()
    await hold(town, by=organiser)
    visitor = await town.signed_in(organiser)
    page = await visitor.get(ROOMS)
    assert "No meeting server is set." in words(page)
    assert "/rooms/plenary" not in page.text
    overview = await visitor.get("/organise/events/forum")
    assert f'href="{ROOMS}"' in overview.text


# The doctor


async def lines(settings, *servers, **changes):
    """What is said of each server."""
    values = {
        "jitsi_urls": [getattr(server, "url", server) for server in servers],
        "jitsi_app_id": "dialograum",
        "jitsi_app_secret": SecretStr(SECRET),
        **changes,
    }
    return [(check.ok, check.text) for check in await meeting_checks(settings.model_copy(update=values))]


async def test_the_doctor_says_one_line_of_each_server(settings):
    gone = f"http://127.0.0.1:{free_port()}"
    async with (
        jitsi() as well,
        jitsi(behind=30) as late,
        jitsi(fault="html") as other,
        jitsi(fault=502) as failing,
        jitsi(secret="another" * 6) as foreign,
        jitsi(behind=3600) as very_late,
    ):
        found = await lines(settings, well, late, other, failing, foreign, very_late, gone)
    assert [ok for ok, _ in found] == [True, True, False, False, False, False, False]
    texts = [text for _, text in found]
    assert len(set(texts)) == len(texts)
    assert not [text for text in texts if "\n" in text or SECRET in text]
    for text, said in zip(
        texts,
        (
            "takes our tokens",
            "s behind ours",
            "no Jitsi",
            "502",
            "JITSI_APP_SECRET",
            "two minutes",
            "refused",
        ),
        strict=True,
    ):
        assert said in text


async def test_the_doctor_tells_open_rooms_from_those_that_want_a_token(settings):
    nothing = {"jitsi_app_id": "", "jitsi_app_secret": SecretStr("")}
    async with jitsi(is_open=True) as there, jitsi() as guarded:
        (first, opened), (second, refused) = await lines(settings, there, guarded, **nothing)
    assert (first, second) == (True, False)
    assert "open to whoever knows their name" in opened
    assert "set JITSI_APP_ID" in refused


async def test_the_doctor_advises_an_address_of_the_town_s_own_for_a_crowd(town, settings):
    assert (await found_by(settings))["meeting rooms"].ok is True
    await town.event(
        mode="digital", registration={**OPEN, "digital_capacity": 500}, starts_at=f"{DAY}T16:00:00"
    )
    await Event.raw("UPDATE event SET online_taken = 75")
    assert (await found_by(settings))["meeting rooms"].ok is True
    await Event.raw("UPDATE event SET online_taken = 76")
    found = (await found_by(settings))["meeting rooms"]
    assert found.ok is None
    assert "forum: 76 in the plenary" in found.text
    assert "[meeting] url" in found.text
    await Event.raw("UPDATE event SET meeting_url = 'https://stream.example.org'")
    assert (await found_by(settings))["meeting rooms"].ok is True
    await Event.raw("UPDATE event SET meeting_url = NULL, mode = 'in_person', base_mode = 'in_person'")
    assert (await found_by(settings))["meeting rooms"].ok is True
