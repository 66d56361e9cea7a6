"""Registering, confirming, lapsing and cancelling, one after the other and at once."""

import asyncio
import re
from collections import Counter
from uuid import uuid4

import msgspec
import pytest

from dialograum import publishing
from events.errors import Conflict, EventCancelled, EventUnknown, FormInvalid
from events.queries import details
from events.rules import Attendance, EventStatus, Mode
from events.tables import Activity, Event, GroupSlot
from notifications.tables import Message
from registration import actions
from registration.decisions import Outcome
from registration.errors import (
    EventFull,
    GroupUnknown,
    RegistrationClosed,
    RegistrationNotOpen,
    RegistrationUnknown,
)
from registration.queries import events_with_lapsed_holds, is_invited, position
from registration.questions import QuestionSpec
from registration.tables import GroupSeat, IdempotencyKey, Registration
from tests.registration.town import (
    CANCELLED,
    CLOSES_AT,
    CONFIRMED,
    DAY,
    EXPIRED,
    HOUR,
    NOW,
    PENDING,
    ROUNDS,
    SECOND,
    STARTS_AT,
    WAITLISTED,
    cancel,
    confirm,
    group,
    hold,
    register,
    rewrite,
    row_of,
    rows_of,
    seat,
    status_of,
)

IN_PERSON, ONLINE = Attendance
OPENS_AT = NOW.replace(month=10, day=17, hour=7)


# Registering


async def test_a_newcomer_holds_a_seat_until_the_address_is_confirmed(outbox):
    await hold(questions=(QuestionSpec(key="food", type="text", label={"de": "Essen"}),))
    assert await register("kim", seats=2, answers={"food": "none"}) == Outcome(PENDING, {}, NOW + DAY)
    row = await row_of("kim")
    assert (row.status, row.attendance, row.seats) == (PENDING, "in_person", 2)
    assert (row.held_until, row.registered_at, row.confirmed_at) == (NOW + DAY, NOW, None)
    assert (row.email, row.address, row.language) == ("kim@example.org", "kim@example.org", "de")
    assert (row.answers, row.wishes, row.sequence) == ({"food": "none"}, {}, 0)
    assert re.fullmatch(r"[2-9A-Z]{4}-[2-9A-Z]{4}", row.number)
    assert len({row.confirm_nonce, row.own_nonce, row.join_nonce}) == 3
    assert (await details("dialog")).seats_left(IN_PERSON) == 8
    [letter] = await outbox.letters()
    assert (letter["kind"], letter["recipient"], letter["about"]) == ("confirm", "kim@example.org", row.id)
    facts = letter["context"]["registration"]
    assert (facts["needs_confirmation"], facts["held_until_local"]) == (True, "2022-11-02T13:00")


async def test_whoever_confirms_has_a_certain_place(outbox):
    await hold()
    await register("kim")
    assert await confirm("kim", NOW + HOUR) == CONFIRMED
    row = await row_of("kim")
    assert (row.held_until, row.confirmed_at) == (None, NOW + HOUR)
    assert await is_invited(row.id)
    assert await outbox.news() == [("confirm", "kim"), ("confirmed", "kim")]


async def test_confirming_twice_is_confirming_once(outbox):
    await hold()
    await seat("kim")
    assert await confirm("kim", NOW + HOUR) == CONFIRMED
    assert (await row_of("kim")).confirmed_at == NOW
    assert await outbox.news() == [("confirm", "kim"), ("confirmed", "kim")]


async def test_where_no_address_is_asked_to_be_confirmed_nobody_is_pending(outbox):
    await hold(capacity=1, confirm_email=False)
    assert await register("kim") == Outcome(CONFIRMED, {}, None)
    assert await register("toni") == Outcome(WAITLISTED, {}, None)
    await cancel("kim")
    assert await status_of("toni") == CONFIRMED
    assert await outbox.news() == [
        ("confirmed", "kim"),
        ("waitlisted", "toni"),
        ("registration_cancelled", "kim"),
        ("promoted", "toni"),
    ]


