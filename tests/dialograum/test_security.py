"""What every answer bears, what no request may do, and that odd requests and our own faults are answered."""

import re
from typing import Any

import httpx
import pytest
from asyncpg.exceptions import AdminShutdownError
from litestar.response import Template
from structlog.testing import capture_logs

from dialograum import database as db
from dialograum import problems
from dialograum.failures import DatabaseAway
from dialograum.security import CSP
from dialograum.settings import Settings
from dialograum.visitors import client_of
from registration.tables import Registration
from tests.visitor import hidden_fields

PUBLIC = ["/", "/events/forum", "/privacy", "/imprint", "/accessibility", "/nothing/here", "/events/none"]


def headings(answer: httpx.Response) -> list[str]:
    return re.findall(r"<h1[^>]*>(.*?)</h1>", answer.text, re.DOTALL)


def is_problem(answer: httpx.Response, status: int, code: str) -> bool:
    """Whether the answer is a problem document of RFC 9457."""
    body = answer.json()
    return (
        answer.headers["content-type"] == "application/problem+json"
        and answer.status_code == body["status"] == status
        and body["type"].endswith(f"/{code}")
        and bool(body["title"] and body["detail"])
    )


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
    for path in (*PUBLIC, "/calendar.ics", "/events/forum/calendar.ics", "/api/v1/events", "/join/x"):
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
    for path in (own, f"{own}/cancel", f"{own}/calendar.ics", join):
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
        f"{own}/cancel",
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
    shown = hidden_fields(await visitor.get("/events/forum/register"))
    form = {**shown, "name": "Kim", "email": "kim@example.org", "group.groups": "none", "step": "submit"}
    for fields, expected in (
        ({"key": "k" * 1000}, 200),
        ({"name": b"\xff\xfe"}, 200),
        ({"name": "\0"}, 422),
        ({"seats": "²"}, 422),
        ({"group.groups": "none\0"}, 422),
        ({f"field-{number}": "x" for number in range(3000)}, 200),
        ({"step": "jump"}, 200),
    ):
        answer = await visitor.post(
            "/events/forum/register", data={**form, "key": str(fields)[:50], **fields}
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


# Odd requests


ODD_ADDRESSES = [
    ("/%00", 404),
    ("/events/%00", 404),
    ("/events/%ff%fe", 404),
    ("/events/%F0%9F%92%A9", 404),
    ("/events/..%2forganise", 404),
    ("/events/%2e%2e/organise", 404),
    ("/events/" + "x" * 5000, 404),
    ("/" + "a/" * 500, 404),
    ("/static/none", 404),
    ("/static/%2e%2e%2fmanifest.json", 404),
    ("/static/manifest.json", 404),
    ("/en/static/none", 404),
    ("/api", 404),
    ("/c/x", 404),
    ("/mailbox", 404),
    ("/r/%00", 404),
    ("/r/ä/confirmation", 404),
    ("/join/x/y", 404),
    ("/events//forum", 200),
    ("/events/forum/", 200),
    ("/?q=%00", 200),
    ("/?q=" + "x" * 300, 422),
    ("/?mode=x&period=y", 200),
    ("/?q=a&q=b", 200),
    ("/?%ff=%fe&=&&", 200),
]


async def test_odd_addresses_get_a_page_with_one_heading(town, visitor):
    await town.event()
    for path, status in ODD_ADDRESSES:
        answer = await visitor.get(path)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "text/html; charset=utf-8", path
        assert len(headings(answer)) == 1, path


ODD_CALLS = [
    ("/api/", 404, "not-found"),
    ("/api/v2/events", 404, "not-found"),
    ("/api/v1/events/%00", 404, "not-found"),
    ("/api/v1/events?q=%00", 422, "invalid"),
    ("/api/v1/events?q=" + "x" * 201, 422, "invalid"),
    ("/api/v1/events?mode=hall", 422, "invalid"),
    ("/api/v1/events?limit=0", 422, "invalid"),
    ("/api/v1/events?limit=501", 422, "invalid"),
    ("/api/v1/events?from=tomorrow", 422, "invalid"),
    ("/api/v1/events?from=0001-01-01T00:00:00%2B14:00", 422, "invalid"),
    ("/api/v1/events?to=9999-12-31", 422, "invalid"),
    ("/api/v1/events?to=9999-12-31T23:59:59-14:00", 422, "invalid"),
    ("/api/v1/events?cursor=%25%25", 422, "invalid"),
    ("/api/v1/events?cursor=MSAxMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA", 422, "invalid"),
]


async def test_odd_addresses_of_the_api_get_a_problem(visitor):
    for path, status, code in ODD_CALLS:
        assert is_problem(await visitor.get(path), status, code), path


async def test_a_method_that_an_address_does_not_know(visitor):
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "NONSENSE"):
        page = await visitor.request(method, "/")
        assert page.status_code == 405
        assert len(headings(page)) == 1
        assert "GET" in page.headers["allow"]
        assert is_problem(await visitor.request(method, "/api/v1/events"), 405, "method-not-allowed")


