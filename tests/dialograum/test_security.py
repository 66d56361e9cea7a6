"""What every answer bears, and what no request may do."""

from typing import Any

import pytest

from dialograum.security import CSP
from registration.tables import Registration
from tests.visitor import headings, hidden_fields

PUBLIC = ["/", "/events/forum", "/privacy", "/imprint", "/accessibility", "/nothing/here", "/events/none"]


# What every answer bears


async def test_every_answer_is_armoured(town, visitor):
    await town.event()
    for path in (
        *PUBLIC,
        "/calendar.ics",
        "/events/forum/register",
        "/organise",
        "/api/v1/events",
        "/api/v1/events/none",
        "/static/none",
        "/healthz",
        "/metrics",
    ):
        headers = (await visitor.get(path)).headers
        assert headers["content-security-policy"] == CSP, path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["x-frame-options"] == "DENY", path
        assert headers["referrer-policy"] in ("same-origin", "no-referrer"), path
        assert "strict-transport-security" not in headers, path


def test_no_page_runs_or_loads_anything_foreign():
    assert "unsafe" not in CSP
    assert "http" not in CSP
    assert "default-src 'none'" in CSP


async def test_with_https_cookies_are_secure_and_browsers_stay_with_it(town):
    await town.event()
    visitor = await town.visitor(base_url="https://dialog.example.org")
    answer = await visitor.get("/events/forum/register")
    cookie = answer.headers["set-cookie"]
    assert {"Secure", "HttpOnly", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    organiser = await town.organiser()
    await town.signed_in(organiser, visitor)
    session = next(cookie for cookie in visitor.cookies.jar if cookie.name == "dialograum_session")
    assert session.secure
    assert session.has_nonstandard_attr("HttpOnly")


async def test_public_pages_set_no_cookie(town, visitor):
    await town.event()
    for path in (*PUBLIC, "/calendar.ics", "/events/forum/calendar.ics", "/api/v1/events"):
        assert "set-cookie" not in (await visitor.get(path)).headers, path


async def test_head_answers_as_get_does_without_a_body(town, visitor):
    await town.event()
    for path in (
        "/",
        "/events/forum",
        "/events/forum/register",
        "/calendar.ics",
        "/api/v1/events",
        "/healthz",
        "/none",
    ):
        whole, head = await visitor.get(path), await visitor.head(path)
        assert head.status_code == whole.status_code, path
        assert head.headers["content-type"] == whole.headers["content-type"], path
        assert head.content == b"", path


async def test_personal_pages_are_neither_kept_nor_found(town, visitor):
    event = await town.event(registration={"confirm_email": False})
    registration = await town.register(event)
    own, join = town.link("own", registration), town.link("join", registration)
    forms = (f"{own}/{thing}" for thing in ("cancel", "groups", "attendance", "language"))
    for path in (own, *forms, f"{own}/calendar.ics", join):
        headers = (await visitor.get(path)).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-robots-tag"] == "noindex"
        assert headers["referrer-policy"] == "no-referrer"


async def test_a_language_in_the_address_stays_there(town, visitor):
    await town.event(short="kurz")
    assert (await visitor.get("/kurz")).headers["location"] == "/events/forum"
    assert (await visitor.get("/de/kurz")).headers["location"] == "/de/events/forum"
    assert (await visitor.get("/kurz?lang=de")).headers["location"] == "/de/events/forum"
    assert (await visitor.get("/de/organise")).headers["location"] == "/de/organise/sign-in?next=%2Forganise"


async def test_pages_speak_the_language_that_was_chosen(visitor):
    chosen = {"/": "en", "/?lang=de": "de", "/de/": "de", "/de": "de", "/de/nothing": "de", "/?lang=xx": "en"}
    for path, language in chosen.items():
        answer = await visitor.get(path)
        assert f'<html lang="{language}"' in answer.text, path
        assert answer.headers["content-language"] == language, path


# What no request may do


async def test_no_form_is_taken_without_its_token(town):
    event = await town.event(registration={"confirm_email": False})
    registration = await town.register(event)
    own = town.link("own", registration)
    browser = await town.signed_in(await town.organiser(role="admin"))
    for path in (
        "/events/forum/register",
        *(f"{own}/{thing}" for thing in ("cancel", "groups", "attendance", "answers", "language")),
        town.link("confirm", registration),
        "/organise/sign-in",
        "/organise/sign-out",
        "/organise/events/forum/publication",
        "/organise/events/forum/cancellation",
        f"/organise/events/forum/attendees/{registration.id}/cancellation",
    ):
        for fields in ({}, {"_csrf_token": "f" * 128}):
            assert (await browser.post(path, data=fields)).status_code == 403, path
    after = await Registration.objects().get(Registration.id == registration.id)
    assert after is not None
    assert after.status == "confirmed"


async def test_whatever_comes_in_place_of_a_token_is_a_wrong_one(town, visitor):
    await town.event()
    await visitor.get("/events/forum/register")
    bodies: list[dict[str, Any]] = [
        {"data": {"_csrf_token": "a" * 64 + "ü" * 64}},
        {"data": {"_csrf_token": ["a", "b"]}},
        {"headers": {"X-CSRFToken": "ü".encode() * 70}},
        {"content": b"_csrf_token=%ff", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
    ]
    for body in bodies:
        answer = await visitor.post("/events/forum/register", **body)
        assert answer.status_code == 403, body
        assert len(headings(answer)) == 1


async def test_a_form_that_no_browser_sends(town, visitor):
    await town.event()
    typed = {"name": "Kim", "group.groups": "none", "step": "submit"}
    cases: list[tuple[dict[str, Any], int]] = [
        ({"key": "k" * 1000}, 422),
        ({"name": b"\xff\xfe"}, 200),
        ({"name": "\0"}, 422),
        ({"seats": "²"}, 422),
        ({"group.groups": "none\0"}, 422),
        ({f"field-{number}": "x" for number in range(3000)}, 200),
        ({"step": "jump"}, 200),
    ]
    for number, (fields, expected) in enumerate(cases):
        shown = hidden_fields(await visitor.get("/events/forum/register"))
        answer = await visitor.post(
            "/events/forum/register",
            data={**shown, **typed, "email": f"kim{number}@example.org", **fields},
        )
        assert answer.status_code == expected, fields
        assert len(headings(answer)) == 1
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert (
        await visitor.post("/events/forum/register", content=b"--x\r\n", headers=broken)
    ).status_code == 422


async def test_a_form_of_another_site_is_refused(town, visitor):
    await town.event()
    form = {"Sec-Fetch-Site": "cross-site"}
    assert (await visitor.post("/events/forum/register", headers=form)).status_code == 403
    answer = await visitor.post("/api/v1/events/forum/registrations", json={}, headers=form)
    assert answer.status_code == 422


async def test_a_form_from_before_a_new_secret_works_once_it_is_loaded_again(town, visitor):
    visitor.cookies.set("dialograum_csrf", "a" * 128)
    answer = await visitor.send_form("/organise/sign-in", {"email": "x@example.org", "password": "x"})
    assert answer.status_code == 422


@pytest.mark.parametrize("who", ["get", "head"])
async def test_looking_changes_nothing(town, visitor, who):
    event = await town.event()
    registration = await town.register(event)
    own = town.link("own", registration)
    before = await Registration.select().where(Registration.id == registration.id)
    for path in (town.link("confirm", registration), own, f"{own}/cancel", town.link("join", registration)):
        assert (await visitor.request(who.upper(), path)).status_code == 200
    assert await Registration.select().where(Registration.id == registration.id) == before


async def test_no_address_gets_into_a_header(visitor):
    for asked in (
        "/organise%0d%0aSet-Cookie:%20x=y",
        "/organise/events/%0d%0aX:y",
        "//evil.example/organise",
    ):
        answer = await visitor.get(asked)
        assert answer.status_code in (303, 404), asked
        assert "x=y" not in answer.headers.get("set-cookie", "")
        assert "x" not in answer.headers
        assert answer.headers.get("location", "/organise").startswith("/organise"), asked
