"""What people change of their own registration: nobody loses anything by it, and what they leave goes on at once."""

import asyncio
from collections import Counter

import pytest

from events.errors import FormInvalid
from events.queries import details
from events.rules import Attendance, EventStatus, Mode
from events.tables import Event
from registration import locking, own_changes
from registration.errors import ChangesClosed, GroupUnknown, RegistrationUnknown
from registration.questions import QuestionSpec
from registration.tables import Registration
from tests.registration.collecting import assign, collected
from tests.registration.town import (
    CANCELLED,
    CONFIRMED,
    GROUPS,
    NOW,
    PENDING,
    ROUNDS,
    SECOND,
    STARTS_AT,
    WAITLISTED,
    cancel,
    confirm,
    group,
    groups_of,
    hold,
    id_of,
    joined,
    organiser,
    register,
    row_of,
    seat,
    session,
    status_of,
)

IN_PERSON, ONLINE = Attendance
DINNER = joined("dinner", "18:30", "19:00", capacity=1)
HYBRID = {"mode": Mode.HYBRID, "capacity": 2, "digital_capacity": 2, "confirm_email": False}


async def wish(name, now=NOW, **wishes):
    return await own_changes.change_groups(await id_of(name), wishes, now)


async def take_part(name, attendance=IN_PERSON, seats=1, now=NOW):
    return await own_changes.change_place(await id_of(name), attendance, seats, now)


async def refused(coming):
    """Field and code of what stands in the way."""
    with pytest.raises(FormInvalid) as found:
        await coming
    return found.value.errors


async def rounds(**changes):
    return await hold(sessions=ROUNDS, groups=GROUPS, confirm_email=False, **changes)


# Groups


async def test_a_free_group_is_theirs_at_once_and_the_one_they_leave_goes_to_the_next(outbox):
    await rounds()
    await register("kim", wishes={"first": ("wohnen",), "second": ("bildung",)})
    await register("toni", wishes={"first": ("wohnen",)})
    await outbox.news()
    row = await wish("kim", first=("arbeit", "wohnen"))
    assert await groups_of("kim") == {"first": "arbeit", "second": "bildung"}
    assert await groups_of("toni") == {"first": "wohnen"}
    assert row.wishes == {"first": ["arbeit", "wohnen"], "second": ["bildung"]}
    assert row.sequence == 1
    own, other = await outbox.letters()
    assert (own["kind"], own["recipient_name"], own["context"]["by"]) == (
        "registration_changed",
        "kim",
        "self",
    )
    assert own["context"]["changes"] == [
        {
            "what": "groups",
            "before": [{"de": "Wohnen"}, {"de": "Bildung"}],
            "after": [{"de": "Bildung"}, {"de": "Arbeit"}],
            "sessions": [{"key": "first", "before": {"de": "Wohnen"}}],
        }
    ]
    assert own["context"]["registration"]["sequence"] == 1
    assert (other["recipient_name"], other["context"]["by"]) == ("toni", "system")


async def test_wishes_are_tried_in_their_order(outbox):
    await rounds()
    await register("toni", wishes={"first": ("wohnen",)})
    await register("kim", wishes={"first": ("arbeit",)})
    await wish("kim", first=("wohnen", "bildung"))
    assert await groups_of("kim") == {"first": "bildung"}
    await outbox.news()


async def test_who_finds_no_room_keeps_the_group_they_had(outbox):
    await rounds()
    await register("toni", wishes={"first": ("wohnen",)})
    await register("kim", wishes={"first": ("bildung",)})
    await outbox.news()
    assert await refused(wish("kim", first=("wohnen",), second=("wohnen",))) == [("group.first", "full")]
    row = await row_of("kim")
    assert (row.wishes, row.sequence) == ({"first": ["bildung"]}, 0)
    assert await groups_of("kim") == {"first": "bildung"}


