"""Who is not reached by mail: the last one to the address that stands there now came back or was never taken."""

from collections.abc import Iterable
from uuid import UUID

from registration.tables import Registration

UNDELIVERABLE = """
    SELECT DISTINCT ON (m.about) m.about, coalesce(m.last_error, '') AS reason
    FROM message m JOIN registration r ON r.id = m.about AND r.address = lower(m.recipient)
    WHERE m.event_id = {} AND m.status = 'failed' AND ({}::uuid[] IS NULL OR m.about = ANY({}::uuid[]))
    AND NOT EXISTS (
        SELECT FROM message later WHERE later.about = m.about AND later.status = 'sent'
        AND later.created_at > m.created_at AND lower(later.recipient) = r.address
    )
    ORDER BY m.about, m.created_at DESC
"""


async def undeliverable(event_id: int, ids: Iterable[UUID] | None = None) -> dict[UUID, str]:
    """Registrations of an event (of these, where ids are given) that mails do not reach, and why; without addresses.

    A mail that gets through later, or another address, ends it.
    """
    wanted = None if ids is None else list(ids)
    rows = await Registration.raw(UNDELIVERABLE, event_id, wanted, wanted)
    return {row["about"]: row["reason"] for row in rows}
