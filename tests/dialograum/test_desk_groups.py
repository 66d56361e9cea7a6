"""The organisers' pages of the groups: what stands on them, what is tried, proposed and applied, and locks."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from events.actions import join
from events.queries import details, event_by_id
from events.tables import Organiser
from notifications.tables import Message
from registration import actions, rounds
from registration.locking import locked_sessions
from registration.queries import groups_held
from registration.tables import Assignment, Registration
from tests.dialograum.conftest import Town
from tests.forum import forum
from tests.visitor import Visitor, headings, words

DESK = "/organise/events/forum"
PAGE, PROPOSAL = f"{DESK}/groups", f"{DESK}/groups/proposal"
WISHES = {"Anna Muster": ["wohnen", "bildung"], "Ben Muster": ["wohnen"], "Cem Muster": ["wohnen", "bildung"]}


@pytest.fixture
async def browser(town: Town) -> Visitor:
    """An organiser's browser; three people wish the two seats in the same group."""
    organiser = await town.organiser()
    day = forum()["starts_at"][:10]
    dinner = {
        "key": "dinner",
        "starts_at": f"{day}T18:00:00",
        "ends_at": f"{day}T19:00:00",
        "title": {"de": "Gemeinsames Abendessen", "en": "Dinner together"},
        "optional": True,
        "capacity": 12,
    }
    terms = {"allocation": "at_deadline", "confirm_email": False}
    event = await town.event(organiser, registration=terms, sessions=[*forum()["sessions"], dinner])
    for name, groups in WISHES.items():
        await town.register(event, name, groups={"groups": groups, "dinner": ["dinner"]})
    return await town.signed_in(organiser)


async def id_of(name: str) -> UUID:
    row = await Registration.objects().where(Registration.name == name).first()
    assert row is not None
    found: UUID = row.id
    return found


async def group_of(name: str) -> str | None:
    who = await id_of(name)
    return (await groups_held([who])).get(who, {}).get("groups")


async def assign() -> None:
    event = await details("forum")
    assert await rounds.assign_at_deadline(event.id, event.closes_at)


async def leave(name: str) -> None:
    await actions.cancel(await id_of(name), datetime.now(UTC))


async def test_before_the_deadline_one_sees_what_would_come_out(browser):
    page = await browser.get(PAGE)
    assert headings(page) == ["Groups"]
    assert "Wishes are being collected" in words(page)
    assert "0 of 12 seats taken" in words(page)
    answer = await browser.send_form(PROPOSAL, page=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, PROPOSAL)
    trial = await browser.get(PROPOSAL)
    assert headings(trial) == ["What would come out now"]
    assert "The groups of 3 people would change." in words(trial)
    assert "Apply this assignment" not in trial.text
    assert await group_of("Ben Muster") is None
    assert await Assignment.count() == 0


async def test_after_the_deadline_the_page_says_who_is_where_and_what_they_got(browser):
    await assign()
    page = await browser.get(PAGE)
    text = words(page)
    assert "Assigned on" in text
    assert "First wish 5" in text
    assert "Second wish 1" in text
    assert "Without a seat 0" in text
    assert "Proved to be the best there is." in text
    assert f"Seed of the lots: {(await details('forum')).assignment_seed}." in text
    assert "2 of 2 seats taken" in text
    assert "3 of 12 seats taken" in text
    for name in WISHES:
        assert f'{DESK}/attendees/{await id_of(name)}"><bdi>{name}</bdi>' in page.text
    assert "Groups assigned" in words(await browser.get(DESK))


