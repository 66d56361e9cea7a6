"""The meeting rooms of an event: one for the plenary, one for each group in each session."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from events.details import EventDetails
from events.queries import event_by_id, public_events
from events.rules import Attendance, EventStatus, Mode
from events.tables import Event
from hybrid.room_names import RANDOM_BYTES, room_name
from hybrid.tables import MeetingRoom, ModeRule

Key = tuple[str, str] | None
"""The session and the group of a room, by their keys; `None` is the plenary."""

PLENARY: Key = None
CROWD = 75
"""More people than this in one room, and a meeting server of the usual size is not enough."""


async def make_rooms(event: EventDetails, now: datetime) -> None:
    """Makes the rooms that the event has not got yet; those that are there stay, with their names.

    Runs inside the transaction of its caller, who holds the event's lock.
    """
    missing = await MeetingRoom.raw(
        'SELECT working_group.id AS "group", slot.session, working_group.key FROM group_slot AS slot'
        ' JOIN working_group ON working_group.id = slot."group" WHERE working_group.event = {}'
        ' AND NOT EXISTS (SELECT 1 FROM meeting_room AS room WHERE room."group" = slot."group"'
        " AND room.session = slot.session) ORDER BY slot.id",
        event.id,
    )
    titles = {group.key: _title(group.title, event.default_language) for group in event.groups}
    title = _title(event.title, event.default_language)
    rooms = [
        MeetingRoom(
            event=event.id,
            group=row["group"],
            session=row["session"],
            name=_new_name(f"{titles.get(row['key'], row['key'])} {title}"),
            made_at=now,
        )
        for row in missing
    ]
    if not await MeetingRoom.exists().where((MeetingRoom.event == event.id) & MeetingRoom.group.is_null()):
        rooms.insert(0, MeetingRoom(event=event.id, name=_new_name(title), made_at=now))
    if rooms:
        await MeetingRoom.insert(*rooms)


@dataclass(frozen=True)
class Room:
    """A room that has its name."""

    id: int
    key: Key
    name: str


async def rooms_of(event_id: int) -> dict[Key, Room]:
    """The rooms that the event has, by what they are for."""
    rows = await MeetingRoom.raw(
        "SELECT room.id, room.name, session.key AS session, working_group.key AS group_key"
        " FROM meeting_room AS room LEFT JOIN session ON session.id = room.session"
        ' LEFT JOIN working_group ON working_group.id = room."group" WHERE room.event = {} ORDER BY room.id',
        event_id,
    )
    rooms = [
        Room(row["id"], (row["session"], row["group_key"]) if row["session"] else PLENARY, row["name"])
        for row in rows
    ]
    return {room.key: room for room in rooms}


async def room_named(event: EventDetails, key: Key, now: datetime) -> str:
    """The name of a room, made where the event has not got it yet.

    Of a group that does not meet in that session it is the plenary's.
    """
    rooms = await rooms_of(event.id)
    if key not in rooms or PLENARY not in rooms:
        async with Event._meta.db.transaction():
            await event_by_id(event.id, locked=True)
            await make_rooms(event, now)
            rooms = await rooms_of(event.id)
    return rooms.get(key, rooms[PLENARY]).name


@dataclass(frozen=True)
class Crowd:
    """A room in which more than `CROWD` people are expected."""

    room: Key
    people: int


def expected(event: EventDetails) -> Mapping[Key, int]:
    """How many seats would be online in each room if the event were digital, or are now where it is hybrid.

    The waitlist counts as far as `digital_capacity` lets it move up. Of a group in a hybrid event all count, for who
    sits where is not known of it.
    """
    online = event.taken(Attendance.ONLINE)
    if event.mode is not Mode.HYBRID:
        held = online + event.taken(Attendance.IN_PERSON)
        all_of_them = held + event.waitlisted
        limit = event.digital_capacity
        online = all_of_them if limit is None else max(held, min(all_of_them, limit))
    rooms: dict[Key, int] = {PLENARY: online}
    for group in event.groups:
        for slot in group.slots:
            rooms[slot.session, group.key] = slot.taken
    return rooms


def crowds(event: EventDetails) -> list[Crowd]:
    """The rooms that are too full for a meeting server; the plenary not where the town has an address of its own."""
    return [
        Crowd(room, people)
        for room, people in expected(event).items()
        if people > CROWD and not (room is PLENARY and event.meeting_url)
    ]


async def crowded_events(now: datetime) -> list[tuple[str, Crowd]]:
    """The rooms that will be too full, by the slug of their event: of those to come that are online or may move so."""
    with_rules = {row["event"] for row in await ModeRule.select(ModeRule.event)}
    return [
        (event.slug, crowd)
        for event in await public_events(ending_after=now)
        if event.status is EventStatus.PUBLISHED
        and (event.mode is not Mode.IN_PERSON or event.id in with_rules)
        for crowd in crowds(event)
    ]


def _title(texts: Mapping[str, str], default: str) -> str:
    return texts.get(default) or next(iter(texts.values()), "")


def _new_name(title: str) -> str:
    return room_name(title, secrets.token_bytes(RANDOM_BYTES))
