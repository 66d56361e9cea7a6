"""People who phone or come by, and what organisers change about somebody."""

import re
from uuid import UUID

import pytest

from events.queries import details
from events.tables import Event, Membership
from notifications.tables import Message
from registration import editing
from registration.queries import groups_held
from registration.tables import Registration
from tests.dialograum.conftest import Town
from tests.forum import forum
from tests.visitor import Visitor

LIST = "/organise/events/forum/attendees"
NEW = f"{LIST}/new"
KIM = {"name": "Kim Muster", "email": "kim@example.org", "language": "de", "seats": "1"}


@pytest.fixture
async def browser(town: Town) -> Visitor:
    """An organiser's browser; their event is the forum, with one seat that Anna holds."""
    organiser = await town.organiser()
    event = await town.event(organiser, registration={"capacity": 1, "confirm_email": False})
    await town.register(event, groups={"groups": ["wohnen"]})
    return await town.signed_in(organiser)


async def row_of(name: str) -> Registration:
    row = await Registration.objects().where(Registration.name == name).output(load_json=True).first()
    assert row is not None
    return row


async def mails_to(address: str) -> list[str]:
    rows = await Message.select(Message.kind).where(Message.recipient == address).order_by(Message.created_at)
    return [row["kind"] for row in rows]


async def names() -> list[str]:
    return [row["name"] for row in await Registration.select().order_by(Registration.arrival)]


def errors(page):
    """The entries of the summary, as links to the fields."""
    return re.findall(r'<li><a href="#([\w-]*)">', page.text)


def warning(page):
    return page.text.split('id="summary-title"')[1].split("</ul>")[0]


async def test_the_form_says_how_many_seats_are_left_before_anybody_is_registered(town, browser):
    await town.register(await details("forum"), "Ben Muster")
    page = await browser.get(NEW)
    assert "0 of 1 seat on site is free. 1 person waits for one." in page.text
    assert "raises the number of seats" in page.text
    assert await names() == ["Anna Muster", "Ben Muster"]


async def test_somebody_who_phones_is_registered_beyond_the_capacity_and_told_by_mail(browser):
    answer = await browser.send_form(NEW, KIM | {"seats": "2", "group.groups": "bildung"})
    kim = await row_of("Kim Muster")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{LIST}/{kim.id}/registered"
    assert (kim.status, kim.seats, kim.wishes) == ("confirmed", 2, {"groups": ["bildung"]})
    assert (await details("forum")).capacity == 3
    assert await mails_to("kim@example.org") == ["confirmed"]
    page = await browser.get(f"{LIST}/{kim.id}/registered")
    assert kim.number in page.text
    assert "We write to kim@example.org" in page.text


async def test_somebody_without_an_address_gets_a_number_to_hear_and_to_print(browser):
    answer = await browser.send_form(NEW, KIM | {"email": " "})
    kim = await row_of("Kim Muster")
    assert (kim.email, kim.address) == (None, None)
    page = await browser.get(answer.headers["location"])
    assert kim.number in page.text
    assert "print this page" in page.text
    assert await Message.count() == 1


async def test_a_known_address_leads_to_who_has_it(browser):
    anna = await row_of("Anna Muster")
    page = await browser.send_form(NEW, KIM | {"email": "ANNA@example.org", "group.groups": "bildung"})
    assert page.status_code == 422
    assert errors(page) == ["email"]
    assert f'href="{LIST}/{anna.id}"' in page.text
    assert 'value="Kim Muster"' in page.text
    assert 'value="bildung" selected' in page.text
    assert await names() == ["Anna Muster"]


async def test_a_name_without_an_address_is_registered_twice_only_when_that_is_meant(browser):
    twice = KIM | {"email": "", "name": "anna muster"}
    page = await browser.send_form(NEW, twice)
    assert page.status_code == 422
    assert 'name="another"' in page.text
    assert str((await row_of("Anna Muster")).id) in page.text
    answer = await browser.send_on(page, NEW, twice | {"another": "yes"})
    assert answer.status_code == 303
    assert await names() == ["Anna Muster", "anna muster"]


async def test_everything_wrong_is_said_at_once_and_nothing_typed_is_lost(browser):
    wrong = {"name": " ", "email": "kim@", "language": "xx", "seats": "9", "group.groups": "chor"}
    page = await browser.send_form(NEW, wrong)
    assert page.status_code == 422
    assert errors(page) == ["name", "email", "language", "seats", "group-groups"]
    assert "Enter the name" in warning(page)
    assert 'value="kim@"' in page.text
    assert "<title>Error:" in page.text


async def test_one_of_two_ways_to_take_part_must_be_chosen(town, browser):
    organiser = (await browser.get("/organise")).status_code
    assert organiser == 200
    admin = await town.organiser("admin", role="admin")
    await town.event(admin, slug="both", mode="hybrid", registration={"digital_capacity": 5})
    browser = await town.signed_in(admin)
    path = "/organise/events/both/attendees/new"
    assert "0 of 5" not in (await browser.get(path)).text
    page = await browser.send_form(path, KIM)
    assert errors(page) == ["attendance"]
    await browser.send_form(path, KIM | {"attendance": "online"})
    assert (await row_of("Kim Muster")).attendance == "online"


