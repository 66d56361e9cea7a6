"""How an event moves between hall and screen: in one transaction, kept with its evidence.

A switch takes no place from anybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from events import actions
from events.changes import changes_between, stated
from events.details import EventDetails
from events.errors import EventCancelled, FormInvalid
from events.queries import details_of, event_by_id, event_named
from events.rules import Attendance, EventStatus, Limits, Mode, limits
from events.tables import Event, Organiser
from hybrid.actions import settle
from hybrid.errors import Hindrance, SwitchRefused
from hybrid.rooms import make_rooms
from hybrid.tables import ModeSwitch
from registration.messages import tell
from registration.queries import active_ids
from registration.reminding import schedule_anew
from registration.seating import Moves, move_online, move_to_hall, recount, rise
from registration.seats import set_group_limits
from registration.waitlist import fill, move_up

NO_EFFECT = "hybrid_capacity: the event is hybrid by itself, its capacity counts."


@dataclass(frozen=True)
class Cause:
    """Why an event moves: an organiser with a reason, or a rule with its evidence."""

    by: Organiser | None = None
    reason: str | None = None
    evidence: Mapping[str, Any] | None = None

    @property
    def told(self) -> dict[str, Any]:
        """What a message states of it."""
        return {"reason": self.reason, "evidence": dict(self.evidence) if self.evidence else None}


def hindrance(event: EventDetails, to: Mode, now: datetime, *, has_servers: bool) -> Hindrance | None:
    """Why the event cannot move there, `None` where it can."""
    if now >= event.ends_at:
        return Hindrance.OVER
    if to is not Mode.DIGITAL and event.base_mode is Mode.DIGITAL and not event.venues:
        return Hindrance.NO_VENUE
    if to is not Mode.IN_PERSON and not has_servers:
        if event.groups:
            return Hindrance.NO_ROOMS
        if event.meeting_url is None:
            return Hindrance.NO_SERVERS
    return None


async def set_mode(
    slug: str,
    to: Mode,
    cause: Cause,
    now: datetime,
    *,
    has_servers: bool,
    lock: bool = True,
    hybrid_capacity: int | msgspec.UnsetType | None = msgspec.UNSET,
) -> EventDetails:
    """Moves an event by hand. `lock` keeps rules from moving it again, until it is lifted the same way.

    With the mode that the event has only the lock changes, and the hall's seats where they are named. Moving it, or
    locking it, answers what rules have proposed. Raises EventUnknown, EventCancelled, ModeRefused, and FormInvalid for
    seats of an event that is hybrid by itself, where they never count.
    """
    async with Event._meta.db.transaction():
        row = await event_named(slug, locked=True)
        decides = lock or row.mode != to
        if not isinstance(hybrid_capacity, msgspec.UnsetType):
            if Mode(row.base_mode) is Mode.HYBRID:
                raise FormInvalid([("hybrid_capacity", "no-effect")], NO_EFFECT)
            row.hybrid_capacity = hybrid_capacity
            await row.save([Event.hybrid_capacity])
        row.mode_locked = lock
        await row.save([Event.mode_locked])
        await actions.record(row, cause.by, now, "mode_set", to=to.value, locked=lock)
        if Mode(row.mode) is to and not resizes(to, hybrid_capacity):
            check(await details_of(row), to, now, has_servers=has_servers, moves=False)
            await _log(row.id, to, to, cause, lock, now)
            row.version += 1
            await row.save([Event.version])
        else:
            await switch(row, to, cause, now, has_servers=has_servers)
        moved = await event_by_id(row.id)
        await settle(moved, now, by_hand=decides)
        return await details_of(moved)


def resizes(mode: Mode, hybrid_capacity: int | msgspec.UnsetType | None) -> bool:
    """Whether seats in the hall are named that move people within the mode."""
    return mode is Mode.HYBRID and not isinstance(hybrid_capacity, msgspec.UnsetType)


def check(event: EventDetails, to: Mode, now: datetime, *, has_servers: bool, moves: bool = True) -> None:
    """Raises EventCancelled and ModeRefused where the event cannot move there.

    Where nobody `moves`, as with a lock, only one that is over or cancelled is refused.
    """
    if event.status is EventStatus.CANCELLED:
        raise EventCancelled()
    hinders = hindrance(event, to, now, has_servers=has_servers)
    if hinders is not None and (moves or hinders is Hindrance.OVER):
        raise SwitchRefused(hinders)


async def switch(row: Event, to: Mode, cause: Cause, now: datetime, *, has_servers: bool) -> int:
    """Moves the event, whose row is locked, with everybody who takes part or waits; returns how many are told.

    Where the hall is too small on the way back it becomes hybrid. Raises EventCancelled and ModeRefused.
    """
    before = await details_of(row)
    check(before, to, now, has_servers=has_servers)
    moves, mode, came_back = await _move(before, to)
    await set_group_limits(before.id, mode)
    await _write(row, before.mode, mode, came_back, cause, now)
    event = await details_of(await event_by_id(before.id))
    if mode is not Mode.IN_PERSON:
        await make_rooms(event, now)
    await _log(event.id, before.mode, mode, cause, event.mode_locked, now, resized=mode is before.mode)
    await schedule_anew(event.id, now)
    return await _tell(before, event, moves, cause, now)


async def _move(event: EventDetails, to: Mode) -> tuple[Moves, Mode, bool]:
    """Moves people; who they are, the mode that follows, and whether the hall was too small on the way back."""
    hall = _limits(event, to).in_person
    shrinks = event.mode is Mode.HYBRID and hall is not None and hall < event.in_person_taken
    if to is Mode.DIGITAL:
        moves = await move_online(event)
    elif shrinks or (to is Mode.HYBRID and event.mode is Mode.IN_PERSON):
        moves = await move_online(event, hall)
    else:
        moves = await move_to_hall(event, hall, keeps_online=to is Mode.HYBRID)
    came_back = to is Mode.IN_PERSON and (shrinks or moves.left_online > 0)
    mode = Mode.HYBRID if came_back else to
    await recount(event.id, _limits(event, mode, came_back))
    return moves, mode, came_back


def _limits(event: EventDetails, mode: Mode, came_back: bool = False) -> Limits:
    return limits(
        mode, event.base_mode, event.capacity, event.digital_capacity, event.hybrid_capacity, came_back
    )


async def _write(row: Event, before: Mode, mode: Mode, came_back: bool, cause: Cause, now: datetime) -> None:
    values: dict[Any, Any] = {
        Event.mode: mode.value,
        Event.came_back: came_back,
        Event.mode_changed_at: now,
        Event.mode_reason: cause.reason,
        Event.changed_at: now,
        Event.version: Event.version + 1,
    }
    if mode is not before:
        values[Event.sequence] = Event.sequence + 1
    await Event.update(values).where(Event.id == row.id)


async def _log(
    event_id: int,
    before: Mode,
    mode: Mode,
    cause: Cause,
    locked: bool,
    now: datetime,
    *,
    resized: bool = False,
) -> None:
    await ModeSwitch(
        _ignore_missing=True,
        event=event_id,
        at=now,
        from_mode=before.value,
        to_mode=mode.value,
        organiser=cause.by.id if cause.by else None,
        reason=cause.reason,
        locked=locked,
        resized=resized,
        evidence=dict(cause.evidence) if cause.evidence else None,
    ).save()


async def _tell(before: EventDetails, event: EventDetails, moves: Moves, cause: Cause, now: datetime) -> int:
    """One message to everybody; who moves up from the waitlist by it learns both in one."""
    changes = stated(changes_between(before, event))
    if not changes:
        await rise([*moves.online, *moves.hall])
    told = await move_up(event, now, changes, why=cause.told)
    online, hall = set(moves.online) - told, set(moves.hall) - told
    count = len(told)
    if changes:
        staying = [
            one for one in await active_ids(event.id) if not (one in told or one in online or one in hall)
        ]
        count += await tell("event_changed", event, staying, changes=changes, why=cause.told)
    for moved, attendance in ((online, Attendance.ONLINE), (hall, Attendance.IN_PERSON)):
        change = {
            "what": "attendance",
            "before": (set(Attendance) - {attendance}).pop().value,
            "after": attendance.value,
        }
        count += await tell("event_changed", event, moved, changes=[*changes, change], why=cause.told)
    await fill(event.id, now)
    return count
