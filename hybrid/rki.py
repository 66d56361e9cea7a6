"""The series of the Robert Koch Institute, in their own formats and regions."""

import re
from zoneinfo import ZoneInfo

from hybrid.records import Csv
from hybrid.series import SeriesReader
from hybrid.sources import Indicator, Series

_BERLIN = ZoneInfo("Europe/Berlin")
_GERMANY = "Bundesweit"
_STATES = (
    "Baden-Wuerttemberg",
    "Bayern",
    "Berlin",
    "Brandenburg",
    "Bremen",
    "Hamburg",
    "Hessen",
    "Mecklenburg-Vorpommern",
    "Niedersachsen",
    "Nordrhein-Westfalen",
    "Rheinland-Pfalz",
    "Saarland",
    "Sachsen",
    "Sachsen-Anhalt",
    "Schleswig-Holstein",
    "Thueringen",
)
_RKI = "https://raw.githubusercontent.com/robert-koch-institut"
_TABS = Csv("\t")


def _rki(
    name: str,
    file: str,
    doi: str,
    reader: SeriesReader,
    *,
    regions: tuple[str, ...] = (),
    pattern: str = "",
    example: str = "",
) -> Indicator:
    return Indicator(
        name=name,
        kind="series",
        weekly=reader.weekly,
        zone=_BERLIN,
        attribution=(
            "Quelle: Robert Koch-Institut (RKI), CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/), "
            f"DOI {doi}; Auswahl und Umformung"
        ),
        address=f"{_RKI}/{file}",
        reader=Series(reader),
        region_pattern=pattern,
        region_example=example or regions[0],
        regions=regions,
    )


def _incidence(name: str, part: str, **columns: object) -> tuple[str, str, str, SeriesReader]:
    return (
        name,
        f"COVID-19_7-Tage-Inzidenz_in_Deutschland/main/COVID-19-Faelle_7-Tage-Inzidenz_{part}.csv",
        "10.5281/zenodo.7129007",
        SeriesReader(Csv(), "Meldedatum", "Inzidenz_7-Tage", **columns),  # type: ignore[arg-type]
    )


def _grippeweb(illness: str) -> Indicator:
    return _rki(
        f"rki-grippeweb-{illness.lower()}",
        "GrippeWeb_Daten_des_Wochenberichts/main/GrippeWeb_Daten_des_Wochenberichts.tsv",
        "10.5281/zenodo.18492933",
        SeriesReader(
            _TABS,
            "Kalenderwoche",
            "Inzidenz",
            "Region",
            weekly=True,
            only=(("Erkrankung", illness), ("Altersgruppe", "00+")),
            absent=("NA",),
        ),
        regions=(_GERMANY, "Mitte (West)", "Norden (West)", "Osten", "Sueden"),
    )


def _amelag(name: str, virus: str) -> Indicator:
    return _rki(
        f"rki-amelag-{name}",
        "Abwassersurveillance_AMELAG/main/amelag_aggregierte_kurve.tsv",
        "10.5281/zenodo.18680943",
        SeriesReader(
            _TABS,
            "datum",
            "viruslast_normalisiert",
            place=_GERMANY,
            weekly=True,
            only=(("typ", virus),),
            absent=("NA",),
            most=1e12,
        ),
        regions=(_GERMANY,),
    )


_COUNTY = re.compile("[0-9]{5}")

RKI: tuple[Indicator, ...] = (
    _rki(
        *_incidence("rki-incidence", "Landkreise", region="Landkreis_id", regions=_COUNTY, others=("u",)),
        pattern=_COUNTY.pattern,
        example="05754",
    ),
    _rki(
        *_incidence("rki-incidence-germany", "Deutschland", place=_GERMANY, only=(("Altersgruppe", "00+"),)),
        regions=(_GERMANY,),
    ),
    _rki(
        "rki-are",
        "ARE-Konsultationsinzidenz/main/ARE-Konsultationsinzidenz.tsv",
        "10.5281/zenodo.21274248",
        SeriesReader(
            _TABS,
            "Kalenderwoche",
            "ARE_Konsultationsinzidenz",
            "Bundesland",
            weekly=True,
            only=(("Altersgruppe", "00+"),),
            absent=("NA",),
        ),
        regions=(_GERMANY, *_STATES),
    ),
    _grippeweb("ARE"),
    _grippeweb("ILI"),
    _amelag("sars-cov-2", "SARS-CoV-2"),
    _amelag("influenza", "Influenza A+B"),
    _rki(
        "rki-sari-covid",
        "COVID-SARI-Hospitalisierungsinzidenz/main/COVID-SARI-Hospitalisierungsinzidenz.tsv",
        "10.5281/zenodo.13911338",
        SeriesReader(
            _TABS,
            "date",
            "sari_covid19_incidence",
            place=_GERMANY,
            weekly=True,
            only=(("agegroup", "00+"),),
            absent=("NA",),
        ),
        regions=(_GERMANY,),
    ),
)
"""The series that the institute publishes, each under its own name."""
