"""What organisers do for people who phone or come by, and what they change."""

import pytest

from dialograum import publishing
from events.errors import Conflict, EventCancelled, FormInvalid
from events.queries import details
from events.rules import Attendance, Mode
from events.tables import Activity, Event, GroupSlot
from registration import actions, editing
from registration.answers import visible
from registration.by_hand import register_by_hand
from registration.consents import standing_consents
from registration.editing import Edit
from registration.errors import (
    GroupUnknown,
)
from registration.queries import counts_by_status, is_invited, position
from registration.questions import QuestionSpec, questions_of
from registration.tables import GroupSeat, Registration
from tests.registration.town import (
    CLOSES_AT,
    CONFIRMED,
    DAY,
    GROUPS,
    NOW,
    PENDING,
    ROUNDS,
    WAITLISTED,
    cancel,
    group,
    groups_of,
    hold,
    id_of,
    newcomer,
    organiser,
    register,
    rewrite,
    row_of,
    rows_of,
    seat,
    status_of,
)

IN_PERSON, ONLINE = Attendance


async def by_hand(name, now=NOW, **values):
    return await register_by_hand("dialog", newcomer(name, **values), await organiser(), now)


async def edit(who, now=NOW, **wanted):
    return await editing.edit(await id_of(who), Edit(**wanted), await organiser(), now)


async def test_by_hand_anybody_gets_in_after_the_deadline_and_without_an_address(outbox):
    await hold()
    registration = await by_hand("kim", CLOSES_AT + DAY, email=None, seats=2)
    assert (registration.status, registration.email, registration.address) == (CONFIRMED, None, None)
    assert (registration.confirmed_at, registration.held_until) == (CLOSES_AT + DAY, None)
    assert not await is_invited(registration.id)


async def test_by_hand_somebody_with_an_address_is_told(outbox):
    await hold()
    registration = await by_hand("kim")
    assert registration.status == CONFIRMED
    assert await is_invited(registration.id)
    assert await outbox.news() == [("confirmed", "kim")]


async def test_who_did_it_is_written_down_without_the_attendees_name(outbox):
    await hold()
    by = await organiser()
    registration = await register_by_hand("dialog", newcomer("kim"), by, NOW)
    await editing.edit(registration.id, Edit(name="Kim Muster", seats=2), by, NOW)
    await actions.cancel(registration.id, NOW, by)
    rows = (
        await Activity.select()
        .where(Activity.organiser == by.id)
        .order_by(Activity.id)
        .output(load_json=True)
    )
    assert [(row["what"], row["details"]) for row in rows] == [
        ("registration_added", {"registration": str(registration.id)}),
        ("registration_changed", {"registration": str(registration.id), "changed": ["name", "seats"]}),
        ("registration_cancelled", {"registration": str(registration.id)}),
    ]
    letters = await outbox.letters()
    assert [letter["context"].get("by") for letter in letters] == [None, "organiser", "organiser"]


async def test_a_seat_by_hand_beyond_the_capacity_raises_it(outbox):
    await hold(capacity=2)
    await seat("kim", seats=2)
    await register("toni")
    version = (await details("dialog")).version
    await by_hand("alex", seats=3)
    event = await details("dialog")
    assert (event.capacity, event.in_person_limit, event.in_person_taken) == (5, 5, 5)
    assert event.version == version + 1
    assert (await publishing.document_of("dialog")).registration.capacity == 5
    assert await status_of("toni") == WAITLISTED
    await outbox.news()


async def test_a_seat_by_hand_within_the_capacity_raises_nothing(outbox):
    await hold(capacity=2)
    before = await details("dialog")
    await by_hand("kim", seats=2)
    after = await details("dialog")
    assert (after.capacity, after.version) == (2, before.version)
    await outbox.news()


