"""The organiser's questions over HTTP: on the form, one's own page, the desk and the API."""

import csv
import io
import re
from html import unescape

import pytest

from events.actions import join
from events.queries import event_named
from events.tables import Organiser
from registration.consents import standing_consents
from registration.questions import QuestionSpec, complete
from registration.tables import Consent, Registration

FORM = "/events/forum/register"
API = "/api/v1/events/forum"
QUESTIONS = [
    {"preset": "organisation", "required": True},
    {"preset": "food", "required": True},
    {"preset": "childcare"},
    {"key": "bus", "type": "yes_no", "label": {"de": "Bus?", "en": "By bus?"}},
    {"key": "ask", "type": "text", "multiline": True, "label": {"de": "Ihre Frage"}},
    {"preset": "photo"},
]
PHOTO = complete(QuestionSpec(preset="photo")).text_hash("en", "de")
PERSON = {"name": "Kim Muster", "email": "kim@example.org", "group.groups": "none", "language": "de"}
ANSWERED = {
    "answers.organisation": "Chor",
    "answers.food.vegan": "yes",
    "answers.childcare": "2",
    "answers.bus": "no",
    "answers.ask": "Warum?\r\nWann?",
    "consents.photo": PHOTO,
}
BODY = {"name": "Kim Muster", "email": "kim@example.org"}


@pytest.fixture
async def forum(town):
    """An event with questions; its organiser is the office."""
    return await town.event(await town.organiser(), questions=QUESTIONS)


@pytest.fixture
async def system(town, forum):
    return await town.system(await organiser_of())


async def organiser_of():
    return await Organiser.objects().get(Organiser.email == "office@example.org")


async def kim():
    row = await Registration.objects().where(Registration.name == "Kim Muster").output(load_json=True).first()
    assert row is not None
    return row


def checked(page):
    """Names and values of the boxes and buttons that are ticked."""
    found = re.findall(r'<input [^>]*name="([^"]*)" value="([^"]*)" checked', page.text)
    return {(unescape(name), unescape(value)) for name, value in found}


async def test_the_form_asks_and_ticks_nothing_by_itself(visitor, forum):
    page = await visitor.get(FORM)
    assert "Which organisation do you come from?" in page.text
    assert '<span lang="de" dir="ltr">Ihre Frage</span>' in page.text
    assert "You may take photos" in page.text
    assert checked(page) == {("answers.bus", "")}


async def test_every_error_stands_at_its_field_and_nothing_typed_is_lost(visitor, forum):
    typed = {
        "answers.childcare": "elf",
        "answers.bus": "yes",
        "answers.ask": "<Warum> & wann?",
        "consents.photo": PHOTO,
    }
    page = await visitor.send_form(FORM, {**PERSON, **typed, "step": "check"})
    assert page.status_code == 422
    summary = re.findall(r'<li><a href="#([^"]*)">([^<]*)</a></li>', page.text)
    assert [(anchor, unescape(words)) for anchor, words in summary] == [
        ("answers-organisation", "Please answer: Which organisation do you come from?"),
        ("answers-food", "Please answer: What should we consider for your food?"),
        ("answers-childcare", "Enter a number in digits: For how many children do you need childcare?"),
    ]
    for anchor, _ in summary:
        assert page.text.count(f'id="{anchor}"') == page.text.count(f'id="{anchor}-error"') == 1
    assert checked(page) == {("answers.bus", "yes"), ("consents.photo", PHOTO)}
    assert 'value="elf"' in page.text
    assert "&lt;Warum&gt; &amp; wann?</textarea>" in page.text


@pytest.mark.parametrize(
    ("number", "words"), [("11", "Enter a number from 0 to 10: "), ("-1", "Enter a number from 0 to 10: ")]
)
async def test_a_number_out_of_its_range_is_told_the_range(visitor, forum, number, words):
    fields = {**PERSON, **ANSWERED, "answers.childcare": number, "step": "check"}
    page = await visitor.send_form(FORM, fields)
    assert page.status_code == 422
    assert words in page.text


async def test_answers_are_checked_shown_and_kept(visitor, forum):
    page = await visitor.send_form(FORM, {**PERSON, **ANSWERED, "step": "check"})
    assert page.status_code == 200
    for words in ("Chor", "Vegan", "By bus?", "Warum?\nWann?", "I agree", "You may take photos"):
        assert words in unescape(page.text).replace("\r\n", "\n")
    back = await visitor.send_on(page, FORM, {"step": "edit"})
    assert checked(back) == {("answers.food.vegan", "yes"), ("answers.bus", "no"), ("consents.photo", PHOTO)}
    done = await visitor.send_on(page, FORM, {"step": "submit"})
    assert done.status_code == 200
    row = await kim()
    assert row.answers == {"organisation": "Chor", "childcare": 2, "bus": False, "ask": "Warum?\nWann?"}
    assert row.special_answers == {"food": ["vegan"]}
    assert (await standing_consents([row.id]))[row.id]["photo"].language == "en"