async def test_who_finds_no_seat_waits_in_order_of_arrival(outbox):
    await hold(capacity=1)
    outcomes = [(await register(name)).status for name in ("kim", "toni", "alex")]
    assert outcomes == [PENDING, WAITLISTED, WAITLISTED]
    assert [await position(await row_of(name)) for name in ("kim", "toni", "alex")] == [None, 1, 2]
    letters = await outbox.letters()
    assert [letter["kind"] for letter in letters] == ["confirm", "waitlisted", "waitlisted"]
    assert [letter["context"]["registration"]["position"] for letter in letters] == [None, 1, 2]
    assert (await details("dialog")).seats_left(IN_PERSON) == 0


async def test_without_a_waitlist_a_full_event_refuses(outbox):
    await hold(capacity=1, waitlist=False)
    await register("kim")
    with pytest.raises(EventFull):
        await register("toni")
    assert await outbox.news() == [("confirm", "kim")]


async def test_a_family_gets_all_its_seats_or_waits_and_newcomers_wait_behind_it(outbox):
    await hold(capacity=3)
    await register("kim")
    assert (await register("family", seats=3)).status == WAITLISTED
    assert (await register("toni")).status == WAITLISTED
    event = await details("dialog")
    assert (event.in_person_taken, event.in_person_waiting, event.seats_left(IN_PERSON)) == (1, 2, 0)
    assert await outbox.news() == [("confirm", "kim"), ("waitlisted", "family"), ("waitlisted", "toni")]


async def test_an_event_without_a_limit_takes_everybody(outbox):
    await hold(capacity=None)
    assert [(await register(name, seats=6)).status for name in ("kim", "toni")] == [PENDING, PENDING]
    assert (await details("dialog")).seats_left(IN_PERSON) is None
    assert len(await outbox.news()) == 2


async def test_the_hall_and_online_count_apart(outbox):
    await hold(mode=Mode.HYBRID, capacity=1, digital_capacity=1)
    for attendance, expected in [
        (None, PENDING),
        (IN_PERSON, WAITLISTED),
        (ONLINE, PENDING),
        (ONLINE, WAITLISTED),
    ]:
        name = f"{attendance}-{expected}"
        assert (await register(name, attendance=attendance)).status == expected
    event = await details("dialog")
    assert (event.in_person_taken, event.online_taken) == (1, 1)
    assert (event.in_person_waiting, event.online_waiting) == (1, 1)
    await cancel("None-pending")
    assert await status_of("in_person-waitlisted") == PENDING
    assert await status_of("online-waitlisted") == WAITLISTED
    assert len(await outbox.news()) == 6


@pytest.mark.parametrize(
    ("changes", "now", "values", "refusal"),
    [
        ({}, OPENS_AT - SECOND, {}, RegistrationNotOpen),
        ({}, CLOSES_AT, {}, RegistrationClosed),
        ({}, STARTS_AT + DAY, {}, RegistrationClosed),
        ({"closes_at": None}, STARTS_AT, {}, RegistrationClosed),
        ({"status": EventStatus.DRAFT}, NOW, {}, EventUnknown),
        ({"status": EventStatus.CANCELLED}, NOW, {}, EventCancelled),
        ({}, NOW, {"slug": "party"}, EventUnknown),
        ({}, NOW, {"wishes": {"first": ["kultur"]}}, GroupUnknown),
        ({}, NOW, {"wishes": {"second": ["wohnen"]}}, GroupUnknown),
        ({}, NOW, {"attendance": ONLINE}, FormInvalid),
        ({"mode": Mode.DIGITAL}, NOW, {"attendance": IN_PERSON}, FormInvalid),
    ],
)
async def test_who_is_refused_leaves_no_trace(outbox, changes, now, values, refusal):
    await hold(sessions=ROUNDS, groups=(group("wohnen", "first"),), **changes)
    before = await rows_of(Event, Registration, IdempotencyKey)
    with pytest.raises(refusal):
        await register("kim", now, key="once", **values)
    assert await rows_of(Event, Registration, IdempotencyKey) == before


