"""Which meeting server answers, proved from outside without making a room: its files, then a login with a fresh token.

What cannot be proved over HTTP is whether sound and pictures get through (UDP). Sources: Jitsi's Prosody plugins,
XEP-0124 and XEP-0206 (BOSH), RFC 4505 (ANONYMOUS).
"""

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import urlencode
from xml.sax.saxutils import quoteattr

import httpx

from hybrid.meetings import Server, guest, token
from hybrid.room_names import RANDOM_BYTES, room_name
from hybrid.server_answers import Answer, Failure, Fault, client, fetch
from hybrid.server_config import DialIn, ServerConfig, read_config, read_numbers, read_pin

SECONDS = 5
"""How long a server has for all of it."""

KEPT_SECONDS = 30
DIAL_IN_KEPT_SECONDS = 600
DIAL_INS = 2000
SKEW = timedelta(seconds=10)
"""A clock that is wrong by less is right."""

CONFIG_BYTES, SCRIPT_BYTES, STANZA_BYTES = 1_000_000, 4_000_000, 64_000
XML = "text/xml; charset=utf-8"


class Found(StrEnum):
    """What became of a look at a server; but for `WELL` nobody gets in, or we cannot say."""

    WELL = "well"
    REFUSED = "refused"
    SILENT = "silent"
    NAME_UNKNOWN = "name-unknown"
    NOT_TRUSTED = "not-trusted"
    FAILING = "failing"
    LEADS_ELSEWHERE = "leads-elsewhere"
    NOT_JITSI = "not-jitsi"
    NO_LOGIN = "no-login"
    WRONG_SECRET = "wrong-secret"  # noqa: S105
    WRONG_ISSUER = "wrong-issuer"
    WRONG_AUDIENCE = "wrong-audience"
    CLOCK_BEHIND = "clock-behind"
    CLOCK_AHEAD = "clock-ahead"
    WANTS_TOKEN = "wants-token"  # noqa: S105
    TOKEN_REFUSED = "token-refused"  # noqa: S105


@dataclass(frozen=True)
class Health:
    """What was found at a server. `detail` is a word of its own or a status, `behind` how far its clock is."""

    server: Server
    found: Found
    detail: str = ""
    behind: timedelta = timedelta()
    config: ServerConfig | None = None

    @property
    def answers(self) -> bool:
        return self.found is Found.WELL

    @property
    def is_clock_wrong(self) -> bool:
        return abs(self.behind) >= SKEW


_FAULTS = {fault: Found(fault.value) for fault in Fault}


