"""An installation whose events move: a source that a test writes, a meeting server, people in many languages.

async with moving() as town:
    await town.publish(500)                      # the next report of the source, read by the service
    await town.behind(links, at)                 # what join links lead to at another time
"""

import asyncio
import json
import re
import sys
import time
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import icalendar
import vobject

from dialograum import event_file
from tests.hybrid.files import COUNTIES
from tests.hybrid.jitsi import Jitsi, jitsi
from tests.hybrid.origin import Origin, answer, origin
from tests.hybrid.prosody import Refused
from tests.journeys.installation import LINK, OFFICE, PATIENCE, Installation, installed, path_in
from tests.visitor import words

EXAMPLES = Path(event_file.__file__).parent / "examples"
INDICATOR, COUNTY, SECRET = "rki-incidence", "05754", "s" * 40
_LATER = (sys.executable, "-m", "tests.journeys.later")
LONGEST_LINE = 10_000_000
PUBLICATIONS = 10
"""As many days the first report lies back, so that none comes from the future."""


@dataclass(frozen=True)
class Behind:
    """What a join link led to: an address, or only the words of its page."""

    address: str | None
    words: str

    @property
    def room(self) -> str:
        assert self.address is not None
        return urlsplit(self.address).path.rpartition("/")[2]

    @property
    def token(self) -> str:
        assert self.address is not None
        return parse_qs(urlsplit(self.address).query)["jwt"][0]


@dataclass(frozen=True)
class Shown:
    """Where an event takes place, as everybody finds it: page, structured data, calendar file, feed, API."""

    words: str
    attendance: str
    status: str
    places: tuple[str, ...]
    calendar: tuple[str, int]
    feed: tuple[str, int]
    mode: str


class Moving:
    """A town with a source of figures and a meeting server."""

    def __init__(
        self, town: Installation, source: Origin, server: Jitsi, later: asyncio.subprocess.Process
    ) -> None:
        self.town, self.source, self.server, self._later = town, source, server, later
        self.postbox = town.postbox
        self._day = datetime.now(UTC).date() - timedelta(days=PUBLICATIONS)

    async def import_example(self, name: str, **changes: Any) -> tuple[str, date]:
        """Publishes one of the examples two weeks from now; its slug and first day. `changes` as in a PATCH."""
        day = datetime.now(UTC).date() + timedelta(days=14)
        done = await self.town.command(
            *("events", "import", str(EXAMPLES / name), "--start", day.isoformat(), "--publish"),
            *("--owner", OFFICE),
        )
        assert done.code == 0, done.err
        slug = str(tomllib.loads((EXAMPLES / name).read_text())["slug"])
        async with self.town.system() as system:
            done_too = await system.patch(f"/api/v1/events/{slug}", json=changes)
        assert done_too.status_code == 200, done_too.text
        return slug, day

    def write(self, value: float) -> None:
        """The next report of the source says this of all days."""
        self._day += timedelta(days=1)
        head = COUNTIES.partition("\n")[0]
        rows = [
            f"{self._day - timedelta(days=age)},{COUNTY},100000,1,1,1,{value}" for age in range(9, -1, -1)
        ]
        self.source.serve(answer("\n".join([head, *rows, ""]).encode()))

    async def publish(self, slug: str, value: float, mode: str) -> str:
        """The next report says this; its day, once the service has read it and the event has that mode."""
        self.write(value)
        day = self._day.isoformat()
        async with self.town.system() as system:

            async def shown() -> tuple[str | None, str]:
                found = (await system.get(f"/api/v1/events/{slug}/mode")).json()
                last = found["rules"][0]["last"]
                return (last["report_on"] if last else None, found["mode"])

            await seen(shown, lambda found: found == (day, mode), f"the report of {day} and the mode {mode}")
        return day

    async def registrations(self, slug: str) -> dict[str, dict[str, Any]]:
        """Those who are there, by address."""
        async with self.town.system() as system:
            found = (await system.get(f"/api/v1/events/{slug}/registrations?limit=500")).json()
        assert found["next"] is None
        return {item["email"]: item for item in found["items"]}

    async def shown(self, slug: str) -> Shown:
        """What a stranger sees of the event."""
        async with self.town.visitor() as visitor:
            page = await visitor.get(f"/events/{slug}")
            own = await visitor.get(f"/events/{slug}/calendar.ics")
            feed = await visitor.get("/calendar.ics")
            event = (await visitor.get(f"/api/v1/events/{slug}")).json()
        found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page.text, re.DOTALL)
        assert found is not None
        told = json.loads(found[1])
        location = told["location"]
        places = location if isinstance(location, list) else [location]
        return Shown(
            words=words(page),
            attendance=told["eventAttendanceMode"].rpartition("/")[2],
            status=told["eventStatus"].rpartition("/")[2],
            places=tuple(sorted(place["@type"] for place in places)),
            calendar=_place_in(own.text, slug),
            feed=_place_in(feed.text, slug),
            mode=event["mode"],
        )

    async def mails(self, slug: str) -> list[dict[str, Any]]:
        """The messages of an event, as the API lists them, once all have left and are recorded."""
        async with self.town.system() as office:

            async def listed() -> list[dict[str, Any]]:
                found = (await office.get(f"/api/v1/events/{slug}/messages?limit=500")).json()
                return list(found["items"])

            await seen(listed, _have_left, f"the last mail of {slug}")
            return await listed()

    async def times(self, slug: str, people: Collection[str]) -> list[datetime]:
        """Of the last switch: when its report was read, when it was made, when the mails left to these, in order."""
        mails = await self.mails(slug)
        async with self.town.system() as office:
            mode = (await office.get(f"/api/v1/events/{slug}/mode")).json()
        last = max(mode["switches"], key=lambda switch: str(switch["at"]))
        sent = dict(sorted((one["to"], one["sent_at"]) for one in mails if one["status"] == "sent"))
        stages = [last["evidence"]["report"]["read_at"], last["at"], *sorted(sent[one] for one in people)]
        return list(map(datetime.fromisoformat, stages))

    async def behind(self, links: Mapping[str, str], at: datetime) -> dict[str, Behind]:
        """Presses the button of each link at that time; what it led to, by the same key."""
        assert self._later.stdin is not None
        assert self._later.stdout is not None
        self.server.behind = -(at - datetime.now(UTC)).total_seconds()
        self._later.stdin.write(json.dumps([at.isoformat(), list(links.values())]).encode() + b"\n")
        answered = await asyncio.wait_for(self._later.stdout.readline(), PATIENCE)
        self.server.behind = 0
        return {key: Behind(*found) for key, found in zip(links, json.loads(answered), strict=True)}

    def opens_alone(self, found: Behind, at: datetime, rooms: Collection[str]) -> str:
        """The room that a token opens, among these; asserts that it opens no other."""
        assert found.address is not None
        assert found.address.startswith(f"{self.server.url}/")
        affiliation = self.server.prosody.enter(found.token, found.room, at.timestamp())
        assert affiliation == "member"
        for other in set(rooms) - {found.room}:
            try:
                self.server.prosody.enter(found.token, other, at.timestamp())
            except Refused:
                continue
            raise AssertionError(f"the token for {found.room} opens {other} too")
        return found.room