async def test_who_holds_nothing_is_noted_for_what_is_full(outbox):
    await rounds()
    await register("toni", wishes={"first": ("wohnen",)})
    await register("kim")
    await outbox.news()
    assert (await wish("kim", first=("wohnen",))).wishes == {"first": ["wohnen"]}
    assert await groups_of("kim") == {}
    assert await outbox.news() == []
    await wish("toni", first=())
    assert await groups_of("kim") == {"first": "wohnen"}
    assert await outbox.news() == [("registration_changed", "toni"), ("registration_changed", "kim")]


async def test_two_groups_change_places_in_one_step(outbox):
    await rounds()
    await register("kim", wishes={"first": ("wohnen",), "second": ("bildung",)})
    await wish("kim", first=("bildung",), second=("wohnen",))
    assert await groups_of("kim") == {"first": "bildung", "second": "wohnen"}
    await outbox.news()


async def test_the_same_group_twice_is_refused_where_a_group_would_be_lost(outbox):
    await rounds()
    await register("kim", wishes={"first": ("wohnen",), "second": ("bildung",)})
    assert await refused(wish("kim", second=("wohnen",))) == [("group.second", "together")]
    assert await groups_of("kim") == {"first": "wohnen", "second": "bildung"}
    await outbox.news()


async def test_nothing_at_overlapping_times_is_lost_for_nothing(outbox):
    programme = (session("walk", "16:30", "17:30"), session("talk", "17:00", "18:00"))
    await hold(sessions=programme, groups=(group("altstadt", "walk"), group("wohnen", "talk")))
    await seat("kim", wishes={"walk": ("altstadt",)})
    await wish("kim", talk=("wohnen",))
    assert await groups_of("kim") == {"walk": "altstadt"}
    assert (await row_of("kim")).wishes["talk"] == ["wohnen"]
    await wish("kim", walk=(), talk=("wohnen",))
    assert await groups_of("kim") == {"talk": "wohnen"}
    assert [kind for kind, _ in await outbox.news()][2:] == ["registration_changed"]


async def test_sessions_named_as_they_are_stay_and_nobody_is_told(outbox):
    await rounds()
    await register("toni", wishes={"first": ("wohnen",)})
    await register("kim", wishes={"first": ("wohnen", "bildung")})
    await cancel("toni")
    await outbox.news()
    assert await groups_of("kim") == {"first": "bildung"}
    row = await wish("kim", first=("bildung", "wohnen"), second=())
    assert (row.wishes, row.sequence) == ({"first": ["wohnen", "bildung"]}, 0)
    await wish("kim", first=("wohnen", "bildung"))
    assert await groups_of("kim") == {"first": "wohnen"}
    assert await outbox.news() == [("registration_changed", "kim")]


async def test_an_optional_session_is_given_back_and_taken_again(outbox):
    await hold(sessions=(*ROUNDS, DINNER), groups=GROUPS, confirm_email=False)
    await register("kim", wishes={"dinner": ("dinner",)})
    await register("toni", wishes={"dinner": ("dinner",)})
    await wish("kim", dinner=())
    assert [await groups_of(name) for name in ("kim", "toni")] == [{}, {"dinner": "dinner"}]
    await wish("kim", dinner=("dinner",))
    assert (await row_of("kim")).wishes == {"dinner": ["dinner"]}
    await cancel("toni")
    assert await groups_of("kim") == {"dinner": "dinner"}
    await outbox.news()


async def test_a_group_that_the_organiser_locked_cannot_be_left(outbox):
    await rounds()
    await register("kim", wishes={"first": ("wohnen",), "second": ("bildung",)})
    await locking.lock(await id_of("kim"), "first", await organiser(), NOW)
    assert await refused(wish("kim", first=("arbeit",), second=())) == [("group.first", "locked")]
    assert await groups_of("kim") == {"first": "wohnen", "second": "bildung"}
    await wish("kim", first=("wohnen",), second=())
    assert await groups_of("kim") == {"first": "wohnen"}
    await outbox.news()


async def test_a_group_that_there_is_not_is_refused(outbox):
    await rounds()
    await register("kim")
    await outbox.news()
    for wishes in ({"first": ("chor",)}, {"second": ("arbeit",)}, {"third": ()}):
        with pytest.raises(GroupUnknown):
            await wish("kim", **wishes)


