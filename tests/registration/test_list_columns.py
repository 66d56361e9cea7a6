"""What columns and cells of a list mean."""

import pytest

from events.rules import Attendance, Mode
from registration.list_columns import candidates, fields_of, guessed, wrong_columns
from registration.list_files import PeopleList, Row
from tests.registration.town import GROUPS, ROUNDS, hold

LANGUAGES = ("de", "en")


@pytest.fixture
async def event(database):
    return await hold(mode=Mode.HYBRID, sessions=ROUNDS, groups=GROUPS)


@pytest.mark.parametrize(
    ("headings", "meanings"),
    [
        (["Name", "E-Mail", "Sprache"], ["name", "email", "language"]),
        (["Vorname", "Nachname", "E-Mail-Adresse"], ["given_name", "family_name", "email"]),
        (["Name", "E\u2011Mail", "E\u2011Mail-Adresse"], ["name", "email", ""]),
        (["NAME", "Vorname", "Mail"], ["family_name", "given_name", "email"]),
        (["First name", "Surname", "Seats"], ["given_name", "family_name", "seats"]),
        (["Vor- und Nachname", "Anzahl Personen", "Teilnahme"], ["name", "seats", "attendance"]),
        (["Name", "Name", "Bemerkung", ""], ["name", "", "", ""]),
        (["Gruppe", "Arbeitsgruppe 2", "Gruppe 3"], ["group.first", "group.second", ""]),
        (["group:second", "First", "Runde 1"], ["group.second", "group.first", "group.first"]),
        (["Gruppe", "Zweitwunsch"], ["group.first", "group.first"]),
        (
            ["number", "name", "email", "status", "attendance", "seats"],
            ["", "name", "email", "status", "attendance", "seats"],
        ),
    ],
)
async def test_headings_in_german_and_english_are_understood(event, headings, meanings):
    assert guessed(headings, event) == meanings


async def test_a_column_means_one_thing_and_somebody_must_have_a_name(event):
    assert wrong_columns(["name", "email", "", ""], event) == []
    assert wrong_columns(["family_name", "group.first", "group.first"], event) == []
    assert wrong_columns(["email", "email", "chor"], event) == [
        ("column.1", "twice"),
        ("column.2", "unknown"),
        ("column.0", "no-name"),
    ]


def read(event, **cells):
    """One row, with the meanings as names."""
    meanings = [name.replace("__", ".") for name in cells]
    people = PeopleList(tuple(meanings), (Row(2, tuple(cells.values())),))
    assert set(meanings) <= set(fields_of(event))
    (found,) = candidates(people, meanings, event, LANGUAGES)
    return found


async def test_a_row_is_a_person_with_wishes(event):
    found = read(
        event,
        given_name="Kim",
        family_name="Muster",
        email="Kim@Example.org",
        language="Englisch",
        attendance="vor Ort",
        seats="2",
        group__first="WOHNEN",
        group__second="bildung",
        status="angemeldet",
    ).newcomer
    assert found is not None
    assert (found.name, found.email, found.language) == ("Kim Muster", "Kim@example.org", "en")
    assert (found.attendance, found.seats) == (Attendance.IN_PERSON, 2)
    assert found.wishes == {"first": ("wohnen",), "second": ("bildung",)}


async def test_what_is_empty_has_its_default(event):
    found = read(event, name="Kim", email="", language="", attendance="", seats="", group__first="").newcomer
    assert found is not None
    assert (found.email, found.language, found.attendance, found.seats) == (None, "de", None, 1)
    assert found.wishes == {}


@pytest.mark.parametrize(
    ("cells", "errors"),
    [
        ({"name": ""}, [("name", "missing")]),
        ({"name": "x" * 201}, [("name", "too-long")]),
        ({"name": "x\ny"}, [("name", "characters")]),
        ({"name": "Kim", "email": "kim@"}, [("email", "invalid")]),
        ({"name": "Kim", "language": "Klingonisch"}, [("language", "unknown")]),
        ({"name": "Kim", "attendance": "vielleicht"}, [("attendance", "unknown")]),
        ({"name": "Kim", "seats": "7"}, [("seats", "unknown")]),
        ({"name": "Kim", "seats": "²"}, [("seats", "unknown")]),
        ({"name": "Kim", "group__first": "Chor"}, [("group.first", "unknown")]),
        ({"name": "Kim", "group__second": "arbeit"}, [("group.second", "unknown")]),
        (
            {"name": "", "email": "x", "seats": "0"},
            [("name", "missing"), ("email", "invalid"), ("seats", "unknown")],
        ),
        ({"name": "Kim", "status": "blau"}, [("status", "unknown")]),
    ],
)
async def test_everything_wrong_in_a_row_is_said(event, cells, errors):
    found = read(event, **cells)
    assert found.newcomer is None
    assert found.errors == errors


async def test_an_attendance_that_is_not_offered_is_wrong(database):
    event = await hold(mode=Mode.IN_PERSON)
    assert read(event, name="Kim", attendance="online").errors == [("attendance", "not-offered")]


@pytest.mark.parametrize(
    ("status", "comes"),
    [
        ("", True),
        ("confirmed", True),
        ("Zugesagt", True),
        ("Abgesagt", False),
        ("cancelled", False),
        ("Warteliste", False),
    ],
)
async def test_who_has_cancelled_does_not_come(event, status, comes):
    assert read(event, name="Kim", status=status).comes is comes


async def test_names_that_begin_like_a_formula_stay_as_they_are(event):
    found = read(event, name="=Kim").newcomer
    assert found is not None
    assert found.name == "=Kim"
