"""Ending the organisers' messages: by one click of a mail program (RFC 8058), on the page of the link, on one's own."""

import httpx
import pytest

from notifications.tables import Message
from registration.tables import Registration
from tests.dialograum.conftest import Town
from tests.visitor import Visitor, headings, words

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
async def kim(town: Town) -> Registration:
    event = await town.event(registration={"confirm_email": False})
    return await town.register(event, "Kim Muster")


async def is_off(kim: Registration) -> bool:
    row = await Registration.objects().get(Registration.id == kim.id)
    assert row is not None
    assert row.status == "confirmed"
    return row.announcements_off_at is not None


@pytest.mark.parametrize("body", [{"data": ONE_CLICK}, {"files": {"List-Unsubscribe": (None, "One-Click")}}])
async def test_one_click_needs_neither_sign_in_nor_cookie(town, kim, body):
    program = await town.visitor()
    program.headers.clear()
    for _ in range(2):
        answer = await program.post(town.link("unsubscribe", kim), **body)
        assert (answer.status_code, answer.text) == (200, "")
        assert "set-cookie" not in answer.headers
        assert await is_off(kim)
    assert await Message.count().where(Message.kind == "registration_cancelled") == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"List-Unsubscribe": "One-Click", "more": "x"},
        {"List-Unsubscribe": "one-click"},
        {"list-unsubscribe": "One-Click"},
        {"wanted": "no"},
    ],
)
async def test_any_other_body_without_a_form_changes_nothing(town, kim, body):
    program = await town.visitor()
    for content in ({"data": body}, {"json": body}):
        assert (await program.post(town.link("unsubscribe", kim), **content)).status_code == 422
    assert not await is_off(kim)


async def test_looking_at_the_link_changes_nothing(town, kim, visitor):
    page = await visitor.get(town.link("unsubscribe", kim))
    assert page.status_code == 200
    assert (await visitor.head(town.link("unsubscribe", kim))).status_code == 200
    assert not await is_off(kim)
    assert "Kim" not in page.text
    assert page.text.count('method="post"') == 1
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"


async def test_the_page_ends_the_messages_and_takes_it_back(town, kim, visitor: Visitor):
    link = town.link("unsubscribe", kim)
    answer = await visitor.send_form(f"{link}/off", page=link)
    assert answer.headers["location"] == link
    assert await is_off(kim)
    assert headings(await visitor.get(link)) == ["You get no more messages from the organisers"]
    await visitor.send_form(f"{link}/on", page=link)
    assert not await is_off(kim)


async def test_one_s_own_page_ends_them_and_takes_it_back(town, kim, visitor: Visitor):
    own = town.link("own", kim)
    await visitor.send_form(f"{own}/announcements/off", page=own)
    assert await is_off(kim)
    assert "You get none of them." in words(await visitor.get(own))
    answer = await visitor.send_form(f"{own}/announcements/on", page=own)
    assert answer.headers["location"] == f"{own}#announcements"
    assert not await is_off(kim)


@pytest.mark.parametrize("path", ["/off", "/on"])
async def test_the_forms_ask_for_their_token(town, kim, visitor, path):
    for link in (town.link("unsubscribe", kim), f"{town.link('own', kim)}/announcements"):
        assert (await visitor.post(link + path, data=ONE_CLICK)).status_code == 403
    assert not await is_off(kim)


@pytest.mark.parametrize("purpose", ["confirm", "own", "join"])
async def test_no_other_link_ends_them_and_this_one_opens_nothing_else(town, kim, visitor, purpose):
    token = town.link(purpose, kim).split("/")[2]
    assert (await visitor.post(f"/u/{token}", data=ONE_CLICK)).status_code == 404
    mine = town.link("unsubscribe", kim).split("/")[2]
    for path in (f"/r/{mine}", f"/r/{mine}/confirmation", f"/join/{mine}", f"/r/{mine}/calendar.ics"):
        assert (await visitor.get(path)).status_code == 404
    assert not await is_off(kim)


async def test_a_revoked_link_ends_nothing(town, kim, visitor):
    link = town.link("unsubscribe", kim)
    await Registration.update({Registration.unsubscribe_nonce: "f" * 16}).where(Registration.id == kim.id)
    assert (await visitor.get(link)).status_code == 404
    assert (await visitor.post(link, data=ONE_CLICK)).status_code == 404
    assert not await is_off(kim)
    assert (await visitor.get(town.link("own", kim))).status_code == 200


async def test_broken_bodies_are_refused(town, kim, visitor):
    link = town.link("unsubscribe", kim)
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x", "text/plain", "application/json"):
        answer: httpx.Response = await visitor.post(
            link, content=b"\x00\xff{", headers={"Content-Type": kind}
        )
        assert answer.status_code == 422, kind
    assert not await is_off(kim)
