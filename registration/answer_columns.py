"""Answers and consents as columns of a table that organisers take along."""

from collections.abc import Collection, Sequence
from typing import Any

from events.details import EventDetails
from registration.answers import visible
from registration.questions import ChoiceSpec, Question, in_language, questions_of
from registration.tables import Registration

YES_NO = {True: "yes", False: "no"}


class AnswerColumns:
    """One column per question and consent; those of special categories (Art. 9 GDPR) only where asked for."""

    def __init__(self, event: EventDetails, *, with_special: bool = False) -> None:
        self._questions = questions_of(event)
        self._language = event.default_language
        asked = [question for question in self._questions if question.type != "consent"]
        self._plain = [question for question in asked if not question.special_category]
        self._apart = [question for question in asked if question.special_category] if with_special else []
        self._consents = [question.key for question in self._questions if question.type == "consent"]

    @property
    def titles(self) -> list[str]:
        """What stands above the cells, those of special categories last."""
        return [
            *(f"answer:{question.key}" for question in self._plain),
            *(f"consent:{key}" for key in self._consents),
            *(f"special:{question.key}" for question in self._apart),
        ]

    def cells(self, registration: Registration, consents: Collection[str]) -> list[str]:
        """The answers in words of the event's own language; `consents` are the keys of those that stand."""
        plain, apart = visible(self._questions, registration.answers, registration.special_answers)
        return [
            *(self._words(question, plain.get(question.key)) for question in self._plain),
            *(YES_NO[key in consents] for key in self._consents),
            *(self._words(question, apart.get(question.key)) for question in self._apart),
        ]

    def _words(self, question: Question, answer: Any) -> str:
        if answer is None:
            return ""
        if isinstance(answer, bool):
            return YES_NO[answer]
        if question.type in ("choice", "choices"):
            return ", ".join(self._labels(question.choices, answer))
        return str(answer)

    def _labels(self, choices: Sequence[ChoiceSpec], answer: Any) -> list[str]:
        """The chosen ones; a choice that is offered no more by its key."""
        labels = {
            choice.key: in_language(choice.label, self._language, self._language)[1] for choice in choices
        }
        return [labels.get(str(key), str(key)) for key in (answer if isinstance(answer, list) else [answer])]
