"""The switch on the real database: who sits where, who is told what, and that nobody loses a place."""

import asyncio

import pytest

from events.errors import EventCancelled, ModeRefused
from events.forms import MeetingSpec, VenueSpec
from events.queries import details_of, event_named
from events.rules import Attendance, Mode
from hybrid.errors import Hindrance
from hybrid.switching import Cause, set_mode
from hybrid.tables import MeetingRoom, ModeSwitch
from registration.tables import Registration
from tests.registration.town import (
    CONFIRMED,
    DAY,
    GROUPS,
    NOW,
    ROUNDS,
    STARTS_AT,
    WAITLISTED,
    cancel,
    confirm,
    groups_of,
    hold,
    organiser,
    register,
    rewrite,
    row_of,
    seat,
    status_of,
    watched,
)

outbox = pytest.fixture(watched)

ONLINE, HALL = Attendance.ONLINE.value, Attendance.IN_PERSON.value


async def move(to, now=NOW, reason="Sturm", **more):
    return await set_mode(
        "dialog", Mode(to), Cause(await organiser(), reason), now, **{"has_servers": True, **more}
    )


async def sitting():
    """Where everybody is who holds a place or waits, by name."""
    rows = (
        await Registration.select(Registration.name, Registration.attendance, Registration.status)
        .where(Registration.status.is_in(["pending", "confirmed", "waitlisted"]))
        .order_by(Registration.arrival)
    )
    return {row["name"]: row["attendance"] + ("?" if row["status"] == "waitlisted" else "") for row in rows}


async def wait(name, **values):
    await register(name, **values)
    await confirm(name)


async def test_going_online_takes_everybody_along_and_the_waitlist_moves_up(outbox):
    await hold(capacity=2, digital_capacity=10, sessions=ROUNDS, groups=GROUPS)
    await seat("kim", wishes={"first": ("wohnen",)})
    await seat("toni")
    await wait("late", wishes={"first": ("bildung",)})
    await outbox.news()
    event = await move("digital")
    assert (event.mode, event.sequence, event.mode_locked) == (Mode.DIGITAL, 1, True)
    assert await sitting() == {"kim": ONLINE, "toni": ONLINE, "late": ONLINE}
    assert (event.in_person_limit, event.online_limit, event.online_taken) == (0, 10, 3)
    assert await groups_of("kim") == {"first": "wohnen"}
    assert await groups_of("late") == {"first": "bildung"}
    letters = {letter["recipient_name"]: letter for letter in await outbox.letters()}
    assert {name: letter["kind"] for name, letter in letters.items()} == {
        "kim": "event_changed",
        "toni": "event_changed",
        "late": "promoted",
    }
    for letter in letters.values():
        assert letter["context"]["event"]["mode"] == "digital"
        assert letter["context"]["why"] == {"reason": "Sturm", "evidence": None}
        assert "mode" in [change["what"] for change in letter["context"]["changes"]]
    assert letters["kim"]["context"]["registration"]["sequence"] == 1
    assert letters["kim"]["context"]["registration"]["sequence_before"] == 0
    assert await MeetingRoom.count() == 1 + 5
    (entry,) = await ModeSwitch.select()
    assert (entry["from_mode"], entry["to_mode"], entry["reason"]) == ("in_person", "digital", "Sturm")


async def test_the_way_back_seats_those_of_before_first_and_leaves_the_rest_online(outbox):
    await hold(capacity=2, digital_capacity=10)
    await seat("kim")
    await seat("toni")
    await wait("late")
    await move("digital")
    await seat("newcomer", NOW)
    await outbox.news()
    event = await move("in_person")
    assert (event.mode, event.came_back) == (Mode.HYBRID, True)
    assert await sitting() == {"kim": HALL, "toni": HALL, "late": ONLINE, "newcomer": ONLINE}
    assert (event.in_person_limit, event.in_person_taken, event.online_taken) == (2, 2, 2)
    letters = await outbox.letters()
    assert sorted((letter["kind"], letter["recipient_name"]) for letter in letters) == [
        ("event_changed", "kim"),
        ("event_changed", "late"),
        ("event_changed", "newcomer"),
        ("event_changed", "toni"),
    ]
    assert {letter["context"]["event"]["mode"] for letter in letters} == {"hybrid"}


async def test_a_hall_with_room_for_all_takes_all_back(outbox):
    await hold(capacity=3, digital_capacity=10)
    await seat("kim")
    await move("digital")
    await seat("newcomer")
    event = await move("in_person")
    assert (event.mode, event.came_back) == (Mode.IN_PERSON, False)
    assert await sitting() == {"kim": HALL, "newcomer": HALL}
    assert (event.in_person_taken, event.online_taken, event.online_limit) == (2, 0, 0)
    await outbox.news()


async def test_a_seat_that_comes_free_after_the_way_back_goes_to_the_first_left_online(outbox):
    await hold(capacity=2, digital_capacity=10)
    for name in ("kim", "toni"):
        await seat(name)
    for name in ("late", "later"):
        await wait(name)
    await move("digital")
    await move("in_person")
    await outbox.news()
    await cancel("kim")
    assert await sitting() == {"toni": HALL, "late": HALL, "later": ONLINE}
    assert ("registration_changed", "late") in await outbox.news()