@pytest.mark.parametrize(
    ("changes", "now", "expected"),
    [
        ({}, OPENS_AT, PENDING),
        ({}, CLOSES_AT - SECOND, PENDING),
        ({"closes_at": None}, STARTS_AT - SECOND, PENDING),
    ],
)
async def test_registration_is_open_from_its_first_moment_to_its_last(outbox, changes, now, expected):
    await hold(**changes)
    assert (await register("kim", now)).status == expected
    assert await outbox.news() == [("confirm", "kim")]


# Known addresses


@pytest.mark.parametrize("known_as", [PENDING, CONFIRMED, WAITLISTED])
@pytest.mark.parametrize("email", ["kim@example.org", "Kim@Example.ORG"])
async def test_a_known_address_gets_a_mail_and_nothing_else_happens(outbox, known_as, email):
    await hold(capacity=2, sessions=ROUNDS, groups=(group("wohnen", "first", capacity=1),))
    if known_as == WAITLISTED:
        await register("full", seats=2)
    await register("kim")
    if known_as == CONFIRMED:
        await confirm("kim")
    await outbox.news()
    before = await rows_of(Event, GroupSlot, GroupSeat, Registration, Activity)
    told = await register("stranger", email=email, wishes={"first": ["wohnen"]}, seats=2)
    assert await rows_of(Event, GroupSlot, GroupSeat, Registration, Activity) == before
    [letter] = await outbox.letters()
    assert (letter["kind"], letter["recipient"]) == ("already_registered", "kim@example.org")
    assert letter["recipient_name"] == "kim"
    assert letter["context"]["registration"]["status"] == known_as
    assert told == await register("other", wishes={"first": ["wohnen"]}, seats=2)
    await outbox.news()


async def test_what_a_known_address_is_answered_follows_the_event_as_it_stands(outbox):
    await hold(capacity=2)
    await seat("kim")
    assert (await register("kim")).status == PENDING
    await register("toni")
    assert (await register("kim")).status == WAITLISTED
    await rewrite(waitlist=False)
    with pytest.raises(EventFull):
        await register("kim")
    kinds = Counter(kind for kind, _ in await outbox.news())
    assert kinds == {"confirm": 2, "confirmed": 1, "already_registered": 2}


@pytest.mark.parametrize("ended_as", [CANCELLED, EXPIRED])
async def test_whoever_comes_again_begins_anew(outbox, ended_as):
    await hold(capacity=1)
    await register("kim")
    first = await row_of("kim")
    await register("toni")
    if ended_as == CANCELLED:
        await cancel("kim")
    else:
        assert await confirm("kim", NOW + DAY) == EXPIRED
    assert (await register("kim", NOW + DAY)).status == WAITLISTED
    second = await row_of("kim")
    assert second.id != first.id
    assert second.arrival > (await row_of("toni")).arrival > first.arrival
    nonces = {row.confirm_nonce for row in (first, second)} | {row.own_nonce for row in (first, second)}
    assert len(nonces) == 4
    assert first.number != second.number
    assert len(await outbox.news()) == 5


# Idempotency keys


async def test_a_repeated_request_gets_the_first_answer_and_writes_nothing(outbox):
    await hold(capacity=1, sessions=ROUNDS, groups=(group("wohnen", "first"),))
    first = await register("kim", key="once", wishes={"first": ["wohnen"]})
    assert first == Outcome(PENDING, {"first": "wohnen"}, NOW + DAY)
    before = await rows_of(Event, GroupSeat, Registration, IdempotencyKey, Message)
    later = await register("kim", NOW + HOUR, key="once", wishes={"first": ["wohnen"]})
    closed = await register("kim", CLOSES_AT, key="once", wishes={"first": ["wohnen"]})
    assert first == later == closed
    assert await rows_of(Event, GroupSeat, Registration, IdempotencyKey, Message) == before
    assert await outbox.news() == [("confirm", "kim")]


async def test_one_key_for_two_requests_is_a_conflict(outbox):
    await hold()
    await register("kim", key="once")
    with pytest.raises(Conflict):
        await register("kim", key="once", seats=2)
    assert await outbox.news() == [("confirm", "kim")]


