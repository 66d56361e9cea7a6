"""A town's installation for a browser: the real server with two workers, its database, a mail server, and Chromium."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from dialograum import embedded
from dialograum.event_file import EventFile, from_document, write
from tests.forum import forum
from tests.postgres import free_port, short_folder

EXAMPLES = Path(__file__).parents[3] / "dialograum" / "examples"
AXE = Path(__file__).parents[3] / "templates" / "node_modules" / "axe-core" / "axe.min.js"
ORGANISER, PASSWORD = "office@example.org", "correct horse battery staple"
LINK = re.compile(r"https?://\S+")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60


class Postbox:
    """A mail server's end: every mail that was taken over, by recipient."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        assert len(envelope.rcpt_tos) == 1
        self.mails.append(mail)
        return "250 taken"

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if address in str(mail["To"])]

    def newest(self, address: str, number: int) -> EmailMessage:
        """The `number`th mail to an address, once it is there."""
        until(lambda: len(self.to(address)) >= number, f"mail {number} to {address}")
        return self.to(address)[number - 1]


class Installation:
    """The town hall's machine."""

    def __init__(self, folder: Path, postbox: Postbox, mail_port: int) -> None:
        self.postbox = postbox
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environment = os.environ | {
            "DIALOGRAUM_DATA_DIR": str(folder),
            "DIALOGRAUM_BASE_URL": self.url,
            "DIALOGRAUM_MAIL_URL": f"smtp://127.0.0.1:{mail_port}?starttls=never",
            "DIALOGRAUM_TOWN": "Musterstadt",
        }
        self.folder = folder
        self.log = (folder / "log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dialograum.cli", "serve", f"--port={port}", "--workers=2"],
            env=self.environment,
            cwd=folder,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        until(self._is_ready, "the server")

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def run(self, *arguments: str, text: str | None = None) -> str:
        """The command `dialograum`, which must succeed; its standard output."""
        done = subprocess.run(
            [sys.executable, "-m", "dialograum.cli", *arguments],
            env=self.environment,
            cwd=self.folder,
            input=text,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def publish(self, **changes: Any) -> str:
        """A small event of the coming weeks; its slug."""
        document = from_document(forum(**changes))
        file = self.folder / f"{document.slug}.toml"
        file.write_text(write(EventFile(events=(document,))))
        self.run("events", "import", str(file), "--publish", "--owner", ORGANISER)
        return document.slug

    def close(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.log.close()


def until(is_true: Any, what: str) -> None:
    """Waits for something that another process does."""
    deadline = time.monotonic() + PATIENCE
    while not is_true():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def town() -> Iterator[Installation]:
    """One installation for all browser tests, with the Gütersloh and Herford events in three weeks."""
    postbox = Postbox()
    sink = Controller(postbox, hostname="127.0.0.1", port=free_port())
    sink.start()
    with short_folder() as folder:
        installation = Installation(folder, postbox, sink.port)
        try:
            installation.run(
                "organisers", "add", ORGANISER, "--name", "Rathaus", "--password-stdin", text=PASSWORD + "\n"
            )
            start = datetime.now(UTC).date() + timedelta(days=21)
            for name in (
                "guetersloh-dialog-2022.toml",
                "herford-werkstatt-2023.toml",
                "kreis-guetersloh-impulsforum.toml",
            ):
                installation.run(
                    "events",
                    "import",
                    str(EXAMPLES / name),
                    "--publish",
                    "--owner",
                    ORGANISER,
                    "--start",
                    str(start),
                )
            yield installation
        finally:
            code = installation.close()
            sink.stop()
            embedded.leave(folder)
    assert code == 0


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    executable = next(filter(None, map(shutil.which, CHROMIUM)), None)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        await browser.close()


@pytest.fixture
async def phone(chromium: Browser, town: Installation) -> AsyncIterator[Page]:
    """A small phone in German; requests to anybody but the town fail the test."""
    context = await chromium.new_context(
        viewport={"width": 390, "height": 844}, locale="de-DE", base_url=town.url, has_touch=True
    )
    async for page in _only_ours(context, town):
        yield page


@pytest.fixture
async def desk(chromium: Browser, town: Installation) -> AsyncIterator[Page]:
    """A wide screen in German."""
    context = await chromium.new_context(
        viewport={"width": 1280, "height": 900}, locale="de-DE", base_url=town.url, accept_downloads=True
    )
    async for page in _only_ours(context, town):
        yield page


async def _only_ours(context: BrowserContext, town: Installation) -> AsyncIterator[Page]:
    page = await context.new_page()
    strangers: list[str] = []
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((town.url, "data:")) else strangers.append(request.url)
        ),
    )
    yield page
    await context.close()
    assert strangers == []


def link(mail: EmailMessage, ending: str = "") -> str:
    """The first link of a mail's text, or the first that ends so."""
    body = mail.get_body(("plain",))
    assert body is not None
    return next(found for found in LINK.findall(body.get_content()) if found.endswith(ending))
