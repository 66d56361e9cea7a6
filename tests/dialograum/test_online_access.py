"""Who cannot take part online says so: at registration, on the own page, on the desk and in the API."""

import re

import pytest

from events.queries import details
from events.tables import Event
from registration.tables import Registration
from tests.hybrid.town import RULE
from tests.visitor import words

FORM = "/events/forum/register"
API = "/api/v1/events/forum/registrations"
TYPED = {"name": "Kim Muster", "email": "kim@example.org", "seats": "1", "group.groups": "none"}
QUESTION = "Could you take part online?"
BACK = "If the event comes back to the venue: would you come there?"


async def row_of(name="Kim Muster"):
    found = await Registration.objects().where(Registration.name == name).output(load_json=True).first()
    assert found is not None
    return found


async def move_online():
    await Event.update({Event.mode: "digital", Event.online_limit: None}, force=True)


async def through_the_form(visitor, **typed):
    """Fills in the form, checks and sends it; the page with the entries to check."""
    checked = await visitor.send_form(FORM, {**TYPED, **typed, "step": "check"})
    if checked.status_code == 200:
        assert (await visitor.send_on(checked, FORM, {"step": "submit"})).status_code == 200
    return checked


def error_fields(page):
    return re.findall(r'<li><a href="#([\w-]*)">', page.text)


# The form


@pytest.mark.parametrize(
    ("rules", "base", "mode", "asked"),
    [
        ([], "in_person", "in_person", False),
        ([RULE], "in_person", "in_person", True),
        ([RULE], "hybrid", "hybrid", True),
        ([RULE], "digital", "digital", False),
        ([], "in_person", "hybrid", True),
    ],
    ids=["no rule", "a rule", "hybrid with a rule", "digital by itself", "moved by hand"],
)
async def test_only_where_the_event_could_move_people_are_asked(town, visitor, rules, base, mode, asked):
    await town.event(mode=base, mode_rules=rules)
    await Event.update({Event.mode: mode}, force=True)
    page = await visitor.get(FORM)
    assert page.status_code == 200
    assert ("take part online?" in words(page)) is asked
    assert BACK not in words(page)


@pytest.mark.parametrize(
    ("typed", "access", "said"),
    [
        ({}, None, "Online as well"),
        ({"online_access": "phone"}, "phone", "Only by phone"),
        ({"online_access": "none"}, "none", "Not online"),
    ],
)
async def test_what_is_chosen_is_shown_to_check_and_kept(town, visitor, typed, access, said):
    await town.event(mode_rules=[RULE])
    checked = await through_the_form(visitor, **typed)
    assert f"Taking part online {said}" in words(checked)
    row = await row_of()
    assert (row.online_access, row.attendance_wished) == (access, None)


async def test_a_choice_that_there_is_not_comes_back_with_everything(town, visitor):
    await town.event(mode_rules=[RULE])
    refused = await through_the_form(visitor, online_access="fax")
    assert refused.status_code == 422
    assert error_fields(refused) == ["online_access"]
    assert 'value="kim@example.org"' in refused.text


async def test_where_nothing_is_asked_nothing_is_kept(town, visitor):
    await town.event()
    await through_the_form(visitor, online_access="none", attendance_wished="in_person")
    row = await row_of()
    assert (row.online_access, row.attendance_wished) == (None, None)


@pytest.mark.parametrize("wished", ["in_person", "online"])
async def test_who_registers_while_it_is_online_says_where_they_would_be_once_it_comes_back(
    town, visitor, wished
):
    await town.event()
    await move_online()
    page = await visitor.get(FORM)
    assert BACK in words(page)
    refused = await through_the_form(visitor)
    assert error_fields(refused) == ["attendance_wished"]
    await through_the_form(visitor, attendance_wished=wished)
    row = await row_of()
    assert (row.attendance, row.attendance_wished) == ("online", wished)


# One's own page


