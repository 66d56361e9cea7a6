"""Newcomers in batches, on a real database."""

import asyncio
from collections import Counter
from typing import Any

import asyncpg
import pytest

from dialograum.failures import DatabaseAway
from events.errors import Conflict, EventUnknown
from events.queries import details
from events.tables import Event
from notifications.tables import Message
from registration import admission, arrivals
from registration.admission import AT_ONCE, Admission
from registration.consents import standing_consents
from registration.errors import GroupUnknown
from registration.questions import QuestionSpec
from registration.rules import RegistrationStatus
from registration.tables import Registration
from tests.mail.examples import BY_INCIDENCE
from tests.registration.town import (
    CONFIRMED,
    GROUPS,
    NOW,
    PENDING,
    ROUNDS,
    SECOND,
    WAITLISTED,
    Outbox,
    ask,
    assert_in_order,
    confirm,
    hold,
    rewrite,
    row_of,
    seat,
)


async def ask_all(door, *names, **values):
    """Everybody at once; outcomes and errors in the same order."""
    return await asyncio.gather(*(ask(door, name, **values) for name in names), return_exceptions=True)


@pytest.fixture
def batches(monkeypatch):
    """How many were in each batch that was written."""
    sizes = []

    async def write(connection, present, admitted):
        admitted = list(admitted)
        sizes.append(len(admitted))
        await arrivals.write(connection, present, admitted)

    monkeypatch.setattr(admission, "write", write)
    return sizes


async def test_who_comes_while_others_are_written_is_decided_with_the_next(database, batches):
    await hold(capacity=100, sessions=ROUNDS, groups=GROUPS)
    door, names = Admission(), [f"k{number}" for number in range(40)]
    outcomes = await ask_all(door, *names, wishes={"first": ("wohnen", "bildung")})
    assert {outcome.status for outcome in outcomes} == {PENDING}
    assert len(batches) <= 2
    assert sum(batches) == 40
    rows = await Registration.objects().order_by(Registration.arrival)
    assert [row.name for row in rows] == names
    assert [outcome.groups["first"] for outcome in outcomes[:3]] == ["wohnen", "bildung", None]
    assert (await details("dialog")).in_person_taken == 40
    assert await Message.count().where(Message.kind == "confirm") == 40
    await assert_in_order()


async def test_no_batch_is_larger_than_it_may_be(database, batches):
    await hold(capacity=10)
    outcomes = await ask_all(Admission(), *(f"k{number}" for number in range(AT_ONCE + 10)))
    assert Counter(outcome.status for outcome in outcomes) == {PENDING: 10, WAITLISTED: AT_ONCE}
    assert max(batches) <= AT_ONCE
    await assert_in_order()


async def test_two_processes_share_the_seats(database):
    await hold(capacity=30)
    one, other = Admission(), Admission()
    outcomes = await asyncio.gather(
        ask_all(one, *(f"one{number}" for number in range(25))),
        ask_all(other, *(f"other{number}" for number in range(25))),
    )
    assert Counter(outcome.status for part in outcomes for outcome in part) == {PENDING: 30, WAITLISTED: 20}
    await assert_in_order()


async def test_events_do_not_wait_for_each_other(database):
    await hold()
    await hold(slug="party")
    door = Admission()
    async with database.transaction():
        await Event.select(Event.id).where(Event.slug == "dialog").lock_rows("UPDATE")
        waiting = asyncio.create_task(ask(door, "kim"), context=_empty())
        assert (
            await asyncio.create_task(ask(door, "toni", slug="party"), context=_empty())
        ).status is PENDING
        assert not waiting.done()
    assert (await waiting).status is PENDING


async def test_what_one_cannot_have_is_refused_to_that_one(database, batches):
    await hold(sessions=ROUNDS, groups=GROUPS)
    door = Admission()
    outcomes = await asyncio.gather(
        ask(door, "kim"),
        ask(door, "toni", wishes={"first": ("sport",)}),
        ask(door, "alex"),
        return_exceptions=True,
    )
    assert [type(outcome).__name__ for outcome in outcomes] == ["Outcome", "GroupUnknown", "Outcome"]
    assert isinstance(outcomes[1], GroupUnknown)
    assert sum(batches) == 2


