"""All groups together when the deadline passes, and once more where organisers ask for it."""

import asyncio
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from dialograum import publishing, work
from dialograum.event_file import read
from events.queries import details
from events.rules import EventStatus, local_time
from events.tables import Activity, Event
from registration import actions, rounds
from registration.by_hand import register_by_hand
from registration.group_places import Aim
from registration.queries import slots_of
from registration.tables import Assignment, GroupSeat, Registration
from tests.registration.collecting import LATER, assign, collected
from tests.registration.town import (
    CLOSES_AT,
    DAY,
    GROUPS,
    HOUR,
    NOW,
    ROUNDS,
    SECOND,
    STARTS_AT,
    assert_in_order,
    cancel,
    confirm,
    group,
    groups_of,
    hold,
    joined,
    newcomer,
    organiser,
    register,
    rewrite,
    rows_of,
)

EXAMPLES = Path(rounds.__file__).parent.parent / "dialograum" / "examples"


@pytest.mark.parametrize(
    ("name", "changes", "now", "expected"),
    [
        ("a second before the deadline", {}, CLOSES_AT - SECOND, False),
        ("at the deadline", {}, CLOSES_AT, True),
        ("after the start, where nobody looked before", {}, STARTS_AT + HOUR, True),
        ("when it is over", {}, STARTS_AT + 3 * HOUR, False),
        ("a draft", {"status": EventStatus.DRAFT}, CLOSES_AT, False),
        ("nothing to assign", {"sessions": (), "groups": ()}, CLOSES_AT, False),
        (
            "optional sessions alone",
            {"sessions": (joined("walk", "19:00", "20:00"),), "groups": ()},
            CLOSES_AT,
            True,
        ),
        ("in order of arrival", {"allocation": "first_come"}, CLOSES_AT, False),
    ],
)
async def test_when_it_is_done(database, name, changes, now, expected):
    values = {"allocation": "at_deadline", "sessions": ROUNDS, "groups": GROUPS, **changes}
    event = await hold(**values)
    assert (await rounds.events_to_assign(now) == [event.id]) is expected
    assert await assign(now) is expected
    assert await rounds.events_to_assign(now) == []


async def test_everybody_who_has_a_place_gets_groups_and_one_message(outbox):
    before = await collected(capacity=3)
    await register("kim", wishes={"first": ("wohnen",), "second": ("bildung",)})
    await register("toni", wishes={"first": ("wohnen", "arbeit"), "second": ()})
    await register("alex")
    await register("late", wishes={"first": ("arbeit",)})
    assert [await groups_of(name) for name in ("kim", "toni", "alex")] == [{}, {}, {}]
    await outbox.news()
    assert await assign()
    found = [await groups_of(name) for name in ("kim", "toni", "alex", "late")]
    assert found[2].pop("first") in ("bildung", "arbeit")
    assert found == [{"first": "wohnen", "second": "bildung"}, {"first": "arbeit"}, {"second": "wohnen"}, {}]
    letters = await outbox.letters()
    told = [(row["kind"], row["recipient_name"], row["context"]["by"]) for row in letters]
    assert told == [("registration_changed", name, "assignment") for name in ("kim", "toni", "alex")]
    assert letters[0]["context"]["changes"] == [{"what": "groups", "before": []}]
    assert letters[0]["context"]["registration"]["sequence"] == 1
    after = await details("dialog")
    [row] = await Assignment.select().output(load_json=True)
    assert (after.assigned_at, after.version) == (CLOSES_AT, before.version + 1)
    assert after.assigns_at_once
    assert row["seed"] == after.assignment_seed != ""
    assert (row["made_at"], row["made_by"], row["moved"]) == (CLOSES_AT, None, 0)
    assert row["solver"].startswith("HiGHS")
    assert row["report"]["total"] == {"wishes": [2, 1], "unwished": 0, "unasked": 2, "none": 0}
    assert row["report"]["is_optimal"]
    [activity] = await Activity.select().where(Activity.what == "groups_assigned")
    assert activity["organiser"] is None


