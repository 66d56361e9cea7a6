"""Who sits where when an event moves between hall and screen. Runs inside a transaction that holds the event's lock.

Nobody loses a place by it: who finds no seat in the hall takes part online.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from events.details import EventDetails
from events.rules import Limits, Mode
from events.tables import Event
from registration.rules import Waiting, seated
from registration.tables import Registration

CANNOT_JOIN = "online_access IS NOT NULL"
"""Who said that they cannot join online, or only by phone."""

_HELD = "event = {} AND status IN ('pending', 'confirmed')"
_WISHES_HALL = """
    (attendance_before = 'in_person' OR attendance_wished = 'in_person' OR attendance_wished IS NULL AND {})
"""


@dataclass(frozen=True)
class Moves:
    """Whose attendance changes, by id, who waits included.

    `left_online` hold a place and found no seat in the hall, or wished none.
    """

    online: tuple[UUID, ...] = ()
    hall: tuple[UUID, ...] = ()
    left_online: int = 0


async def move_online(event: EventDetails, hall_seats: int | None = 0) -> Moves:
    """Takes people from the hall to the screen, but for those who fit into `hall_seats` (`None` = all).

    Those who cannot join online stay first, then by order of arrival. Where nobody stays, those who wait for the hall
    wait for a place online.
    """
    if hall_seats == 0:
        rows = await Registration.raw(
            "UPDATE registration SET attendance = 'online',"
            " attendance_wished = coalesce(attendance_wished, 'in_person'),"
            " attendance_before = CASE WHEN status = 'waitlisted' THEN attendance_before ELSE 'in_person' END"
            " WHERE event = {} AND attendance = 'in_person' AND status IN ('pending', 'confirmed', 'waitlisted')"
            " RETURNING id",
            event.id,
        )
        moved = [row["id"] for row in rows]
    else:
        queue = await _queue(
            f"SELECT id, seats FROM registration WHERE {_HELD} AND attendance = 'in_person'"  # noqa: S608
            f" ORDER BY ({CANNOT_JOIN}) DESC, arrival",
            event.id,
        )
        staying = {person.id for person in seated(hall_seats, queue)}
        moved = [person.id for person in queue if person.id not in staying]
        await Registration.raw(
            "UPDATE registration SET attendance = 'online', attendance_before = 'in_person',"
            " attendance_wished = coalesce(attendance_wished, 'in_person') WHERE id = ANY({}::uuid[])",
            moved,
        )
    return Moves(online=tuple(moved))


async def move_to_hall(event: EventDetails, hall_seats: int | None, *, keeps_online: bool) -> Moves:
    """Brings people back into a hall with `hall_seats` in all: first who sat there, then who wished to, by arrival.

    Where places online are kept (`keeps_online`) those who cannot join online come before all others, and who waits
    for a place goes on waiting for what they wished; else all who wait, wait for the hall.
    """
    held = 0 if event.mode is Mode.DIGITAL else event.in_person_taken
    free = None if hall_seats is None else max(0, hall_seats - held)
    queue = await _hall_queue(event, first_who_cannot=keeps_online)
    moved = [person.id for person in seated(free, queue)]
    await _sit(moved)
    counted = await Registration.raw(
        f"SELECT count(*) AS people FROM registration WHERE {_HELD} AND attendance = 'online'",  # noqa: S608
        event.id,
    )
    left = int(counted[0]["people"])
    waiting = await Registration.raw(
        "UPDATE registration SET attendance = 'in_person' WHERE event = {} AND status = 'waitlisted'"
        " AND attendance = 'online' AND ({} OR attendance_wished = 'in_person') RETURNING id",
        event.id,
        not keeps_online and not left,
    )
    return Moves(hall=(*moved, *(row["id"] for row in waiting)), left_online=left)


async def take_hall_seats(event: EventDetails) -> list[UUID]:
    """Gives free hall seats to those left online who sat there or wished to; returns who moved.

    Counters are kept. Attendance is theirs to change back.
    """
    limit = event.in_person_limit
    free = None if limit is None else limit - event.in_person_taken
    if free == 0:
        return []
    moved = seated(free, await _hall_queue(event, first_who_cannot=False))
    await _sit([person.id for person in moved])
    await recount(event.id, Limits(limit, event.digital_capacity))
    return [person.id for person in moved]


async def recount(event_id: int, limits: Limits) -> None:
    """Sets the event's limits, and its counters to what is held and waited for.

    Where more is held online than the limit, the limit is what is held.
    """
    await Event.raw(
        """
        UPDATE event SET
            in_person_taken = now.hall, online_taken = now.screen,
            in_person_waiting = now.hall_waiting, online_waiting = now.screen_waiting,
            in_person_limit = {}::int,
            online_limit = CASE WHEN {}::int IS NOT NULL THEN greatest({}::int, now.screen) END
        FROM (
            SELECT
                coalesce(sum(seats) FILTER (WHERE holds AND attendance = 'in_person'), 0) AS hall,
                coalesce(sum(seats) FILTER (WHERE holds AND attendance = 'online'), 0) AS screen,
                count(*) FILTER (WHERE NOT holds AND attendance = 'in_person') AS hall_waiting,
                count(*) FILTER (WHERE NOT holds AND attendance = 'online') AS screen_waiting
            FROM (SELECT seats, attendance, status <> 'waitlisted' AS holds FROM registration
                WHERE event = {} AND status IN ('pending', 'confirmed', 'waitlisted')) AS there
        ) AS now
        WHERE id = {}
        """,
        limits.in_person,
        limits.online,
        limits.online,
        event_id,
        event_id,
    )


async def rise(ids: Sequence[UUID]) -> None:
    """Raises the SEQUENCE of these people's calendars: they take part otherwise than before."""
    await Registration.raw(
        "UPDATE registration SET sequence = sequence + 1 WHERE id = ANY({}::uuid[])", list(ids)
    )


async def _sit(ids: Sequence[UUID]) -> None:
    await Registration.raw(
        "UPDATE registration SET attendance = 'in_person', attendance_before = NULL WHERE id = ANY({}::uuid[])",
        list(ids),
    )


async def _hall_queue(event: EventDetails, *, first_who_cannot: bool) -> list[Waiting]:
    """Who is online and would sit in the hall: those who sat there first, then by order of arrival.

    Who did not say what they wish, wishes what the event is by itself.
    """
    order = f"({CANNOT_JOIN}) DESC, " if first_who_cannot else ""
    return await _queue(
        f"SELECT id, seats FROM registration WHERE {_HELD} AND attendance = 'online' AND {_WISHES_HALL}"  # noqa: S608
        f" ORDER BY {order}(attendance_before = 'in_person') DESC NULLS LAST, arrival",
        event.id,
        event.base_mode is Mode.IN_PERSON,
    )


async def _queue(query: str, *values: object) -> list[Waiting]:
    rows = await Registration.raw(query, *values)
    return [Waiting(row["id"], row["seats"]) for row in rows]
