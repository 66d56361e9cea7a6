"""What the columns of a list mean: guessed by their headings, and what their cells say of a person."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from babel import Locale, UnknownLocaleError

from events.details import EventDetails
from events.rules import Attendance
from registration.decisions import Newcomer
from registration.forms import SEATS, Errors, checked_email, checked_name
from registration.list_files import PeopleList, Row

GROUP = "group."
"""Followed by the key of the session; several such columns are wishes in order."""

HEADINGS = {
    "name": "name vollername vorundnachname vornamenachname nachnamevorname fullname teilnehmer teilnehmerin"
    " teilnehmende person attendee",
    "given_name": "vorname rufname firstname givenname forename",
    "family_name": "nachname familienname zuname lastname surname familyname",
    "email": "email emailadresse mail mailadresse emailaddress mailaddress",
    "language": "sprache korrespondenzsprache language lang",
    "attendance": "teilnahme teilnahmeart attendance takingpart vorortoderonline",
    "seats": "personen personenzahl anzahl anzahlpersonen anzahlderpersonen plätze seats people persons places",
    "status": "status anmeldestatus state",
}
GROUPS = "gruppe arbeitsgruppe ag gruppenwunsch wunschgruppe erstwunsch zweitwunsch group workinggroup"

ATTENDANCES = {
    Attendance.IN_PERSON: "vorort präsenz inpresence inpräsenz persönlich saal imsaal inperson onsite hall",
    Attendance.ONLINE: "online digital",
}
COMING = "confirmed bestätigt angemeldet zugesagt zusage teilnahme registered pending unbestätigt yes ja"
NOT_COMING = (
    "cancelled canceled abgemeldet abgesagt absage storniert expired abgelaufen waitlisted waitlist warteliste"
    " no nein"
)


@dataclass(frozen=True)
class Candidate:
    """One row as it would register somebody; `newcomer` is `None` where errors stand, by field and code."""

    number: int
    cells: tuple[str, ...]
    name: str
    email: str
    newcomer: Newcomer | None
    errors: Errors = field(default_factory=list)
    comes: bool = True


def fields_of(event: EventDetails) -> list[str]:
    """What a column can mean at this event."""
    return [*HEADINGS, *(f"{GROUP}{session.key}" for session in event.wish_sessions)]


def guessed(headings: Sequence[str], event: EventDetails) -> list[str]:
    """The meaning of each column, empty where its heading says nothing; none twice but the groups."""
    plain = [_plain(heading) for heading in headings]
    has_given_name = any(heading in HEADINGS["given_name"].split() for heading in plain)
    meanings: list[str] = []
    for heading in plain:
        meaning = next((name for name, known in HEADINGS.items() if heading in known.split()), "")
        if meaning == "name" and has_given_name:
            meaning = "family_name"
        meaning = meaning or _group_column(heading, event)
        meanings.append("" if meaning in meanings and not meaning.startswith(GROUP) else meaning)
    return meanings


def wrong_columns(meanings: Sequence[str], event: EventDetails) -> Errors:
    """What keeps the columns from being used: no name, a meaning twice, or one that is unknown."""
    errors: Errors = []
    known = {"", *fields_of(event)}
    for place, meaning in enumerate(meanings):
        if meaning not in known:
            errors.append((f"column.{place}", "unknown"))
        elif meaning and not meaning.startswith(GROUP) and meaning in meanings[:place]:
            errors.append((f"column.{place}", "twice"))
    if not {"name", "given_name", "family_name"} & set(meanings):
        errors.append(("column.0", "no-name"))
    return errors


def candidates(
    people: PeopleList, meanings: Sequence[str], event: EventDetails, languages: Collection[str]
) -> list[Candidate]:
    """Every row as a person, in the order of the list."""
    named = {_plain(word): code for code in languages for word in _language_words(code)}
    choices = {session.key: _choices(event, session.key) for session in event.wish_sessions}
    read = partial(_candidate, event=event, languages=named, choices=choices)
    return [read(row, _values(row, meanings)) for row in people.rows]


def _values(row: Row, meanings: Sequence[str]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for meaning, cell in zip(meanings, row.cells, strict=True):
        if meaning and cell:
            values.setdefault(meaning, []).append(cell)
    return values


def _candidate(
    row: Row,
    values: Mapping[str, list[str]],
    *,
    event: EventDetails,
    languages: Mapping[str, str],
    choices: Mapping[str, Mapping[str, str]],
) -> Candidate:
    errors: Errors = []

    def read(meaning: str, known: Callable[[str], object]) -> object:
        """The one cell of a meaning, `None` where it is empty."""
        cell = next(iter(values.get(meaning, [])), "")
        if not cell:
            return None
        found = known(_plain(cell))
        if found is None:
            errors.append((meaning, "unknown"))
        return found

    typed = values.get("name") or [*values.get("given_name", []), *values.get("family_name", [])]
    name = checked_name(" ".join(typed), errors)
    typed_email = next(iter(values.get("email", [])), "")
    email = checked_email(typed_email, errors) if typed_email else ""
    language = read("language", languages.get)
    attendance = read("attendance", _attendance)
    if isinstance(attendance, Attendance) and attendance not in event.offered:
        errors.append(("attendance", "not-offered"))
    seats = read("seats", _seats)
    comes = read("status", _comes)
    wishes: dict[str, tuple[str, ...]] = {}
    for session, known in choices.items():
        cells = values.get(f"{GROUP}{session}", [])
        keys = [known.get(_plain(cell)) for cell in cells]
        if None in keys:
            errors.append((f"{GROUP}{session}", "unknown"))
        elif wished := tuple(dict.fromkeys(key for key in keys if key)):
            wishes[session] = wished
    newcomer = Newcomer(
        name=name,
        email=email or None,
        language=str(language or event.default_language),
        attendance=attendance if isinstance(attendance, Attendance) else None,
        seats=seats if isinstance(seats, int) else 1,
        wishes=wishes,
    )
    return Candidate(
        row.number, row.cells, name, typed_email, None if errors else newcomer, errors, comes is not False
    )


def _plain(text: str) -> str:
    """Without case, spaces and signs."""
    return re.sub(r"[\W_]", "", text.casefold())


def _group_column(heading: str, event: EventDetails) -> str:
    sessions = event.wish_sessions
    for session in sessions:
        if heading in {_plain(f"group:{session.key}"), *map(_plain, session.title.values())}:
            return f"{GROUP}{session.key}"
    found = re.fullmatch(r"(?:runde|round)?(.*?)(\d*)", heading)
    assert found is not None
    word, number = found.groups()
    is_group = word in GROUPS.split() or (not word and number and heading != number)
    if not is_group or not event.group_sessions:
        return ""
    rounds = event.group_sessions
    place = int(number or 1) if len(number) < 4 else 0
    return f"{GROUP}{rounds[place - 1].key}" if 1 <= place <= len(rounds) else ""


def _language_words(code: str) -> set[str]:
    words = {code}
    try:
        locale = Locale.parse(code.replace("-", "_"))
        words |= {name for own in ("de", "en", code) if (name := locale.get_display_name(own))}
    except (ValueError, UnknownLocaleError):
        pass
    return words


def _choices(event: EventDetails, session: str) -> dict[str, str]:
    """The keys of a session's choices by all that they are called."""
    groups = {_plain(word): group.key for group in event.groups_in(session) for word in group.title.values()}
    groups |= {_plain(group.key): group.key for group in event.groups_in(session)}
    if session in [one.key for one in event.signup_sessions]:
        groups |= dict.fromkeys(("ja", "yes", "x", "1", "true", _plain(session)), session)
        groups |= dict.fromkeys(("nein", "no", "0", "false"), "")
    return groups


def _attendance(word: str) -> Attendance | None:
    return next((attendance for attendance, words in ATTENDANCES.items() if word in words.split()), None)


def _seats(word: str) -> int | None:
    return int(word) if word in map(str, SEATS) else None


def _comes(word: str) -> bool | None:
    if word in COMING.split():
        return True
    return False if word in NOT_COMING.split() else None
