"""What rules propose, and who is told of what rules do: on the real database, by any number of workers."""

import asyncio
from datetime import UTC, date, datetime

import pytest

from dialograum import publishing
from events.actions import join
from events.queries import event_named
from events.rules import Mode
from events.tables import Event, Organiser
from hybrid.proposals import accept, decline
from hybrid.queries import open_proposals, stored_rules
from hybrid.switching import Cause, set_mode
from hybrid.tables import ModeProposal, ModeSwitch
from notifications.tables import Message
from tests.forum import forum
from tests.hybrid import town
from tests.hybrid.town import RULE, publish

MARCH = [date(2027, 3, day) for day in range(1, 32)]
SESSION = {
    "key": "groups",
    "kind": "groups",
    "starts_at": "2027-03-19T16:30:00",
    "ends_at": "2027-03-19T18:00:00",
    "title": {"de": "Arbeitsgruppen"},
}
ASKING = RULE | {"approval": "propose"}


@pytest.fixture(autouse=True)
def _database(database):
    """Every test of this module has one."""


async def office(event, name="office") -> Organiser:
    organiser = Organiser(email=f"{name}@example.org", name=name.title(), role="organiser")
    await organiser.save()
    await join(organiser, await event_named(event.slug))
    return organiser


async def mails(kind):
    rows = (
        await Message.select().where(Message.kind == kind).order_by(Message.created_at).output(load_json=True)
    )
    return [(row["recipient"], row["context"]) for row in rows]


async def mode_of(event) -> str:
    row = await event_named(event.slug)
    return row.mode


async def switches() -> list[tuple[str, str]]:
    rows = await ModeSwitch.select().order_by(ModeSwitch.id)
    return [(row["from_mode"], row["to_mode"]) for row in rows]


async def proposed(*values, rules=(ASKING,)):
    """An event with two organisers, and what its rule proposes after these reports."""
    event = await town.event(rules)
    people = [await office(event), await office(event, "other")]
    for day, value in zip(MARCH, values, strict=False):
        await publish(day, value)
    return event, people, await open_proposals(event.id)


def at(day: int, hour: int = 9) -> datetime:
    return datetime(2027, 3, day, hour, tzinfo=UTC)


# Proposals


async def test_a_proposal_is_written_to_every_organiser_once_with_its_evidence():
    event, _, [proposal] = await proposed(500, 500, 500)
    told = await mails("mode_proposed")
    assert [recipient for recipient, _ in told] == ["office@example.org", "other@example.org"]
    context = told[0][1]
    assert context["path"] == f"/organise/events/{event.slug}/mode/proposals/{proposal.id}"
    assert (context["from_mode"], context["to_mode"], context["cause"]) == (
        "in_person",
        "digital",
        "approval",
    )
    assert context["evidence"]["reading"] == {"value": 500.0, "row_on": "2027-03-02"}
    assert await mode_of(event) == "in_person"
    assert await mails("mode_switched") == []


async def test_a_yes_moves_the_event_with_the_evidence_and_the_name():
    event, [one, other], [proposal] = await proposed(500, 500)
    assert await accept(event.id, proposal.id, one, at(2), has_servers=True)
    assert not await accept(event.id, proposal.id, other, at(2), has_servers=True)
    assert not await decline(event.id, proposal.id, other, at(2))
    assert await switches() == [("in_person", "digital")]
    [entry] = await ModeSwitch.select().output(load_json=True)
    assert (entry["organiser"], entry["locked"], entry["evidence"]["in_a_row"]) == (one.id, False, 2)
    [answered] = await ModeProposal.objects()
    assert (answered.answer, answered.answered_by) == ("accepted", one.id)


async def test_the_rule_brings_back_what_was_agreed_to():
    event, [one, _], [proposal] = await proposed(500, 500)
    await accept(event.id, proposal.id, one, at(2), has_servers=True)
    await publish(MARCH[2], 100)
    await publish(MARCH[3], 100)
    [back] = await open_proposals(event.id)
    assert (back.to_mode, back.cause) == ("in_person", "approval")
    await accept(event.id, back.id, one, at(4), has_servers=True)
    assert await mode_of(event) == "in_person"


async def test_a_no_leaves_all_as_it_is_and_is_not_asked_again():
    event, [one, _], [proposal] = await proposed(500, 500)
    assert await decline(event.id, proposal.id, one, at(2))
    await publish(MARCH[2], 500)
    assert (await mode_of(event), await open_proposals(event.id)) == ("in_person", [])
    assert len(await mails("mode_proposed")) == 2
    assert await switches() == []


async def test_two_answers_at_once_are_one():
    event, [one, other], [proposal] = await proposed(500, 500)
    answers = await asyncio.gather(
        accept(event.id, proposal.id, one, at(2), has_servers=True),
        accept(event.id, proposal.id, other, at(2), has_servers=True),
        decline(event.id, proposal.id, other, at(2)),
    )
    assert sorted(answers) == [False, False, True]
    [answered] = await ModeProposal.objects()
    assert len(await switches()) == (1 if answered.answer == "accepted" else 0)