async def examine(server: Server, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Health:
    """Looks at a server; never raises."""
    try:
        async with asyncio.timeout(SECONDS), client() as http:
            return await _examine(server, http, now)
    except TimeoutError:
        return Health(server, Found.SILENT)
    except Failure as failure:
        return Health(server, _FAULTS[failure.fault], failure.detail)


async def _examine(server: Server, http: httpx.AsyncClient, now: Callable[[], datetime]) -> Health:
    written = await fetch(http, f"{server.base}/config.js", limit=CONFIG_BYTES)
    behind = now() - written.at if written.at else timedelta()
    if written.status >= 500:
        return Health(server, Found.FAILING, str(written.status))
    config = read_config(written.text, server.host) if written.status == 200 else None
    if config is None:
        return Health(server, Found.NOT_JITSI, str(written.status))
    script = await fetch(http, f"{server.base}/external_api.js", limit=SCRIPT_BYTES)
    if script.status != 200 or "JitsiMeetExternalAPI" not in script.text:
        return Health(server, Found.NOT_JITSI, str(script.status))
    found, detail = await _log_in(server, config, http, now())
    return Health(server, found, detail, behind, config)


async def _log_in(
    server: Server, config: ServerConfig, http: httpx.AsyncClient, at: datetime
) -> tuple[Found, str]:
    """Opens a session, logs in as somebody who enters a room would, and ends it before any room is there."""
    room = room_name("probe", secrets.token_bytes(RANDOM_BYTES))
    signed = token(server, room, guest("probe", room, "Dialograum"), at, at)
    query = {"room": room, "token": signed, "prefix": server.tenant}
    address = f"{server.base}/http-bind?{urlencode({name: value for name, value in query.items() if value})}"
    rid = secrets.randbelow(2**31) + 1
    domain = quoteattr(config.domain)

    async def say(attributes: str, content: str = "") -> Answer:
        nonlocal rid
        body = f'<body xmlns="http://jabber.org/protocol/httpbind" rid="{rid}" {attributes}>{content}</body>'
        rid += 1
        return await fetch(
            http, address, limit=STANZA_BYTES, content=body.encode(), headers={"Content-Type": XML}
        )

    opened = await say(
        f'to={domain} hold="1" wait="5" ver="1.6" xml:lang="en" content="{XML}"'
        ' xmpp:version="1.0" xmlns:xmpp="urn:xmpp:xbosh"'
    )
    body = opened.xml()
    session = body.get("sid", "") if body is not None else ""
    if opened.status != 200 or body is None or not session:
        return Found.NO_LOGIN, str(opened.status)
    sid = f"sid={quoteattr(session)}"
    offered = [element.text for element in body.iter() if element.tag.endswith("}mechanism")]
    if "ANONYMOUS" not in offered:
        await say(f'{sid} type="terminate"')
        return Found.NO_LOGIN, "ANONYMOUS"
    answered = await say(sid, '<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="ANONYMOUS"/>')
    said = answered.xml()
    if answered.status != 200 or said is None:
        return Found.NO_LOGIN, str(answered.status)
    names = {element.tag.rpartition("}")[2] for element in said.iter()}
    if "success" in names:
        await say(f'{sid} type="terminate"')
        return Found.WELL, ""
    if "failure" not in names:
        return Found.NO_LOGIN, str(said.get("condition", ""))[:60]
    written = " ".join(" ".join(said.itertext()).split())
    reason = "".join(sign for sign in written if sign.isprintable())[:120]
    return (refusal(reason) if signed else Found.WANTS_TOKEN), reason


_REASONS = tuple(
    (re.compile(sign, re.IGNORECASE), found)
    for sign, found in (
        (r"signature", Found.WRONG_SECRET),
        (r"\bnbf\b|not yet valid", Found.CLOCK_BEHIND),
        (r"\bexp\b|expired", Found.CLOCK_AHEAD),
        (r"\biss", Found.WRONG_ISSUER),
        (r"\baud", Found.WRONG_AUDIENCE),
    )
)


def refusal(reason: str) -> Found:
    """What a server says of a token that it does not take, in the words of its check."""
    return next((found for sign, found in _REASONS if sign.search(reason)), Found.TOKEN_REFUSED)


@dataclass
class _Kept:
    health: Health | None = None
    until: float = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class MeetingServers:
    """The servers of an installation in their order; what is found at one holds for `KEPT_SECONDS`."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self.servers = tuple(servers)
        self._kept = {server: _Kept() for server in self.servers}
        self._dial_ins: dict[tuple[Server, str], tuple[float, DialIn | None]] = {}

    async def health(self, *, again: bool = False) -> list[Health]:
        """Of each server, as they are now; all are looked at together. `again` trusts nothing that was found before."""
        if again:
            for kept in self._kept.values():
                kept.until = 0
        return await asyncio.gather(*map(self._health, self.servers))

    async def _health(self, server: Server) -> Health:
        kept = self._kept[server]
        if kept.health is not None and kept.lock.locked():
            return kept.health  # somebody looks at it now; nobody else need wait
        async with kept.lock:
            if kept.health is None or time.monotonic() >= kept.until:
                kept.health = await examine(server)
                kept.until = time.monotonic() + KEPT_SECONDS
            return kept.health

    async def chosen(self) -> Server | None:
        """The first that answers; while none does, the first, which a browser may reach where we cannot."""
        if len(self.servers) < 2:
            return next(iter(self.servers), None)
        return next((one.server for one in await self.health() if one.answers), self.servers[0])

    async def dial_in(self, room: str) -> DialIn | None:
        """The numbers and the PIN of a room, where the server that would be chosen offers them."""
        answering = next((one for one in await self.health() if one.answers), None)
        if answering is None or answering.config is None:
            return None
        key = answering.server, room
        until, found = self._dial_ins.get(key, (0.0, None))
        if time.monotonic() >= until:
            found = await dial_in(answering.server, answering.config, room)
            if len(self._dial_ins) >= DIAL_INS:
                self._dial_ins.clear()
            kept = DIAL_IN_KEPT_SECONDS if found else KEPT_SECONDS
            self._dial_ins[key] = time.monotonic() + kept, found
        return found


async def dial_in(server: Server, config: ServerConfig, room: str) -> DialIn | None:
    """Asks the telephone bridge of a server; `None` where there is none, or it does not answer. Never raises."""
    if not _is_allowed(server, config.numbers_url) or not _is_allowed(server, config.code_url):
        return None
    muc = f"conference.{server.tenant}.{server.host}" if server.tenant else config.muc
    query = urlencode({"conference": f"{room}@{muc}", "url": f"{server.base}/{room}"})
    glue = "&" if "?" in config.code_url else "?"
    try:
        async with asyncio.timeout(SECONDS), client() as http:
            numbers = read_numbers((await fetch(http, config.numbers_url, limit=STANZA_BYTES)).text)
            pin = read_pin((await fetch(http, f"{config.code_url}{glue}{query}", limit=STANZA_BYTES)).text)
    except (TimeoutError, Failure):
        return None
    return DialIn(numbers, pin) if numbers and pin else None


def _is_allowed(server: Server, url: str) -> bool:
    """The meeting server's own addresses, and encrypted ones: `config.js` may lead to no inner service over http."""
    return url.startswith(("https://", f"{server.origin}/", f"{server.origin}?"))
