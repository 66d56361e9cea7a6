"""What organisers are told by mail about the mode of their events and the sources that decide about it.

Each is to be called in the transaction of what it tells about.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from events.queries import event_by_id, organisers_of
from events.rules import EventStatus, Mode
from hybrid.mail import MODE_PROPOSED, MODE_SWITCHED, SERVERS_SILENT, SOURCE_FAILED, SWITCH_HELD
from hybrid.reports import Unreadable
from hybrid.sources import Indicator
from hybrid.tables import ModeProposal, ModeRule
from notifications.outbox import NewMessage, enqueue
from notifications.tables import Message
from registration.tables import Registration


async def tell_source_failed(indicator: Indicator, failure: Unreadable, now: datetime) -> None:
    """One message to each organiser, naming those of their events that listen to the source."""
    rows = await ModeRule.raw(
        """
        SELECT DISTINCT event.id, event.starts_at FROM mode_rule JOIN event ON event.id = mode_rule.event
        WHERE mode_rule.rule->>'indicator' = {} AND event.status = {} AND event.ends_at > {}
        ORDER BY event.starts_at, event.id
        """,
        indicator.name,
        EventStatus.PUBLISHED.value,
        now,
    )
    told: dict[int, NewMessage] = {}
    for row in rows:
        event: Any = await event_by_id(row["id"])
        stated = {"title": event.title, "default_language": event.default_language}
        for organiser in await organisers_of(event.id):
            if organiser.id in told:
                told[organiser.id].context["events"].append(stated)
                continue
            told[organiser.id] = NewMessage(
                kind=SOURCE_FAILED,
                recipient=organiser.email,
                recipient_name=organiser.name,
                language=event.default_language,
                event_id=event.id,
                context={
                    "indicator": indicator.name,
                    "code": failure.code,
                    "detail": failure.detail,
                    "message": str(failure),
                    "path": f"/organise/events/{event.slug}/mode",
                    "events": [stated],
                },
            )
    await enqueue(list(told.values()))


async def tell_switched(event_id: int, before: Mode, evidence: Mapping[str, Any], people: int) -> None:
    """That a rule has moved the event: from where, to where, by what, and how many people are told."""
    event: Any = await event_by_id(event_id)
    [unreached] = await Registration.raw(
        """
        SELECT count(*) FILTER (WHERE email IS NULL) AS without_address,
            count(*) FILTER (WHERE attendance = 'online' AND online_access IS NOT NULL) AS cannot_join
        FROM registration WHERE event = {} AND status IN ('pending', 'confirmed', 'waitlisted')
        """,
        event_id,
    )
    await tell_organisers(
        event,
        "",
        kind=MODE_SWITCHED,
        from_mode=before.value,
        to_mode=event.mode,
        evidence=dict(evidence),
        people=people,
        without_address=unreached["without_address"],
        cannot_join=unreached["cannot_join"],
    )


async def tell_held(event_id: int, to: Mode, turned_at: datetime | None, evidence: Mapping[str, Any]) -> None:
    """That a rule calls for a switch which cannot be made without a meeting server.

    Told once for each time that the rule goes on or off.
    """
    since = turned_at.isoformat() if turned_at else None
    stated = {"to_mode": to.value, "rule": evidence.get("rule"), "since": since}
    told = await Message.raw(
        "SELECT FROM message WHERE event_id = {} AND kind = {} AND context @> {}::jsonb LIMIT 1",
        event_id,
        SWITCH_HELD,
        msgspec.json.encode(stated).decode(),
    )
    if not told:
        await tell_organisers(
            await event_by_id(event_id), "", kind=SWITCH_HELD, **stated, evidence=dict(evidence)
        )


async def tell_proposed(event: Any, proposal: ModeProposal) -> None:
    """That a rule proposes a change, with the page on which it is answered."""
    await tell_organisers(
        event,
        f"/proposals/{proposal.id}",
        kind=MODE_PROPOSED,
        from_mode=event.mode,
        to_mode=proposal.to_mode,
        cause=proposal.cause,
        evidence=proposal.evidence,
    )


async def tell_servers_silent(event: Any, hosts: Sequence[str]) -> None:
    """That none of the meeting servers answers to which people would be led."""
    await tell_organisers(event, "", kind=SERVERS_SILENT, mode=event.mode, hosts=list(hosts))


async def tell_organisers(event: Any, path: str, *, kind: str, **facts: Any) -> None:
    """One message to each organiser of the event, which leads to the page `path` below that of its mode."""
    await enqueue(
        [
            NewMessage(
                kind,
                organiser.email,
                organiser.name,
                event.default_language,
                event_id=event.id,
                context={
                    "title": event.title,
                    "default_language": event.default_language,
                    "starts_local": event.starts_local.isoformat(),
                    "path": f"/organise/events/{event.slug}/mode{path}",
                    **facts,
                },
            )
            for organiser in await organisers_of(event.id)
        ]
    )
