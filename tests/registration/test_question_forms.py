"""Fields of a page become answers and consents, and answers become fields again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.answers import Accepted, accepted
from registration.question_forms import fields_of, outdated, typed
from registration.questions import ChoiceSpec, Question

CHOICES = tuple(ChoiceSpec(key=key, label={"de": key}) for key in ("bus", "rad", "bahn"))
ASKED = (
    Question(key="club", type="text", label={"de": "Verein?"}),
    Question(key="way", type="choice", label={"de": "Wie?"}, choices=CHOICES),
    Question(key="ways", type="choices", label={"de": "Wie alles?"}, choices=CHOICES),
    Question(key="car", type="yes_no", label={"de": "Auto?"}),
    Question(key="children", type="number", label={"de": "Kinder?"}),
    Question(key="photo", type="consent", label={"de": "Fotos."}),
)


def answers_in(**values):
    return typed({name.replace("__", "."): value for name, value in values.items()}, ASKED)[0]


def test_a_filled_in_page_becomes_answers_and_consents():
    values = {
        "name": "Kim",
        "answers.club": " Chor ",
        "answers.way": "rad",
        "answers.ways.bahn": "yes",
        "answers.ways.bus": "yes",
        "answers.car": "no",
        "answers.children": "2",
        "consents.photo": "yes",
    }
    answers = {"club": "Chor", "way": "rad", "ways": ["bus", "bahn"], "car": False, "children": 2}
    assert typed(values, ASKED) == (answers, {"photo": True})


def test_an_empty_page_answers_nothing_and_agrees_to_nothing():
    assert typed({}, ASKED) == ({}, {"photo": False})
    blank = dict.fromkeys(["answers.club", "answers.way", "answers.car", "answers.children"], " ")
    assert typed(blank, ASKED) == ({}, {"photo": False})


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("12", 12),
        ("2,5", 2.5),
        ("2.50", 2.5),
        ("-3", -3),
        ("+3", 3),
        ("٣", 3),
        (" 7 ", 7),
        ("1,0", 1),
    ],
)
def test_numbers_are_read_as_people_write_them(text, number):
    assert answers_in(answers__children=text) == {"children": number}


@pytest.mark.parametrize("text", ["zwei", "1e400", "1.000.000", "nan", "inf", "0x10", "2 3", "9" * 4000])
def test_what_is_no_number_stays_as_typed_and_is_refused(text):
    answers = answers_in(answers__children=text)
    assert answers == {"children": text}
    assert accepted(ASKED, answers, {}, "de", "de") == [("answers.children", "invalid")]


def test_another_word_than_yes_or_no_is_refused():
    assert accepted(ASKED, answers_in(answers__car="maybe"), {}, "de", "de") == [("answers.car", "invalid")]


def test_a_tick_counts_only_beside_the_words_that_are_asked_now():
    german, other = ASKED[-1].text_hash("de", "de"), "yes"
    assert outdated({"consents.photo": german}, ASKED, "de", "de") == []
    assert outdated({"consents.photo": german}, ASKED, "en", "de") == []
    assert outdated({"consents.photo": ""}, ASKED, "de", "de") == outdated({}, ASKED, "de", "de") == []
    assert outdated({"consents.photo": other}, ASKED, "de", "de") == [("consents.photo", "changed")]


ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "club": st.text(max_size=50),
        "way": st.sampled_from(["bus", "rad", "bahn"]),
        "ways": st.lists(st.sampled_from(["bus", "rad", "bahn"])),
        "car": st.booleans(),
        "children": st.integers(-1000, 1000) | st.integers(-4000, 4000).map(lambda n: n / 8),
    },
)


@given(answers=ANSWERS)
def test_kept_answers_fill_the_page_and_come_back_the_same(answers):
    result = accepted(ASKED, answers, {}, "de", "de")
    if isinstance(result, Accepted):
        assert typed(fields_of(ASKED, result.answers), ASKED)[0] == result.answers