async def test_what_the_database_cannot_hold_does_not_spoil_its_neighbours(database, caplog):
    await hold()
    door = Admission()
    outcomes = await ask_all(door, "kim", "to\x00ni", "alex")
    assert [getattr(outcome, "status", None) for outcome in outcomes] == [PENDING, None, PENDING]
    assert isinstance(outcomes[1], asyncpg.DataError)
    assert (await details("dialog")).in_person_taken == 2
    assert await Message.count() == 2
    assert "one by one" in caplog.text
    assert (await ask(door, "eve")).status is PENDING


async def test_a_batch_that_fails_for_all_fails_each_and_leaves_nothing(database, monkeypatch):
    await hold()
    door = Admission()
    with monkeypatch.context() as patched:

        async def lost(*_):
            raise DatabaseAway("the server has gone")

        patched.setattr(admission, "read", lost)
        outcomes = await ask_all(door, "kim", "toni")
        assert [type(outcome) for outcome in outcomes] == [DatabaseAway, DatabaseAway]
    assert not await Registration.exists()
    assert (await ask(door, "kim")).status is PENDING


async def test_who_cannot_even_reach_the_event_is_told(database, monkeypatch):
    door = Admission()

    async def lost(*_):
        raise DatabaseAway("no answer in time")

    monkeypatch.setattr(admission, "locked", lost)
    assert [type(error) for error in await ask_all(door, "kim", "toni")] == [DatabaseAway, DatabaseAway]


async def test_an_event_that_is_not_there(database):
    outcomes = await ask_all(Admission(), "kim", "toni", slug="party")
    assert [type(outcome) for outcome in outcomes] == [EventUnknown, EventUnknown]
    assert outcomes[0] is not outcomes[1]


async def test_who_goes_away_is_registered_all_the_same_and_once(database):
    await hold()
    door = Admission()
    gone = asyncio.create_task(ask(door, "kim"))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await ask(door, "toni")).status is PENDING
    await door.drain()
    assert await Registration.count() == 2
    assert (await ask(door, "kim")).status is PENDING
    assert await Registration.count() == 2


async def test_draining_waits_for_all_that_were_asked(database):
    await hold()
    door = Admission()
    asked = [asyncio.create_task(ask(door, f"k{number}")) for number in range(5)]
    await asyncio.sleep(0)
    await door.drain()
    await asyncio.sleep(0)
    assert [task.done() for task in asked] == [True] * 5
    assert await Registration.count() == 5


async def test_a_door_inside_of_a_transaction_does_not_join_it(database):
    await hold()
    door = Admission()
    with pytest.raises(ZeroDivisionError):
        async with database.transaction():
            await ask(door, "kim")
            raise ZeroDivisionError
    assert await Registration.count() == 1


async def test_the_same_key_twice_in_a_batch_is_answered_once(database):
    await hold()
    door = Admission()
    answers: Any = await asyncio.gather(
        ask(door, "kim", key="k"),
        ask(door, "kim", key="k"),
        ask(door, "kim", key="k", seats=2),
        ask(door, "toni", key="k"),
        return_exceptions=True,
    )
    first, second, other, toni = answers
    assert first == second
    assert isinstance(other, Conflict)
    assert toni.status is PENDING
    assert await Message.count() == 2


async def test_a_change_of_the_event_is_seen_by_the_next(database):
    await hold(capacity=1)
    door = Admission()
    assert (await ask(door, "kim")).status is PENDING
    await rewrite(capacity=3, sessions=ROUNDS, groups=GROUPS)
    outcome = await ask(door, "toni", wishes={"first": ("wohnen",)})
    assert (outcome.status, outcome.groups) == (PENDING, {"first": "wohnen"})
    await rewrite(title={"de": "Ein anderer Titel"})
    await ask(door, "alex")
    (letter,) = [
        letter for letter in await Outbox(settled=False).letters() if letter["recipient_name"] == "alex"
    ]
    assert letter["context"]["event"]["title"]["de"] == "Ein anderer Titel"


