"""Which answers are accepted, how they are kept, and what a consent is given to."""

import hashlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.answers import TEXT_LENGTH, Accepted, Agreed, accepted
from registration.questions import ChoiceSpec, Question


def question(key, type_="text", **values):
    if type_ in ("choice", "choices"):
        values.setdefault(
            "choices",
            tuple(ChoiceSpec(key=name, label={"de": name.title()}) for name in ("bus", "rad", "bahn")),
        )
    return Question(key=key, type=type_, label=values.pop("label", {"de": f"{key}?"}), **values)


def answered(asked, answers, **more):
    return accepted((asked,), answers, {}, "de", "de", **more)


def kept(asked, value):
    """What is kept of an answer, or the code of what is wrong with it."""
    result = answered(asked, {asked.key: value})
    if isinstance(result, Accepted):
        return result.answers
    ((field, code),) = result
    assert field == f"answers.{asked.key}"
    return code


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        ("Verein", {"q": "Verein"}),
        ("  Verein \n", {"q": "Verein"}),
        ("erste\r\nzweite", {"q": "erste\nzweite"}),
        ("x" * TEXT_LENGTH, {"q": "x" * TEXT_LENGTH}),
        ("x" * (TEXT_LENGTH + 1), "too-long"),
        ("", {}),
        (" \n ", {}),
        (None, {}),
        ("a\0b", "characters"),
        ("a\u202eb", "characters"),
        ("a\ud800b", "characters"),
        ("a\x85b", "characters"),
        (3, "invalid"),
        (True, "invalid"),
        (["Verein"], "invalid"),
    ],
)
def test_a_text_is_kept_without_blanks_around_it(value, becomes):
    assert kept(question("q"), value) == becomes


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        ("rad", {"q": "rad"}),
        ("", {}),
        (None, {}),
        ("Rad", "unknown"),
        ("auto", "unknown"),
        (["rad"], "invalid"),
        (0, "invalid"),
    ],
)
def test_one_choice_is_one_of_those_offered(value, becomes):
    assert kept(question("q", "choice"), value) == becomes


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        (["rad"], {"q": ["rad"]}),
        (["bahn", "bus", "bahn"], {"q": ["bus", "bahn"]}),
        ([], {}),
        (None, {}),
        (["rad", "auto"], "unknown"),
        ([""], "unknown"),
        ("rad", "invalid"),
        ([["rad"]], "invalid"),
        ({"rad": True}, "invalid"),
    ],
)
def test_several_choices_are_kept_once_each_in_the_order_of_the_question(value, becomes):
    assert kept(question("q", "choices"), value) == becomes


@pytest.mark.parametrize(
    ("value", "becomes"),
    [(True, {"q": True}), (False, {"q": False}), (None, {}), ("yes", "invalid"), (1, "invalid")],
)
def test_no_is_an_answer_too(value, becomes):
    assert kept(question("q", "yes_no"), value) == becomes


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        (0, {"q": 0}),
        (10, {"q": 10}),
        (2.5, {"q": 2.5}),
        (None, {}),
        (-1, "range"),
        (10.001, "range"),
        (10**400, "range"),
        (math.nan, "range"),
        (math.inf, "range"),
        ("3", "invalid"),
        (True, "invalid"),
    ],
)
def test_a_number_lies_between_its_bounds(value, becomes):
    assert kept(question("q", "number", min=0, max=10), value) == becomes


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 2_000_000_000])
def test_a_number_without_bounds_is_finite_all_the_same(value):
    assert kept(question("q", "number"), value) == "range"


@pytest.mark.parametrize(
    ("type_", "nothing"),
    [("text", " "), ("text", None), ("choice", ""), ("choices", []), ("yes_no", None), ("number", None)],
)
def test_what_is_required_must_be_answered_but_not_by_hand(type_, nothing):
    asked = question("q", type_, required=True)
    assert answered(asked, {"q": nothing}) == [("answers.q", "missing")]
    assert answered(asked, {}) == [("answers.q", "missing")]
    assert answered(asked, {}, must_be_whole=False) == Accepted()
    assert answered(question("q", type_), {"q": nothing}) == Accepted()


