"""Changes by hand that end what a registration waits for."""

import pytest

from registration import editing
from registration.editing import Edit
from tests.registration.town import (
    CONFIRMED,
    NOW,
    WAITLISTED,
    hold,
    id_of,
    organiser,
    register,
    watched,
)

outbox = pytest.fixture(watched)


async def test_who_has_no_address_any_more_need_not_confirm_one(outbox):
    await hold(capacity=1)
    await register("kim")
    await register("toni")
    await outbox.news()
    for name, status in (("kim", CONFIRMED), ("toni", WAITLISTED)):
        row = await editing.edit(await id_of(name), Edit(email=None), await organiser(), NOW)
        assert (row.status, row.confirmed_at, row.held_until, row.address) == (status, NOW, None, None)
    assert await outbox.news() == []
