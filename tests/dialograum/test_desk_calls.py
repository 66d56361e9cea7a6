"""The list of people to call: who takes part online and cannot, or has no e-mail address."""

import pytest

from events.queries import details
from events.tables import Event, Membership
from registration.attendees import phone_of
from registration.tables import Registration
from tests.visitor import headings, words

PAGE = "/organise/events/forum/calls"
MODE = "/organise/events/forum/mode"
PHONE = {"key": "phone", "type": "text", "label": {"de": "Telefon", "en": "Telephone"}}
HYBRID = {"mode": "hybrid", "registration": {"confirm_email": False}}


@pytest.fixture
async def office(town):
    return await town.organiser()


@pytest.fixture
async def event(town, office):
    return await town.event(office, questions=[PHONE], **HYBRID)


async def set_row(name, **values):
    columns = {getattr(Registration, column): value for column, value in values.items()}
    await Registration.update(columns).where(Registration.name == name)


async def people(town):
    """One of each kind; only the first three are to be called."""
    event = await details("forum")
    online = {"attendance": "online"}
    await town.register(
        event,
        "Anna Allein",
        online_access="none",
        answers={"phone": "05241 1"},
        groups={"groups": ["wohnen"]},
        **online,
    )
    await town.register(event, "Berta Telefon", online_access="phone", **online)
    await town.register(event, "Carl Ohne", **online)
    await set_row("Carl Ohne", email=None, address=None)
    await town.register(event, "Dora Kann", **online)
    await town.register(event, "Emil Saal", online_access="none", attendance="in_person")
    await town.register(event, "Frieda Weg", online_access="none", **online)
    await set_row("Frieda Weg", status="cancelled")


async def test_it_names_who_cannot_and_who_has_no_address_with_all_that_a_call_needs(town, office, event):
    await people(town)
    page = await (await town.signed_in(office)).get(PAGE)
    assert headings(page) == ["People to call"]
    text = words(page)
    named = [name for name in ("Anna", "Berta", "Carl", "Dora", "Emil", "Frieda") if f"{name} " in text]
    assert named == ["Anna", "Berta", "Carl"]
    anna = await Registration.objects().where(Registration.name == "Anna Allein").first()
    assert anna is not None
    assert f"Anna Allein anna@example.org {anna.number} 05241 1 Not online Housing English" in text
    assert 'href="tel:052411"' in page.text
    assert "Carl Ohne no email address" in text
    assert "3 people to call" in text


async def test_helpers_see_names_numbers_and_groups_alone(town, office, event):
    await people(town)
    helper = await town.organiser("helper", "helper")
    await Membership(event=event.id, organiser=helper.id, role="helper").save()
    page = await (await town.signed_in(helper)).get(PAGE)
    text = words(page)
    assert "Anna Allein" in text
    assert "Housing" in text
    for hidden in ("anna@example.org", "05241 1", "Not online", "Ohne no email address", "tel:"):
        assert hidden not in text + page.text


async def test_the_mode_page_leads_there_where_anybody_is_to_be_called(town, office, event):
    browser = await town.signed_in(office)
    assert PAGE not in (await browser.get(MODE)).text
    await people(town)
    page = await browser.get(MODE)
    assert f'href="{PAGE}"' in page.text
    assert "3 people cannot follow online or have no email address" in words(page)


async def test_where_nobody_is_to_be_called_it_says_so(town, office, event):
    await town.register(await details("forum"), "Emil Saal", online_access="none")
    page = await (await town.signed_in(office)).get(PAGE)
    assert "Nobody needs a call" in words(page)


async def test_strangers_do_not_see_it(town, event, visitor):
    answer = await visitor.get(PAGE)
    assert answer.status_code == 303
    assert "/sign-in" in answer.headers["location"]
    stranger = await town.signed_in(await town.organiser("stranger"))
    assert (await stranger.get(PAGE)).status_code in (403, 404)


async def test_a_long_list_goes_on_on_the_next_page(town, office, event, monkeypatch):
    await people(town)
    monkeypatch.setattr("dialograum.desk_calls.PAGE", 2)
    browser = await town.signed_in(office)
    first = await browser.get(PAGE)
    assert "Carl Ohne" not in words(first)
    after = first.text.split(f'href="{PAGE}?after=')[1].split('"')[0]
    second = words(await browser.get(f"{PAGE}?after={after}"))
    assert "Carl Ohne" in second
    assert "Anna Allein" not in second


@pytest.mark.parametrize(
    ("key", "type_", "label", "answer", "phone"),
    [
        ("phone", "text", "Wie erreichen wir Sie?", "05241 1", "05241 1"),
        ("q1", "text", "Ihre Telefonnummer", "05241 1", "05241 1"),
        ("mobile-number", "text", "Rückruf", "0170 1", "0170 1"),
        ("q1", "text", "Ihre Handynummer", "0170 1", "0170 1"),
        ("organisation", "text", "Für welche Organisation?", "Chor", None),
        ("hotel", "text", "In welchem Hotel?", "Post", None),
        ("mobility", "text", "Wie mobil sind Sie?", "Rollstuhl", None),
        ("plate", "text", "Was kommt auf den Teller?", "Suppe", None),
        ("phone", "yes_no", "Dürfen wir Sie anrufen?", True, None),
        ("phone", "text", "Telefon", "", None),
    ],
)
async def test_a_question_for_a_number_is_known_by_its_key_or_words(town, key, type_, label, answer, phone):
    event = await town.event(questions=[{"key": key, "type": type_, "label": {"de": label}}])
    assert phone_of(event, Registration(answers={key: answer}, special_answers={})) == phone


async def test_they_stand_on_the_list_once_the_event_is_online(town, office):
    event = await town.event(office, registration={"confirm_email": False})
    await town.register(event, "Anna Allein", online_access="none")
    browser = await town.signed_in(office)
    assert "Anna Allein" not in words(await browser.get(PAGE))
    await Event.update({Event.mode: "digital"}, force=True)
    await set_row("Anna Allein", attendance="online")
    assert "Anna Allein" in words(await browser.get(PAGE))