def test_zero_and_no_answer_what_is_required():
    assert answered(question("q", "number", required=True), {"q": 0}) == Accepted({"q": 0})
    assert answered(question("q", "yes_no", required=True), {"q": False}) == Accepted({"q": False})


def test_answers_of_special_categories_are_kept_apart():
    asked = (question("club"), question("food", "choices", special_category=True))
    answers = {"club": "Chor", "food": ["rad"]}
    assert accepted(asked, answers, {}, "de", "de") == Accepted({"club": "Chor"}, {"food": ["rad"]})


def test_errors_stand_in_the_order_of_the_questions_and_unknown_keys_last():
    asked = (question("a", required=True), question("b", "number"), question("c", "consent"))
    assert accepted(asked, {"x": 1, "b": "2", "c": True}, {"y": True, "a": True}, "de", "de") == [
        ("answers.a", "missing"),
        ("answers.b", "invalid"),
        ("answers.x", "unknown"),
        ("answers.c", "unknown"),
        ("consents.y", "unknown"),
        ("consents.a", "unknown"),
    ]


PHOTO = question(
    "photo",
    "consent",
    label={"de": "Sie dürfen Fotos von mir machen.", "en": "You may take photos of me."},
    hint={"de": "Das ist freiwillig.", "en": "This is voluntary."},
    purpose={"de": "Für unsere Berichte."},
)


def hash_of(text):
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("language", "default", "shown_in", "text"),
    [
        ("de", "de", "de", "Sie dürfen Fotos von mir machen.\n\nDas ist freiwillig.\n\nFür unsere Berichte."),
        ("en", "de", "en", "You may take photos of me.\n\nThis is voluntary.\n\nFür unsere Berichte."),
        (
            "de-simple",
            "en",
            "de",
            "Sie dürfen Fotos von mir machen.\n\nDas ist freiwillig.\n\nFür unsere Berichte.",
        ),
        ("ar", "en", "en", "You may take photos of me.\n\nThis is voluntary.\n\nFür unsere Berichte."),
        (
            "ar",
            "tr",
            "de",
            "Sie dürfen Fotos von mir machen.\n\nDas ist freiwillig.\n\nFür unsere Berichte.",
        ),
    ],
)
def test_a_consent_is_given_to_the_text_that_was_shown(language, default, shown_in, text):
    assert PHOTO.text_shown(language, default) == (shown_in, text)
    result = accepted((PHOTO,), {}, {"photo": True}, language, default)
    assert result == Accepted(consents=(Agreed("photo", hash_of(text), shown_in),))


def test_another_word_is_another_text():
    before, after = (
        accepted((question("c", "consent", label={"de": label}),), {}, {"c": True}, "de", "de")
        for label in ("Ja.", "Ja!")
    )
    assert before != after


@pytest.mark.parametrize("consents", [{}, {"photo": False}])
def test_a_consent_is_never_needed(consents):
    assert accepted((PHOTO,), {}, consents, "de", "de") == Accepted()


@pytest.mark.parametrize("given", [None, 1, "yes"])
def test_a_consent_is_yes_or_no(given):
    assert accepted((PHOTO,), {}, {"photo": given}, "de", "de") == [("consents.photo", "invalid")]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3),
)
ASKED = tuple(
    question(key, type_, required=True)
    for key, type_ in zip("abcde", ("text", "choice", "choices", "yes_no", "number"), strict=True)
)


@given(answers=st.dictionaries(st.sampled_from("abcdex"), ANYTHING))
def test_whatever_is_sent_is_accepted_or_refused(answers):
    result = accepted(ASKED, answers, {}, "de", "de", must_be_whole=False)
    if isinstance(result, Accepted):
        assert accepted(ASKED, result.answers, {}, "de", "de", must_be_whole=False) == result
    else:
        assert {code for _, code in result} <= {"invalid", "too-long", "characters", "range", "unknown"}
