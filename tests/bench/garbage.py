"""Broken files over all readers, from the address to the event; prints one JSON document.

Each source has two events, one whose rule is off and one whose rule is on. Their source says something whole first, and
then broken files, one after the other, each through the whole way that the worker takes; after one that can be read in
spite of all the whole one comes again. A crash is anything but a report or a reason why there is none; a change is a
rule or a mode that is another one than before. The database does not wait for its disk.
"""

import argparse
import asyncio
import json
import logging
import os
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from dialograum import publishing
from dialograum.database import DB
from dialograum.event_file import from_document
from events.tables import Event
from hybrid.downloads import Mark
from hybrid.evaluation import take_report
from hybrid.fetching import Claimed, read_source
from hybrid.indicators import Indicator, indicators
from hybrid.notices import tell_source_failed
from hybrid.queries import stored_rules
from hybrid.reports import Report, Row, SeriesReport, StateReport
from hybrid.tables import Fetch
from tests.bench.post import installed
from tests.forum import forum
from tests.hybrid.files import alert, packed
from tests.hybrid.garbage import garbage
from tests.postgres import short_folder

SEED = 20221004
OFF, ON = "off", "on"
CRASH, CHANGE = "crash", "change"
DAYS = 6
"""So many reports have come before."""

OWN = """
[levels]
address = "file:///levels.json"
format = "json"
kind = "series"
zone = "Europe/Berlin"
entries = "data.items"
columns = { date = "at", region = "place", value = "level" }

[floods]
address = "file:///floods.csv"
format = "csv"
kind = "state"
zone = "Europe/Berlin"
delimiter = ";"
columns = { date = "from", region = "river", value = "level", until = "to" }
"""


@dataclass(frozen=True)
class Seed:
    """A source that is whole: its file, and the regions whose rule is off and on."""

    name: str
    content: bytes
    off: str
    on: str
    parts: tuple[bytes, ...] = ()
    """What a zip holds."""

    def broken(self, rng: random.Random) -> bytes:
        """The file broken, or of a zip more often something in it."""
        if self.parts and rng.random() < 0.7:
            return packed(*(garbage(rng, part) if rng.random() < 0.6 else part for part in self.parts))
        return garbage(rng, self.content)


def seeds(today: date, now: datetime) -> list[Seed]:
    """One for each reader, with figures of today or of the last week."""
    days = [today - timedelta(days=age) for age in reversed(range(9))]
    weeks = [today - timedelta(days=today.isoweekday() + 7 * age) for age in reversed(range(9))]

    def table(header: str, rows: Sequence[str]) -> bytes:
        return "".join(f"{line}\n" for line in (header, *rows)).encode()

    def week(sunday: date) -> str:
        return f"{sunday.isocalendar().year}-W{sunday.isocalendar().week:02}"

    counties = "Meldedatum,Landkreis_id,Bevoelkerung,Faelle_gesamt,Faelle_neu,Faelle_7-Tage,Inzidenz_7-Tage"
    germany = "Meldedatum,Altersgruppe,Bevoelkerung,Faelle_gesamt,Faelle_neu,Faelle_7-Tage,Inzidenz_7-Tage"
    web = "Meldungen\tSaison\tErkrankung\tAltersgruppe\tRegion\tKalenderwoche\tInzidenz"
    are = "Saison\tKalenderwoche\tBundesland\tBundesland_ID\tAltersgruppe\tARE_Konsultationsinzidenz"
    amelag = "datum\tn\tanteil_bev\tviruslast\tviruslast_normalisiert\tvorhersage\tobere_schranke\tuntere_schranke\ttyp"
    both = (("05754", 120.5), ("05758", 512.25))
    items = [
        {"at": str(on), "place": place, "level": level}
        for on in days
        for place, level in (("Ems", 1.5), ("Lutter", 512))
    ]
    begins = now - timedelta(hours=2)
    alerts = (
        alert("a", cells=("805758012",), hours=None, sent_at=begins),
        alert("b", severity="Minor", cells=("803159016",), sent_at=begins),
    )
    return [
        Seed(
            "rki-incidence",
            table(counties, [f"{on},{id_},360000,5000,10,400,{value}" for on in days for id_, value in both]),
            "05754",
            "05758",
        ),
        Seed(
            "rki-incidence-germany",
            table(germany, [f"{on},00+,84000000,5000,10,400,512.5" for on in days]),
            "",
            "Bundesweit",
        ),
        Seed(
            "rki-grippeweb-are",
            table(
                web,
                [
                    f"3000\t2026/27\tARE\t00+\t{region}\t{week(on)}\t{value}"
                    for on in weeks
                    for region, value in (("Osten", 150), ("Mitte (West)", 5120))
                ],
            ),
            "Osten",
            "Mitte (West)",
        ),
        Seed(
            "rki-are",
            table(
                are,
                [
                    f"2026/27\t{week(on)}\t{region}\t5\t00+\t{value}"
                    for on in weeks
                    for region, value in (("Hessen", 130), ("Nordrhein-Westfalen", 1200))
                ],
            ),
            "Hessen",
            "Nordrhein-Westfalen",
        ),
        Seed(
            "rki-amelag-influenza",
            table(
                amelag,
                [
                    f"{on - timedelta(days=4)}\t77\t0.15\t2868\t3493.93\t2942\t3281\t2638\tInfluenza A+B"
                    for on in weeks
                ],
            ),
            "",
            "Bundesweit",
        ),
        Seed("levels", json.dumps({"data": {"items": items}}).encode(), "Ems", "Lutter"),
        Seed(
            "floods",
            table("river;level;from;to", [f"Lutter;3;{begins.isoformat()};"]),
            "Ems",
            "Lutter",
        ),
        Seed(
            "dwd-warnings",
            packed(*alerts),
            "911111111",
            "805758012",
            tuple(text.encode() for text in alerts),
        ),
    ]


