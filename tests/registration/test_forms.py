"""What people type in: what is taken, what is refused, and that a page keeps it."""

from dataclasses import replace

import msgspec
import pytest
from email_validator import validate_email
from hypothesis import given
from hypothesis import strategies as st

from events.errors import FormInvalid
from events.rules import Attendance, Mode
from registration.decisions import Newcomer
from registration.editing import Edit
from registration.forms import (
    PLAIN,
    PLAIN_LENGTH,
    Errors,
    PageForm,
    RegistrationBody,
    RegistrationPatch,
    checked_email,
    checked_name,
    edit_from_patch,
    newcomer_from_body,
    newcomer_from_page,
)
from tests.events.examples import dialogue, session

LANGUAGES = ("de", "en")
EVENT = dialogue()


def errors_of(call, *arguments, **options):
    with pytest.raises(FormInvalid) as refused:
        call(*arguments, **options)
    return refused.value.errors


@pytest.mark.parametrize(
    ("typed", "name", "errors"),
    [
        ("Kim Muster", "Kim Muster", []),
        ("  Kim \u00a0", "Kim", []),
        ("Иван Öztürk-Ńguyễn, 山田", "Иван Öztürk-Ńguyễn, 山田", []),
        ("=1+1", "=1+1", []),
        ("x" * 200, "x" * 200, []),
        ("", "", [("name", "missing")]),
        (" \t\n", "", [("name", "missing")]),
        ("x" * 201, "x" * 201, [("name", "too-long")]),
        ("x" * 10_000, "x" * 10_000, [("name", "too-long")]),
        ("Kim\nMuster", "Kim\nMuster", [("name", "characters")]),
        ("Kim\x00", "Kim\x00", [("name", "characters")]),
        ("Kim\u2028Muster", "Kim\u2028Muster", [("name", "characters")]),
        ("Kim\u202emoc", "Kim\u202emoc", [("name", "characters")]),
        ("Kim\u2066x\u2069", "Kim\u2066x\u2069", [("name", "characters")]),
        ("Kim\x9b", "Kim\x9b", [("name", "characters")]),
    ],
)
def test_a_name_is_one_line_that_can_be_printed(typed, name, errors):
    found: Errors = []
    assert checked_name(typed, found) == name
    assert found == errors


@pytest.mark.parametrize(
    ("typed", "email"),
    [
        ("kim@example.org", "kim@example.org"),
        ("  Kim.Muster@EXAMPLE.org ", "Kim.Muster@example.org"),
        ("kim+dialog@example.org", "kim+dialog@example.org"),
        ("o'neil@example.org", "o'neil@example.org"),
        ("kim@exämple.de", "kim@exämple.de"),
        ("kim@xn--exmple-cua.de", "kim@exämple.de"),
        ("kim@mail.test", "kim@mail.test"),
    ],
)
def test_an_address_is_kept_as_typed_but_for_its_domain(typed, email):
    errors: Errors = []
    assert checked_email(typed, errors) == email
    assert errors == []


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "missing"),
        ("   ", "missing"),
        ("kim", "invalid"),
        ("kim@", "invalid"),
        ("@example.org", "invalid"),
        ("kim@example", "invalid"),
        ("kim@example.org, toni@example.org", "invalid"),
        ("Kim <kim@example.org>", "invalid"),
        ("kim@example.org\nBcc: toni@example.org", "invalid"),
        ("kim\x00@example.org", "invalid"),
        ("kím@example.org", "invalid"),
        ('"kim muster"@example.org', "invalid"),
        ("kim@[127.0.0.1]", "invalid"),
        ("kim@localhost", "invalid"),
        ("kim..muster@example.org", "invalid"),
        (f"kim@{'x' * 250}.org", "invalid"),
    ],
)
def test_what_no_mail_can_be_sent_to_is_refused(typed, code):
    errors: Errors = []
    assert checked_email(typed, errors) == typed.strip()
    assert errors == [("email", code)]


# The JSON body


