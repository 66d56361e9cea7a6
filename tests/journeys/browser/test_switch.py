"""An event that moves online and comes back, as Chromium shows it to citizens and organisers."""

import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, expect

from events.rules import local_time
from tests.journeys.browser.conftest import PASSWORD
from tests.journeys.browser.test_pages import LOOKS, complaints, sign_in
from tests.journeys.installation import OFFICE
from tests.journeys.moving import Moving, join_path, moving, seen

HIGH, LOW = 450, 200
RULE = {
    "indicator": "rki-incidence",
    "region": "05754",
    "enter_at": 400,
    "leave_at": 300,
    "enter_after": 1,
    "leave_after": 1,
    "max_age_hours": 720,
    "freeze_hours": 0,
}
STAYS = {**RULE, "leave_at": 1}
"""Once it is on it stays on, whatever other tests publish."""

PHONE = {"key": "phone", "type": "text", "label": {"de": "Telefon", "en": "Telephone"}}
HALL = {"capacity": 2, "digital_capacity": 9, "closes_at": None, "confirm_email": False}
GATE = "Stadthalle"


@pytest.fixture(scope="module")
async def town() -> AsyncIterator[Moving]:
    async with moving(LOW) as town:
        added = await town.town.command(
            *("organisers", "add", OFFICE, "--role", "admin", "--password-stdin"), stdin=PASSWORD + "\n"
        )
        assert added.code == 0, added.err
        yield town


async def hold(town: Moving, ahead: timedelta, **changes: Any) -> str:
    """An event of an hour and a half, so long ahead."""
    begins = local_time(datetime.now(UTC), "Europe/Berlin") + ahead
    starts_at, ends_at = begins, begins + timedelta(minutes=90)
    span = {"starts_at": starts_at.isoformat("T", "seconds"), "ends_at": ends_at.isoformat("T", "seconds")}
    groups = {"key": "groups", "kind": "groups", "title": {"de": "Arbeitsgruppen", "en": "Working groups"}}
    contact = {"role": {"de": "Büro"}, "phone": "+49 5241 000001", "email": "office@example.org"}
    return await town.town.hold(
        **{
            **span,
            "sessions": [{**groups, **span}],
            "contact": contact,
            "mode_rules": [RULE],
            "registration": HALL,
            **changes,
        }
    )


async def somebody(town: Moving, slug: str, name: str, **values: Any) -> str:
    """The address of somebody who has registered, once the mail is there."""
    address = f"{slug}-{name.split()[0].lower()}@example.org"
    async with town.town.visitor() as visitor:
        body = {"name": name, "email": address, "language": "de", **values}
        answer = await visitor.post(f"/api/v1/events/{slug}/registrations", json=body)
    assert answer.status_code == 201, answer.text
    await town.postbox.mail(address, 1)
    return address


def own_path(mail: EmailMessage) -> str:
    """The path of the page of one's own registration in a mail's text."""
    body = mail.get_body(("plain",))
    assert body is not None
    found = re.search(r"/r/[\w-]+", body.get_content())
    assert found is not None
    return found[0]


async def screen(chromium: Browser, town: Moving, width: int, scheme: Any = "light") -> BrowserContext:
    context = await chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        locale="de-DE",
        base_url=town.town.url,
    )
    context.set_default_timeout(60_000)
    return context


