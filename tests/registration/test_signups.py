"""Optional sessions that one signs up for, such as a dinner: seats of their own, by wish, in order of arrival."""

import pytest
from msgspec.structs import replace

from dialograum import publishing
from dialograum.event_file import EventFile
from events.api import event_json
from events.errors import Conflict
from events.queries import details
from events.tables import GroupSlot
from registration import editing, rounds
from registration.attendees import AttendeeFilter, attendees, csv_lines
from registration.by_hand import register_by_hand
from registration.editing import Edit
from tests.registration.collecting import LATER
from tests.registration.town import (
    CLOSES_AT,
    GROUPS,
    NOW,
    ROUNDS,
    assert_in_order,
    cancel,
    document,
    group,
    groups_of,
    hold,
    id_of,
    joined,
    newcomer,
    organiser,
    register,
    rewrite,
    row_of,
    seat,
)

DINNER = joined("dinner", "19:00", "20:00", capacity=2)
WALK = joined("walk", "17:00", "18:00")
COMES = {"dinner": ("dinner",)}
COMES_NOW = {"dinner": "dinner"}


async def evening(**changes):
    return await hold(**{"sessions": (*ROUNDS, DINNER), "groups": GROUPS, **changes})


async def free():
    return [session.slot and session.slot.seats_left for session in (await details("dialog")).signup_sessions]


async def test_one_signs_up_as_for_a_group_and_waits_for_a_seat_in_order_of_arrival(outbox):
    await evening()
    found = [(await register(name, wishes=COMES)).groups for name in ("kim", "toni", "alex")]
    assert found == [{"dinner": "dinner"}, {"dinner": "dinner"}, {"dinner": None}]
    assert await free() == [0]
    await outbox.news()
    await cancel("kim")
    assert await groups_of("alex") == COMES_NOW
    assert await free() == [0]
    await outbox.news()


async def test_who_says_nothing_of_it_does_not_come_along(outbox):
    await evening()
    outcome = await register("kim", wishes={"first": ("wohnen",)})
    assert outcome.groups == {"first": "wohnen"}
    assert await free() == [2]
    await outbox.news()


async def test_what_takes_place_at_the_same_time_excludes_each_other(outbox):
    await evening(sessions=(*ROUNDS, WALK))
    outcome = await register("kim", wishes={"first": ("wohnen",), "walk": ("walk",), "second": ("bildung",)})
    assert outcome.groups == {"first": "wohnen", "walk": None, "second": "bildung"}
    await outbox.news()


async def test_messages_say_whether_one_has_a_seat(outbox):
    await evening(sessions=(replace(DINNER, capacity=1),), groups=())
    for name in ("kim", "toni"):
        await register(name, wishes=COMES)
    facts = [letter["context"] for letter in await outbox.letters()]
    groups = [fact["registration"]["groups"] for fact in facts]
    assert groups == [{"dinner": {"key": "dinner", "title": {"de": "dinner"}}}, {"dinner": None}]


async def test_the_list_and_the_csv_file_say_who_comes(outbox):
    await evening()
    await seat("kim", wishes=COMES)
    await seat("toni")
    event = await details("dialog")
    found = await attendees(event, AttendeeFilter(group="dinner"))
    assert [(one.registration.name, one.groups) for one in found] == [("kim", COMES_NOW)]
    head, first, second = b"".join([part async for part in csv_lines(event, AttendeeFilter())]).splitlines()
    assert b'"group:first";"group:second";"group:dinner"' in head
    assert b';"dinner"' in first
    assert b';"dinner"' not in second
    await outbox.news()


async def test_by_hand_the_last_seat_is_not_the_last(outbox):
    before = await evening(sessions=(replace(DINNER, capacity=1),), groups=())
    await seat("kim", wishes=COMES)
    await seat("toni")
    await editing.edit(await id_of("toni"), Edit(groups=COMES_NOW), await organiser(), NOW)
    event = await details("dialog")
    [dinner] = event.signup_sessions
    assert (dinner.capacity, dinner.slot and dinner.slot.limit) == (2, 2)
    assert event.version == before.version + 1
    await editing.edit(await id_of("kim"), Edit(groups={"dinner": None}), await organiser(), NOW)
    assert await groups_of("kim") == {}
    assert (await row_of("kim")).wishes == {"dinner": []}
    await register_by_hand("dialog", newcomer("alex", wishes=COMES), await organiser(), NOW)
    assert await groups_of("alex") == COMES_NOW
    await outbox.news()


