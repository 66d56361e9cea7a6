"""What people answer to the organiser's questions, and what they agree to. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from registration.questions import Question

TEXT_LENGTH = 2000
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What no text holds; tabs and line feeds may stand in it."""

Errors = list[tuple[str, str]]
Answers = dict[str, Any]


class Agreed(NamedTuple):
    """A consent: to which text (its SHA-256, as UTF-8, in hexadecimal digits), in which language."""

    key: str
    text_hash: str
    language: str


@dataclass(frozen=True)
class Accepted:
    """Answers by question key, those of special categories apart, and the consents that were given."""

    answers: Answers = field(default_factory=dict)
    special_answers: Answers = field(default_factory=dict)
    consents: tuple[Agreed, ...] = ()


def accepted(
    questions: Sequence[Question],
    answers: Mapping[str, Any],
    consents: Mapping[str, bool],
    language: str,
    default_language: str,
    *,
    must_be_whole: bool = True,
) -> Accepted | Errors:
    """The answers as they are kept, or what is wrong with them as pairs of field and code.

    `language` is the one in which the person read the questions. Blank answers, empty lists and `None` are no
    answers; without `must_be_whole` required ones may be left out. Codes: `missing`, `invalid` (another type),
    `too-long`, `characters`, `range`, and `unknown` for a choice or a question that there is not.
    """
    errors: Errors = []
    kept: dict[bool, Answers] = {False: {}, True: {}}
    agreed: list[Agreed] = []
    for question in questions:
        if question.type == "consent":
            given = consents.get(question.key, False)
            if not isinstance(given, bool):
                errors.append((f"consents.{question.key}", "invalid"))
            elif given:
                agreed.append(agreement(question, language, default_language))
            continue
        value, code = _checked(question, answers.get(question.key))
        if code is None and value is None and question.required and must_be_whole:
            code = "missing"
        if code is not None:
            errors.append((f"answers.{question.key}", code))
        elif value is not None:
            kept[question.special_category][question.key] = value
    asked = {question.key for question in questions if question.type != "consent"}
    offered = {question.key for question in questions if question.type == "consent"}
    errors += [(f"answers.{key[:100]}", "unknown") for key in answers if key not in asked]
    errors += [(f"consents.{key[:100]}", "unknown") for key in consents if key not in offered]
    return errors or Accepted(kept[False], kept[True], tuple(agreed))


def agreement(question: Question, language: str, default_language: str) -> Agreed:
    """What somebody agrees to who reads the question in `language`."""
    shown_in, _ = question.text_shown(language, default_language)
    return Agreed(question.key, question.text_hash(language, default_language), shown_in)


def with_changes(
    answers: Answers, special_answers: Answers, named: Collection[str], changed: Accepted
) -> tuple[Answers, Answers]:
    """Both kinds of kept answers after those `named` became what was accepted.

    The others stay, also those to questions that are asked no more.
    """
    rest, special_rest = (
        {key: value for key, value in before.items() if key not in named}
        for before in (answers, special_answers)
    )
    return rest | changed.answers, special_rest | changed.special_answers


def visible(
    questions: Sequence[Question], answers: Answers, special_answers: Answers
) -> tuple[Answers, Answers]:
    """What may be shown of kept answers, in the order of the questions: those of every export, and those apart.

    Answers to questions that are asked no more stay out of sight. One is kept apart if it is marked now, or was when
    it was given.
    """
    plain: Answers = {}
    apart: Answers = {}
    for question in questions:
        key = question.key
        if key in special_answers:
            apart[key] = special_answers[key]
        elif key in answers:
            (apart if question.special_category else plain)[key] = answers[key]
    return plain, apart


def _checked(question: Question, value: Any) -> tuple[Any, str | None]:
    """The answer as it is kept (`None` is none), and the code of what is wrong with it."""
    if value is None:
        return None, None
    match question.type:
        case "text":
            return _checked_text(value)
        case "choice":
            return _checked_choice(question, value)
        case "choices":
            return _checked_choices(question, value)
        case "yes_no":
            return (value, None) if isinstance(value, bool) else (None, "invalid")
        case _:
            return _checked_number(question, value)


def _checked_text(value: Any) -> tuple[str | None, str | None]:
    if not isinstance(value, str):
        return None, "invalid"
    text = value.replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(text) > TEXT_LENGTH:
        return None, "too-long"
    if CONTROL.search(text):
        return None, "characters"
    return text or None, None


def _checked_choice(question: Question, value: Any) -> tuple[str | None, str | None]:
    if not isinstance(value, str):
        return None, "invalid"
    if value and value not in {choice.key for choice in question.choices}:
        return None, "unknown"
    return value or None, None


def _checked_choices(question: Question, value: Any) -> tuple[list[str] | None, str | None]:
    if not isinstance(value, list | tuple) or not all(isinstance(key, str) for key in value):
        return None, "invalid"
    known = [choice.key for choice in question.choices]
    if not set(value) <= set(known):
        return None, "unknown"
    return [key for key in known if key in value] or None, None


def _checked_number(question: Question, value: Any) -> tuple[float | None, str | None]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, "invalid"
    if not question.min <= value <= question.max:
        return None, "range"
    return value, None