@pytest.mark.parametrize(
    ("mode", "base_mode", "attendance", "raised"),
    [
        (Mode.IN_PERSON, Mode.IN_PERSON, IN_PERSON, "capacity"),
        (Mode.HYBRID, Mode.IN_PERSON, IN_PERSON, "hybrid_capacity"),
        (Mode.HYBRID, Mode.HYBRID, IN_PERSON, "capacity"),
        (Mode.HYBRID, Mode.HYBRID, ONLINE, "digital_capacity"),
        (Mode.DIGITAL, Mode.IN_PERSON, ONLINE, "digital_capacity"),
    ],
)
async def test_the_capacity_that_counts_in_the_present_mode_is_raised(
    outbox, mode, base_mode, attendance, raised
):
    event = await hold(mode=mode, capacity=1, digital_capacity=1, hybrid_capacity=1)
    await Event.update({Event.base_mode: base_mode.value}).where(Event.id == event.id)
    await by_hand("kim", attendance=attendance, seats=2)
    after = await details("dialog")
    capacities = {name: getattr(after, name) for name in ("capacity", "digital_capacity", "hybrid_capacity")}
    assert capacities == {"capacity": 1, "digital_capacity": 1, "hybrid_capacity": 1, raised: 2}
    await outbox.news()


async def test_by_hand_nobody_gets_into_a_cancelled_event_or_in_twice(outbox):
    await hold()
    await seat("kim")
    await outbox.news()
    with pytest.raises(Conflict):
        await by_hand("Kim", email="KIM@example.org")
    await publishing.cancel("dialog", None, None, NOW)
    assert await outbox.news() == [("event_cancelled", "kim")]
    with pytest.raises(EventCancelled):
        await register_by_hand("dialog", newcomer("toni"), (await row_of("kim")).registered_by, NOW)


async def test_two_without_an_address_are_two_people(outbox):
    await hold()
    by = await organiser()
    for _ in range(2):
        await register_by_hand("dialog", newcomer("kim", email=None), by, NOW)
    assert (await counts_by_status((await details("dialog")).id))["confirmed"] == 2


async def test_a_new_name_is_told_and_leaves_the_calendar_as_it_is(outbox):
    await hold()
    await seat("kim")
    await outbox.news()
    after = await edit("kim", name="Kim Muster")
    assert (after.name, after.sequence) == ("Kim Muster", 0)
    [letter] = await outbox.letters()
    assert letter["kind"] == "registration_changed"
    assert letter["context"]["changes"] == [{"what": "name", "before": "kim", "after": "Kim Muster"}]


async def test_an_edit_that_changes_nothing_is_told_to_nobody(outbox):
    await hold()
    await seat("kim")
    await outbox.news()
    before = await row_of("kim")
    after = await edit(
        "kim", name="kim", email="kim@example.org", language="de", attendance=IN_PERSON, seats=1, groups={}
    )
    assert after.to_dict() == before.to_dict()


async def test_a_corrected_address_gets_new_links_and_the_wrong_one_gets_none_of_them(outbox):
    await hold()
    await register("kim", email="wrong@example.org")
    before = await row_of("kim")
    after = await edit("kim", email="Kim@Example.org")
    assert (after.email, after.address) == ("Kim@Example.org", "kim@example.org")
    for link in ("confirm_nonce", "own_nonce", "join_nonce"):
        assert getattr(after, link) != getattr(before, link)
    wrong, right = await outbox.letters()
    assert (wrong["recipient"], wrong["status"]) == ("wrong@example.org", "superseded")
    assert (right["recipient"], right["status"]) == ("Kim@Example.org", "queued")
    assert (right["kind"], right["context"]["registration"]["needs_confirmation"]) == (
        "registration_changed",
        True,
    )


async def test_two_registrations_cannot_share_an_address(outbox):
    await hold()
    await register("kim")
    await register("toni")
    with pytest.raises(Conflict):
        await edit("toni", email="KIM@example.org")
    await cancel("kim")
    assert (await edit("toni", email="kim@example.org")).address == "kim@example.org"
    await outbox.news()


async def test_from_the_hall_to_online_and_the_waitlist_moves_up(outbox):
    await hold(mode=Mode.HYBRID, capacity=1, digital_capacity=1)
    await seat("kim")
    await register("toni")
    await outbox.news()
    after = await edit("kim", attendance=ONLINE)
    assert (after.attendance, after.attendance_wished, after.sequence) == ("online", "online", 1)
    event = await details("dialog")
    assert (event.in_person_taken, event.online_taken) == (1, 1)
    changed, promoted = await outbox.letters()
    assert changed["context"]["changes"] == [{"what": "attendance", "before": "in_person", "after": "online"}]
    assert (promoted["kind"], promoted["recipient_name"]) == ("promoted", "toni")


