"""What the readers make of a series: by the names of its columns, and never a guess."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from hybrid.indicators import BUILT_IN
from hybrid.reports import Row, Unreadable
from hybrid.series import DAYS_READ
from tests.hybrid.files import (
    AMELAG,
    AMELAG_BEFORE,
    ARE,
    COUNTIES,
    GERMANY,
    GRIPPEWEB,
    HTML,
    LFS,
    RECORDED,
    SARI,
)

SOURCES: Any = BUILT_IN
INCIDENCE: Any = BUILT_IN["rki-incidence"]


def day(number: int) -> date:
    return date(2026, 11, number)


def test_counties_keep_their_leading_zero_and_the_newest_row_dates_the_report():
    report = INCIDENCE.read(COUNTIES.encode())
    assert report.report_on == day(2)
    assert report.rows == {
        "05754": (Row(day(1), 400.0), Row(day(2), 410.5)),
        "05758": (Row(day(1), 250.5), Row(day(2), 260.0)),
    }


def test_regions_that_nobody_wants_date_the_report_and_are_not_kept():
    report = INCIDENCE.read((COUNTIES + "2026-11-03,05758,1,1,1,1,1\n").encode(), {"05754"})
    assert (report.report_on, list(report.rows)) == (day(3), ["05754"])


@pytest.mark.parametrize(
    ("name", "content", "report_on", "rows"),
    [
        ("rki-incidence-germany", GERMANY, day(1), {"Bundesweit": (Row(day(1), 0.1),)}),
        ("rki-grippeweb-are", GRIPPEWEB, day(1), {"Mitte (West)": (Row(day(1), 5100.0),)}),
        ("rki-grippeweb-ili", GRIPPEWEB, day(1), {"Mitte (West)": (Row(day(1), 700.0),)}),
        ("rki-are", ARE, day(1), {"Nordrhein-Westfalen": (Row(day(1), 1200.0),)}),
        ("rki-amelag-influenza", AMELAG, day(1), {"Bundesweit": (Row(day(1), 100_000.0),)}),
        ("rki-amelag-sars-cov-2", AMELAG, day(1), {"Bundesweit": (Row(day(1), 950.25),)}),
        ("rki-sari-covid", SARI, date(2024, 10, 13), {"Bundesweit": (Row(date(2024, 10, 13), 1.9),)}),
    ],
)
def test_each_series_is_read_in_its_own_format_and_a_week_ends_on_sunday(name, content, report_on, rows):
    report = SOURCES[name].read(content.encode())
    assert (report.report_on, report.rows) == (report_on, rows)
    assert not SOURCES[name].weekly or report_on.isoweekday() == 7
    assert all(SOURCES[name].has_region(region) for region in rows)


SAME = {
    "a byte order mark": "\ufeff" + COUNTIES,
    "CRLF": COUNTIES.replace("\n", "\r\n"),
    "CR": COUNTIES.replace("\n", "\r"),
    "an empty line": COUNTIES.replace("\n", "\n\n", 2),
    "rows out of order": "".join([COUNTIES.splitlines(True)[0], *reversed(COUNTIES.splitlines(True)[1:])]),
    "quotes": "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in COUNTIES.splitlines())
    + "\n",
    "columns in another order, and one more": "\n".join(
        ",".join([*reversed(line.split(",")), "more"]) for line in COUNTIES.splitlines()
    )
    + "\n",
    "cases without a county": COUNTIES + "2026-11-02,u,,12,1,2,\n",
}


@pytest.mark.parametrize("content", SAME.values(), ids=SAME)
def test_what_means_the_same_is_read_the_same(content):
    assert INCIDENCE.read(content.encode()) == INCIDENCE.read(COUNTIES.encode())


REFUSED = {
    "nothing": (b"", "empty", "the file is empty"),
    "white space": (b" \n\r\n", "empty", "the file is empty"),
    "html": (HTML.encode(), "html", "a page of HTML stands in place of the file"),
    "html after a mark": (
        b"\xef\xbb\xbf  " + HTML.lower().encode(),
        "html",
        "a page of HTML stands in place of the file",
    ),
    "a pointer": (LFS.encode(), "pointer", "a pointer of Git LFS stands in place of the file"),
    "latin-1": (COUNTIES.replace("05758", "Höxte").encode("latin-1"), "encoding", "the text is not UTF-8"),
    "utf-16": (COUNTIES.encode("utf-16"), "encoding", "the text is not UTF-8"),
    "no row": (COUNTIES.splitlines(True)[0].encode(), "no-rows", "no row"),
    "a renamed column": (
        COUNTIES.replace("Inzidenz_7-Tage", "Inzidenz").encode(),
        "column",
        "the column Inzidenz_7-Tage is missing",
    ),
    "a column twice": (
        COUNTIES.replace("Bevoelkerung", "Meldedatum").encode(),
        "column-twice",
        "the column Meldedatum stands twice",
    ),
    "semicolons": (COUNTIES.replace(",", ";").encode(), "column", "the column Meldedatum is missing"),
    "cut off in a row": (COUNTIES[:-12].encode(), "cut", "the last line is cut off, it has no end"),
    "cut off in the last number": (COUNTIES[:-2].encode(), "cut", "the last line is cut off, it has no end"),
    "a short row": (COUNTIES.encode() + b"2026-11-03,05754\n", "row", "row 6: 2 columns instead of 7"),
    "an open quote": (
        COUNTIES.encode() + b'"2026-11-03,05754\n',
        "malformed",
        "no table: unexpected end of data",
    ),
    "a county without its zero": (
        COUNTIES.replace("05754", "5754").encode(),
        "row",
        "row 2: Landkreis_id: 5754 is no region of this source",
    ),
    "the same day twice": (
        (COUNTIES + "2026-11-02,05754,1,1,1,1,9\n").encode(),
        "row",
        "row 6: a second value for 05754 on 2026-11-02",
    ),
    "a very long line": (
        COUNTIES.encode() + b"x" * 100_000 + b"\n",
        "malformed",
        "a line is longer than 65536 characters",
    ),
}


@pytest.mark.parametrize(("content", "code", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_report_is_refused_with_the_reason(content, code, message):
    with pytest.raises(Unreadable) as refused:
        INCIDENCE.read(content)
    assert (refused.value.code, str(refused.value)) == (code, message)


VALUES = {
    "nan": ("NaN", "is no number"),
    "inf": ("inf", "is no number"),
    "below zero": ("-1", "cannot be"),
    "more than everybody": ("100000.1", "cannot be"),
    "huge": ("1e308", "cannot be"),
    "beyond numbers": ("1e999", "cannot be"),
    "a decimal comma": ('"410,5"', "is no number"),
    "thousands": ("1_000", "is no number"),
    "nothing": ("", "is no number"),
    "other digits": ("٤١٠", "is no number"),
    "NA": ("NA", "is no number"),
    "a formula": ("=1+1", "is no number"),
}


@pytest.mark.parametrize(("text", "message"), VALUES.values(), ids=VALUES)
def test_a_value_that_cannot_be_is_refused_whoever_it_is_about(text, message):
    with pytest.raises(Unreadable, match=f"row 4: Inzidenz_7-Tage: .*{message}"):
        INCIDENCE.read(COUNTIES.replace("410.5", text).encode(), {"05758"})


@pytest.mark.parametrize("text", ["100000", "0", "0.0", "1e5", "4.1E2", "-0"])
def test_a_number_may_be_written_as_programs_write_it(text):
    report = INCIDENCE.read(COUNTIES.replace("410.5", text).encode())
    assert report.rows["05754"][-1].value == float(text)


@pytest.mark.parametrize(
    "text",
    [
        "02.11.2026",
        "2026-11-31",
        "2026-1-2",
        "20261102",
        "2026-W44",
        "1989-12-31",
        "2200-01-01",
        "",
        "2026-11-02T00:00:00",
    ],
)
def test_a_date_that_is_none_is_refused(text):
    with pytest.raises(Unreadable, match="row 4: Meldedatum"):
        INCIDENCE.read(COUNTIES.replace("2026-11-02,05754", f"{text},05754").encode())


@pytest.mark.parametrize(
    ("week", "sunday"), [("2026-W53", "2027-01-03"), ("2027-W01", "2027-01-10"), ("2020-W53", "2021-01-03")]
)
def test_a_week_is_dated_by_the_sunday_that_ends_it(week, sunday):
    report = SOURCES["rki-sari-covid"].read(SARI.replace("2024-W41", week).encode())
    assert report.report_on == date.fromisoformat(sunday)


@pytest.mark.parametrize("week", ["2025-W53", "2026-W00", "2026-W54", "2026W44", "2026-44"])
def test_a_week_that_does_not_exist_is_refused(week):
    with pytest.raises(Unreadable, match="row 3: date"):
        SOURCES["rki-sari-covid"].read(SARI.replace("2024-W41", week).encode())


def test_a_header_that_was_changed_names_the_column_that_is_missing():
    with pytest.raises(Unreadable, match="the column viruslast_normalisiert is missing") as refused:
        SOURCES["rki-amelag-sars-cov-2"].read(AMELAG_BEFORE.encode())
    assert (refused.value.code, refused.value.detail) == ("column", "viruslast_normalisiert")


@pytest.mark.parametrize("region", ["", " Osten", "Os\x00ten", "O" * 81, "Os\u202eten"])
def test_a_region_that_nobody_could_name_is_refused(region):
    content = GRIPPEWEB.replace("Mitte (West)", region, 1)
    with pytest.raises(Unreadable, match="is no region of this source"):
        SOURCES["rki-grippeweb-are"].read(content.encode())


def test_rows_older_than_a_year_and_a_month_are_left_out():
    old = date(2026, 11, 2) - timedelta(days=DAYS_READ)
    content = COUNTIES + f"{old},05754,1,1,1,1,1\n{old - timedelta(days=1)},05754,1,1,1,1,1\n"
    assert INCIDENCE.read(content.encode()).rows["05754"][0].on == old


# Recorded reports


def test_recorded_reports_come_by_their_stand_and_keep_what_was_said_then():
    first, second = INCIDENCE.read_recorded(RECORDED.encode())
    assert (first.report_on, first.rows) == (day(1), {"05754": (Row(day(1), 350.0),)})
    assert (second.report_on, second.rows["05754"]) == (day(2), (Row(day(1), 400.0), Row(day(2), 300.0)))


def test_a_recording_need_not_end_its_last_line():
    assert INCIDENCE.read_recorded(RECORDED.rstrip().encode()) == INCIDENCE.read_recorded(RECORDED.encode())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (COUNTIES, "the column Datenstand is missing"),
        (
            RECORDED.replace("2026-11-01,2026-11-01", "2026-10-31,2026-11-01"),
            "2026-11-01 lies after its Datenstand, 2026-10-31",
        ),
        (RECORDED.splitlines(True)[0], "no row"),
        (RECORDED.replace("Landkreis_id", "Kreis"), "the column Landkreis_id is missing"),
    ],
)
def test_what_is_no_recording_is_refused(content, message):
    with pytest.raises(Unreadable, match=message):
        INCIDENCE.read_recorded(content.encode())


def test_a_recording_is_accepted_by_the_readers_of_its_source_alone():
    takers = set()
    for name, indicator in BUILT_IN.items():
        try:
            indicator.read_recorded(RECORDED.encode())
        except Unreadable:
            continue
        takers.add(name)
    assert takers == {"rki-incidence"}


# The future


@pytest.mark.parametrize(
    ("name", "content", "now", "is_refused"),
    [
        ("rki-incidence", COUNTIES, datetime(2026, 11, 1, 22, tzinfo=UTC), False),
        ("rki-incidence", COUNTIES, datetime(2026, 11, 1, 21, 59, tzinfo=UTC), True),
        ("rki-amelag-influenza", AMELAG, datetime(2026, 10, 28, 12, tzinfo=UTC), False),
        ("rki-amelag-influenza", AMELAG, datetime(2026, 10, 24, 12, tzinfo=UTC), True),
    ],
)
def test_a_report_from_the_future_is_none(name, content, now, is_refused):
    indicator = SOURCES[name]
    report = indicator.read(content.encode())
    if not is_refused:
        indicator.check_age(report, now)
        return
    with pytest.raises(Unreadable, match="the newest row lies in the future"):
        indicator.check_age(report, now)
