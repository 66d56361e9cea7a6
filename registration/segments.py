"""To whom of an event's people an organiser writes. Pure: what is asked, and whether the event knows it."""

from collections.abc import Collection, Mapping

from msgspec import Struct

from events.details import EventDetails
from events.rules import Attendance
from registration.questions import Question, questions_of
from registration.rules import RegistrationStatus

NO_GROUP = "-"
"""In place of a group: whoever is in none."""

AGREED = "agreed"
YES_NO = {"yes": True, "no": False}
STATUS_FIELD = "status."


class Segment(Struct, frozen=True, kw_only=True):
    """People with one of the statuses of whom all the rest holds; empty values ask nothing.

    `group` is the key of a working group or of an optional session that one signs up for; together with `session`, it
    is meant there. Without a group and with `session`: whoever has a seat in that session. `answer` is the key
    of a question and what was ticked: the key of a choice, `yes`, `no`, or `agreed`.
    """

    statuses: tuple[RegistrationStatus, ...] = (RegistrationStatus.CONFIRMED,)
    attendance: str = ""
    session: str = ""
    group: str = ""
    language: str = ""
    answer: str = ""


def segment_typed(values: Mapping[str, str]) -> Segment:
    """The segment of a form, whatever was chosen; fields are named as the segment's, with `status.<status>` each."""
    return Segment(
        statuses=tuple(status for status in RegistrationStatus if values.get(f"{STATUS_FIELD}{status}")),
        **{
            name: values.get(name, "").strip()[:200]
            for name in Segment.__struct_fields__
            if name != "statuses"
        },
    )


def fields_of(segment: Segment) -> dict[str, str]:
    """The form's fields: the way back of `segment_typed`."""
    chosen = {name: getattr(segment, name) for name in Segment.__struct_fields__ if name != "statuses"}
    return {f"{STATUS_FIELD}{status}": "yes" for status in segment.statuses} | chosen


def unknown_in(segment: Segment, event: EventDetails, languages: Collection[str]) -> list[tuple[str, str]]:
    """Pairs of field and code for all that nobody of the event can be, in the order of the form."""
    sessions = {session.key for session in event.wish_sessions}
    groups = {NO_GROUP, *event.choice_titles} if event.wish_sessions else set()
    if segment.session in sessions and segment.group not in ("", NO_GROUP):
        there = {group.key for group in event.groups_in(segment.session)}
        signups = {session.key for session in event.signup_sessions}
        groups &= there | (signups & {segment.session})
    found = {
        "status": not segment.statuses,
        "attendance": segment.attendance not in ("", *Attendance),
        "session": segment.session not in ("", *sessions),
        "group": segment.group not in ("", *groups),
        "language": segment.language not in ("", *languages),
        "answer": segment.answer not in ("", *answers_to_choose(event)),
    }
    return [
        (name, "missing" if name == "status" else "unknown") for name, is_wrong in found.items() if is_wrong
    ]


def answers_to_choose(event: EventDetails) -> dict[str, tuple[Question, str]]:
    """What can be asked of answers: question and what was ticked, by the value that says both.

    Answers of special categories are not among them.
    """
    return {
        f"{question.key}={ticked}": (question, ticked)
        for question in questions_of(event)
        if not question.special_category
        for ticked in _ticked(question)
    }


def _ticked(question: Question) -> tuple[str, ...]:
    match question.type:
        case "choice" | "choices":
            return tuple(choice.key for choice in question.choices)
        case "yes_no":
            return tuple(YES_NO)
        case "consent":
            return (AGREED,)
        case _:
            return ()


def answer_asked(segment: Segment, event: EventDetails) -> tuple[str, str | bool | None]:
    """The question's key and the answer as it is kept, `None` for a consent; an empty key where nothing is asked."""
    known = answers_to_choose(event).get(segment.answer)
    if known is None:
        return "", None
    question, ticked = known
    if question.type == "consent":
        return question.key, None
    return question.key, YES_NO[ticked] if question.type == "yes_no" else ticked
