"""Records out of a file of text: CSV by the names of its columns, and JSON by the names of its keys.

Whatever the bytes are, what comes out is records or `Unreadable`; memory stays within a few times the file's size.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hybrid.reports import Unreadable

LONGEST_LINE = 64 * 1024
"""In characters. No source has lines of more than a few hundred."""

LARGEST_JSON = 16 * 1024 * 1024
"""In bytes: read at once, it takes many times its size."""

LFS_POINTER = b"version https://git-lfs"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
SHOWN = 60
LONGEST_REGION = 80

Record = tuple[int, Sequence[str]]
"""The number of the line or entry, from 1 on, and the wanted columns in the order asked for."""


class Records(Protocol):
    def read(self, content: bytes, columns: Sequence[str]) -> Iterator[Record]:
        """The records with the columns named; raises `Unreadable`."""


def recognise(content: bytes) -> None:
    """Raises `Unreadable` for what comes instead of a file: nothing, a page of HTML, a pointer of Git LFS."""
    start = content[:2048].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not start:
        raise Unreadable("the file is empty", "empty")
    if start.startswith(LFS_POINTER):
        raise Unreadable("a pointer of Git LFS stands in place of the file", "pointer")
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        raise Unreadable("a page of HTML stands in place of the file", "html")


def shown(text: str) -> str:
    """A piece of what was found, short and on one line."""
    piece = " ".join("".join(sign if sign.isprintable() else " " for sign in text[: SHOWN + 1]).split())
    return piece if len(text) <= SHOWN else piece[:SHOWN] + "…"


def is_region(text: str) -> bool:
    """Whether it can be the name of a region: on one line, without anything that is not seen."""
    return 0 < len(text) <= LONGEST_REGION and text.isprintable() and text == text.strip()


def column_missing(column: str) -> Unreadable:
    return Unreadable(f"the column {column} is missing", "column", column)


def row_refused(number: int, reason: str) -> Unreadable:
    return Unreadable(f"row {number}: {reason}", "row", str(number))


@dataclass(frozen=True)
class Csv:
    """Comma, semicolon or tab, UTF-8 with or without a byte order mark, quotes as in RFC 4180, any line ends.

    With `ended`, the last line must have an end: without, it may have been cut off within a number.
    """

    delimiter: str = ","
    ended: bool = True

    def read(self, content: bytes, columns: Sequence[str]) -> Iterator[Record]:
        recognise(content)
        if content.startswith(UTF_16):
            raise Unreadable("the text is not UTF-8", "encoding")
        if self.ended and not content.endswith((b"\n", b"\r")):
            raise Unreadable("the last line is cut off, it has no end", "cut")
        try:
            yield from self._records(content, columns)
        except UnicodeDecodeError:
            raise Unreadable("the text is not UTF-8", "encoding") from None
        except csv.Error as error:
            raise Unreadable(f"no table: {error}", "malformed") from None

    def _records(self, content: bytes, columns: Sequence[str]) -> Iterator[Record]:
        lines = _lines(io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline=""))
        rows = csv.reader(lines, delimiter=self.delimiter, strict=True)
        header = next(rows, [])
        for column in columns:
            if column not in header:
                raise column_missing(column)
            if header.count(column) > 1:
                raise Unreadable(f"the column {column} stands twice", "column-twice", column)
        places = [header.index(column) for column in columns]
        for number, row in enumerate(rows, 2):
            if len(row) != len(header):
                if not row:
                    continue
                raise row_refused(number, f"{len(row)} columns instead of {len(header)}")
            yield number, [row[place] for place in places]


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise Unreadable(f"a line is longer than {LONGEST_LINE} characters", "malformed")
        yield line


@dataclass(frozen=True)
class Json:
    """A list of objects, at `path` (keys separated by points) or at the top; a key within an object likewise."""

    path: str = ""

    def read(self, content: bytes, columns: Sequence[str]) -> Iterator[Record]:
        recognise(content)
        if len(content) > LARGEST_JSON:
            raise Unreadable(f"larger than {LARGEST_JSON} bytes", "too-large", str(LARGEST_JSON))
        try:
            # Numbers stay as they are written, for the same check as those of a table.
            found = json.loads(
                content.decode("utf-8-sig"), parse_int=str, parse_float=str, parse_constant=_not_a_number
            )
        except UnicodeDecodeError:
            raise Unreadable("the text is not UTF-8", "encoding") from None
        except (ValueError, RecursionError):
            raise Unreadable("no JSON", "malformed") from None
        entries = _at(found, self.path) if self.path else found
        if not isinstance(entries, list):
            raise Unreadable(f"no list at {self.path or 'the top'}", "column", self.path)
        for number, entry in enumerate(entries, 1):
            yield number, [_text(entry, column, number) for column in columns]


def _not_a_number(name: str) -> Any:
    raise ValueError(name)


def _at(found: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(found, dict) or key not in found:
            raise column_missing(path)
        found = found[key]
    return found


def _text(entry: Any, column: str, number: int) -> str:
    value = _at(entry, column)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise row_refused(number, f"{column} is neither text nor a number")
    return value
