"""Pages behind personal links come in the registration's language, unless the address names another one."""

import re

import pytest

from registration import actions
from tests.registration.town import NOW


def language_of(page):
    said = re.search(r'<html lang="(\w+)"', page.text)
    assert said is not None
    assert page.headers["content-language"] == said[1]
    return said[1]


@pytest.fixture
async def kim(town):
    event = await town.event(registration={"confirm_email": False})
    return await town.register(event, "Kim Muster", language="ar")


@pytest.mark.parametrize("purpose", ["own", "join", "unsubscribe"])
@pytest.mark.parametrize("accepted", [None, "", "de", "en,de;q=0.5"])
async def test_whatever_the_browser_asks_for_a_link_speaks_the_language_of_the_registration(
    town, visitor, kim, purpose, accepted
):
    visitor.headers.pop("Accept-Language")
    headers = {} if accepted is None else {"Accept-Language": accepted}
    page = await visitor.get(town.link(purpose, kim), headers=headers)
    assert page.status_code == 200
    assert language_of(page) == "ar"
    assert 'dir="rtl"' in page.text


@pytest.mark.parametrize("path", ["", "/cancel", "/language", "/attendance", "/groups"])
async def test_so_does_every_page_on_which_something_is_changed(town, visitor, kim, path):
    assert language_of(await visitor.get(town.link("own", kim) + path)) == "ar"


@pytest.mark.parametrize("address", ["/tr{}", "{}?lang=tr"])
async def test_a_language_that_the_address_names_wins(town, visitor, kim, address):
    for purpose in ("own", "join"):
        assert language_of(await visitor.get(address.format(town.link(purpose, kim)))) == "tr"


async def test_a_language_that_is_not_offered_names_none(town, visitor, kim):
    assert language_of(await visitor.get(f"{town.link('own', kim)}?lang=xx")) == "ar"


async def test_where_the_registrations_language_is_offered_no_more_the_browsers_counts(town, kim):
    visitor = await town.visitor(languages=["de", "en"])
    assert language_of(await visitor.get(town.link("own", kim))) == "en"


async def test_a_refusal_speaks_it_too(town, visitor, kim):
    await actions.cancel(kim.id, NOW)
    refused = await visitor.get(f"{town.link('own', kim)}/attendance")
    assert refused.status_code == 409
    assert language_of(refused) == "ar"


async def test_who_changes_the_language_reads_the_next_page_in_it(town, visitor, kim):
    own = town.link("own", kim)
    answer = await visitor.send_form(f"{own}/language", {"language": "tr"})
    assert answer.status_code == 303
    assert language_of(await visitor.get(answer.headers["location"])) == "tr"


async def test_a_link_that_leads_nowhere_speaks_the_browsers_language(visitor):
    assert language_of(await visitor.get("/r/nothing")) == "en"