async def test_a_report_changes_the_plan_that_is_stated_and_not_the_version(database):
    before = await hold(capacity=10, confirm_email=False)
    door, values = Admission(), list[float]()
    for value in (332.7, 332.7, 410.5):
        plan = [{**BY_INCIDENCE, "last": {**BY_INCIDENCE["last"], "value": value}}]
        await Event.update({Event.plan: plan}, force=True)
        await ask(door, f"k{len(values)}")
        values.append(value)
    letters = await Outbox(settled=False).letters()
    stated = [letter["context"]["event"]["plan"]["rules"][0]["last"]["value"] for letter in letters]
    assert stated == values
    assert len({letter["shared"] for letter in letters}) == 2
    assert (await details("dialog")).version == before.version


async def test_seats_given_back_elsewhere_are_seen_by_the_next(database):
    await hold(capacity=1, waitlist=False)
    one, other = Admission(), Admission()
    await ask(one, "kim")
    await ask_all(other, "toni")
    row = await row_of("kim")
    await Registration.update({Registration.held_until: NOW - SECOND}).where(Registration.id == row.id)
    assert await confirm("kim") is RegistrationStatus.EXPIRED
    assert (await ask(other, "toni")).status is PENDING


async def test_who_is_known_gets_one_mail_with_what_they_have(database):
    await hold(sessions=ROUNDS, groups=GROUPS, capacity=1)
    await seat("kim", wishes={"first": ("wohnen",)})
    door = Admission()
    await ask(door, "toni")
    outcomes = await asyncio.gather(ask(door, "kim", seats=2), ask(door, "toni"))
    assert [outcome.status for outcome in outcomes] == [WAITLISTED, WAITLISTED]
    letters = await Message.objects().where(Message.kind == "already_registered").output(load_json=True)
    told = {letter.recipient_name: letter.context["registration"] for letter in letters}
    kim, toni = told["kim"], told["toni"]
    assert (kim["status"], kim["seats"], kim["groups"]["first"]["key"], kim["position"]) == (
        *(CONFIRMED, 1, "wohnen", None),
    )
    assert kim["invited"]
    assert (toni["status"], toni["position"], toni["needs_confirmation"]) == (WAITLISTED, 1, True)


async def test_who_is_registered_within_the_batch_is_known_in_it(database):
    await hold(sessions=ROUNDS, groups=GROUPS)
    door = Admission()
    await asyncio.gather(
        ask(door, "kim", wishes={"first": ("wohnen",)}), ask(door, "KIM", email="Kim@Example.ORG")
    )
    kinds = await Message.objects().order_by(Message.created_at).output(load_json=True)
    assert [letter.kind for letter in kinds] == ["confirm", "already_registered"]
    assert kinds[0].about == kinds[1].about
    assert kinds[1].context["registration"]["groups"]["first"]["key"] == "wohnen"


async def test_answers_and_consents_stand_where_they_belong(database):
    await hold(
        questions=(
            QuestionSpec(key="organisation", type="text", label={"de": "Verein"}),
            QuestionSpec(key="access", type="text", label={"de": "Hilfe"}, special_category=True),
            QuestionSpec(key="photo", type="consent", label={"de": "Fotos"}),
        )
    )
    given = {"organisation": "TSV", "access": "Rampe"}
    await ask(Admission(), "kim", answers=given, consents={"photo": True})
    row = await row_of("kim")
    assert (row.answers, row.special_answers) == ({"organisation": "TSV"}, {"access": "Rampe"})
    assert list((await standing_consents([row.id]))[row.id]) == ["photo"]


async def test_known_or_not_the_database_is_asked_the_same(database, monkeypatch):
    """So that it takes as long, too; `bin/bench admission` measures that."""
    await hold(capacity=1000, sessions=ROUNDS, groups=GROUPS)
    door = Admission()
    await ask(door, "kim")
    acquire, asked = database.acquire, []

    async def logged():
        connection = await acquire()
        connection.add_query_logger(log)
        return connection

    def log(record):
        asked.append(record.query)

    monkeypatch.setattr(database, "acquire", logged)
    await ask(door, "kim")
    await door.drain()
    known = list(asked)
    asked.clear()
    await ask(door, "toni")
    await door.drain()
    assert len(known) == 6
    assert asked == known


def _empty():
    from contextvars import Context

    return Context()