async def test_on_the_own_page_it_can_be_changed_and_nobody_else_moves(town, visitor):
    event = await town.event(mode_rules=[RULE], registration={"confirm_email": False})
    row = await town.register(event, "Kim Muster")
    own = town.link("own", row)
    page = await visitor.get(own)
    assert "Taking part online Online as well" in words(page)
    assert f'href="{own}/online"' in page.text
    assert BACK not in words(await visitor.get(f"{own}/online"))
    answer = await visitor.send_form(f"{own}/online", {"online_access": "phone"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{own}?saved=online")
    page = await visitor.get(answer.headers["location"])
    assert "We have saved whether you can take part online." in words(page)
    assert "Taking part online Only by phone" in words(page)
    after = await row_of()
    assert (after.online_access, after.attendance, after.sequence) == ("phone", row.attendance, row.sequence)


async def test_while_it_is_online_the_wish_for_later_can_be_changed(town, visitor):
    event = await town.event(registration={"confirm_email": False})
    await move_online()
    own = town.link("own", await town.register(event, "Kim Muster", attendance_wished="online"))
    assert "If the event comes back Then online all the same" in words(await visitor.get(own))
    refused = await visitor.send_form(f"{own}/online", {"attendance_wished": "elsewhere"})
    assert (refused.status_code, error_fields(refused)) == (422, ["attendance_wished"])
    assert (await visitor.send_form(f"{own}/online", {"attendance_wished": "in_person"})).status_code == 303
    assert (await row_of()).attendance_wished == "in_person"


async def test_where_the_event_cannot_move_there_is_no_such_page(town, visitor):
    own = town.link("own", await town.register(await town.event(), "Kim Muster"))
    assert "Taking part online" not in words(await visitor.get(own))
    assert (await visitor.get(f"{own}/online")).status_code == 404


async def test_who_has_said_it_can_take_it_back_though_the_rule_is_gone(town, visitor):
    own = town.link("own", await town.register(await town.event(), "Kim Muster", online_access="none"))
    assert "Taking part online Not online" in words(await visitor.get(own))
    assert (await visitor.send_form(f"{own}/online", {"online_access": ""})).status_code == 303
    assert (await row_of()).online_access is None


# By hand


async def test_on_the_desk_it_is_noted_and_changed_by_hand(town):
    organiser = await town.organiser()
    await town.event(organiser)
    desk = await town.signed_in(organiser)
    people = "/organise/events/forum/attendees"
    answer = await desk.send_form(
        f"{people}/new", {"name": "Kim Muster", "language": "de", "seats": "1", "online_access": "none"}
    )
    assert answer.status_code == 303
    row = await row_of()
    assert row.online_access == "none"
    entry = f"{people}/{row.id}"
    assert "Taking part online Not online" in words(await desk.get(entry))
    fields = {"name": row.name, "language": "de", "seats": "1", "attendance": "in_person"}
    assert (await desk.send_form(f"{entry}/edit", {**fields, "online_access": "phone"})).status_code == 303
    assert (await row_of()).online_access == "phone"
    refused = await desk.send_form(f"{entry}/edit", {**fields, "online_access": "fax"})
    assert refused.status_code == 422
    assert (await row_of()).online_access == "phone"


async def test_while_it_is_online_the_desk_notes_the_wish_for_later(town):
    organiser = await town.organiser()
    await town.event(organiser)
    await move_online()
    desk = await town.signed_in(organiser)
    people = "/organise/events/forum/attendees"
    typed = {"name": "Kim Muster", "language": "de", "seats": "1", "attendance_wished": "in_person"}
    assert (await desk.send_form(f"{people}/new", typed)).status_code == 303
    row = await row_of()
    assert (row.attendance, row.attendance_wished) == ("online", "in_person")
    edit = {"name": row.name, "language": "de", "seats": "1", "attendance_wished": "online"}
    assert (await desk.send_form(f"{people}/{row.id}/edit", edit)).status_code == 303
    assert (await row_of()).attendance_wished == "online"


# The API


async def test_the_api_takes_both_keys_and_shows_them(town, visitor):
    organiser = await town.organiser()
    await town.event(organiser)
    sent = {
        "name": "Kim Muster",
        "email": "kim@example.org",
        "online_access": "phone",
        "attendance_wished": "in_person",
    }
    assert (await visitor.post(API, json=sent)).status_code == 201
    system = await town.system(organiser)
    listed = (await system.get(API)).json()["items"]
    assert [(one["online_access"], one["attendance_wished"]) for one in listed] == [("phone", "in_person")]
    url = f"/api/v1/registrations/{listed[0]['id']}"
    after = (await system.patch(url, json={"online_access": None, "attendance_wished": "online"})).json()
    assert (after["online_access"], after["attendance_wished"]) == (None, "online")
    unchanged = (await system.patch(url, json={"name": "Kim Beispiel"})).json()
    assert (unchanged["online_access"], unchanged["attendance_wished"]) == (None, "online")
    for body in ({"online_access": "fax"}, {"attendance_wished": "elsewhere"}):
        assert (await visitor.post(API, json=sent | body)).status_code == 422
        assert (await system.patch(url, json=body)).status_code == 422


async def test_the_exported_list_says_who_cannot(town):
    organiser = await town.organiser()
    event = await town.event(organiser)
    await town.register(await details(event.slug), "Kim Muster", online_access="none")
    text = (await (await town.system(organiser)).get(f"{API}.csv")).content.decode("utf-8-sig")
    heading, kim = (line.split(";") for line in text.splitlines())
    assert dict(zip(heading, kim, strict=True))['"online_access"'] == '"none"'
