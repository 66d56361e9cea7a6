"""One file from an address of the settings, within limits of size and time, whatever the server does."""

import asyncio
import hashlib
import io
import stat
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from hybrid.records import shown
from hybrid.reports import Unreadable

MIB = 1024 * 1024
REDIRECTS = 3
CHUNK = 64 * 1024
AGENT = "Dialograum"


@dataclass(frozen=True)
class Limits:
    """`largest` is in bytes, unpacked; `seconds` from the first to the last byte, `idle_seconds` between two."""

    largest: int = 100 * MIB
    seconds: float = 180.0
    idle_seconds: float = 20.0


LIMITS = Limits()
"""RKI's table of all counties has 50 MB, and grows by 7 a year."""


@dataclass(frozen=True)
class Mark:
    """What a server said of the file that we have, so that it need not send it again."""

    etag: str = ""
    modified: str = ""


@dataclass(frozen=True)
class Download:
    """A file, or with `content` None the news that it is still the one of the mark.

    `issued_at` is when it was last changed, else when it was sent, as its server says.
    """

    content: bytes | None
    mark: Mark
    issued_at: datetime | None

    @property
    def checksum(self) -> str:
        """SHA-256 of the content, in hexadecimal."""
        return hashlib.sha256(self.content or b"").hexdigest()


async def download(address: str, mark: Mark = Mark(), limits: Limits = LIMITS) -> Download:
    """Raises `Unreadable` where there is no file to be had."""
    try:
        async with asyncio.timeout(limits.seconds):
            if urlsplit(address).scheme == "file":
                return await asyncio.to_thread(_file, address, mark, limits)
            return await _http(address, mark, limits)
    except TimeoutError:
        raise Unreadable(f"not there after {limits.seconds:g} seconds", "slow") from None
    except httpx.TimeoutException:
        raise Unreadable("the server does not answer in time", "slow") from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
        reason = shown(str(error)) or type(error).__name__
        raise Unreadable(f"it cannot be reached: {reason}", "unreachable") from None


def _file(address: str, mark: Mark, limits: Limits) -> Download:
    path = Path(unquote(urlsplit(address).path))
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable("the address is no file", "no-file")
        file = path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        raise Unreadable("there is no such file", "no-file") from None
    except OSError as error:
        raise Unreadable(f"the file cannot be opened: {error.strerror}", "closed") from None
    with file:
        etag = f"{found.st_mtime_ns}-{found.st_size}-{found.st_ino}"
        issued_at = datetime.fromtimestamp(found.st_mtime, UTC)
        if etag == mark.etag:
            return Download(None, mark, issued_at)
        content = file.read(limits.largest + 1)
    if len(content) > limits.largest:
        raise _too_large(limits)
    return Download(content, Mark(etag), issued_at)


async def _http(address: str, mark: Mark, limits: Limits) -> Download:
    timeout = httpx.Timeout(limits.idle_seconds)
    async with httpx.AsyncClient(timeout=timeout, follow_redirects=False) as client:
        url = httpx.URL(address)
        for _ in range(REDIRECTS + 1):
            headers = {"Accept-Encoding": "gzip", "User-Agent": AGENT, **_conditions(mark)}
            async with client.stream("GET", url, headers=headers) as response:
                if response.next_request is None:
                    return await _answer(response, mark, limits)
                url = _next(url, response.next_request.url)
        raise Unreadable("it leads on and on", "redirect", url.host)


def _conditions(mark: Mark) -> Mapping[str, str]:
    if mark.etag:
        return {"If-None-Match": mark.etag}
    return {"If-Modified-Since": mark.modified} if mark.modified else {}


def _next(url: httpx.URL, target: httpx.URL) -> httpx.URL:
    """Where a redirect leads: to the same server, or from its `http` to its `https`; raises `Unreadable`."""
    is_upgrade = (url.scheme, target.scheme) == ("http", "https") and url.port is None and target.port is None
    is_same = (target.scheme, target.port) == (url.scheme, url.port) or is_upgrade
    if target.host != url.host or not is_same:
        raise Unreadable(f"it leads to another address, {shown(target.host)}", "redirect", target.host)
    return target


async def _answer(response: httpx.Response, mark: Mark, limits: Limits) -> Download:
    if response.status_code == httpx.codes.NOT_MODIFIED and mark != Mark():
        return Download(None, mark, _issued_at(response))
    if response.status_code != httpx.codes.OK:
        raise Unreadable(f"the server answers {response.status_code}", "status", str(response.status_code))
    length = response.headers.get("Content-Length", "")
    if length.isascii() and length.isdecimal() and int(length[:20]) > limits.largest:
        raise _too_large(limits)
    content = io.BytesIO()
    async for piece in _unpacked(response, limits):
        if content.tell() + len(piece) > limits.largest:
            raise _too_large(limits)
        content.write(piece)
    # What is kept as a mark comes back in a header, and stands in a row.
    etag, modified = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
    return Download(
        content.getvalue(),
        Mark(etag if _fits(etag) else "", modified if _fits(modified) else ""),
        _issued_at(response),
    )


async def _unpacked(response: httpx.Response, limits: Limits) -> AsyncIterator[bytes]:
    """The body in pieces of at most `CHUNK` bytes, however well it was packed."""
    packing = response.headers.get("Content-Encoding", "identity").strip().lower()
    if packing in ("", "identity"):
        async for piece in response.aiter_raw(CHUNK):
            yield piece
        return
    if packing not in ("gzip", "x-gzip", "deflate"):
        raise Unreadable(f"it is packed in a way that is not read, {shown(packing)}", "malformed")
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        async for packed in response.aiter_raw(CHUNK):
            rest = packed
            while rest and not unpacking.eof:
                yield unpacking.decompress(rest, CHUNK)
                rest = unpacking.unconsumed_tail
        yield unpacking.flush()
    except zlib.error:
        raise Unreadable("it is packed, and damaged", "malformed") from None
    if not unpacking.eof:
        raise Unreadable("it is packed, and cut off", "cut")


def _issued_at(response: httpx.Response) -> datetime | None:
    for name in ("Last-Modified", "Date"):
        try:
            at = parsedate_to_datetime(response.headers.get(name, ""))
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None


def _fits(header: str) -> bool:
    return len(header) <= 200 and header.isascii() and header.isprintable()


def _too_large(limits: Limits) -> Unreadable:
    return Unreadable(f"larger than {limits.largest} bytes", "too-large", str(limits.largest))
