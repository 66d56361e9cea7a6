"""Signing in: passwords, links, sessions, and what somebody who guesses meets."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
import time_machine
from argon2 import PasswordHasher

from dialograum import signin
from dialograum.access import COOKIE
from dialograum.tables import ApiToken, SignIn, SignInFailure, SignInLink
from events.tables import Organiser
from tests.dialograum.conftest import PASSWORD, Town
from tests.visitor import Visitor

QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signin, "HASHER", QUICK)
    monkeypatch.setattr(signin, "_nobody", cache(lambda: QUICK.hash("nobody has this password")))


@pytest.fixture
async def organiser(town: Town) -> Organiser:
    organiser = await town.organiser()
    organiser.password_hash = QUICK.hash(PASSWORD)
    await organiser.save()
    return organiser


async def sign_in(
    visitor: Visitor, password: str = PASSWORD, email: str = "office@example.org", **fields: str
):
    fields = {"email": email, "password": password, **fields}
    return await visitor.send_form("/organise/sign-in", fields)


async def test_the_right_password_opens_the_desk(organiser, visitor):
    answer = await sign_in(visitor, email=" Office@Example.org ")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/organise"
    assert (await visitor.get("/organise")).status_code == 200


WRONG = [
    ("office@example.org", "wrong"),
    ("office@example.org", ""),
    ("office@example.org", PASSWORD + " "),
    ("office@example.org", "x" * 10_000),
    ("nobody@example.org", PASSWORD),
    ("nobody@example.org", "nobody has this password"),
    ("link@example.org", "nobody has this password"),
    ("", ""),
]


async def test_a_wrong_one_says_neither_which_nor_whether_somebody_is_known(town, organiser, visitor):
    await town.organiser("link")
    for email, password in WRONG:
        answer = await sign_in(visitor, password, email)
        assert answer.status_code == 422
        assert COOKIE not in visitor.cookies
        assert "Email address or password" in answer.text
        assert password == "" or password not in answer.text


async def test_what_was_typed_is_kept_but_the_password(organiser, visitor):
    answer = await sign_in(visitor, "wrong", next="/organise/events/forum")
    assert 'value="office@example.org"' in answer.text
    assert 'value="/organise/events/forum"' in answer.text


async def test_guessing_is_stopped_for_known_and_unknown_addresses_alike(organiser, visitor):
    now = datetime.now(UTC)
    for email in ("office@example.org", "nobody@example.org"):
        for _ in range(signin.FAILURES):
            assert await signin.by_password(email, "wrong", now) is None
        answer = await sign_in(visitor, email=email)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) == signin.FAILURE_WINDOW.total_seconds()
    later = now + signin.FAILURE_WINDOW + timedelta(seconds=1)
    assert await signin.by_password("office@example.org", PASSWORD, later) is not None


async def test_many_guesses_at_once_are_no_more_than_one_by_one(organiser):
    guesses = (signin.by_password("office@example.org", "wrong", datetime.now(UTC)) for _ in range(25))
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(answer is None for answer in answers) <= signin.FAILURES


async def test_whoever_gets_in_has_guessed_nothing(organiser):
    now = datetime.now(UTC)
    for _ in range(3):
        for _ in range(signin.FAILURES - 1):
            assert await signin.by_password("office@example.org", "wrong", now) is None
        assert await signin.by_password("office@example.org", PASSWORD, now) is not None
    assert not await SignInFailure.exists()


async def test_a_link_signs_in_once_and_by_post_alone(town, organiser, visitor):
    token = await signin.make_link(organiser, datetime.now(UTC))
    path = f"/organise/sign-in/{token}"
    assert (await visitor.get(path)).status_code == 200
    assert await SignInLink.exists()
    assert (await visitor.send_form(path)).status_code == 303
    assert (await visitor.get("/organise")).status_code == 200
    again = await (await town.visitor()).send_form(path)
    assert again.status_code == 422


async def test_a_link_used_twice_at_once_signs_in_once(organiser):
    token = await signin.make_link(organiser, datetime.now(UTC))
    found = await asyncio.gather(*(signin.by_link(token, datetime.now(UTC)) for _ in range(5)))
    assert [one.id for one in found if one] == [organiser.id]


async def test_a_link_ends_after_a_quarter_of_an_hour(organiser):
    now = datetime.now(UTC)
    token = await signin.make_link(organiser, now)
    assert await signin.by_link(token, now + signin.LINK) is None
    assert await signin.by_link(token, now + signin.LINK - timedelta(seconds=1)) is not None


async def test_a_session_ends_twelve_hours_after_its_last_use(town, organiser, visitor):
    await town.signed_in(organiser, visitor)
    start = datetime.now(UTC)
    with time_machine.travel(start, tick=False) as clock:
        for _ in range(3):
            clock.shift(signin.SESSION - timedelta(minutes=1))
            assert (await visitor.get("/organise")).status_code == 200
        clock.shift(signin.SESSION + timedelta(minutes=1))
        assert (await visitor.get("/organise")).status_code == 303


async def test_signing_out_ends_the_session_itself(town, organiser, visitor):
    await town.signed_in(organiser, visitor)
    cookie = visitor.cookies[COOKIE]
    answer = await visitor.send_form("/organise/sign-out", page="/organise")
    assert answer.status_code == 303
    assert COOKIE not in visitor.cookies
    thief = await town.visitor()
    thief.cookies.set(COOKIE, cookie)
    assert (await thief.get("/organise")).status_code == 303


async def test_nobody_is_signed_in_into_a_session_that_was_there_before(organiser, visitor):
    visitor.cookies.set(COOKIE, "chosen-by-somebody-else")
    await sign_in(visitor)
    fresh = [cookie.value for cookie in visitor.cookies.jar if cookie.name == COOKIE and cookie.domain]
    assert fresh
    assert "chosen-by-somebody-else" not in fresh
    rows = await SignIn.select(SignIn.token_hash)
    assert [row["token_hash"] for row in rows] == [signin.hashed(value) for value in fresh if value]


TARGETS = [
    ("/organise/events/forum/attendees", "/organise/events/forum/attendees"),
    ("https://evil.example/", "/organise"),
    ("//evil.example/organise", "/organise"),
    ("/\\evil.example", "/organise"),
    ("/organise\\..\\..\\evil.example", "/organise"),
    ("/organise//evil.example", "/organise"),
    ("/organise\r\nSet-Cookie: x=y", "/organise"),
    ("javascript:alert(1)", "/organise"),
    ("/events/forum", "/organise"),
    ("", "/organise"),
]


async def test_signing_in_leads_to_pages_of_the_desk_alone(organiser, visitor):
    for wanted, target in TARGETS:
        answer = await sign_in(visitor, next=wanted)
        assert answer.headers["location"] == target, wanted
        form = await visitor.get("/organise/sign-in", params={"next": wanted})
        assert f'value="{target}"' in form.text, wanted


async def test_after_the_sign_in_comes_the_page_that_was_asked_for(town, organiser, visitor):
    await town.event(organiser)
    asked = await visitor.get("/de/organise/events/forum")
    form = await visitor.get(asked.headers["location"])
    assert form.status_code == 200
    assert '<html lang="de"' in form.text
    answer = await sign_in(visitor, next="/organise/events/forum")
    assert (await visitor.get(answer.headers["location"])).status_code == 200


async def test_a_form_sent_after_the_session_ended_leads_back_to_a_page(town, organiser, visitor):
    await town.event(organiser)
    answer = await visitor.send_form("/organise/events/forum/publication", page="/organise/sign-in")
    assert answer.headers["location"] == "/organise/sign-in?next=%2Forganise"


async def test_only_hashes_are_stored(town, organiser, visitor):
    await town.signed_in(organiser, visitor)
    token = await signin.make_token(organiser, "read")
    link = await signin.make_link(organiser, datetime.now(UTC))
    kept = str([*await SignIn.select(), *await SignInLink.select(), *await ApiToken.select()])
    for secret in (visitor.cookies[COOKIE], token, link):
        assert secret not in kept
    assert organiser.password_hash.startswith("$argon2id$")


async def test_what_expired_is_forgotten(organiser):
    now = datetime.now(UTC)
    await signin.open_session(organiser, now)
    await signin.make_link(organiser, now)
    await signin.by_password("office@example.org", "wrong", now)
    tables = (SignIn, SignInLink, SignInFailure)
    await signin.forget_what_expired(now + timedelta(minutes=1))
    assert [await table.count() for table in tables] == [1, 1, 1]
    await signin.forget_what_expired(now + signin.SESSION)
    assert [await table.count() for table in tables] == [0, 0, 0]
