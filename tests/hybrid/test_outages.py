"""Organisers hear once that no meeting server answers, and only of events that a switch brought there."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from events.rules import Mode
from events.tables import Event
from hybrid.meeting_servers import MeetingServers
from hybrid.meetings import Server
from hybrid.outages import outage_of, watch_servers
from hybrid.switching import Cause, set_mode
from notifications.tables import Message
from tests.hybrid import town
from tests.hybrid.jitsi import jitsi
from tests.hybrid.test_proposals import office
from tests.postgres import free_port

NOW = datetime(2027, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _database(database):
    """Every test of this module has one."""


def silent() -> MeetingServers:
    return MeetingServers([Server(f"http://127.0.0.1:{free_port()}")])


async def online(**changes):
    event = await town.event(**changes)
    await Event.update({Event.status: "published"}, force=True)
    await office(event)
    await set_mode("forum", Mode.DIGITAL, Cause(reason="Flood"), NOW, has_servers=True)
    return event


async def told():
    return await Message.count().where(Message.kind == "servers_silent")


async def test_organisers_are_told_once_that_none_answers():
    event = await online()
    servers = silent()
    await asyncio.gather(*(watch_servers(servers, NOW) for _ in range(3)))
    for minutes in (1, 60, 600):
        await watch_servers(servers, NOW + timedelta(minutes=minutes))
    assert (await told(), await outage_of(event.id)) == (1, NOW)
    [message] = await Message.select().where(Message.kind == "servers_silent").output(load_json=True)
    assert message["context"]["hosts"][0].startswith("127.0.0.1")


@pytest.mark.parametrize(("minutes", "mails"), [(59, 1), (60, 2)])
async def test_a_server_that_comes_back_for_a_moment_only_is_no_news(minutes, mails):
    event = await online()
    async with jitsi(is_open=True) as server:
        await watch_servers(silent(), NOW)
        await watch_servers(MeetingServers([Server(server.url)]), NOW)
        assert await outage_of(event.id) is None
        await watch_servers(silent(), NOW + timedelta(minutes=minutes))
    assert await outage_of(event.id) is not None
    assert await told() == mails


async def test_while_one_of_several_answers_nobody_is_told():
    await online()
    async with jitsi(is_open=True) as server:
        await watch_servers(MeetingServers([*silent().servers, Server(server.url)]), NOW)
    assert await told() == 0


async def test_a_server_that_did_not_answer_once_is_asked_again_before_anybody_is_told():
    await online()
    async with jitsi(is_open=True) as server:
        servers = MeetingServers([Server(server.url)])
        server.fault = 502
        assert not any(one.answers for one in await servers.health())
        server.fault = ""
        await watch_servers(servers, NOW)
        assert await told() == 0
        server.fault = 502
        await watch_servers(MeetingServers([Server(server.url)]), NOW)
    assert await told() == 1


@pytest.mark.parametrize(
    "values",
    [
        {"mode": "in_person"},
        {"base_mode": "digital"},
        {"status": "draft"},
        {"starts_at": NOW - timedelta(hours=3), "ends_at": NOW - timedelta(seconds=1)},
        {"meeting_url": "https://stream.example.org"},
    ],
    ids=["in the hall", "online by itself", "draft", "over", "an address of its own"],
)
async def test_events_that_need_no_meeting_server_are_left_out(values):
    await online()
    await Event.update({getattr(Event, name): value for name, value in values.items()}, force=True)
    await watch_servers(silent(), NOW)
    assert await told() == 0


async def test_an_outage_ends_with_the_need_for_servers():
    event = await online()
    await watch_servers(silent(), NOW)
    await Event.update({Event.mode: "in_person"}, force=True)
    await watch_servers(silent(), NOW + timedelta(minutes=1))
    assert await outage_of(event.id) is None
