"""How fast mails leave: limits per second, counted in the database for all workers together.

A lane is a recipient's domain, or all of them. Whoever claimed a message asks for its slot in each of its lanes; where
there is none soon the claim is given back, and no further ones of that lane are made until it is free.
"""

from collections.abc import Sequence
from typing import Any

from notifications.outbox import Claim
from notifications.rules import Limits, slots
from notifications.tables import Lane

AHEAD_SECONDS = 1.0
"""How long before its slot a message is claimed at most."""


async def reserve(claims: Sequence[Claim], limits: Limits) -> dict[Claim, float]:
    """In how many seconds each may leave; those that must wait longer are missing, and take no slot."""
    wanted = [limits.steps(claim.recipient) for claim in claims]
    lanes = sorted({lane for steps in wanted for lane in steps})
    engine: Any = Lane._meta.db
    async with engine.transaction():
        await Lane.raw(
            "INSERT INTO lane (domain, next_at) SELECT domain, statement_timestamp()"
            " FROM unnest({}::text[]) AS domain ORDER BY domain ON CONFLICT (domain) DO NOTHING",
            lanes,
        )
        rows = await Lane.raw(
            "SELECT domain, extract(epoch FROM next_at - statement_timestamp())::float8 AS free_in"
            " FROM lane WHERE domain = ANY({}::text[]) ORDER BY domain FOR UPDATE",
            lanes,
        )
        given, free_in = slots(wanted, {row["domain"]: row["free_in"] for row in rows}, AHEAD_SECONDS)
        await Lane.raw(
            "UPDATE lane SET next_at = statement_timestamp() + free_in * interval '1 second'"
            " FROM unnest({}::text[], {}::float8[]) AS new (domain, free_in) WHERE lane.domain = new.domain",
            list(free_in),
            list(free_in.values()),
        )
    return {claim: slot for claim, slot in zip(claims, given, strict=True) if slot is not None}


async def free_in() -> float | None:
    """In how many seconds the next of the lanes that are taken is free; forgets those that have long been."""
    await Lane.raw("DELETE FROM lane WHERE next_at < statement_timestamp() - interval '1 minute'")
    rows = await Lane.raw(
        "SELECT extract(epoch FROM min(next_at) - statement_timestamp())::float8 AS seconds"
        " FROM lane WHERE next_at > statement_timestamp()"
    )
    seconds: float | None = rows[0]["seconds"]
    return seconds