async def test_a_key_counts_for_its_event_and_address_alone(outbox):
    await hold()
    await hold(slug="party")
    for name, slug in [("kim", "dialog"), ("toni", "dialog"), ("kim", "party")]:
        assert (await register(name, slug=slug, key="once")).status == PENDING
    assert await outbox.news() == [("confirm", "kim"), ("confirm", "toni"), ("confirm", "kim")]


async def test_a_known_address_is_written_once_under_a_key(outbox):
    await hold()
    await seat("kim")
    await outbox.news()
    answers = {msgspec.json.encode(await register("kim", NOW + n * HOUR, key="again")) for n in range(3)}
    assert len(answers) == 1
    assert await outbox.news() == [("already_registered", "kim")]


@pytest.mark.parametrize("key", ["", "x" * 20_000, "\0", "ключ\n", "'; DROP TABLE event; --"])
async def test_a_key_may_be_any_text(outbox, key):
    await hold()
    assert await register("kim", key=key) == await register("kim", NOW + HOUR, key=key)
    assert await outbox.news() == [("confirm", "kim")]


# Confirming and lapsing


@pytest.mark.parametrize(
    ("after", "status", "news"),
    [(DAY - SECOND, CONFIRMED, "confirmed"), (DAY, EXPIRED, "expired"), (DAY + SECOND, EXPIRED, "expired")],
)
async def test_a_seat_is_held_for_a_day(outbox, after, status, news):
    await hold()
    await register("kim")
    assert await confirm("kim", NOW + after) == status
    assert (await details("dialog")).in_person_taken == (1 if status == CONFIRMED else 0)
    assert await outbox.news() == [("confirm", "kim"), (news, "kim")]


async def test_a_seat_not_confirmed_in_time_goes_to_the_next_who_waits(outbox):
    await hold(capacity=1)
    await register("kim")
    await register("toni")
    event_id = (await details("dialog")).id
    just_before, then = NOW + DAY - SECOND, NOW + DAY
    assert await events_with_lapsed_holds(just_before) == []
    assert await actions.expire_lapsed_holds(event_id, just_before) == 0
    assert await events_with_lapsed_holds(then) == [event_id]
    assert await actions.expire_lapsed_holds(event_id, then) == 1
    assert await actions.expire_lapsed_holds(event_id, then) == 0
    kim = await row_of("kim")
    assert (kim.status, kim.held_until, kim.ended_at) == (EXPIRED, None, then)
    toni = await row_of("toni")
    assert (toni.status, toni.held_until) == (PENDING, then + DAY)
    assert await outbox.news() == [
        ("confirm", "kim"),
        ("waitlisted", "toni"),
        ("expired", "kim"),
        ("promoted", "toni"),
    ]


async def test_who_confirmed_while_waiting_has_the_place_at_once_when_it_comes(outbox):
    await hold(capacity=1)
    await register("kim")
    await register("toni")
    assert await confirm("toni") == WAITLISTED
    assert await confirm("toni", NOW + HOUR) == WAITLISTED
    await cancel("kim", NOW + HOUR)
    toni = await row_of("toni")
    assert (toni.status, toni.confirmed_at, toni.held_until) == (CONFIRMED, NOW, None)
    letters = await outbox.letters()
    assert [(letter["kind"], letter["recipient_name"]) for letter in letters] == [
        ("confirm", "kim"),
        ("waitlisted", "toni"),
        ("registration_cancelled", "kim"),
        ("promoted", "toni"),
    ]
    assert not letters[-1]["context"]["registration"]["needs_confirmation"]


async def test_who_moves_up_unconfirmed_has_a_new_hold_which_may_lapse_too(outbox):
    await hold(capacity=1)
    for name in ("kim", "toni", "alex"):
        await register(name)
    event_id = (await details("dialog")).id
    await actions.expire_lapsed_holds(event_id, NOW + DAY)
    await actions.expire_lapsed_holds(event_id, NOW + 2 * DAY)
    assert [await status_of(name) for name in ("kim", "toni", "alex")] == [EXPIRED, EXPIRED, PENDING]
    assert await confirm("alex", NOW + 2 * DAY + HOUR) == CONFIRMED
    assert (await outbox.news())[3:] == [
        ("expired", "kim"),
        ("promoted", "toni"),
        ("expired", "toni"),
        ("promoted", "alex"),
        ("confirmed", "alex"),
    ]