async def test_a_hall_that_grows_after_the_way_back_seats_those_left_online_before_the_waitlist(outbox):
    await hold(capacity=2, digital_capacity=3)
    for name in ("kim", "toni"):
        await seat(name)
    for name in ("late", "later"):
        await wait(name)
    await move("digital")
    await move("in_person")
    assert await sitting() == {"kim": HALL, "toni": HALL, "late": ONLINE, "later": f"{HALL}?"}
    await outbox.news()
    await rewrite(capacity=3)
    assert await sitting() == {"kim": HALL, "toni": HALL, "late": HALL, "later": f"{HALL}?"}
    assert await outbox.news() == [("registration_changed", "late")]
    await rewrite(capacity=4)
    assert (await sitting())["later"] == HALL
    assert await outbox.news() == [("promoted", "later")]


async def test_more_go_online_than_newcomers_could_and_the_limit_sinks_with_them(outbox):
    await hold(capacity=None, digital_capacity=1)
    for name in ("a", "b", "c"):
        await seat(name)
    event = await move("digital")
    assert (event.online_limit, event.online_taken) == (3, 3)
    await wait("late")
    assert await status_of("late") == WAITLISTED
    await cancel("a")
    event = await details_of(await event_named("dialog"))
    assert (event.online_limit, event.online_taken) == (2, 2)
    assert await status_of("late") == WAITLISTED
    await cancel("b")
    await cancel("c")
    assert await status_of("late") == CONFIRMED
    await outbox.news()


async def test_a_smaller_hall_keeps_those_who_cannot_join_online_then_the_first(outbox):
    await hold(capacity=4, digital_capacity=10)
    for name in ("a", "b", "c", "d"):
        await seat(name)
    await Registration.update({Registration.online_access: "phone"}).where(Registration.name == "d")
    event = await move("hybrid", hybrid_capacity=2)
    assert await sitting() == {"a": HALL, "b": ONLINE, "c": ONLINE, "d": HALL}
    assert (event.in_person_limit, event.online_limit) == (2, 10)
    event = await move("in_person")
    assert event.mode is Mode.IN_PERSON
    assert set((await sitting()).values()) == {HALL}
    await outbox.news()


async def test_there_and_back_while_mails_wait_is_one_mail_each(outbox):
    await hold(capacity=2, digital_capacity=10)
    await seat("kim")
    await outbox.news()
    await move("digital")
    await move("in_person")
    await move("digital")
    waiting = [letter for letter in await outbox.letters() if letter["status"] == "queued"]
    assert [letter["kind"] for letter in waiting] == ["event_changed"]
    changes = {
        change["what"]: (change["before"], change["after"]) for change in waiting[0]["context"]["changes"]
    }
    assert changes == {
        "place": (["Stadthalle, Saal"], []),
        "mode": ("in_person", "digital"),
        "attendance": ("in_person", "online"),
    }
    assert waiting[0]["context"]["registration"]["sequence"] == 3


async def test_there_and_back_in_a_hurry_changes_nothing_for_anybody_who_waits_either(outbox):
    await hold(capacity=1, digital_capacity=1)
    await seat("kim")
    await wait("late")
    await outbox.news()
    await move("digital")
    await move("in_person")
    waiting = [letter for letter in await outbox.letters() if letter["status"] == "queued"]
    assert {letter["recipient_name"]: letter["context"]["changes"] for letter in waiting} == {
        "kim": [],
        "late": [],
    }


async def test_who_waits_for_the_hall_again_is_told_so(outbox):
    await hold(capacity=1, digital_capacity=1)
    await seat("kim")
    await wait("late")
    await move("digital")
    await outbox.news()
    await move("hybrid", hybrid_capacity=1)
    letters = {letter["recipient_name"]: letter["context"] for letter in await outbox.letters()}
    assert letters["late"]["registration"]["attendance"] == HALL
    (change,) = [change for change in letters["late"]["changes"] if change["what"] == "attendance"]
    assert (change["before"], change["after"]) == (ONLINE, HALL)


async def test_the_place_of_a_digital_event_changes_in_silence_until_it_comes_back(outbox):
    await hold(capacity=2, digital_capacity=10)
    await seat("kim")
    await outbox.news()
    await move("digital")
    await outbox.news()
    event = await rewrite(venues=(VenueSpec(key="hall", name="Rathaus"),))
    assert (event.sequence, await outbox.news()) == (1, [])
    event = await move("in_person")
    assert event.sequence == 2
    (letter,) = [letter for letter in await outbox.letters() if letter["status"] == "queued"]
    assert [venue["name"] for venue in letter["context"]["event"]["venues"]] == ["Rathaus"]
    facts = letter["context"]["registration"]
    assert (facts["sequence_before"], facts["sequence"]) == (1, 2)


