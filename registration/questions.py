"""What organisers ask people when they register: the `[[questions]]` of an event file."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from msgspec import Meta, field

from events.forms import Flaw, Key, Lines, Part, Texts, Title, repeated


class ChoiceSpec(Part, frozen=True, kw_only=True):
    key: Key
    label: Title


class QuestionSpec(Part, frozen=True, kw_only=True):
    """One question.

    `purpose` says what the answer is for; answers of a special category (Art. 9 GDPR, such as health or
    religion) are kept apart.
    """

    key: Key
    type: Literal["text", "choice", "choices", "yes_no", "number"]
    label: Title
    hint: Texts = field(default_factory=dict)
    purpose: Lines = field(default_factory=dict)
    required: bool = False
    choices: Annotated[tuple[ChoiceSpec, ...], Meta(max_length=100)] = ()
    special_category: bool = False


Questions = Annotated[tuple[QuestionSpec, ...], Meta(max_length=50)]


def flaws(questions: Sequence[QuestionSpec]) -> Iterator[Flaw]:
    """What does not fit together, with paths from `questions[0]` on."""
    for i in repeated(question.key for question in questions):
        yield Flaw(f"questions[{i}].key", f"Another question has the key {questions[i].key} already.")
    for i, question in enumerate(questions):
        path = f"questions[{i}].choices"
        if question.type in ("choice", "choices") and not question.choices:
            yield Flaw(path, f"Is missing: a question of the type {question.type} needs choices.")
        if question.type not in ("choice", "choices") and question.choices:
            yield Flaw(path, f"Must not stand in a question of the type {question.type}.")
        for j in repeated(choice.key for choice in question.choices):
            yield Flaw(f"{path}[{j}].key", f"Another choice has the key {question.choices[j].key} already.")
