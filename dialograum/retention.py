"""The end of personal data: when its event's retention date comes, names go and counts stay."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from dialograum.tables import ImportDraft
from events.queries import event_by_id
from events.tables import Event
from hybrid.queries import RECORDED_KEPT
from hybrid.tables import RecordedFile
from notifications.delivery import Folder
from notifications.tables import Message, SharedContext
from registration.announcements import forget_announcements
from registration.tables import Consent, IdempotencyKey, Registration

REMOVED = "—"
DRAFTS_KEPT = timedelta(days=1)
"""How long a list that was sent for import may wait."""


async def events_due(now: datetime) -> list[int]:
    """Events whose personal data are to be removed: `retention_days` after their end."""
    rows = await Event.raw(
        "SELECT id FROM event WHERE personal_data_removed_at IS NULL"
        " AND ends_at + retention_days * interval '1 day' <= {}",
        now,
    )
    return [row["id"] for row in rows]


async def remove_personal_data(event_id: int, now: datetime, mail_dir: Path) -> None:
    """Removes names, addresses, answers, consents, messages and mail files of an event; closes its personal links.

    Rows and counts stay. Files go before the rows that name them, so that a failure in between is repeated and leaves
    none, and once more afterwards, for those that were being written meanwhile.
    """
    messages = [row["id"] for row in await Message.select(Message.id).where(Message.event_id == event_id)]
    await asyncio.to_thread(Folder(mail_dir).remove, messages)
    async with Event._meta.db.transaction():
        event = await event_by_id(event_id, locked=True)
        if event.ends_at + timedelta(days=event.retention_days) > now:
            return
        await Registration.update(
            {
                Registration.name: REMOVED,
                Registration.email: None,
                Registration.address: None,
                Registration.number: "",
                Registration.answers: {},
                Registration.special_answers: {},
                Registration.online_access: None,
                Registration.confirm_nonce: "",
                Registration.own_nonce: "",
                Registration.join_nonce: "",
                Registration.unsubscribe_nonce: "",
            }
        ).where(Registration.event == event_id)
        await Consent.raw(
            "DELETE FROM consent WHERE registration IN (SELECT id FROM registration WHERE event = {})",
            event_id,
        )
        await forget_announcements(event_id)
        await Message.delete().where(Message.event_id == event_id)
        await SharedContext.delete().where(SharedContext.event_id == event_id)
        await IdempotencyKey.delete().where(IdempotencyKey.event == event_id)
        await ImportDraft.delete().where(ImportDraft.event == event_id)
        event.personal_data_removed_at = now
        await event.save([Event.personal_data_removed_at])
    await asyncio.to_thread(Folder(mail_dir).remove, messages)


async def forget_drafts(now: datetime) -> None:
    """Removes the lists that were sent for import, and the reports that were sent to try rules on, too long ago."""
    await ImportDraft.delete().where(ImportDraft.created_at <= now - DRAFTS_KEPT)
    await RecordedFile.delete().where(RecordedFile.created_at <= now - RECORDED_KEPT)
