"""A town's installation as it is run: `dialograum serve` with two workers, a database of its own, a mail server.

async with installed() as town:          # or the fixture `town` of tests/journeys
    slug = await town.hold(capacity=1)   # an event of the coming weeks, by the API
    async with town.visitor() as visitor:
        await visitor.get(f"/events/{slug}")
    mail = await town.postbox.mail("kim@example.org", 1)
"""

import asyncio
import os
import re
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import icalendar
import psutil

from dialograum import embedded
from tests.forum import forum
from tests.notifications.sink import Sink, listening
from tests.postgres import free_port, short_folder
from tests.visitor import Visitor

OFFICE = "office@example.org"
PATIENCE = 60
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""The town speaks none; without this every visitor would read all certificates of the world."""

LINK = re.compile(r"https?://\S+")


class Answer(NamedTuple):
    """What a command ended with."""

    code: int
    out: str
    err: str


class Postbox:
    """Where the mails of the town arrive."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink

    def to(self, address: str) -> list[EmailMessage]:
        """Every mail to an address so far, in the order in which they came."""
        return [
            _read(letter.content) for letter in list(self.sink.letters) if letter.recipients == (address,)
        ]

    async def mail(self, address: str, number: int) -> EmailMessage:
        """The mail to an address with this number, counted from 1, once it is there."""
        await until(lambda: len(self.to(address)) >= number, f"mail {number} to {address}")
        return self.to(address)[number - 1]


def _read(content: bytes) -> EmailMessage:
    mail = message_from_bytes(content, policy=default)
    assert isinstance(mail, EmailMessage)
    return mail


def path_in(mail: EmailMessage, ending: str = "") -> str:
    """The path of the first link in a mail's text that ends so."""
    body = mail.get_body(("plain",))
    assert body is not None
    found = next(link for link in LINK.findall(body.get_content()) if link.endswith(ending))
    return httpx.URL(found).path


def calendar_in(mail: EmailMessage) -> icalendar.Calendar | None:
    """The calendar that a mail brings."""
    parts = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    return icalendar.Calendar.from_ical(parts[0].get_content()) if parts else None


class Installation:
    """The town hall's machine."""

    def __init__(self, folder: Path, postbox: Postbox, mail_port: int, **settings: str) -> None:
        self.folder, self.postbox = folder, postbox
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = os.environ | {
            "DIALOGRAUM_DATA_DIR": str(folder),
            "DIALOGRAUM_BASE_URL": self.url,
            "DIALOGRAUM_MAIL_URL": f"smtp://127.0.0.1:{mail_port}?starttls=never",
            "DIALOGRAUM_CLIENT_LIMIT": "0",
            "DIALOGRAUM_ADDRESS_LIMIT": "0",
            **{f"DIALOGRAUM_{name.upper()}": value for name, value in settings.items()},
        }
        self.token = ""
        self._events = 0

    async def start(self) -> None:
        with (self.folder / "log").open("w") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "dialograum.cli", "serve", f"--port={self.port}", "--workers=2"),
                env=self.environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        async with self.visitor() as visitor:
            deadline = time.monotonic() + PATIENCE
            while not await _answers(visitor):
                assert self._process.returncode is None and time.monotonic() < deadline, self.log()  # noqa: PT018
                await asyncio.sleep(0.1)

    async def stop(self) -> int:
        """Asks the server to end, as a data centre does; its exit code. Asserts that no process is left behind."""
        family = psutil.Process(self._process.pid).children(recursive=True)
        self._process.send_signal(signal.SIGTERM)
        try:
            code = await asyncio.wait_for(self._process.wait(), PATIENCE)
            await until(lambda: not any(map(_lives, family)), "the end of every process")
        finally:
            for process in filter(_lives, family):
                process.kill()
        return code

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def visitor(self, **options: Any) -> Visitor:
        """Somebody with a browser of their own, in German."""
        options = {"headers": {"Accept-Language": "de"}, "timeout": PATIENCE, "verify": NO_TLS, **options}
        return Visitor(base_url=self.url, **options)

    def system(self) -> Visitor:
        """Another system with a token of the office, which manages every event."""
        return self.visitor(headers={"Authorization": f"Bearer {self.token}"})

    async def command(self, *arguments: str, stdin: str = "") -> Answer:
        """Runs `dialograum` beside the server."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "dialograum.cli", *arguments),
            env=self.environment,
            cwd=self.folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), PATIENCE)
        return Answer(process.returncode or 0, out.decode(), err.decode())

    async def hold(self, *, registration: dict[str, Any] | None = None, **changes: Any) -> str:
        """Publishes an event of the coming weeks; returns its slug."""
        self._events += 1
        changes = {"slug": f"forum-{self._events}", "registration": registration or {}, **changes}
        async with self.system() as system:
            answer = await system.post("/api/v1/events", json=forum(**changes))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["slug"])


async def _answers(visitor: Visitor) -> bool:
    try:
        return (await visitor.get("/readyz")).status_code == 200
    except httpx.HTTPError:
        return False


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def until(is_true: Callable[[], bool], what: str) -> None:
    """Waits for something that another process does."""
    deadline = time.monotonic() + PATIENCE
    while not is_true():
        assert time.monotonic() < deadline, f"{what} did not come"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def installed(**settings: str) -> AsyncIterator[Installation]:
    """An installation with an admin's token, and with `settings`; afterwards it ends as it should."""
    with short_folder() as folder:
        async with listening() as sink:
            town = Installation(folder, Postbox(sink), sink.port, **settings)
            try:
                await town.start()
                added = await town.command("organisers", "add", OFFICE, "--role", "admin")
                made = await town.command("tokens", "create", "--for", OFFICE, "--scope", "write")
                assert (added.code, made.code) == (0, 0), added.err + made.err
                town.token = made.out.strip()
                yield town
            finally:
                code = await town.stop()
                embedded.leave(folder)
            assert code == 0, town.log()
