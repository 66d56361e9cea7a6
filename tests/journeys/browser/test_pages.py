"""Every page as people with different devices and needs get it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Browser, FilePayload, Page

from tests.dialograum.test_mode_pages import recorded
from tests.journeys.browser.conftest import PASSWORD
from tests.journeys.installation import OFFICE, Installation, path_in

AXE = Path(__file__).parents[3] / "templates" / "node_modules" / "axe-core" / "axe.min.js"
EVENT = "gemeinsam-leben-2022"
PUBLIC = (
    "/",
    "/?q=nothing+of+the+kind",
    f"/events/{EVENT}",
    "/events/werkstatttreffen-herford-2023",
    "/events/impulsforum-begegnungen",
    f"/events/{EVENT}/register",
    "/events/impulsforum-begegnungen/register",
    "/privacy",
    "/imprint",
    "/accessibility",
    "/organise/sign-in",
    "/nothing-here",
    "/r/nothing",
    f"/en/events/{EVENT}",
    f"/en/events/{EVENT}/register",
)
DESK = (
    "/organise",
    f"/organise/events/{EVENT}",
    f"/organise/events/{EVENT}/attendees",
    f"/organise/events/{EVENT}/cancellation",
    f"/organise/events/{EVENT}/preview",
    f"/organise/events/{EVENT}/mode",
    f"/organise/events/{EVENT}/mode/replay",
    "/organise/events/werkstatttreffen-herford-2023/mode",
)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS = [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")]


@pytest.fixture(params=LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
async def visitor(request: Any, chromium: Browser, office: Installation) -> AsyncIterator[Page]:
    width, scheme = request.param
    context = await chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, locale="de-DE", base_url=office.url
    )
    page = await context.new_page()
    context.set_default_timeout(60_000)
    yield page
    await context.close()


async def complaints(page: Page) -> list[str]:
    """What axe finds, and whatever is wider than the screen."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("(tags) => axe.run(document, {runOnly: tags})", RULES)
    said = [
        f"{page.url}: {violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
    if await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        said.append(f"{page.url}: wider than the screen")
    return said


async def sign_in(page: Page) -> None:
    await page.goto("/organise/sign-in")
    await page.locator("[name=email]").fill(OFFICE)
    await page.locator("[name=password]").fill(PASSWORD)
    await page.locator("main form button").click()


async def test_axe_finds_nothing_on_public_pages(visitor: Page) -> None:
    said = []
    for path in PUBLIC:
        await visitor.goto(path)
        said += await complaints(visitor)
    assert said == []


async def test_axe_finds_nothing_on_the_desk(visitor: Page) -> None:
    await sign_in(visitor)
    said = []
    for path in DESK:
        await visitor.goto(path)
        said += await complaints(visitor)
    assert said == []


async def test_axe_finds_nothing_on_a_trial_and_one_of_the_charts_is_shown(visitor: Page) -> None:
    await sign_in(visitor)
    await visitor.goto(f"/organise/events/{EVENT}/mode/replay")
    values = [100, 450, 450, 450, 450, 200, 200, 200, 200, 200, 200]
    file = FilePayload(name="autumn.csv", mimeType="text/csv", buffer=recorded(*values))
    await visitor.locator("[name=file]").set_input_files(file)
    await visitor.get_by_role("button", name="Senden und erproben").click()
    for name, value in (("settle_days", "0"), ("event_on", "2022-10-20"), ("enter_after", "2")):
        await visitor.locator(f"[name={name}]").fill(value)
    await visitor.get_by_role("button", name="Erproben", exact=True).click()
    await visitor.get_by_text("Werte als Tabelle").click()
    assert await visitor.get_by_role("img", name="Sieben-Tage-Inzidenz").count() == 1
    assert await visitor.get_by_role("heading", name="Sie hätte 2 Mal gewechselt").count() == 1
    assert await visitor.locator("table").last.locator("tbody tr").count() == len(values)
    assert await complaints(visitor) == []


async def test_axe_finds_nothing_on_the_way_from_the_form_to_the_own_page(
    visitor: Page, office: Installation
) -> None:
    said = []
    address = f"axe-{uuid4().hex}@example.org"
    await visitor.goto(f"/events/{EVENT}/register")
    await visitor.locator("main button[type=submit]").click()
    said += await complaints(visitor)
    await visitor.locator("[name=name]").fill("Kim Muster")
    await visitor.locator("[name=email]").fill(address)
    await visitor.get_by_role("radio").last.check()
    await visitor.locator("main button[type=submit]").click()
    said += await complaints(visitor)
    await visitor.locator("button[value=submit]").click()
    said += await complaints(visitor)
    mail = await office.postbox.mail(address, 1)
    await visitor.goto(path_in(mail))
    said += await complaints(visitor)
    await visitor.locator("main form button").click()
    said += await complaints(visitor)
    own = visitor.url
    for thing in ("groups", "attendance", "language"):
        await visitor.goto(f"{own}/{thing}")
        said += await complaints(visitor)
        await visitor.locator("main form button").click()
        said += await complaints(visitor)
        assert f"?saved={thing}" in visitor.url
    await visitor.goto(f"{own}/cancel")
    said += await complaints(visitor)
    await visitor.goto(path_in(await office.postbox.mail(address, 2), own.rpartition("/")[2]))
    await visitor.locator("main a[href*='/join/']").click()
    said += await complaints(visitor)
    await visitor.goto(f"{own}/cancel")
    await visitor.locator("main form button").click()
    said += await complaints(visitor)
    assert said == []


@pytest.mark.parametrize("path", PUBLIC)
async def test_nothing_is_wider_than_a_very_small_phone(
    path: str, chromium: Browser, office: Installation
) -> None:
    context = await chromium.new_context(
        viewport={"width": 320, "height": 600}, locale="de-DE", base_url=office.url
    )
    page = await context.new_page()
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    answer = await page.goto(path)
    assert answer is not None
    wide = await page.evaluate("document.documentElement.scrollWidth")
    await context.close()
    assert wide <= 320
    assert [trouble for trouble in troubles if answer.ok or "status of" not in trouble] == []
