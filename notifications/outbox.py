"""The outbox: messages are written with what they tell about, claimed by workers, and what became of each is recorded.

A message is sent at least once. Whoever claims one gets a lease by the database's clock and a fence; a claim that
lapsed goes to the next worker, and what the slow one records afterwards does not count.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from notifications.reasons import reason
from notifications.tables import Message, MessageStatus, SharedContext

CHANNEL = "outbox"
"""Where the database tells workers that something was written."""

LEASE_SECONDS = 45
"""How long a claim holds; with the worker's interval it stays below a minute until the next one claims it."""

CLAIMS_LOST = 5
"""After so many claims in a row that no worker came back from, the message is failed."""

SUSPECT = 2
"""After so many, the message may be what killed the workers: each worker holds one such message at a time at most."""

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
    shared: str = ""
    """The digest of that part of the context which others state too; equal ones are the same."""
    shares: frozenset[str] = frozenset()
    """What stands in that part."""

    @property
    def is_suspect(self) -> bool:
        """Whether the message was left behind so often that it may be what kills workers."""
        return self.fence % FENCE_STEP > SUSPECT


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


_LANE_IS_FREE = """
    AND NOT EXISTS (
        SELECT FROM lane WHERE domain IN ('', lower(substring(recipient FROM '[^@]*$')))
        AND next_at > statement_timestamp() + interval '0.5 seconds'
    )
"""


async def claim(
    limit: int, host: str, lease_seconds: float = LEASE_SECONDS, *, paced: bool = False, suspects: int = 1
) -> list[Claim]:
    """Takes what other workers left behind, then what is due, longest waiting first.

    What is due of a batch waits for all that is not, so that thousands hold up no confirmation.
    Gives each its Message-ID at `host` when it is first claimed. Of suspects it takes at most so many, so that the
    one among them that kills workers takes no other with it; one that was left behind `CLAIMS_LOST` times becomes
    `failed` instead. `paced` leaves out those whose lane is taken for the next half second. Not to be called in a
    transaction: its locks would outlive the claim.
    """
    lane = _LANE_IS_FREE if paced else ""
    rows = await Message.raw(
        f"""
        WITH suspect AS (
            SELECT id, fence % {{}} >= {{}} AS lost, lease_until AS waits_since FROM message
            WHERE status = 'sending' AND lease_until <= statement_timestamp() AND fence % {{}} >= {{}} {lane}
            ORDER BY lease_until
            LIMIT {{}}
            FOR UPDATE SKIP LOCKED
        ), left_behind AS (
            SELECT id, false, lease_until FROM message
            WHERE status = 'sending' AND lease_until <= statement_timestamp() AND fence % {{}} < {{}} {lane}
            ORDER BY lease_until
            LIMIT {{}} - (SELECT count(*) FROM suspect)
            FOR UPDATE SKIP LOCKED
        ), fresh AS (
            SELECT id, false, due_at FROM message
            WHERE status = 'queued' AND batch IS NULL AND due_at <= statement_timestamp() {lane}
            ORDER BY due_at
            LIMIT {{}} - (SELECT count(*) FROM suspect) - (SELECT count(*) FROM left_behind)
            FOR UPDATE SKIP LOCKED
        ), of_batch AS (
            SELECT id, false, due_at FROM message
            WHERE status = 'queued' AND batch IS NOT NULL AND due_at <= statement_timestamp() {lane}
            ORDER BY due_at
            LIMIT {{}} - (SELECT count(*) FROM suspect) - (SELECT count(*) FROM left_behind)
                - (SELECT count(*) FROM fresh)
            FOR UPDATE SKIP LOCKED
        ), due AS (
            TABLE suspect UNION ALL TABLE left_behind UNION ALL TABLE fresh UNION ALL TABLE of_batch
        ), claimed AS (
            UPDATE message SET
                status = CASE WHEN lost THEN 'failed' ELSE 'sending' END,
                fence = fence + 1,
                attempts = attempts + CASE WHEN lost THEN 0 ELSE 1 END,
                lease_until = CASE WHEN lost THEN NULL
                    ELSE statement_timestamp() + {{}} * interval '1 second' END,
                last_error = CASE WHEN lost THEN {{}} ELSE last_error END,
                message_id = CASE WHEN message_id = '' THEN '<' || message.id || '@' || {{}} || '>'
                    ELSE message_id END
            FROM due WHERE message.id = due.id
            RETURNING message.*, waits_since
        )
        SELECT * FROM claimed WHERE status = 'sending' ORDER BY batch IS NOT NULL, waits_since
        """,  # noqa: S608, no value is written into it
        FENCE_STEP,
        CLAIMS_LOST,
        FENCE_STEP,
        SUSPECT,
        min(suspects, limit),
        FENCE_STEP,
        SUSPECT,
        limit,
        limit,
        limit,
        lease_seconds,
        WORKER_LOST,
        host,
    )
    shared = await _shared({row["shared"] for row in rows if row["shared"] is not None})
    return [
        Claim(
            id=row["id"],
            fence=row["fence"],
            kind=row["kind"],
            recipient=row["recipient"],
            recipient_name=row["recipient_name"],
            language=row["language"],
            context=shared[row["shared"]].content | msgspec.json.decode(row["context"]),
            about=row["about"],
            event_id=row["event_id"],
            attempts=row["attempts"],
            created_at=row["created_at"],
            message_id=row["message_id"],
            shared=shared[row["shared"]].digest,
            shares=shared[row["shared"]].names,
        )
        for row in rows
    ]