async def test_the_unconfirmed_get_groups_and_learn_them_when_they_confirm(outbox):
    await collected(confirm_email=True, hold_hours=720)
    now = CLOSES_AT - HOUR
    await register("kim", now, wishes={"first": ("wohnen",)})
    await assign()
    assert (await groups_of("kim"))["first"] == "wohnen"
    assert await outbox.news() == [("confirm", "kim")]
    await confirm("kim", LATER)
    *_, letter = await outbox.letters()
    assert letter["kind"] == "confirmed"
    assert letter["context"]["registration"]["groups"]["first"]["key"] == "wohnen"
    assert letter["context"]["registration"]["sequence"] == 1


async def test_two_workers_at_once_assign_once(outbox):
    await collected()
    for name in ("kim", "toni"):
        await register(name, wishes={"first": ("wohnen",)})
    await outbox.news()
    assert sorted(await asyncio.gather(assign(), assign(), assign())) == [False, False, True]
    assert await Assignment.count() == 1
    assert sorted(name for _, name in await outbox.news()) == ["kim", "toni"]
    assert not await assign(LATER)


async def test_whoever_goes_while_it_is_computed_takes_no_group_along(outbox, monkeypatch):
    await collected()
    for name in ("kim", "toni"):
        await register(name, wishes={"first": ("wohnen",), "second": ()})
    compute = rounds._computed
    computed: list[int] = []

    async def disturbed(situation, seed):
        if not computed:
            await cancel("kim", CLOSES_AT)
        computed.append(len(situation.people))
        return await compute(situation, seed)

    monkeypatch.setattr(rounds, "_computed", disturbed)
    assert await assign()
    assert computed == [2, 1]
    assert [await groups_of(name) for name in ("kim", "toni")] == [{}, {"first": "wohnen"}]
    await outbox.news()


async def test_where_registrations_never_rest_the_next_look_tries_again(outbox, monkeypatch):
    await collected()
    compute = rounds._computed

    async def disturbed(situation, seed):
        found = await compute(situation, seed)
        person = newcomer(f"kim{len(situation.people)}")
        await register_by_hand("dialog", person, await organiser(), CLOSES_AT)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(rounds, "_computed", disturbed)
        assert not await assign()
    assert (await details("dialog")).assigned_at is None
    assert await assign()
    await outbox.news()


async def test_a_run_that_dies_before_it_is_committed_leaves_nothing_behind(outbox, monkeypatch):
    await collected()
    await register("kim", wishes={"first": ("wohnen",)})
    before = await rows_of(Event, GroupSeat, Registration, Assignment)

    async def dies(*_):
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(rounds, "_tell", dies)
        with pytest.raises(ConnectionError):
            await assign()
    assert await rows_of(Event, GroupSeat, Registration, Assignment) == before
    assert await assign()
    await outbox.news()


async def test_the_background_work_assigns_when_the_deadline_passes(outbox, settings):
    await collected(capacity=1)
    await register("kim", wishes={"first": ("wohnen",)})
    await register("toni", wishes={"first": ("bildung",)})
    await work.tend(settings, CLOSES_AT - SECOND)
    assert await groups_of("kim") == {}
    for _ in range(2):
        await work.tend(settings, CLOSES_AT)
    assert (await groups_of("kim"))["first"] == "wohnen"
    assert await Assignment.count() == 1
    await outbox.news()


