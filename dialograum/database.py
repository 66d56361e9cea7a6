"""The database: one engine for all tables, one pool per process, transactions that give their connection back."""

import asyncio
import contextlib
import io
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from types import TracebackType
from typing import Any, NamedTuple, Self, cast

import asyncpg
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction

from dialograum import embedded
from dialograum.failures import DatabaseAway
from dialograum.settings import PREFIX, Settings

os.environ.setdefault("PICCOLO_CONF", "dialograum.piccolo_conf")

OLDEST_SERVER = 15
POOL_SIZE = 10
ACQUIRE_SECONDS = 15.0
CONNECT_SECONDS = 10.0
MIGRATION_LOCK = 0x6469616C6F67  # "dialog"

logger = logging.getLogger(__name__)


LOST = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
"""What a query raises when the server goes away under it."""

_AWAY = (
    *LOST,
    asyncpg.InterfaceError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)


class Transaction(PostgresTransaction):
    """Piccolo's transaction, which keeps its connection for ever when COMMIT raises; this one never does.

    A transaction within a transaction joins its parent. Notices are sent after the commit.
    """

    engine: "Database"

    def __init__(self, engine: "Database", allow_nested: bool = True) -> None:
        super().__init__(engine, allow_nested=allow_nested)
        self.notices: dict[tuple[str, str], None] = {}

    async def get_connection(self) -> Any:
        return await self.engine.acquire()

    async def __aenter__(self) -> Self:
        if self._parent is not None:
            return cast(Self, self._parent)
        self.connection = await self.get_connection()
        try:
            self.transaction = self.connection.transaction()
            await self.begin()  # type: ignore[no-untyped-call]
        except BaseException:
            await self.engine.give_back(self.connection)
            raise
        self.context = self.engine.current_transaction.set(self)
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if self._parent is not None:
            return False
        self.engine.current_transaction.reset(self.context)
        try:
            if exception is None:
                if not self._committed and not self._rolled_back:
                    await self.commit()  # type: ignore[no-untyped-call]
                await self._send_notices()
            elif not self._committed and not self._rolled_back:
                await self._undo()
        finally:
            await self.engine.give_back(self.connection)
        return False

    async def _undo(self) -> None:
        try:
            await self.rollback()  # type: ignore[no-untyped-call]
        except Exception:
            # The server rolls back by itself when the connection goes; what stopped us must stay visible.
            with contextlib.suppress(asyncpg.InterfaceError):
                self.connection.terminate()

    async def _send_notices(self) -> None:
        if not self.notices or not self._committed:
            return
        try:
            await self.connection.executemany("SELECT pg_notify($1, $2)", self.notices)
        except Exception:  # what it tells about is written, and listeners also look by themselves
            logger.warning("A notice was not sent", exc_info=True)


