"""Odd requests and our own faults are answered: by a page, or by a problem."""

import httpx
import pytest
from asyncpg.exceptions import AdminShutdownError
from litestar.response import Template
from structlog.testing import capture_logs

from dialograum import database as db
from dialograum import problems
from dialograum.failures import DatabaseAway
from tests.visitor import headings


def is_problem(answer: httpx.Response, status: int, code: str) -> bool:
    """Whether the answer is a problem document of RFC 9457."""
    body = answer.json()
    return (
        answer.headers["content-type"] == "application/problem+json"
        and answer.status_code == body["status"] == status
        and body["type"].endswith(f"/{code}")
        and bool(body["title"] and body["detail"])
    )


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