async def test_what_is_sent_for_another_event_s_questions_is_not_kept(visitor, forum):
    fields = {**PERSON, **ANSWERED, "answers.shoe": "42", "consents.newsletter": "yes", "step": "submit"}
    assert (await visitor.send_form(FORM, fields)).status_code == 200
    row = await kim()
    assert "shoe" not in row.answers
    assert (await standing_consents([row.id]))[row.id].keys() == {"photo"}


async def test_a_consent_to_words_that_changed_is_asked_for_again(town, visitor, forum):
    page = await visitor.send_form(FORM, {**PERSON, **ANSWERED, "step": "check"})
    system = await town.system(await organiser_of())
    label = {"de": "Fotos sind erlaubt.", "en": "Photos are allowed."}
    questions = [*QUESTIONS[:-1], {"preset": "photo", "label": label}]
    assert (await system.patch(API, json={"questions": questions})).status_code == 200
    again = await visitor.send_on(page, FORM, {"step": "submit"})
    assert again.status_code == 422
    assert 'href="#consents-photo">This text has changed.' in again.text
    assert again.text.count('id="consents-photo-error"') == 1
    assert ("answers.food.vegan", "yes") in checked(again)
    assert "consents.photo" not in dict(checked(again))
    assert await Registration.count() == 0


async def test_a_consent_belongs_to_the_language_in_which_it_was_read(visitor, forum):
    page = await visitor.get("/de/events/forum/register")
    (photo,) = re.findall(r'name="consents.photo" value="(\w{64})"', page.text)
    assert photo == complete(QuestionSpec(preset="photo")).text_hash("de", "de") != PHOTO
    fields = {**PERSON, **ANSWERED, "language": "en", "consents.photo": photo, "step": "submit"}
    assert (await visitor.send_on(page, FORM, fields)).status_code == 200
    row = await kim()
    consent = (await standing_consents([row.id]))[row.id]["photo"]
    assert (row.language, consent.language, consent.text_hash) == ("en", "de", photo)


async def register(town, **more):
    event = await town.event(await town.organiser(), questions=QUESTIONS)
    answers = {"organisation": "Chor", "food": ["vegan", "halal"]}
    return await town.register(
        event, "Kim Muster", **{"answers": answers, "consents": {"photo": True}, **more}
    )


async def test_one_s_own_page_shows_the_answers_and_changes_consents_by_post_alone(town, visitor):
    row = await register(town)
    own = town.link("own", row)
    page = await visitor.get(own)
    for words in ("Chor", "Vegan", "Halal", "You agreed on", "Withdraw my consent"):
        assert words in page.text
    action = f"{own}/consents/photo"
    assert (await visitor.get(action)).status_code == 405
    assert (await standing_consents([row.id]))[row.id].keys() == {"photo"}
    answer = await visitor.send_form(action, {"given": "no"}, page=own)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{own}#consents")
    assert await standing_consents([row.id]) == {}
    page = await visitor.get(own)
    assert "You do not agree." in page.text
    assert (await visitor.send_form(action, {"given": "yes"}, page=own)).status_code == 303
    assert [
        (row["key"], row["withdrawn_at"] is None) for row in await Consent.select().order_by(Consent.id)
    ] == [
        ("photo", False),
        ("photo", True),
    ]


async def test_a_consent_that_nobody_asks_for_is_not_there(town, visitor):
    own = town.link("own", await register(town))
    answer = await visitor.send_form(f"{own}/consents/organisation", {"given": "yes"}, page=own)
    assert answer.status_code == 404


async def test_consents_open_by_one_s_own_link_alone(town, visitor):
    row = await register(town)
    own = town.link("own", row)
    for link in (town.link("join", row).replace("/join/", "/r/"), f"/r/{'A' * 54}"):
        answer = await visitor.send_form(f"{link}/consents/photo", {"given": "no"}, page=own)
        assert answer.status_code == 404
    assert (await standing_consents([row.id]))[row.id].keys() == {"photo"}


