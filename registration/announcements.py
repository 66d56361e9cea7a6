"""The organisers' announcements: written, tried, sent once, paused, stopped; and who wants none.

Sending locks the announcement; the event waits for its end alone, when the log gets its entry. Whoever unsubscribes
waits for what is being sent, so that nobody gets one afterwards.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from events.actions import record
from events.details import EventDetails
from events.errors import Conflict, FormInvalid
from events.queries import details_of, event_by_id
from events.rules import Attendance
from events.tables import Organiser
from notifications.outbox import CHANNEL, NewMessage, enqueue, share, supersede
from notifications.tables import Message
from registration.announcement_forms import Draft, draft_of, flaws
from registration.announcement_queries import IN_SEGMENT, asking
from registration.errors import AnnouncementUnknown
from registration.facts import Facts, Person, event_facts, registration_facts
from registration.news import ANNOUNCEMENT
from registration.rules import RegistrationStatus
from registration.tables import Announcement, Registration

NOBODY = UUID(int=0)
"""Whose registration a mail to oneself is about."""

PAUSE = "interval '1000 years'"
"""How far a paused message is put off, so that it is due as before when it goes on."""


async def announcement_of(event_id: int, announcement_id: UUID, *, locked: bool = False) -> Announcement:
    """Raises AnnouncementUnknown, also for one of another event."""
    query = (
        Announcement.objects()
        .where((Announcement.id == announcement_id) & (Announcement.event == event_id))
        .output(load_json=True)
        .first()
    )
    found = await (query.lock_rows("UPDATE") if locked else query)
    if found is None:
        raise AnnouncementUnknown()
    return found


def state_of(announcement: Announcement) -> str:
    """What differs once somebody has changed it."""
    return announcement.changed_at.isoformat()


async def save(
    event: EventDetails, announcement_id: UUID, draft: Draft, by: Organiser, now: datetime, *, state: str = ""
) -> Announcement:
    """Keeps a draft as it was typed, under an id that the form brings.

    Raises AnnouncementUnknown where another event has the id, and Conflict where it was sent, or is another than
    `state` says.
    """
    kept = {
        Announcement.subjects: draft.subjects,
        Announcement.texts: draft.texts,
        Announcement.segment: msgspec.to_builtins(draft.segment),
        Announcement.changed_at: now,
    }
    async with Announcement._meta.db.transaction():
        values = {column._meta.name: value for column, value in kept.items()}
        made = Announcement(id=announcement_id, event=event.id, written_by=by.id, written_at=now, **values)
        if await Announcement.insert(made).on_conflict(action="DO NOTHING").returning(Announcement.id):
            return made
        row = await announcement_of(event.id, announcement_id, locked=True)
        if row.sent_at is not None:
            raise Conflict("This announcement was sent.")
        if state != state_of(row):
            raise Conflict("Somebody else has changed this announcement.")
        for column, value in kept.items():
            setattr(row, column._meta.name, value)
        await row.save(list(kept))
        return row


async def discard(event: EventDetails, announcement_id: UUID) -> None:
    """Removes a draft. Raises AnnouncementUnknown, and Conflict for what was sent."""
    async with Announcement._meta.db.transaction():
        row = await announcement_of(event.id, announcement_id, locked=True)
        if row.sent_at is not None:
            raise Conflict("This announcement was sent.")
        await row.remove()


def stated(draft: Draft, announcement_id: UUID) -> Facts:
    """What the mails of an announcement say, in all its languages."""
    return {"id": str(announcement_id), "subjects": draft.subjects, "texts": draft.texts}


def sample_context(
    event: EventDetails, announcement: Announcement, by: Organiser, *, is_test: bool = True
) -> Facts:
    """What a mail to the organiser states: as to somebody of the segment, with links that open nothing."""
    draft = draft_of(announcement)
    status = draft.segment.statuses[0] if draft.segment.statuses else RegistrationStatus.CONFIRMED
    person = Person(
        id=NOBODY,
        number="0000-0000",
        name=by.name or by.email.partition("@")[0],
        email=by.email,
        language=event.default_language,
        status=status,
        attendance=Attendance(draft.segment.attendance or event.offered[0]),
        seats=1,
        wishes={},
    )
    return {
        "event": event_facts(event),
        "announcement": {**stated(draft, announcement.id), "is_test": is_test},
        "registration": registration_facts(person, event, {}, None),
    }


async def try_out(
    event: EventDetails, announcement_id: UUID, by: Organiser, language: str, languages: Sequence[str]
) -> None:
    """Sends one mail to the organiser's own address. Raises AnnouncementUnknown, and FormInvalid for a flawed draft."""
    async with Announcement._meta.db.transaction():
        row = await announcement_of(event.id, announcement_id)
        if errors := flaws(draft_of(row), event, languages):
            raise FormInvalid(errors)
        await enqueue(
            [
                NewMessage(
                    kind=ANNOUNCEMENT,
                    event_id=event.id,
                    recipient=by.email,
                    recipient_name=by.name,
                    language=language,
                    context=sample_context(event, row, by),
                )
            ]
        )


