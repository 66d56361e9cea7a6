"""Rows of a series as they are kept: first day, days from row to row, and values, `null` where there is no row."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from math import gcd
from typing import Any

from hybrid.reports import Row


def packed(rows: Sequence[Row]) -> dict[str, Any]:
    """The rows, which are by date and at least one; a weekly series has a step of seven days."""
    step = gcd(*((later.on - row.on).days for row, later in pairwise(rows))) or 1
    first, last = rows[0].on, rows[-1].on
    values: list[float | None] = [None] * ((last - first).days // step + 1)
    for row in rows:
        values[(row.on - first).days // step] = row.value
    return {"first": first.isoformat(), "step": step, "values": values}


def unpacked(kept: Mapping[str, Any]) -> tuple[Row, ...]:
    """The rows again."""
    first, step = date.fromisoformat(kept["first"]), timedelta(days=kept["step"])
    return tuple(
        Row(first + number * step, float(value))
        for number, value in enumerate(kept["values"])
        if value is not None
    )
