"""Meeting rooms: one for each group and session and one for all, made once, whoever asks."""

import asyncio

import pytest
from asyncpg.exceptions import CheckViolationError, UniqueViolationError
from msgspec.structs import replace

from events.details import SlotDetails
from events.queries import details, event_by_id
from events.rules import Mode
from events.tables import Event
from hybrid.room_names import GRAMMAR
from hybrid.rooms import PLENARY, Crowd, crowds, expected, make_rooms, room_named, rooms_of
from hybrid.tables import MeetingRoom
from tests.events.examples import dialogue, online
from tests.registration.town import GROUPS, NOW, ROUNDS, group, hold, joined, rewrite

ALL = {
    PLENARY,
    ("first", "wohnen"),
    ("second", "wohnen"),
    ("first", "bildung"),
    ("second", "bildung"),
    ("first", "arbeit"),
}


async def make(event):
    async with Event._meta.db.transaction():
        await event_by_id(event.id, locked=True)
        await make_rooms(event, NOW)


async def test_there_is_one_room_for_all_and_one_for_each_group_in_each_session(database):
    dinner = joined("dinner", "18:30", "19:00", capacity=4)
    event = await hold(sessions=(*ROUNDS, dinner), groups=GROUPS)
    await make(event)
    rooms = await rooms_of(event.id)
    assert set(rooms) == ALL
    names = {key: room.name for key, room in rooms.items()}
    assert len(set(names.values())) == len(ALL)
    assert all(GRAMMAR.fullmatch(name) for name in names.values())
    assert names[PLENARY].startswith("gemeinsam-leben-")
    assert names["first", "wohnen"].startswith("wohnen-gemeinsam-leben-")


async def test_rooms_that_are_there_stay(database):
    event = await hold(sessions=ROUNDS, groups=GROUPS[:2])
    await make(event)
    before = await rooms_of(event.id)
    await make(event)
    assert await rooms_of(event.id) == before
    renamed = replace(GROUPS[0], title={"de": "Ganz anders"})
    after_edit = await rewrite(sessions=ROUNDS, groups=(renamed, *GROUPS[1:]), title={"de": "Neuer Titel"})
    await make(after_edit)
    after = await rooms_of(event.id)
    assert set(after) == ALL
    assert {key: after[key] for key in before} == before


async def test_a_room_goes_with_its_group_alone(database):
    event = await hold(sessions=ROUNDS, groups=GROUPS)
    await make(event)
    before = await rooms_of(event.id)
    await rewrite(groups=GROUPS[1:])
    assert await rooms_of(event.id) == {
        key: room for key, room in before.items() if not key or key[1] != "wohnen"
    }


async def test_many_who_ask_at_once_get_the_same_rooms(database):
    event = await hold(sessions=ROUNDS, groups=GROUPS)
    names = await asyncio.gather(*(room_named(event, ("first", "wohnen"), NOW) for _ in range(8)))
    assert len(set(names)) == 1
    assert set(await rooms_of(event.id)) == ALL


async def test_who_has_no_room_of_their_own_meets_in_the_plenary(database):
    event = await hold(sessions=ROUNDS, groups=GROUPS)
    plenary = await room_named(event, PLENARY, NOW)
    assert await room_named(event, ("second", "arbeit"), NOW) == plenary
    assert await room_named(await details(event.slug), ("first", "arbeit"), NOW) != plenary


async def test_the_database_refuses_a_second_room_for_the_same(database):
    event = await hold(sessions=ROUNDS, groups=(group("wohnen", "first"),))
    await make(event)
    row = (await MeetingRoom.select().where(MeetingRoom.group.is_not_null()))[0]
    with pytest.raises(UniqueViolationError):
        await MeetingRoom.insert(MeetingRoom(event=event.id, name="another"))
    with pytest.raises(UniqueViolationError):
        await MeetingRoom.insert(
            MeetingRoom(event=event.id, name="another", group=row["group"], session=row["session"])
        )
    with pytest.raises(CheckViolationError):
        await MeetingRoom.insert(MeetingRoom(event=event.id, name="another", group=row["group"]))


def in_group(taken: int):
    found = dialogue().groups[0]
    return (type(found)(found.key, found.title, None, None, (SlotDetails("groups", None, taken),)),)


@pytest.mark.parametrize(
    ("event", "people"),
    [
        (dialogue(in_person_taken=73), 73),
        (dialogue(in_person_taken=120, in_person_waiting=22), 142),
        (dialogue(in_person_taken=120, in_person_waiting=22, digital_capacity=130), 130),
        (dialogue(in_person_taken=120, in_person_waiting=22, digital_capacity=100), 120),
        (dialogue(in_person_taken=120, in_person_waiting=22, digital_capacity=None), 142),
        (dialogue(mode=Mode.HYBRID, in_person_taken=120, online_taken=7), 7),
        (online(online_taken=75, online_waiting=0), 75),
    ],
)
def test_as_many_are_expected_as_a_switch_brings(event, people):
    assert expected(event)[PLENARY] == people


@pytest.mark.parametrize(
    ("event", "found"),
    [
        (online(online_taken=75), []),
        (online(online_taken=76), [Crowd(PLENARY, 76)]),
        (online(online_taken=76, meeting_url="https://stream.example.org"), []),
        (online(online_taken=76, meeting_url="https://stream.example.org", groups=in_group(75)), []),
        (
            online(online_taken=76, meeting_url="https://stream.example.org", groups=in_group(76)),
            [Crowd(("groups", "wohnen"), 76)],
        ),
    ],
)
def test_more_than_75_in_one_room_are_a_crowd(event, found):
    assert crowds(event) == found
