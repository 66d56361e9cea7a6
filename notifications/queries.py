"""Reads of the outbox."""

from datetime import datetime
from uuid import UUID

from notifications.tables import Message, MessageStatus


async def messages_of(
    event_id: int, *, status: MessageStatus | None, after: tuple[datetime, UUID] | None, limit: int
) -> list[Message]:
    """The messages about an event, as they were written, after the (time, id) of the last one seen."""
    query = (
        Message.objects()
        .where(Message.event_id == event_id)
        .order_by(Message.created_at)
        .order_by(Message.id)
        .limit(limit)
    )
    if status is not None:
        query = query.where(Message.status == status.value)
    if after is not None:
        at, message_id = after
        query = query.where(
            (Message.created_at > at) | ((Message.created_at == at) & (Message.id > message_id))
        )
    return await query