async def test_nobody_is_put_where_the_event_does_not_take_place(outbox):
    await hold()
    await seat("kim")
    await outbox.news()
    before = await row_of("kim")
    with pytest.raises(FormInvalid):
        await edit("kim", name="Kim", attendance=ONLINE)
    assert (await row_of("kim")).to_dict() == before.to_dict()


async def test_more_seats_by_hand_raise_what_is_too_small_and_fewer_let_others_in(outbox):
    await hold(capacity=2, sessions=ROUNDS, groups=(group("wohnen", "first", capacity=2),))
    await seat("kim", wishes={"first": ("wohnen",)})
    await seat("toni", wishes={"first": ("wohnen",)})
    by = await organiser()
    await editing.edit(await id_of("kim"), Edit(seats=4), by, NOW)
    event = await details("dialog")
    assert (event.capacity, event.in_person_taken) == (5, 5)
    assert (event.groups[0].capacity, event.groups[0].slots[0].taken) == (5, 5)
    await register("alex")
    await outbox.news()
    await editing.edit(await id_of("kim"), Edit(seats=1), by, NOW)
    assert await status_of("alex") == PENDING
    assert await outbox.news() == [("registration_changed", "kim"), ("promoted", "alex")]
    assert (await row_of("kim")).sequence == 0


async def test_an_edit_moves_somebody_between_groups_and_the_free_seat_goes_on(outbox):
    await hold(sessions=ROUNDS, groups=GROUPS)
    await seat("kim", wishes={"first": ("wohnen",)})
    await seat("toni", wishes={"first": ("wohnen",)})
    await outbox.news()
    after = await edit("kim", groups={"first": "arbeit"})
    assert await groups_of("kim") == {"first": "arbeit"}
    assert await groups_of("toni") == {"first": "wohnen"}
    assert (after.wishes, after.sequence) == ({"first": ["arbeit", "wohnen"]}, 1)
    mine, others = await outbox.letters()
    assert mine["context"]["changes"] == [
        {
            "what": "groups",
            "before": [{"de": "Wohnen"}],
            "after": [{"de": "Arbeit"}],
            "sessions": [{"key": "first", "before": {"de": "Wohnen"}}],
        }
    ]
    assert (others["kind"], others["recipient_name"], others["context"]["by"]) == (
        "registration_changed",
        "toni",
        "system",
    )


@pytest.mark.parametrize(
    ("mode", "raised"), [(Mode.IN_PERSON, (2, 1)), (Mode.DIGITAL, (1, 2))], ids=["in person", "digital"]
)
async def test_a_group_seat_by_hand_raises_the_capacity_that_counts(outbox, mode, raised):
    await hold(
        mode=mode, sessions=ROUNDS, groups=(group("wohnen", "first", "second", capacity=1, digital=1),)
    )
    await register("kim", wishes={"first": ("wohnen",)})
    await register("toni")
    await edit("toni", groups={"first": "wohnen"})
    found = (await details("dialog")).groups[0]
    assert (found.capacity, found.digital_capacity) == raised
    assert [slot.limit for slot in found.slots] == [2, 2]
    await rewrite(title={"de": "Neuer Titel"})
    await outbox.news()


@pytest.mark.parametrize(
    ("groups", "refusal"),
    [
        ({"first": "kultur"}, GroupUnknown),
        ({"third": "wohnen"}, GroupUnknown),
        ({"third": None}, GroupUnknown),
        ({"second": "arbeit"}, GroupUnknown),
        ({"second": "wohnen"}, Conflict),
    ],
)
async def test_a_group_that_cannot_be_is_refused_by_hand_too(outbox, groups, refusal):
    await hold(sessions=ROUNDS, groups=GROUPS)
    await seat("kim", wishes={"first": ("wohnen",)})
    await outbox.news()
    before = await rows_of(Event, GroupSlot, GroupSeat, Registration, Activity)
    with pytest.raises(refusal):
        await edit("kim", name="Kim", groups=groups)
    assert await rows_of(Event, GroupSlot, GroupSeat, Registration, Activity) == before


