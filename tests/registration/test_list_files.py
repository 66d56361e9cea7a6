"""Lists as spreadsheets write them, and files that are none."""

import io
import zipfile
from datetime import UTC, date, datetime
from typing import Any

import openpyxl
import pytest

from registration.list_files import COLUMNS, ROWS, ListUnreadable, read_list


def workbook(*rows, change=lambda sheet: None) -> bytes:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in rows:
        sheet.append(row)
    change(sheet)
    return saved(book)


def saved(book) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def cells(data: bytes):
    people = read_list(data)
    return people.headings, [(row.number, *row.cells) for row in people.rows]


TEXT = "Name{0}Ort\r\nJörg Müßig{0}Gütersloh\r\n"


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_csv_is_read_as_any_spreadsheet_writes_it(encoding, delimiter):
    found = cells(TEXT.format(delimiter).encode(encoding))
    assert found == (("Name", "Ort"), [(2, "Jörg Müßig", "Gütersloh")])


def test_what_excel_says_about_the_separator_is_heard():
    assert cells(b'sep=,\r\nName,"Ort, Land"\r\nKim,"Rheda, D"\r\n') == (
        ("Name", "Ort, Land"),
        [(3, "Kim", "Rheda, D")],
    )


def test_rows_keep_their_line_and_empty_ones_are_passed_over():
    data = b'\n\nName;Note\n\n"Kim";"one\ntwo"\n;;\nToni;three;four\n'
    assert cells(data) == (("Name", "Note", ""), [(5, "Kim", "one\ntwo", ""), (8, "Toni", "three", "four")])


def test_a_list_may_have_one_column_and_one_heading_twice():
    assert cells(b"Name\nKim\n") == (("Name",), [(2, "Kim")])
    assert cells(b"Name;Name\nKim;Muster\n")[0] == ("Name", "Name")


def test_text_that_looks_like_a_formula_is_text():
    assert cells(b"Name\n=1+1\n+49\n-x\n@y\n")[1] == [(2, "=1+1"), (3, "+49"), (4, "-x"), (5, "@y")]


def test_of_a_workbook_the_values_count():
    found = cells(
        workbook(
            ["Name", "Seats", "Day", "At", "Yes"],
            ["Kim", 2.0, date(2026, 1, 2), datetime(2026, 1, 2, 3, 4, tzinfo=UTC).replace(tzinfo=None), True],
            ["Toni", 2.5, None, "  x ", None],
        )
    )
    assert found[1] == [
        (2, "Kim", "2", "2026-01-02", "2026-01-02T03:04:00", "True"),
        (3, "Toni", "2.5", "", "x", ""),
    ]


def test_merged_cells_count_once_and_formulas_without_a_value_are_empty():
    def change(sheet):
        sheet.merge_cells("A2:B2")
        sheet["B3"] = "=CONCATENATE(A3)"

    assert cells(workbook(["Name", "Note"], ["Kim", None], ["Toni", None], change=change))[1] == [
        (2, "Kim", ""),
        (3, "Toni", ""),
    ]


def test_the_first_sheet_that_shows_counts():
    book = openpyxl.Workbook()
    first: Any = book.active
    first.append(["Hidden"])
    first.sheet_state = "hidden"
    shown = book.create_sheet("Leute")
    for row in (["Name"], ["Kim"]):
        shown.append(row)
    assert cells(saved(book)) == (("Name",), [(2, "Kim")])


def test_a_workbook_with_macros_is_a_list_and_nothing_runs():
    data = io.BytesIO(workbook(["Name"], ["Kim"]))
    with zipfile.ZipFile(data, "a") as packed:
        packed.writestr("xl/vbaProject.bin", b"macro")
    assert cells(data.getvalue()) == (("Name",), [(2, "Kim")])


def bomb() -> bytes:
    data = io.BytesIO(workbook(["Name"], ["Kim"]))
    with zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/media/big.bin", bytes(40_000_000))
    assert len(data.getvalue()) < 100_000
    return data.getvalue()


def entities() -> bytes:
    """A workbook whose sheet multiplies entities."""
    before, after = io.BytesIO(workbook(["Name"], ["Kim"])), io.BytesIO()
    laugh = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><worksheet>&b;</worksheet>'
    with zipfile.ZipFile(before) as old, zipfile.ZipFile(after, "w") as new:
        for name in old.namelist():
            new.writestr(name, laugh if name.endswith("sheet1.xml") else old.read(name))
    return after.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n \n", "empty"),
        (b";;\n;;\n", "empty"),
        (b"Name;E-Mail\n", "no-rows"),
        (b"Name\n" + b"x\n" * (ROWS + 1), "too-many-rows"),
        (b";".join([b"x"] * (COLUMNS + 1)) + b"\ny\n", "too-many-columns"),
        (b"<html><table><tr><td>Name</td></tr></table></html>", "unreadable"),
        (b"\x00\x01\x02Name", "unreadable"),
        (b"Name\n\xff\xfe\x00\n", "unreadable"),
        (b'Name\n"' + b"x" * 200_000 + b'"\n', "unreadable"),
        (b"\xff\xfeN", "unreadable"),
        (b"PK\x03\x04 and no more", "unreadable"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old-workbook"),
        (workbook(), "empty"),
        (workbook(["Name"]), "no-rows"),
        (workbook(["Name"], *([["x"]] * (ROWS + 1))), "too-many-rows"),
        (workbook(["x"] * (COLUMNS + 1), ["y"]), "too-many-columns"),
        (bomb(), "too-large"),
        (entities(), "unreadable"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_list_is_refused_with_its_reason(data, reason):
    with pytest.raises(ListUnreadable) as refused:
        read_list(data)
    assert refused.value.reason == reason


def test_five_thousand_rows_are_allowed():
    assert len(read_list(b"Name\n" + b"x\n" * ROWS).rows) == ROWS
    assert len(read_list(workbook(["Name"], *([["x"]] * ROWS))).rows) == ROWS