class Database(PostgresEngine):
    """The engine of all tables. It knows nothing of a server until `connect`, and asks none before."""

    def __init__(self) -> None:
        # Piccolo's own initialiser would ask a server for its version, at import.
        self.engine_type = "postgres"
        self.min_version_number = OLDEST_SERVER
        self.log_queries = False
        self.log_responses = False
        self.query_id = 0
        self.config: dict[str, Any] = {}
        self.extensions = ()
        self.extra_nodes = {}
        self.pool = None
        self.current_transaction = ContextVar("current_transaction", default=None)

    async def acquire(self) -> Any:
        """A connection; `DatabaseAway` after a while without one. `give_back` takes it."""
        if not self.config:
            raise DatabaseAway("not connected to a database")
        with _told_as_away():
            if self.pool is None:
                return await asyncpg.connect(**self.config)
            return await self.pool.acquire(timeout=ACQUIRE_SECONDS)

    async def give_back(self, connection: Any) -> None:
        if self.pool is None:
            await asyncio.shield(connection.close())
        else:
            await self.pool.release(connection)

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """The transaction's connection where one is open, else one for as long as the block lasts."""
        if current := self.current_transaction.get():
            yield current.connection
            return
        connection = await self.acquire()
        try:
            yield connection
        finally:
            await self.give_back(connection)

    async def get_new_connection(self) -> Any:
        with _told_as_away():
            return await asyncpg.connect(**self.config)

    async def _run_in_pool(self, query: str, args: Any = None) -> Any:
        connection = await self.acquire()
        try:
            return await connection.fetch(query, *(args or ()))
        finally:
            await self.give_back(connection)

    async def _run_in_new_connection(self, query: str, args: Any = None) -> Any:
        connection = await self.get_new_connection()
        try:
            return await connection.fetch(query, *(args or ()))
        finally:
            await connection.close()

    async def notify(self, channel: str, payload: str = "") -> None:
        """Tells every `Listener` of the channel: once per transaction, after its commit, or at once outside of one.

        A notice may get lost and carries no personal data; whoever listens also looks now and then.
        """
        if current := cast("Transaction | None", self.current_transaction.get()):
            current.notices[channel, payload] = None
        else:
            async with self.connection() as connection:
                await connection.execute("SELECT pg_notify($1, $2)", channel, payload)

    def transaction(self, allow_nested: bool = True) -> Transaction:
        return Transaction(self, allow_nested=allow_nested)


DB = Database()


class Notice(NamedTuple):
    channel: str
    payload: str


class Listener:
    """Hears the notices of some channels, on a connection of its own that comes back after a loss.

    async with Listener("outbox") as listener:
        notices = await listener.wait(30)
    """

    def __init__(self, *channels: str) -> None:
        self._channels = channels
        self._notices: dict[Notice, None] = {}
        self._heard = asyncio.Event()
        self._connection: Any = None

    async def __aenter__(self) -> Self:
        with contextlib.suppress(DatabaseAway):
            await self._connect()
        return self

    async def __aexit__(self, *reason: object) -> None:
        if self._connection is not None:
            self._connection.terminate()

    async def wait(self, seconds: float) -> list[Notice]:
        """What was heard since the last call, once each; waits until there is something, at most `seconds`.

        An empty list means that it is time to look: nothing was heard in that time, or something may have been
        missed while the connection was lost.
        """
        lost = self._connection is None or self._connection.is_closed()
        if lost:
            try:
                await self._connect()
            except DatabaseAway:
                await asyncio.sleep(min(seconds, 1))
            return []
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._heard.wait(), seconds)
        self._heard.clear()
        notices = list(self._notices)
        self._notices.clear()
        return notices

    async def _connect(self) -> None:
        connection: Any = await DB.get_new_connection()
        try:
            with _told_as_away():
                connection.add_termination_listener(lambda connection: self._heard.set())
                for channel in self._channels:
                    await connection.add_listener(channel, self._hear)
        except BaseException:
            connection.terminate()
            raise
        self._connection = connection

    def _hear(self, connection: Any, process: int, channel: str, payload: str) -> None:
        self._notices[Notice(channel, payload)] = None
        self._heard.set()


@contextlib.contextmanager
def _told_as_away() -> Iterator[None]:
    try:
        yield
    except _AWAY as error:
        text = str(error).splitlines()[0] if str(error) else "no answer in time"
        raise DatabaseAway(text) from error


