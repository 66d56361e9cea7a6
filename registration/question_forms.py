"""Answers and consents as they stand in the fields of a page.

An answer stands in `answers.<key>`, each choice of several in `answers.<key>.<choice>`. A consent stands in
`consents.<key>` and is the hash of the text beside its box, `shown_in` the language of the page that it stood on.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from registration.questions import Question

NUMBER = re.compile(r"[+-]?\d{1,15}([.,]\d{1,9})?")
YES_NO = {"yes": True, "no": False}


def typed(values: Mapping[str, str], questions: Sequence[Question]) -> tuple[dict[str, Any], dict[str, bool]]:
    """The answers and consents by key, for `accepted` to judge; blanks are left out."""
    answers: dict[str, Any] = {}
    consents: dict[str, bool] = {}
    for question in questions:
        if question.type == "consent":
            consents[question.key] = bool(values.get(f"consents.{question.key}"))
        elif (answer := _typed(values, question)) not in ("", []):
            answers[question.key] = answer
    return answers, consents


def outdated(
    values: Mapping[str, str], questions: Sequence[Question], shown_in: str, default_language: str
) -> list[tuple[str, str]]:
    """Consents to other words than the event has now: `changed`. They were given and must be asked for again."""
    return [
        (f"consents.{question.key}", "changed")
        for question in questions
        if question.type == "consent"
        and values.get(f"consents.{question.key}", "")
        not in ("", question.text_hash(shown_in, default_language))
    ]


def fields_of(questions: Sequence[Question], answers: Mapping[str, Any]) -> dict[str, str]:
    """The fields filled in with answers as they are kept: the way back of `typed`."""
    values: dict[str, str] = {}
    for question in questions:
        answer = answers.get(question.key)
        name = f"answers.{question.key}"
        if isinstance(answer, list):
            values |= {f"{name}.{choice}": "yes" for choice in answer}
        elif isinstance(answer, bool):
            values[name] = "yes" if answer else "no"
        elif answer is not None:
            values[name] = str(answer)
    return values


def _typed(values: Mapping[str, str], question: Question) -> Any:
    name = f"answers.{question.key}"
    if question.type == "choices":
        return [choice.key for choice in question.choices if values.get(f"{name}.{choice.key}")]
    text = values.get(name, "").strip()
    if question.type == "yes_no":
        return YES_NO.get(text, text)
    if question.type == "number" and NUMBER.fullmatch(text):
        number = float(text.replace(",", "."))
        return int(number) if number.is_integer() else number
    return text
