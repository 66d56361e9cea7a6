"""What a rule went by, as it is kept with a switch or a proposal."""

from collections.abc import Mapping
from datetime import date
from typing import Any


def read_evidence(evidence: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The reading in it as templates put it into words: value and days; `None` where there is none."""
    reading = (evidence or {}).get("reading")
    if not evidence or not reading:
        return None
    report = evidence.get("report") or {}
    row_on = date.fromisoformat(reading["row_on"])
    dated = report.get("report_on")
    return {
        "value": reading["value"],
        "row_on": row_on,
        "report_on": date.fromisoformat(dated) if dated else row_on,
    }