async def connect(settings: Settings, *, pool_size: int = POOL_SIZE, plans_anew: bool = False) -> None:
    """Starts the embedded server where no `DATABASE_URL` is set, and opens this process's pool.

    With `plans_anew` the server plans each statement for the tables as they are then: a plan that was kept from
    when a queue was empty reads all of it, again and again, once it is full. Raises `DatabaseAway` or
    `EmbeddedRefused`.
    """
    if settings.is_embedded:
        config = await embedded.start(settings.data_dir)
    else:
        config = _remote(settings.database_url.get_secret_value())
    plans = {"plan_cache_mode": "force_custom_plan"} if plans_anew else {}
    DB.config = {
        **config,
        "timeout": CONNECT_SECONDS,
        "server_settings": {"application_name": "dialograum", "timezone": "UTC", "jit": "off"} | plans,
    }
    try:
        with _told_as_away():
            await DB.start_connection_pool(min_size=1, max_size=pool_size, reset=_ended)
    except DatabaseAway as error:
        if settings.is_embedded:
            raise
        raise DatabaseAway(f"{PREFIX}DATABASE_URL: {error}") from error
    except ValueError as error:  # which quotes a part of the address, perhaps of the password
        raise DatabaseAway(f"{PREFIX}DATABASE_URL: it cannot be read as an address") from error


async def _ended(connection: Any) -> None:
    """What a connection goes through before it is used again.

    Nothing here changes a session beyond its transaction, so that there is nothing else to undo; asyncpg's own
    reset costs as much as a query.
    """
    if connection.is_in_transaction():
        await connection.reset()


def _remote(url: str) -> dict[str, Any]:
    config: dict[str, Any] = {"dsn": url}
    if (
        "," in url.partition("://")[2].rpartition("@")[2].partition("/")[0]
        and "target_session_attrs" not in url
    ):
        # Of several hosts, the one that takes writes.
        config["target_session_attrs"] = "read-write"
    return config


async def disconnect() -> None:
    """Closes the pool. An embedded server runs on until the last process that uses it ends."""
    pool, DB.pool = DB.pool, None
    if pool is not None:
        try:
            await asyncio.wait_for(pool.close(), 5)
        except TimeoutError:
            pool.terminate()


@contextlib.asynccontextmanager
async def connected(
    settings: Settings, *, pool_size: int = POOL_SIZE, plans_anew: bool = False
) -> AsyncIterator[Database]:
    """The pool of this process, for as long as the block lasts."""
    await connect(settings, pool_size=pool_size, plans_anew=plans_anew)
    try:
        yield DB
    finally:
        await disconnect()


async def migrate(progress: Callable[[str], None] = lambda migration: None) -> int:
    """Brings the schema up to date, all or nothing, and answers how many migrations that took.

    Processes that start at once wait for the first of them, then find nothing left to do. `progress` is told
    the name of each migration before it runs.
    """
    from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager
    from piccolo.apps.migrations.tables import Migration

    async with DB.transaction():
        await DB.run_ddl(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
        if not await Migration.table_exists():
            await Migration.create_table()
        pending = await _pending()
        for app, migration in pending:
            progress(f"{app} {migration}")
            with contextlib.redirect_stdout(io.StringIO()):
                result = await ForwardsMigrationManager(app_name=app, migration_id=migration).run()
            if not result.success:
                raise RuntimeError(f"The migration {migration} of {app} failed: {result.message}")
    return len(pending)


async def is_migrated() -> bool:
    """Whether every migration that this release brings has been run."""
    from piccolo.apps.migrations.tables import Migration

    return await Migration.table_exists() and not await _pending()


async def _pending() -> list[tuple[str, str]]:
    from piccolo.apps.migrations.tables import Migration

    done = {
        (row["app_name"], row["name"]) for row in await Migration.select(Migration.app_name, Migration.name)
    }
    return [migration for migration in _shipped() if migration not in done]


def _shipped() -> list[tuple[str, str]]:
    """All migrations of all packages, as (package, name), in the order in which they run."""
    from piccolo.apps.migrations.commands.base import BaseMigrationManager

    manager = BaseMigrationManager()
    path = list(sys.path)
    try:
        return [
            (app.app_name, migration)
            for app in manager.get_app_configs()
            for migration in sorted(manager.get_migration_modules(app.resolved_migrations_folder_path))
        ]
    finally:
        # Piccolo puts every folder of migrations in front of everything else and leaves it there.
        sys.path[:] = path
