"""The outbox: messages are written with what they tell about, claimed by workers, and what became of each is recorded.

A message is sent at least once. Whoever claims one gets a lease by the database's clock and a fence; a claim that
lapsed goes to the next worker, and what the slow one records afterwards does not count.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from notifications.tables import Message, MessageStatus, SharedContext

CHANNEL = "outbox"
"""Where the database tells workers that something was written."""

LEASE_SECONDS = 45
"""How long a claim holds; with the worker's interval it stays below a minute until the next one claims it."""

CLAIMS_LOST = 5
"""After so many claims in a row that no worker came back from, the message is failed."""

FENCE_STEP = 10
"""A claim raises the fence by one, a recorded outcome to the next multiple of this.

So the remainder counts the claims since the last outcome: those whose workers died.
"""

WORKER_LOST = "worker-lost"

AT_ONCE = 1000

INSERT = """
    INSERT INTO message (
        kind, about, event_id, recipient, recipient_name, language, context, shared, created_at, due_at
    )
    SELECT kind, about, event_id, recipient, recipient_name, language, context, {}::int,
        clock_timestamp(), coalesce(due_at, clock_timestamp())
    FROM unnest({}::text[], {}::uuid[], {}::int[], {}::text[], {}::text[], {}::text[], {}::jsonb[], {}::timestamptz[])
        AS new (kind, about, event_id, recipient, recipient_name, language, context, due_at)
"""


@dataclass(frozen=True)
class NewMessage:
    """A mail to be written. `about` is the id of whom it concerns; without `due_at` it is due at once."""

    kind: str
    recipient: str
    recipient_name: str
    language: str
    context: dict[str, Any]
    about: UUID | None = None
    event_id: int | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, eq=False)
class Claim:
    """A message that a worker holds until it records an outcome or its lease lapses."""

    id: UUID
    fence: int
    kind: str
    recipient: str
    recipient_name: str
    language: str
    context: dict[str, Any]
    about: UUID | None
    event_id: int | None
    attempts: int
    created_at: datetime
    message_id: str


async def share(context: dict[str, Any], event_id: int | None = None) -> int:
    """Writes facts that many messages state, once; the same facts get the same id."""
    content = msgspec.json.encode(context, order="deterministic")
    rows = await SharedContext.raw(
        "INSERT INTO shared_context (event_id, digest, content) VALUES ({}, {}, {})"
        " ON CONFLICT (digest) DO UPDATE SET digest = excluded.digest RETURNING id",
        event_id,
        hashlib.sha256(content + f" {event_id}".encode()).hexdigest(),
        content.decode(),
    )
    return int(rows[0]["id"])


async def enqueue(messages: Sequence[NewMessage], *, shared: int | None = None) -> None:
    """Writes the messages in the caller's transaction; they leave after its commit, which wakes the workers.

    Each states what is `shared` beside its own context.
    """
    for start in range(0, len(messages), AT_ONCE):
        part = messages[start : start + AT_ONCE]
        await Message.raw(
            INSERT,
            shared,
            [message.kind for message in part],
            [message.about for message in part],
            [message.event_id for message in part],
            [message.recipient for message in part],
            [message.recipient_name for message in part],
            [message.language for message in part],
            [msgspec.json.encode(message.context).decode() for message in part],
            [message.due_at for message in part],
        )
    if messages:
        engine: Any = Message._meta.db
        await engine.notify(CHANNEL)


