"""Reminders as they fall due: who gets which is asked of the event as it stands, and written down for each person.

Any number of workers may look at once: each step locks the event's row.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from piccolo.querystring import QueryString

from events.details import EventDetails
from events.queries import details_of, event_by_id
from events.rules import EventStatus, Mode
from events.tables import Event
from notifications.tables import Message
from registration.messages import tell
from registration.reminders import DEFAULT_REMINDERS, ReminderSpec
from registration.schedule import (
    NUDGE_SHARE,
    ONE_DATE,
    SHORTEST_HOLD,
    THANKS_LATE,
    Audience,
    Occurrence,
    Times,
    due,
    occurrences,
)
from registration.tables import Registration, Reminder

AT_ONCE = 5000
"""So many people of an event are reminded in one transaction."""

A_YEAR = timedelta(days=367)
GRACE = timedelta(minutes=1)
"""A change of the times leaves to the worker what fell due so shortly before."""

_CONFIRMED_SINCE = "greatest(confirmed_at, promoted_at)"
_HELD_SINCE = "greatest(registered_at, promoted_at)"
_IS_NUDGED = f"""
    status = 'pending' AND email IS NOT NULL AND held_until > {{}}
    AND held_until - {_HELD_SINCE} >= {{}} AND held_until - (held_until - {_HELD_SINCE}) / {NUDGE_SHARE} <= {{}}
    AND NOT EXISTS (SELECT FROM reminder WHERE reminder.registration = registration.id AND key = 'confirm_soon'
        AND for_local = held_until AT TIME ZONE 'UTC')
