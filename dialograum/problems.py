"""Refusals and failures as people and programs get them: a page, or `application/problem+json` (RFC 9457)."""

from collections.abc import Sequence
from typing import Any, cast

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.response import Redirect, Template

from dialograum.errors import BodyInvalid, Unauthorised
from dialograum.event_file import EventFileInvalid
from dialograum.failures import DatabaseAway
from dialograum.signin import TooManyFailures
from events.controllers import in_language
from events.errors import FormInvalid, Refusal, TooManyRequests
from registration.errors import GroupUnknown

AnyRequest = Request[Any, Any, Any]
PROBLEM_JSON = "application/problem+json"
CODES = {400: "invalid", 401: "unauthorised", 403: "forbidden", 404: "not-found", 405: "method-not-allowed"}
CODES |= {413: "too-large", 422: "invalid", 429: "too-many-requests"}
RETRY_SECONDS = 10

log = structlog.get_logger()


def refused(request: AnyRequest, error: Refusal) -> Response[Any]:
    """Handles every refusal. Whoever is not signed in is led to the sign-in."""
    if not _is_api(request):
        if isinstance(error, Unauthorised):
            return _to_sign_in(request)
        return _page(request, error.status, error.code, error.facts)
    errors, retry_after = _fields_of(error), error.facts.get("retry_after")
    return problem(request, error.status, error.code, error.title, error.detail, errors, retry_after)


def too_many_failures(request: AnyRequest, error: TooManyFailures) -> Response[Any]:
    return refused(request, TooManyRequests(retry_after=error.retry_after))


def http_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """Handles what Litestar refuses: unknown addresses, wrong methods, malformed bodies."""
    status = 422 if isinstance(error, ValidationException) or error.status_code == 400 else error.status_code
    if status >= 500:
        return failed(request, error)
    code = CODES.get(status, "invalid")
    if not _is_api(request):
        answer = _page(request, status, "csrf" if status == 403 else code, {})
    else:
        detail = "" if status in (404, 405) else str(error.detail)
        answer = problem(request, status, code, TITLES[code], detail, _fields_of(error))
    answer.headers.update(error.headers or {})
    return answer


def unusable(request: AnyRequest, error: Exception) -> Response[Any]:
    """Handles what no database or parser can hold: a NUL, a number or a nesting beyond all bounds."""
    log.warning(
        "value cannot be used",
        path=request.scope["path"],
        method=request.method,
        error=type(error).__name__,
    )
    return http_error(request, HTTPException(status_code=404 if "\0" in request.scope["path"] else 422))


def database_away(request: AnyRequest, error: DatabaseAway) -> Response[Any]:
    log.warning("database away", error=str(error))
    if not _is_api(request):
        return _page(request, 503, "unavailable", {"retry_after": RETRY_SECONDS})
    return problem(request, 503, "unavailable", TITLES["unavailable"], retry_after=RETRY_SECONDS)


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
    "too-many-requests": "Too many requests; try again later",
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
    errors: Sequence[dict[str, str]] = (),
    retry_after: int | None = None,
) -> Response[Any]:
    """A problem document; its `type` ends in the code."""
    base_url = request.app.state.settings.base_url
    body: dict[str, Any] = {
        "type": f"{base_url}/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail or title,
        "errors": errors,
    }
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(body, status_code=status, media_type=PROBLEM_JSON, headers=headers)


def _page(request: AnyRequest, status: int, code: str, facts: dict[str, Any]) -> Response[Any]:
    """A page, or its plain title where the page itself fails."""
    headers = {"Cache-Control": "no-store"}
    if facts.get("retry_after"):
        headers["Retry-After"] = str(facts["retry_after"])
    language = request.scope["state"].get("language", request.app.state.settings.default_language)
    page = Template(
        "pages/refusal.html",
        context={"code": code, "event": facts.get("event"), "facts": facts, "language": language},
    )
    try:
        made = cast(Any, request.app.template_engine).get_template(page.template_name)
        content, media_type = made.render(**page.create_template_context(request)), "text/html"
    except Exception as error:  # nobody may be left without an answer
        log.error("page of a refusal failed", exc_info=error)
        content, media_type = TITLES.get(code, TITLES["invalid"]), "text/plain"
    return Response(content, media_type=media_type, status_code=status, headers=headers)


def _to_sign_in(request: AnyRequest) -> Redirect:
    """To the sign-in, and from there back to the page that was asked for."""
    wanted = request.scope["path"] if request.method == "GET" else "/organise"
    return Redirect(in_language(request, "/organise/sign-in"), query_params={"next": wanted}, status_code=303)


def _fields_of(error: Exception) -> list[dict[str, str]]:
    """What is wrong, by field; empty where no field is to blame."""
    match error:
        case FormInvalid():
            return [{"field": field, "code": code} for field, code in error.errors]
        case BodyInvalid():
            return [{"field": flaw.path, "detail": flaw.reason} for flaw in error.flaws]
        case EventFileInvalid():
            return [{"field": problem.path, "detail": problem.reason} for problem in error.problems]
        case GroupUnknown():
            return [{"field": f"groups.{error.facts['session']}", "code": "unknown"}]
        case ValidationException(extra=list(found)):
            return [{"field": item["key"], "detail": item["message"]} for item in found]
    return []


def _is_api(request: AnyRequest) -> bool:
    return request.scope["path"].startswith("/api/")
