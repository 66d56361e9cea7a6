"""Databases for tests: one embedded server per run, one over TCP where a test asks for both, emptied for every test."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from piccolo.conf.apps import Finder
from piccolo.table import sort_table_classes

from dialograum import database as db
from dialograum import embedded
from dialograum.settings import PREFIX, Settings
from tests.postgres import short_folder, tcp_server

BOTH = ("embedded", "tcp")

Databases = Callable[[str], Awaitable[tuple[Settings, Any, Any]]]

# How fast examples are made says how busy the machine is, and nothing of what is tested.
hypothesis_settings.register_profile("busy", suppress_health_check=[HealthCheck.too_slow], deadline=None)
hypothesis_settings.load_profile("busy")

for name in [name for name in os.environ if name.startswith(PREFIX)]:
    del os.environ[name]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    runs_twice = metafunc.definition.get_closest_marker("both_databases") or (
        metafunc.definition.path.name == "test_actions.py"
    )
    if runs_twice and "database_kind" in metafunc.fixturenames:
        metafunc.parametrize("database_kind", BOTH, scope="session")


@pytest.fixture(scope="session")
def database_kind() -> str:
    """`embedded`, or `tcp` in the second run of a test that runs on both."""
    return "embedded"


@pytest.fixture(scope="session")
def data_dir() -> Iterator[Path]:
    """`DATA_DIR` of the run, with the embedded server in it."""
    with short_folder() as folder:
        yield folder
        embedded.leave(folder)


@pytest.fixture(scope="session")
async def _databases(data_dir: Path) -> AsyncIterator[Databases]:
    """By kind: settings, configuration and pool of a migrated database, made when first asked for."""
    async with AsyncExitStack() as stack:
        ready: dict[str, tuple[Settings, Any, Any]] = {}

        async def database_of(kind: str) -> tuple[Settings, Any, Any]:
            if kind not in ready:
                settings = Settings(data_dir=data_dir)
                if kind == "tcp":
                    server = await stack.enter_async_context(tcp_server(data_dir))
                    settings = Settings(data_dir=data_dir, database_url=server.address, secret_key="s" * 40)
                else:
                    settings.make_folders()
                    await embedded.start(data_dir, durable=False)
                db.DB.pool = None
                await db.connect(settings)
                stack.push_async_callback(db.DB.pool.close)  # type: ignore[attr-defined]
                await db.migrate()
                ready[kind] = settings, db.DB.config, db.DB.pool
            return ready[kind]

        yield database_of
        db.DB.pool = None


@pytest.fixture
async def settings(database_kind: str, _databases: Databases) -> Settings:
    """The settings of this test's database."""
    found, _, _ = await _databases(database_kind)
    return found


@pytest.fixture
async def database(database_kind: str, _databases: Databases) -> db.Database:
    """The engine, connected to a migrated database without a row."""
    _, db.DB.config, db.DB.pool = await _databases(database_kind)
    # Those that refer to others first. TRUNCATE would take a tenth of a second.
    tables = reversed(sort_table_classes(Finder().get_table_classes()))
    names = [table._meta.get_formatted_tablename() for table in tables]
    async with db.DB.connection() as connection:
        await connection.execute(";".join(f"DELETE FROM {name}" for name in names))  # noqa: S608
    return db.DB


@pytest.fixture
async def tcp_address(_databases: Databases) -> str:
    """The address of the database over TCP, with its password."""
    settings, _, _ = await _databases("tcp")
    return settings.database_url.get_secret_value()


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    """The environment in which a process of ours uses this test's database."""
    values = {"DATA_DIR": str(settings.data_dir), "DATABASE_URL": settings.database_url.get_secret_value()}
    if not settings.is_embedded:
        values["SECRET_KEY"] = settings.secret_key.get_secret_value()
    return os.environ | {PREFIX + name: value for name, value in values.items()}
