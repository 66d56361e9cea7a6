"""A Jitsi server on 127.0.0.1: its files, its login (BOSH, SASL ANONYMOUS with a token), its telephone bridge.

async with jitsi(secret="…") as server:
    server.url                                   # for JITSI_URLS
    server.logins, server.asked                  # what it saw
"""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import parse_qs, urlsplit

from defusedxml import ElementTree

from tests.hybrid.prosody import Prosody, Refused

APP = "<!DOCTYPE html><html><body>Jitsi Meet</body></html>"
BODY = "http://jabber.org/protocol/httpbind"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"


@dataclass
class Jitsi:
    """`fault`: html, silent, drip, huge, elsewhere, no-login, no-anonymous, or a status such as 502.

    `is_open`: everybody is let in without a token. `behind`: seconds that its clock is late.
    """

    prosody: Prosody
    port: int = 0
    tls: ssl.SSLContext | None = None
    fault: str | int = ""
    is_open: bool = False
    behind: float = 0
    tenant: str = ""
    numbers: object = None
    pin: object = None
    asked: list[str] = field(default_factory=list)
    logins: int = 0
    sessions: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def clock(self) -> float:
        return time.time() - self.behind

    def config(self) -> str:
        lines = [
            "/* eslint-disable */",
            "// domain: 'commented.example',",
            "var subdomain = '';",
            "var config = {",
            "    hosts: {",
            f"        domain: '{self.prosody.domain}',",
            f"        muc: 'conference.' + subdomain + '{self.prosody.domain}',",
            "    },",
            "    bosh: 'https://other.example/http-bind',",
            "};",
        ]
        if self.numbers is not None:
            lines.append(f"config.dialInNumbersUrl = '{self.url}/numbers';")
        if self.pin is not None:
            lines.append(f'config.dialInConfCodeUrl = "{self.url}/code?x=1";')
        return "\n".join(lines)

    async def answer(self, method: str, target: str, content: bytes) -> tuple[int, str, dict[str, str]]:
        """Status, content and headers."""
        self.asked.append(f"{method} {target}")
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if self.fault == "silent":
            await asyncio.sleep(3600)
        if self.fault == "elsewhere":
            return 302, "", {"Location": "http://127.0.0.2:1/config.js"}
        if isinstance(self.fault, int):
            return self.fault, "<html>nginx</html>", {}
        path = path.removeprefix(f"/{self.tenant}") if self.tenant else path
        if self.fault == "html":
            return 200, APP, {}
        if path == "/config.js":
            return 200, ("x" * 1000 + "\n") * 3000 if self.fault == "huge" else self.config(), {}
        if path == "/external_api.js":
            return 200, "!function(){window.JitsiMeetExternalAPI=1}()", {}
        if path == "/numbers":
            return 200, json.dumps(self.numbers), {}
        if path == "/code":
            return 200, json.dumps({"id": self.pin, "conference": query["conference"][0]}), {}
        if path == "/http-bind" and self.fault != "no-login":
            return 200, self._stanza(content, query), {"Content-Type": "text/xml"}
        return 200, APP, {}

    def _stanza(self, content: bytes, query: dict[str, list[str]]) -> str:
        said = ElementTree.fromstring(content)
        assert said.tag == f"{{{BODY}}}body"
        session = said.get("sid")
        if session is None:
            assert said.get("to") == self.prosody.domain
            session = f"s{len(self.sessions)}"
            self.sessions[session] = query.get("token", [""])[0]
            offered = "PLAIN" if self.fault == "no-anonymous" else "ANONYMOUS"
            return (
                f'<body xmlns="{BODY}" sid="{session}" wait="5"><stream:features xmlns:stream="http://etherx.jabber.org'
                f'/streams"><mechanisms xmlns="{SASL}"><mechanism>{offered}</mechanism></mechanisms>'
                "</stream:features></body>"
            )
        if said.get("type") == "terminate":
            del self.sessions[session]
            return f'<body xmlns="{BODY}" type="terminate"/>'
        assert said[0].tag == f"{{{SASL}}}auth"
        assert said[0].get("mechanism") == "ANONYMOUS"
        try:
            if not self.is_open:
                self.prosody.log_in(self.sessions[session], self.clock)
        except Refused as refused:
            return f'<body xmlns="{BODY}"><failure xmlns="{SASL}"><not-allowed/><text>{refused}</text></failure></body>'
        self.logins += 1
        return f'<body xmlns="{BODY}"><success xmlns="{SASL}"/></body>'

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines if line)
                content = await reader.readexactly(int(headers.get("content-length", 0)))
                method, target, _ = first.split(" ")
                status, text, more = await self.answer(method, target, content)
                more |= {
                    "Date": formatdate(self.clock, usegmt=True),
                    "Content-Length": str(len(text.encode())),
                }
                written = "".join(f"{name}: {value}\r\n" for name, value in more.items())
                writer.write(f"HTTP/1.1 {status} OK\r\n{written}\r\n".encode())
                if self.fault == "drip":
                    for sign in text:
                        writer.write(sign.encode())
                        await writer.drain()
                        await asyncio.sleep(0.05)
                writer.write(text.encode())
                await writer.drain()
        writer.close()


@asynccontextmanager
async def jitsi(secret: str = "s" * 40, domain: str = "127.0.0.1", **values: object) -> AsyncIterator[Jitsi]:
    """A server that takes the tokens of the issuer `dialograum`, signed with the secret."""
    prosody = values.pop("prosody", None) or Prosody(domain, secret)
    server = Jitsi(prosody, **values)  # type: ignore[arg-type]
    tasks: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(server.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server.tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listening.wait_closed()
