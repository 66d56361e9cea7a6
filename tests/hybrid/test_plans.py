"""What is known in advance of when an event would move, as mails state it: what the page says, at the same moment."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dialograum import publishing
from events.queries import details
from events.tables import Event
from hybrid.evaluation import evaluate, evaluate_all
from hybrid.indicators import BUILT_IN
from hybrid.plans import plan_facts
from hybrid.public_mode import public_mode
from notifications.outbox import claim
from registration.actions import confirm
from tests.hybrid.town import CELL, INCIDENCE, RULE, event, publish, warn
from tests.mail.case import composer
from tests.mail.reading import opened, part
from tests.registration.town import id_of, register

NOW = datetime(2027, 3, 8, 9, tzinfo=UTC)
"""Monday, eleven days before the event."""

WARNED = {"indicator": "dwd-warnings", "region": CELL, "enter_at": 3, "leave_at": 2, "mode": "hybrid"}
MARCH = [date(2027, 3, day) for day in range(1, 32)]


@pytest.fixture(autouse=True)
def _database(database):
    """Every test has a database of its own."""


async def planned():
    return (await details("forum")).plan


async def on_the_page(now=NOW):
    """What the event's page says of its rules at the same time."""
    there = await details("forum")
    return [plan_facts(view, there.timezone) for view in (await public_mode(there, BUILT_IN, now)).rules]


async def last_values():
    return [one["last"] and (one["last"]["value"], one["is_on"]) for one in await planned() or ()]


async def change(*rules, **changes):
    await publishing.patch("forum", {"mode_rules": list(rules), **changes}, None, NOW)


async def test_a_rule_is_stated_in_full():
    await event()
    await publish(MARCH[7], 332.7)
    assert await planned() == [
        {
            "rule": {
                "key": "rki-incidence/05754/digital",
                "indicator": "rki-incidence",
                "region": "05754",
                "region_title": {},
                "mode": "digital",
                "enter_at": 400,
                "leave_at": 300,
                "enter_after": 2,
                "leave_after": 2,
                "only_rising": False,
                "proposes": False,
            },
            "is_state": False,
            "is_on": False,
            "last": {"value": 332.7, "report_on": "2027-03-08", "row_on": "2027-03-08"},
            "decides_from_local": "2027-02-19T00:00:00",
            "decides_until_local": "2027-03-17T16:00:00",
        }
    ]


async def test_after_every_report_it_says_what_the_page_says():
    await event([RULE, WARNED])
    seen = []
    for step in (
        None,
        publish(MARCH[4], 250),
        warn(NOW - timedelta(hours=2), 1),
        publish(MARCH[5], 410),
        publish(MARCH[6], 420),
        warn(NOW - timedelta(hours=1), 3),
        publish(MARCH[7], 290),
    ):
        if step is not None:
            await step
        assert await planned() == await on_the_page()
        seen.append(await last_values())
    assert seen == [
        [None, None],
        [(250, False), None],
        [(250, False), (1, False)],
        [(410, False), (1, False)],
        [(420, True), (1, False)],
        [(420, True), (3, True)],
        [(290, True), (3, True)],
    ]


async def test_what_was_reported_before_the_rule_existed_is_stated_at_once():
    await publish(MARCH[7], 332.7)
    await event()
    assert await last_values() == [(332.7, False)]


async def test_edited_rules_are_stated_at_once_and_vanished_ones_no_more():
    await event([RULE, WARNED])
    await publish(MARCH[7], 332.7)
    await change(WARNED, RULE | {"enter_at": 350, "enter_after": 4})
    assert await planned() == await on_the_page()
    assert [(one["rule"]["enter_at"], one["rule"]["enter_after"]) for one in await planned()] == [
        (3, 1),
        (350, 4),
    ]
    await change(WARNED)
    assert [one["rule"]["indicator"] for one in await planned()] == ["dwd-warnings"]
    await change()
    assert await planned() is None


async def test_another_date_of_the_event_is_another_time_to_decide():
    await event()
    await change(RULE, starts_at="2027-03-20T16:00:00", ends_at="2027-03-20T19:00:00")
    assert (await planned())[0]["decides_until_local"] == "2027-03-18T16:00:00"


async def test_a_rule_whose_last_day_is_over_is_taken_out_without_a_report():
    await event([RULE | {"expires_on": "2027-03-08"}])
    await publish(MARCH[7], 332.7)
    await evaluate_all(INCIDENCE, datetime(2027, 3, 8, 22, 59, tzinfo=UTC))
    assert await last_values() == [(332.7, False)]
    await evaluate_all(INCIDENCE, datetime(2027, 3, 8, 23, tzinfo=UTC))
    assert await planned() is None


async def test_an_indicator_of_the_operators_own_is_stated_by_who_judges_it():
    own = replace(INCIDENCE, name="pollen")
    there = await event([RULE | {"indicator": "pollen"}, RULE])
    assert [one["rule"]["indicator"] for one in await planned()] == ["rki-incidence"]
    await evaluate(there.id, own, NOW)
    await publish(MARCH[7], 332.7)
    assert [(one["rule"]["indicator"], one["last"] is None) for one in await planned()] == [
        ("pollen", True),
        ("rki-incidence", False),
    ]


async def test_an_event_that_cannot_move_has_none():
    await event(mode="digital")
    assert await planned() is None


async def test_a_cancelled_event_has_none():
    await event()
    assert await planned()
    await publishing.cancel("forum", None, None, NOW)
    assert await planned() is None


async def test_a_report_changes_nothing_that_callers_hold_versions_of():
    before = await event()
    await publish(MARCH[7], 332.7)
    after = await details("forum")
    assert after.plan != before.plan
    assert replace(after, plan=before.plan) == before


async def test_a_look_that_finds_nothing_new_writes_nothing():
    there = await event([RULE, WARNED])
    await publish(MARCH[7], 332.7)
    await warn(NOW, 2)
    (before,) = await Event.raw("SELECT xmin::text FROM event")
    await evaluate(there.id, INCIDENCE, NOW)
    assert await Event.raw("SELECT xmin::text FROM event") == [before]
    await publish(MARCH[8], 350)
    assert await Event.raw("SELECT xmin::text FROM event") != [before]


# What is told


async def mails():
    """What waits in the outbox, by name, as text."""
    messages = await claim(10, "dialog.example.org")
    write = await composer().compose(messages)
    return {
        message.recipient_name: part(opened(write(message)), "text/plain").replace("\N{NO-BREAK SPACE}", " ")
        for message in messages
        if message.kind == "confirmed"
    }


async def take_part(name):
    await register(name, NOW, "forum")
    await confirm(await id_of(name), NOW)


async def test_who_confirms_is_told_the_value_of_the_last_report_before():
    await event(status="published")
    await publish(MARCH[7], 332.7)
    await take_part("kim")
    await publish(MARCH[8], 350)
    await take_part("toni")
    await change()
    await take_part("alex")
    told = await mails()
    assert "Kreis, 05754: 332,7 (Meldung vom 8. März)." in told["kim"]
    assert "Kreis, 05754: 350 (Meldung vom 9. März)." in told["toni"]
    assert "400 oder mehr" in told["kim"]
    assert "05754" not in told["alex"]
    assert "400 oder mehr" not in told["alex"]


async def test_who_confirms_once_it_has_moved_is_told_when_it_comes_back():
    await event(status="published")
    await publish(MARCH[6], 410)
    await publish(MARCH[7], 420)
    await take_part("kim")
    text = (await mails())["kim"]
    assert "zwei Meldungen hintereinander unter 300" in text
    assert "Kreis, 05754: 420 (Meldung vom 8. März)." in text
