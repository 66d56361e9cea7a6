"""Seats in working groups: by wish, in order of arrival, never a reason to lose one's place."""

from events.rules import Attendance
from registration.decisions import Outcome
from tests.registration.town import (
    DAY,
    GROUPS,
    NOW,
    PENDING,
    ROUNDS,
    WAITLISTED,
    cancel,
    confirm,
    group,
    groups_of,
    hold,
    register,
    row_of,
    seat,
    session,
    status_of,
)

IN_PERSON, ONLINE = Attendance


async def test_wishes_are_tried_in_order_and_kept_where_none_is_free(outbox):
    await hold(sessions=ROUNDS, groups=GROUPS)
    wishes = {"first": ("wohnen", "bildung"), "second": ("wohnen",)}
    found = [(await register(name, wishes=wishes)).groups for name in ("kim", "toni", "alex")]
    assert found == [
        {"first": "wohnen", "second": None},
        {"first": "bildung", "second": "wohnen"},
        {"first": None, "second": None},
    ]
    assert (await row_of("alex")).wishes == {"first": ["wohnen", "bildung"], "second": ["wohnen"]}
    assert await status_of("alex") == PENDING
    wohnen, bildung = ({"key": key, "title": {"de": key.title()}} for key in ("wohnen", "bildung"))
    letters = await outbox.letters()
    assert [letter["context"]["registration"]["groups"] for letter in letters] == [
        {"first": wohnen, "second": None},
        {"first": bildung, "second": wohnen},
        {"first": None, "second": None},
    ]


async def test_a_group_seat_that_comes_free_goes_to_the_first_who_wished_it(outbox):
    await hold(sessions=ROUNDS, groups=GROUPS)
    for name in ("kim", "toni", "alex", "sascha"):
        await seat(name, wishes={"first": ("wohnen",)})
    await cancel("toni")
    await outbox.news()
    await cancel("kim")
    assert [await groups_of(name) for name in ("alex", "sascha")] == [{"first": "wohnen"}, {}]
    assert (await row_of("alex")).sequence == 1
    *_, letter = await outbox.letters()
    assert (letter["kind"], letter["recipient_name"]) == ("registration_changed", "alex")
    assert letter["context"]["registration"]["groups"]["first"]["key"] == "wohnen"
    assert letter["context"]["registration"]["sequence"] == 1


async def test_a_group_seat_goes_to_the_unconfirmed_too_who_learn_it_when_they_confirm(outbox):
    await hold(sessions=ROUNDS, groups=GROUPS)
    await seat("kim", wishes={"first": ("wohnen",)})
    await register("toni", wishes={"first": ("wohnen",)})
    await cancel("kim")
    assert await groups_of("toni") == {"first": "wohnen"}
    await confirm("toni")
    letters = await outbox.letters()
    assert [letter["kind"] for letter in letters][-2:] == ["registration_cancelled", "confirmed"]
    assert letters[-1]["context"]["registration"]["groups"]["first"]["key"] == "wohnen"


async def test_who_waits_holds_no_group_and_gets_one_when_moving_up(outbox):
    await hold(capacity=1, sessions=ROUNDS, groups=GROUPS)
    await seat("kim", wishes={"first": ("wohnen",)})
    outcome = await register("toni", wishes={"first": ("bildung",)})
    assert outcome == Outcome(WAITLISTED, {"first": None}, None)
    assert await groups_of("toni") == {}
    await cancel("kim")
    assert await groups_of("toni") == {"first": "bildung"}
    assert await outbox.news() == [
        ("confirm", "kim"),
        ("confirmed", "kim"),
        ("waitlisted", "toni"),
        ("registration_cancelled", "kim"),
        ("promoted", "toni"),
    ]


async def test_a_family_gets_a_group_for_all_or_none(outbox):
    await hold(sessions=ROUNDS, groups=(group("wohnen", "first", capacity=3),))
    await register("kim", seats=2, wishes={"first": ("wohnen",)})
    await register("family", seats=2, wishes={"first": ("wohnen",)})
    await register("toni", wishes={"first": ("wohnen",)})
    assert [await groups_of(name) for name in ("kim", "family", "toni")] == [
        {"first": "wohnen"},
        {},
        {"first": "wohnen"},
    ]
    await cancel("toni")
    assert await groups_of("family") == {}
    await cancel("kim")
    assert await groups_of("family") == {"first": "wohnen"}
    await outbox.news()


async def test_groups_at_the_same_time_exclude_each_other(outbox):
    programme = (session("walk", "16:30", "17:30"), session("talk", "17:00", "18:00"))
    await hold(sessions=programme, groups=(group("altstadt", "walk"), group("wohnen", "talk")))
    outcome = await register("kim", wishes={"walk": ("altstadt",), "talk": ("wohnen",)})
    assert outcome.groups == {"walk": "altstadt", "talk": None}
    await outbox.news()


async def test_what_is_shared_out_at_the_deadline_is_given_to_nobody_before(outbox):
    await hold(allocation="at_deadline", capacity=1, sessions=ROUNDS, groups=GROUPS)
    outcome = await register("kim", wishes={"first": ("wohnen",)})
    assert outcome == Outcome(PENDING, {"first": None}, NOW + DAY)
    await register("toni", wishes={"first": ("wohnen",)})
    await cancel("kim")
    assert await groups_of("toni") == {}
    assert (await row_of("toni")).wishes == {"first": ["wohnen"]}
    await outbox.news()
