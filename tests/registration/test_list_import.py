"""Lists of people, registered together."""

import asyncio

import pytest

from events.errors import EventCancelled
from events.queries import details
from events.rules import EventStatus, Mode
from notifications.tables import Message
from registration.decisions import Newcomer
from registration.list_columns import Candidate
from registration.list_import import import_people
from registration.queries import groups_held, is_invited
from registration.tables import Registration
from tests.registration.town import (
    CONFIRMED,
    GROUPS,
    NOW,
    ROUNDS,
    WAITLISTED,
    hold,
    id_of,
    organiser,
    register,
    row_of,
)


def people(*newcomers: Newcomer) -> list[Candidate]:
    return [
        Candidate(number, (), one.name, one.email or "", one) for number, one in enumerate(newcomers, start=2)
    ]


def person(name: str, email: str | None = "", **values) -> Newcomer:
    return Newcomer(name, f"{name}@example.org" if email == "" else email, "de", **values)


async def imported(*newcomers, also=(), tells=True):
    event = await details("dialog")
    done = await import_people(event.id, people(*newcomers), also, await organiser(), NOW, tells=tells)
    return [str(row.verdict) for row in done.rows]


async def test_all_are_confirmed_told_and_counted_beyond_the_capacity(outbox):
    await hold(capacity=2)
    await register("anna")
    assert await imported(person("kim", seats=2), person("toni"), person("alex", None)) == ["new"] * 3
    event = await details("dialog")
    assert (event.capacity, event.in_person_limit, event.in_person_taken) == (5, 5, 5)
    rows = await Registration.select().order_by(Registration.arrival)
    assert [(row["name"], row["status"]) for row in rows][1:] == [
        ("kim", CONFIRMED),
        ("toni", CONFIRMED),
        ("alex", CONFIRMED),
    ]
    assert len({row["number"] for row in rows} | {row["own_nonce"] for row in rows}) == 8
    told = await Message.select(Message.recipient, Message.kind).where(Message.kind == "confirmed")
    assert {row["recipient"] for row in told} == {"kim@example.org", "toni@example.org"}
    await outbox.news()


async def test_groups_are_given_by_wish_in_the_order_of_the_list(outbox):
    await hold(sessions=ROUNDS, groups=GROUPS)
    wish = {"first": ("wohnen", "arbeit")}
    await imported(person("kim", wishes=wish), person("toni", wishes=wish))
    kim, toni = await row_of("kim"), await row_of("toni")
    held = await groups_held([kim.id, toni.id])
    assert (held[kim.id], held[toni.id]) == ({"first": "wohnen"}, {"first": "arbeit"})
    assert toni.wishes == {"first": ["wohnen", "arbeit"]}
    await outbox.news()


async def test_the_same_list_again_registers_nobody(outbox):
    await hold()
    everyone = person("kim"), person("alex", None), person("KIM", "KIM@example.org")
    assert await imported(*everyone) == ["new", "new", "address-repeated"]
    assert await imported(*everyone) == ["address-known", "name-known", "address-known"]
    assert await Registration.count() == 2
    await outbox.news()


async def test_a_namesake_without_an_address_is_registered_when_somebody_says_so(outbox):
    await hold()
    twice = person("kim"), person("Kim", None), person("kim", None)
    assert await imported(*twice) == ["new", "name-known", "name-known"]
    assert await imported(*twice, also={4}) == ["address-known", "name-known", "new"]
    assert await Registration.count() == 2
    await outbox.news()


async def test_nobody_is_told_where_nobody_wants_it(database):
    await hold()
    await imported(person("kim"), tells=False)
    assert await Message.count() == 0
    assert not await is_invited(await id_of("kim"))


async def test_rows_with_errors_and_those_who_cancelled_are_left_out(outbox):
    event = await hold()
    rows = [
        Candidate(2, ("",), "", "", None, [("name", "missing")]),
        Candidate(3, ("x",), "x", "", person("x", None), comes=False),
        Candidate(4, ("kim",), "kim", "", person("kim", None)),
    ]
    done = await import_people(event.id, rows, (), await organiser(), NOW, tells=True)
    assert [str(row.verdict) for row in done.rows] == ["invalid", "not-coming", "new"]
    assert done.needed == {"in_person": 1}
    await outbox.news()


async def test_two_at_once_register_everybody_once(outbox):
    await hold()
    await organiser()
    both = await asyncio.gather(
        imported(person("kim"), person("a", None)), imported(person("kim"), person("a", None))
    )
    assert sorted(both) == [["address-known", "name-known"], ["new", "new"]]
    await outbox.news()


async def test_who_waits_goes_on_waiting(outbox):
    await hold(capacity=1)
    await register("anna")
    await register("ben")
    await imported(person("kim"))
    assert (await row_of("ben")).status == WAITLISTED
    assert (await details("dialog")).capacity == 2
    await outbox.news()


async def test_a_digital_event_gives_places_online(outbox):
    await hold(mode=Mode.DIGITAL, digital_capacity=1)
    await imported(person("kim"), person("toni"))
    event = await details("dialog")
    assert (event.online_taken, event.digital_capacity) == (2, 2)
    await outbox.news()


async def test_a_cancelled_event_takes_nobody(outbox):
    await hold(status=EventStatus.CANCELLED)
    with pytest.raises(EventCancelled):
        await imported(person("kim"))
