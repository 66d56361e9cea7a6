"""One installation for all journeys over HTTP."""

from collections.abc import AsyncIterator

import pytest

from tests.journeys.installation import Installation, installed


@pytest.fixture(scope="session")
async def town() -> AsyncIterator[Installation]:
    async with installed() as installation:
        yield installation
