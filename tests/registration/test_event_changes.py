"""What a change of the event does to those registered, where programme or times clash with what they have."""

from datetime import datetime

import pytest

from tests.registration.town import (
    CONFIRMED,
    EXPIRED,
    GROUPS,
    NOW,
    PENDING,
    ROUNDS,
    confirm,
    groups_of,
    hold,
    register,
    rewrite,
    row_of,
    seat,
    session,
    status_of,
    watched,
)

outbox = pytest.fixture(watched)

BOTH = {"first": ("wohnen",), "second": ("bildung",)}


async def test_of_two_groups_that_come_to_overlap_the_earlier_is_kept_and_the_person_is_told(outbox):
    await hold(sessions=ROUNDS, groups=GROUPS)
    await seat("kim", wishes=BOTH)
    await seat("toni", wishes={"first": ("arbeit",)})
    await outbox.news()
    await rewrite(sessions=(ROUNDS[0], session("second", "17:29", "18:30")))
    assert await groups_of("kim") == {"first": "wohnen"}
    assert await groups_of("toni") == {"first": "arbeit"}
    assert (await row_of("kim")).sequence == 1
    letters = {letter["recipient_name"]: letter for letter in await outbox.letters()}
    changes = {name: [change["what"] for change in letters[name]["context"]["changes"]] for name in letters}
    assert changes == {"kim": ["programme", "groups"], "toni": ["programme"]}


async def test_groups_that_only_touch_are_both_kept(outbox):
    await hold(sessions=ROUNDS, groups=GROUPS)
    await seat("kim", wishes=BOTH)
    await rewrite(sessions=(session("first", "16:00", "17:30"), ROUNDS[1]))
    assert await groups_of("kim") == {"first": "wohnen", "second": "bildung"}
    await outbox.news()


async def test_the_seat_that_was_left_goes_to_the_next(outbox):
    await hold(sessions=ROUNDS, groups=GROUPS)
    await seat("kim", wishes=BOTH)
    await seat("toni", wishes={"second": ("bildung",)})
    assert await groups_of("toni") == {}
    await rewrite(sessions=(ROUNDS[0], session("second", "17:00", "18:30")))
    assert await groups_of("toni") == {"second": "bildung"}
    assert await status_of("toni") is CONFIRMED
    await outbox.news()


async def test_no_seat_waits_for_its_confirmation_beyond_the_new_start(outbox):
    await hold()
    await register("kim")
    assert (await row_of("kim")).held_until > datetime(2022, 11, 1, 20, tzinfo=NOW.tzinfo)
    await rewrite(
        closes_at=datetime(2022, 11, 1, 20),
        starts_at=datetime(2022, 11, 1, 20),
        ends_at=datetime(2022, 11, 1, 22),
    )
    row = await row_of("kim")
    assert row.held_until == datetime(2022, 11, 1, 19, tzinfo=NOW.tzinfo)
    letters = await outbox.letters()
    assert letters[-1]["context"]["registration"]["held_until_local"] == "2022-11-01T20:00"
    assert await status_of("kim") is PENDING
    assert await confirm("kim", row.held_until) is EXPIRED
    await outbox.news()
