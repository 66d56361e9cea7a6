"""Switch dates of one rule on recorded reports, worked out with nothing but lists: a second opinion on the replay.

python tests/hybrid/switch_dates.py FILE REGION ENTER_AT LEAVE_AT ENTER_AFTER LEAVE_AFTER SETTLE_DAYS [rising]
"""

import csv
import sys
from datetime import date, timedelta
from pathlib import Path


def values(file: Path, region: str, settle_days: int) -> list[tuple[str, float, float | None]]:
    """Of each morning: its date, the value of the row so many days old, and the one a week before that row."""
    mornings: dict[str, dict[str, float]] = {}
    with file.open(newline="") as lines:
        for line in csv.DictReader(lines):
            if line["Landkreis_id"] == region:
                mornings.setdefault(line["Datenstand"], {})[line["Meldedatum"]] = float(
                    line["Inzidenz_7-Tage"]
                )
    found = []
    for morning in sorted(mornings):
        latest = (date.fromisoformat(morning) - timedelta(days=settle_days)).isoformat()
        row = max(day for day in mornings[morning] if day <= latest)
        week_before = (date.fromisoformat(row) - timedelta(days=7)).isoformat()
        found.append((morning, mornings[morning][row], mornings[morning].get(week_before)))
    return found


def switch_dates(
    file: Path,
    region: str,
    enter_at: float,
    leave_at: float,
    enter_after: int,
    leave_after: int,
    settle_days: int,
    rising: bool = False,
) -> list[tuple[str, str]]:
    """When the event goes online and comes back."""
    found = []
    online, above, below = False, 0, 0
    for morning, value, earlier in values(file, region, settle_days):
        above = above + 1 if value >= enter_at else 0
        below = below + 1 if value < leave_at else 0
        week_before = earlier or 0.0
        rises = not rising or 0 < round(week_before * 110) <= round(value * 100)
        if not online and above >= enter_after and rises:
            online = True
            found.append((morning, "digital"))
        elif online and below >= leave_after:
            online = False
            found.append((morning, "in_person"))
    return found


if __name__ == "__main__":
    name, county, enter, leave, *rest = sys.argv[1:]
    enters, leaves, settles = map(int, rest[:3])
    for day, mode in switch_dates(
        Path(name), county, float(enter), float(leave), enters, leaves, settles, "rising" in rest
    ):
        sys.stdout.write(f"{day} {mode}\n")
