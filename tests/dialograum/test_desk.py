"""The organisers' pages: what stands on them and what their buttons do."""

import re
from datetime import UTC, datetime

import pytest

from events.queries import details
from events.tables import Organiser
from notifications.tables import Message
from registration import actions
from registration.tables import Registration
from tests.dialograum.conftest import Town
from tests.visitor import Visitor

DESK = "/organise/events/forum"


@pytest.fixture
async def browser(town: Town) -> Visitor:
    """An organiser's browser; their event is the forum, with one seat, and one more who waits."""
    organiser = await town.organiser()
    event = await town.event(organiser, registration={"capacity": 1})
    await town.register(event, language="de", groups={"groups": ["wohnen"]})
    await town.register(event, "Ben Muster", language="en")
    return await town.signed_in(organiser)


async def kinds() -> list[str]:
    return [row["kind"] for row in await Message.select(Message.kind).order_by(Message.created_at)]


async def test_the_list_holds_the_organiser_s_events_upcoming_and_past(town, browser):
    await town.event(slug="foreign")
    past = {
        "starts_at": "2024-05-01T16:00:00",
        "ends_at": "2024-05-01T19:00:00",
        "registration": {"closes_at": None},
    }
    organiser = await Organiser.objects().get(Organiser.email == "office@example.org")
    await town.event(organiser, slug="past", **past, sessions=[], groups=[])
    page = (await browser.get("/organise")).text
    assert page.index(f'href="{DESK}"') < page.index('href="/organise/events/past"')
    assert "foreign" not in page


async def test_an_organiser_without_events_is_told_how_to_get_one(town):
    page = await (await town.signed_in(await town.organiser("fresh"))).get("/organise")
    assert page.status_code == 200
    assert "dialograum events import" in page.text


async def test_an_event_is_published_once(town, browser):
    organiser = await Organiser.objects().get(Organiser.email == "office@example.org")
    await town.event(organiser, slug="draft", status="draft")
    page = "/organise/events/draft"
    for _ in range(2):
        answer = await browser.send_form(f"{page}/publication", page="/organise/sign-in")
        assert answer.status_code == 303
        assert answer.headers["location"] == page
    event = await details("draft")
    assert event.status == "published"
    assert event.version == 2
    assert (await (await town.visitor()).get("/events/draft")).status_code == 200


async def test_cancelling_asks_first_then_tells_everybody_the_reason(browser):
    asked = await browser.get(f"{DESK}/cancellation")
    assert asked.status_code == 200
    assert (await details("forum")).status == "published"
    answer = await browser.send_form(f"{DESK}/cancellation", {"reason": "  Sturm\r\nund Regen "})
    assert answer.headers["location"] == DESK
    event = await details("forum")
    assert event.status == "cancelled"
    assert event.cancel_reason is not None
    assert event.cancel_reason.startswith("Sturm")
    assert (await kinds())[2:] == ["event_cancelled", "event_cancelled"]
    assert "Sturm" in (await browser.get("/events/forum")).text


async def test_a_very_long_reason_is_shortened(browser):
    await browser.send_form(f"{DESK}/cancellation", {"reason": "x" * 5000})
    assert len((await details("forum")).cancel_reason or "") == 2000


async def test_attendees_are_counted_and_found(browser):
    anna, ben = "Anna Muster", "Ben Muster"
    for query, found in (
        ("", [anna, ben]),
        ("?status=waitlisted", [ben]),
        ("?status=confirmed", []),
        ("?status=nonsense", [anna, ben]),
        ("?group=wohnen", [anna]),
        ("?language=en", [ben]),
        ("?q=anna", [anna]),
        ("?q=ben@example.org", [ben]),
        ("?q=%25", []),
        ("?q=%00", None),
        ("?after=99999999999999999999999", None),
    ):
        page = await browser.get(f"{DESK}/attendees{query}")
        if found is None:
            assert page.status_code in (200, 422), query
            continue
        body = page.text.split("<main")[1]
        assert [name for name in (anna, ben) if name in body] == found, query
    page = (await browser.get(f"{DESK}/attendees")).text
    shown = dict(re.findall(r"status=(\w+)[^>]*>[^<]*<small>(\d+)</small>", page))
    assert shown == {"confirmed": "0", "pending": "1", "waitlisted": "1", "cancelled": "0", "expired": "0"}


async def test_a_long_list_is_shown_page_by_page(town, browser):
    event = await details("forum")
    for number in range(60):
        await town.register(event, f"Gast-{number:02} Muster", email=f"gast{number}@example.org")
    first = (await browser.get(f"{DESK}/attendees")).text
    link = re.search(r'href="([^"]*after=\d+[^"]*)"', first)
    assert link is not None
    second = (await browser.get(link[1].replace("&amp;", "&"))).text
    names = [set(re.findall(r"(?:Gast-\d\d|Anna|Ben) Muster", page)) for page in (first, second)]
    assert [len(found) for found in names] == [50, 12]
    assert not names[0] & names[1]


async def test_what_was_searched_is_downloaded(browser):
    answer = await browser.get(f"{DESK}/attendees.csv?q=ben")
    assert answer.headers["content-disposition"] == 'attachment; filename="forum.csv"'
    assert answer.headers["content-type"].startswith("text/csv")
    lines = answer.text.strip().split("\r\n")
    assert len(lines) == 2
    assert '"Ben Muster";"ben@example.org";"waitlisted"' in lines[1]


async def test_cancelling_a_registration_moves_the_next_one_up(browser):
    anna = await Registration.objects().get(Registration.name == "Anna Muster")
    assert anna is not None
    await actions.confirm(anna.id, datetime.now(UTC))
    page = f"{DESK}/attendees/{anna.id}"
    answer = await browser.send_form(f"{page}/cancellation", page=page)
    assert answer.headers["location"] == page
    statuses = {row["name"]: row["status"] for row in await Registration.select()}
    assert statuses == {"Anna Muster": "cancelled", "Ben Muster": "pending"}
    assert (await kinds())[3:] == ["registration_cancelled", "promoted"]
    assert "/cancellation" not in (await browser.get(page)).text


async def test_names_are_text_and_never_markup(town, browser):
    name = "<script>alert(1)</script>"
    registration = await town.register(await details("forum"), name, email="x@example.org")
    for path in (f"{DESK}/attendees", f"{DESK}/attendees/{registration.id}", town.link("own", registration)):
        page = (await browser.get(path)).text
        assert name not in page
        assert "&lt;script&gt;" in page


async def test_pages_of_the_desk_are_not_kept(browser):
    for path in ("/organise", DESK, f"{DESK}/attendees", "/organise/sign-in"):
        headers = (await browser.get(path)).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-robots-tag"] == "noindex"
