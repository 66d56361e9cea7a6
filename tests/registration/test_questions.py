"""Questions: presets and what may be said otherwise, and the languages they are asked in."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from dialograum.languages import LANGUAGES
from registration.questions import (
    PRESETS,
    ChoiceSpec,
    QuestionSpec,
    QuestionType,
    complete,
    flaws,
    questions_of,
)
from tests.registration.town import hold


def test_the_presets_are_there_in_every_language():
    wanted = {"access", "interpreter", "childcare", "food", "organisation", "district", "photo"}
    assert wanted <= set(PRESETS)
    for name, preset in PRESETS.items():
        texts = [preset.label, preset.hint, preset.purpose, *(choice.label for choice in preset.choices)]
        assert all(set(LANGUAGES) <= set(text) for text in texts), name
        assert not preset.required, name
        assert list(flaws((QuestionSpec(preset=name),))) == []


@pytest.mark.parametrize("name", ["access", "food", "interpreter", "allergies"])
def test_what_tells_of_health_belief_or_descent_is_marked(name):
    assert complete(QuestionSpec(preset=name)).special_category


def test_a_preset_is_a_whole_question():
    food = complete(QuestionSpec(preset="food"))
    assert (food.key, food.type, food.required) == ("food", "choices", False)
    assert food.label["en"] == "What should we consider for your food?"
    assert "vegan" in [choice.key for choice in food.choices]
    children = complete(QuestionSpec(preset="childcare"))
    assert (children.type, children.min, children.max) == ("number", 0, 10)


def test_a_preset_gives_way_to_what_the_event_says():
    spec = QuestionSpec(
        preset="food",
        key="dinner",
        label={"de": "Was essen Sie abends?"},
        required=True,
        choices=(ChoiceSpec(key="soup", label={"de": "Suppe"}),),
    )
    dinner = complete(spec)
    assert (dinner.key, dinner.required, dinner.special_category) == ("dinner", True, True)
    assert dinner.label == {"de": "Was essen Sie abends?"}
    assert [choice.key for choice in dinner.choices] == ["soup"]
    assert dinner.purpose == PRESETS["food"].purpose


def test_a_number_of_a_preset_may_have_other_bounds():
    assert complete(QuestionSpec(preset="childcare", max=3)).max == 3
    assert [flaw.path for flaw in flaws((QuestionSpec(preset="childcare", max=-1),))] == ["questions[0].max"]


async def test_an_event_asks_in_the_order_of_its_file(database):
    event = await hold(
        questions=(
            QuestionSpec(preset="photo"),
            QuestionSpec(key="bus", type="yes_no", label={"de": "Kommen Sie mit dem Bus?"}),
        )
    )
    assert [(question.key, question.type) for question in questions_of(event)] == [
        ("photo", "consent"),
        ("bus", "yes_no"),
    ]


async def test_an_event_without_questions_asks_none(database):
    assert questions_of(await hold()) == ()


def test_the_readme_says_what_can_be_asked():
    text = (Path(__file__).parents[2] / "README.md").read_text()
    told = text.split("## What people are asked")[1].split("\n## ")[0]
    prose, example = told.split("```toml\n")
    names = set(re.findall(r"`(\w+)`", prose))
    fields = {field.name for field in msgspec.structs.fields(QuestionSpec)}
    assert names == fields | set(PRESETS) | set(get_args(QuestionType))
    specs = msgspec.convert(tomllib.loads(example.split("```")[0])["questions"], tuple[QuestionSpec, ...])
    assert list(flaws(specs)) == []