async def test_a_yes_to_an_expired_rule_puts_it_out():
    event, [one, _], [] = await proposed(500, 500, rules=[RULE | {"expires_on": date(2027, 3, 5)}])
    assert await mode_of(event) == "digital"
    await publish(MARCH[5], 500)
    [proposal] = await open_proposals(event.id)
    assert (proposal.cause, proposal.to_mode) == ("expired", "in_person")
    assert len(await mails("mode_proposed")) == 2
    await accept(event.id, proposal.id, one, at(6), has_servers=True)
    assert await mode_of(event) == "in_person"
    assert [rule.is_on for rule in await stored_rules(event.id)] == [False]
    await publish(MARCH[6], 500)
    assert (await mode_of(event), await open_proposals(event.id)) == ("in_person", [])


async def test_a_no_to_an_expired_rule_keeps_the_mode():
    event, [one, _], [] = await proposed(500, 500, rules=[RULE | {"expires_on": date(2027, 3, 5)}])
    await publish(MARCH[5], 500)
    [proposal] = await open_proposals(event.id)
    await decline(event.id, proposal.id, one, at(6))
    await publish(MARCH[6], 100)
    await publish(MARCH[7], 100)
    assert (await mode_of(event), await open_proposals(event.id)) == ("digital", [])


async def test_a_rule_that_vanishes_while_on_asks_whether_to_come_back():
    event, [one, _], [] = await proposed(500, 500, rules=[RULE])
    await publishing.patch(event.slug, {"mode_rules": []}, None, at(3))
    [proposal] = await open_proposals(event.id)
    assert [context["cause"] for _, context in await mails("mode_proposed")] == ["vanished"] * 2
    await accept(event.id, proposal.id, one, at(3), has_servers=True)
    assert await mode_of(event) == "in_person"


async def declined_to_come_back():
    """An event that stays online after a no: its rule vanished while on, and another has never been on."""
    event, [one, _], [] = await proposed(500, 500, rules=[RULE])
    await publishing.patch(event.slug, {"mode_rules": [RULE | {"region": "05711"}]}, None, at(3))
    [proposal] = await open_proposals(event.id)
    await decline(event.id, proposal.id, one, at(3))
    return event


async def test_after_a_no_a_rule_that_never_was_on_does_not_bring_the_event_back():
    event = await declined_to_come_back()
    for day in MARCH[3:7]:
        await publish(day, 100, region="05711")
    assert (await mode_of(event), await open_proposals(event.id)) == ("digital", [])


async def test_after_a_no_a_rule_that_goes_on_and_off_brings_the_event_back():
    event = await declined_to_come_back()
    for day in MARCH[3:5]:
        await publish(day, 500, region="05711")
    for day in MARCH[5:7]:
        await publish(day, 100, region="05711")
    assert await mode_of(event) == "in_person"


async def test_lifting_the_lock_after_a_no_leaves_it_to_the_rules_again():
    event = await declined_to_come_back()
    for lock in (True, False):
        await set_mode("forum", Mode.DIGITAL, Cause(reason="Sturm"), at(4), has_servers=True, lock=lock)
    assert await mode_of(event) == "digital"
    await publish(MARCH[4], 100, region="05711")
    assert await mode_of(event) == "in_person"


async def test_a_no_counts_for_the_way_back_from_the_mode_it_was_said_in():
    event = await declined_to_come_back()
    await set_mode("forum", Mode.HYBRID, Cause(reason="Sturm"), at(4), has_servers=True, lock=False)
    await publish(MARCH[4], 100, region="05711")
    assert await mode_of(event) == "in_person"


async def test_after_a_no_to_an_expired_rule_another_does_not_bring_the_event_back_either():
    other = RULE | {"region": "05711"}
    event, [one, _], [] = await proposed(500, 500, rules=[RULE | {"expires_on": date(2027, 3, 5)}, other])
    await publish(MARCH[5], 500)
    [proposal] = await open_proposals(event.id)
    await decline(event.id, proposal.id, one, at(6))
    for day in MARCH[6:9]:
        await publish(day, 100, region="05711")
    assert (await mode_of(event), await open_proposals(event.id)) == ("digital", [])


async def test_a_yes_to_come_back_leads_no_further_than_another_rule_allows():
    other = RULE | {"mode": "hybrid", "region": "05711"}
    event, [one, _], [] = await proposed(500, 500, rules=[RULE | {"expires_on": date(2027, 3, 5)}, other])
    await publish(MARCH[2], 500, region="05711")
    await publish(MARCH[5], 500)
    [proposal] = await open_proposals(event.id)
    await publish(MARCH[6], 500, region="05711")
    await publish(MARCH[7], 500, region="05711")
    assert [rule.is_on for rule in await stored_rules(event.id)] == [True, True]
    await accept(event.id, proposal.id, one, at(8), has_servers=True)
    assert await mode_of(event) == "hybrid"


