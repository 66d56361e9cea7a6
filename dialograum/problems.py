"""Refusals and failures as people and programs get them: a page, or `application/problem+json` (RFC 9457)."""

from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.response import Redirect, Template

from dialograum.failures import DatabaseAway
from dialograum.errors import TooManyRequests, Unauthorised
from dialograum.event_file import EventFileInvalid
from dialograum.signin import TooManyFailures
from events.errors import FormInvalid, Refusal

AnyRequest = Request[Any, Any, Any]
PROBLEM_JSON = "application/problem+json"
CODES = {400: "invalid", 401: "unauthorised", 403: "forbidden", 404: "not-found", 405: "method-not-allowed"}
CODES |= {413: "too-large", 422: "invalid", 429: "too-many-requests", 503: "unavailable"}

log = structlog.get_logger()


def refused(request: AnyRequest, error: Refusal) -> Response[Any]:
    """Handles every refusal. Whoever is not signed in is led to the sign-in."""
    if not _is_api(request):
        if isinstance(error, Unauthorised):
            return Redirect(f"/organise/sign-in?next={request.scope['path']}", status_code=303)
        return _page(request, error.status, error.code, error.facts)
    errors = None
    if isinstance(error, FormInvalid):
        errors = [{"field": field, "code": code} for field, code in error.errors]
    elif isinstance(error, EventFileInvalid):
        errors = [{"field": problem.path, "detail": problem.reason} for problem in error.problems]
    return problem(request, error.status, error.code, error.title, error.detail, errors, error.facts.get("retry_after"))


def too_many_failures(request: AnyRequest, error: TooManyFailures) -> Response[Any]:
    return refused(request, TooManyRequests(retry_after=error.retry_after))


def http_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """Handles what Litestar refuses: unknown addresses, wrong methods, malformed bodies."""
    status = 422 if isinstance(error, ValidationException) or error.status_code == 400 else error.status_code
    code = CODES.get(status, "invalid")
    if not _is_api(request):
        return _page(request, status, "csrf" if status == 403 else code, {})
    errors = None
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        errors = [
            {"field": str(item.get("key", "")), "detail": str(item.get("message", ""))}
            for item in error.extra
            if isinstance(item, dict)
        ]
    detail = "" if status in (404, 405) else str(error.detail)
    return problem(request, status, code, TITLES.get(code, "The request cannot be used"), detail, errors)


def database_away(request: AnyRequest, error: DatabaseAway) -> Response[Any]:
    log.warning("database away", error=str(error))
    if not _is_api(request):
        return _page(request, 503, "unavailable", {})
    return problem(request, 503, "unavailable", TITLES["unavailable"])


def failed(request: AnyRequest, error: Exception) -> Response[Any]:
    """Handles what nobody expected; the log says what it was, the answer does not."""
    log.error("request failed", path=request.scope["path"], method=request.method, exc_info=error)
    if not _is_api(request):
        return _page(request, 500, "failed", {})
    return problem(request, 500, "failed", TITLES["failed"])


TITLES = {
    "invalid": "Some of the values cannot be used",
    "not-found": "There is nothing at this address",
    "method-not-allowed": "This address does not know the method",
    "too-large": "The request is too large",
    "forbidden": "Your role does not allow this",
    "unauthorised": "This needs a token of an organiser",
    "unavailable": "The database does not answer; try again in a moment",
    "failed": "Something failed on our side; it has been written down",
}


def problem(
    request: AnyRequest,
    status: int,
    code: str,
    title: str,
    detail: str = "",
    errors: list[dict[str, str]] | None = None,
    retry_after: int | None = None,
) -> Response[Any]:
    """A problem document; its `type` ends in the code."""
    base_url = request.app.state.settings.base_url
    body: dict[str, Any] = {
        "type": f"{base_url}/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail or title,
    }
    if errors is not None:
        body["errors"] = errors
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(body, status_code=status, media_type=PROBLEM_JSON, headers=headers)


def _page(request: AnyRequest, status: int, code: str, facts: dict[str, Any]) -> Template:
    headers = {"Cache-Control": "no-store"}
    if facts.get("retry_after"):
        headers["Retry-After"] = str(facts["retry_after"])
    return Template(
        "pages/refusal.html",
        context={"code": code, "event": facts.get("event"), "facts": facts},
        status_code=status,
        headers=headers,
    )


def _is_api(request: AnyRequest) -> bool:
    return request.scope["path"].startswith("/api/")
