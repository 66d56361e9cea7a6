"""The installation of the journeys, with real events in it, as Chromium shows it."""

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.journeys.installation import OFFICE, Installation

EXAMPLES = Path(__file__).parents[3] / "dialograum" / "examples"
PASSWORD = "correct horse battery staple"
FILES = ("guetersloh-dialog-2022.toml", "herford-werkstatt-2023.toml", "kreis-guetersloh-impulsforum.toml")
CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
async def office(town: Installation) -> Installation:
    """The town with three real events in three weeks, and a password for the office."""
    start = str(datetime.now(UTC).date() + timedelta(days=21))
    files = [str(EXAMPLES / name) for name in FILES]
    for arguments in (
        ("organisers", "add", OFFICE, "--name", "Rathaus", "--role", "admin", "--password-stdin"),
        ("events", "import", *files, "--publish", "--owner", OFFICE, "--start", start),
    ):
        done = await town.command(*arguments, stdin=PASSWORD + "\n")
        assert done.code == 0, done.err
    return town


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
async def phone(chromium: Browser, office: Installation) -> AsyncIterator[Page]:
    """A small phone in German."""
    context = await chromium.new_context(
        viewport={"width": 390, "height": 844}, locale="de-DE", base_url=office.url, has_touch=True
    )
    async for page in _only_ours(context, office):
        yield page


@pytest.fixture
async def desk(chromium: Browser, office: Installation) -> AsyncIterator[Page]:
    """A wide screen in German."""
    context = await chromium.new_context(
        viewport={"width": 1280, "height": 900}, locale="de-DE", base_url=office.url, accept_downloads=True
    )
    async for page in _only_ours(context, office):
        yield page


async def _only_ours(context: BrowserContext, town: Installation) -> AsyncIterator[Page]:
    """A page that fails the test when it asks anybody but the town for anything."""
    context.set_default_timeout(60_000)
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    await context.close()
    assert [url for url in asked if not url.startswith((town.url, "data:"))] == []