async def claim(limit: int, host: str, lease_seconds: float = LEASE_SECONDS) -> list[Claim]:
    """Takes what is due, and what other workers left behind, longest waiting first.

    Gives each its Message-ID at `host` when it is first claimed. One that was left behind `CLAIMS_LOST` times
    becomes `failed` instead. Not to be called in a transaction: its locks would outlive the claim.
    """
    rows = await Message.raw(
        """
        WITH due AS (
            SELECT id, fence % {} >= {} AS lost, coalesce(lease_until, due_at) AS waits_since
            FROM message
            WHERE status IN ('queued', 'sending') AND coalesce(lease_until, due_at) <= statement_timestamp()
            ORDER BY waits_since
            LIMIT {}
            FOR UPDATE SKIP LOCKED
        ), claimed AS (
            UPDATE message SET
                status = CASE WHEN lost THEN 'failed' ELSE 'sending' END,
                fence = fence + 1,
                attempts = attempts + CASE WHEN lost THEN 0 ELSE 1 END,
                lease_until = CASE WHEN lost THEN NULL
                    ELSE statement_timestamp() + {} * interval '1 second' END,
                last_error = CASE WHEN lost THEN {} ELSE last_error END,
                message_id = CASE WHEN message_id = '' THEN '<' || message.id || '@' || {} || '>'
                    ELSE message_id END
            FROM due WHERE message.id = due.id
            RETURNING message.*, waits_since
        )
        SELECT claimed.*, shared_context.content AS shared_content
        FROM claimed LEFT JOIN shared_context ON shared_context.id = claimed.shared
        WHERE status = 'sending' ORDER BY waits_since
        """,
        FENCE_STEP,
        CLAIMS_LOST,
        limit,
        lease_seconds,
        WORKER_LOST,
        host,
    )
    return [
        Claim(
            id=row["id"],
            fence=row["fence"],
            kind=row["kind"],
            recipient=row["recipient"],
            recipient_name=row["recipient_name"],
            language=row["language"],
            context=json.loads(row["shared_content"] or "{}") | json.loads(row["context"]),
            about=row["about"],
            event_id=row["event_id"],
            attempts=row["attempts"],
            created_at=row["created_at"],
            message_id=row["message_id"],
        )
        for row in rows
    ]


async def renew(claims: Iterable[Claim], lease_seconds: float = LEASE_SECONDS) -> set[UUID]:
    """Begins the leases anew; returns the ids that are still the caller's."""
    rows = await Message.raw(
        """
        UPDATE message SET lease_until = statement_timestamp() + {} * interval '1 second'
        FROM unnest({}::uuid[], {}::int[]) AS mine (id, fence)
        WHERE message.id = mine.id AND message.fence = mine.fence AND status = 'sending'
        RETURNING message.id
        """,
        lease_seconds,
        *_columns(claims),
    )
    return {row["id"] for row in rows}


async def record_sent(claim: Claim) -> bool:
    """Whether the claim still held; only then is anything recorded, here and below."""
    return await _record(claim, "status = 'sent', sent_at = statement_timestamp(), last_error = NULL")


async def record_failed(claim: Claim, reason: str) -> bool:
    """For good. `reason` is for organisers and holds no address."""
    return await _record(claim, "status = 'failed', last_error = {}", reason)


async def record_retry(claim: Claim, reason: str, after_seconds: float) -> bool:
    """Queued again, due after a while."""
    return await _record(
        claim,
        "status = 'queued', last_error = {}, due_at = statement_timestamp() + {} * interval '1 second'",
        reason,
        after_seconds,
    )


async def release(claim: Claim, reason: str | None = None) -> bool:
    """Gives the message back as it was, without counting an attempt."""
    return await _record(
        claim,
        "status = 'queued', attempts = attempts - 1, last_error = coalesce({}::text, last_error)",
        reason,
    )


async def _record(claim: Claim, assignments: str, *values: Any) -> bool:
    rows = await Message.raw(
        f"UPDATE message SET {assignments}, lease_until = NULL, fence = (fence / {{}} + 1) * {{}}"  # noqa: S608
        " WHERE id = {} AND fence = {} AND status = 'sending' RETURNING id",
        *values,
        FENCE_STEP,
        FENCE_STEP,
        claim.id,
        claim.fence,
    )
    return bool(rows)


async def supersede(kinds: Iterable[str], *, about: Iterable[UUID]) -> int:
    """Withdraws queued messages of these kinds about these registrations; returns how many.

    For the transaction of what makes them wrong, before the new message is written. What a worker holds is
    being sent and stays.
    """
    wrong, ids = list(kinds), list(about)
    if not wrong or not ids:
        return 0
    rows = (
        await Message.update(status=MessageStatus.SUPERSEDED)
        .where(
            (Message.status == MessageStatus.QUEUED) & Message.kind.is_in(wrong) & Message.about.is_in(ids)
        )
        .returning(Message.id)
    )
    return len(rows)


def _columns(claims: Iterable[Claim]) -> tuple[list[UUID], list[int]]:
    held = list(claims)
    return [claim.id for claim in held], [claim.fence for claim in held]
