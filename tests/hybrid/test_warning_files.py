"""What the reader makes of warnings in CAP 1.2: which are in force, where, and of when the file is."""

import io
import struct
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hybrid import cap
from hybrid.indicators import BUILT_IN
from hybrid.reports import Alert, Unreadable
from tests.hybrid.files import CELL, COUNTIES, COUNTY, HTML, SENT_AT, alert, packed

WARNINGS: Any = BUILT_IN["dwd-warnings"]
PACKED_AT = SENT_AT + timedelta(minutes=30)


def in_force(*alerts: str) -> list[tuple[str, int]]:
    report = WARNINGS.read(packed(*alerts))
    return sorted((warning.region, warning.severity) for warning in report.warnings)


def test_a_warning_holds_for_its_municipality_and_for_the_county_around_it():
    report = WARNINGS.read(packed(alert()))
    until = SENT_AT + timedelta(hours=6)
    assert report.issued_at == PACKED_AT
    assert report.warnings == (
        Alert(COUNTY, 3, SENT_AT, until, "WINDBÖEN"),
        Alert(CELL, 3, SENT_AT, until, "WINDBÖEN"),
    )


def test_one_alert_by_itself_is_read_too_and_dated_by_when_it_was_sent():
    report = WARNINGS.read(alert().encode())
    assert (report.issued_at, len(report.warnings)) == (SENT_AT, 2)


def test_a_warning_without_an_end_is_open():
    assert WARNINGS.read(packed(alert(hours=None))).warnings[0].expires is None


def test_a_city_s_district_belongs_to_its_county():
    assert in_force(alert(cells=("711000003",))) == [("111000000", 3), ("711000003", 3)]


def test_other_cells_stand_for_themselves():
    assert in_force(alert(cells=("501000006",))) == [("501000006", 3)]


@pytest.mark.parametrize(
    ("severity", "level"), [("Minor", 1), ("Moderate", 2), ("Severe", 3), ("Extreme", 4)]
)
def test_severities_are_levels_from_one_to_four(severity, level):
    assert in_force(alert(severity=severity)) == [(COUNTY, level), (CELL, level)]


NOT_IN_FORCE = {
    "a test": alert(status="Test"),
    "an exercise": alert(status="Exercise"),
    "a draft": alert(status="Draft"),
    "a receipt": alert(kind="Ack"),
    "an error": alert(kind="Error"),
    "a cancellation": alert(kind="Cancel"),
    "early information": alert(urgency="Future"),
    "over": alert(urgency="Past"),
    "an all-clear": alert(response="AllClear"),
}


@pytest.mark.parametrize("text", NOT_IN_FORCE.values(), ids=NOT_IN_FORCE)
def test_what_warns_of_nothing_is_no_warning(text):
    assert in_force(text) == []


def test_an_update_replaces_what_it_refers_to():
    later = SENT_AT + timedelta(minutes=10)
    refers = f"opendata@dwd.de,a,{SENT_AT.isoformat()}"
    update = alert("b", kind="Update", severity="Moderate", sent_at=later, references=refers)
    assert in_force(alert("a"), update, alert("c", cells=("805754028",))) == [
        (COUNTY, 2),
        (COUNTY, 3),
        (CELL, 2),
        ("805754028", 3),
    ]


def test_a_cancellation_takes_back_what_it_refers_to_whichever_comes_first():
    refers = f"opendata@dwd.de,x,{SENT_AT.isoformat()} opendata@dwd.de,a,{SENT_AT.isoformat()}"
    cancel = alert("b", kind="Cancel", references=refers)
    assert in_force(cancel, alert("a")) == in_force(alert("a"), cancel) == []


def test_a_test_takes_nothing_back():
    refers = f"opendata@dwd.de,a,{SENT_AT.isoformat()}"
    assert len(in_force(alert("a"), alert("b", kind="Cancel", status="Test", references=refers))) == 2


def test_regions_that_nobody_wants_are_left_out():
    report = WARNINGS.read(packed(alert(cells=(CELL, "805754028"))), {CELL})
    assert [warning.region for warning in report.warnings] == [CELL]


def test_a_file_without_alerts_says_that_nothing_is_in_force_of_when_its_server_says():
    report = WARNINGS.read(packed(), None, SENT_AT)
    assert (report.issued_at, report.warnings) == (SENT_AT, ())
    with pytest.raises(Unreadable) as refused:
        WARNINGS.read(packed())
    assert refused.value.code == "no-time"


def test_warnings_from_the_future_are_none():
    report = WARNINGS.read(packed(alert()))
    WARNINGS.check_age(report, PACKED_AT - timedelta(hours=1))
    with pytest.raises(Unreadable, match="issued in the future"):
        WARNINGS.check_age(report, PACKED_AT - timedelta(hours=1, seconds=1))