async def test_a_cancelled_event_takes_nobody(browser):
    await browser.send_form("/organise/events/forum/cancellation")
    assert NEW not in (await browser.get(LIST)).text
    assert (await browser.send_form(NEW, KIM)).status_code == 409
    assert await names() == ["Anna Muster"]


@pytest.mark.parametrize("path", ["new", "{id}/edit", "{id}/registered"])
async def test_helpers_register_and_change_nobody(town, browser, path):
    helper = await town.organiser("helper", role="helper")
    event = await Event.objects().get(Event.slug == "forum")
    assert event is not None
    await Membership.insert(Membership(organiser=helper.id, event=event.id, role="helper"))
    path = f"{LIST}/{path.format(id=(await row_of('Anna Muster')).id)}"
    visitor = await town.signed_in(helper)
    assert (await visitor.get(path)).status_code == 403
    assert NEW not in (await visitor.get(LIST)).text


# Changing somebody


async def edit(browser: Visitor, **changes: str):
    """Sends the form as it stands with some of its fields changed."""
    row = await row_of("Anna Muster")
    held = (await groups_held([row.id])).get(row.id, {})
    shown = {
        "name": row.name,
        "email": row.email or "",
        "language": row.language,
        "seats": str(row.seats),
        **{f"group.{session}": group for session, group in held.items()},
    }
    fields = {key.replace("__", "."): value for key, value in changes.items()}
    return await browser.send_form(f"{LIST}/{row.id}/edit", shown | fields)


async def test_what_is_changed_is_told_and_the_rest_stays(town, browser):
    await town.deliver()
    before = await row_of("Anna Muster")
    answer = await edit(browser, name="Anna Beispiel", seats="3", group__groups="bildung")
    assert answer.headers["location"] == f"{LIST}/{before.id}"
    after = await row_of("Anna Beispiel")
    assert (after.seats, after.email, after.own_nonce) == (3, before.email, before.own_nonce)
    assert (await groups_held([after.id]))[after.id] == {"groups": "bildung"}
    assert (await details("forum")).capacity == 3
    messages = await Message.objects().where(Message.kind == "registration_changed").output(load_json=True)
    assert [[change["what"] for change in one.context["changes"]] for one in messages] == [
        ["name", "seats", "groups"]
    ]


async def test_one_is_signed_up_for_an_optional_session_and_out_of_it_again(town, browser):
    admin = await town.organiser("admin", role="admin")
    dinner = {**forum()["sessions"][0], "key": "dinner", "optional": True, "capacity": 1}
    await town.event(admin, slug="feast", sessions=[dinner], groups=[])
    browser = await town.signed_in(admin)
    path = "/organise/events/feast/attendees"
    await browser.send_form(f"{path}/new", KIM | {"group.dinner": "dinner"})
    kim = await row_of("Kim Muster")
    assert (await groups_held([kim.id]))[kim.id] == {"dinner": "dinner"}
    answer = await browser.send_form(f"{path}/{kim.id}/edit", KIM)
    assert answer.status_code == 303
    assert await groups_held([kim.id]) == {}


async def test_a_form_that_changes_nothing_tells_nobody(browser):
    answer = await edit(browser)
    assert answer.status_code == 303
    assert await mails_to("anna@example.org") == ["confirmed"]


async def test_an_address_of_somebody_else_is_refused_with_the_way_to_them(browser):
    await browser.send_form(NEW, KIM)
    kim = await row_of("Kim Muster")
    page = await edit(browser, email="KIM@example.org")
    assert page.status_code == 422
    assert errors(page) == ["email"]
    assert f'href="{LIST}/{kim.id}"' in page.text
    assert (await row_of("Anna Muster")).email == "anna@example.org"


async def test_what_somebody_else_changed_meanwhile_is_not_undone(town, browser):
    anna = await row_of("Anna Muster")
    path = f"{LIST}/{anna.id}/edit"
    page = await browser.get(path)
    by = await town.organiser("other")
    await editing.edit(anna.id, editing.Edit(seats=4), by, anna.registered_at)
    late = await browser.send_on(page, path, KIM | {"name": "Anna Muster", "email": "anna@example.org"})
    assert late.status_code == 409
    assert "changed this in the meantime" in warning(late)
    assert 'value="4" selected' in late.text
    assert (await row_of("Anna Muster")).seats == 4


async def test_errors_of_an_edit_stand_at_their_fields(browser):
    page = await edit(browser, name="", email="x", group__groups="chor")
    assert page.status_code == 422
    assert errors(page) == ["name", "email", "group-groups"]
    assert (await row_of("Anna Muster")).email == "anna@example.org"


async def test_whoever_has_cancelled_is_not_changed(browser):
    anna = await row_of("Anna Muster")
    await browser.send_form(f"{LIST}/{anna.id}/cancellation", page=f"{LIST}/{anna.id}")
    assert (await browser.get(f"{LIST}/{anna.id}/edit")).status_code == 409
    assert f"{anna.id}/edit" not in (await browser.get(f"{LIST}/{anna.id}")).text


async def test_somebody_of_another_event_is_not_reached_through_this_one(town, browser):
    await town.event(slug="foreign")
    foreign = await town.register(await details("foreign"), "Fern Muster")
    for path in (
        f"{LIST}/{foreign.id}/edit",
        f"{LIST}/{foreign.id}/registered",
        f"{LIST}/{UUID(int=0)}/edit",
    ):
        assert (await browser.get(path)).status_code in (403, 404), path