@pytest.mark.parametrize("to", [Mode.DIGITAL, Mode.HYBRID, Mode.IN_PERSON])
async def test_a_hand_answers_what_a_rule_asks(to):
    event, _, [_] = await proposed(500, 500)
    await set_mode("forum", to, Cause(reason="Sturm"), at(2), has_servers=True)
    assert await open_proposals(event.id) == []
    [answered] = await ModeProposal.objects()
    assert (answered.answer, answered.answered_at) == ("superseded", at(2))


async def test_lifting_a_lock_answers_nothing():
    event, _, [proposal] = await proposed(500, 500)
    await set_mode("forum", Mode.IN_PERSON, Cause(reason="Sturm"), at(2), has_servers=True, lock=False)
    assert [one.id for one in await open_proposals(event.id)] == [proposal.id]


async def test_a_rule_asks_again_once_the_lock_is_lifted():
    event, _, [proposal] = await proposed(500, 500)
    for lock in (True, False):
        await set_mode("forum", Mode.IN_PERSON, Cause(reason="Sturm"), at(2), has_servers=True, lock=lock)
    await publish(MARCH[2], 500)
    [anew] = await open_proposals(event.id)
    assert (anew.id != proposal.id, anew.to_mode) == (True, "digital")


@pytest.mark.parametrize(
    ("to", "waiting"), [(Mode.IN_PERSON, 0), (Mode.HYBRID, 1), (Mode.DIGITAL, 1)], ids=str
)
async def test_a_hand_answers_whether_to_come_back_only_by_doing_it(to, waiting):
    event, _, [] = await proposed(500, 500, rules=[RULE])
    await publishing.patch(event.slug, {"mode_rules": []}, None, at(3))
    await set_mode("forum", to, Cause(reason="Sturm"), at(4), has_servers=True)
    assert len(await open_proposals(event.id)) == waiting


# Who is told of what rules do


async def test_two_workers_with_the_same_report_make_one_switch_and_tell_once():
    event = await town.event()
    await office(event)
    await publish(MARCH[0], 500)
    await asyncio.gather(*(publish(MARCH[1], 500) for _ in range(4)))
    assert await switches() == [("in_person", "digital")]
    [(recipient, context)] = await mails("mode_switched")
    assert recipient == "office@example.org"
    assert (context["from_mode"], context["to_mode"]) == ("in_person", "digital")
    assert context["evidence"]["report"]["report_on"] == "2027-03-02"
    assert (context["people"], context["without_address"], context["cannot_join"]) == (0, 0, 0)


async def test_rule_and_hand_at_the_same_moment_come_one_after_the_other():
    event = await town.event()
    await office(event)
    await publish(MARCH[0], 500)
    await asyncio.gather(
        publish(MARCH[1], 500),
        set_mode("forum", Mode.HYBRID, Cause(reason="Sturm"), at(2), has_servers=True),
    )
    moves = await switches()
    assert moves in (
        [("in_person", "digital"), ("digital", "hybrid")],
        [("in_person", "hybrid")],
    )
    assert (await mode_of(event), (await event_named("forum")).mode_locked) == ("hybrid", True)
    assert len(await mails("mode_switched")) == len(moves) - 1


async def test_without_a_meeting_server_organisers_are_told_once_that_a_rule_would_switch():
    event = await town.event()
    await office(event)
    await publish(MARCH[0], 500, has_servers=False)
    for day in MARCH[1:4]:
        await publish(day, 500, has_servers=False)
    [(_, context)] = await mails("switch_held")
    assert (context["to_mode"], context["rule"]) == ("digital", "rki-incidence/05754/digital")
    assert (await mode_of(event), await mails("mode_switched")) == ("in_person", [])
    for day in MARCH[4:6]:
        await publish(day, 100, has_servers=False)
    for day in MARCH[6:8]:
        await publish(day, 500, has_servers=False)
    assert len(await mails("switch_held")) == 2


@pytest.mark.parametrize(("with_groups", "hold"), [(False, "no_servers"), (True, "no_rooms")])
async def test_what_is_missing_stands_with_the_rule(with_groups, hold):
    event = await town.event()
    await office(event)
    if with_groups:
        meeting = {"url": "https://stream.example.org/forum"}
        rooms = {"meeting": meeting, "groups": forum()["groups"], "sessions": [SESSION]}
        await publishing.patch(event.slug, rooms, None, datetime(2027, 2, 1, tzinfo=UTC))
    for day in MARCH[:2]:
        await publish(day, 500, has_servers=False)
    assert await town.decisions(event) == [("hold", "digital", hold)]
    assert [context["to_mode"] for _, context in await mails("switch_held")] == ["digital"]


async def test_helpers_and_organisers_of_other_events_are_told_nothing():
    event = await town.event()
    helper = Organiser(email="helper@example.org", name="", role="helper")
    await helper.save()
    await join(helper, await event_named(event.slug))
    stranger = Organiser(email="stranger@example.org", name="", role="organiser")
    await stranger.save()
    await publish(MARCH[0], 500)
    await publish(MARCH[1], 500)
    assert await mails("mode_switched") == []
    assert await Event.exists().where(Event.mode == "digital")