WRITE = """
    , written AS (
        INSERT INTO message (
            kind, about, event_id, recipient, recipient_name, language, context, shared, batch, created_at, due_at
        )
        SELECT {}, id, event, email, name, language,
            jsonb_build_object('registration', jsonb_build_object(
                'uid', 'registration-' || id, 'number', number, 'name', name, 'status', status,
                'attendance', attendance, 'seats', seats, 'groups', jsonb_build_object(),
                'sequence', found.sequence + {}, 'sequence_before', invitation.sequence,
                'invited', invitation.sequence IS NOT NULL,
                'needs_confirmation', status IN ('pending', 'waitlisted') AND confirmed_at IS NULL,
                'held_until_local', to_char(held_until AT TIME ZONE {}, 'YYYY-MM-DD"T"HH24:MI'),
                'position', NULL
            )),
            {}::int, {}::uuid, clock_timestamp(), clock_timestamp()
        FROM found LEFT JOIN invitation ON registration = id
        WHERE email IS NOT NULL AND announcements_off_at IS NULL
        ORDER BY arrival
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM written) AS recipients,
        count(*) FILTER (WHERE email IS NULL) AS without_address,
        count(*) FILTER (WHERE email IS NOT NULL AND announcements_off_at IS NOT NULL) AS unsubscribed
    FROM found
"""


async def send(
    event_id: int,
    announcement_id: UUID,
    by: Organiser,
    now: datetime,
    *,
    state: str,
    languages: Sequence[str],
) -> Announcement:
    """Puts one message per person of the segment into the outbox; a second call changes nothing.

    `state` is that of the announcement which was looked at. Raises AnnouncementUnknown, Conflict where it has changed
    since, and FormInvalid for a flawed draft and where nobody would get it (`status`, `nobody`).
    """
    async with Announcement._meta.db.transaction():
        row = await announcement_of(event_id, announcement_id, locked=True)
        if row.sent_at is not None:
            return row
        if state != state_of(row):
            raise Conflict("Somebody else has changed this announcement.")
        about = await event_by_id(event_id)
        event, draft = await details_of(about), draft_of(row)
        if errors := flaws(draft, event, languages):
            raise FormInvalid(errors)
        shared = await share({"event": event_facts(event), "announcement": stated(draft, row.id)}, event.id)
        (counts,) = await Registration.raw(
            IN_SEGMENT + WRITE,
            *asking(event, draft.segment),
            ANNOUNCEMENT,
            event.sequence,
            event.timezone,
            shared,
            row.id,
        )
        if not counts["recipients"]:
            raise FormInvalid([("status", "nobody")])
        row.sent_at, row.sent_by = now, by.id
        row.recipients, row.without_address = counts["recipients"], counts["without_address"]
        row.unsubscribed = counts["unsubscribed"]
        await row.save(
            [
                Announcement.sent_at,
                Announcement.sent_by,
                Announcement.recipients,
                Announcement.without_address,
                Announcement.unsubscribed,
            ]
        )
        details: dict[str, Any] = {"announcement": str(row.id), "recipients": row.recipients}
        await record(about, by, now, "announcement_sent", **details)
        await _wake()
        return row


