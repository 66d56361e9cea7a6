"""An event with rules, and reports that come in as a worker hands them over."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from dialograum import publishing
from dialograum.event_file import from_document
from events.details import EventDetails
from hybrid.evaluation import take_report
from hybrid.indicators import BUILT_IN
from hybrid.queries import stored_rules
from hybrid.reports import Alert, Row, SeriesReport, StateReport
from tests.forum import forum

INCIDENCE, WARNINGS = BUILT_IN["rki-incidence"], BUILT_IN["dwd-warnings"]
COUNTY, CELL = "05754", "805754008"
STARTS_AT = datetime(2027, 3, 19, 15, tzinfo=UTC)
"""Friday, 16:00 in Berlin."""

RULE = {
    "indicator": "rki-incidence",
    "region": COUNTY,
    "enter_at": 400,
    "leave_at": 300,
    "settle_days": 0,
    "leave_after": 2,
}


async def event(
    rules: Sequence[dict[str, Any]] = (RULE,), *, at: datetime | None = None, **changes: Any
) -> EventDetails:
    """An event on Friday 2027-03-19, made two months before."""
    day = "2027-03-19"
    document = forum(
        mode_rules=list(rules),
        starts_at=f"{day}T16:00:00",
        ends_at=f"{day}T19:00:00",
        registration={"closes_at": "2027-03-16T18:00:00", **changes.pop("registration", {})},
        sessions=None,
        groups=None,
        **changes,
    )
    return await publishing.create(
        from_document(document), None, at or datetime(2027, 1, 15, 9, tzinfo=UTC), languages=("de", "en")
    )


async def publish(
    day: date,
    value: float,
    *,
    region: str = COUNTY,
    now: datetime | None = None,
    more: Sequence[float] = (),
    has_servers: bool = True,
) -> bool:
    """The incidence of that day is published and read at 6 in the morning, UTC."""
    rows = tuple(Row(day - timedelta(days=age + 1), one) for age, one in reversed(list(enumerate(more))))
    said = SeriesReport(day, {region: (*rows, Row(day, value))})
    at = now or datetime.combine(day, time(6), UTC)
    return await take_report(
        INCIDENCE,
        said,
        address="https://figures.example.org/incidence.csv",
        checksum=sha256(repr(said).encode()).hexdigest(),
        read_at=at,
        now=at,
        has_servers=has_servers,
    )


async def warn(issued_at: datetime, *severities: int, region: str = CELL) -> bool:
    """The warnings in force during the event, as they stand at that time."""
    said = StateReport(
        issued_at, tuple(Alert(region, severity, STARTS_AT, None, "ORKANBÖEN") for severity in severities)
    )
    return await take_report(
        WARNINGS,
        said,
        address="https://warnings.example.org/cap.zip",
        checksum=sha256(repr(said).encode()).hexdigest(),
        read_at=issued_at,
        now=issued_at,
    )


async def verdicts(event: EventDetails) -> list[dict[str, Any]]:
    """What the event's rules made of their last reports."""
    return [stored.verdict or {} for stored in await stored_rules(event.id)]


async def decisions(event: EventDetails) -> list[tuple[str, str, str | None]]:
    """What would follow for the event, of each rule that says so: kind, mode, hold."""
    found = (verdict.get("decision") for verdict in await verdicts(event))
    return [(one["kind"], one["to"], one["hold"]) for one in found if one]