async def test_a_new_assignment_is_applied_by_a_second_step(town, browser):
    await assign()
    await town.register(await details("forum"), "Dan Muster")
    await leave("Ben Muster")
    await town.deliver()
    await browser.send_form(PROPOSAL, page=PAGE)
    shown = await browser.get(PROPOSAL)
    assert headings(shown) == ["New assignment"]
    assert "is told at once" in words(shown)
    assert await group_of("Dan Muster") is None
    answer = await browser.send_on(shown, f"{PAGE}/assignment")
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert await group_of("Dan Muster") is not None
    assert await Assignment.count() == 2
    letters = Message.select(Message.kind).where(Message.recipient_name == "Dan Muster")
    kinds = [row["kind"] for row in await letters.order_by(Message.created_at)]
    assert kinds == ["confirmed", "registration_changed"]
    assert "Result of the assignment of" in words(await browser.get(PAGE))
    gone = await browser.get(PROPOSAL)
    assert "There is nothing to look at any more" in words(gone)


async def test_what_has_changed_since_is_said_and_nothing_is_applied(town, browser):
    await assign()
    await town.register(await details("forum"), "Dan Muster")
    await browser.send_form(PROPOSAL, page=PAGE)
    shown = await browser.get(PROPOSAL)
    await leave("Anna Muster")
    refused = await browser.send_on(shown, f"{PAGE}/assignment")
    assert refused.status_code == 409
    assert "Something has changed meanwhile Nothing was applied." in words(refused)
    assert "Apply this assignment" not in refused.text
    assert await Assignment.count() == 1
    assert "Something has changed meanwhile" in words(await browser.get(PROPOSAL))
    for number in ("", "x", "9" * 40):
        assert (await browser.send_on(shown, f"{PAGE}/assignment", {"proposal": number})).status_code == 409


async def test_a_person_is_locked_to_the_group_and_released(browser):
    await assign()
    own = f"{DESK}/attendees/{await id_of('Ben Muster')}"
    page = await browser.get(own)
    assert "Lock to this group" in page.text
    answer = await browser.send_on(page, f"{own}/lock", {"session": "groups", "locked": "yes"})
    assert (answer.status_code, answer.headers["location"]) == (303, own)
    assert await locked_sessions(await id_of("Ben Muster")) == {"groups"}
    page = await browser.get(own)
    assert "no assignment moves this person" in page.text
    assert "locked" in words(await browser.get(PAGE))
    await browser.send_on(page, f"{own}/lock", {"session": "groups", "locked": "no"})
    assert await locked_sessions(await id_of("Ben Muster")) == set()
    assert (await browser.send_on(page, f"{own}/lock", {"session": "nowhere"})).status_code == 409
    assert "Lock to a group lifted" in words(await browser.get(DESK))


async def test_helpers_see_the_groups_and_change_nothing(town, browser):
    helper = await town.organiser("helper", "helper")
    event = await details("forum")
    await join(helper, await event_by_id(event.id))
    await assign()
    visitor = await town.signed_in(helper)
    page = await visitor.get(PAGE)
    assert "Anna Muster" in page.text
    assert "groups/proposal" not in page.text
    for path in (PROPOSAL, f"{PAGE}/assignment", f"{DESK}/attendees/{await id_of('Ben Muster')}/lock"):
        assert (await visitor.send_form(path, page="/organise")).status_code == 403
    assert (await visitor.get(PROPOSAL)).status_code == 403


async def test_where_groups_are_given_as_people_come_nothing_is_worked_out(town, browser):
    organiser = await Organiser.objects().get(Organiser.email == "office@example.org")
    await town.event(organiser, slug="other")
    page = await browser.get("/organise/events/other/groups")
    assert "Seats are given as people register" in words(page)
    answer = await browser.send_form("/organise/events/other/groups/proposal", page="/organise")
    assert answer.status_code == 409


async def test_the_public_page_tells_the_method_and_then_the_seed(town, browser):
    visitor = await town.visitor()
    before = await visitor.get("/events/forum")
    assert "How the groups are assigned" in before.text
    assert "Between equal wishes a lot decides" in before.text
    assert "drawn with the number" not in before.text
    await assign()
    after = await visitor.get("/events/forum")
    assert f"<code>{(await details('forum')).assignment_seed}</code>" in after.text
