"""Answers of servers that are not ours: bounded in size, and never from another host than the one that was asked."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import cache
from xml.etree.ElementTree import Element, ParseError

import httpx
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

REDIRECTS = 3
SECONDS = 5


class Fault(StrEnum):
    """Why there is no answer."""

    REFUSED = "refused"
    SILENT = "silent"
    NAME_UNKNOWN = "name-unknown"
    NOT_TRUSTED = "not-trusted"
    LEADS_ELSEWHERE = "leads-elsewhere"
    NOT_JITSI = "not-jitsi"


class Failure(Exception):
    """There is no answer that could be used. `detail` is a host, a number or nothing."""

    def __init__(self, fault: Fault, detail: str = "") -> None:
        super().__init__(fault.value, detail)
        self.fault, self.detail = fault, detail


@dataclass(frozen=True)
class Answer:
    """What a server answered. `at` is the time by its clock, where it says so."""

    status: int
    text: str
    at: datetime | None

    def xml(self) -> Element | None:
        """The answer as XML; `None` where it is none, or has what no stanza has."""
        try:
            return fromstring(self.text)  # type: ignore[no-any-return]
        except (ParseError, DefusedXmlException, ValueError):
            return None


@cache
def _trust() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def client() -> httpx.AsyncClient:
    """A client that follows no redirect by itself."""
    return httpx.AsyncClient(timeout=SECONDS, verify=_trust(), headers={"User-Agent": "Dialograum"})


async def fetch(
    http: httpx.AsyncClient,
    url: str,
    *,
    limit: int,
    content: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """The answer to a GET, or to a POST of `content`. Raises Failure; more than `limit` bytes are no answer."""
    try:
        asked = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Failure(Fault.LEADS_ELSEWHERE) from error
    for _ in range(REDIRECTS + 1):
        try:
            request = http.build_request(
                "GET" if content is None else "POST", asked, content=content, headers=headers
            )
            response = await http.send(request, stream=True)
            try:
                if response.next_request is None:
                    return Answer(response.status_code, await _text(response, limit), _date(response))
                target = response.next_request.url
            finally:
                await response.aclose()
        except httpx.InvalidURL as error:
            raise Failure(Fault.LEADS_ELSEWHERE) from error
        except httpx.HTTPError as error:
            raise Failure(_fault(error)) from error
        if target.host != asked.host or (asked.scheme, target.scheme) == ("https", "http"):
            raise Failure(Fault.LEADS_ELSEWHERE, target.host[:100])
        asked = target
    raise Failure(Fault.LEADS_ELSEWHERE, asked.host)


async def _text(response: httpx.Response, limit: int) -> str:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > limit:
            raise Failure(Fault.NOT_JITSI)
    return body.decode("utf-8", errors="replace")


def _date(response: httpx.Response) -> datetime | None:
    try:
        found = parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _fault(error: httpx.HTTPError) -> Fault:
    if isinstance(error, httpx.TimeoutException):
        return Fault.SILENT
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return Fault.NAME_UNKNOWN
        if isinstance(cause, ssl.SSLError):
            return Fault.NOT_TRUSTED
    if isinstance(error, httpx.DecodingError):
        return Fault.NOT_JITSI
    return Fault.REFUSED


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        cause = waiting.pop()
        if cause is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        waiting += [cause.__cause__, cause.__context__]
