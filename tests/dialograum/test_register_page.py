"""What keeps programs from registering, and lets people through."""

from datetime import timedelta

import pytest

from registration import stamps
from registration.limits import Limit
from registration.tables import Registration
from tests.visitor import words

FORM = "/events/forum/register"
API = "/api/v1/events/forum/registrations"
TYPED = {"name": "Kim Muster", "email": "kim@example.org", "seats": "1", "group.groups": "none"}


@pytest.fixture(autouse=True)
async def forum(town):
    await town.event()


async def check(visitor):
    return await visitor.send_form(FORM, {**TYPED, "step": "check"})


@pytest.mark.parametrize("key", ["", "abc", "A" * 36, "ä"])
async def test_a_form_that_nobody_was_shown_comes_back_with_everything_in_it_and_can_be_sent(visitor, key):
    checked = await check(visitor)
    refused = await visitor.send_on(checked, FORM, {"key": key, "step": "submit"})
    assert refused.status_code == 422
    assert "This form was open for a long time." in words(refused)
    assert 'value="kim@example.org"' in refused.text
    assert not await Registration.exists()
    checked = await visitor.send_on(refused, FORM, {**TYPED, "step": "check"})
    assert (await visitor.send_on(checked, FORM, {"step": "submit"})).status_code == 200
    assert await Registration.count() == 1


async def test_a_form_of_yesterday_comes_back(visitor, monkeypatch):
    checked = await check(visitor)
    monkeypatch.setattr(stamps, "LONGEST", timedelta(seconds=-1))
    assert (await visitor.send_on(checked, FORM, {"step": "submit"})).status_code == 422


async def test_who_is_faster_than_anybody_waits(visitor, monkeypatch):
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    checked = await check(visitor)
    monkeypatch.setattr(stamps, "SHORTEST", timedelta(hours=1))
    monkeypatch.setattr("registration.controllers.asyncio.sleep", sleep)
    assert (await visitor.send_on(checked, FORM, {"step": "submit"})).status_code == 200
    assert waited == [pytest.approx(3600, abs=60)]


async def test_sending_twice_registers_once(visitor):
    checked = await check(visitor)
    for _ in range(2):
        assert (await visitor.send_on(checked, FORM, {"step": "submit"})).status_code == 200
    assert await Registration.count() == 1


async def test_a_field_that_people_do_not_see_stays_empty(visitor):
    page = await visitor.get(FORM)
    assert 'class="d-unseen" aria-hidden="true"' in page.text
    refused = await visitor.send_on(
        page, FORM, {**TYPED, "homepage": "https://example.com", "step": "submit"}
    )
    assert refused.status_code == 422
    assert "Leave this field empty" in words(refused)
    assert "d-unseen" not in refused.text
    assert 'value="https://example.com"' in refused.text
    assert not await Registration.exists()


async def test_one_client_registers_so_often_a_minute_by_api_and_page_together(town):
    few = {"client_limit": Limit(2, 60)}
    one, other = await town.visitor(**few), await town.visitor(client="203.0.113.8", **few)
    for number in range(2):
        answer = await one.post(API, json={"name": "Kim", "email": f"kim{number}@example.org"})
        assert answer.status_code == 201
    refused = await one.post(API, json={"name": "Kim", "email": "kim2@example.org"})
    assert refused.status_code == 429
    assert refused.json()["type"].endswith("/too-many-requests")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    page = await one.send_on(await check(one), FORM, {"step": "submit"})
    assert page.status_code == 429
    assert page.headers["Retry-After"]
    assert (await other.post(API, json={"name": "Kim", "email": "kim2@example.org"})).status_code == 201


async def test_an_address_known_or_not_is_written_to_three_times_an_hour(town):
    visitor = await town.visitor(client_limit=Limit(0, 0))
    statuses = [
        (await visitor.post(API, json={"name": "Kim", "email": "kim@example.org"})).status_code
        for _ in range(4)
    ]
    assert statuses == [201, 201, 201, 429]


async def test_behind_a_proxy_that_is_trusted_the_client_is_the_one_it_names(town):
    from ipaddress import ip_network

    visitor = await town.visitor(
        client="127.0.0.1", client_limit=Limit(1, 60), trusted_proxies=[ip_network("127.0.0.0/8")]
    )
    answers = [
        await visitor.post(
            API,
            json={"name": "Kim", "email": f"kim{number}@example.org"},
            headers={"X-Forwarded-For": f"198.51.100.{number}"},
        )
        for number in range(3)
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
