"""Who may do what: every route that is not public, every role; drafts, helpers, personal links."""

from dataclasses import dataclass
from typing import Any

import pytest

from events.tables import Membership
from registration.links import Purpose
from registration.tables import Registration
from tests.dialograum.conftest import Town
from tests.forum import forum
from tests.visitor import Visitor


@dataclass
class House:
    """One event with its organiser and helper, another organiser, an admin, and somebody registered."""

    town: Town
    registration: Registration
    people: dict[str, Any]

    async def system(self, who: str) -> Visitor:
        if who == "nobody":
            return await self.town.visitor()
        if who == "forged":
            visitor = await self.town.visitor()
            visitor.headers["Authorization"] = "Bearer dialograum_forged"
            return visitor
        if who == "reader":
            return await self.town.system(self.people["owner"], "read")
        return await self.town.system(self.people[who])

    async def browser(self, who: str) -> Visitor:
        return await (self.town.visitor() if who == "nobody" else self.town.signed_in(self.people[who]))


@pytest.fixture
async def house(town: Town) -> House:
    people = {
        "owner": await town.organiser("owner"),
        "other": await town.organiser("other"),
        "helper": await town.organiser("helper", "helper"),
        "admin": await town.organiser("admin", "admin"),
    }
    event = await town.event(
        people["owner"], registration={"confirm_email": False}, questions=[{"preset": "organisation"}]
    )
    await Membership.insert(Membership(organiser=people["helper"].id, event=event.id, role="helper"))
    return House(town, await town.register(event), people)


WHO = ("nobody", "forged", "reader", "helper", "other", "owner", "admin")
# Each row: method, path, body, then what each of WHO gets.
CALLS = [
    ("GET", "/events/forum/registrations", None, (401, 401, 200, 200, 403, 200, 200)),
    ("GET", "/events/forum/registrations.csv", None, (401, 401, 200, 403, 403, 200, 200)),
    ("GET", "/events/forum/messages", None, (401, 401, 200, 403, 403, 200, 200)),
    ("GET", "/events/none/registrations", None, (401, 401, 404, 404, 404, 404, 404)),
    ("POST", "/events", {}, (401, 401, 403, 403, 422, 422, 422)),
    ("PATCH", "/events/forum", {}, (401, 401, 403, 403, 403, 200, 200)),
    ("POST", "/events/forum/registrations", {"name": "Ben"}, (422, 401, 403, 403, 403, 201, 201)),
    ("PATCH", "/registrations/{id}", {}, (401, 401, 403, 403, 403, 200, 200)),
    ("POST", "/registrations/{id}/cancellation", {}, (401, 401, 403, 403, 403, 200, 200)),
    ("POST", "/events/forum/cancellation", {}, (401, 401, 403, 403, 403, 200, 200)),
]


@pytest.mark.parametrize("who", WHO)
async def test_every_call_of_the_api_asks_who_calls(house, who):
    system = await house.system(who)
    for method, path, body, expected in CALLS:
        url = "/api/v1" + path.format(id=house.registration.id)
        answer = await system.request(method, url, json=body)
        assert answer.status_code == expected[WHO.index(who)], (method, path, answer.text)
        if answer.status_code in (401, 403):
            code = {401: "unauthorised", 403: "forbidden"}[answer.status_code]
            assert answer.json()["type"].endswith(f"/{code}")
        assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)


BROWSERS = ("nobody", "helper", "other", "owner", "admin")
PAGES = [
    ("GET", "/organise", (303, 200, 200, 200, 200)),
    ("GET", "/organise/events/forum", (303, 200, 403, 200, 200)),
    ("GET", "/organise/events/none", (303, 404, 404, 404, 404)),
    ("GET", "/organise/events/forum/preview", (303, 200, 403, 200, 200)),
    ("GET", "/organise/events/forum/attendees", (303, 200, 403, 200, 200)),
    ("GET", "/organise/events/forum/attendees.csv", (303, 403, 403, 200, 200)),
    ("GET", "/organise/events/forum/attendees/{id}", (303, 200, 403, 200, 200)),
    ("GET", "/organise/events/forum/cancellation", (303, 403, 403, 200, 200)),
    ("POST", "/organise/events/forum/publication", (303, 403, 403, 303, 303)),
    ("POST", "/organise/events/forum/attendees/{id}/cancellation", (303, 403, 403, 303, 303)),
    ("POST", "/organise/events/forum/cancellation", (303, 403, 403, 303, 303)),
]


@pytest.mark.parametrize("who", BROWSERS)
async def test_every_page_of_the_desk_asks_who_looks(house, who):
    browser = await house.browser(who)
    for method, path, expected in PAGES:
        url = path.format(id=house.registration.id)
        if method == "POST":
            answer = await browser.send_form(url, page="/organise/sign-in")
        else:
            answer = await browser.get(url)
        assert answer.status_code == expected[BROWSERS.index(who)], (method, path)
        if who == "nobody":
            assert answer.headers["location"].startswith("/organise/sign-in?next=")


async def test_a_cookie_opens_no_call_and_a_token_no_page(house):
    browser = await house.browser("admin")
    assert (await browser.get("/api/v1/events/forum/registrations")).status_code == 401
    assert (await browser.get("//api/v1/events/forum/registrations")).status_code in (401, 404)
    system = await house.system("admin")
    assert (await system.get("/organise/events/forum")).status_code == 303


async def test_an_organiser_reaches_no_registration_of_others_by_an_event_of_their_own(house):
    await house.town.event(house.people["other"], slug="mine")
    browser = await house.browser("other")
    for path in ("", "/cancellation"):
        url = f"/organise/events/mine/attendees/{house.registration.id}{path}"
        answer = await (browser.send_form(url, page="/organise/sign-in") if path else browser.get(url))
        assert answer.status_code in (403, 404)
    admin = await house.browser("admin")
    assert (await admin.get(f"/organise/events/mine/attendees/{house.registration.id}")).status_code == 404


