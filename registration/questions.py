"""What organisers ask people when they register: the `[[questions]]` of an event file."""

import hashlib
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct, field

from events.details import EventDetails
from events.forms import Flaw, Key, Lines, Part, Texts, Title, repeated

QuestionType = Literal["text", "choice", "choices", "yes_no", "number", "consent"]
LARGEST = 1_000_000_000
CATALOGUE = Path(__file__).resolve().parent.parent / "templates" / "words" / "questions.toml"
PRESET_NAMES = tuple(tomllib.loads(CATALOGUE.read_text("utf-8")))
"""The questions that are there to be used by name."""

Preset = Annotated[
    str,
    Meta(
        description=f"Must be one of: {', '.join(PRESET_NAMES)}.",
        extra={"holds": lambda name: name in PRESET_NAMES},
    ),
]
Bound = Annotated[
    float,
    Meta(
        ge=-LARGEST,
        le=LARGEST,
        description=f"Must be a number from {-LARGEST} to {LARGEST}.",
        extra={"holds": math.isfinite},
    ),
]


class ChoiceSpec(Part, frozen=True, kw_only=True):
    key: Key
    label: Title

    def words(self, language: str, default_language: str) -> tuple[str, str]:
        """The label with the code of the language that it is in."""
        return in_language(self.label, language, default_language)


class QuestionSpec(Part, frozen=True, kw_only=True):
    """One question as it stands in the file: whole, or the name of a preset and what is to be other than there.

    `purpose` says what the answer is for; answers of a special category (Art. 9 GDPR, such as health or
    religion) are kept apart. A consent is always optional.
    """

    preset: Preset | None = None
    key: Key | None = None
    type: QuestionType | None = None
    label: Lines = field(default_factory=dict)
    hint: Texts = field(default_factory=dict)
    purpose: Lines = field(default_factory=dict)
    required: bool = False
    choices: Annotated[tuple[ChoiceSpec, ...], Meta(max_length=100)] = ()
    min: Bound | None = None
    max: Bound | None = None
    multiline: bool = False
    special_category: bool = False


Questions = Annotated[tuple[QuestionSpec, ...], Meta(max_length=50)]

PRESETS: Mapping[str, QuestionSpec] = msgspec.convert(
    tomllib.loads(CATALOGUE.read_text("utf-8")), dict[str, QuestionSpec]
)


class Question(Struct, frozen=True, kw_only=True):
    """One question as it is asked; `QuestionSpec` says what the values mean."""

    key: str
    type: QuestionType
    label: Mapping[str, str]
    hint: Mapping[str, str] = {}
    purpose: Mapping[str, str] = {}
    required: bool = False
    choices: tuple[ChoiceSpec, ...] = ()
    min: float = -LARGEST
    max: float = LARGEST
    multiline: bool = False
    special_category: bool = False

    @property
    def bounds(self) -> Literal["both", "min", "max", "none"]:
        """Which bounds the organiser set."""
        if self.min > -LARGEST:
            return "both" if self.max < LARGEST else "min"
        return "max" if self.max < LARGEST else "none"

    def words(self, language: str, default_language: str) -> "Words":
        """What a reader of `language` sees of the question."""
        return Words(
            *(
                in_language(texts, language, default_language)
                for texts in (self.label, self.hint, self.purpose)
            )
        )

    def text_shown(self, language: str, default_language: str) -> tuple[str, str]:
        """The language of the label, and everything of `words` in paragraphs."""
        words = self.words(language, default_language)
        return words.label[0], "\n\n".join(text for _, text in words if text)

    def text_hash(self, language: str, default_language: str) -> str:
        """The SHA-256 of what a reader of `language` sees, as UTF-8, in hexadecimal digits."""
        return hashlib.sha256(self.text_shown(language, default_language)[1].encode()).hexdigest()


class Words(NamedTuple):
    """Texts with the code of the language that each is in; empty where there is none."""

    label: tuple[str, str]
    hint: tuple[str, str]
    purpose: tuple[str, str]


def questions_of(event: EventDetails) -> tuple[Question, ...]:
    """What the event asks, in the order of its file."""
    return tuple(map(complete, msgspec.convert(event.questions, tuple[QuestionSpec, ...])))


def complete(spec: QuestionSpec) -> Question:
    """The question with what its preset says; `spec` has no flaws."""
    preset = PRESETS[spec.preset] if spec.preset else QuestionSpec()
    key, type_ = spec.key or spec.preset, spec.type or preset.type
    assert key is not None
    assert type_ is not None
    least, most = (
        own if own is not None else other for own, other in ((spec.min, preset.min), (spec.max, preset.max))
    )
    return Question(
        key=key,
        type=type_,
        label=spec.label or preset.label,
        hint=spec.hint or preset.hint,
        purpose=spec.purpose or preset.purpose,
        required=spec.required,
        choices=spec.choices or preset.choices,
        min=-LARGEST if least is None else least,
        max=LARGEST if most is None else most,
        multiline=spec.multiline or preset.multiline,
        special_category=spec.special_category or preset.special_category,
    )


def in_language(texts: Mapping[str, str], language: str, default_language: str) -> tuple[str, str]:
    """The code and text that a reader of `language` gets: that, the same without what follows its hyphen,
    `default_language`, any; empty if none."""
    for code in (language, language.partition("-")[0], default_language, *texts):
        if texts.get(code):
            return code, texts[code]
    return language, ""


def flaws(questions: Sequence[QuestionSpec]) -> Iterator[Flaw]:
    """What does not fit together, with paths from `questions[0]` on."""
    keys = [question.key or question.preset or f"[{i}]" for i, question in enumerate(questions)]
    for i in repeated(keys):
        yield Flaw(f"questions[{i}].key", f"Another question has the key {keys[i]} already.")
    for i, question in enumerate(questions):
        path = f"questions[{i}]"
        if question.preset is None:
            for name in ("key", "type", "label"):
                if not getattr(question, name):
                    yield Flaw(f"{path}.{name}", "Is missing: a question without a preset needs it.")
        elif question.type is not None:
            yield Flaw(f"{path}.type", f"Must not stand beside the preset {question.preset}, which says it.")
        type_ = PRESETS[question.preset].type if question.preset else question.type
        if type_ is not None:
            yield from _flaws_of_type(path, question, type_)


def _flaws_of_type(path: str, question: QuestionSpec, type_: QuestionType) -> Iterator[Flaw]:
    if type_ in ("choice", "choices") and not question.choices and not question.preset:
        yield Flaw(f"{path}.choices", f"Is missing: a question of the type {type_} needs choices.")
    unfit = {
        "choices": bool(question.choices) and type_ not in ("choice", "choices"),
        "min": question.min is not None and type_ != "number",
        "max": question.max is not None and type_ != "number",
        "multiline": question.multiline and type_ != "text",
        "special_category": question.special_category and type_ == "consent",
    }
    for name, is_unfit in unfit.items():
        if is_unfit:
            yield Flaw(f"{path}.{name}", f"Must not stand in a question of the type {type_}.")
    if question.required and type_ == "consent":
        yield Flaw(
            f"{path}.required", "Must not stand in a question of the type consent, which is voluntary."
        )
    if type_ == "number":
        preset = PRESETS[question.preset] if question.preset else question
        least = preset.min if question.min is None else question.min
        most = preset.max if question.max is None else question.max
        if least is not None and most is not None and least > most:
            yield Flaw(f"{path}.max", "Must not be less than min.")
    for j in repeated(choice.key for choice in question.choices):
        yield Flaw(
            f"{path}.choices[{j}].key", f"Another choice has the key {question.choices[j].key} already."
        )