@pytest.mark.parametrize("ended_as", [CANCELLED, EXPIRED])
async def test_what_has_ended_cannot_be_confirmed(outbox, ended_as):
    await hold()
    await register("kim")
    if ended_as == CANCELLED:
        await cancel("kim")
    else:
        await confirm("kim", NOW + DAY)
    await outbox.news()
    assert await confirm("kim") == ended_as
    assert await cancel("kim") == ended_as


async def test_nobody_confirms_or_cancels_what_is_not_there(outbox):
    for action in (actions.confirm, actions.cancel):
        with pytest.raises(RegistrationUnknown):
            await action(uuid4(), NOW)


# Cancelling


async def test_a_place_given_back_goes_to_the_first_who_waits(outbox):
    await hold(capacity=1)
    await seat("kim")
    await register("toni")
    await register("alex")
    await outbox.news()
    assert await cancel("kim", NOW + HOUR) == CANCELLED
    assert await cancel("kim", NOW + 2 * HOUR) == CANCELLED
    kim = await row_of("kim")
    assert (kim.ended_at, kim.sequence) == (NOW + HOUR, 1)
    assert [await status_of(name) for name in ("toni", "alex")] == [PENDING, WAITLISTED]
    assert await position(await row_of("alex")) == 1
    farewell, promotion = await outbox.letters()
    assert (farewell["kind"], farewell["context"]["by"]) == ("registration_cancelled", "self")
    assert farewell["context"]["registration"]["invited"]
    assert farewell["context"]["registration"]["sequence"] == 1
    assert (promotion["kind"], promotion["recipient_name"]) == ("promoted", "toni")


async def test_who_never_had_a_calendar_entry_gets_none_removed(outbox):
    await hold()
    await register("kim")
    await cancel("kim")
    assert not (await outbox.letters())[-1]["context"]["registration"]["invited"]


# What is queued and no longer true


async def test_a_queued_message_that_a_later_one_makes_wrong_is_superseded(outbox):
    await hold(capacity=1)
    await register("kim")
    await register("toni")
    await cancel("kim")
    await confirm("toni")
    letters = [(row["kind"], row["recipient_name"], row["status"]) for row in await outbox.letters()]
    assert letters == [
        ("confirm", "kim", "superseded"),
        ("waitlisted", "toni", "superseded"),
        ("registration_cancelled", "kim", "queued"),
        ("promoted", "toni", "superseded"),
        ("confirmed", "toni", "queued"),
    ]


# At once


async def test_of_a_dozen_at_once_one_gets_the_last_seat_twenty_times(outbox):
    await hold(capacity=3, waitlist=False)
    await register("kim", seats=2)
    for turn in range(20):
        answers = await asyncio.gather(
            *(register(f"p{turn}-{number}") for number in range(12)), return_exceptions=True
        )
        assert Counter(map(type, answers)) == {Outcome: 1, EventFull: 11}
        [winner] = await Registration.select(Registration.name).where(
            (Registration.status == PENDING.value) & (Registration.name != "kim")
        )
        await cancel(winner["name"])
    assert Counter(kind for kind, _ in await outbox.news()) == {"confirm": 21, "registration_cancelled": 20}


async def test_of_fifty_at_once_those_without_a_seat_wait_in_order_of_arrival(outbox):
    await hold(capacity=5)
    answers = await asyncio.gather(*(register(f"p{number}") for number in range(50)))
    assert Counter(answer.status for answer in answers) == {PENDING: 5, WAITLISTED: 45}
    rows = await Registration.objects().order_by(Registration.arrival)
    assert [row.status for row in rows] == [PENDING] * 5 + [WAITLISTED] * 45
    letters = {row["about"]: row for row in await outbox.letters()}
    positions = [letters[row.id]["context"]["registration"]["position"] for row in rows]
    assert positions == [None] * 5 + list(range(1, 46))


