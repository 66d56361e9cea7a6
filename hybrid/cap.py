"""Reads warnings in CAP 1.2 (OASIS, `CAP-v1.2-os`), as Deutscher Wetterdienst publishes them (profile 2.1.13).

One alert as XML, or a zip of all alerts in force (a "status file"): what is no longer in it is over.
"""

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from hybrid.records import is_region, recognise, shown
from hybrid.reports import Alert, SeriesReport, StateReport, Unreadable

MOST_MEMBERS = 5_000
LARGEST_MEMBER = 32 * 1024 * 1024
LARGEST_UNPACKED = 512 * 1024 * 1024
MOST_WARNINGS = 500_000
CHUNK = 64 * 1024
DEEPEST = 12
MOST_ELEMENTS = 2_000_000
LONGEST_TEXT = 100_000

LANGUAGE = "de-DE"
"""Every alert says the same in several languages; the words shown are those of the source."""

SEVERITIES = {"Minor": 1, "Moderate": 2, "Severe": 3, "Extreme": 4}
EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2199, 12, 31, tzinfo=UTC)

_NAMESPACE = "{urn:oasis:names:tc:emergency:cap:1.2}"
_ZIP = b"PK"
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    OverflowError,
    IndexError,
)


@dataclass(frozen=True)
class CapReader:
    """Reads a state from CAP. A region is the id of a warning cell.

    Warned is where an alert in force says so: its status is Actual, no other alert of the file replaces or cancels
    it, it is more than early information (urgency Future) and no all-clear. A county, `1` with the five digits of
    its key and `000`, is warned where one of its municipalities is.
    """

    def read(
        self, content: bytes, regions: Collection[str] | None = None, issued_at: datetime | None = None
    ) -> StateReport:
        """The warnings for `regions` (None = all); raises `Unreadable`.

        The report is dated by the newest of its alerts and, in a zip, by when it was packed (in UTC, as its members
        say); one without either by `issued_at`.
        """
        recognise(content)
        messages: list[_Message] = []
        times: list[datetime] = []
        if content.startswith(_ZIP):
            for name, packed_at, chunks in _members(content):
                messages.append(_message(name, chunks))
                times.append(packed_at)
        else:
            messages.append(_message("the alert", iter((content,))))
        times += [message.sent for message in messages]
        if not times and issued_at is None:
            raise Unreadable("no alert, and no time of issue", "no-time")
        return StateReport(max(times) if times else issued_at, _in_force(messages, regions))  # type: ignore[arg-type]

    def read_recorded(self, content: bytes) -> list[SeriesReport]:
        raise Unreadable("warnings cannot be replayed from a table", "malformed")


def _members(content: bytes) -> Iterator[tuple[str, datetime, Iterator[bytes]]]:
    if content.count(b"PK\x01\x02") > MOST_MEMBERS:
        raise Unreadable(f"more than {MOST_MEMBERS} files in the zip", "too-large", str(MOST_MEMBERS))
    unpacked = 0
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist():
                if member.is_dir():
                    continue
                if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise Unreadable("the zip is packed in a way that is not read", "malformed")
                unpacked += member.file_size
                if unpacked > LARGEST_UNPACKED:
                    raise Unreadable("the zip unpacks to too much", "too-large", str(LARGEST_UNPACKED))
                with archive.open(member) as file:
                    yield shown(member.filename), datetime(*member.date_time, tzinfo=UTC), _chunks(file)
    except _DAMAGED as error:
        raise _damaged(error) from None


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    size = 0
    while chunk := _unpacked(file):
        size += len(chunk)
        if size > LARGEST_MEMBER:
            raise Unreadable(
                f"an alert is larger than {LARGEST_MEMBER} bytes", "too-large", str(LARGEST_MEMBER)
            )
        yield chunk


def _unpacked(file: IO[bytes]) -> bytes:
    try:
        return file.read(CHUNK)
    except _DAMAGED as error:
        raise _damaged(error) from None


def _damaged(error: Exception) -> Unreadable:
    return Unreadable(f"the zip is damaged: {shown(str(error)) or type(error).__name__}", "malformed")


# One alert


@dataclass
class _Info:
    texts: dict[str, str] = field(default_factory=dict)
    responses: set[str] = field(default_factory=set)
    cells: set[str] = field(default_factory=set)


@dataclass
class _Message:
    texts: dict[str, str] = field(default_factory=dict)
    infos: list[_Info] = field(default_factory=list)
    sent: datetime = EARLIEST

    @property
    def is_actual(self) -> bool:
        return self.texts.get("status") == "Actual" and self.texts.get("msgType") in (
            "Alert",
            "Update",
            "Cancel",
        )

    @property
    def replaced(self) -> Iterator[str]:
        """The identifiers of those that this one replaces: `sender,identifier,sent`, separated by spaces."""
        for reference in self.texts.get("references", "").split():
            parts = reference.split(",")
            if len(parts) == 3:
                yield parts[1]