async def test_while_wishes_are_collected_they_are_kept_and_count_at_the_deadline(outbox):
    await collected()
    await register("kim", wishes={"first": ("wohnen",)})
    await outbox.news()
    assert (await wish("kim", first=("bildung",))).wishes == {"first": ["bildung"]}
    assert await groups_of("kim") == {}
    assert await outbox.news() == []
    await assign()
    assert await groups_of("kim") == {"first": "bildung"} | {
        session: key for session, key in (await groups_of("kim")).items() if session != "first"
    }
    await outbox.news()


async def test_who_waits_changes_the_wishes_that_count_when_they_move_up(outbox):
    await rounds(capacity=1)
    await register("kim")
    await register("toni", wishes={"first": ("wohnen",)})
    await outbox.news()
    await wish("toni", first=("bildung",))
    assert await groups_of("toni") == {}
    assert await outbox.news() == []
    await cancel("kim")
    assert await groups_of("toni") == {"first": "bildung"}
    await outbox.news()


async def test_of_two_at_once_one_gets_the_last_seat_and_the_other_keeps_their_group(outbox):
    groups = (group("wohnen", "first", capacity=1), group("bildung", "first"))
    await hold(sessions=ROUNDS, groups=groups, confirm_email=False)
    names = [f"p{number}" for number in range(4)]
    for name in names:
        await register(name, wishes={"first": ("bildung",)})
    await outbox.news()
    for _ in range(5):
        answers = await asyncio.gather(
            *(wish(name, first=("wohnen",)) for name in names), return_exceptions=True
        )
        assert Counter(map(type, answers)) == {Registration: 1, FormInvalid: 3}
        held = {name: (await groups_of(name))["first"] for name in names}
        assert Counter(held.values()) == {"wohnen": 1, "bildung": 3}
        [winner] = [name for name, key in held.items() if key == "wohnen"]
        await wish(winner, first=("bildung",))
        assert await outbox.news() == [("registration_changed", winner)] * 2


async def test_two_who_swap_at_once_end_up_with_a_group_each(outbox):
    await rounds()
    await register("kim", wishes={"first": ("wohnen",)})
    await register("toni", wishes={"first": ("bildung",)})
    await asyncio.gather(
        wish("kim", first=("bildung", "arbeit")),
        wish("toni", first=("wohnen", "arbeit")),
    )
    assert sorted([(await groups_of(name))["first"] for name in ("kim", "toni")]) in (
        ["arbeit", "bildung"],
        ["arbeit", "wohnen"],
    )
    await outbox.news()


# Attendance and seats


async def test_the_other_attendance_is_theirs_where_a_seat_is_free_and_the_waitlist_moves_up(outbox):
    await hold(**HYBRID)
    for name in ("kim", "toni", "alex"):
        await register(name)
    await outbox.news()
    row = await take_part("kim", ONLINE)
    assert (row.attendance, row.attendance_wished, row.sequence) == (ONLINE, ONLINE, 1)
    assert await status_of("alex") == CONFIRMED
    own, other = await outbox.letters()
    assert (own["context"]["by"], own["context"]["changes"]) == (
        "self",
        [{"what": "attendance", "before": "in_person", "after": "online"}],
    )
    assert (other["kind"], other["recipient_name"]) == ("promoted", "alex")


async def test_a_full_attendance_or_one_that_is_waited_for_leaves_the_seat_as_it_was(outbox):
    await hold(**HYBRID)
    await register("kim")
    await register("toni", attendance=ONLINE)
    await register("family", attendance=ONLINE, seats=2)
    await outbox.news()
    assert await status_of("family") == WAITLISTED
    assert await refused(take_part("kim", ONLINE)) == [("attendance", "full")]
    assert ((await row_of("kim")).attendance, await status_of("kim")) == (IN_PERSON, CONFIRMED)


async def test_what_the_event_does_not_offer_cannot_be_chosen(outbox):
    await hold(confirm_email=False)
    await register("kim")
    await outbox.news()
    assert await refused(take_part("kim", ONLINE)) == [("attendance", "not-offered")]


