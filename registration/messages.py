"""What people are told: rows for the outbox, written in the transaction of what they tell about."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from events.details import EventDetails
from notifications.outbox import CHANNEL, Superseded, share, supersede
from notifications.tables import Message
from registration.facts import event_facts, wished_unasked
from registration.news import ANNOUNCEMENT, INVITING, KINDS, MADE_WRONG, News, together
from registration.queries import slots_of
from registration.tables import Invitation, Registration

STANDS = ("event", "registration")
"""What every context states; the rest of it is news."""

# The facts of `registration.facts.registration_facts`, for many people at once.
TELL = """
    WITH asked AS MATERIALIZED (
        SELECT id FROM unnest({}::uuid[]) AS asked (id)
    ), held AS (
        SELECT seat.registration AS id, jsonb_object_agg(place ->> 'session', place -> 'group') AS groups
        FROM asked JOIN group_seat AS seat ON seat.registration = asked.id
        CROSS JOIN LATERAL (SELECT {}::jsonb -> seat.slot::text) AS places (place)
        GROUP BY seat.registration
    ), line AS (
        SELECT id, row_number() OVER (PARTITION BY attendance ORDER BY arrival) AS place
        FROM registration WHERE event = {} AND status = 'waitlisted'
    ), person AS (
        SELECT registration.*, line.place, invitation.sequence AS invited_sequence,
            CASE WHEN held.groups ?& sessions THEN held.groups ELSE coalesce((
                SELECT jsonb_object_agg(session, NULL) FROM jsonb_each(wishes) AS wish (session, groups)
                WHERE groups <> '[]' AND session = ANY(sessions)
            ), nothing) || coalesce(held.groups, nothing) END AS groups
        FROM asked JOIN registration USING (id) LEFT JOIN held USING (id) LEFT JOIN line USING (id)
        LEFT JOIN invitation ON invitation.registration = id
        CROSS JOIN (SELECT jsonb_build_object() AS nothing, {}::text[] AS sessions) AS those
        WHERE email IS NOT NULL ORDER BY arrival
    ), told AS (
        INSERT INTO message (
            kind, about, event_id, recipient, recipient_name, language, context, shared, created_at, due_at
        )
        SELECT {}, id, event, email, name, language, {}::jsonb || jsonb_build_object(
            'registration', jsonb_build_object(
                'uid', 'registration-' || id, 'number', number, 'name', name, 'status', status,
                'attendance', attendance, 'wished', coalesce(attendance_wished, {}), 'seats', seats, 'groups', groups,
                'sequence', {} + sequence, 'sequence_before', invited_sequence,
                'invited', invited_sequence IS NOT NULL,
                'needs_confirmation', status IN ('pending', 'waitlisted') AND confirmed_at IS NULL,
                'held_until_local', to_char(held_until AT TIME ZONE {}, 'YYYY-MM-DD"T"HH24:MI'),
                'position', place)
            ), {}, clock_timestamp(), clock_timestamp()
        FROM person RETURNING about
    ), invited AS (
        INSERT INTO invitation (registration, sequence)
        SELECT id, {} + sequence FROM told JOIN registration ON id = about WHERE {} AND status = 'confirmed'
        ON CONFLICT (registration) DO UPDATE SET sequence = excluded.sequence
    )
    SELECT count(*) AS people FROM told
"""


async def tell(kind: str, event: EventDetails, people: Iterable[UUID], **more: Any) -> int:
    """Writes one message per registration that has an address; returns how many.

    The context holds the facts as they stand in the database now. Queued messages that it makes wrong are superseded,
    and what they would have told becomes part of it. Whoever is sent a calendar REQUEST is marked as invited.
    """
    ids = list(people)
    if not ids:
        return 0
    written = 0
    about = {"event": event_facts(event)}
    for news, concerned in (await _news(News(kind, more), event, ids)).items():
        written += await _write(news, event, about, concerned)
    engine: Any = Message._meta.db
    await engine.notify(CHANNEL)
    return written


async def withdraw(registration: Registration, event: EventDetails) -> None:
    """Supersedes all that is still queued about a registration, as when its address was wrong."""
    await supersede((*KINDS, ANNOUNCEMENT), about=[registration.id], event_id=event.id)


async def _news(news: News, event: EventDetails, ids: list[UUID]) -> Mapping["_Told", list[UUID]]:
    """What each of these people is told: most of them the same."""
    earlier: dict[UUID, list[News]] = defaultdict(list)
    for gone in await _superseded(MADE_WRONG.get(news.kind, ()), event, ids):
        earlier[gone.about].append(
            News(gone.kind, {name: value for name, value in gone.context.items() if name not in STANDS})
        )
    told: dict[_Told, list[UUID]] = defaultdict(list)
    plain = _Told.of(news)
    for one in ids:
        told[_Told.of(together(news, earlier[one])) if one in earlier else plain].append(one)
    return told


class _Told(msgspec.Struct, frozen=True):
    """News that can be compared."""

    kind: str
    more: bytes

    @classmethod
    def of(cls, news: News) -> "_Told":
        return cls(news.kind, msgspec.json.encode(news.more))


async def _superseded(kinds: Iterable[str], event: EventDetails, ids: list[UUID]) -> list[Superseded]:
    """Withdraws queued messages; whoever has not got a REQUEST by that counts as never invited by it."""
    gone = await supersede(kinds, about=ids, event_id=event.id)
    first: dict[UUID, dict[str, Any]] = {}
    for message in gone:
        stated = message.context["registration"]
        if message.kind in INVITING and stated["status"] == "confirmed" and not message.attempts:
            first.setdefault(message.about, stated)
    if first:
        await Invitation.raw(
            """
            WITH was AS (
                SELECT * FROM unnest({}::uuid[], {}::int[]) AS was (id, sequence)
            ), never AS (
                DELETE FROM invitation USING was WHERE registration = id AND was.sequence IS NULL
            )
            UPDATE invitation SET sequence = was.sequence FROM was
            WHERE registration = id AND was.sequence IS NOT NULL
            """,
            list(first),
            [stated["sequence_before"] for stated in first.values()],
        )
    return gone


async def _write(told: _Told, event: EventDetails, about: dict[str, Any], ids: list[UUID]) -> int:
    """What many are told is written once, what one alone is told beside the person's facts."""
    more, own = msgspec.json.decode(told.more), {}
    if len(ids) == 1:
        more, own = {}, more
    titles = event.choice_titles
    places = {
        slot.id: {"session": slot.session, "group": {"key": slot.group, "title": titles[slot.group]}}
        for slot in slots_of(event)
    }
    rows = await Message.raw(
        TELL,
        ids,
        msgspec.json.encode(places).decode(),
        event.id,
        [session.key for session in event.wish_sessions],
        told.kind,
        msgspec.json.encode(own).decode(),
        wished_unasked(event),
        event.sequence,
        event.timezone,
        await share(about | more, event.id),
        event.sequence,
        told.kind in INVITING,
    )
    return int(rows[0]["people"])