def test_warnings_are_no_series():
    with pytest.raises(Unreadable):
        WARNINGS.read_recorded(COUNTIES.encode())


def changed(before: str, after: str) -> bytes:
    text = alert()
    assert before in text
    return packed(text.replace(before, after))


BOMB = packed("x" * 1_000_000)
DTD = '<!DOCTYPE a [<!ENTITY a "b">]>'

REFUSED = {
    "nothing": (b"", "the file is empty"),
    "html": (HTML.encode(), "a page of HTML"),
    "a table": (COUNTIES.encode(), "is no XML"),
    "a zip of tables": (packed(COUNTIES), "0.xml is no XML"),
    "another xml": (packed("<feed/>"), "no alert in CAP 1.2"),
    "the version before": (changed("cap:1.2", "cap:1.1"), "no alert in CAP 1.2"),
    "cut off": (packed(alert())[:-40], "the zip is damaged"),
    "cut off within": (packed(alert()[:-40]), "is no XML"),
    "entities": (packed(DTD + "<alert/>"), "is no XML that is read"),
    "no identifier": (changed("<identifier>a</identifier>", ""), "identifier is missing"),
    "no status": (changed("<status>Actual</status>", ""), "status is missing"),
    "no info": (packed(alert(cells=()).split("<info>")[0] + "</alert>"), "info is missing"),
    "no severity": (changed("<severity>Severe</severity>", ""), "severity is missing"),
    "an unknown severity": (changed("Severe", "Unknown"), "the severity Unknown is not known"),
    "a time without its offset": (
        changed("+00:00</sent>", "</sent>"),
        "sent is 2026-11-02T09:00:00, no time",
    ),
    "no time": (changed("2026-11-02T09:00:00+00:00</onset>", "soon</onset>"), "onset is soon, no time"),
    "an end before the begin": (packed(alert(hours=-1)), "it expires before it begins"),
    "a long word": (changed("WINDBÖEN", "W" * 200_000), "event is too long"),
    "a deep tree": (changed("<category>", "<a>" * 20 + "<category>"), "no alert in CAP 1.2"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_status_file_is_refused_with_the_reason(content, message):
    with pytest.raises(Unreadable, match=message):
        WARNINGS.read(content)


def test_a_zip_that_unpacks_to_too_much_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(cap, "LARGEST_UNPACKED", 999_999)
    with pytest.raises(Unreadable, match="unpacks to too much"):
        WARNINGS.read(BOMB)


def test_a_member_that_says_less_than_it_holds_is_found_out(monkeypatch):
    lying = bytearray(packed(alert()))
    place = lying.index(b"PK\x01\x02")
    lying[place + 24 : place + 28] = struct.pack("<I", 10)
    with pytest.raises(Unreadable):
        WARNINGS.read(bytes(lying))


def test_a_large_member_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(cap, "LARGEST_MEMBER", 1000)
    with pytest.raises(Unreadable, match="an alert is larger than 1000 bytes"):
        WARNINGS.read(packed(alert(cells=tuple(f"8{number:08}" for number in range(100)))))


def test_an_alert_of_more_elements_than_there_can_be_is_refused(monkeypatch):
    monkeypatch.setattr(cap, "MOST_ELEMENTS", 30)
    with pytest.raises(Unreadable, match="more than 30 elements"):
        WARNINGS.read(packed(alert()))


def test_more_files_than_there_can_be_alerts_are_not_looked_into(monkeypatch):
    monkeypatch.setattr(cap, "MOST_MEMBERS", 2)
    assert len(in_force(alert("a"), alert("b"))) == 4
    with pytest.raises(Unreadable, match="more than 2 files"):
        WARNINGS.read(packed(alert("a"), alert("b"), alert("c")))


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_rare_ways_of_packing_are_not_read(packing):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", packing) as archive:
        archive.writestr("0.xml", alert())
    with pytest.raises(Unreadable, match="packed in a way that is not read"):
        WARNINGS.read(content.getvalue())


def test_a_month_that_does_not_exist_in_the_zip_is_damage():
    content = packed(alert()).replace(
        struct.pack("<H", (2026 - 1980) << 9 | 11 << 5 | 2), struct.pack("<H", 15 << 5)
    )
    with pytest.raises(Unreadable, match="the zip is damaged"):
        WARNINGS.read(content)


def test_a_file_packed_after_its_alerts_is_of_that_time():
    at = datetime(2026, 11, 2, 12, 0, 4, tzinfo=UTC)
    assert WARNINGS.read(packed(alert(), at=at)).issued_at == at