async def test_fewer_seats_are_given_back_at_once_and_more_taken_only_where_they_are_free(outbox):
    await hold(capacity=3, confirm_email=False)
    await register("kim", seats=2)
    assert await refused(take_part("kim", seats=4)) == [("seats", "full")]
    assert (await take_part("kim", seats=3)).seats == 3
    await register("toni", seats=2)
    row = await take_part("kim", seats=1)
    assert (row.seats, row.sequence) == (1, 0)
    assert await status_of("toni") == CONFIRMED
    assert await refused(take_part("kim", seats=2)) == [("seats", "full")]
    assert await outbox.news() == [
        ("confirmed", "kim"),
        ("registration_changed", "kim"),
        ("waitlisted", "toni"),
        ("registration_changed", "kim"),
        ("promoted", "toni"),
    ]


async def test_more_seats_need_room_in_the_groups_they_hold(outbox):
    await rounds()
    await register("kim", wishes={"first": ("wohnen",)})
    assert await refused(take_part("kim", seats=2)) == [("seats", "group-full")]
    await wish("kim", first=("arbeit",))
    assert (await take_part("kim", seats=2)).seats == 2
    assert await groups_of("kim") == {"first": "arbeit"}
    await outbox.news()


async def test_a_family_that_becomes_smaller_fits_into_the_group_it_wished(outbox):
    await rounds()
    await register("family", seats=2, wishes={"first": ("wohnen",)})
    await take_part("family", seats=1)
    assert await groups_of("family") == {"first": "wohnen"}
    await outbox.news()


async def test_a_lock_stays_when_the_seats_change(outbox):
    await rounds()
    await register("kim", wishes={"first": ("arbeit",)})
    await locking.lock(await id_of("kim"), "first", await organiser(), NOW)
    await take_part("kim", seats=3)
    assert await locking.locked_sessions(await id_of("kim")) == {"first"}
    await outbox.news()


async def test_who_waits_for_the_hall_takes_a_free_place_online_and_hears_of_it_once(outbox):
    await hold(**HYBRID)
    await register("kim", seats=2)
    await register("toni")
    await outbox.news()
    row = await take_part("toni", ONLINE)
    assert (row.status, row.attendance) == (CONFIRMED, ONLINE)
    [letter] = await outbox.letters()
    assert (letter["kind"], letter["context"]["registration"]["attendance"]) == ("promoted", "online")


async def test_a_smaller_family_on_the_waitlist_moves_up_where_it_fits(outbox):
    await hold(capacity=3, confirm_email=False)
    await register("kim", seats=2)
    await register("family", seats=3)
    await register("toni", seats=1)
    await outbox.news()
    assert await refused(take_part("family", seats=4)) == [("seats", "full")]
    assert (await take_part("family", seats=2)).status == WAITLISTED
    [letter] = await outbox.letters()
    assert letter["context"]["registration"]["position"] == 1
    assert (await take_part("family", seats=1)).status == CONFIRMED
    assert await outbox.news() == [("promoted", "family")]


async def test_of_many_at_once_one_gets_the_last_place_online(outbox):
    await hold(**HYBRID | {"capacity": 4, "digital_capacity": 1})
    names = [f"p{number}" for number in range(4)]
    for name in names:
        await register(name)
    await outbox.news()
    answers = await asyncio.gather(*(take_part(name, ONLINE) for name in names), return_exceptions=True)
    assert Counter(map(type, answers)) == {Registration: 1, FormInvalid: 3}
    assert Counter([(await row_of(name)).attendance for name in names]) == {IN_PERSON: 3, ONLINE: 1}
    assert len(await outbox.news()) == 1


async def test_the_unconfirmed_change_their_seats_too_and_their_hold_stays(outbox):
    await hold(capacity=3)
    await register("kim")
    before = await row_of("kim")
    row = await take_part("kim", seats=2)
    assert (row.status, row.held_until) == (PENDING, before.held_until)
    await confirm("kim")
    await outbox.news()