async def test_at_the_deadline_only_those_get_a_seat_who_wished_one(outbox):
    await evening(allocation="at_deadline", confirm_email=False)
    for name in ("kim", "toni", "alex"):
        await register(name, wishes={**COMES, "first": (), "second": ()})
    await register("sascha", wishes={"first": (), "second": ()})
    event = await details("dialog")
    assert await free() == [2]
    await rounds.assign_at_deadline(event.id, CLOSES_AT)
    there = [await groups_of(name) for name in ("kim", "toni", "alex", "sascha")]
    assert there.count(COMES_NOW) == 2
    assert there[3] == {}
    run = await rounds.last_assignment(event.id)
    assert run is not None
    assert [(one["session"], one["obstacles"]) for one in run.report["unplaced"]] == [
        ("dinner", {"dinner": "full"})
    ]
    await cancel("kim" if there[0] else "toni", LATER)
    assert await free() == [0]
    await outbox.news()


class TestChangesOfTheEvent:
    async def test_a_capacity_below_what_is_held_is_refused(self, outbox):
        await evening()
        for name in ("kim", "toni"):
            await seat(name, wishes=COMES)
        for sessions in ((*ROUNDS, replace(DINNER, capacity=1)), (*ROUNDS, replace(DINNER, capacity=0))):
            with pytest.raises(Conflict, match="session dinner: 2 hold seats") as refused:
                await rewrite(sessions=sessions)
            assert refused.value.facts == {"held": 2}
        await outbox.news()

    async def test_more_seats_go_to_those_who_wait(self, outbox):
        before = await evening()
        for name in ("kim", "toni", "alex"):
            await seat(name, wishes=COMES)
        await outbox.news()
        await rewrite(sessions=(*ROUNDS, replace(DINNER, capacity=3)))
        assert await groups_of("alex") == COMES_NOW
        assert await outbox.news() == [("registration_changed", "alex")]
        assert (await details("dialog")).version > before.version

    @pytest.mark.parametrize(
        ("name", "sessions", "groups"),
        [
            ("it is left out", ROUNDS, GROUPS),
            ("it is for everybody now", (*ROUNDS, replace(DINNER, optional=False)), GROUPS),
            ("groups meet in it now", (*ROUNDS, DINNER), (*GROUPS, group("tisch", "dinner"))),
        ],
    )
    async def test_nobody_loses_a_seat_silently(self, outbox, name, sessions, groups):
        await evening()
        await seat("kim", wishes=COMES)
        with pytest.raises(Conflict, match="1 hold seats in groups that would vanish: dinner"):
            await rewrite(sessions=sessions, groups=groups)
        await outbox.news()
        changed = replace(await publishing.document_of("dialog"), sessions=sessions, groups=groups)
        files = [EventFile(events=(changed,))]
        [written] = await publishing.import_files(files, None, NOW, replace_groups=True)
        assert written.told == 1
        assert await groups_of("kim") == {}
        [letter] = await outbox.letters()
        assert {"what": "groups"} in letter["context"]["changes"]
        assert await GroupSlot.count().where(GroupSlot.group.is_null()) == 0
        await assert_in_order()

    async def test_an_optional_session_comes_and_stays_the_same_slot(self, outbox):
        await evening(sessions=ROUNDS)
        event = await rewrite(sessions=(*ROUNDS, DINNER))
        assert await free() == [2]
        again = await rewrite(sessions=(DINNER, *ROUNDS), groups=())
        assert again.signup_sessions[0].slot == event.signup_sessions[0].slot

    async def test_what_is_exported_can_be_imported(self, outbox):
        await evening()
        before = await details("dialog")
        file = await publishing.file_of("dialog")
        await publishing.import_files([file], None, NOW)
        assert (await details("dialog")).signup_sessions == before.signup_sessions


async def test_the_api_says_what_is_free(outbox):
    await evening(sessions=(*ROUNDS, DINNER, WALK))
    await seat("kim", wishes=COMES)
    shown = event_json(await details("dialog"), "de", "", "https://example.org", NOW)["sessions"]
    assert [(one["key"], one["optional"], one["capacity"], one["seats_left"]) for one in shown] == [
        ("first", False, None, None),
        ("second", False, None, None),
        ("dinner", True, 2, 1),
        ("walk", True, None, None),
    ]
    assert document(sessions=(DINNER,)).signups == {"dinner"}
    await outbox.news()


@pytest.mark.parametrize("changes", [{}, {"allocation": "at_deadline"}, {"capacity": 0}])
async def test_nobody_is_told_that_a_wish_is_noted_who_wants_no_group(outbox, changes):
    await evening(**changes)
    for _ in range(2):
        await register("kim", wishes={"first": (), "second": (), **COMES})
    told = [letter["context"]["registration"]["groups"].keys() for letter in await outbox.letters()]
    assert told == [{"dinner"}] * 2
