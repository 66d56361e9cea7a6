"""Another run over assigned groups: shown first, applied by a second step; and people who are locked to a group."""

import pytest

from dialograum import publishing
from events.errors import Conflict
from events.queries import details
from registration import editing, locking, rounds
from registration.by_hand import register_by_hand
from registration.editing import Edit
from registration.errors import ProposalOutdated
from registration.tables import Assignment, GroupSeat, Registration
from tests.registration.collecting import LATER, apply, assign, collected, moves, propose
from tests.registration.town import (
    GROUPS,
    NOW,
    ROUNDS,
    cancel,
    group,
    groups_of,
    hold,
    id_of,
    newcomer,
    organiser,
    register,
    row_of,
    rows_of,
    seat,
)


class TestAnotherRun:
    async def test_is_shown_first_and_moves_nobody_without_need(self, outbox):
        await collected(groups=(group("wohnen", "first", capacity=1), group("bildung", "first", capacity=2)))
        await register("kim", wishes={"first": ("wohnen",)})
        await register("toni", wishes={"first": ("bildung",)})
        await assign()
        await register_by_hand("dialog", newcomer("alex"), await organiser(), LATER)
        await outbox.news()
        assert await groups_of("alex") == {}
        proposal = await propose()
        assert moves(proposal) == [("first", None, "bildung")]
        assert await outbox.news() == []
        assert proposal.seed == (await details("dialog")).assignment_seed
        await apply(proposal)
        assert await groups_of("alex") == {"first": "bildung"}
        [letter] = await outbox.letters()
        assert (letter["recipient_name"], letter["context"]["by"]) == ("alex", "organiser")
        first, second = await Assignment.select().order_by(Assignment.id)
        assert (first["seed"], second["moved"]) == (second["seed"], 0)
        assert second["made_by"] == (await organiser()).id
        assert await rounds.proposal_of(proposal.event) is None

    async def test_tells_those_it_moves_where_they_were(self, outbox):
        """Only in wohnen is there room for both of the family, so kim makes place for them."""
        groups = (group("wohnen", "first", capacity=2), group("arbeit", "first", capacity=1))
        await collected(groups=groups, sessions=ROUNDS[:1])
        await register("kim", wishes={"first": ("wohnen",)})
        await assign()
        await register_by_hand("dialog", newcomer("family", seats=2), await organiser(), LATER)
        await outbox.news()
        proposal = await propose()
        assert moves(proposal) == [("first", "wohnen", "arbeit"), ("first", None, "wohnen")]
        await apply(proposal)
        found = {row["recipient_name"]: row["context"]["changes"] for row in await outbox.letters()}
        assert found == {
            "kim": [{"what": "groups", "before": [{"de": "Wohnen"}]}],
            "family": [{"what": "groups", "before": []}],
        }
        assert (await row_of("kim")).sequence == 2
        run = await rounds.last_assignment(proposal.event)
        assert run is not None
        assert run.moved == 1

    async def test_leaves_who_is_locked_where_they_are(self, outbox):
        groups = (group("wohnen", "first", capacity=2), group("arbeit", "first", capacity=1))
        await collected(groups=groups, sessions=ROUNDS[:1])
        await register("kim", wishes={"first": ("wohnen",)})
        await assign()
        await locking.lock(await id_of("kim"), "first", await organiser(), LATER)
        await register_by_hand("dialog", newcomer("family", seats=2), await organiser(), LATER)
        proposal = await propose()
        assert moves(proposal) == []
        assert [one["session"] for one in proposal.report["unplaced"]] == ["first"]
        await locking.unlock(await id_of("kim"), "first", await organiser(), LATER)
        with pytest.raises(ProposalOutdated):
            await apply(proposal)
        await outbox.news()

    async def test_is_refused_once_something_has_changed(self, outbox):
        await collected()
        for name in ("kim", "toni"):
            await register(name, wishes={"first": ("wohnen",)})
        await assign()
        proposal = await propose()
        assert await rounds.is_current(await details("dialog"), proposal)
        await cancel("kim", LATER)
        assert not await rounds.is_current(await details("dialog"), proposal)
        before = await rows_of(GroupSeat, Registration, Assignment)
        with pytest.raises(ProposalOutdated):
            await apply(proposal)
        assert await rows_of(GroupSeat, Registration, Assignment) == before
        await outbox.news()

    async def test_of_two_proposals_the_last_counts(self, outbox):
        await collected()
        await register("kim")
        await assign()
        first = await propose()
        second = await propose()
        with pytest.raises(ProposalOutdated):
            await apply(first)
        await apply(second)
        with pytest.raises(ProposalOutdated):
            await apply(second)
        await outbox.news()

    async def test_is_but_a_trial_before_the_deadline(self, outbox):
        await collected()
        await register("kim", wishes={"first": ("wohnen",), "second": ()})
        proposal = await propose(NOW)
        assert (proposal.seed, moves(proposal)) == ("trial", [("first", None, "wohnen")])
        with pytest.raises(Conflict, match="when the deadline has passed"):
            await apply(proposal, NOW)
        assert await groups_of("kim") == {}
        await assign()
        assert await rounds.proposal_of(proposal.event) is None
        await outbox.news()

    async def test_is_not_made_where_groups_are_given_as_people_come(self, outbox):
        await hold(sessions=ROUNDS, groups=GROUPS)
        with pytest.raises(Conflict, match="order of arrival"):
            await propose()

    async def test_is_not_applied_to_what_is_cancelled(self, outbox):
        await collected()
        await assign()
        proposal = await propose()
        await publishing.cancel("dialog", None, None, LATER)
        with pytest.raises(Conflict, match="not published"):
            await apply(proposal)


class TestALock:
    async def test_is_kept_by_every_run(self, outbox):
        await collected(groups=(group("wohnen", "first", capacity=1), group("arbeit", "first")))
        for name in ("kim", "toni"):
            await register(name, wishes={"first": ("wohnen", "arbeit")})
        by = await organiser()
        await editing.edit(await id_of("toni"), Edit(groups={"first": "arbeit"}), by, NOW)
        await locking.lock(await id_of("toni"), "first", by, NOW)
        await assign()
        assert [await groups_of(name) for name in ("kim", "toni")] == [
            {"first": "wohnen"},
            {"first": "arbeit"},
        ]
        await cancel("kim", LATER)
        assert moves(await propose()) == []
        await outbox.news()

    async def test_survives_more_seats_and_goes_with_the_group(self, outbox):
        await hold(sessions=ROUNDS, groups=GROUPS)
        await seat("kim", wishes={"first": ("wohnen",)})
        who, by = await id_of("kim"), await organiser()
        await locking.lock(who, "first", by, NOW)
        await editing.edit(who, Edit(seats=2), by, NOW)
        assert await locking.locked_sessions(who) == {"first"}
        await editing.edit(who, Edit(groups={"first": "arbeit"}), by, NOW)
        assert await locking.locked_sessions(who) == set()
        await outbox.news()

    async def test_needs_a_group(self, outbox):
        await hold(sessions=ROUNDS, groups=GROUPS)
        await seat("kim", wishes={"first": ("wohnen",)})
        for session in ("second", "nowhere"):
            with pytest.raises(Conflict, match=session):
                await locking.lock(await id_of("kim"), session, await organiser(), NOW)
        await outbox.news()
