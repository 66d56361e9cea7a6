"""The installation's own indicators: read from its file, or refused with the place where it is wrong."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dialograum.failures import SettingsInvalid
from dialograum.settings import load
from hybrid.indicators import BUILT_IN, IndicatorsInvalid, indicators
from hybrid.reports import Alert, Row, Unreadable
from tests.hybrid.files import COUNTIES, SENT_AT, alert, packed

LEVELS = """
[pegel-ems]
address = "https://figures.example.org/pegel.csv"
format = "csv"
kind = "series"
zone = "Europe/Berlin"
delimiter = ";"
columns = { date = "Tag", region = "Ort", value = "Stand" }
attribution = "Source: the district, CC BY 4.0"
"""
JSON = """
[air]
address = "http://127.0.0.1:1/air"
format = "json"
kind = "series"
zone = "Europe/Berlin"
entries = "data.items"
region = "Gütersloh"
columns = { date = "at", value = "value.max" }
"""
WARNED = """
[flood]
address = "file:///srv/flood.csv"
format = "csv"
kind = "state"
zone = "Europe/Berlin"
columns = { date = "from", region = "river", value = "level", until = "to" }
"""
CAP = """
[gales]
address = "https://warnings.example.org/cap.zip"
format = "cap"
kind = "state"
zone = "UTC"
"""


@pytest.fixture
def known(tmp_path):
    """Writes a file of own indicators and answers with all that are known."""

    def read(text: str):
        path = tmp_path / "indicators.toml"
        path.write_text(text, encoding="utf-8")
        return indicators({}, path)

    return read


def test_the_built_in_ones_are_known_without_a_file():
    assert indicators({}, None) == BUILT_IN
    assert {"rki-incidence", "dwd-warnings", "manual"} <= BUILT_IN.keys()
    assert all(indicator.has_region(indicator.region_example) for indicator in BUILT_IN.values())


def test_an_address_takes_the_place_of_the_built_in_one():
    found = indicators({"rki-incidence": "file:///srv/kreise.csv"}, None)
    assert found["rki-incidence"].address == "file:///srv/kreise.csv"
    assert found["rki-incidence"].reader is BUILT_IN["rki-incidence"].reader


@pytest.mark.parametrize(
    ("urls", "message"),
    [
        ({"rki-inzidenz": "https://example.org/"}, "rki-inzidenz is not the name"),
        ({"manual": "https://example.org/"}, "manual is not the name"),
        ({"rki-incidence": "ftp://example.org/"}, "rki-incidence: an address begins with"),
        ({"rki-incidence": "kreise.csv"}, "rki-incidence: an address begins with"),
        ({"rki-incidence": "https://anna:geheim@example.org/"}, "rki-incidence: an address begins with"),
        ({"rki-incidence": "https:///kreise.csv"}, "rki-incidence: an address begins with"),
        ({"rki-incidence": "file://server/kreise.csv"}, "rki-incidence: an address of a file"),
        ({"rki-incidence": "file:kreise.csv"}, "rki-incidence: an address of a file"),
        ({"rki-incidence": "https://example.org:port/"}, "rki-incidence: its address cannot be read"),
        ({"rki-incidence": "http://[::1/"}, "rki-incidence: its address cannot be read"),
    ],
)
def test_an_address_that_cannot_be_fetched_is_refused(urls, message):
    with pytest.raises(IndicatorsInvalid, match=message) as refused:
        indicators(urls, None)
    assert "geheim" not in str(refused.value)


def test_a_csv_of_the_district_is_read_by_its_own_columns(known):
    found = known(LEVELS)["pegel-ems"]
    assert (found.kind, found.weekly, found.zone) == ("series", False, ZoneInfo("Europe/Berlin"))
    assert found.attribution == "Source: the district, CC BY 4.0"
    report = found.read(b"Ort;Stand;Tag\nGreffen;-12.5;2026-11-01\nGreffen;340;2026-11-02\n")
    assert report.report_on == date(2026, 11, 2)
    assert report.rows == {"Greffen": (Row(date(2026, 11, 1), -12.5), Row(date(2026, 11, 2), 340.0))}


def test_instants_are_days_of_the_zone(known):
    report = known(LEVELS)["pegel-ems"].read(b"Ort;Stand;Tag\nGreffen;1;2026-11-01T23:30:00+00:00\n")
    assert report.report_on == date(2026, 11, 2)


def test_a_json_is_read_by_paths_of_keys(known):
    found = known(JSON)["air"]
    content = {"data": {"items": [{"at": "2026-11-01", "value": {"max": 41.5}}]}}
    report = found.read(json.dumps(content).encode())
    assert report.rows == {"Gütersloh": (Row(date(2026, 11, 1), 41.5),)}
    assert (found.has_region("Gütersloh"), found.has_region("Herford")) == (True, False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"data": {"items": [{"at": "2026-11-01"}]}}', "the column value.max is missing"),
        ('{"data": {"items": {}}}', "no list at data.items"),
        ('{"data": []}', "the column data.items is missing"),
        ('{"data": {"items": [{"at": "2026-11-01", "value": {"max": NaN}}]}}', "no JSON"),
        ('{"data": {"items": [{"at": "2026-11-01", "value": {"max": 1e400}}]}}', "cannot be"),
        ('{"data": {"items": [{"at": "2026-11-01", "value": {"max": true}}]}}', "neither text nor a number"),
        ('{"data": {"items": [{"at": "2026-11-01", "value": {"max": null}}]}}', "nothing is no number"),
        ('{"data": {"items": [', "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("9" * 10_000, "no list at data.items|the column data.items is missing"),
    ],
)
def test_a_json_in_another_form_is_refused(known, content, message):
    with pytest.raises(Unreadable, match=message):
        known(JSON)["air"].read(content.encode())


def test_warnings_of_the_district_are_a_state_of_when_the_file_was_changed(known):
    found = known(WARNED)["flood"]
    content = (
        "river,level,from,to\n"
        "Ems,2,2026-11-02T10:00:00,2026-11-03T10:00:00+01:00\n"
        "Ems,0,2026-11-02T10:00:00,\n"
        "Dalke,4,2026-11-02T10:00:00Z,\n"
    )
    report = found.read(content.encode(), None, SENT_AT)
    begins = datetime(2026, 11, 2, 9, tzinfo=UTC)
    assert report.issued_at == SENT_AT
    assert report.warnings == (
        Alert("Ems", 2, begins, begins + timedelta(days=1), ""),
        Alert("Dalke", 4, begins + timedelta(hours=1), None, ""),
    )
    assert found.read(content.encode(), {"Ems"}, SENT_AT).warnings == report.warnings[:1]
    with pytest.raises(Unreadable, match="of when it is"):
        found.read(content.encode())


@pytest.mark.parametrize(
    "row",
    [
        "Ems,5,2026-11-02T10:00:00,",
        "Ems,1.5,2026-11-02T10:00:00,",
        "Ems,-1,2026-11-02T10:00:00,",
        "Ems,x,2026-11-02T10:00:00,",
        ",1,2026-11-02T10:00:00,",
        "Ems,1,soon,",
        "Ems,1,0001-01-01T00:00:00,",
        "Ems,1,2026-11-02T10:00:00,2026-11-02T09:59:00",
    ],
)
def test_a_warning_that_cannot_be_is_refused(known, row):
    with pytest.raises(Unreadable, match="row 2"):
        known(WARNED)["flood"].read(f"river,level,from,to\n{row}\n".encode(), None, SENT_AT)


def test_own_warnings_may_come_in_cap(known):
    report = known(CAP)["gales"].read(packed(alert()))
    assert len(report.warnings) == 2


@pytest.mark.parametrize("reader", [WARNED, CAP])
def test_warnings_are_not_replayed_from_a_table(known, reader):
    [own] = known(reader).keys() - BUILT_IN.keys()
    with pytest.raises(Unreadable):
        known(reader)[own].read_recorded(COUNTIES.encode())


WRONG = {
    "no toml": ("[", "indicators.toml: "),
    "no table": ("pegel = 1", "pegel: "),
    "a key too many": (LEVELS + "colour = 1", "pegel-ems: Object contains unknown field `colour`"),
    "no address": (LEVELS.replace("address", "adress"), "pegel-ems: "),
    "an address of ours": (LEVELS.replace("https", "ftp"), "pegel-ems: an address begins with"),
    "an unknown format": (LEVELS.replace('"csv"', '"xml"'), "pegel-ems: Invalid enum value 'xml'"),
    "an unknown kind": (LEVELS.replace('"series"', '"serie"'), "pegel-ems: Invalid enum value 'serie'"),
    "an unknown zone": (
        LEVELS.replace("Europe/Berlin", "Europe/Gütersloh"),
        "the zone Europe/Gütersloh is not known",
    ),
    "a zone outside": (LEVELS.replace("Europe/Berlin", "../../etc/passwd"), "pegel-ems: the zone"),
    "no columns": (LEVELS.replace("columns =", "# "), "pegel-ems: columns is missing"),
    "no column of values": (LEVELS.replace("value", "figure"), "pegel-ems: "),
    "no region at all": (
        LEVELS.replace('region = "Ort", ', ""),
        "pegel-ems: either columns.region or region",
    ),
    "two regions": (LEVELS + 'region = "Ems"', "pegel-ems: either columns.region or region"),
    "a quote between columns": (LEVELS.replace('";"', "'\"'"), "pegel-ems: delimiter"),
    "a name in capitals": (LEVELS.replace("pegel-ems", "Pegel"), "Pegel: a name is of small letters"),
    "a name that is taken": (
        LEVELS.replace("pegel-ems", "rki-are"),
        "rki-are is the name of a built-in indicator",
    ),
    "an end in a series": (
        LEVELS.replace("Stand", 'Stand", until = "Ende'),
        "pegel-ems: columns.until belongs to a state",
    ),
    "a weekly state": (WARNED + "weekly = true", "flood: a state is not weekly"),
    "a series in cap": (CAP.replace("state", "series"), "gales: the format cap is a state"),
    "columns in cap": (CAP + 'columns = {date = "a", value = "b"}', "gales: the format cap is a state"),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_a_file_that_is_wrong_names_the_place(known, text, message):
    with pytest.raises(IndicatorsInvalid) as refused:
        known(text)
    assert message in str(refused.value)


def test_a_file_that_is_missing_is_named():
    with pytest.raises(IndicatorsInvalid, match="No such file"):
        indicators({}, Path("/nowhere/indicators.toml"))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("INDICATORS", "/nowhere.toml", "DIALOGRAUM_INDICATORS: /nowhere.toml: No such file"),
        (
            "INDICATOR_URLS",
            '{"rki-incidence": "ftp://x"}',
            "DIALOGRAUM_INDICATOR_URLS: rki-incidence: an address",
        ),
        ("INDICATOR_URLS", '{"who": "https://x"}', "DIALOGRAUM_INDICATOR_URLS: who is not the name"),
    ],
)
def test_a_setting_that_cannot_be_used_stops_the_start(monkeypatch, tmp_path, name, value, message):
    monkeypatch.setenv("DIALOGRAUM_DATA_DIR", str(tmp_path))
    monkeypatch.setenv(f"DIALOGRAUM_{name}", value)
    with pytest.raises(SettingsInvalid) as refused:
        load()
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
