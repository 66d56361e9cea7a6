"""What became of the mails of a switch."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from notifications.tables import Message

SKEW = timedelta(minutes=5)
"""By so much the clocks of a worker and of the database may differ."""


@dataclass(frozen=True)
class Told:
    """How many mails a switch wrote, how many of them were delivered, and how many came to nothing.

    Mails in whose place a later one went count as neither.
    """

    mails: int
    delivered: int
    failed: int


async def told_of(switch: Mapping[str, Any]) -> Told:
    """Of an entry of the log, as `hybrid.queries.switches_of` gives it."""
    why = {"reason": switch["reason"], "evidence": switch["evidence"]}
    moved = [{"what": "mode", "after": switch["to_mode"]}] if switch["from_mode"] != switch["to_mode"] else []
    rows = await Message.raw(
        """
        WITH common AS MATERIALIZED (
            SELECT id, content->'why' AS why, content->'changes' AS changes FROM shared_context WHERE event_id = {}
        )
        SELECT count(*) AS mails, count(*) FILTER (WHERE status = 'sent') AS delivered,
            count(*) FILTER (WHERE status = 'failed') AS failed
        FROM message LEFT JOIN common ON common.id = shared
        WHERE event_id = {} AND about IS NOT NULL AND status <> 'superseded' AND created_at >= {}
            AND coalesce(context->'why', why) = {}::jsonb AND coalesce(context->'changes', changes) @> {}::jsonb
        """,
        switch["event"],
        switch["event"],
        switch["at"] - SKEW,
        msgspec.json.encode(why).decode(),
        msgspec.json.encode(moved).decode(),
    )
    return Told(**rows[0])
