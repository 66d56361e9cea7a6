"""Groups and optional sessions that people change themselves: nobody loses one for none, and what is left goes on."""

import asyncio
from collections import Counter

import pytest

from events.errors import FormInvalid
from registration import locking, own_changes
from registration.errors import GroupUnknown
from registration.tables import Registration
from tests.registration.collecting import assign, collected
from tests.registration.town import (
    GROUPS,
    NOW,
    ROUNDS,
    cancel,
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
)

DINNER = joined("dinner", "18:30", "19:00", capacity=1)


async def wish(name, now=NOW, **wishes):
    return await own_changes.change_groups(await id_of(name), wishes, now)


async def refused(coming):
    """Field and code of what stands in the way."""
    with pytest.raises(FormInvalid) as found:
        await coming
    return found.value.errors


async def rounds(**changes):
    return await hold(sessions=ROUNDS, groups=GROUPS, confirm_email=False, **changes)


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


async def test_what_other_groups_exclude_is_refused_and_theirs_once_those_are_given_back(outbox):
    programme = (session("walk", "16:30", "17:30"), session("talk", "17:00", "18:00"))
    await hold(sessions=programme, groups=(group("altstadt", "walk"), group("wohnen", "talk")))
    await seat("kim", wishes={"walk": ("altstadt",)})
    await seat("toni", wishes={"walk": ("altstadt",), "talk": ("wohnen",)})
    await outbox.news()
    assert await refused(wish("kim", talk=("wohnen",))) == [("group.talk", "together")]
    await wish("toni", walk=("altstadt",), talk=("wohnen",))
    assert await groups_of("toni") == {"walk": "altstadt"}
    for name in ("kim", "toni"):
        await wish(name, walk=(), talk=("wohnen",))
        assert await groups_of(name) == {"talk": "wohnen"}
    assert await outbox.news() == [("registration_changed", "kim"), ("registration_changed", "toni")]


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
