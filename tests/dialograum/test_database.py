"""Transactions, migrations and notices, on a real PostgreSQL."""

import asyncio
import contextvars

import asyncpg
import pytest

from dialograum import database as db
from dialograum.database import DB, Database, Listener
from dialograum.failures import DatabaseAway
from events.tables import Organiser

pytestmark = pytest.mark.both_databases


@pytest.fixture
async def pool_of_one(database, settings):
    usual, DB.pool = DB.pool, None
    await db.connect(settings, pool_size=1)
    yield database
    await db.disconnect()
    DB.pool = usual


async def add(name):
    await Organiser(email=f"{name}@example.org", name=name).save()


async def names():
    return await Organiser.select(Organiser.name).order_by(Organiser.name).output(as_list=True)


async def test_a_commit_that_raises_gives_the_connection_back(pool_of_one):
    await pool_of_one.run_ddl(
        "CREATE TABLE later (id int PRIMARY KEY, other int REFERENCES later DEFERRABLE INITIALLY DEFERRED)"
    )
    try:
        for _ in range(3):
            with pytest.raises(asyncpg.ForeignKeyViolationError):
                async with DB.transaction():
                    await DB.run_ddl("INSERT INTO later VALUES (1, 2)")
        assert await names() == []
        assert not DB.transaction_exists()
    finally:
        await pool_of_one.run_ddl("DROP TABLE later")


async def test_a_cancelled_transaction_writes_nothing_and_gives_the_connection_back(pool_of_one):
    async def slow():
        async with DB.transaction():
            await add("anna")
            await DB.run_ddl("SELECT pg_sleep(30)")

    for _ in range(3):
        task = asyncio.create_task(slow())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await names() == []


async def test_what_stopped_a_transaction_is_seen_even_when_its_connection_is_gone(pool_of_one):
    with pytest.raises(ZeroDivisionError):
        async with DB.transaction() as transaction:
            transaction.connection.terminate()
            raise ZeroDivisionError
    assert await names() == []


async def test_a_transaction_in_a_transaction_joins_it(database):
    with pytest.raises(ZeroDivisionError):
        async with DB.transaction():
            async with Organiser._meta.db.transaction():
                await add("anna")
            raise ZeroDivisionError
    assert await names() == []


async def test_whoever_waits_too_long_for_a_connection_is_told(pool_of_one, monkeypatch):
    monkeypatch.setattr(db, "ACQUIRE_SECONDS", 0.1)
    async with DB.transaction():
        other = asyncio.create_task(names(), context=contextvars.Context())
        with pytest.raises(DatabaseAway):
            await other
    assert await names() == []


async def test_a_notice_is_heard_after_the_commit_and_once(database):
    async with Listener("outbox", "other") as listener:
        async with DB.transaction():
            await DB.notify("outbox")
            await DB.notify("outbox")
            assert await listener.wait(0.1) == []
        assert await listener.wait(5) == [("outbox", "")]
        with pytest.raises(ZeroDivisionError):
            async with DB.transaction():
                await DB.notify("outbox")
                raise ZeroDivisionError
        await DB.notify("other", "7")
        assert await listener.wait(5) == [("other", "7")]
        assert await listener.wait(0.1) == []


async def test_a_listener_comes_back_after_its_connection_is_lost(database):
    async with Listener("outbox") as listener:
        waiting = asyncio.create_task(listener.wait(30))
        await asyncio.sleep(0.05)
        await DB.run_ddl(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
        )
        assert await asyncio.wait_for(waiting, 5) == []
        assert await listener.wait(5) == []
        await DB.notify("outbox", "back")
        assert await listener.wait(5) == [("outbox", "back")]


async def test_a_connection_that_breaks_while_it_subscribes_is_tried_again(database, monkeypatch):
    subscribe = asyncpg.Connection.add_listener

    async def breaks(connection, *arguments):
        monkeypatch.setattr(asyncpg.Connection, "add_listener", subscribe)
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    monkeypatch.setattr(asyncpg.Connection, "add_listener", breaks)
    async with Listener("outbox") as listener:
        assert await listener.wait(5) == []
        await DB.notify("outbox", "back")
        assert await listener.wait(5) == [("outbox", "back")]


async def test_an_engine_that_is_not_connected_says_so():
    with pytest.raises(DatabaseAway):
        await Database().acquire()


@pytest.mark.parametrize("plans_anew", [True, False])
async def test_a_queue_that_was_empty_when_its_questions_were_planned_is_not_read_as_a_whole(
    database, settings, plans_anew
):
    usual, DB.pool = DB.pool, None
    async with db.connected(settings, pool_size=1, plans_anew=plans_anew):
        await DB._run_in_pool("CREATE TABLE queue (id int PRIMARY KEY)")
        await DB._run_in_pool("VACUUM ANALYZE queue")
        try:
            taken = "SELECT queue.id FROM queue JOIN unnest($1::int[]) AS wanted (id) ON wanted.id = queue.id"
            await DB._run_in_pool(f"PREPARE taken AS {taken}")
            for _ in range(8):
                await DB._run_in_pool("EXECUTE taken('{1}')")
            await DB._run_in_pool("INSERT INTO queue SELECT generate_series(1, 20000)")
            plan = "".join(row[0] for row in await DB._run_in_pool("EXPLAIN EXECUTE taken('{1}')"))
            assert ("Seq Scan on queue" in plan) is not plans_anew
        finally:
            await DB._run_in_pool("DROP TABLE queue")
    DB.pool = usual