async def test_one_address_at_once_is_one_registration(outbox):
    await hold()
    answers = await asyncio.gather(*(register("kim") for _ in range(8)))
    assert {answer.status for answer in answers} == {PENDING}
    assert Counter(kind for kind, _ in await outbox.news()) == {"confirm": 1, "already_registered": 7}


async def test_one_key_at_once_is_one_answer(outbox):
    await hold(capacity=1)
    answers = await asyncio.gather(*(register("kim", key="once") for _ in range(8)))
    assert answers == [Outcome(PENDING, {}, NOW + DAY)] * 8
    assert await outbox.news() == [("confirm", "kim")]


async def test_confirming_and_cancelling_at_once_ends_cancelled(outbox):
    await hold(capacity=1)
    for turn in range(6):
        await register(f"kim{turn}")
        await asyncio.gather(
            *(action(f"kim{turn}") for action in (confirm, cancel, confirm, cancel)),
        )
        assert await status_of(f"kim{turn}") == CANCELLED
        kinds = [kind for kind, _ in await outbox.news()]
        assert kinds in (
            ["confirm", "registration_cancelled"],
            ["confirm", "confirmed", "registration_cancelled"],
        )


async def test_confirming_at_the_last_moment_against_the_lapse_is_one_or_the_other(outbox):
    event = await hold(capacity=1)
    for turn in range(6):
        at = NOW + turn * DAY / 4
        name = f"kim{turn}"
        await register(name, at)
        held = (await row_of(name)).held_until
        await asyncio.gather(
            confirm(name, held - SECOND),
            actions.expire_lapsed_holds(event.id, held),
            confirm(name, held - SECOND),
        )
        status = await status_of(name)
        assert [kind for kind, _ in await outbox.news()] == ["confirm", status]
        if status == CONFIRMED:
            await cancel(name)
            await outbox.news()


async def test_two_places_given_back_at_once_are_two_places(outbox):
    await hold(capacity=2)
    for name in ("kim", "toni", "alex", "sascha", "robin"):
        await register(name)
    await asyncio.gather(cancel("kim"), cancel("toni"), cancel("kim"), cancel("toni"))
    assert [await status_of(name) for name in ("alex", "sascha", "robin")] == [PENDING, PENDING, WAITLISTED]
    news = Counter(await outbox.news())
    assert (news["promoted", "alex"], news["promoted", "sascha"], news["promoted", "robin"]) == (1, 1, 0)


async def test_registering_while_the_event_is_cancelled_leaves_nobody_untold(outbox):
    await hold(capacity=None)
    answers = await asyncio.gather(
        *(register(f"p{number}") for number in range(4)),
        publishing.cancel("dialog", "Sturm", None, NOW),
        *(register(f"q{number}") for number in range(8)),
        return_exceptions=True,
    )
    registered = sum(isinstance(answer, Outcome) for answer in answers)
    assert sum(isinstance(answer, EventCancelled) for answer in answers) == 12 - registered
    assert Counter(kind for kind, _ in await outbox.news()) == Counter(
        {"confirm": registered, "event_cancelled": registered}
    )


async def test_a_capacity_lowered_while_people_register_is_never_below_what_is_held(outbox):
    await hold(capacity=6)
    await asyncio.gather(
        *(register(f"p{number}") for number in range(4)),
        rewrite(capacity=2),
        *(register(f"q{number}") for number in range(4)),
        return_exceptions=True,
    )
    event = await details("dialog")
    assert event.capacity in (2, 6)
    assert event.in_person_taken == event.capacity
    assert len(await outbox.news()) == 8


async def test_the_last_group_seat_is_one_seat_too(outbox):
    await hold(sessions=ROUNDS, groups=(group("wohnen", "first", capacity=1),))
    answers = await asyncio.gather(
        *(register(f"p{number}", wishes={"first": ("wohnen",)}) for number in range(10))
    )
    assert Counter(answer.groups["first"] for answer in answers) == {"wohnen": 1, None: 9}
    assert {answer.status for answer in answers} == {PENDING}
    await outbox.news()
