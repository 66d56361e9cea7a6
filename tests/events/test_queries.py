"""What is read of events: lists, filters, pages of a list, and whose they are."""

from datetime import UTC, datetime, timedelta

import pytest

from events import actions
from events.errors import EventUnknown
from events.queries import (
    activities_of,
    all_events,
    details,
    event_by_id,
    event_named,
    events_of,
    events_of_series,
    organisers_of,
    public_events,
    slug_of_short,
)
from events.rules import EventStatus, Mode
from events.tables import Organiser
from tests.registration.town import DAY, DOCUMENT, GROUPS, HOUR, NOW, ROUNDS, STARTS_AT, document

DRAFT, PUBLISHED, CANCELLED = EventStatus


async def create(slug, days=0, series=None, **values):
    """An event some days after Friday, 18 November 2022."""
    spec = document(
        slug=slug,
        starts_at=DOCUMENT.starts_at + timedelta(days=days),
        ends_at=DOCUMENT.ends_at + timedelta(days=days),
        **values,
    )
    await actions.create(spec, f"event-{slug}", NOW, series)


async def slugs(**wanted):
    return [event.slug for event in await public_events(**wanted)]


@pytest.fixture
async def events(database):
    """A draft and three public events; two of them begin at the same moment."""
    await create("late", 7, mode=Mode.DIGITAL, title={"de": "100 % Zukunft", "en": "A future_for all"})
    await create("draft", status=DRAFT, short="entwurf")
    await create("early", summary={"de": "Wir reden über Wohnen."}, short="frueh")
    await create("same", status=CANCELLED, title={"de": "Wohnen und Arbeit"}, short="abgesagt")


async def test_drafts_are_not_public_and_what_was_cancelled_stays_to_be_seen(events):
    assert await slugs() == ["early", "same", "late"]
    assert [event.slug for event in await all_events()] == ["draft", "early", "same", "late"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"starting_from": STARTS_AT}, ["early", "same", "late"]),
        ({"starting_from": STARTS_AT + timedelta(seconds=1)}, ["late"]),
        ({"starting_before": STARTS_AT}, []),
        ({"starting_before": STARTS_AT + timedelta(seconds=1)}, ["early", "same"]),
        ({"ending_after": STARTS_AT + 3 * HOUR}, ["late"]),
        ({"ending_after": STARTS_AT + 3 * HOUR - timedelta(seconds=1)}, ["early", "same", "late"]),
        ({"mode": Mode.DIGITAL}, ["late"]),
        ({"mode": Mode.HYBRID}, []),
        ({"words": ["wohnen"]}, ["early", "same"]),
        ({"words": ["WOHNEN", "arbeit"]}, ["same"]),
        ({"words": ["future"]}, ["late"]),
        ({"words": ["%"]}, ["late"]),
        ({"words": ["100 %"]}, ["late"]),
        ({"words": ["_"]}, ["late"]),
        ({"words": ["e_for"]}, ["late"]),
        ({"words": ["\\"]}, []),
        ({"words": ["{}"]}, []),
        ({"words": ["'; --"]}, []),
        ({"words": ["entwurf"]}, []),
    ],
)
async def test_what_is_asked_of_the_list(events, wanted, expected):
    assert await slugs(**wanted) == expected


async def test_page_by_page_every_event_stands_there_once(events):
    found, after = [], None
    while page := await public_events(after=after, limit=1):
        found += [event.slug for event in page]
        after = (page[-1].starts_at, page[-1].id)
    assert found == ["early", "same", "late"]


async def test_a_short_address_leads_to_what_is_public(events):
    assert await slug_of_short("frueh") == "early"
    assert await slug_of_short("abgesagt") == "same"
    assert await slug_of_short("entwurf") is None
    assert await slug_of_short("early") is None


@pytest.mark.parametrize("slug", ["party", "", "EARLY", "x" * 500])
async def test_an_event_that_is_not_there_is_unknown(events, slug):
    with pytest.raises(EventUnknown):
        await event_named(slug)
    with pytest.raises(EventUnknown):
        await details(slug)


async def test_an_id_that_is_not_there_is_unknown(events):
    with pytest.raises(EventUnknown):
        await event_by_id(2**31 - 1)


async def test_each_event_has_its_own_programme(database):
    await create("first", sessions=ROUNDS, groups=GROUPS)
    await create("second", sessions=(ROUNDS[0],), groups=GROUPS[2:], venues=())
    first, second = await all_events()
    assert [found.key for found in first.sessions] == ["first", "second"]
    assert [found.key for found in first.groups] == ["wohnen", "bildung", "arbeit"]
    assert [(found.key, found.sessions) for found in second.groups] == [("arbeit", ("first",))]
    assert (len(first.venues), len(second.venues)) == (1, 0)
    assert {slot.id for found in first.groups for slot in found.slots}.isdisjoint(
        slot.id for found in second.groups for slot in found.slots
    )


async def test_a_hundred_events_are_read_in_as_many_statements_as_one(database, monkeypatch):
    statements = []
    run = database.run_querystring

    async def counted(*arguments, **options):
        statements.append(arguments)
        return await run(*arguments, **options)

    for number in range(3):
        await create(f"event-{number}", sessions=ROUNDS, groups=GROUPS)
    monkeypatch.setattr(type(database), "run_querystring", lambda engine, *a, **o: counted(*a, **o))
    assert len(await public_events()) == 3
    assert len(statements) == 5


async def test_a_series_has_its_public_events_by_start(database):
    from events.forms import SeriesSpec

    series = await actions.write_series(
        SeriesSpec(slug="reihe", default_language="de", title={"de": "Reihe"})
    )
    await create("second", 7, series)
    await create("first", 0, series)
    await create("draft", 1, series, status=DRAFT)
    await create("other")
    found = await events_of_series("reihe")
    assert [event.slug for event in found] == ["first", "second"]
    assert [event.series for event in await all_events()] == ["reihe", None, "reihe", "reihe"]
    assert await events_of_series("party") == []


async def test_organisers_have_the_events_they_were_given(events):
    people = {}
    for role in ("admin", "organiser", "helper"):
        people[role] = Organiser(email=f"{role}@example.org", name=role, role=role)
        await people[role].save()
        await actions.join(people[role], await event_named("late"))
    await actions.join(people["helper"], await event_named("draft"))
    event = await event_named("late")
    assert {found.name for found in await organisers_of(event.id)} == {"admin", "organiser"}
    assert [found.slug for found in await events_of(people["helper"])] == ["draft", "late"]
    assert [found.slug for found in await events_of(people["organiser"])] == ["late"]
    nobody = Organiser(email="new@example.org", name="new", role="organiser")
    await nobody.save()
    assert await events_of(nobody) == []
    assert await organisers_of((await event_named("early")).id) == []


async def test_what_was_done_to_an_event_stands_there_newest_first(events):
    row = Organiser(email="office@example.org", name="Büro", role="organiser")
    await row.save()
    event, other = await event_named("early"), await event_named("late")
    await actions.record(event, row, NOW, "event_created")
    await actions.record(event, None, NOW + DAY, "event_changed", changed=["time"])
    await actions.record(other, row, NOW, "event_created")
    found = await activities_of(event.id, limit=10)
    assert [(line["what"], line["details"], line["organiser.name"]) for line in found] == [
        ("event_changed", {"changed": ["time"]}, None),
        ("event_created", {}, "Büro"),
    ]
    assert found[0]["at"] == datetime(2022, 11, 2, 12, tzinfo=UTC)
    assert len(await activities_of(event.id, limit=1)) == 1
