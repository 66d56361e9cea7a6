"""What people change of their own registration: nobody loses anything by it, and what they leave goes on at once."""

import asyncio
from collections import Counter

import pytest

from events.errors import FormInvalid
from events.queries import details
from events.rules import Attendance, EventStatus, Mode
from events.tables import Event
from registration import locking, own_changes
from registration.errors import ChangesClosed, RegistrationUnknown
from registration.questions import QuestionSpec
from registration.tables import Registration
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
    groups_of,
    hold,
    id_of,
    organiser,
    register,
    row_of,
    status_of,
)

IN_PERSON, ONLINE = Attendance
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
        ("confirmed", "kim"),
        ("waitlisted", "toni"),
        ("confirmed", "kim"),
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
        own_changes.change_answers(who, {}),
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
    row = await own_changes.change_answers(await id_of("kim"), {"organisation": "Verein"})
    assert (row.answers, row.special_answers) == ({"organisation": "Verein", "shoe": 42}, {})
    row = await own_changes.change_answers(await id_of("kim"), {"organisation": "Verein", "food": ["halal"]})
    assert row.special_answers == {"food": ["halal"]}
    assert row.sequence == 0


async def test_what_is_required_stays_required(outbox):
    await hold(questions=QUESTIONS, confirm_email=False)
    await register("kim", answers={"organisation": "Chor"})
    await outbox.news()
    who = await id_of("kim")
    assert await refused(own_changes.change_answers(who, {"food": ["pizza"]})) == [
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
    for change in (own_changes.change_answers(who, {}), own_changes.change_language(who, "de")):
        with pytest.raises(RegistrationUnknown):
            await change
