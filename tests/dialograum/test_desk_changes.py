"""An event is changed on the desk: first who is affected, then the change."""

import asyncio
import re
import tomllib
from datetime import UTC, datetime

import msgspec
import pytest
import tomli_w

from dialograum import publishing
from dialograum.database import Listener
from dialograum.event_file import read
from events.queries import details
from events.rules import Mode
from events.tables import Activity, Organiser
from hybrid.switching import Cause, set_mode
from notifications.outbox import CHANNEL
from notifications.tables import Message
from registration import actions
from registration.by_hand import register_by_hand
from registration.decisions import Newcomer
from registration.queries import groups_held
from registration.tables import Registration
from tests.dialograum.conftest import Town
from tests.registration.town import rows_of
from tests.visitor import Visitor, hidden_fields

DESK = "/organise/events/forum"
EDIT = f"{DESK}/edit"


@pytest.fixture
async def browser(town: Town) -> Visitor:
    """An organiser's browser; Anna holds the forum's one seat and is in „Wohnen“, Ben waits, and both know it."""
    organiser = await town.organiser()
    event = await town.event(organiser, registration={"capacity": 1, "confirm_email": False})
    await town.register(event, groups={"groups": ["wohnen"]})
    await town.register(event, "Ben Muster")
    await town.deliver()
    return await town.signed_in(organiser)


async def office() -> Organiser:
    organiser = await Organiser.objects().get(Organiser.email == "office@example.org")
    assert organiser is not None
    return organiser


async def text_of(browser: Visitor) -> str:
    return (await browser.get(f"{DESK}/event.toml")).text


async def look(browser: Visitor, text: str):
    """The page that says who is affected."""
    return await browser.send_form(EDIT, {"text": text, "step": "preview"})


async def everything():
    return (
        await rows_of(Registration, Message, Activity),
        await details("forum"),
        await publishing.document_of("forum"),
    )


async def kinds() -> list[str]:
    return sorted(row["kind"] for row in await Message.select(Message.kind))


def without_group(text: str) -> str:
    """The file without the first group."""
    document = tomllib.loads(text)
    return tomli_w.dumps(document | {"groups": document["groups"][1:]})


async def test_the_present_file_is_downloaded_and_changes_nothing(browser):
    answer = await browser.get(f"{DESK}/event.toml")
    assert answer.headers["content-disposition"] == 'attachment; filename="forum.toml"'
    assert read(answer.content, "x").events == (await publishing.document_of("forum"),)
    page = await look(browser, answer.text)
    assert "nothing would change" in page.text
    assert 'value="apply"' not in page.text


async def test_who_is_affected_is_shown_by_name_and_nothing_is_applied(browser):
    before = await everything()
    text = without_group(await text_of(browser)).replace("capacity = 1\n", "capacity = 2\n")
    page = await look(browser, text)
    assert page.status_code == 200
    assert "1 seat in a group is lost" in page.text
    assert re.search(r"Anna Muster</bdi></a></th><td>(<[^>]*>)?Housing", page.text)
    assert "1 person moves up from the waitlist" in page.text
    assert "1 person is told what has changed" in page.text
    assert "registration.capacity" in page.text
    assert await everything() == before


async def test_another_house_concerns_nobody_while_the_event_is_online(town, browser):
    system = await town.system(await office())
    moved = {"venues": [{"key": "hall", "name": "Rathaus"}]}
    told = []
    for _ in ("in the hall", "online"):
        answer = await system.patch("/api/v1/events/forum?preview=true", json=moved)
        told.append(answer.json()["told"])
        await set_mode("forum", Mode.DIGITAL, Cause(), datetime.now(UTC), has_servers=True)
        await town.deliver()
    assert told == [{"event_changed": 2}, {}]


async def test_what_was_shown_is_applied_and_everybody_told(browser):
    text = without_group(await text_of(browser)).replace("capacity = 1\n", "capacity = 2\n")
    page = await look(browser, text)
    assert "Apply, and tell 2 people" in page.text
    answer = await browser.send_on(page, EDIT, {"step": "apply"})
    assert answer.status_code == 303
    assert answer.headers["location"] == DESK
    event = await details("forum")
    assert [group.key for group in event.groups] == ["bildung"]
    assert event.in_person_taken == 2
    assert await kinds() == ["confirmed", "event_changed", "promoted", "waitlisted"]
    assert await groups_held([row["id"] for row in await Registration.select()]) == {}


async def test_a_preview_wakes_no_worker(browser):
    text = without_group(await text_of(browser))
    page = await browser.get(EDIT)
    async with Listener(CHANNEL) as listener:
        await browser.send_on(page, EDIT, {"text": text, "step": "preview"})
        assert await listener.wait(0.3) == []
        await browser.send_on(await look(browser, text), EDIT, {"step": "apply"})
        assert await listener.wait(5) != []


async def test_people_without_an_address_are_listed_to_be_told(browser):
    await register_by_hand("forum", Newcomer("Kim Muster", None, "de"), await office(), datetime.now(UTC))
    page = await look(browser, (await text_of(browser)).replace("Stadthalle", "Rathaus"))
    assert "1 person has no email address" in page.text
    assert "Kim Muster" in page.text
    assert "Stadthalle" in page.text


