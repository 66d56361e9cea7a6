"""People whom an organiser locks to a group: every assignment keeps them there."""

from datetime import datetime
from uuid import UUID

from events.errors import Conflict
from events.queries import details_of, event_by_id
from events.tables import Event, Organiser
from registration.actions import record
from registration.queries import registration_by_id, slots_of
from registration.tables import GroupSeat


async def lock(registration_id: UUID, session: str, by: Organiser, now: datetime) -> None:
    """Keeps the person in the group that they have in a session. Nobody is told, for nothing changes for them.

    Raises RegistrationUnknown, and Conflict for who has no group there.
    """
    await _set(registration_id, session, True, by, now)


async def unlock(registration_id: UUID, session: str, by: Organiser, now: datetime) -> None:
    """Lets the next assignment move the person again. Raises as `lock` does."""
    await _set(registration_id, session, False, by, now)


async def locked_slots(registration_id: UUID) -> set[int]:
    """The ids of the slots to which a registration is locked."""
    rows = await GroupSeat.select(GroupSeat.slot).where(
        (GroupSeat.registration == registration_id) & (GroupSeat.locked.eq(True))
    )
    return {row["slot"] for row in rows}


async def locked_sessions(registration_id: UUID) -> set[str]:
    """The keys of the sessions in which a registration is locked to its group."""
    rows = await GroupSeat.raw(
        "SELECT session.key FROM group_seat JOIN group_slot ON group_slot.id = group_seat.slot"
        " JOIN session ON session.id = group_slot.session WHERE group_seat.registration = {} AND group_seat.locked",
        registration_id,
    )
    return {row["key"] for row in rows}


async def _set(registration_id: UUID, session: str, locked: bool, by: Organiser, now: datetime) -> None:
    unlocked = await registration_by_id(registration_id)
    async with Event._meta.db.transaction():
        event = await details_of(await event_by_id(unlocked.event, locked=True))
        registration = await registration_by_id(registration_id)
        ids = [slot.id for slot in slots_of(event) if slot.session == session]
        rows = await GroupSeat.raw(
            "UPDATE group_seat SET locked = {} WHERE registration = {} AND slot = ANY({}::int[]) RETURNING id",
            locked,
            registration_id,
            ids,
        )
        if not rows:
            raise Conflict(f"They have no group in {session!r}.")
        await record(event.id, by, now, "group_locked" if locked else "group_unlocked", registration)
