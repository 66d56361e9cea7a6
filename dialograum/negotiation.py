"""Which language a visitor gets."""

import re
from collections.abc import Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from dialograum.languages import LANGUAGES, Language


def negotiate(accept_language: str, offered: Iterable[Language], default: Language) -> Language:
    """The offered language that an `Accept-Language` header (RFC 9110, 12.5.4) likes best, else `default`.

    A range matches by its full tag or by what is left when subtags are cut off its end (`en-GB` finds `en`);
    of equal weights the first wins; `q=0` excludes; `*` is the default. Malformed parts are skipped.
    """
    by_code = {language.code.lower(): language for language in offered}
    ranges: list[tuple[float, str]] = []
    for part in accept_language.lower().split(",")[:50]:
        tag, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                written = parameter[2:].strip()
                weight = float(written) if re.fullmatch(r"0(\.\d{0,3})?|1(\.0{0,3})?", written) else -1
        if re.fullmatch(r"[a-z]{1,8}(-[a-z0-9]{1,8})*|\*", tag) and weight >= 0:
            ranges.append((weight, tag))
    refused = {tag for weight, tag in ranges if weight == 0}
    for weight, tag in sorted(ranges, key=lambda entry: -entry[0]):
        if weight == 0:
            break
        if tag == "*":
            return default
        while tag:
            if tag in by_code and tag not in refused:
                return by_code[tag]
            tag = tag.rpartition("-")[0]
    return default


UNTOUCHED = ("/api/", "/static/")
"""Paths that have no language."""

_DESK = re.compile(r"/organise(?!/events/[^/]+/preview$)(/|$)")


def is_of_the_desk(path: str) -> bool:
    """Whether a path, without its language, leads to the organisers; an event's preview is a citizens' page."""
    return _DESK.match(path) is not None


def shown_at(path: str, offered: Iterable[Language]) -> tuple[Language, ...]:
    """Those of the offered languages that the page at a path exists in: the desk has the complete ones."""
    return for_organisers(offered) if is_of_the_desk(path) else tuple(offered)


def for_organisers(offered: Iterable[Language]) -> tuple[Language, ...]:
    """Those of the offered languages in which organisers are spoken to."""
    return tuple(language for language in offered if language.is_complete)


def default_for_organisers(default: Language) -> Language:
    """The installation's default language if organisers are spoken to in it, else German."""
    return default if default.is_complete else LANGUAGES["de"]


class LanguageMiddleware:
    """Finds the language of a request, before the request finds its route: it wraps the whole application.

    A path prefix (`/en/events/x`) wins over `?lang=en`, that over `Accept-Language`, that over the default;
    languages not offered fall through. The application sees the path without the prefix, and in
    `scope["state"]` the `language` and the `language_prefix`, `/en` where the address chose it, else empty.

    What is behind a personal link may set another `language` where `language_is_chosen` is false: whoever registered
    in Arabic follows a link that names no language. `languages` are those offered, by code.

    Organisers' pages come in complete languages alone: where another one was chosen, `Accept-Language` decides
    between them, and then the default if it is complete, else German; the prefix stays, for the links to
    citizens' pages.
    """

    def __init__(self, app: ASGIApp, offered: Iterable[Language], default: Language) -> None:
        self.app = app
        self.offered = {language.code: language for language in offered}
        self.default = default
        self.desk_default = default_for_organisers(default)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"].startswith(UNTOUCHED):
            await self.app(scope, receive, send)
            return
        chosen, path = self._from_path(scope["path"])
        if chosen is not None and not path.startswith(UNTOUCHED):
            scope["path"] = path
            if scope.get("raw_path"):  # servers may leave it out
                scope["raw_path"] = scope["raw_path"].removeprefix(f"/{chosen.code}".encode()) or b"/"
        else:
            chosen = self._from_query(scope["query_string"])
        served = next(iter(shown_at(scope["path"], [chosen] if chosen else ())), None)
        language = served or self._from_header(scope)
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["language"] = language
        state["language_prefix"] = f"/{chosen.code}" if chosen else ""
        state["language_is_chosen"], state["languages"] = chosen is not None, self.offered

        async def send_with_language(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                if not any(name.lower() == b"content-language" for name, _ in headers):
                    headers.append((b"content-language", state["language"].code.encode()))
                if served is None:
                    headers.append((b"vary", b"Accept-Language"))
                message["headers"] = headers
            await send(message)

        await self.app(scope, receive, send_with_language)

    def _from_path(self, path: str) -> tuple[Language | None, str]:
        first, slash, rest = path[1:].partition("/")
        return self.offered.get(first), slash + rest or "/"

    def _from_query(self, query: bytes) -> Language | None:
        if b"lang=" not in query:
            return None
        values = parse_qs(query.decode("latin-1"), max_num_fields=None).get("lang", [])
        return next((self.offered[value] for value in values if value in self.offered), None)

    def _from_header(self, scope: Scope) -> Language:
        values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"accept-language"]
        path = scope["path"]
        default = self.desk_default if is_of_the_desk(path) else self.default
        return negotiate(",".join(values), shown_at(path, self.offered.values()), default)
