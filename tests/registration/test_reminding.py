"""Reminders as they fall due: each person gets each once per date of the event, and only what lies ahead."""

import asyncio
from datetime import datetime, timedelta

import pytest

from dialograum import publishing
from events.rules import Mode
from notifications.tables import Message
from registration import reminding
from registration.reminders import ReminderSpec
from registration.tables import Reminder
from tests.registration.town import (
    DAY,
    HOUR,
    NOW,
    ROUNDS,
    SECOND,
    STARTS_AT,
    cancel,
    confirm,
    group,
    hold,
    register,
    rewrite,
    row_of,
    seat,
    watched,
)

outbox = pytest.fixture(watched)

WEEK_BEFORE, DAY_BEFORE = STARTS_AT - 7 * DAY, STARTS_AT - DAY


async def look(now):
    """What every worker does every few seconds."""
    for event_id in await reminding.events_to_remind(now):
        await reminding.remind(event_id, now)


async def test_each_person_gets_each_reminder_once(outbox):
    await hold()
    await seat("kim")
    await seat("toni")
    await outbox.news()
    for now in (WEEK_BEFORE - SECOND, WEEK_BEFORE, WEEK_BEFORE + SECOND, DAY_BEFORE - SECOND):
        await look(now)
    assert sorted(await outbox.news()) == [("reminder", "kim"), ("reminder", "toni")]
    await look(DAY_BEFORE)
    await look(DAY_BEFORE + HOUR)
    assert sorted(await outbox.news()) == [("reminder", "kim"), ("reminder", "toni")]
    await look(STARTS_AT + DAY)


async def test_two_workers_at_once_remind_once(outbox):
    await hold(capacity=None)
    for number in range(20):
        await seat(f"guest-{number}")
    await outbox.news()
    (event_id,) = await reminding.events_to_remind(WEEK_BEFORE)
    await asyncio.gather(*(reminding.remind(event_id, WEEK_BEFORE) for _ in range(4)))
    assert len(await outbox.news()) == 20


async def test_a_latecomer_gets_only_what_still_lies_ahead(outbox):
    await hold(closes_at=None)
    await seat("early")
    await register("late", WEEK_BEFORE - HOUR)
    await confirm("late", WEEK_BEFORE + SECOND)
    await outbox.news()
    await look(WEEK_BEFORE + 2 * SECOND)
    assert await outbox.news() == [("reminder", "early")]
    await look(DAY_BEFORE)
    assert sorted(await outbox.news()) == [("reminder", "early"), ("reminder", "late")]


async def test_who_moves_up_gets_only_what_still_lies_ahead(outbox):
    await hold(capacity=1)
    await seat("kim")
    await register("toni")
    await confirm("toni")
    await look(WEEK_BEFORE)
    await cancel("kim", WEEK_BEFORE + HOUR)
    await outbox.news()
    await look(WEEK_BEFORE + 2 * HOUR)
    assert await outbox.news() == []
    await look(DAY_BEFORE)
    assert await outbox.news() == [("reminder", "toni")]


async def test_after_a_long_stop_only_the_latest_comes(outbox):
    await hold()
    await seat("kim")
    await outbox.news()
    await look(DAY_BEFORE + HOUR)
    assert await outbox.news() == [("reminder", "kim")]
    assert await Reminder.count() == 2
    await look(DAY_BEFORE + 2 * HOUR)


async def test_a_cancelled_event_reminds_nobody(outbox):
    await hold()
    await seat("kim")
    await outbox.news()
    await publishing.cancel("dialog", None, None, NOW)
    await outbox.news()
    await look(WEEK_BEFORE)
    assert await outbox.news() == []


async def test_an_event_moved_by_a_day_reminds_again_and_by_less_does_not(outbox):
    await hold()
    await seat("kim")
    await look(DAY_BEFORE)
    await outbox.news()
    await rewrite(
        now=DAY_BEFORE + HOUR, starts_at=datetime(2022, 11, 18, 18), ends_at=datetime(2022, 11, 18, 21)
    )
    await outbox.news()
    await look(DAY_BEFORE + 3 * HOUR)
    assert await outbox.news() == []
    await rewrite(
        now=DAY_BEFORE + 4 * HOUR, starts_at=datetime(2022, 11, 25, 16), ends_at=datetime(2022, 11, 25, 19)
    )
    await outbox.news()
    await look(DAY_BEFORE + 5 * HOUR)
    assert await outbox.news() == []  # a week before the new date was before it was known
    await look(DAY_BEFORE + 7 * DAY)
    assert await outbox.news() == [("reminder", "kim")]


@pytest.mark.parametrize(("later", "expected"), [(DAY - SECOND, []), (DAY, [("reminder", "kim")])])
async def test_an_event_that_moves_by_less_than_a_day_keeps_its_date(outbox, later, expected):
    await hold()
    await seat("kim")
    await look(DAY_BEFORE)
    await outbox.news()
    starts_at = datetime(2022, 11, 18, 16) + later
    await rewrite(now=DAY_BEFORE + HOUR, starts_at=starts_at, ends_at=starts_at + 3 * HOUR)
    await outbox.news()
    await look(DAY_BEFORE + later)
    assert await outbox.news() == expected