def body(**values):
    return msgspec.convert({"name": "Kim", "email": "kim@example.org", **values}, RegistrationBody)


def test_a_body_becomes_a_newcomer():
    made = newcomer_from_body(
        body(
            language="en", attendance="online", seats=6, groups={"groups": ["wohnen", "wohnen"], "dinner": []}
        ),
        LANGUAGES,
    )
    assert made == Newcomer(
        "Kim", "kim@example.org", "en", Attendance.ONLINE, 6, {"groups": ("wohnen",), "dinner": ()}, {}
    )


def test_who_names_no_language_is_written_to_in_that_of_the_event():
    assert newcomer_from_body(body(), LANGUAGES).language is None


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"name": ""}, [("name", "missing")]),
        ({"email": None}, [("email", "missing")]),
        ({"email": ""}, [("email", "missing")]),
        ({"email": "kim"}, [("email", "invalid")]),
        ({"language": "tr"}, [("language", "unknown")]),
        ({"seats": 0}, [("seats", "range")]),
        ({"seats": 7}, [("seats", "range")]),
        ({"seats": -1}, [("seats", "range")]),
        ({"groups": {"groups": [f"g{number}" for number in range(21)]}}, [("groups", "too-many")]),
        (
            {"name": "\x00", "email": "kim", "seats": 9},
            [("name", "characters"), ("email", "invalid"), ("seats", "range")],
        ),
    ],
)
def test_a_body_is_refused_with_all_that_is_wrong(values, errors):
    assert errors_of(newcomer_from_body, body(**values), LANGUAGES) == errors


def test_by_hand_an_address_may_be_missing_but_not_wrong():
    assert newcomer_from_body(body(email=None), LANGUAGES, by_hand=True).email is None
    refused = errors_of(newcomer_from_body, body(email="kim"), LANGUAGES, by_hand=True)
    assert refused == [("email", "invalid")]


@pytest.mark.parametrize(
    "values", [{"colour": "red"}, {"seats": "2"}, {"seats": True}, {"groups": {"a": "b"}}]
)
def test_a_body_of_another_shape_is_none(values):
    with pytest.raises(msgspec.ValidationError):
        body(**values)


# The patch


def patch(**values):
    return msgspec.convert(values, RegistrationPatch)


def test_a_patch_changes_what_it_names():
    assert edit_from_patch(patch(), LANGUAGES) == Edit()
    assert edit_from_patch(patch(name=" Kim ", email="Kim@EXAMPLE.org", seats=2), LANGUAGES) == Edit(
        name="Kim", email="Kim@example.org", seats=2
    )
    assert edit_from_patch(
        patch(email=None, language="en", attendance="online", groups={"groups": None}), LANGUAGES
    ) == Edit(email=None, language="en", attendance=Attendance.ONLINE, groups={"groups": None})


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"name": " "}, [("name", "missing")]),
        ({"email": "kim"}, [("email", "invalid")]),
        ({"language": "tr"}, [("language", "unknown")]),
        ({"seats": 0}, [("seats", "range")]),
        ({"seats": 7}, [("seats", "range")]),
    ],
)
def test_a_patch_is_refused_as_a_body_is(values, errors):
    assert errors_of(edit_from_patch, patch(**values), LANGUAGES) == errors


# The page


FILLED = {"name": "Kim", "email": "kim@example.org", "group.groups": "wohnen"}


def test_a_page_becomes_a_newcomer():
    made, errors = newcomer_from_page({**FILLED, "seats": "2", "language": "en"}, EVENT, LANGUAGES)
    assert errors == []
    assert made == Newcomer("Kim", "kim@example.org", "en", None, 2, {"groups": ("wohnen",)})


