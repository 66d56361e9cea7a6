"""Afternoons of an event that is online, and how people get into its rooms."""

from contextlib import asynccontextmanager
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import time_machine
from pydantic import SecretStr

from events.queries import details
from events.rules import instant
from tests.forum import forum

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
