"""What an event's rules can listen to: the indicators that are built in, and those of the installation.

Addresses come from here and from the operator's settings, never from an organiser.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from hybrid.records import Csv
from hybrid.rki import RKI
from hybrid.series import SeriesReader
from hybrid.sources import Indicator, IndicatorsInvalid, Series, checked_address

__all__ = ["BUILT_IN", "MANUAL", "Indicator", "IndicatorsInvalid", "indicators"]

MANUAL = "manual"
"""The figures that organisers type in; there is nothing to fetch."""

_MANUAL = Indicator(
    name=MANUAL,
    kind="series",
    weekly=False,
    zone=ZoneInfo("Europe/Berlin"),
    attribution="",
    address="",
    reader=Series(SeriesReader(Csv(), "date", "value", "region", least=-1e12, most=1e12)),
    region_pattern=r"\S(.{0,198}\S)?",
    region_example="05754",
)

BUILT_IN: Mapping[str, Indicator] = {indicator.name: indicator for indicator in (*RKI, _MANUAL)}
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
    return known
