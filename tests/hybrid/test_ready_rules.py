"""The page of the docs about rules says what is so: ready rules, and what was measured."""

import csv
import re
import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from events.rules import Mode
from hybrid.forms import ModeRuleSpec
from hybrid.indicators import BUILT_IN
from hybrid.replay import Recorded, replay
from hybrid.reports import Row, SeriesReport
from hybrid.rules import resolved
from tests.hybrid.recorded import shared
from tests.hybrid.series import BERLIN, TIMING

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "mode-rules.md").read_text()
PAGE = (ROOT / "templates" / "desk" / "mode_examples.html").read_text()


def rules_in(blocks: list[str]) -> list[dict[str, Any]]:
    return [tomllib.loads(block)["mode_rules"][0] for block in blocks]


READY = rules_in(re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL))


def test_every_rule_of_the_docs_can_stand_in_an_event_file():
    for rule in READY:
        spec = msgspec.convert(rule, ModeRuleSpec)
        assert BUILT_IN[spec.indicator].has_region(spec.region)


def test_the_page_and_the_docs_offer_the_same_rules():
    assert rules_in(re.findall(r"<pre[^>]*>(.*?)</pre>", PAGE, re.DOTALL)) == READY[1:]


File = tuple[str, str, str, dict[str, str]]

ARE: File = ("ARE-Konsultationsinzidenz_slice.tsv", "Bundesland", "ARE_Konsultationsinzidenz", {})
GRIPPEWEB: File = (
    "GrippeWeb_Daten_des_Wochenberichts_slice.tsv",
    "Region",
    "Inzidenz",
    {"Erkrankung": "ARE"},
)


def weeks(file: File, wanted: str) -> list[Row]:
    """A weekly series as the file has it, dated by Sundays."""
    name, region, value, only = file
    found = []
    with shared(f"data/rki/{name}").open(newline="") as lines:
        for line in csv.DictReader(lines, delimiter="\t"):
            if line[region] == wanted and (only | {"Altersgruppe": "00+"}).items() <= line.items():
                year, week = line["Kalenderwoche"].split("-W")
                found.append(Row(date.fromisocalendar(int(year), int(week), 7), float(line[value])))
    return sorted(found, key=lambda row: row.on)


@pytest.mark.parametrize(("place", "file"), [(1, ARE), (2, GRIPPEWEB)], ids=["ARE", "GrippeWeb"])
def test_ready_rules_would_have_switched_when_the_docs_say_so(place, file):
    spec = msgspec.convert(READY[place], ModeRuleSpec)
    rows = weeks(file, spec.region)
    reports = [
        SeriesReport(row.on, {spec.region: tuple(rows[: number + 1])}) for number, row in enumerate(rows)
    ]
    rule = resolved(spec, "series", weekly=BUILT_IN[spec.indicator].weekly)
    found = replay(Mode.IN_PERSON, [Recorded(rule, BERLIN, reports)], TIMING)
    section = " ".join(DOCS.split()).partition("## Ready rules")[2]
    said = re.findall(r"\b20\d\d-\d\d-\d\d\b", section)
    dates = [switch.on.isoformat() for switch in found.switches]
    assert dates == (said[:4] if place == 1 else said[4:])


def test_the_values_of_the_end_of_october_lay_where_the_docs_say():
    reports = BUILT_IN["rki-incidence"].read_recorded(
        shared("data/rki/as-published_Landkreise_2022-08-01_2023-01-07.csv").read_bytes()
    )
    later = {}
    for report in reports:
        for row in report.rows["05754"]:
            if timedelta() <= report.report_on - row.on <= timedelta(days=14):
                later[row.on] = row.value
    days = [later[date(2022, 10, day)] for day in range(20, 32)]
    assert (min(days), max(days)) == (594.6, 750.9)
    assert len(reports) == 159
