"""What is found at a meeting server, well or ill, and that looking at it makes no room."""

import asyncio
import time
from datetime import timedelta

import pytest

from hybrid import meeting_servers, server_answers
from hybrid.meeting_servers import Found, MeetingServers, examine
from hybrid.meetings import Server, SharedSecret
from hybrid.server_config import PhoneNumber
from tests.hybrid.jitsi import jitsi
from tests.hybrid.prosody import Prosody
from tests.notifications.sink import certificate
from tests.postgres import free_port

SECRET = "s" * 40
KEYS = SharedSecret("dialograum", SECRET)


def server(there, keys=KEYS) -> Server:
    return Server(there.url, keys)


async def test_a_server_that_takes_our_tokens_is_well_and_has_no_room_for_it():
    async with jitsi() as there:
        found = await examine(server(there))
        assert (found.found, found.detail, found.answers) == (Found.WELL, "", True)
        assert abs(found.behind) < timedelta(seconds=3)
        assert not found.is_clock_wrong
        assert (there.logins, there.sessions) == (1, {}), "the session was left open"
        assert [line.split("?")[0] for line in there.asked] == [
            "GET /config.js",
            "GET /external_api.js",
            *["POST /http-bind"] * 3,
        ]


@pytest.mark.parametrize(
    ("values", "keys", "found", "detail"),
    [
        ({"fault": "html"}, KEYS, Found.NOT_JITSI, "200"),
        ({"fault": 404}, KEYS, Found.NOT_JITSI, "404"),
        ({"fault": 502}, KEYS, Found.FAILING, "502"),
        ({"fault": "huge"}, KEYS, Found.NOT_JITSI, ""),
        ({"fault": "elsewhere"}, KEYS, Found.LEADS_ELSEWHERE, "127.0.0.2"),
        ({"fault": "no-login"}, KEYS, Found.NO_LOGIN, "200"),
        ({"fault": "no-anonymous"}, KEYS, Found.NO_LOGIN, "ANONYMOUS"),
        ({"secret": "another" * 6}, KEYS, Found.WRONG_SECRET, "Invalid signature"),
        ({}, SharedSecret("other", SECRET), Found.WRONG_ISSUER, "Invalid issuer ('iss' claim)"),
        (
            {"prosody": Prosody("127.0.0.1", SECRET, audiences=("other",))},
            KEYS,
            Found.WRONG_AUDIENCE,
            "Invalid audience ('aud' claim)",
        ),
        ({"behind": 3600}, KEYS, Found.CLOCK_BEHIND, "Not acceptable by nbf"),
        ({"behind": -3600}, KEYS, Found.CLOCK_AHEAD, "Not acceptable by exp"),
        ({}, None, Found.WANTS_TOKEN, "Invalid token"),
        ({"is_open": True}, None, Found.WELL, ""),
    ],
)
async def test_each_fault_is_told_apart(values, keys, found, detail):
    async with jitsi(**values) as there:
        health = await examine(server(there, keys))
        assert (health.found, health.detail) == (found, detail)
        assert there.sessions == {} or health.found not in (Found.WELL, Found.NO_LOGIN)


async def test_a_clock_that_is_half_a_minute_late_is_named_and_lets_people_in():
    async with jitsi(behind=30) as there:
        health = await examine(server(there))
        assert health.answers
        assert health.is_clock_wrong
        assert timedelta(seconds=28) < health.behind < timedelta(seconds=33)


async def test_nobody_at_the_address_is_told():
    assert (await examine(Server(f"http://127.0.0.1:{free_port()}", KEYS))).found is Found.REFUSED
    assert (await examine(Server("http://nobody.invalid", KEYS))).found is Found.NAME_UNKNOWN


@pytest.mark.parametrize("fault", ["silent", "drip"])
async def test_a_slow_server_is_given_up(fault, monkeypatch):
    monkeypatch.setattr(meeting_servers, "SECONDS", 0.5)
    async with jitsi(fault=fault) as there:
        begun = time.monotonic()
        assert (await examine(server(there))).found is Found.SILENT
        assert time.monotonic() - begun < 3


async def test_a_certificate_that_nobody_knows_is_not_trusted(tmp_path, monkeypatch):
    serving, trusting = certificate(tmp_path)
    async with jitsi(tls=serving) as there:
        assert (await examine(server(there))).found is Found.NOT_TRUSTED
        monkeypatch.setattr(server_answers, "_trust", lambda: trusting)
        assert (await examine(server(there))).found is Found.WELL


async def test_the_first_that_answers_is_chosen_else_the_first():
    async with jitsi(fault=502) as first, jitsi() as second, jitsi() as third:
        servers = MeetingServers([server(first), server(second), server(third)])
        assert await servers.chosen() == server(second)
        assert await MeetingServers([server(first)]).chosen() == server(first)
        assert await MeetingServers([server(first), Server("http://127.0.0.1:1")]).chosen() == server(first)
        assert await MeetingServers([]).chosen() is None


async def test_what_was_found_holds_for_a_while_and_many_at_once_ask_once(monkeypatch):
    async with jitsi() as first, jitsi() as second:
        servers = MeetingServers([server(first), server(second)])
        await asyncio.gather(*(servers.chosen() for _ in range(20)))
        assert first.logins == second.logins == 1
        first.fault = 502
        assert await servers.chosen() == server(first)
        monkeypatch.setattr(meeting_servers, "KEPT_SECONDS", 0)
        servers = MeetingServers([server(first), server(second)])
        assert await servers.chosen() == server(second)
        first.fault = ""
        assert await servers.chosen() == server(first)


NUMBERS = [{"countryCode": "DE", "formattedNumber": "+49 5241 000000"}]


async def test_number_and_pin_are_those_of_the_server():
    async with jitsi(numbers=NUMBERS, pin=482913075) as there:
        servers = MeetingServers([server(there)])
        found = await servers.dial_in("raum-x")
        assert found is not None
        assert (found.numbers, found.pin) == ((PhoneNumber("DE", "+49 5241 000000"),), "482913075")
        asked = [line for line in there.asked if "/code" in line]
        assert asked[0].startswith("GET /code?x=1&conference=raum-x%40conference.127.0.0.1&url=")
        await servers.dial_in("raum-x")
        assert len([line for line in there.asked if "/code" in line]) == 1


@pytest.mark.parametrize(
    "values",
    [{}, {"numbers": NUMBERS}, {"pin": 1}, {"numbers": "<html>", "pin": 1}, {"numbers": NUMBERS, "pin": "x"}],
)
async def test_half_a_telephone_is_none(values):
    async with jitsi(**values) as there:
        assert await MeetingServers([server(there)]).dial_in("raum-x") is None


async def test_a_server_that_does_not_answer_has_no_telephone():
    async with jitsi(fault=502, numbers=NUMBERS, pin=1) as there:
        assert await MeetingServers([server(there)]).dial_in("raum-x") is None
    assert await MeetingServers([]).dial_in("raum-x") is None


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://phone.example.org/numbers", True),
        ("http://meet.example.org/numbers", True),
        ("http://meet.example.org.evil.example/numbers", False),
        ("http://10.0.0.1/numbers", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_a_configuration_leads_to_no_inner_service(url, allowed):
    assert meeting_servers._is_allowed(Server("http://meet.example.org"), url) is allowed


async def test_a_redirect_on_the_same_host_is_followed_a_few_times():
    async with jitsi() as there, server_answers.client() as http:
        with pytest.raises(server_answers.Failure):
            await server_answers.fetch(http, "http://[", limit=1)
        assert (await server_answers.fetch(http, f"{there.url}/config.js", limit=10_000)).status == 200
