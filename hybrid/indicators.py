"""What an event's rules can listen to: the indicators that are built in, and those of the installation.

Addresses come from here and from the operator's settings, never from an organiser.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from hybrid.cap import CapReader
from hybrid.own_sources import LARGEST, read_own
from hybrid.records import Csv
from hybrid.rki import RKI
from hybrid.series import SeriesReader
from hybrid.sources import Indicator, IndicatorsInvalid, Series, checked_address

__all__ = ["BUILT_IN", "LARGEST", "MANUAL", "Indicator", "IndicatorsInvalid", "indicators"]

MANUAL = "manual"
"""The figures that organisers type in; there is nothing to fetch."""

# Typed in now and then: as in a weekly series nothing has to settle, and a figure is fresh for two weeks.
_MANUAL = Indicator(
    name=MANUAL,
    kind="series",
    weekly=True,
    zone=ZoneInfo("Europe/Berlin"),
    attribution="",
    address="",
    reader=Series(SeriesReader(Csv(), "date", "value", "region", least=-LARGEST, most=LARGEST)),
    region_pattern=r"\S(.{0,78}\S)?",
    region_example="05754",
)

# Deutscher Wetterdienst wants no source note where its warnings may arrive late or incompletely: here they only decide.
_WARNINGS = Indicator(
    name="dwd-warnings",
    kind="state",
    weekly=False,
    zone=ZoneInfo("Europe/Berlin"),
    attribution="",
    address=(
        "https://opendata.dwd.de/weather/alerts/cap/COMMUNEUNION_DWD_STAT/"
        "Z_CAP_C_EDZW_LATEST_PVW_STATUS_PREMIUMDWD_COMMUNEUNION_MUL.zip"
    ),
    reader=CapReader(),
    region_pattern="[0-9]{9}",
    region_example="805754008",
)

BUILT_IN: Mapping[str, Indicator] = {indicator.name: indicator for indicator in (*RKI, _WARNINGS, _MANUAL)}
"""The indicators that every installation has, by name."""


def indicators(urls: Mapping[str, str], operator_file: Path | None) -> Mapping[str, Indicator]:
    """Those built in, at the addresses of `urls` where given, and those of the operator's file.

    Raises `IndicatorsInvalid`.
    """
    known = dict(BUILT_IN)
    for name, address in urls.items():
        if name not in BUILT_IN or not BUILT_IN[name].address:
            raise IndicatorsInvalid(f"{name} is not the name of a built-in indicator that is fetched")
        try:
            known[name] = replace(BUILT_IN[name], address=checked_address(address))
        except IndicatorsInvalid as error:
            raise IndicatorsInvalid(f"{name}: {error}") from None
    for own in read_own(operator_file) if operator_file else ():
        if own.name in BUILT_IN:
            raise IndicatorsInvalid(f"{operator_file}: {own.name} is the name of a built-in indicator")
        known[own.name] = own
    return known