# When it is too late


async def test_until_the_event_starts_and_not_later(outbox):
    await rounds()
    await register("kim", wishes={"first": ("wohnen",)})
    await wish("kim", STARTS_AT - SECOND, first=("arbeit",))
    await take_part("kim", seats=2, now=STARTS_AT - SECOND)
    await outbox.news()
    with pytest.raises(ChangesClosed):
        await wish("kim", STARTS_AT, first=())
    with pytest.raises(ChangesClosed):
        await take_part("kim", seats=1, now=STARTS_AT)


@pytest.mark.parametrize("status", [EventStatus.DRAFT, EventStatus.CANCELLED])
async def test_an_event_that_is_not_published_lets_nobody_move(outbox, status):
    outbox.settled = False
    await rounds()
    await register("kim", wishes={"first": ("wohnen",)})
    await outbox.news()
    event = await details("dialog")
    await set_status(event.id, status)
    with pytest.raises(ChangesClosed):
        await wish("kim", first=())
    with pytest.raises(ChangesClosed):
        await take_part("kim", seats=2)


async def set_status(event_id, status):
    await Event.update({Event.status: status.value}).where(Event.id == event_id)


async def test_a_registration_that_has_ended_cannot_be_changed(outbox):
    await rounds()
    await register("kim")
    await cancel("kim")
    await outbox.news()
    who = await id_of("kim")
    for change in (
        own_changes.change_groups(who, {"first": ("wohnen",)}, NOW),
        own_changes.change_place(who, IN_PERSON, 2, NOW),
        own_changes.change_answers(who, {}, "de"),
        own_changes.change_language(who, "en"),
    ):
        with pytest.raises(ChangesClosed):
            await change
    assert await status_of("kim") == CANCELLED


# Answers and language

QUESTIONS = (
    QuestionSpec(preset="organisation", required=True),
    QuestionSpec(preset="food"),
    QuestionSpec(preset="photo"),
)


async def test_answers_are_set_as_a_whole_and_those_to_questions_asked_no_more_stay(outbox):
    await hold(questions=QUESTIONS, confirm_email=False)
    await register("kim", answers={"organisation": "Chor", "food": ["vegan"]})
    await Registration.update({Registration.answers: {"organisation": "Chor", "shoe": 42}}).where(
        Registration.id == await id_of("kim")
    )
    await outbox.news()
    row = await own_changes.change_answers(await id_of("kim"), {"organisation": "Verein"}, "de")
    assert (row.answers, row.special_answers) == ({"organisation": "Verein", "shoe": 42}, {})
    row = await own_changes.change_answers(
        await id_of("kim"), {"organisation": "Verein", "food": ["halal"]}, "de"
    )
    assert row.special_answers == {"food": ["halal"]}
    assert row.sequence == 0


async def test_what_is_required_stays_required(outbox):
    await hold(questions=QUESTIONS, confirm_email=False)
    await register("kim", answers={"organisation": "Chor"})
    await outbox.news()
    who = await id_of("kim")
    assert await refused(own_changes.change_answers(who, {"food": ["pizza"]}, "de")) == [
        ("answers.organisation", "missing"),
        ("answers.food", "unknown"),
    ]
    assert (await row_of("kim")).answers == {"organisation": "Chor"}


async def test_the_language_is_that_of_the_next_message(outbox):
    await hold(confirm_email=False)
    await register("kim")
    await own_changes.change_language(await id_of("kim"), "en")
    await take_part("kim", seats=2, now=NOW)
    assert [letter["language"] for letter in await outbox.letters()] == ["de", "en"]


async def test_answers_and_language_are_changed_until_personal_data_go(outbox):
    await hold(confirm_email=False)
    await register("kim")
    await outbox.news()
    who = await id_of("kim")
    assert (await own_changes.change_language(who, "en")).language == "en"
    await Event.update({Event.personal_data_removed_at: NOW}, force=True)
    for change in (own_changes.change_answers(who, {}, "de"), own_changes.change_language(who, "de")):
        with pytest.raises(RegistrationUnknown):
            await change