async def test_a_change_in_between_is_not_undone(town, browser):
    text = (await text_of(browser)).replace("Stadthalle", "Rathaus")
    first, form = await look(browser, text), await browser.get(EDIT)
    other = msgspec.structs.replace(await publishing.document_of("forum"), title={"de": "Neu"})
    await publishing.edit("forum", other, await office(), datetime.now(UTC))
    late = await browser.send_on(form, EDIT, {"text": text, "step": "preview"})
    assert late.status_code == 409
    assert "changed the event in the meantime" in late.text
    assert "Rathaus" in late.text
    applied = await browser.send_on(first, EDIT, {"step": "apply"})
    assert applied.status_code == 409
    assert "Nothing was applied" in applied.text
    assert (await details("forum")).title == {"de": "Neu"}


async def test_others_than_were_shown_are_not_affected(town, browser):
    page = await look(browser, without_group(await text_of(browser)))
    anna = await Registration.objects().get(Registration.name == "Anna Muster")
    assert anna is not None
    await actions.cancel(anna.id, datetime.now(UTC))
    late = await browser.send_on(page, EDIT, {"step": "apply"})
    assert late.status_code == 409
    assert "look again" in late.text
    assert len((await details("forum")).groups) == 2
    assert (await browser.send_on(late, EDIT, {"step": "apply"})).status_code == 303


async def test_a_file_is_sent_and_takes_the_place_of_the_text(browser):
    page = await browser.get(EDIT)
    text = (await text_of(browser)).replace("Stadthalle", "Rathaus")
    answer = await browser.post(
        EDIT,
        data={**hidden_fields(page), "text": "nonsense", "step": "preview"},
        files={"file": ("event.toml", text.encode())},
    )
    assert answer.status_code == 200
    assert "Rathaus" in answer.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: "x" + text, "slugg|xslug|Is not TOML|unknown"),
        (lambda text: text.replace('slug = "forum"', 'slug = "other"'), "the event is forum"),
        (lambda text: text.replace("capacity = 1\n", 'capacity = "viele"\n'), "registration.capacity"),
        (lambda text: "[[events]]\n" + "", "events"),
        (lambda text: text.replace("capacity = 1\n", "capacity = 0\n"), "hold seats|capacity"),
    ],
)
async def test_a_file_that_cannot_be_is_refused_with_the_reasons_and_kept(browser, change, words):
    text = change(await text_of(browser))
    page = await look(browser, text)
    assert page.status_code in (409, 422)
    assert re.search(words, page.text.split('id="summary-title"')[1].split("</ul>")[0])
    assert text.strip().splitlines()[0].replace('"', "&#34;") in page.text
    back = await browser.send_form(EDIT, {"text": text, "step": "edit"})
    assert back.status_code == 200


async def test_a_file_without_a_status_leaves_the_event_published(browser):
    text = (await text_of(browser)).replace('status = "published"\n', "").replace("Stadthalle", "Rathaus")
    await browser.send_on(await look(browser, text), EDIT, {"step": "apply"})
    event = await details("forum")
    assert (event.status, event.venues[0].name) == ("published", "Rathaus")


async def test_an_event_becomes_cancelled_only_after_saying_whom_that_tells(browser):
    text = (await text_of(browser)).replace('status = "published"', 'status = "cancelled"')
    page = await look(browser, text)
    assert "2 people are told that the event is cancelled" in page.text
    assert (await details("forum")).status == "published"


# The API


async def test_the_api_says_who_would_be_affected_and_changes_nothing(town, browser):
    system = await town.system(await office())
    before = await everything()
    patch = {"groups": [], "registration": {"capacity": 2}}
    refused = await system.patch("/api/v1/events/forum?preview=true", json=patch)
    assert refused.status_code == 409
    answer = await system.patch("/api/v1/events/forum?preview=true&replace=true", json=patch)
    assert answer.status_code == 200
    assert answer.headers["etag"] == '"1"'
    body = answer.json()
    assert body["event"]["groups"] == []
    assert body["told"] == {"event_changed": 1, "promoted": 1}
    assert [(loss["name"], loss["session"], loss["group"]) for loss in body["losing"]] == [
        ("Anna Muster", "groups", "wohnen")
    ]
    assert [(person["name"], person["status"]) for person in body["moving_up"]] == [
        ("Ben Muster", "confirmed")
    ]
    assert body["untold"] == []
    assert {"path": "registration.capacity", "before": 1, "after": 2} in body["changes"]
    assert await everything() == before
    assert (await system.patch("/api/v1/events/forum?replace=true", json=patch)).status_code == 200
    assert (await details("forum")).groups == ()
    stale = await system.patch("/api/v1/events/forum?preview=true", json=patch, headers={"If-Match": '"1"'})
    assert stale.status_code == 409


async def test_a_preview_and_a_registration_at_once_do_not_hinder_each_other(town, browser):
    system = await town.system(await office())
    event = await details("forum")
    patch = {"registration": {"capacity": 5}}
    answers = await asyncio.gather(
        *(system.patch("/api/v1/events/forum?preview=true", json=patch) for _ in range(3)),
        *(town.register(event, f"Gast{number} Muster") for number in range(3)),
    )
    assert {answer.status_code for answer in answers[:3]} == {200}
    assert await Registration.count() == 5
    assert (await details("forum")).in_person_taken == 1
