"""The organiser's questions on the desk: asked by hand, with nothing required, and changed."""

import re
from html import unescape

import pytest

from events.actions import join
from events.queries import event_named
from registration.consents import standing_consents
from registration.questions import QuestionSpec, complete
from registration.tables import Registration
from tests.dialograum.conftest import Town
from tests.visitor import Visitor, words

LIST = "/organise/events/forum/attendees"
NEW = f"{LIST}/new"
KIM = {"name": "Kim Muster", "email": "kim@example.org", "language": "de", "seats": "1"}
QUESTIONS = [
    {"preset": "organisation", "required": True},
    {"preset": "food", "required": True},
    {"preset": "childcare"},
    {"key": "ask", "type": "text", "multiline": True, "label": {"de": "Ihre Frage"}},
    {"preset": "photo"},
]
PHOTO = complete(QuestionSpec(preset="photo")).text_hash("en", "de")


@pytest.fixture
async def browser(town: Town) -> Visitor:
    organiser = await town.organiser()
    await town.event(organiser, registration={"confirm_email": False}, questions=QUESTIONS)
    return await town.signed_in(organiser)


async def kim() -> Registration:
    row = await Registration.objects().where(Registration.name == "Kim Muster").output(load_json=True).first()
    assert row is not None
    return row


def errors(page):
    return [
        (anchor, unescape(text))
        for anchor, text in re.findall(r'<li><a href="#([^"]*)">([^<]*)</a>', page.text)
    ]


async def test_whoever_phones_is_asked_but_need_not_answer(browser):
    page = await browser.get(NEW)
    text = words(page)
    for asked in ("Which organisation do you come from?", "Ihre Frage", "What does the person agree to?"):
        assert asked in text
    assert "Enter it only if the person agrees." in text
    assert 'name="answers.organisation" value="" dir="auto" required' not in page.text
    assert (await browser.send_form(NEW, KIM)).status_code == 303
    assert ((await kim()).answers, (await kim()).special_answers) == ({}, {})


async def test_what_they_answer_and_agree_to_is_kept(browser):
    fields = {"answers.organisation": "Chor", "answers.food.vegan": "yes", "consents.photo": PHOTO}
    assert (await browser.send_form(NEW, KIM | fields)).status_code == 303
    row = await kim()
    assert (row.answers, row.special_answers) == ({"organisation": "Chor"}, {"food": ["vegan"]})
    consent = (await standing_consents([row.id]))[row.id]["photo"]
    assert (consent.language, consent.text_hash) == ("en", PHOTO)


async def test_an_answer_that_does_not_fit_is_named_beside_all_else(browser):
    fields = {
        "name": " ",
        "answers.childcare": "elf",
        "answers.food.vegan": "yes",
        "consents.photo": "0" * 64,
    }
    page = await browser.send_form(NEW, KIM | fields)
    assert page.status_code == 422
    assert [field for field, _ in errors(page)] == ["name", "answers-childcare", "consents-photo"]
    assert errors(page)[1][1] == "Enter a number in digits: For how many children do you need childcare?"
    assert "This text has changed." in errors(page)[2][1]
    assert 'value="elf"' in page.text
    assert 'name="answers.food.vegan" value="yes" checked' in page.text
    assert page.text.count('id="answers-childcare-error"') == 1


@pytest.fixture
async def edit(town: Town, browser: Visitor) -> str:
    """The address of the form that changes what Kim answered."""
    fields = {"answers.organisation": "Chor", "answers.food.vegan": "yes", "answers.ask": "Warum?\r\nWann?"}
    await browser.send_form(NEW, KIM | fields)
    return f"{LIST}/{(await kim()).id}/edit"


SHOWN = {"answers.organisation": "Chor", "answers.food.vegan": "yes", "answers.ask": "Warum?\r\nWann?"}


async def test_the_edit_form_shows_the_answers_and_no_consents(browser, edit):
    page = await browser.get(edit)
    assert 'value="Chor"' in page.text
    assert 'name="answers.food.vegan" value="yes" checked' in page.text
    assert "Warum?\nWann?</textarea>" in page.text
    assert "consents." not in page.text


async def test_answers_sent_as_shown_stay_and_others_are_changed_or_taken_back(browser, edit):
    before = await kim()
    assert (await browser.send_form(edit, KIM | SHOWN)).status_code == 303
    assert (await kim()).answers == before.answers
    changed = {"answers.organisation": "Verein", "answers.childcare": "2", "answers.ask": ""}
    assert (await browser.send_form(edit, KIM | changed)).status_code == 303
    row = await kim()
    assert (row.answers, row.special_answers) == ({"organisation": "Verein", "childcare": 2}, {})


async def test_a_wrong_answer_is_said_at_its_field(browser, edit):
    page = await browser.send_form(edit, KIM | SHOWN | {"answers.childcare": "99"})
    assert page.status_code == 422
    assert errors(page) == [
        ("answers-childcare", "Enter a number from 0 to 10: For how many children do you need childcare?")
    ]
    assert (await kim()).answers["organisation"] == "Chor"


async def test_an_answer_changed_in_the_meantime_is_not_overwritten(browser, edit):
    page = await browser.get(edit)
    await Registration.update({Registration.answers: {"organisation": "Verein"}}, force=True)
    answer = await browser.send_on(page, edit, KIM | SHOWN)
    assert answer.status_code == 409
    assert 'value="Verein"' in answer.text


async def test_helpers_get_neither_form(town, browser, edit):
    helper = await town.organiser("helper", "helper")
    await join(helper, await event_named("forum"))
    visitor = await town.signed_in(helper)
    for path in (NEW, edit):
        answer = await visitor.get(path)
        assert answer.status_code == 403
        assert "Vegan" not in answer.text
