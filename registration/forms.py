"""What people type in when they register. Malformed input is refused here, by field and code; texts are the page's."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from email_validator import EmailNotValidError, validate_email

from events.details import EventDetails
from events.errors import FormInvalid
from events.rules import Attendance
from registration.answers import Accepted, accepted
from registration.decisions import Newcomer
from registration.editing import Edit
from registration.question_forms import outdated, typed
from registration.questions import questions_of
from registration.rules import OnlineAccess

NAME_LENGTH = 200
TRAP = "homepage"
"""A field that people do not see and programs fill in."""
SEATS = range(1, 7)
WISHES = 20
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

PLAIN_LENGTH = 64
PLAIN = re.compile(r"[a-z0-9]+(?:[._+-][a-z0-9]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+(?:de|com|org|net|eu)")
"""Addresses as most people have them, of which the full check could say nothing but yes."""

Errors = list[tuple[str, str]]


class RegistrationBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /events/{slug}/registrations`. `email` may be left out by organisers only.

    `online_access` is left out by who can take part online; `attendance_wished` tells what they would like best.
    """

    name: str
    email: str | None = None
    language: str | None = None
    attendance: Attendance | None = None
    seats: int = 1
    groups: dict[str, list[str]] = {}
    answers: dict[str, Any] = {}
    consents: dict[str, bool] = {}
    online_access: OnlineAccess | None = None
    attendance_wished: Attendance | None = None


