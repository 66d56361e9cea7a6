"""What the API shows of the organiser's questions."""

from typing import Any

from events.details import EventDetails
from registration.questions import Question, questions_of


def questions_json(event: EventDetails, language: str) -> list[dict[str, Any]]:
    """The `questions` of the API's `Event`, in the texts that a reader of `language` gets."""
    return [_question_json(question, language, event.default_language) for question in questions_of(event)]


def _question_json(question: Question, language: str, default_language: str) -> dict[str, Any]:
    words = question.words(language, default_language)
    least, most = question.bounds in ("both", "min"), question.bounds in ("both", "max")
    return {
        "key": question.key,
        "type": question.type,
        "label": words.label[1],
        "hint": words.hint[1] or None,
        "purpose": words.purpose[1] or None,
        "language": words.label[0],
        "required": question.required,
        "choices": [
            {"key": choice.key, "label": choice.words(language, default_language)[1]}
            for choice in question.choices
        ],
        "min": question.min if least else None,
        "max": question.max if most else None,
        "special_category": question.special_category,
    }
