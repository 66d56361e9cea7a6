"""Meeting servers that do not answer: organisers of events that a switch brought there are told, once per outage."""

from datetime import datetime, timedelta
from typing import Any

from events.queries import event_by_id
from events.rules import EventStatus, Mode
from events.tables import Event
from hybrid.meeting_servers import MeetingServers
from hybrid.notices import tell_servers_silent
from hybrid.tables import ServerOutage

SAME = timedelta(hours=1)
"""A server that answers for less than this in between has not come back: the outage goes on."""


async def watch_servers(servers: MeetingServers, now: datetime) -> None:
    """Looks whether a meeting server answers, where events need one; tells organisers when none does, looked at twice.

    Any number of workers may do it at once.
    """
    ids = await _events_in_need(now) if servers.servers else []
    health = await servers.health() if ids else []
    if health and not any(one.answers for one in health):
        health = await servers.health(again=True)
    if any(one.answers for one in health):
        ids = []
    await ServerOutage.raw(
        "UPDATE server_outage SET ended_at = {} WHERE ended_at IS NULL AND event <> ALL({}::int[])", now, ids
    )
    for event_id in ids:
        async with Event._meta.db.transaction():
            event = await event_by_id(event_id, locked=True)
            if await _begins(event_id, now):
                await tell_servers_silent(event, [one.server.host for one in health])


async def outage_of(event_id: int) -> datetime | None:
    """Since when no meeting server answers for the event; `None` where one does, as far as we know."""
    row: Any = (
        await ServerOutage.objects()
        .where((ServerOutage.event == event_id) & ServerOutage.ended_at.is_null())
        .first()
    )
    return row.began_at if row is not None else None


async def _begins(event_id: int, now: datetime) -> bool:
    """Notes that none answers; whether that is a new outage."""
    rows = await ServerOutage.raw(
        """
        INSERT INTO server_outage (event, began_at) VALUES ({}, {})
        ON CONFLICT (event) DO UPDATE SET began_at = excluded.began_at, ended_at = NULL
            WHERE server_outage.ended_at <= {}
        RETURNING id
        """,
        event_id,
        now,
        now - SAME,
    )
    if not rows:
        await ServerOutage.update({ServerOutage.ended_at: None}).where(ServerOutage.event == event_id)
    return bool(rows)


async def _events_in_need(now: datetime) -> list[int]:
    """Events to come that a switch has brought to the meeting servers; not those with an address of their own alone."""
    rows = await Event.raw(
        """
        SELECT id FROM event WHERE status = {} AND ends_at > {} AND mode <> {} AND mode <> base_mode
            AND (meeting_url IS NULL OR EXISTS (SELECT FROM working_group WHERE working_group.event = event.id))
        ORDER BY starts_at, id
        """,
        EventStatus.PUBLISHED.value,
        now,
        Mode.IN_PERSON.value,
    )
    return [row["id"] for row in rows]
