"""The outbox on a real database: who may send what, and whose word about it counts."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from dialograum.database import DB, Listener
from notifications import outbox
from notifications.outbox import (
    CLAIMS_LOST,
    WORKER_LOST,
    claim,
    enqueue,
    failed,
    record,
    released,
    renew,
    retry,
    sent,
    supersede,
)
from notifications.tables import Message
from tests.notifications.examples import HOST, new, row_of, rows

pytestmark = [pytest.mark.both_databases, pytest.mark.usefixtures("database")]

LAPSED = -1.0
"""Seconds of a lease that is over when it begins."""


async def test_a_message_keeps_all_that_it_states():
    about, due_at = uuid4(), datetime(2022, 10, 20, 8, 15, tzinfo=UTC)
    await enqueue([new(1, about=about, event_id=7, due_at=due_at)])
    [found] = await claim(10, HOST)
    assert (found.kind, found.recipient, found.recipient_name) == (
        "confirmed",
        "person-1@example.org",
        "Person 1",
    )
    assert (found.language, found.about, found.event_id) == ("de", about, 7)
    assert found.context == {"number": 1, "word": "Grüße"}
    assert found.attempts == 1
    assert (await row_of(found.id))["due_at"] == due_at


async def test_what_is_rolled_back_was_never_written():
    with pytest.raises(ZeroDivisionError):
        async with DB.transaction():
            await enqueue([new()])
            raise ZeroDivisionError
    assert await rows() == []


async def test_what_is_not_committed_cannot_be_claimed():
    async with DB.transaction():
        await enqueue([new()])
        assert await asyncio.create_task(_outside(claim(10, HOST))) == []
    assert len(await claim(10, HOST)) == 1


async def _outside(question):
    token = DB.current_transaction.set(None)
    try:
        return await question
    finally:
        DB.current_transaction.reset(token)


async def test_a_commit_wakes_the_workers_and_a_rollback_does_not():
    async with Listener(outbox.CHANNEL) as listener:
        with pytest.raises(ZeroDivisionError):
            async with DB.transaction():
                await enqueue([new()])
                raise ZeroDivisionError
        assert await listener.wait(0.2) == []
        async with DB.transaction():
            await enqueue([new(1), new(2)])
            await enqueue([new(3)])
        assert [notice.channel for notice in await listener.wait(5)] == [outbox.CHANNEL]


async def test_thousands_are_written_at_once():
    await enqueue([new(number) for number in range(2_345)])
    assert await Message.count() == 2_345


async def test_nothing_to_write_is_nothing():
    await enqueue([])
    assert await rows() == []


async def test_who_claims_at_the_same_time_gets_different_messages():
    await enqueue([new(number) for number in range(40)])
    claims = await asyncio.gather(*(claim(7, HOST) for _ in range(8)))
    ids = [found.id for part in claims for found in part]
    assert len(ids) == len(set(ids)) == 40


async def test_what_is_due_later_waits():
    await enqueue([new(1, due_at=datetime.now(UTC) + timedelta(minutes=1)), new(2)])
    assert [found.recipient for found in await claim(10, HOST)] == ["person-2@example.org"]


async def test_who_waits_longest_comes_first():
    now = datetime.now(UTC)
    await enqueue([new(number, due_at=now - timedelta(minutes=number)) for number in (1, 3, 2)])
    assert [found.context["number"] for found in await claim(2, HOST)] == [3, 2]
    assert [found.context["number"] for found in await claim(2, HOST)] == [1]


async def test_what_many_are_sent_at_once_delays_nobody_else():
    now = datetime.now(UTC)
    await enqueue([new(number, due_at=now - timedelta(hours=number + 1)) for number in range(40)])
    await Message.update({Message.batch: uuid4()}, force=True)
    await enqueue([new(number, due_at=now - timedelta(minutes=number)) for number in (101, 103, 102)])
    assert [found.context["number"] for found in await claim(2, HOST)] == [103, 102]
    assert [found.context["number"] for found in await claim(3, HOST)] == [101, 39, 38]
    assert len(await claim(50, HOST)) == 38


async def test_what_was_left_behind_of_a_batch_goes_on_before_what_is_new():
    await enqueue([new(1)])
    await Message.update({Message.batch: uuid4()}, force=True)
    await claim(1, HOST, LAPSED)
    await enqueue([new(2)])
    assert [found.context["number"] for found in await claim(1, HOST)] == [1]


async def test_a_message_keeps_its_message_id_whatever_happens():
    await enqueue([new()])
    [first] = await claim(1, HOST, LAPSED)
    [second] = await claim(1, "other.example.org", LAPSED)
    assert first.message_id == second.message_id == f"<{first.id}@{HOST}>"


async def test_a_claim_holds_until_its_lease_is_over():
    await enqueue([new()])
    await claim(1, HOST, lease_seconds=30)
    assert await claim(1, HOST) == []


async def test_the_lease_of_a_dead_worker_is_over_within_a_minute():
    assert outbox.LEASE_SECONDS + 5 < 60


async def test_a_renewed_lease_holds():
    await enqueue([new(1), new(2)])
    claims = await claim(2, HOST, LAPSED)
    assert await renew(claims[:1]) == {claims[0].id}
    assert [found.id for found in await claim(2, HOST)] == [claims[1].id]


async def test_a_claim_that_another_worker_took_cannot_be_renewed():
    await enqueue([new()])
    late = await claim(1, HOST, LAPSED)
    await claim(1, HOST, LAPSED)
    assert await renew(late) == set()
    assert await renew([]) == set()


@pytest.mark.parametrize(
    "became",
    [sent, released, lambda claim: failed(claim, "550"), lambda claim: retry(claim, "451", 60)],
)
async def test_whoever_slept_past_the_lease_may_not_record(became):
    await enqueue([new()])
    [late] = await claim(1, HOST, LAPSED)
    [present] = await claim(1, HOST)
    before = await row_of(late.id)
    assert await record([became(late)]) == set()
    assert await row_of(late.id) == before
    assert await record([sent(present)]) == {present.id}


async def test_what_is_recorded_stands():
    await enqueue([new(number) for number in range(4)])
    gone, refused, again, returned = claims = await claim(4, HOST)
    together = [
        sent(gone),
        failed(refused, "550 no such user"),
        retry(again, "451 try later", 3600),
        released(returned, "cannot connect"),
    ]
    assert await record(together) == {found.id for found in claims}
    found = {row["id"]: row for row in await rows()}
    assert (found[gone.id]["status"], found[gone.id]["last_error"]) == ("sent", None)
    assert found[gone.id]["sent_at"] is not None
    assert found[refused.id]["sent_at"] is None
    assert (found[refused.id]["status"], found[refused.id]["last_error"]) == ("failed", "550 no such user")
    assert (found[again.id]["status"], found[again.id]["attempts"]) == ("queued", 1)
    assert found[again.id]["due_at"] > datetime.now(UTC) + timedelta(minutes=59)
    assert (found[returned.id]["status"], found[returned.id]["attempts"]) == ("queued", 0)
    assert found[returned.id]["last_error"] == "cannot connect"
    assert {row["lease_until"] for row in found.values()} == {None}
    assert [row.id for row in await claim(4, HOST)] == [returned.id]
    assert await record([failed(gone, "twice")]) == set()


async def test_a_message_that_kills_its_workers_is_given_up():
    await enqueue([new()])
    for _ in range(CLAIMS_LOST):
        [found] = await claim(1, HOST, LAPSED)
    assert await claim(1, HOST, LAPSED) == []
    row = await row_of(found.id)
    assert (row["status"], row["last_error"], row["attempts"]) == ("failed", WORKER_LOST, CLAIMS_LOST)
    assert await record([sent(found)]) == set()


async def test_only_deaths_in_a_row_count():
    await enqueue([new()])
    for _ in range(3):
        for _ in range(CLAIMS_LOST - 1):
            [found] = await claim(1, HOST, LAPSED)
        assert await record([retry(found, "451", 0)])
    assert (await row_of(found.id))["status"] == "queued"


async def test_a_later_message_replaces_what_still_waits():
    kim, alex = uuid4(), uuid4()
    about_kim, about_alex = {"about": kim, "event_id": 1}, {"about": alex, "event_id": 1}
    written = [
        new(1, **about_kim),
        new(2, **about_alex),
        new(3, **about_kim, kind="expired"),
        new(4, **about_kim),
    ]
    await enqueue(written)
    gone = await supersede(["confirmed"], about=[kim], event_id=1)
    assert [(message.about, message.context["number"]) for message in gone] == [(kim, 1), (kim, 4)]
    assert [row["status"] for row in await rows()] == ["superseded", "queued", "queued", "superseded"]
    assert await supersede(["confirmed", "expired"], about=[kim, alex], event_id=2) == []
    assert len(await supersede(["confirmed", "expired"], about=[kim, alex], event_id=1)) == 2
    assert await supersede(["confirmed"], about=[], event_id=1) == []
    assert await supersede([], about=[kim], event_id=1) == []


async def test_what_is_being_sent_is_not_replaced():
    kim = uuid4()
    await enqueue([new(about=kim, event_id=1)])
    [found] = await claim(1, HOST)
    assert await supersede(["confirmed"], about=[kim], event_id=1) == []
    assert await record([sent(found)]) == {found.id}


async def test_what_was_replaced_is_not_sent():
    kim = uuid4()
    await enqueue([new(about=kim, event_id=1)])
    await supersede(["confirmed"], about=[kim], event_id=1)
    assert await claim(1, HOST) == []