class _Builder:
    """What the XML parser tells, kept as far as it is wanted; no tree is built."""

    WANTED_OF_ALERT = ("identifier", "sent", "status", "msgType", "references")
    WANTED_OF_INFO = (
        "language",
        "event",
        "urgency",
        "severity",
        "effective",
        "onset",
        "expires",
        "responseType",
    )

    def __init__(self) -> None:
        self.message = _Message()
        self._path: list[str] = []
        self._text: list[str] | None = None
        self._length = 0
        self._name = ""
        self._elements = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.removeprefix(_NAMESPACE)
        if (not self._path and tag != "alert") or len(self._path) == DEEPEST:
            raise Unreadable("no alert in CAP 1.2", "malformed")
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise Unreadable(
                f"more than {MOST_ELEMENTS} elements in an alert", "too-large", str(MOST_ELEMENTS)
            )
        self._path.append(tag)
        path = self._path[1:]
        if path == ["info"]:
            self.message.infos.append(_Info())
        elif path == ["info", "area", "geocode"]:
            self._name = ""
        is_wanted = (
            (len(path) == 1 and tag in self.WANTED_OF_ALERT)
            or (len(path) == 2 and path[0] == "info" and tag in self.WANTED_OF_INFO)
            or (path[:-1] == ["info", "area", "geocode"] and tag in ("valueName", "value"))
        )
        self._text, self._length = [] if is_wanted else None, 0

    def data(self, text: str) -> None:
        if self._text is not None:
            self._length += len(text)
            if self._length > LONGEST_TEXT:
                raise Unreadable(f"{self._path[-1]} is too long", "malformed")
            self._text.append(text)

    def end(self, tag: str) -> None:
        path, text = self._path[1:], "".join(self._text or ()).strip()
        if self._text is not None:
            self._keep(path, text)
        self._text = None
        self._path.pop()

    def close(self) -> _Message:
        return self.message

    def _keep(self, path: list[str], text: str) -> None:
        match path:
            case [name]:
                self.message.texts.setdefault(name, text)
            case ["info", "responseType"]:
                self.message.infos[-1].responses.add(text)
            case ["info", name]:
                self.message.infos[-1].texts.setdefault(name, text)
            case [_, _, _, "valueName"]:
                self._name = text
            case _ if self._name == "WARNCELLID":
                self.message.infos[-1].cells.add(text)


def _message(name: str, chunks: Iterator[bytes]) -> _Message:
    parser = XMLParser(target=_Builder(), forbid_dtd=True)
    try:
        for chunk in chunks:
            for start in range(0, len(chunk), CHUNK):
                parser.feed(chunk[start : start + CHUNK])
        message: _Message = parser.close()
    except ParseError as error:
        raise Unreadable(f"{name} is no XML: {shown(str(error))}", "malformed") from None
    except (DefusedXmlException, LookupError) as error:
        raise Unreadable(f"{name} is no XML that is read: {shown(str(error))}", "malformed") from None
    for field_ in ("identifier", "sent", "status", "msgType"):
        if not message.texts.get(field_):
            raise Unreadable(f"{name}: {field_} is missing", "column", field_)
    message.sent = _time(name, "sent", message.texts["sent"])
    return message


def _time(name: str, field_: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None or not EARLIEST <= at <= LATEST:
            raise ValueError
    except (ValueError, OverflowError):
        raise Unreadable(f"{name}: {field_} is {shown(text)}, no time with its offset", "malformed") from None
    return at.astimezone(UTC)


# All alerts together


def _in_force(messages: list[_Message], regions: Collection[str] | None) -> tuple[Alert, ...]:
    actual = [message for message in messages if message.is_actual]
    replaced = {identifier for message in actual for identifier in message.replaced}
    found: list[Alert] = []
    for message in actual:
        if message.texts["identifier"] in replaced or message.texts["msgType"] == "Cancel":
            continue
        found += _alerts(message, regions)
        if len(found) > MOST_WARNINGS:
            raise Unreadable(f"more than {MOST_WARNINGS} warnings", "too-large", str(MOST_WARNINGS))
    return tuple(found)


def _alerts(message: _Message, regions: Collection[str] | None) -> Iterator[Alert]:
    name = shown(message.texts["identifier"])
    if not message.infos:
        raise Unreadable(f"{name}: info is missing", "column", "info")
    info = next((info for info in message.infos if info.texts.get("language") == LANGUAGE), message.infos[0])
    for field_ in ("event", "urgency", "severity"):
        if not info.texts.get(field_):
            raise Unreadable(f"{name}: {field_} is missing", "column", field_)
    severity = SEVERITIES.get(info.texts["severity"])
    if severity is None:
        raise Unreadable(f"{name}: the severity {shown(info.texts['severity'])} is not known", "malformed")
    if info.texts["urgency"] in ("Future", "Past") or "AllClear" in info.responses:
        return
    begins = info.texts.get("onset") or info.texts.get("effective")
    onset = _time(name, "onset", begins) if begins else message.sent
    ends = info.texts.get("expires")
    expires = _time(name, "expires", ends) if ends else None
    if expires is not None and expires < onset:
        raise Unreadable(f"{name}: it expires before it begins", "malformed")
    for cell in sorted(_with_counties(info.cells)):
        if is_region(cell) and (regions is None or cell in regions):
            yield Alert(cell, severity, onset, expires, shown(info.texts["event"]))


def _with_counties(cells: set[str]) -> set[str]:
    # A municipality is 8 (a city's district 7) and its key of eight digits, which begins with the county's five.
    counties = {f"1{cell[1:6]}000" for cell in cells if len(cell) == 9 and cell[0] in "78"}
    return cells | counties