class TestAfterTheRun:
    async def test_who_moves_up_gets_free_groups_in_the_same_message(self, outbox):
        await collected(capacity=1)
        await register("kim", wishes={"first": ("wohnen",), "second": ()})
        await register("toni", wishes={"first": ("wohnen",)})
        await assign()
        await outbox.news()
        await cancel("kim", LATER)
        assert await groups_of("toni") == {"first": "wohnen"}
        assert await outbox.news() == [("registration_cancelled", "kim"), ("promoted", "toni")]

    async def test_who_is_registered_by_hand_gets_free_groups_by_wish(self, outbox):
        await collected()
        await register("kim", wishes={"first": ("wohnen",), "second": ()})
        await assign()
        late = newcomer("toni", wishes={"first": ("wohnen", "bildung")})
        await register_by_hand("dialog", late, await organiser(), LATER)
        assert await groups_of("toni") == {"first": "bildung"}
        await outbox.news()

    async def test_a_group_seat_that_comes_free_goes_to_who_wished_it(self, outbox):
        await collected(groups=(group("wohnen", "first", capacity=1),))
        for name in ("kim", "toni"):
            await register(name, wishes={"first": ("wohnen",)})
        await assign()
        there = [name for name in ("kim", "toni") if await groups_of(name)]
        [other] = {"kim", "toni"} - {*there}
        await cancel(there[0], LATER)
        assert await groups_of(other) == {"first": "wohnen"}
        await outbox.news()

    async def test_a_later_deadline_does_not_bring_another_run(self, outbox):
        event = await collected()
        await assign()
        closes = local_time(CLOSES_AT + 2 * DAY, "Europe/Berlin")
        await rewrite(closes_at=closes)
        outcome = await register("kim", LATER, wishes={"first": ("wohnen",)})
        assert outcome.groups == {"first": "wohnen"}
        assert not await rounds.assign_at_deadline(event.id, CLOSES_AT + 3 * DAY)
        await outbox.news()


async def example(file, slug, number):
    """An example event whose wishes are collected, with a crowd that wishes three groups a session at random."""
    (document,) = (event for event in read((EXAMPLES / file).read_bytes(), file).events if event.slug == slug)
    terms = replace(document.registration, allocation="at_deadline", confirm_email=False)
    document = replace(document, status=EventStatus.PUBLISHED, registration=terms)
    event = await publishing.create(document, None, NOW)
    random = Random(2023)
    by_session: dict[str, list[str]] = {}
    for slot in slots_of(event):
        if slot.session != slot.group:
            by_session.setdefault(slot.session, []).append(slot.group)

    def wished(groups):
        return tuple(sorted(groups, key=lambda key: random.random() ** (1 / (1 + groups.index(key))))[:3])

    now = event.closes_at - timedelta(days=1)
    for at in range(number):
        wishes = {session: wished(groups) for session, groups in by_session.items()}
        await register(f"person{at}", now, slug, wishes=wishes)
    return event


@pytest.mark.parametrize(
    ("file", "slug", "people", "seats", "penalties"),
    [
        ("herford-werkstatt-2023.toml", "werkstatttreffen-herford-2023", 60, 120, 45),
        ("kreis-guetersloh-konzept.toml", "integrationskonferenz-2023", 150, 150, 91),
    ],
    ids=["Herford in two rounds", "Kreis Gütersloh in six fields"],
)
async def test_real_events_with_many_people(outbox, file, slug, people, seats, penalties):
    """Everybody has a wished group in every round; a second wish counts 1, a third 3, and less is not possible."""
    event = await example(file, slug, people)
    await outbox.news()
    assert await rounds.assign_at_deadline(event.id, event.closes_at)
    assert len(await outbox.news()) == people
    run = await rounds.last_assignment(event.id)
    assert run is not None
    assert run.report["is_optimal"]
    assert sum(run.report["total"]["wishes"]) == seats
    assert (
        sum(rank * (rank + 1) // 2 * got for rank, got in enumerate(run.report["total"]["wishes"]))
        == penalties
    )
    values = {stage["aim"]: stage["value"] for stage in run.report["stages"]}
    assert (values[Aim.UNPLACED_SEATS], values[Aim.PENALTIES]) == (0, penalties)
    assert await GroupSeat.count() == seats
    await assert_in_order()
    by = await organiser()
    leaving = await Registration.objects().where(Registration.name == "person7").first()
    assert leaving is not None
    await actions.cancel(leaving.id, event.closes_at, by)
    await outbox.news()
    await rounds.propose(event.id, by, event.closes_at)
    proposal = await rounds.proposal_of(event.id)
    assert proposal is not None
    assert proposal.changes == []
