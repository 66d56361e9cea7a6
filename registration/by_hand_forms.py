"""What organisers type in when they register or change somebody by hand."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from events.details import EventDetails
from events.rules import Attendance
from registration.answers import Accepted, accepted
from registration.attendees import Attendee
from registration.decisions import Newcomer
from registration.editing import Edit
from registration.forms import SEATS, Errors, checked_email, checked_name, online_access_typed
from registration.question_forms import fields_of, outdated, typed
from registration.questions import Question, questions_of


def newcomer_by_hand(
    values: Mapping[str, str], event: EventDetails, languages: Collection[str]
) -> tuple[Newcomer | None, Errors]:
    """The newcomer, or `None` and what is wrong, in the order of the form. Address and answers may be left out.

    The group wished stands in `group.<session>`; empty is no wish.
    """
    errors: Errors = []
    name, email = _person(values, errors)
    language = _language(values, languages, errors)
    attendance = _attendance(values, event.offered, errors) if len(event.offered) > 1 else None
    access = online_access_typed(values, errors)
    wished = _wished(values, event, errors)
    seats = _seats(values, errors)
    groups = _groups(values, event, errors)
    questions = asked_by_hand(event)
    answers, consents = typed(values, questions)
    shown_in = values["shown_in"] if values.get("shown_in") in languages else language
    errors += _flaws(answers, event, questions)
    errors += outdated(values, questions, shown_in, event.default_language)
    if errors:
        return None, errors
    wishes = {session: (group,) for session, group in groups.items() if group}
    return Newcomer(
        name,
        email,
        language,
        attendance,
        seats,
        wishes,
        answers=answers,
        consents=consents,
        shown_in=shown_in,
        online_access=access,
        attendance_wished=wished,
    ), []


def edit_by_hand(
    values: Mapping[str, str], event: EventDetails, before: Attendee, languages: Collection[str]
) -> tuple[Edit | None, Errors]:
    """What the form changes of the registration; what it shows unchanged is left alone."""
    errors: Errors = []
    shown = values_of(before, event)
    name, email = _person(values, errors)
    language = _language(values, {*languages, before.registration.language}, errors)
    attendance = _attendance(values, attendances_for(event, before), errors)
    access = online_access_typed(values, errors)
    wished = _wished(values, event, errors)
    seats = _seats(values, errors)
    groups = _groups(values, event, errors)
    answers = _changed_answers(values, shown, event, errors)
    if errors:
        return None, errors
    changed = {
        session: group or None
        for session, group in groups.items()
        if group != shown.get(f"group.{session}", "")
    }
    row, unset = before.registration, msgspec.UNSET
    return Edit(
        name=name if name != row.name else unset,
        email=email if email != row.email else unset,
        language=language if language != row.language else unset,
        attendance=attendance if attendance and attendance != row.attendance else unset,
        seats=seats if seats != row.seats else unset,
        groups=changed or unset,
        answers=answers or unset,
        online_access=access if "online_access" in values and access != row.online_access else unset,
        attendance_wished=wished if wished and wished != row.attendance_wished else unset,
    ), []


def asked_by_hand(event: EventDetails, *, with_consents: bool = True) -> tuple[Question, ...]:
    """The event's questions; nothing is required of who phones."""
    return tuple(
        replace(question, required=False)
        for question in questions_of(event)
        if with_consents or question.type != "consent"
    )


def is_empty(edit: Edit) -> bool:
    """Whether nothing would change."""
    return edit == Edit()


def attendances_for(event: EventDetails, attendee: Attendee) -> tuple[Attendance, ...]:
    """What the event offers, and what the person has."""
    own = Attendance(attendee.registration.attendance)
    return event.offered if own in event.offered else (own, *event.offered)


def values_of(attendee: Attendee, event: EventDetails) -> dict[str, str]:
    """The form filled in with a registration of the event as it stands."""
    row = attendee.registration
    return {
        "name": row.name,
        "email": row.email or "",
        "language": row.language,
        "attendance": str(row.attendance),
        "online_access": row.online_access or "",
        "attendance_wished": row.attendance_wished or "",
        "seats": str(row.seats),
        **{f"group.{session}": group or "" for session, group in attendee.groups.items()},
        **fields_of(questions_of(event), row.answers | row.special_answers),
    }


def state_of(attendee: Attendee, event: EventDetails) -> str:
    """Short text that is another one once the registration was changed elsewhere."""
    state = [sorted(values_of(attendee, event).items()), str(attendee.registration.status)]
    return hashlib.sha256(msgspec.json.encode(state)).hexdigest()[:16]


def _changed_answers(
    values: Mapping[str, str], shown: Mapping[str, str], event: EventDetails, errors: Errors
) -> dict[str, Any]:
    """The answers that are other ones than those shown; `None` for one that was taken back."""
    questions = asked_by_hand(event, with_consents=False)
    after, _ = typed({name: value.replace("\r\n", "\n") for name, value in values.items()}, questions)
    before, _ = typed(shown, questions)
    keys = [question.key for question in questions if after.get(question.key) != before.get(question.key)]
    changed = {key: after.get(key) for key in keys}
    errors += _flaws(changed, event, questions)
    return changed


def _flaws(answers: Mapping[str, Any], event: EventDetails, questions: Sequence[Question]) -> Errors:
    """What is wrong with answers; leaving one out is not."""
    language = event.default_language
    result = accepted(questions, answers, {}, language, language, must_be_whole=False)
    return [] if isinstance(result, Accepted) else result


def _person(values: Mapping[str, str], errors: Errors) -> tuple[str, str | None]:
    name = checked_name(values.get("name", ""), errors)
    typed = values.get("email", "").strip()
    return name, checked_email(typed, errors) if typed else None


def _language(values: Mapping[str, str], languages: Collection[str], errors: Errors) -> str:
    language = values.get("language", "")
    if language not in languages:
        errors.append(("language", "unknown"))
    return language


def _attendance(
    values: Mapping[str, str], offered: Collection[Attendance], errors: Errors
) -> Attendance | None:
    if len(offered) < 2:
        return None
    chosen = values.get("attendance", "")
    if chosen not in [attendance.value for attendance in offered]:
        errors.append(("attendance", "missing"))
        return None
    return Attendance(chosen)


def _wished(values: Mapping[str, str], event: EventDetails, errors: Errors) -> Attendance | None:
    """What they would like once the event comes back, asked while it is moved online; empty where nobody said."""
    chosen = values.get("attendance_wished", "") if event.is_moved_online else ""
    if not chosen:
        return None
    if chosen not in [attendance.value for attendance in Attendance]:
        errors.append(("attendance_wished", "unknown"))
        return None
    return Attendance(chosen)


def _seats(values: Mapping[str, str], errors: Errors) -> int:
    seats = values.get("seats", "1")
    if seats not in map(str, SEATS):
        errors.append(("seats", "range"))
        return 1
    return int(seats)


def _groups(values: Mapping[str, str], event: EventDetails, errors: Errors) -> dict[str, str]:
    """The group by session, empty where none is chosen; of a session that one signs up for, its own key."""
    groups = {}
    for session in event.wish_sessions:
        keys = [group.key for group in event.groups_in(session.key)]
        if session.slot is not None:
            keys.append(session.key)
        chosen = values.get(f"group.{session.key}", "")
        if chosen and chosen not in keys:
            errors.append((f"group.{session.key}", "unknown"))
        groups[session.key] = chosen
    return groups