NO_JSON = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff",
    b"name=x&email=x%40example.org",
    b'{"name": "\\ud800"}',
    b'{"name": NaN}',
    b"[" * 100_000,
    b'{"answers":' * 50_000,
]


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/x-www-form-urlencoded", "text/plain"]
)
async def test_a_body_that_is_no_json_is_a_problem(town, visitor, content_type):
    await town.event()
    headers = {"Content-Type": content_type}
    for content in NO_JSON:
        answer = await visitor.post("/api/v1/events/forum/registrations", content=content, headers=headers)
        assert is_problem(answer, 422, "invalid"), content[:50]
    content = b'{"name": "' + b"x" * 1_000_001 + b'"}'
    answer = await visitor.post("/api/v1/events/forum/registrations", content=content, headers=headers)
    assert is_problem(answer, 413, "too-large")


async def test_too_long_a_form_is_a_page(town, visitor):
    await town.event()
    answer = await visitor.send_form("/events/forum/register", {"name": "x" * 1_000_001})
    assert answer.status_code == 413
    assert len(headings(answer)) == 1


# Our own faults


def break_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(db.DB, "acquire", broken)


@pytest.mark.parametrize("error", [DatabaseAway("no answer"), AdminShutdownError("terminating connection")])
async def test_a_database_that_is_away_is_said_and_try_again(monkeypatch, visitor, error):
    break_with(monkeypatch, error)
    page, answer = await visitor.get("/"), await visitor.get("/api/v1/events")
    assert page.status_code == 503
    assert len(headings(page)) == 1
    assert int(page.headers["retry-after"]) > 0
    assert is_problem(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert (await visitor.get("/readyz")).status_code == 503
    assert (await visitor.get("/healthz")).status_code == 200


async def test_what_nobody_expected_is_written_down_and_not_shown(monkeypatch, visitor):
    break_with(monkeypatch, RuntimeError("secret of the house"))
    with capture_logs() as logs:
        page, answer = await visitor.get("/"), await visitor.get("/api/v1/events")
    assert page.status_code == 500
    assert len(headings(page)) == 1
    assert is_problem(answer, 500, "failed")
    assert "secret" not in page.text + answer.text
    assert [entry["log_level"] for entry in logs] == ["error", "error"]


async def test_a_page_of_a_refusal_that_fails_is_plain_text(monkeypatch, visitor):
    def broken(*_: object) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(Template, "create_template_context", broken)
    with capture_logs():
        answer = await visitor.get("/nothing/here")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == problems.TITLES["not-found"]


# Where a request comes from


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "client"),
    [
        ("203.0.113.7", "", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "10.0.0.0/8", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1", "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.1", "127.0.0.1, 198.51.100.1", "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.0/8", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.0/8", "10.0.0.1"),
        ("10.0.0.1", " , ", "10.0.0.0/8", "10.0.0.1"),
        ("::ffff:10.0.0.1", "2001:db8::7", "10.0.0.0/8", "2001:db8::7"),
        ("fd00::1", "[2001:db8::7]", "fd00::/8", "2001:db8::7"),
        ("unix", "198.51.100.1", "10.0.0.0/8", "0.0.0.0"),
    ],
)
def test_only_named_proxies_say_who_calls(peer, forwarded, trusted, client):
    scope = {"client": (peer, 1), "headers": [(b"x-forwarded-for", forwarded.encode())]}
    networks = Settings(trusted_proxies=trusted).trusted_proxies
    assert client_of(scope, networks) == client


def test_several_headers_count_as_one():
    headers = [(b"x-forwarded-for", b"198.51.100.1"), (b"x-forwarded-for", b"198.51.100.2")]
    networks = Settings(trusted_proxies="10.0.0.0/8").trusted_proxies
    assert client_of({"client": ("10.0.0.1", 1), "headers": headers}, networks) == "198.51.100.2"