async def test_a_role_that_is_taken_away_counts_at_once(house):
    system, browser = await house.system("admin"), await house.browser("admin")
    admin = house.people["admin"]
    admin.role = "helper"
    await admin.save()
    assert (await system.patch("/api/v1/events/forum", json={})).status_code == 403
    assert (await browser.get("/organise/events/forum")).status_code == 403


# Drafts


DRAFTS = [
    "/events/draft",
    "/events/draft/register",
    "/events/draft/calendar.ics",
    "/entwurf",
    "/api/v1/events/draft",
]


async def test_a_draft_is_as_unknown_as_no_event(house):
    await house.town.event(house.people["owner"], slug="draft", short="entwurf", status="draft")
    visitor = await house.town.visitor()
    for path in DRAFTS:
        assert (await visitor.get(path)).status_code == 404, path
    body = {"name": "Ben", "email": "ben@example.org"}
    assert (await visitor.post("/api/v1/events/draft/registrations", json=body)).status_code == 404
    for path in ("/", "/calendar.ics", "/api/v1/events"):
        assert "draft" not in (await visitor.get(path)).text, path
    other = await house.system("other")
    for path in ("", "/registrations", "/registrations.csv", "/messages"):
        assert (await other.get(f"/api/v1/events/draft{path}")).status_code == 404, path
    assert (await other.patch("/api/v1/events/draft", json={})).status_code == 404
    assert (await other.post("/api/v1/events/draft/registrations", json={"name": "Ben"})).status_code == 404
    assert (await (await house.browser("other")).get("/organise/events/draft")).status_code == 404


async def test_a_draft_is_shown_to_its_organiser(house):
    await house.town.event(house.people["owner"], slug="draft", status="draft")
    owner = await house.system("owner")
    assert (await owner.get("/api/v1/events/draft")).json()["status"] == "draft"
    browser = await house.browser("owner")
    assert "/organise/events/draft" in (await browser.get("/organise")).text
    assert (await browser.get("/organise/events/draft/preview")).status_code == 200


async def test_whoever_creates_an_event_manages_it(house):
    other = await house.system("other")
    created = await other.post("/api/v1/events", json=forum(slug="mine"))
    assert created.status_code == 201, created.text
    assert (await other.patch("/api/v1/events/mine", json={"kind": "workshop"})).status_code == 200
    assert (await (await house.system("owner")).patch("/api/v1/events/mine", json={})).status_code == 403


# Helpers


async def test_helpers_see_no_address(house):
    address = house.registration.email
    system, browser = await house.system("helper"), await house.browser("helper")
    listed = await system.get("/api/v1/events/forum/registrations")
    assert [item["name"] for item in listed.json()["items"]] == ["Anna Muster"]
    assert "email" not in listed.json()["items"][0]
    assert "answers" not in listed.json()["items"][0]
    pages = [
        await browser.get("/organise/events/forum/attendees"),
        await browser.get(f"/organise/events/forum/attendees/{house.registration.id}"),
    ]
    for page in pages:
        assert "Anna Muster" in page.text
        assert address not in page.text
        assert "attendees.csv" not in page.text
    assert 'method="post"' not in pages[1].text.replace('action="/organise/sign-out"', "").split("<main")[1]
    found = await system.get("/api/v1/events/forum/registrations", params={"q": address})
    assert found.json()["items"] == []
    assert (
        "Anna Muster"
        not in (await browser.get("/organise/events/forum/attendees", params={"q": address})).text
    )


# Personal links


LINKS: dict[Purpose, tuple[str, ...]] = {
    "confirm": ("/r/{}/confirmation",),
    "own": (
        "/r/{}",
        "/r/{}/cancel",
        "/r/{}/groups",
        "/r/{}/attendance",
        "/r/{}/answers",
        "/r/{}/language",
        "/r/{}/calendar.ics",
    ),
    "join": ("/join/{}",),
    "check_in": (),
}


async def test_a_link_opens_what_it_is_for_and_nothing_else(house):
    links, visitor, registration = house.town.links, await house.town.visitor(), house.registration
    registration.own_nonce = registration.join_nonce = registration.confirm_nonce = "0011223344556677"
    await registration.save()
    for purpose in LINKS:
        token = links.token(purpose, registration.id, "0011223344556677")
        for other, paths in LINKS.items():
            for path in paths:
                answer = await visitor.get(path.format(token))
                assert answer.status_code == (200 if purpose == other else 404), (purpose, path)


async def test_a_link_that_was_revoked_forged_or_cut_is_not_found(house):
    visitor, registration = await house.town.visitor(), house.registration
    own = house.town.link("own", registration)
    forged = own[:-1] + ("A" if own[-1] != "A" else "B")
    for path in (forged, own[:-1], own + "A", own + "=", "/r/", "/r/" + "A" * 54):
        assert (await visitor.get(path)).status_code == 404, path
    foreign = Town(
        house.town.settings.model_copy(update={"base_url": "http://127.0.0.1:8000"}), house.town._stack
    )
    foreign.links = type(foreign.links)(b"another secret", house.town.settings.base_url)
    assert (await visitor.get(foreign.link("own", registration))).status_code == 404
    assert (await visitor.get(own)).status_code == 200
    registration.own_nonce = "0011223344556677"
    await registration.save()
    assert (await visitor.get(own)).status_code == 404
    assert (await visitor.get(house.town.link("join", registration))).status_code == 200