"""

_AUDIENCES = {
    Audience.ALL: "status = 'confirmed'",
    Audience.IN_PERSON: "status = 'confirmed' AND attendance = 'in_person'",
    Audience.ONLINE: "status = 'confirmed' AND attendance = 'online'",
    Audience.GROUP: "status = 'confirmed' AND EXISTS (SELECT FROM group_seat"
    ' JOIN group_slot ON group_slot.id = group_seat.slot JOIN working_group ON working_group.id = group_slot."group"'
    " WHERE group_seat.registration = registration.id AND working_group.key = {})",
    Audience.UNCONFIRMED: "status = 'pending'",
}


async def events_to_remind(now: datetime) -> list[int]:
    """Published events of which some reminder is due, or where a held seat is soon given back."""
    rows = await Event.raw(
        "SELECT id, starts_local, ends_local, timezone, mode, reminders, reminded_until FROM event"
        " WHERE status = 'published' AND ends_at > {} AND starts_at < {}",
        now - A_YEAR - THANKS_LATE,
        now + A_YEAR,
    )
    found = {
        row["id"]: None
        for row in rows
        if due(_times(row), _specs(msgspec.json.decode(row["reminders"])), row["reminded_until"], now)
    }
    nudged = await Registration.raw(
        f"SELECT DISTINCT event FROM registration JOIN event ON event.id = registration.event"  # noqa: S608
        f" WHERE event.status = 'published' AND {_qualified(_IS_NUDGED)}",
        now,
        SHORTEST_HOLD,
        now,
    )
    return list(found | {row["event"]: None for row in nudged})


async def schedule_of(event_id: int) -> list[Occurrence]:
    """Every reminder of the event as it stands, those that are past included, by time."""
    row = await event_by_id(event_id)
    return sorted(occurrences(_times_of(row), _specs(row.reminders)), key=lambda reminder: reminder.at)


async def remind(event_id: int, now: datetime) -> int:
    """Tells everybody of the event what is due for them, once; returns how many messages that are."""
    told, last = 0, 0
    while True:
        async with Event._meta.db.transaction():
            row = await event_by_id(event_id, locked=True)
            event = await details_of(row)
            if event.status is not EventStatus.PUBLISHED:
                return told
            told += await _nudge(event, now)
            reminders = due(_times_of(row), _specs(row.reminders), row.reminded_until, now)
            people = await _people(event_id, last) if reminders else []
            told += await _remind(event, reminders, [person["id"] for person in people], now)
            if len(people) < AT_ONCE:
                if reminders:
                    await Event.update({Event.reminded_until: now}).where(Event.id == event_id)
                return told
            last = people[-1]["arrival"]


async def schedule_anew(event_id: int, now: datetime) -> None:
    """After a change of times or reminders: what would have been due by now is past."""
    await Event.raw(
        "UPDATE event SET reminded_until = greatest(reminded_until, {}) WHERE id = {}", now - GRACE, event_id
    )


async def withdraw_late(now: datetime) -> None:
    """Supersedes reminders that could not leave until the event had begun, or the hold was over."""
    await Message.raw(
        "UPDATE message SET status = 'superseded' FROM event WHERE event.id = message.event_id"
        " AND message.status = 'queued' AND message.kind IN ('reminder', 'starts_soon', 'confirm_soon')"
        " AND event.starts_at <= {}",
        now,
    )


async def _people(event_id: int, after: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await Registration.raw(
        "SELECT id, arrival FROM registration WHERE event = {} AND arrival > {} AND email IS NOT NULL"
        " AND status IN ('pending', 'confirmed') ORDER BY arrival LIMIT {}",
        event_id,
        after,
        AT_ONCE,
    )
    return rows


async def _remind(
    event: EventDetails, reminders: Iterable[Occurrence], people: list[UUID], now: datetime
) -> int:
    """Of several that are due at once each person gets the latest; the others are past."""
    told, reached = 0, set[UUID]()
    for reminder in reminders:
        marked = await _mark(reminder, event, people, now)
        told += await tell(
            reminder.kind,
            event,
            [one for one in marked if one not in reached],
            reminder={"text": {code: text.splitlines() for code, text in reminder.text}},
        )
        reached.update(marked)
    return told


async def _mark(reminder: Occurrence, event: EventDetails, people: list[UUID], now: datetime) -> list[UUID]:
    """Writes down who gets the reminder: those whom it concerns since before it was due, once per date of the event."""
    since = _HELD_SINCE if reminder.audience is Audience.UNCONFIRMED else _CONFIRMED_SINCE
    concerned = QueryString(
        f"registration.id = ANY({{}}::uuid[]) AND {since} <= {{}} AND {_AUDIENCES[reminder.audience]}",
        people,
        reminder.at,
        *([reminder.group] if reminder.group else []),
    )
    rows = await Reminder.raw(
        "INSERT INTO reminder (registration, key, for_local, at)"
        " SELECT id, {}::text, {}::timestamp, {}::timestamptz FROM registration WHERE {} AND NOT EXISTS ("
        " SELECT FROM reminder AS past WHERE past.registration = registration.id AND past.key = {}"
        " AND past.for_local > {} AND past.for_local < {})"
        " ON CONFLICT DO NOTHING RETURNING registration",
        reminder.key,
        event.starts_local,
        now,
        concerned,
        reminder.key,
        event.starts_local - ONE_DATE,
        event.starts_local + ONE_DATE,
    )
    return [row["registration"] for row in rows]


async def _nudge(event: EventDetails, now: datetime) -> int:
    """Reminds those whose seat is soon given back for want of a confirmation, once per hold."""
    rows = await Reminder.raw(
        "INSERT INTO reminder (registration, key, for_local, at)"  # noqa: S608
        " SELECT id, 'confirm_soon', held_until AT TIME ZONE 'UTC', {}::timestamptz FROM registration"
        f" WHERE event = {{}} AND {_IS_NUDGED} RETURNING registration",
        now,
        event.id,
        now,
        SHORTEST_HOLD,
        now,
    )
    return await tell("confirm_soon", event, [row["registration"] for row in rows])


def _qualified(condition: str) -> str:
    return condition.replace("status =", "registration.status =", 1)


def _times(row: dict[str, Any]) -> Times:
    return Times(row["starts_local"], row["ends_local"], row["timezone"], Mode(row["mode"]))


def _times_of(event: Event) -> Times:
    return Times(event.starts_local, event.ends_local, event.timezone, Mode(event.mode))


def _specs(reminders: Any) -> tuple[ReminderSpec, ...]:
    return msgspec.convert(reminders, tuple[ReminderSpec, ...]) or DEFAULT_REMINDERS