async def measure(files: int, seed: int) -> dict[str, Any]:
    with short_folder() as folder:
        async with installed(folder):
            await DB._run_in_pool("ALTER SYSTEM SET synchronous_commit = off")
            await DB._run_in_pool("SELECT pg_reload_conf()")
            began = time.perf_counter()
            found = await serve_broken(folder / "sources", files, seed)
    return {
        "seed": seed,
        **found,
        "seconds": round(time.perf_counter() - began, 1),
        "peak_mebibytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "machine": {"cores": os.cpu_count()},
    }


async def serve_broken(folder: Path, files: int, seed: int) -> dict[str, Any]:
    """Serves that many broken files, as many of each source, and counts what came of them."""
    folder.mkdir()
    (folder / "own.toml").write_text(OWN, encoding="utf-8")
    known, now = indicators({}, folder / "own.toml"), datetime.now(UTC)
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    whole = seeds(now.date() - timedelta(days=1), now)
    for number, one in enumerate(whole):
        source = Source(known[one.name], one, folder / one.name)
        await source.begin(now)
        rng = random.Random(seed + number)
        for _ in range(number, files, len(whole)):
            content = one.broken(rng)
            outcome = await source.read(content)
            outcomes[outcome] += 1
            if outcome in (CRASH, CHANGE):
                failures.append(f"{outcome} of {one.name}: {content[:500]!r}")
    return {
        "sources": len(whole),
        "files": outcomes.total(),
        "crashes": outcomes[CRASH],
        "changes": outcomes[CHANGE],
        "outcomes": dict(outcomes.most_common()),
        "failures": failures[:10],
    }


class Source:
    """A source with its file, and the two events that listen to it."""

    def __init__(self, indicator: Indicator, seed: Seed, path: Path) -> None:
        self._indicator = replace(indicator, address=path.as_uri())
        self._seed, self._path = seed, path
        self._events: dict[str, int] = {}
        self._before: list[Any] = []

    async def begin(self, now: datetime) -> None:
        """Makes the events, and lets the source say the same for a while, so that one rule goes on."""
        for which, region in ((OFF, self._seed.off), (ON, self._seed.on)):
            if not region:
                continue
            high = 2 if self._indicator.kind == "state" else 400
            rule = {"indicator": self._seed.name, "region": region, "enter_at": high, "leave_at": high}
            event = await publishing.create(
                from_document(forum(slug=f"{which}-{self._seed.name}", mode_rules=[rule])),
                None,
                now - timedelta(days=90),
                languages=("de", "en"),
            )
            self._events[which] = event.id
        for age in reversed(range(1, DAYS)):
            report = self._earlier(now, age)
            await take_report(self._indicator, report, address="", checksum=str(age), read_at=now, now=now)
        self._path.write_bytes(self._seed.content)
        await Fetch.insert(Fetch(_ignore_missing=True, indicator=self._seed.name))
        reason = await self._read()
        if reason is not None:
            raise RuntimeError(f"{self._seed.name} is not whole: {reason}")
        self._before = await self._standing()
        if [is_on for is_on, _ in self._before] != [which == ON for which in self._events]:
            raise RuntimeError(f"{self._seed.name}: the rules stand otherwise than meant, {self._before}")

    async def read(self, content: bytes) -> str:
        """Serves the file once; what came of it: a crash, a change, a report, or why there is none."""
        self._path.write_bytes(content)
        try:
            reason = await self._read()
        except Exception as error:  # that is what is counted here
            print(f"{self._seed.name}: {error!r}", file=sys.stderr)  # noqa: T201
            return CRASH
        standing = [await self._standing()]
        if reason is None:
            self._path.write_bytes(self._seed.content)
            await self._read()
            standing.append(await self._standing())
        if any(one != self._before for one in standing):
            self._before = standing[-1]
            return CHANGE
        return reason or "report"

    async def _read(self) -> str | None:
        claimed = Claimed(datetime.now(UTC), Mark(), "")
        failure = await read_source(self._indicator, claimed, tell_source_failed)
        return failure.code if failure is not None else None

    async def _standing(self) -> list[tuple[bool, str]]:
        found = []
        for event_id in self._events.values():
            [rule] = await stored_rules(event_id)
            row = await Event.select(Event.mode).where(Event.id == event_id).first()
            assert row is not None
            found.append((rule.is_on, row["mode"]))
        return found

    def _earlier(self, now: datetime, age: int) -> Report:
        whole = self._indicator.read(self._seed.content, None, now - timedelta(hours=1))
        if isinstance(whole, StateReport):
            warnings = [warning for warning in whole.warnings if warning.region == self._seed.on]
            return StateReport(whole.issued_at - timedelta(hours=age), tuple(warnings))
        step = timedelta(days=7 if self._indicator.weekly else 1)
        return SeriesReport(
            whole.report_on - step * age,
            {
                region: tuple(Row(row.on - step * age, row.value) for row in rows)
                for region, rows in whole.rows.items()
            },
        )


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    result = asyncio.run(measure(arguments.files, arguments.seed))
    print(json.dumps(result, indent=2))  # noqa: T201
    sys.exit(bool(result["crashes"] or result["changes"]))
