"""The real files beside the checkout, read in place by the readers of their sources."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from hybrid.indicators import BUILT_IN
from hybrid.reports import Unreadable
from tests.hybrid.recorded import AS_PUBLISHED, shared

RKI = "data/rki/"
DWD = "data/dwd/"
STATUS = DWD + "Z_CAP_C_EDZW_LATEST_PVW_STATUS_PREMIUMDWD_COMMUNEUNION_MUL.zip"
ONE = DWD + "2.49.0.0.276.0.DWD.PVW.1687511640000.0d1a4fb5-251a-46fc-aae3-a688d2021e71.MUL.xml"
GERMANY = "Bundesweit"
SOURCES: Any = BUILT_IN


@pytest.mark.parametrize(
    ("name", "file", "report_on", "region", "newest", "count"),
    [
        (
            "rki-incidence",
            "COVID-19-Faelle_7-Tage-Inzidenz_Landkreise.csv",
            "2022-12-31",
            "05754",
            260.0,
            401,
        ),
        (
            "rki-incidence",
            "COVID-19-Faelle_7-Tage-Inzidenz_Landkreise.csv",
            "2022-12-31",
            "05758",
            418.9,
            401,
        ),
        (
            "rki-incidence-germany",
            "COVID-19-Faelle_7-Tage-Inzidenz_Deutschland_slice.csv",
            "2022-11-30",
            GERMANY,
            211.1,
            61,
        ),
        (
            "rki-incidence-germany",
            "COVID-19-Faelle_7-Tage-Inzidenz_Deutschland_2025-26_slice.csv",
            "2026-08-22",
            GERMANY,
            0.1,
            356,
        ),
        (
            "rki-grippeweb-are",
            "GrippeWeb_Daten_des_Wochenberichts_slice.tsv",
            "2026-08-16",
            "Mitte (West)",
            2018.0,
            58,
        ),
        (
            "rki-grippeweb-ili",
            "GrippeWeb_Daten_des_Wochenberichts_slice.tsv",
            "2026-08-16",
            GERMANY,
            344.0,
            58,
        ),
        ("rki-are", "ARE-Konsultationsinzidenz_slice.tsv", "2026-07-19", "Nordrhein-Westfalen", 562.0, 58),
        (
            "rki-amelag-sars-cov-2",
            "amelag_aggregierte_kurve_slice.tsv",
            "2026-07-19",
            GERMANY,
            1599.5718857776947,
            58,
        ),
        (
            "rki-amelag-influenza",
            "amelag_aggregierte_kurve_slice.tsv",
            "2026-07-19",
            GERMANY,
            2239.258872019765,
            58,
        ),
        (
            "rki-sari-covid",
            "COVID-SARI-Hospitalisierungsinzidenz_ENDED_slice.tsv",
            "2024-10-13",
            GERMANY,
            1.9,
            22,
        ),
    ],
)
def test_every_file_of_a_series_is_read_by_the_reader_of_its_source(
    name, file, report_on, region, newest, count
):
    report = SOURCES[name].read(shared(RKI + file).read_bytes())
    rows = report.rows[region]
    assert (report.report_on, rows[-1].on) == (date.fromisoformat(report_on), date.fromisoformat(report_on))
    assert (rows[-1].value, len(rows)) == (newest, count)


@pytest.mark.parametrize(
    ("name", "file", "reports", "regions"),
    [
        ("rki-incidence", AS_PUBLISHED.removeprefix(RKI), 159, {"05513", "05754", "05758"}),
        ("rki-incidence-germany", "as-published_Deutschland_2022-10-01_2022-11-30.csv", 60, {GERMANY}),
    ],
)
def test_every_recording_is_read_with_fifteen_rows_of_each_region_and_day(name, file, reports, regions):
    found = SOURCES[name].read_recorded(shared(RKI + file).read_bytes())
    assert len(found) == reports
    assert {region for report in found for region in report.rows} == regions
    assert {len(rows) for report in found for rows in report.rows.values()} == {15}
    ages = {report.report_on - rows[-1].on for report in found for rows in report.rows.values()}
    # Until 2022-10-10 the newest row was of the day before, and at weekends of the Friday.
    assert timedelta(0) in ages
    assert max(ages) <= timedelta(days=4)


def test_the_columns_of_before_are_refused_by_name():
    content = shared(RKI + "amelag_aggregierte_kurve_OLD-COLUMNS_2025-05-01_slice.tsv").read_bytes()
    with pytest.raises(Unreadable, match="the column viruslast_normalisiert is missing"):
        SOURCES["rki-amelag-sars-cov-2"].read(content)


def test_the_status_file_holds_three_alerts_of_a_day_in_june():
    report = SOURCES["dwd-warnings"].read(shared(STATUS).read_bytes())
    assert report.issued_at == datetime(2023, 6, 23, 11, 41, 28, tzinfo=UTC)
    assert {(warning.event, warning.severity) for warning in report.warnings} == {
        ("STARKREGEN", 2),
        ("WINDBÖEN", 1),
    }
    regions = {warning.region for warning in report.warnings}
    assert {"803159016", "103159000"} <= regions
    assert not {"805754008", "105754000"} & regions
    assert max(warning.expires - warning.onset for warning in report.warnings) < timedelta(days=1)


def test_one_alert_out_of_it_is_read_as_well():
    report = SOURCES["dwd-warnings"].read(shared(ONE).read_bytes())
    assert report.issued_at == datetime(2023, 6, 23, 9, 14, tzinfo=UTC)
    assert {warning.region for warning in report.warnings} == {
        "812069270",
        "812063189",
        "812069018",
        "112069000",
        "112063000",
    }


def test_no_reader_takes_a_file_of_another_source():
    files = {path.name: path.read_bytes() for path in sorted(shared(AS_PUBLISHED).parent.glob("*.[ct]sv"))}
    takers: dict[str, set[str]] = {name: set() for name in files}
    for file, content in files.items():
        for name, indicator in BUILT_IN.items():
            try:
                indicator.read(content)
            except Unreadable:
                continue
            takers[file].add(name)
    assert takers == {
        "ARE-Konsultationsinzidenz_slice.tsv": {"rki-are"},
        "COVID-19-Faelle_7-Tage-Inzidenz_Deutschland_2025-26_slice.csv": {"rki-incidence-germany"},
        "COVID-19-Faelle_7-Tage-Inzidenz_Deutschland_slice.csv": {"rki-incidence-germany"},
        "COVID-19-Faelle_7-Tage-Inzidenz_Landkreise.csv": {"rki-incidence"},
        "COVID-SARI-Hospitalisierungsinzidenz_ENDED_slice.tsv": {"rki-sari-covid"},
        "GrippeWeb_Daten_des_Wochenberichts_slice.tsv": {"rki-grippeweb-are", "rki-grippeweb-ili"},
        "amelag_aggregierte_kurve_OLD-COLUMNS_2025-05-01_slice.tsv": set(),
        "amelag_aggregierte_kurve_slice.tsv": {"rki-amelag-influenza", "rki-amelag-sars-cov-2"},
        "as-published_Deutschland_2022-10-01_2022-11-30.csv": set(),
        "as-published_Landkreise_2022-08-01_2023-01-07.csv": set(),
    }
