"""What a change of a registration does to its seats, whoever asks for it. Runs under the event's lock."""

from collections.abc import Iterable, Mapping
from typing import Any

from events.details import EventDetails
from events.errors import FormInvalid
from events.queries import details_of, event_by_id
from events.rules import Attendance
from registration.locking import locked_slots
from registration.queries import groups_held, slots_of
from registration.rules import RegistrationStatus, Slot
from registration.seats import Taking, count, leave_groups, raise_group_limit, raise_limit, take_groups
from registration.tables import Registration

Changes = list[dict[str, Any]]
"""What has changed, as mails state it."""


async def move_seats(
    event: EventDetails,
    registration: Registration,
    attendance: Attendance,
    seats: int,
    *,
    beyond_limits: bool = False,
) -> Changes:
    """Exchanges the seats that are held or waited for; the row is not saved.

    `beyond_limits` raises limits that are too small; else the caller has looked for room. Raises FormInvalid for an
    attendance that the event does not offer.
    """
    before, seats_before = Attendance(registration.attendance), registration.seats
    if (attendance, seats) == (before, seats_before):
        return []
    if attendance is not before and attendance not in event.offered:
        raise FormInvalid([("attendance", "not-offered")])
    if registration.status == RegistrationStatus.WAITLISTED:
        await count(event.id, before, waiting=-1)
        await count(event.id, attendance, waiting=1)
    else:
        await count(event.id, before, seats=-seats_before)
        if beyond_limits:
            await raise_limit(await details_of(await event_by_id(event.id)), attendance, seats)
        await count(event.id, attendance, seats=seats)
        if seats != seats_before:
            await _resize_groups(event, registration, seats, beyond_limits=beyond_limits)
    registration.attendance, registration.seats = attendance, seats
    changes: Changes = []
    if attendance is not before:
        registration.attendance_wished = attendance
        changes.append({"what": "attendance", "before": before.value, "after": attendance.value})
    if seats != seats_before:
        changes.append({"what": "seats", "before": seats_before, "after": seats})
    return changes


def wish(registration: Registration, attendance: Attendance | None) -> None:
    """Sets what they would like once the event offers it; who wants the screen gives up the seat that they had in the
    hall before a switch. The row is not saved."""
    registration.attendance_wished = attendance
    if attendance is Attendance.ONLINE:
        registration.attendance_before = None


async def _resize_groups(
    event: EventDetails, registration: Registration, seats: int, *, beyond_limits: bool
) -> None:
    """Takes other seats in the groups that are held; locks stay."""
    held = (await groups_held([registration.id])).get(registration.id, {})
    slots = [slot for slot in slots_of(event) if held.get(slot.session) == slot.group]
    locked = await locked_slots(registration.id)
    await leave_groups(registration.id)
    if beyond_limits:
        for slot in slots:
            await raise_group_limit(event, slot, seats)
    await take_groups(Taking(registration.id, seats, slots, locked))


async def move_groups(
    event: EventDetails,
    registration: Registration,
    before: Iterable[Slot],
    after: Iterable[Slot],
    *,
    beyond_limits: bool = False,
) -> Changes:
    """Exchanges the groups and optional sessions that are held. `beyond_limits` as for seats."""
    had = {slot.session: slot for slot in before}
    has = {slot.session: slot for slot in after}
    leaving = [slot for session, slot in had.items() if session not in has or has[session].id != slot.id]
    taking = [slot for session, slot in has.items() if session not in had or had[session].id != slot.id]
    if not leaving and not taking:
        return []
    if leaving:
        await leave_groups(registration.id, leaving)
    if beyond_limits:
        for slot in taking:
            await raise_group_limit(event, slot, registration.seats)
    await take_groups(Taking(registration.id, registration.seats, taking))
    titles = event.choice_titles
    touched = {slot.session for slot in (*leaving, *taking)}
    return [
        {
            "what": "groups",
            "before": [titles[slot.group] for slot in had.values()],
            "after": [titles[slot.group] for slot in has.values()],
            "sessions": [
                {"key": session.key, "before": _title(had, session.key, titles)}
                for session in event.sessions
                if session.key in touched
            ],
        }
    ]


def _title(
    slots: Mapping[str, Slot], session: str, titles: Mapping[str, dict[str, str]]
) -> dict[str, str] | None:
    return titles[slots[session].group] if session in slots else None