async def pause(event_id: int, announcement_id: UUID, now: datetime) -> None:
    """Puts off what is still queued. What a worker is sending leaves. Raises AnnouncementUnknown."""
    async with Announcement._meta.db.transaction():
        row = await announcement_of(event_id, announcement_id, locked=True)
        if row.sent_at is None or row.paused_at is not None or row.stopped_at is not None:
            return
        row.paused_at = now
        await row.save([Announcement.paused_at])
        await hold_back(row.id)


async def resume(event_id: int, announcement_id: UUID) -> None:
    """Lets go on what was put off. Raises AnnouncementUnknown."""
    async with Announcement._meta.db.transaction():
        row = await announcement_of(event_id, announcement_id, locked=True)
        if row.paused_at is None:
            return
        row.paused_at = None
        await row.save([Announcement.paused_at])
        await Message.raw(
            f"UPDATE message SET due_at = due_at - {PAUSE}"  # noqa: S608, a constant
            f" WHERE batch = {{}} AND status = 'queued' AND due_at > statement_timestamp() + {PAUSE} / 2",
            row.id,
        )
        await _wake()


async def stop(event_id: int, announcement_id: UUID, by: Organiser, now: datetime) -> None:
    """Withdraws what is still queued, for good. Raises AnnouncementUnknown."""
    async with Announcement._meta.db.transaction():
        row = await announcement_of(event_id, announcement_id, locked=True)
        if row.sent_at is None or row.stopped_at is not None:
            return
        row.stopped_at, row.paused_at = now, None
        await row.save([Announcement.stopped_at, Announcement.paused_at])
        await hold_back(row.id)
        await record(await event_by_id(event_id), by, now, "announcement_stopped", announcement=str(row.id))


async def hold_back(announcement_id: UUID | None = None) -> None:
    """Puts off what is queued of paused announcements, and withdraws it of stopped ones; without an id, of all.

    Again and again: what a worker was just sending may come back into the queue.
    """
    for change, state in (
        (
            f"due_at = due_at + {PAUSE}",
            f"paused_at IS NOT NULL AND due_at < statement_timestamp() + {PAUSE} / 2",
        ),
        ("status = 'superseded'", "stopped_at IS NOT NULL"),
    ):
        await Message.raw(
            f"UPDATE message SET {change} FROM announcement"  # noqa: S608, constants
            f" WHERE batch = announcement.id AND message.status = 'queued' AND {state}"
            " AND ({}::uuid IS NULL OR announcement.id = {}::uuid)",
            announcement_id,
            announcement_id,
        )


async def forget_announcements(event_id: int) -> None:
    """Before the messages of an event are removed: drafts and words go, for they may name people; the counts stay.

    For the caller's transaction.
    """
    await Announcement.delete().where((Announcement.event == event_id) & Announcement.sent_at.is_null())
    await Announcement.raw(
        """
        UPDATE announcement SET
            subjects = jsonb_build_object(), texts = jsonb_build_object(), segment = jsonb_build_object(), outcome = (
            SELECT coalesce(jsonb_object_agg(status, messages), jsonb_build_object()) FROM (
                SELECT status, count(*) AS messages FROM message WHERE batch = announcement.id GROUP BY status
            ) AS counted
        ) WHERE event = {} AND outcome IS NULL
        """,
        event_id,
    )


async def unsubscribe(registration_id: UUID, now: datetime) -> None:
    """No further announcement of this event, and none that is still queued. The registration stays as it is."""
    async with Registration._meta.db.transaction():
        await Announcement.raw(
            "SELECT id FROM announcement WHERE event = (SELECT event FROM registration WHERE id = {})"
            " ORDER BY id FOR SHARE",
            registration_id,
        )
        rows = await Registration.raw(
            "UPDATE registration SET announcements_off_at = coalesce(announcements_off_at, {}) WHERE id = {}"
            " RETURNING event",
            now,
            registration_id,
        )
        for row in rows:
            await supersede([ANNOUNCEMENT], about=[registration_id], event_id=row["event"])


async def subscribe(registration_id: UUID) -> None:
    """Announcements again, from the next one on."""
    await Registration.update({Registration.announcements_off_at: None}).where(
        Registration.id == registration_id
    )


async def _wake() -> None:
    engine: Any = Message._meta.db
    await engine.notify(CHANNEL)
