"""Reads of the organisers' announcements: whom a segment holds, and what became of what was sent."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from events.details import EventDetails
from notifications.tables import Message, MessageStatus
from registration.segments import Segment, answer_asked
from registration.tables import Announcement, Registration

IN_SEGMENT = """
    WITH person AS (
        SELECT DISTINCT ON (coalesce(address, id::text)) * FROM registration WHERE event = {}
        ORDER BY coalesce(address, id::text), status IN ('pending', 'confirmed', 'waitlisted') DESC, arrival DESC
    ), place AS (
        SELECT seat.registration, session.key AS session, coalesce(working_group.key, session.key) AS part,
            working_group.key IS NOT NULL AS in_group
        FROM group_seat seat
        JOIN group_slot slot ON slot.id = seat.slot JOIN session ON session.id = slot.session
        LEFT JOIN working_group ON working_group.id = slot."group"
        WHERE session.event = {}
    ), asked AS (
        SELECT {}::text[] AS statuses, {}::text AS attendance, {}::text AS session, {}::text AS part,
            {}::text AS language, {}::text AS question, {}::jsonb AS answer
    ), found AS (
        SELECT person.* FROM person, asked
        WHERE person.status = ANY(asked.statuses)
        AND asked.attendance IN ('', person.attendance)
        AND asked.language IN ('', person.language)
        AND CASE
            WHEN asked.part = '-' THEN NOT EXISTS (
                SELECT FROM place WHERE place.registration = person.id
                AND CASE asked.session WHEN '' THEN place.in_group ELSE place.session = asked.session END)
            WHEN asked.part <> '' OR asked.session <> '' THEN EXISTS (
                SELECT FROM place WHERE place.registration = person.id
                AND asked.session IN ('', place.session) AND asked.part IN ('', place.part))
            ELSE true END
        AND CASE
            WHEN asked.question = '' THEN true
            WHEN asked.answer IS NOT NULL THEN coalesce(person.answers -> asked.question @> asked.answer, false)
            ELSE EXISTS (
                SELECT FROM consent WHERE consent.registration = person.id
                AND consent.key = asked.question AND consent.withdrawn_at IS NULL) END
    )
"""
"""The people of a segment as `found`. Of several registrations of an address the active counts, else the last."""

COUNT = """
    SELECT language, count(*) AS people, count(*) FILTER (WHERE email IS NULL) AS without_address,
        count(*) FILTER (WHERE email IS NOT NULL AND announcements_off_at IS NOT NULL) AS unsubscribed
    FROM found GROUP BY language ORDER BY people DESC, language
"""


def asking(event: EventDetails, segment: Segment) -> tuple[Any, ...]:
    """The values of `IN_SEGMENT`."""
    question, answer = answer_asked(segment, event)
    return (
        event.id,
        event.id,
        [str(status) for status in segment.statuses],
        segment.attendance,
        segment.session,
        segment.group,
        segment.language,
        question,
        None if answer is None else msgspec.json.encode(answer).decode(),
    )


@dataclass(frozen=True)
class Reach:
    """How many people a segment holds, and why some of them get nothing; `by_language` counts who gets a mail."""

    people: int
    without_address: int
    unsubscribed: int
    by_language: dict[str, int]

    @property
    def recipients(self) -> int:
        return self.people - self.without_address - self.unsubscribed


async def reach(event: EventDetails, segment: Segment) -> Reach:
    """Whom an announcement to the segment would get to now."""
    rows = await Registration.raw(IN_SEGMENT + COUNT, *asking(event, segment))
    reached = {row["language"]: row["people"] - row["without_address"] - row["unsubscribed"] for row in rows}
    return Reach(
        sum(row["people"] for row in rows),
        sum(row["without_address"] for row in rows),
        sum(row["unsubscribed"] for row in rows),
        {language: count for language, count in reached.items() if count},
    )


async def announcements_of(event_id: int) -> list[dict[str, Any]]:
    """Drafts and what was sent, the last first, each with its writer, sender and what became of its messages."""
    rows: list[dict[str, Any]] = (
        await Announcement.select(
            *Announcement.all_columns(exclude=[Announcement.texts]),
            Announcement.written_by.name.as_alias("writer"),
            Announcement.sent_by.name.as_alias("sender"),
        )
        .where(Announcement.event == event_id)
        .order_by(Announcement.written_at, ascending=False)
        .output(load_json=True)
    )
    counts = await _counts([row["id"] for row in rows])
    return [{**row, "counts": _outcome(row["outcome"], counts.get(row["id"], {}))} for row in rows]


async def outcome_of(announcement: Announcement) -> dict[str, int]:
    """How many messages of an announcement have each status; zero counts are there too."""
    counts = await _counts([announcement.id])
    return _outcome(announcement.outcome, counts.get(announcement.id, {}))


async def _counts(ids: list[UUID]) -> dict[UUID, dict[str, int]]:
    rows = await Message.raw(
        "SELECT batch, status, count(*) AS messages FROM message WHERE batch = ANY({}::uuid[]) GROUP BY 1, 2",
        ids,
    )
    found: dict[UUID, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["batch"], {})[row["status"]] = row["messages"]
    return found


def _outcome(kept: dict[str, int] | None, counted: dict[str, int]) -> dict[str, int]:
    known = kept if kept is not None else counted
    return {status.value: known.get(status.value, 0) for status in MessageStatus}


async def recipients_of(
    announcement_id: UUID, *, status: str, q: str, page: int, size: int
) -> list[dict[str, Any]]:
    """A page (from 1) of the people an announcement went to, by name, with what became of each message.

    `status` may be empty; `q` is part of a name or an address. One row more than `size` says that there are others.
    """
    pattern = "%" + q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return await Message.raw(  # type: ignore[no-any-return]
        """
        SELECT id, about, recipient, recipient_name, language, status, attempts, sent_at, due_at, last_error
        FROM message WHERE batch = {} AND {} IN ('', status)
            AND (recipient_name ILIKE {} OR recipient ILIKE {})
        ORDER BY lower(recipient_name), id LIMIT {} OFFSET {}
        """,
        announcement_id,
        status,
        pattern,
        pattern,
        size + 1,
        (page - 1) * size,
    )
