"""In which languages pages are served, and what their lists of languages offer."""

import re

import pytest

from dialograum.languages import LANGUAGES
from tests.dialograum.conftest import Town
from tests.visitor import Visitor

COMPLETE = [code for code, language in LANGUAGES.items() if language.is_complete]


@pytest.fixture
async def browser(town: Town) -> Visitor:
    organiser = await town.organiser()
    await town.event(organiser)
    return await town.signed_in(organiser)


def offered(page: str) -> list[str]:
    """The languages of the list in the header."""
    return re.findall(r'<li><a href="[^"]*" hreflang="([^"]+)"', page)


def spoken(page: str) -> tuple[str, ...]:
    found = re.search(r'<html lang="([^"]+)" dir="([^"]+)"', page)
    assert found is not None
    return found.groups()


@pytest.mark.parametrize("code", LANGUAGES)
async def test_citizens_pages_come_in_every_language(browser, code):
    language = LANGUAGES[code]
    for path in ("/events/forum", "/events/forum/register", "/privacy", "/nothing-here"):
        page = (await browser.get(f"/{code}{path}")).text
        assert spoken(page) == (code, language.direction), path
        assert offered(page) == list(LANGUAGES), path
        assert f'dir="{language.direction}">{language.autonym}</span>' in page
    page = (await browser.get(f"/{code}/events/forum")).text
    assert re.findall(r'<link rel="alternate" hreflang="([^"]+)"', page) == [*LANGUAGES, "x-default"]


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize(
    "path", ["/organise", "/organise/events/forum", "/organise/sign-in", "/organise/nothing"]
)
async def test_organisers_pages_come_in_complete_languages_and_lead_back_to_the_chosen_one(
    browser, code, path
):
    answer = await browser.get(f"/{code}{path}", headers={"Accept-Language": "fr"})
    expected = code if code in COMPLETE else "de"
    assert spoken(answer.text) == (expected, "ltr")
    assert answer.headers["content-language"] == expected
    assert offered(answer.text) == COMPLETE
    assert f'href="/{code}/' in answer.text


@pytest.mark.parametrize("code", LANGUAGES)
async def test_a_draft_is_looked_at_in_every_language(town, browser, code):
    page = (await browser.get(f"/{code}/organise/events/forum/preview")).text
    assert spoken(page) == (code, LANGUAGES[code].direction)
    assert offered(page) == list(LANGUAGES)