class _Shared(NamedTuple):
    digest: str
    content: dict[str, Any]
    names: frozenset[str]


async def _shared(ids: set[int]) -> dict[int | None, _Shared]:
    rows = (
        await SharedContext.raw("SELECT * FROM shared_context WHERE id = ANY({}::int[])", list(ids))
        if ids
        else []
    )
    found: dict[int | None, _Shared] = {None: _Shared("", {}, frozenset())}
    for row in rows:
        content = msgspec.json.decode(row["content"])
        found[row["id"]] = _Shared(row["digest"], content, frozenset(content))
    return found


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


@dataclass(frozen=True)
class Outcome:
    """What became of a claim. `again_seconds` is when a queued message is due, `None` as before.

    `attempted` is false where the message was given back untried. `reason` is for organisers and holds no address;
    without one a message that was given back keeps its last.
    """

    claim: Claim
    status: MessageStatus
    reason: str | None = None
    again_seconds: float | None = None
    attempted: bool = True


def sent(claim: Claim) -> Outcome:
    return Outcome(claim, MessageStatus.SENT)


def failed(claim: Claim, reason: str) -> Outcome:
    """For good."""
    return Outcome(claim, MessageStatus.FAILED, reason)


def retry(claim: Claim, reason: str, after_seconds: float) -> Outcome:
    """Queued again, due after a while."""
    return Outcome(claim, MessageStatus.QUEUED, reason, after_seconds)


def released(claim: Claim, reason: str | None = None) -> Outcome:
    """The message is given back as it was, without counting an attempt."""
    return Outcome(claim, MessageStatus.QUEUED, reason, attempted=False)


async def record(outcomes: Sequence[Outcome]) -> set[UUID]:
    """Writes down what became of claims; returns the ids of those that still held. Of others nothing is recorded."""
    rows = await Message.raw(
        """
        UPDATE message SET
            status = became.status,
            sent_at = CASE WHEN became.status = 'sent' THEN statement_timestamp() END,
            last_error = CASE WHEN became.attempted THEN became.reason ELSE coalesce(became.reason, last_error) END,
            due_at = coalesce(statement_timestamp() + became.again * interval '1 second', due_at),
            attempts = attempts - CASE WHEN became.attempted THEN 0 ELSE 1 END,
            lease_until = NULL,
            fence = (message.fence / {} + 1) * {}
        FROM unnest({}::uuid[], {}::int[], {}::text[], {}::text[], {}::float8[], {}::bool[])
            AS became (id, fence, status, reason, again, attempted)
        WHERE message.id = became.id AND message.fence = became.fence AND message.status = 'sending'
        RETURNING message.id
        """,
        FENCE_STEP,
        FENCE_STEP,
        *_columns(outcome.claim for outcome in outcomes),
        [outcome.status.value for outcome in outcomes],
        [outcome.reason for outcome in outcomes],
        [outcome.again_seconds for outcome in outcomes],
        [outcome.attempted for outcome in outcomes],
    )
    return {row["id"] for row in rows}


async def bounced(ids: Sequence[UUID], said: str) -> bool:
    """Writes down that a mail came back: the first of these messages that there is becomes `failed`.

    Whatever a worker records of it afterwards does not count. Answers whether there is one.
    """
    for message_id in ids:
        message = await Message.objects().get((Message.id == message_id) & (Message.message_id != ""))
        if message is not None:
            await Message.raw(
                "UPDATE message SET status = 'failed', last_error = {}, lease_until = NULL,"
                " fence = (fence / {} + 1) * {} WHERE id = {} AND status IN ('queued', 'sending', 'sent')",
                reason(said, message.recipient),
                FENCE_STEP,
                FENCE_STEP,
                message_id,
            )
            return True
    return False


@dataclass(frozen=True)
class Superseded:
    """A message that was withdrawn before it left. `attempts` were made to send it."""

    kind: str
    about: UUID
    context: dict[str, Any]
    attempts: int


async def supersede(kinds: Iterable[str], *, about: Iterable[UUID], event_id: int) -> list[Superseded]:
    """Withdraws queued messages of these kinds about these registrations of an event; returns them as written.

    For the transaction of what makes them wrong, before the new message is written. What a worker holds is
    being sent and stays.
    """
    wrong, ids = list(kinds), list(about)
    if not wrong or not ids:
        return []
    rows = await Message.raw(
        """
        WITH gone AS (
            UPDATE message SET status = 'superseded'
            FROM unnest({}::uuid[]) AS concerned (id)
            WHERE status = 'queued' AND event_id = {} AND about = concerned.id AND kind = ANY({}::text[])
            RETURNING kind, about, context, shared, attempts, created_at
        )
        SELECT * FROM gone ORDER BY created_at
        """,
        ids,
        event_id,
        wrong,
    )
    shared = await _shared({row["shared"] for row in rows if row["shared"] is not None})
    return [
        Superseded(
            row["kind"],
            row["about"],
            shared[row["shared"]].content | msgspec.json.decode(row["context"]),
            row["attempts"],
        )
        for row in rows
    ]


def _columns(claims: Iterable[Claim]) -> tuple[list[UUID], list[int]]:
    held = list(claims)
    return [claim.id for claim in held], [claim.fence for claim in held]