async def test_who_waits_is_edited_without_taking_a_seat(outbox):
    await hold(mode=Mode.HYBRID, capacity=1, digital_capacity=0, sessions=ROUNDS, groups=GROUPS)
    await seat("kim")
    await register("toni")
    await register("alex", attendance=ONLINE)
    by = await organiser()
    await outbox.news()
    await editing.edit(
        await id_of("toni"), Edit(attendance=ONLINE, seats=2, groups={"first": "wohnen"}), by, NOW
    )
    toni = await row_of("toni")
    assert (toni.status, toni.attendance, toni.seats, toni.wishes) == (
        WAITLISTED,
        "online",
        2,
        {"first": ["wohnen"]},
    )
    event = await details("dialog")
    assert (event.in_person_waiting, event.online_waiting, event.online_taken) == (0, 2, 0)
    assert await groups_of("toni") == {}
    assert [await position(await row_of(name)) for name in ("toni", "alex")] == [1, 2]
    assert await outbox.news() == [("registration_changed", "toni")]


async def test_what_has_ended_is_not_edited(outbox):
    await hold()
    await register("kim")
    await cancel("kim")
    await outbox.news()
    with pytest.raises(Conflict):
        await edit("kim", seats=2)


QUESTIONS = (
    QuestionSpec(preset="organisation", required=True),
    QuestionSpec(preset="food"),
    QuestionSpec(preset="photo"),
)


async def test_answers_and_language_are_kept_without_a_mail(outbox):
    await hold(questions=QUESTIONS)
    await seat("kim", answers={"organisation": "Chor", "food": ["vegan"]})
    await outbox.news()
    after = await edit("kim", language="en", answers={"organisation": "Verein"})
    assert (after.language, after.answers) == ("en", {"organisation": "Verein"})
    assert after.special_answers == {"food": ["vegan"]}
    after = await edit("kim", answers={"organisation": None, "food": []})
    assert (after.answers, after.special_answers) == ({}, {})


async def test_by_hand_no_answer_is_required_but_each_must_fit(outbox):
    await hold(questions=QUESTIONS)
    with pytest.raises(FormInvalid) as refused:
        await by_hand("kim", answers={"organisation": 3, "shoe": "42"}, consents={"food": True})
    assert refused.value.errors == [
        ("answers.organisation", "invalid"),
        ("answers.shoe", "unknown"),
        ("consents.food", "unknown"),
    ]
    kim = await by_hand("kim", email=None)
    assert (kim.answers, kim.special_answers) == ({}, {})
    with pytest.raises(FormInvalid) as refused:
        await edit("kim", answers={"photo": True})
    assert refused.value.errors == [("answers.photo", "unknown")]


async def test_answers_and_consents_by_hand_are_kept_as_from_the_page(outbox):
    await hold(questions=QUESTIONS)
    answers = {"organisation": "Chor", "food": ["vegan", "halal"]}
    kim = await by_hand("kim", email=None, answers=answers, consents={"photo": True})
    assert (kim.answers, kim.special_answers) == ({"organisation": "Chor"}, {"food": ["vegan", "halal"]})
    ((key, consent),) = (await standing_consents([kim.id]))[kim.id].items()
    assert (key, consent.language, consent.given_at, consent.withdrawn_at) == ("photo", "de", NOW, None)


async def test_answers_to_a_question_that_goes_are_out_of_sight_and_not_lost(outbox):
    before = await hold(questions=QUESTIONS)
    await seat("kim", answers={"organisation": "Chor", "food": ["vegan"]})
    await outbox.news()
    after = await rewrite(questions=(QuestionSpec(key="bus", type="yes_no", label={"de": "Bus?"}),))
    kim = await edit("kim", answers={"bus": True})
    assert kim.answers == {"organisation": "Chor", "bus": True}
    assert kim.special_answers == {"food": ["vegan"]}
    assert visible(questions_of(after), kim.answers, kim.special_answers) == ({"bus": True}, {})
    assert visible(questions_of(before), kim.answers, kim.special_answers) == (
        {"organisation": "Chor"},
        {"food": ["vegan"]},
    )
