"""Limits over all processes, counted in a real database."""

import pytest

from events.errors import TooManyRequests
from registration.admission import Admission
from registration.limits import Limit, Limits
from registration.tables import Demand
from tests.registration.town import NOW, PENDING, SECOND, ask, confirm, hold

LIMITS = Limits(Limit(3, 60), Limit(2, 3600), b"secret")


async def test_a_client_is_stopped_whichever_process_it_asks(database):
    await hold()
    one, other = Admission(LIMITS), Admission(LIMITS)
    for door, name in ((one, "kim"), (other, "toni"), (one, "alex")):
        await ask(door, name, client="192.0.2.1")
    for door in (one, other):
        with pytest.raises(TooManyRequests) as refused:
            await ask(door, "eve", client="192.0.2.1", now=NOW + 10 * SECOND)
        assert refused.value.facts["retry_after"] == 50
    assert (await ask(one, "eve", client="192.0.2.2")).status is PENDING
    assert (await ask(one, "dodo", client="192.0.2.1", now=NOW + 60 * SECOND)).status is PENDING
    assert "192.0.2" not in str(await Demand.select())


async def test_an_address_is_written_to_so_often_an_hour_whatever_the_event(database):
    await hold()
    await hold(slug="party")
    door = Admission(LIMITS)
    await ask(door, "kim", client="192.0.2.1")
    await ask(door, "KIM", email="KIM@example.org", slug="party", client="192.0.2.2")
    with pytest.raises(TooManyRequests):
        await ask(door, "kim", client="192.0.2.3", now=NOW + 3599 * SECOND)
    assert (await ask(door, "kim", client="192.0.2.3", now=NOW + 3600 * SECOND)).status is PENDING


async def test_a_client_holds_twenty_seats_until_it_confirms(database):
    await hold(capacity=100)
    door = Admission(Limits(Limit(60, 60), secret=b"secret"))
    for number in range(4):
        await ask(door, f"k{number}", seats=5, client="192.0.2.1")
    with pytest.raises(TooManyRequests):
        await ask(door, "toni", client="192.0.2.1")
    await confirm("k0")
    assert (await ask(door, "toni", client="192.0.2.1")).status is PENDING


async def test_without_limits_nothing_is_counted(database):
    await hold(capacity=100)
    door = Admission()
    for number in range(30):
        await ask(door, f"k{number}", client="192.0.2.1")
    assert not await Demand.exists()
