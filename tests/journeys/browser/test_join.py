"""The join link in a real browser, from the waiting page into the room on a meeting server."""

import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from dialograum.languages import LANGUAGES
from events.rules import local_time
from tests.hybrid.jitsi import Jitsi, jitsi
from tests.journeys.browser.conftest import PASSWORD
from tests.journeys.browser.test_pages import LOOKS, complaints, sign_in
from tests.journeys.installation import OFFICE, Installation, installed

SECRET = "s" * 40
NUMBERS = [{"countryCode": "DE", "formattedNumber": "+49 5241 000000"}]


@dataclass
class Meeting:
    """A town with a meeting server."""

    town: Installation
    server: Jitsi

    async def hold(self, minutes: int, **changes: Any) -> str:
        """An event that begins in so many minutes: a quarter of an hour for all, an hour and a half in groups."""
        begins = local_time(datetime.now(UTC), "Europe/Berlin") + timedelta(minutes=minutes)

        def after(more: int) -> str:
            return (begins + timedelta(minutes=more)).isoformat(timespec="seconds")

        return await self.town.hold(
            starts_at=after(0),
            ends_at=after(120),
            sessions=[
                {"key": "welcome", "starts_at": after(0), "ends_at": after(15), "title": {"de": "Begrüßung"}},
                {
                    "key": "groups",
                    "kind": "groups",
                    "starts_at": after(15),
                    "ends_at": after(105),
                    "title": {"de": "Arbeitsgruppen", "en": "Working groups"},
                },
                {
                    "key": "closing",
                    "starts_at": after(105),
                    "ends_at": after(120),
                    "title": {"de": "Ausblick"},
                },
            ],
            contact={"role": {"de": "Büro"}, "phone": "+49 5241 000001", "email": "office@example.org"},
            **{"mode": "digital", "registration": {"closes_at": None}, **changes},
        )

    async def join_link(self, slug: str, name: str, **values: Any) -> str:
        """The path of the link that somebody gets by mail who is registered by hand for `wohnen`."""
        address = f"{slug}-{name.split()[0].lower()}@example.org"
        async with self.town.system() as system:
            body = {
                "name": name,
                "email": address,
                "language": "de",
                "groups": {"groups": ["wohnen"]},
                **values,
            }
            answer = await system.post(f"/api/v1/events/{slug}/registrations", json=body)
            assert answer.status_code == 201, answer.text
        mail = await self.town.postbox.mail(address, 1)
        body_part = mail.get_body(("plain",))
        assert body_part is not None
        found = re.search(r"/join/[\w-]+", body_part.get_content())
        assert found is not None
        return found[0]


@pytest.fixture(scope="module")
async def meeting() -> AsyncIterator[Meeting]:
    async with (
        jitsi(numbers=NUMBERS, pin=482913075) as server,
        installed(jitsi_urls=server.url, jitsi_app_id="dialograum", jitsi_app_secret=SECRET) as town,
    ):
        added = await town.command(
            *("organisers", "add", OFFICE, "--role", "admin", "--password-stdin"), stdin=PASSWORD + "\n"
        )
        assert added.code == 0, added.err
        yield Meeting(town, server)


@pytest.fixture
async def phone(chromium: Browser, meeting: Meeting) -> AsyncIterator[Page]:
    """An old phone: small, and without JavaScript."""
    context = await chromium.new_context(
        viewport={"width": 390, "height": 844},
        locale="de-DE",
        base_url=meeting.town.url,
        java_script_enabled=False,
    )
    context.set_default_timeout(60_000)
    yield await context.new_page()
    await context.close()


async def test_the_button_leads_an_old_phone_into_the_room_of_the_group(
    phone: Page, meeting: Meeting
) -> None:
    link = await meeting.join_link(await meeting.hold(-20), "Kim Müller")
    await phone.goto(link)
    await expect(phone.get_by_role("heading", level=1)).to_have_text("Ihr Raum ist offen")
    await expect(phone.locator("main")).to_contain_text("Ihre Gruppe: Wohnen")
    await phone.get_by_role("button", name="In den Raum gehen").click()
    await phone.wait_for_url(f"{meeting.server.url}/**")
    found = urlsplit(phone.url)
    room, token = found.path.removeprefix("/"), parse_qs(found.query)["jwt"][0]
    assert room.startswith("wohnen-")
    assert meeting.server.prosody.enter(token, room, time.time()) == "member"
    assert "config.subject=%22Wohnen%22" in found.fragment


async def test_the_waiting_page_lets_people_in_by_itself(phone: Page, meeting: Meeting) -> None:
    link = await meeting.join_link(await meeting.hold(42), "Kim Müller")
    await phone.goto(link)
    await expect(phone.get_by_role("heading", level=1)).to_have_text("Gleich geht es los")
    await expect(phone.locator("main")).to_contain_text("42 Minuten bis zum Beginn")
    answer = await phone.request.get(link)
    assert 55 <= int(answer.headers["refresh"]) <= 66
    await phone.get_by_role("button", name="Im Testraum ausprobieren").click()
    await phone.wait_for_url(f"{meeting.server.url}/test-**")


async def test_an_organiser_goes_in_as_moderator(phone: Page, meeting: Meeting) -> None:
    slug = await meeting.hold(60)
    await sign_in(phone)
    await phone.goto(f"/organise/events/{slug}/rooms")
    await phone.get_by_role("button", name=re.compile("hineingehen.*Bildung")).click()
    await phone.wait_for_url(f"{meeting.server.url}/bildung-**")
    found = urlsplit(phone.url)
    token = parse_qs(found.query)["jwt"][0]
    assert meeting.server.prosody.enter(token, found.path.removeprefix("/"), time.time()) == "owner"


@pytest.fixture(scope="module")
async def stages(meeting: Meeting) -> list[str]:
    """The pages behind join links at four times, one of them from right to left, and the organiser's of the rooms."""
    hall = {"mode": "hybrid", "registration": {"capacity": 9, "digital_capacity": 9, "closes_at": None}}
    running = await meeting.join_link(await meeting.hold(-20), "Kim Müller")
    async with meeting.town.visitor() as visitor:
        await visitor.send_form(running)  # so that its room has a number
    soon = await meeting.hold(42)
    return [
        running,
        await meeting.join_link(soon, "Kim Müller"),
        await meeting.join_link(await meeting.hold(4000), "Kim Müller"),
        await meeting.join_link(await meeting.hold(-20, **hall), "Kim Müller", attendance="in_person"),
        f"/organise/events/{soon}/rooms",
        *(f"/{code}{running}" for code, language in LANGUAGES.items() if language.direction == "rtl"),
    ]


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
async def test_axe_finds_nothing_on_any_stage(
    width: int, scheme: Any, chromium: Browser, meeting: Meeting, stages: list[str]
) -> None:
    context = await chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        locale="de-DE",
        base_url=meeting.town.url,
    )
    context.set_default_timeout(60_000)
    page = await context.new_page()
    await sign_in(page)
    said = []
    for path in stages:
        await page.goto(path)
        assert urlsplit(page.url).path == path
        said += await complaints(page)
    await context.close()
    assert said == []
