"""What organisers are told by mail about the sources that their events listen to."""

from datetime import datetime
from typing import Any

from events.queries import organisers_of
from events.rules import EventStatus
from events.tables import Event
from hybrid.mail import SOURCE_FAILED
from hybrid.reports import Unreadable
from hybrid.sources import Indicator
from hybrid.tables import ModeRule
from notifications.outbox import NewMessage, enqueue


async def tell_source_failed(indicator: Indicator, failure: Unreadable, now: datetime) -> None:
    """One message to each organiser, naming those of their events that listen to the source.

    To be called in the transaction that notes the failure.
    """
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
        event: Any = await Event.objects().where(Event.id == row["id"]).output(load_json=True).first()
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