async def test_the_api_shows_the_questions_in_the_caller_s_language(visitor, forum):
    shown = (await visitor.get(API, headers={"Accept-Language": "de"})).json()["questions"]
    assert [(question["key"], question["type"]) for question in shown] == [
        ("organisation", "text"),
        ("food", "choices"),
        ("childcare", "number"),
        ("bus", "yes_no"),
        ("ask", "text"),
        ("photo", "consent"),
    ]
    food, children = shown[1:3]
    assert (food["label"], food["required"]) == ("Was sollen wir beim Essen beachten?", True)
    assert food["special_category"]
    assert {"key": "vegan", "label": "Vegan"} in food["choices"]
    assert (children["min"], children["max"]) == (0, 10)
    shown = (await visitor.get(API)).json()["questions"]
    assert (shown[3]["label"], shown[4]["label"], shown[4]["language"]) == ("By bus?", "Ihre Frage", "de")


@pytest.mark.parametrize(
    ("answers", "consents", "fields"),
    [
        ({}, {}, {"answers.organisation": "missing", "answers.food": "missing"}),
        ({"organisation": "x", "food": ["pizza"]}, {}, {"answers.food": "unknown"}),
        (
            {"organisation": "x", "food": ["vegan"], "y": 1},
            {"bus": True},
            {"answers.y": "unknown", "consents.bus": "unknown"},
        ),
        (
            {"organisation": "x" * 2001, "food": "vegan"},
            {},
            {"answers.organisation": "too-long", "answers.food": "invalid"},
        ),
    ],
)
async def test_the_api_names_every_answer_that_does_not_fit(visitor, forum, answers, consents, fields):
    body = {**BODY, "answers": answers, "consents": consents}
    answer = await visitor.post(f"{API}/registrations", json=body)
    assert answer.status_code == 422
    assert {error["field"]: error["code"] for error in answer.json()["errors"]} == fields
    assert await Registration.count() == 0


async def test_answers_of_special_categories_are_given_only_when_asked_and_never_to_helpers(town, system):
    answers = {"organisation": "Chor", "food": ["vegan"]}
    made = await system.post(f"{API}/registrations", json={**BODY, "answers": answers})
    assert made.json()["answers"] == {"organisation": "Chor"}
    patch = {"answers": {"organisation": "Verein", "food": ["halal"]}}
    changed = await system.patch(f"/api/v1/registrations/{made.json()['id']}", json=patch)
    assert changed.json()["answers"] == {"organisation": "Verein"}
    assert "special_answers" not in changed.json()
    for item in (await system.get(f"{API}/registrations")).json()["items"]:
        assert (item["answers"], item["consents"]) == ({"organisation": "Verein"}, {"photo": False})
        assert "special_answers" not in item
    listed = (await system.get(f"{API}/registrations", params={"special": "true"})).json()["items"]
    assert [item["special_answers"] for item in listed] == [{"food": ["halal"]}]
    helper = await town.organiser("helper", "helper")
    await join(helper, await event_named("forum"))
    listed = (await (await town.system(helper)).get(f"{API}/registrations?special=true")).json()["items"]
    assert listed
    assert not {"answers", "special_answers", "consents"} & listed[0].keys()


def table(text):
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=";"))


async def test_the_table_holds_answers_and_consents_and_the_special_ones_only_when_asked(town):
    await register(town)
    system = await town.system(await organiser_of())
    (row,) = table((await system.get(f"{API}/registrations.csv")).text)
    assert (row["answer:organisation"], row["answer:bus"], row["consent:photo"]) == ("Chor", "", "yes")
    assert not [title for title in row if "food" in title]
    assert "Vegan" not in row.values()
    (row,) = table((await system.get(f"{API}/registrations.csv?special=true")).text)
    assert row["special:food"] == "Vegan, Halal"


async def test_the_desk_shows_protected_answers_apart_and_to_no_helper(town):
    row = await register(town)
    browser = await town.signed_in(await organiser_of())
    page = (await browser.get(f"/organise/events/forum/attendees/{row.id}")).text
    plain, apart = page.split('id="protected"')
    assert "Chor" in plain
    assert "Vegan" not in plain
    assert "Vegan" in apart
    listed = (await browser.get("/organise/events/forum/attendees")).text
    assert "Vegan" not in listed
    assert "attendees.csv?special=true" in listed
    (line,) = table((await browser.get("/organise/events/forum/attendees.csv?special=true")).text)
    assert line["special:food"] == "Vegan, Halal"
    helper = await town.organiser("helper", "helper")
    await join(helper, await event_named("forum"))
    page = (await (await town.signed_in(helper)).get(f"/organise/events/forum/attendees/{row.id}")).text
    assert "Kim Muster" in page
    assert not {"Chor", "Vegan", "photos"} & set(re.findall(r"\w+", page))