def _have_left(mails: list[dict[str, Any]]) -> bool:
    return not {"queued", "sending"} & {one["status"] for one in mails}


def _place_in(content: str, slug: str) -> tuple[str, int]:
    """The place and the number of the entry for an event in a calendar."""
    entries: list[Any] = icalendar.Calendar.from_ical(content).walk("VEVENT")
    (one,) = [entry for entry in entries if str(entry["URL"]).endswith(f"/events/{slug}")]
    return str(one["LOCATION"]), int(one["SEQUENCE"])


async def seen(look: Callable[[], Awaitable[Any]], is_true: Callable[[Any], bool], what: str) -> None:
    """Waits for something that a page of the service shows."""
    deadline = time.monotonic() + PATIENCE
    while not is_true(await look()):
        assert time.monotonic() < deadline, f"{what} did not come"
        await asyncio.sleep(0.1)


@dataclass(frozen=True)
class Invitation:
    """A calendar entry in a mail, in which two parsers have read the same."""

    method: str
    uid: str
    sequence: int
    place: str
    content: str

    @property
    def join(self) -> str:
        """The path of the join link in it."""
        found = re.search(r"https?://[^\s\"\\]+(/join/[A-Za-z0-9_-]+)", self.content)
        assert found is not None
        return found[1]


def invitation(mail: EmailMessage) -> Invitation:
    """The one entry that a mail brings."""
    (part,) = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    text = part.get_content()
    entries: list[Any] = icalendar.Calendar.from_ical(text).walk("VEVENT")
    (one,) = entries
    read = vobject.readOne(text)
    assert part.get_param("method") == read.method.value
    assert (str(one["UID"]), int(one["SEQUENCE"])) == (read.vevent.uid.value, int(read.vevent.sequence.value))
    assert one["DTSTART"].dt == read.vevent.dtstart.value
    assert str(one["LOCATION"]) == read.vevent.location.value
    return Invitation(
        method=read.method.value,
        uid=read.vevent.uid.value,
        sequence=int(read.vevent.sequence.value),
        place=read.vevent.location.value,
        content=re.sub(r"\r?\n ", "", text),
    )


def join_path(mail: EmailMessage) -> str:
    """The path of the join link in a mail's text."""
    body = mail.get_body(("plain",))
    assert body is not None
    paths = [httpx.URL(link).path for link in LINK.findall(body.get_content())]
    return next(path for path in paths if path.startswith("/join/"))


async def confirm(town: Installation, mail: EmailMessage) -> None:
    """Presses the button behind the link of a mail that asks for it."""
    async with town.visitor() as visitor:
        answered = await visitor.send_form(path_in(mail, "/confirmation"))
    assert answered.status_code == 303


@asynccontextmanager
async def moving(value: float) -> AsyncIterator[Moving]:
    """An installation whose source has one report, which says `value`."""
    async with origin() as source, jitsi(SECRET) as server:
        settings = {
            "indicator_urls": json.dumps({INDICATOR: source.url()}),
            "indicator_interval": "1",
            "jitsi_urls": server.url,
            "jitsi_app_id": "dialograum",
            "jitsi_app_secret": SECRET,
        }
        async with installed(**settings) as town:
            later = await asyncio.create_subprocess_exec(
                *_LATER,
                env=town.environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LONGEST_LINE,
            )
            try:
                found = Moving(town, source, server, later)
                found.write(value)
                yield found
            finally:
                assert later.stdin is not None
                later.stdin.close()
                await later.wait()