class RegistrationPatch(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `PATCH /registrations/{id}`: what is left out stays as it is."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    email: str | msgspec.UnsetType | None = msgspec.UNSET
    language: str | msgspec.UnsetType = msgspec.UNSET
    attendance: Attendance | msgspec.UnsetType = msgspec.UNSET
    seats: int | msgspec.UnsetType = msgspec.UNSET
    groups: dict[str, str | None] | msgspec.UnsetType = msgspec.UNSET
    answers: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    online_access: OnlineAccess | msgspec.UnsetType | None = msgspec.UNSET
    attendance_wished: Attendance | msgspec.UnsetType | None = msgspec.UNSET


@dataclass
class PageForm:
    """A form as it was typed in, with what is wrong about it; shown again with nothing lost."""

    values: dict[str, str] = field(default_factory=dict)
    errors: Errors = field(default_factory=list)

    def value(self, name: str, default: str = "") -> str:
        return self.values.get(name, default)

    def error(self, name: str) -> str | None:
        """The code of what is wrong with a field."""
        return next((code for field_name, code in self.errors if field_name == name), None)


def newcomer_from_body(
    body: RegistrationBody, languages: Collection[str], *, by_hand: bool = False
) -> Newcomer:
    """Raises FormInvalid with every field that cannot be used, whatever the event.

    Answers and consents are checked where the event's questions are known.
    """
    errors: Errors = []
    name = checked_name(body.name, errors)
    email = None
    if body.email is not None or not by_hand:
        email = checked_email(body.email or "", errors)
    if body.language is not None and body.language not in languages:
        errors.append(("language", "unknown"))
    if body.seats not in SEATS:
        errors.append(("seats", "range"))
    if sum(map(len, body.groups.values())) > WISHES:
        errors.append(("groups", "too-many"))
    if errors:
        raise FormInvalid(errors)
    return Newcomer(
        name=name,
        email=email,
        language=body.language,
        attendance=body.attendance,
        seats=body.seats,
        wishes={session: tuple(dict.fromkeys(groups)) for session, groups in body.groups.items()},
        answers=body.answers,
        consents=body.consents,
        online_access=body.online_access,
        attendance_wished=body.attendance_wished,
    )


def edit_from_patch(patch: RegistrationPatch, languages: Collection[str]) -> Edit:
    """Raises FormInvalid with every field that cannot be used. Answers are checked where the questions are known."""
    errors: Errors = []
    if not isinstance(patch.name, msgspec.UnsetType):
        patch.name = checked_name(patch.name, errors)
    if not isinstance(patch.email, msgspec.UnsetType) and patch.email is not None:
        patch.email = checked_email(patch.email, errors)
    if not isinstance(patch.language, msgspec.UnsetType) and patch.language not in languages:
        errors.append(("language", "unknown"))
    if not isinstance(patch.seats, msgspec.UnsetType) and patch.seats not in SEATS:
        errors.append(("seats", "range"))
    if errors:
        raise FormInvalid(errors)
    return Edit(**msgspec.structs.asdict(patch))


def newcomer_from_page(
    values: Mapping[str, str],
    event: EventDetails,
    languages: Collection[str],
    *,
    asks_online_access: bool = False,
) -> tuple[Newcomer | None, Errors]:
    """The newcomer of a filled-in page, or `None` and what is wrong, in the order of the page.

    `asks_online_access` says whether the page asked what keeps them from taking part online; while the event is moved
    online it also asks what they would like once it comes back.

    Wishes stand in `group.<session>` and, for the second, `group2.<session>`; `none` is no wish. An optional session
    that is joined stands in `signup.<session>`.
    """
    errors: Errors = []
    name = checked_name(values.get("name", ""), errors)
    email = checked_email(values.get("email", ""), errors)
    attendance = None
    if len(event.offered) > 1:
        chosen = values.get("attendance", "")
        if chosen not in [offered.value for offered in event.offered]:
            errors.append(("attendance", "missing"))
        else:
            attendance = Attendance(chosen)
    access = online_access_typed(values, errors) if asks_online_access else None
    wished = wished_typed(values, errors) if event.is_moved_online else None
    seats = values.get("seats", "1")
    if seats not in map(str, SEATS):
        errors.append(("seats", "range"))
    wishes = _wishes(values, event, errors)
    if values.get(TRAP):
        errors.append((TRAP, "filled"))
    language = values.get("language") or _language_of(event, languages)
    if language not in languages:
        errors.append(("language", "unknown"))
    questions = questions_of(event)
    shown_in = values["shown_in"] if values.get("shown_in") in languages else None
    answers, consents = typed(values, questions)
    result = accepted(questions, answers, consents, shown_in or language, event.default_language)
    if not isinstance(result, Accepted):
        errors += result
    errors += outdated(values, questions, shown_in or language, event.default_language)
    if errors:
        return None, errors
    return Newcomer(
        name=name,
        email=email,
        language=language,
        attendance=attendance,
        seats=int(seats),
        wishes=wishes,
        answers=answers,
        consents=consents,
        shown_in=shown_in,
        online_access=access,
        attendance_wished=wished,
    ), []


def checked_name(name: str, errors: Errors) -> str:
    """The name without blanks around it."""
    name = name.strip()
    if not name:
        errors.append(("name", "missing"))
    elif len(name) > NAME_LENGTH:
        errors.append(("name", "too-long"))
    elif CONTROL.search(name):
        errors.append(("name", "characters"))
    return name


def checked_email(email: str, errors: Errors) -> str:
    """The address as typed; its syntax is checked, its domain is not looked up. ASCII before the @ only."""
    email = email.strip()
    if not email:
        errors.append(("email", "missing"))
        return email
    if len(email) <= PLAIN_LENGTH and PLAIN.fullmatch(email):
        return email
    try:
        if len(email) > 254 or CONTROL.search(email):
            raise EmailNotValidError
        checked = validate_email(
            email,
            check_deliverability=False,
            allow_smtputf8=False,
            globally_deliverable=True,
            test_environment=True,
        )
    except EmailNotValidError:
        errors.append(("email", "invalid"))
        return email
    return checked.normalized


def online_access_typed(values: Mapping[str, str], errors: Errors) -> OnlineAccess | None:
    """What keeps the person from taking part online, as chosen in `online_access`; empty is nothing."""
    chosen = values.get("online_access", "")
    if chosen and chosen not in [access.value for access in OnlineAccess]:
        errors.append(("online_access", "unknown"))
        return None
    return OnlineAccess(chosen) if chosen else None


def wished_typed(values: Mapping[str, str], errors: Errors) -> Attendance | None:
    """Hall or screen once the event comes back, as chosen in `attendance_wished`."""
    chosen = values.get("attendance_wished", "")
    if chosen not in [attendance.value for attendance in Attendance]:
        errors.append(("attendance_wished", "missing"))
        return None
    return Attendance(chosen)


def _wishes(values: Mapping[str, str], event: EventDetails, errors: Errors) -> dict[str, tuple[str, ...]]:
    wishes: dict[str, tuple[str, ...]] = {}
    for session in event.group_sessions:
        keys = [group.key for group in event.groups_in(session.key)]
        field_name = f"group.{session.key}"
        first, second = values.get(field_name, ""), values.get(f"group2.{session.key}", "")
        if first == "":
            errors.append((field_name, "missing"))
        elif first != "none" and first not in keys:
            errors.append((field_name, "unknown"))
        elif second not in ("", "none", *keys):
            errors.append((f"group2.{session.key}", "unknown"))
        else:
            wishes[session.key] = tuple(
                dict.fromkeys(wish for wish in (first, second) if wish not in ("", "none"))
            )
    return wishes | {
        session.key: (session.key,)
        for session in event.signup_sessions
        if values.get(f"signup.{session.key}")
    }


def _language_of(event: EventDetails, languages: Collection[str]) -> str:
    if event.default_language in languages:
        return event.default_language
    return next(iter(languages))