@pytest.mark.parametrize(
    ("first", "second", "wishes"),
    [
        ("wohnen", "", {"groups": ("wohnen",)}),
        ("wohnen", "none", {"groups": ("wohnen",)}),
        ("wohnen", "wohnen", {"groups": ("wohnen",)}),
        ("wohnen", "bildung", {"groups": ("wohnen", "bildung")}),
        ("none", "", {"groups": ()}),
        ("none", "bildung", {"groups": ("bildung",)}),
    ],
)
def test_two_wishes_stand_in_their_order(first, second, wishes):
    group = EVENT.groups[0]
    event = replace(EVENT, groups=(group, replace(group, key="bildung")))
    values = {**FILLED, "group.groups": first, "group2.groups": second}
    made, errors = newcomer_from_page(values, event, LANGUAGES)
    assert (made and made.wishes, errors) == (wishes, [])


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"name": ""}, [("name", "missing")]),
        ({"email": "kim"}, [("email", "invalid")]),
        ({"group.groups": ""}, [("group.groups", "missing")]),
        ({"group.groups": "kultur"}, [("group.groups", "unknown")]),
        ({"group2.groups": "kultur"}, [("group2.groups", "unknown")]),
        ({"language": "tr"}, [("language", "unknown")]),
        (
            {"name": "", "email": "", "seats": "0", "group.groups": ""},
            [("name", "missing"), ("email", "missing"), ("seats", "range"), ("group.groups", "missing")],
        ),
    ],
)
def test_a_page_names_what_is_wrong_in_its_own_order(values, errors):
    assert newcomer_from_page({**FILLED, **values}, EVENT, LANGUAGES) == (None, errors)


@pytest.mark.parametrize(
    "seats", ["", "0", "7", "-1", "1.5", "two", "١", "²", "01", "0019", "1" * 5000, " 1"]
)
def test_seats_are_one_to_six(seats):
    made, errors = newcomer_from_page({**FILLED, "seats": seats}, EVENT, LANGUAGES)
    assert (made, errors) == (None, [("seats", "range")])


def test_only_a_hybrid_event_asks_how_one_takes_part():
    made, _ = newcomer_from_page({**FILLED, "attendance": "online"}, EVENT, LANGUAGES)
    assert made is not None
    assert made.attendance is None
    hybrid = replace(EVENT, mode=Mode.HYBRID)
    assert newcomer_from_page(FILLED, hybrid, LANGUAGES) == (None, [("attendance", "missing")])
    made, _ = newcomer_from_page({**FILLED, "attendance": "online"}, hybrid, LANGUAGES)
    assert made is not None
    assert made.attendance is Attendance.ONLINE


def test_an_event_without_groups_asks_for_none():
    event = replace(EVENT, groups=(), sessions=(session("talk", "plenary", "16:00", "17:00", de="Vortrag"),))
    made, errors = newcomer_from_page({"name": "Kim", "email": "kim@example.org"}, event, LANGUAGES)
    assert errors == []
    assert made is not None
    assert made.wishes == {}


def test_a_page_shows_again_what_was_typed_and_what_is_wrong():
    form = PageForm({"name": "K", "seats": ""}, [("name", "too-long"), ("name", "characters")])
    assert (form.value("name"), form.value("seats", "1"), form.value("email", "?")) == ("K", "", "?")
    assert (form.error("name"), form.error("email")) == ("too-long", None)


WORD = st.text("abcxyz0189", min_size=1, max_size=6)


@st.composite
def plain_addresses(draw):
    local = draw(st.sampled_from(".-_+")).join(draw(st.lists(WORD, min_size=1, max_size=3)))
    labels = draw(st.lists(st.lists(WORD, min_size=1, max_size=2).map("-".join), min_size=1, max_size=2))
    return f"{local}@{'.'.join(labels)}.{draw(st.sampled_from(['de', 'com', 'org', 'net', 'eu']))}"


@given(plain_addresses())
def test_the_quick_check_of_an_address_says_yes_only_where_the_full_one_would(address):
    assert PLAIN.fullmatch(address)
    assert len(address) <= PLAIN_LENGTH
    checked = validate_email(
        address,
        check_deliverability=False,
        allow_smtputf8=False,
        globally_deliverable=True,
        test_environment=True,
    )
    assert checked.normalized == address