async def test_citizens_and_organisers_see_the_event_move_and_come_back(
    chromium: Browser, town: Moving
) -> None:
    far, soon, now = [
        await hold(town, ahead)
        for ahead in (timedelta(days=14), timedelta(minutes=42), timedelta(minutes=12))
    ]
    people = {
        slug: await somebody(town, slug, "Kim Müller", groups={"groups": ["wohnen"]})
        for slug in (far, soon, now)
    }
    waiting = [await somebody(town, far, name) for name in ("Toni Muster", "Noor Muster")][1]
    contexts = [await screen(chromium, town, width) for width in (390, 1280)]
    pages = [await context.new_page() for context in contexts]
    for page in pages:
        await sign_in(page)
    said: list[str] = []

    async def look(path: str, *words: str) -> None:
        for page in pages:
            await page.goto(path)
            for one in words:
                await expect(page.locator("main")).to_contain_text(one)
            said.extend(await complaints(page))

    async def heading(path: str, words: str) -> None:
        await look(path)
        for page in pages:
            await expect(page.get_by_role("heading", level=1)).to_have_text(words)

    async def moved(*modes: str) -> None:
        async with town.town.system() as office:

            async def shown() -> tuple[str, ...]:
                events = [await office.get(f"/api/v1/events/{slug}") for slug in (far, soon, now)]
                return tuple(event.json()["mode"] for event in events)

            await seen(shown, lambda found: found == modes, " and ".join(modes))

    await look(f"/events/{far}", GATE, "Alle Plätze sind vergeben", "400 oder mehr")
    await look(f"/organise/events/{far}/mode", "vor Ort")

    await town.publish(far, HIGH, "digital")
    await moved("digital", "digital", "digital")
    mails = {slug: await town.postbox.mail(address, 2) for slug, address in people.items()}
    links = {slug: join_path(mail) for slug, mail in mails.items()}
    await look(f"/events/{far}", "Diese Veranstaltung findet jetzt online statt", f"Vorher: {GATE}")
    await heading(links[soon], "Gleich geht es los")
    await heading(links[now], "Sie können eintreten")
    await look(links[far])
    await look(own_path(mails[far]), "online")
    await look(f"/organise/events/{far}/mode", "online")
    await pages[0].goto(links[now])
    await pages[0].get_by_role("button", name="In den Raum gehen").click()
    await pages[0].wait_for_url(f"{town.server.url}/**")
    found = urlsplit(pages[0].url)
    room, token = found.path.removeprefix("/"), parse_qs(found.query)["jwt"][0]
    assert town.server.prosody.enter(token, room, time.time()) == "member"

    await town.publish(far, LOW, "hybrid")
    await moved("hybrid", "in_person", "in_person")
    await town.postbox.mail(people[far], 3)
    await look(f"/events/{far}", GATE, "oder online")
    for link in links.values():
        await look(link, GATE)
    online = join_path(await town.postbox.mail(waiting, 3))
    await look(online)
    await look(
        f"/organise/events/{far}/mode", "Findet vor Ort und online statt", "online → vor Ort und online"
    )
    for context in contexts:
        await context.close()
    assert said == []


@dataclass(frozen=True)
class Paths:
    """Pages that a switch brings with it: those of organisers, and those of citizens."""

    desk: list[str]
    citizens: list[str]


@pytest.fixture(scope="module")
async def paths(town: Moving) -> Paths:
    """An event that has moved, with somebody to call and somebody whom mails do not reach, and one with a proposal."""
    moved = await hold(town, timedelta(days=14), mode_rules=[STAYS], questions=[PHONE])
    asks = await hold(town, timedelta(days=15), mode_rules=[{**STAYS, "approval": "propose"}])
    kim = await somebody(
        town,
        moved,
        "Kim Müller",
        online_access="none",
        answers={"phone": "05241 1"},
        groups={"groups": ["wohnen"]},
    )
    await somebody(town, asks, "Toni Muster")
    await town.publish(moved, HIGH, "digital")
    own = own_path(await town.postbox.mail(kim, 2))

    async with town.town.visitor() as organiser:
        await organiser.send_form("/organise/sign-in", {"email": OFFICE, "password": PASSWORD})

        async def proposals() -> list[str]:
            page = await organiser.get(f"/organise/events/{asks}/mode")
            return re.findall(r'href="([^"]*/proposals/[^"]*)"', page.text)

        await seen(proposals, bool, "the proposal")
        proposal, *_ = await proposals()

    for slug in (moved, asks):
        await town.mails(slug)
    town.postbox.sink.answer("RCPT", "550 5.1.1 No such user")
    async with town.town.system() as office:
        body = {"name": "Uta Unbekannt", "email": f"{moved}-uta@example.org", "language": "de"}
        uta = (await office.post(f"/api/v1/events/{moved}/registrations", json=body)).json()["id"]
    assert [one["to"] for one in await town.mails(moved) if one["status"] == "failed"] == [body["email"]]
    event = f"/organise/events/{moved}"
    return Paths(
        desk=[
            f"{event}/mode",
            f"{event}/mode/set/hybrid",
            f"{event}/mode/set/in_person",
            f"/organise/events/{asks}/mode/set/digital",
            proposal,
            f"{event}/calls",
            f"{event}/messages",
            f"{event}/attendees",
            f"{event}/attendees?unreached=true",
            f"{event}/attendees/{uta}",
            f"{event}/rooms",
        ],
        citizens=[f"/events/{moved}", own, f"{own}/online", f"{own}/online?saved=online"],
    )


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
async def test_axe_finds_nothing_on_pages_that_a_switch_brings(
    width: int, scheme: Any, chromium: Browser, town: Moving, paths: Paths
) -> None:
    context = await screen(chromium, town, width, scheme)
    page = await context.new_page()
    await sign_in(page)
    said = []
    for path in [*paths.desk, *paths.citizens, *(f"/ar{path}" for path in paths.citizens)]:
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        said += await complaints(page)
    await context.close()
    assert said == []
