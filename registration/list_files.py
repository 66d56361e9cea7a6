"""Lists that come as files: CSV as spreadsheets write it, and workbooks. A cell is text, whatever it looks like."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from typing import Any

import openpyxl

from events.errors import Refusal

ROWS = 5_000
COLUMNS = 50
CELL_LENGTH = 2_000
UNPACKED_BYTES = 30_000_000
ZIP, OLD_WORKBOOK = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
BYTE_ORDERS = (b"\xff\xfe", b"\xfe\xff")


class ListUnreadable(Refusal):
    """A file without a list that can be used. `reason` is `empty`, `no-rows`, `too-many-rows`, `too-many-columns`,
    `too-large`, `old-workbook` or `unreadable`."""

    status = 422
    code = "invalid"
    title = "The list cannot be read"

    def __init__(self, reason: str) -> None:
        super().__init__(reason, reason=reason)
        self.reason = reason


@dataclass(frozen=True)
class Row:
    """`number` is the line as the spreadsheet counts it; there is one cell per heading."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class PeopleList:
    headings: tuple[str, ...]
    rows: tuple[Row, ...]


def read_list(data: bytes) -> PeopleList:
    """The first sheet: headings in the first row that is not empty, then at most 5,000 rows that are not.

    CSV is UTF-8, UTF-16 with its mark, or Windows-1252, with semicolons, commas or tabs. Of formulas the values count
    that the spreadsheet kept. Raises ListUnreadable.
    """
    if not data.strip():
        raise ListUnreadable("empty")
    if data.startswith(OLD_WORKBOOK):
        raise ListUnreadable("old-workbook")
    lines = _workbook_lines(data) if data.startswith(ZIP) else _csv_lines(data)
    filled = ((number, cells) for number, cells in lines if any(cells))
    try:
        _, headings = next(filled)
        rows = list(islice(filled, ROWS + 1))
    except StopIteration:
        raise ListUnreadable("empty") from None
    if not rows:
        raise ListUnreadable("no-rows")
    if len(rows) > ROWS:
        raise ListUnreadable("too-many-rows")
    width = max(_width(cells) for cells in (headings, *(cells for _, cells in rows)))
    if width > COLUMNS:
        raise ListUnreadable("too-many-columns")
    return PeopleList(
        _fitted(headings, width), tuple(Row(number, _fitted(cells, width)) for number, cells in rows)
    )


def _width(cells: Sequence[str]) -> int:
    return max((place for place, cell in enumerate(cells, 1) if cell), default=0)


def _fitted(cells: Sequence[str], width: int) -> tuple[str, ...]:
    return (*cells[:width], *[""] * (width - len(cells)))


def _csv_lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    text = _decoded(data)
    if "\0" in text or text.lstrip().startswith("<"):
        raise ListUnreadable("unreadable")
    delimiter = None
    first, _, rest = text.partition("\n")
    skipped = 0
    if first.strip().lower() in ("sep=;", "sep=,", "sep=\t", "sep="):
        delimiter, text, skipped = first.strip("\r")[4:5] or None, rest, 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or _delimiter(text))
    try:
        before = 0
        for cells in reader:
            yield before + 1 + skipped, [cell.strip()[:CELL_LENGTH] for cell in cells]
            before = reader.line_num
    except csv.Error:
        raise ListUnreadable("unreadable") from None


def _decoded(data: bytes) -> str:
    for encoding in ("utf-16",) if data.startswith(BYTE_ORDERS) else ("utf-8-sig", "cp1252", "latin-1"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ListUnreadable("unreadable")


def _delimiter(text: str) -> str:
    """The sign that parts the first line into most cells."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(";,\t", key=lambda sign: len(next(csv.reader([first], delimiter=sign), [])))


def _workbook_lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(part.file_size for part in packed.infolist()) > UNPACKED_BYTES:
                raise ListUnreadable("too-large")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        sheet = next((sheet for sheet in book.worksheets if sheet.sheet_state == "visible"), None)
        if sheet is None:
            raise ListUnreadable("empty")
        sheet.reset_dimensions()
        # Of the rows that a sheet may leave out, no more are looked at than a list could have.
        lines: Iterable[Any] = sheet.iter_rows(max_row=2 * ROWS + 2, max_col=COLUMNS + 1, values_only=True)
        for number, cells in enumerate(lines, 1):
            yield number, [_text(cell) for cell in cells]
    except ListUnreadable:
        raise
    except Exception:  # whatever openpyxl says about a file that is no workbook
        raise ListUnreadable("unreadable") from None


def _text(value: Any) -> str:
    """What the cell shows, as far as its value says."""
    match value:
        case None:
            return ""
        case float() if value.is_integer():
            return str(int(value))
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime() | date() | time():
            return value.isoformat()
    return str(value).replace("\0", "").strip()[:CELL_LENGTH]
