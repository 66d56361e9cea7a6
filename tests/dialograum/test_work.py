"""The worker's step for sources, and that a stop does not wait for a server that takes its time."""

import asyncio
from datetime import UTC, datetime

from dialograum import work
from dialograum.settings import Settings
from hybrid.queries import kept_reports
from tests.hybrid import town
from tests.hybrid.files import COUNTIES
from tests.hybrid.origin import answer, origin, silence


async def test_the_worker_reads_the_sources_of_the_settings(database, tmp_path):
    await town.event(at=datetime.now(UTC))
    async with origin() as server:
        server.serve(answer(COUNTIES.encode()))
        settings = Settings(data_dir=tmp_path, indicator_urls={"rki-incidence": server.url()})
        await work.read_sources(settings)
        await work.read_sources(settings)
        assert len(server.asked) == 1
    assert len(await kept_reports("rki-incidence", town.COUNTY)) == 1


async def test_a_stop_does_not_wait_for_a_server(database, tmp_path):
    await town.event(at=datetime.now(UTC))
    async with origin() as server:
        reached, stop = asyncio.Event(), asyncio.Event()

        async def keep_waiting(writer: asyncio.StreamWriter) -> None:
            reached.set()
            await silence(writer)

        server.serve(keep_waiting)
        settings = Settings(data_dir=tmp_path, indicator_urls={"rki-incidence": server.url()})
        working = asyncio.create_task(work._read_sources(settings, stop))
        async with asyncio.timeout(10):
            await reached.wait()
            stop.set()
            await working