async def test_an_event_that_is_brought_forward_reminds_only_of_what_lies_ahead(outbox):
    await hold()
    await seat("kim")
    await rewrite(
        closes_at=datetime(2022, 11, 3, 12),
        starts_at=datetime(2022, 11, 4, 16),
        ends_at=datetime(2022, 11, 4, 19),
    )
    await outbox.news()
    await look(NOW + HOUR)
    assert await outbox.news() == []
    await look(datetime(2022, 11, 3, 15, tzinfo=NOW.tzinfo))
    assert await outbox.news() == [("reminder", "kim")]


async def test_a_reminder_reaches_its_audience_alone(outbox):
    await hold(
        mode=Mode.HYBRID,
        digital_capacity=10,
        sessions=ROUNDS,
        groups=(group("a", "first"), group("b", "first")),
        reminders=(
            ReminderSpec(before="5 days", audience="in_person"),
            ReminderSpec(before="4 days", audience="online"),
            ReminderSpec(before="3 days", audience="group:a"),
            ReminderSpec(before="17 days", audience="unconfirmed", text={"de": "Eins\nZwei"}),
        ),
    )
    await seat("hall", wishes={"first": ("a",)})
    await seat("screen", attendance="online", wishes={"first": ("b",)})
    await register("slow")
    await outbox.news()
    for days, expected in ((17, ["slow"]), (5, ["hall"]), (4, ["screen"]), (3, ["hall"])):
        await look(STARTS_AT - days * DAY)
        assert [name for _, name in await outbox.news()] == expected


@pytest.mark.parametrize(
    ("hold_hours", "after"), [(24, 18 * HOUR), (2, 1.5 * HOUR), (96, 72 * HOUR), (1, None)]
)
async def test_a_quarter_of_the_time_is_left_where_there_was_much_of_it(outbox, hold_hours, after):
    await hold(hold_hours=hold_hours)
    await register("kim")
    await outbox.news()
    if after is None:
        await look(NOW + hold_hours * HOUR - SECOND)
        assert await outbox.news() == []
    else:
        await look(NOW + after - SECOND)
        assert await outbox.news() == []
        await look(NOW + after)
        assert await outbox.news() == [("confirm_soon", "kim")]


async def test_the_unconfirmed_hear_that_their_seat_is_given_back_soon_once_per_hold(outbox):
    await hold()
    await register("kim")
    await seat("toni")
    await outbox.news()
    held_until = (await row_of("kim")).held_until
    assert held_until == NOW + DAY
    await look(NOW + timedelta(hours=18) - SECOND)
    assert await outbox.news() == []
    for hours in (18, 19, 23):
        await look(NOW + timedelta(hours=hours))
    assert await outbox.news() == [("confirm_soon", "kim")]


async def test_those_online_get_their_link_an_hour_before_and_no_second_mail_with_it(outbox):
    await hold(
        mode=Mode.HYBRID,
        digital_capacity=10,
        reminders=(ReminderSpec(before="1 hour"), ReminderSpec(before="7 days")),
    )
    await seat("hall")
    await seat("screen", attendance="online")
    await outbox.news()
    await look(STARTS_AT - HOUR)
    assert sorted(await outbox.news()) == [("reminder", "hall"), ("starts_soon", "screen")]


async def test_thanks_go_to_those_who_took_part(outbox):
    await hold(reminders=(ReminderSpec(after="1 day", text={"de": "Die Dokumentation steht bereit."}),))
    await seat("kim")
    await seat("gone")
    await cancel("gone")
    await outbox.news()
    await look(STARTS_AT + 27 * HOUR - SECOND)
    assert await outbox.news() == []
    await look(STARTS_AT + 27 * HOUR)
    letters = await outbox.letters()
    assert [(letter["kind"], letter["recipient_name"]) for letter in letters] == [("thanks", "kim")]
    assert letters[0]["context"]["reminder"] == {"text": {"de": ["Die Dokumentation steht bereit."]}}


async def test_a_reminder_that_could_not_leave_in_time_is_withdrawn(outbox):
    await hold()
    await seat("kim")
    await outbox.news()
    await look(DAY_BEFORE)
    for now, status in ((STARTS_AT - SECOND, "queued"), (STARTS_AT, "superseded")):
        await reminding.withdraw_late(now)
        rows = await Message.select(Message.status).where(Message.kind == "reminder")
        assert [row["status"] for row in rows] == [status]
    await outbox.news()


async def test_a_change_makes_a_queued_reminder_wrong(outbox):
    await hold()
    await seat("kim")
    await outbox.news()
    await look(DAY_BEFORE)
    await rewrite(now=DAY_BEFORE, starts_at=datetime(2022, 11, 18, 17), ends_at=datetime(2022, 11, 18, 20))
    rows = await Message.select(Message.kind, Message.status).order_by(Message.created_at)
    assert [(row["kind"], row["status"]) for row in rows[-2:]] == [
        ("reminder", "superseded"),
        ("event_changed", "queued"),
    ]
    await outbox.news()


async def test_many_people_are_reminded_in_parts(outbox, monkeypatch):
    monkeypatch.setattr(reminding, "AT_ONCE", 3)
    await hold(capacity=None)
    for number in range(7):
        await seat(f"guest-{number}")
    await outbox.news()
    await look(WEEK_BEFORE)
    assert len(await outbox.news()) == 7
