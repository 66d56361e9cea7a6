from collections.abc import AsyncIterator

import pytest

from dialograum.database import Database
from tests.registration.town import Outbox, assert_in_order


@pytest.fixture
async def outbox(database: Database) -> AsyncIterator[Outbox]:
    """What was written to people. After the test everything is in order, and no message is there that nobody read."""
    box = Outbox()
    yield box
    await assert_in_order(settled=box.settled)
    assert await box.news() == []
