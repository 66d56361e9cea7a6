"""What a change of the event means for those who are registered. Runs inside the transaction that changes it."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from events.actions import Change
from events.details import EventDetails
from events.errors import Conflict
from registration.messages import tell
from registration.queries import active_registrations
from registration.seats import leave_groups
from registration.tables import GroupSeat, Registration


async def leave_vanishing_groups(
    event: EventDetails, kept: Collection[tuple[str, str]], *, replace: bool
) -> list[UUID]:
    """Takes people out of groups that are not among `kept`, pairs of session and group; returns who they are.

    Raises Conflict where there are any and `replace` is false.
    """
    rows = await GroupSeat.select(
        GroupSeat.registration,
        GroupSeat.slot.session.key.as_alias("session"),
        GroupSeat.slot.group.key.as_alias("group"),
    ).where(GroupSeat.slot.session.event == event.id)
    leaving = [row for row in rows if (row["session"], row["group"]) not in kept]
    if leaving and not replace:
        places = sorted({f"{row['group']} in {row['session']}" for row in leaving})
        raise Conflict(f"{len(leaving)} people would lose their group: {', '.join(places)}.", held=len(leaving))
    for row in leaving:
        await leave_groups(row["registration"], row["session"])
    return [row["registration"] for row in leaving]


async def tell_of_changes(
    event: EventDetails, changes: Iterable[Change], lost_group: Collection[UUID], now: datetime
) -> int:
    """One mail to everybody who takes part or waits, where there is something to tell; returns how many."""
    listed: list[dict[str, Any]] = [
        {"what": change.what, "before": change.before, "after": change.after} for change in changes
    ]
    people = await active_registrations(event.id)
    losing = [person for person in people if person.id in set(lost_group)]
    if losing:
        await Registration.update({Registration.sequence: Registration.sequence + 1}).where(
            Registration.id.is_in([person.id for person in losing])
        )
        for person in losing:
            person.sequence += 1
        told = await tell(
            "event_changed", event, losing, now, changes=[*listed, {"what": "groups"}]
        )
    else:
        told = 0
    if listed:
        others = [person for person in people if person not in losing]
        told += await tell("event_changed", event, others, now, changes=listed)
    return told


async def tell_of_cancellation(event: EventDetails, reason: str | None, now: datetime) -> int:
    """One mail to everybody who takes part or waits; whoever got a calendar entry gets its removal."""
    return await tell("event_cancelled", event, await active_registrations(event.id), now, reason=reason)