async def test_who_has_not_heard_of_the_way_there_hears_of_the_new_place(outbox):
    await hold(capacity=2, digital_capacity=10)
    await seat("kim")
    await outbox.news()
    await move("digital")
    await rewrite(venues=(VenueSpec(key="hall", name="Rathaus"),))
    await move("in_person")
    (letter,) = [letter for letter in await outbox.letters() if letter["status"] == "queued"]
    assert letter["context"]["changes"] == [
        {"what": "place", "before": ["Stadthalle, Saal"], "after": ["Rathaus"]}
    ]


@pytest.mark.parametrize("to", ["in_person", "hybrid"])
async def test_the_mail_of_who_stays_online_knows_whether_they_wished_it(outbox, to):
    await hold(capacity=2, digital_capacity=10)
    for name in ("kim", "toni"):
        await seat(name)
    await move("digital")
    await seat("screen", attendance_wished=Attendance.ONLINE)
    await seat("hall", attendance_wished=Attendance.IN_PERSON)
    await seat("unasked")
    await outbox.news()
    assert (await move(to)).mode is Mode.HYBRID
    stated = {
        letter["recipient_name"]: letter["context"]["registration"] for letter in await outbox.letters()
    }
    assert {name: facts["wished"] for name, facts in stated.items() if facts["attendance"] == ONLINE} == {
        "screen": ONLINE,
        "hall": HALL,
        "unasked": HALL,
    }


async def test_who_wished_online_in_a_hybrid_event_stays_online(outbox):
    await hold(mode=Mode.HYBRID, capacity=5, digital_capacity=5)
    await seat("hall")
    await seat("screen", attendance=Attendance.ONLINE)
    await move("digital")
    event = await move("hybrid")
    assert event.mode is Mode.HYBRID
    assert await sitting() == {"hall": HALL, "screen": ONLINE}
    await outbox.news()


@pytest.mark.parametrize(
    ("changes", "has_servers", "hindrance"),
    [
        ({}, False, Hindrance.NO_SERVERS),
        ({}, True, None),
        ({"meeting": MeetingSpec(url="https://stream.example.org/x")}, False, None),
        ({"sessions": ROUNDS, "groups": GROUPS}, False, Hindrance.NO_ROOMS),
    ],
)
async def test_without_a_room_there_is_no_way_online(outbox, changes, has_servers, hindrance):
    await hold(**changes)
    if hindrance:
        with pytest.raises(ModeRefused) as refused:
            await move("digital", has_servers=has_servers)
        assert refused.value.facts == {"hindrance": hindrance}
        assert (await details_of(await event_named("dialog"))).mode is Mode.IN_PERSON
    else:
        assert (await move("digital", has_servers=has_servers)).mode is Mode.DIGITAL


async def test_who_sits_in_a_larger_hall_than_the_event_s_own_stays_online_on_the_way_back(outbox):
    await hold(capacity=1, hybrid_capacity=2)
    await seat("kim")
    await wait("toni")
    await move("hybrid")
    assert await sitting() == {"kim": HALL, "toni": HALL}
    event = await move("in_person")
    assert (event.mode, event.came_back, event.in_person_limit) == (Mode.HYBRID, True, 1)
    assert await sitting() == {"kim": HALL, "toni": ONLINE}
    await outbox.news()


async def test_an_event_that_is_over_or_cancelled_stays_where_it_is(outbox):
    from dialograum import publishing

    await hold()
    with pytest.raises(ModeRefused) as refused:
        await move("digital", STARTS_AT + DAY)
    assert refused.value.facts == {"hindrance": Hindrance.OVER}
    await publishing.cancel("dialog", None, None, NOW)
    with pytest.raises(EventCancelled):
        await move("digital")


async def test_the_same_mode_by_hand_changes_the_lock_alone(outbox):
    await hold()
    await seat("kim")
    await outbox.news()
    event = await move("in_person", lock=True)
    assert (event.mode_locked, event.sequence) == (True, 0)
    event = await move("in_person", lock=False)
    assert event.mode_locked is False
    assert await ModeSwitch.count() == 2
    assert await outbox.news() == []


async def test_two_at_once_move_it_once_and_lose_nobody(outbox):
    await hold(capacity=20, digital_capacity=30)
    for number in range(10):
        await seat(f"guest-{number}")
    await outbox.news()
    await organiser()
    await asyncio.gather(move("digital"), move("digital"), *(seat(f"late-{number}") for number in range(5)))
    event = await details_of(await event_named("dialog"))
    assert event.online_taken == 15
    letters = [letter for letter in await outbox.letters() if letter["status"] == "queued"]
    told = [letter["recipient_name"] for letter in letters if letter["kind"] == "event_changed"]
    assert sorted(told)[:10] == sorted(f"guest-{number}" for number in range(10))
    assert event.sequence == 1


async def test_what_people_are_told_fits_who_they_are(outbox):
    await hold(capacity=2, digital_capacity=10)
    await seat("kim")
    await register("slow")
    await outbox.news()
    await move("digital")
    letters = {
        letter["recipient_name"]: letter["context"]["registration"] for letter in await outbox.letters()
    }
    assert letters["slow"]["needs_confirmation"] is True
    assert letters["kim"]["invited"] is True
    assert (await row_of("slow")).attendance_before == HALL
