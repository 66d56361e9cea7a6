"""Events as documents, and what becomes of the people registered when one changes."""

import asyncio
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from msgspec.structs import replace

from dialograum import publishing
from dialograum.event_file import EventFile, EventFileInvalid, read, read_files, write
from events.errors import Conflict, EventUnknown, ModeRefused
from events.forms import SeriesSpec
from events.queries import details, event_named, events_of
from events.rules import EventStatus, Mode
from events.tables import Activity, Event, GroupSlot, Series, Session, Venue, WorkingGroup
from hybrid.tables import ModeRule
from registration import actions
from registration.by_hand import register_by_hand
from registration.queries import is_invited
from registration.tables import Registration
from tests.dialograum.test_event_file import files
from tests.registration.town import (
    CANCELLED,
    CONFIRMED,
    DAY,
    DOCUMENT,
    GROUPS,
    HOUR,
    NOW,
    ROUNDS,
    WAITLISTED,
    cancel,
    confirm,
    document,
    group,
    groups_of,
    hold,
    id_of,
    newcomer,
    organiser,
    register,
    rewrite,
    row_of,
    rows_of,
    seat,
    status_of,
    watched,
)

outbox = pytest.fixture(watched)

EXAMPLES = sorted((Path(__file__).parents[2] / "dialograum" / "examples").glob("*.toml"))
LATER: dict[str, Any] = {"starts_at": DOCUMENT.starts_at + DAY, "ends_at": DOCUMENT.ends_at + DAY}
SERIES = SeriesSpec(slug="reihe", default_language="de", title={"de": "Reihe"})


async def take(*documents, series=None, **options):
    """Imports a file with these events."""
    return await publishing.import_files([EventFile(series=series, events=documents)], None, NOW, **options)


def in_order_of_programme(document):
    """The same, each group's sessions in the order of the programme, which is how they are kept."""
    order = [session.key for session in document.sessions]
    groups = (
        replace(found, sessions=tuple(sorted(found.sessions, key=order.index))) for found in document.groups
    )
    return replace(document, groups=tuple(groups))


# Files


def test_there_are_five_examples():
    assert len(EXAMPLES) == 5


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
async def test_an_example_comes_out_as_it_went_in(outbox, path):
    files = read_files([path], start=date(2027, 3, 1))
    by = await organiser()
    written = await publishing.import_files(files, by, NOW, publish=True, languages=("de", "en"))
    assert [(one.slug, one.created, one.told) for one in written] == [
        (event.slug, True, 0) for event in files[0].events
    ]
    assert {event.slug for event in await events_of(by)} == {event.slug for event in files[0].events}
    for event in files[0].events:
        whole = await publishing.file_of(event.slug)
        assert whole.series == files[0].series
        assert whole.events == (in_order_of_programme(replace(event, status=EventStatus.PUBLISHED)),)
        assert read(write(whole).encode(), "again") == whole
    again = await publishing.import_files(files, by, NOW + DAY)
    assert [(one.created, one.changes, one.told) for one in again] == [(False, (), 0)] * len(written)
    for event in files[0].events:
        after = await details(event.slug)
        assert (after.status, after.sequence) == (EventStatus.PUBLISHED, 0)


async def test_all_examples_at_once(outbox):
    written = await publishing.import_files(read_files(EXAMPLES), None, NOW)
    assert len(written) == await Event.count() >= 5


@given(files())
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
async def test_what_is_exported_imports_to_the_same_event(database, file):
    assume(all(event.short not in publishing.PAGES for event in file.events))
    await Event.delete(force=True)
    await Series.delete(force=True)
    await publishing.import_files([file], None, NOW)
    for event in file.events:
        exported = await publishing.file_of(event.slug)
        assert exported == EventFile(series=file.series, events=(in_order_of_programme(event),))
        before = await rows_of(Venue, Session, WorkingGroup, GroupSlot, ModeRule, Series)
        [again] = await publishing.import_files([exported], None, NOW)
        assert (again.created, again.changes, again.told) == (False, (), 0)
        assert await rows_of(Venue, Session, WorkingGroup, GroupSlot, ModeRule, Series) == before
        assert await publishing.file_of(event.slug) == exported


async def test_a_file_is_taken_whole_or_not_at_all(outbox):
    await hold()
    await seat("kim")
    await outbox.news()
    before = await rows_of(Event, Venue, Session, Activity, Series)
    with pytest.raises(Conflict):
        await take(document(slug="party"), document(capacity=0, **LATER), series=SERIES)
    with pytest.raises(EventFileInvalid):
        await take(document(**LATER), document(slug="party", short="api"))
    assert await rows_of(Event, Venue, Session, Activity, Series) == before


async def test_a_file_that_does_not_say_so_leaves_an_event_public(outbox):
    draft = document(status=EventStatus.DRAFT)
    await take(draft)
    assert (await details("dialog")).status is EventStatus.DRAFT
    await take(draft, publish=True)
    assert (await details("dialog")).status is EventStatus.PUBLISHED
    await take(draft)
    assert (await details("dialog")).status is EventStatus.PUBLISHED


async def test_an_event_joins_the_series_of_its_file_and_stays_in_it(outbox):
    await take(DOCUMENT)
    await take(DOCUMENT, document(slug="party"), series=SERIES)
    assert (await details("dialog")).series == "reihe"
    assert (await publishing.file_of("party")).series == SERIES
    await take(document(title={"de": "Neu"}))
    assert (await details("dialog")).series == "reihe"


@pytest.mark.parametrize("short", ["api", "r", "organise", "en", "taken"])
async def test_a_short_address_that_leads_elsewhere_is_refused(outbox, short):
    await hold(slug="party", short="taken")
    with pytest.raises(EventFileInvalid) as refused:
        await take(document(short=short), languages=("de", "en"))
    [problem] = refused.value.problems
    assert problem.path == "short"


async def test_an_event_keeps_its_own_short_address(outbox):
    await take(document(short="dialog"))
    await take(document(short="dialog", title={"de": "Neu"}))
    assert (await publishing.document_of("dialog")).short == "dialog"


# Creating and publishing


async def test_whoever_creates_an_event_manages_it_and_that_is_written_down(outbox):
    by = await organiser()
    event = await publishing.create(DOCUMENT, by, NOW)
    assert [found.slug for found in await events_of(by)] == ["dialog"]
    [activity] = await Activity.select()
    assert (activity["what"], activity["organiser"], activity["event"], activity["at"]) == (
        "event_created",
        by.id,
        event.id,
        NOW,
    )


async def test_a_slug_is_taken_once(outbox):
    await hold()
    with pytest.raises(Conflict):
        await hold()
    answers = await asyncio.gather(*(hold(slug="party") for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(answer, Conflict) for answer in answers) == 3


async def test_a_draft_is_published_once_and_what_was_cancelled_never(outbox):
    by = await organiser()
    await hold(status=EventStatus.DRAFT)
    await publishing.publish("dialog", by, NOW)
    await publishing.publish("dialog", by, NOW)
    assert (await details("dialog")).status is EventStatus.PUBLISHED
    assert await Activity.count().where(Activity.what == "event_published") == 1
    await publishing.cancel("dialog", None, by, NOW)
    with pytest.raises(Conflict):
        await publishing.publish("dialog", by, NOW)
    with pytest.raises(EventUnknown):
        await publishing.publish("party", by, NOW)


# Editing


async def test_everybody_who_takes_part_or_waits_is_told_once_of_a_new_time(outbox):
    await hold(capacity=3)
    await seat("kim")
    await register("toni")
    await seat("gone")
    await register("sascha")
    await register("alex", seats=2)
    await confirm("alex")
    await cancel("gone")
    await outbox.news()
    [written] = await take(document(capacity=3, **LATER))
    assert (written.changes, written.told) == (("time",), 4)
    letters = await outbox.letters()
    assert {(letter["kind"], letter["recipient_name"]) for letter in letters} == {
        ("event_changed", name) for name in ("kim", "toni", "alex", "sascha")
    }
    for letter in letters:
        assert [change["what"] for change in letter["context"]["changes"]] == ["time"]
        assert letter["context"]["changes"][0]["before"]["starts_local"] == "2022-11-18T16:00:00"
        assert letter["context"]["changes"][0]["after"]["starts_local"] == "2022-11-19T16:00:00"
        assert letter["context"]["event"]["starts_local"] == "2022-11-19T16:00:00"
        assert letter["context"]["event"]["sequence"] == letter["context"]["registration"]["sequence"] == 1
    assert not await is_invited(await id_of("toni"))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"title": {"de": "Neu"}},
        {"capacity": 9},
        {"closes_at": None},
        {"description": {"de": "Neu"}},
        {"retention_days": 7},
    ],
)
async def test_of_what_does_not_touch_them_people_are_not_told(outbox, changes):
    await hold()
    await seat("kim")
    await outbox.news()
    await rewrite(**changes)
    assert (await details("dialog")).sequence == 0


async def test_who_moves_up_by_an_edit_learns_both_in_one_mail(outbox):
    await hold(capacity=1)
    await seat("kim")
    await register("toni")
    await confirm("toni")
    await register("alex")
    await outbox.news()
    [written] = await take(document(capacity=2, **LATER))
    assert written.told == 3
    letters = {letter["recipient_name"]: letter for letter in await outbox.letters()}
    assert {name: letter["kind"] for name, letter in letters.items()} == {
        "kim": "event_changed",
        "toni": "promoted",
        "alex": "event_changed",
    }
    assert [change["what"] for change in letters["toni"]["context"]["changes"]] == ["time"]
    assert letters["toni"]["context"]["event"]["starts_local"] == "2022-11-19T16:00:00"
    assert letters["alex"]["context"]["registration"]["position"] == 1


async def test_where_addresses_need_no_proof_any_more_held_seats_are_confirmed(outbox):
    await hold(capacity=1)
    await register("kim")
    await register("toni")
    await outbox.news()
    await rewrite(confirm_email=False)
    assert [await status_of(name) for name in ("kim", "toni")] == [CONFIRMED, WAITLISTED]
    await rewrite(capacity=2)
    assert await status_of("toni") == CONFIRMED
    assert await outbox.news() == [("confirmed", "kim"), ("promoted", "toni")]


@pytest.mark.parametrize("capacity", [1, 2, 3])
async def test_a_capacity_below_what_is_held_is_refused_with_the_number(outbox, capacity):
    await hold()
    await seat("kim", seats=2)
    await outbox.news()
    if capacity >= 2:
        assert (await rewrite(capacity=capacity)).capacity == capacity
        return
    with pytest.raises(Conflict, match="2 hold seats") as refused:
        await rewrite(capacity=capacity)
    assert refused.value.facts == {"held": 2}
    assert (await details("dialog")).capacity == 10


async def test_the_mode_is_not_edited_under_people(outbox):
    await hold()
    await register("kim")
    await outbox.news()
    with pytest.raises(ModeRefused):
        await rewrite(mode=Mode.DIGITAL)
    await rewrite(mode=Mode.HYBRID)
    assert await outbox.news() == [("event_changed", "kim")]


WITHOUT_WOHNEN = (group("bildung", "first", "second", capacity=1), group("arbeit", "first"))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("the group", {"groups": WITHOUT_WOHNEN}),
        ("the session", {"sessions": ROUNDS[1:], "groups": (group("wohnen", "second"),)}),
        (
            "the group in this session",
            {"groups": (group("wohnen", "second"), *WITHOUT_WOHNEN)},
        ),
    ],
)
async def test_a_group_with_people_vanishes_only_where_that_is_meant(outbox, name, changes):
    whole = document(sessions=ROUNDS, groups=GROUPS)
    await take(whole)
    await seat("kim", wishes={"first": ("wohnen",)})
    await seat("toni")
    await outbox.news()
    after = replace(whole, **changes)
    before = await rows_of(Event, GroupSlot, WorkingGroup, Session, Registration)
    with pytest.raises(Conflict, match="1 hold seats in groups that would vanish: wohnen in first"):
        await take(after)
    with pytest.raises(Conflict):
        await publishing.edit("dialog", after, None, NOW)
    assert await rows_of(Event, GroupSlot, WorkingGroup, Session, Registration) == before
    await take(after, replace_groups=True)
    assert await groups_of("kim") == {}
    kim = await row_of("kim")
    assert (kim.status, kim.sequence) == (CONFIRMED, 1)
    letters = {letter["recipient_name"]: letter for letter in await outbox.letters()}
    assert letters["kim"]["kind"] == "event_changed"
    assert letters["kim"]["context"]["changes"][-1] == {"what": "groups"}
    assert letters["kim"]["context"]["registration"]["sequence"] == 1
    assert ("toni" in letters) is ("sessions" in changes)


async def test_who_loses_a_group_gets_the_next_wish(outbox):
    whole = document(sessions=ROUNDS, groups=GROUPS)
    await take(whole)
    await seat("kim", wishes={"first": ("wohnen", "arbeit")})
    await outbox.news()
    await take(replace(whole, groups=WITHOUT_WOHNEN), replace_groups=True)
    assert await groups_of("kim") == {"first": "arbeit"}
    wrong, letter = await outbox.letters()
    assert [(one["kind"], one["status"]) for one in (wrong, letter)] == [
        ("event_changed", "superseded"),
        ("event_changed", "queued"),
    ]
    assert letter["context"]["registration"]["groups"] == {
        "first": {"key": "arbeit", "title": {"de": "Arbeit"}}
    }


async def test_an_empty_group_or_session_may_vanish(outbox):
    whole = document(sessions=ROUNDS, groups=GROUPS)
    await take(whole)
    await seat("kim", wishes={"first": ("arbeit",)})
    await outbox.news()
    await take(replace(whole, sessions=ROUNDS[:1], groups=(group("arbeit", "first"),)))
    assert await groups_of("kim") == {"first": "arbeit"}
    assert await outbox.news() == [("event_changed", "kim")]


async def test_a_larger_group_takes_in_who_wished_it(outbox):
    await hold(sessions=ROUNDS, groups=GROUPS)
    for name in ("kim", "toni", "alex"):
        await seat(name, wishes={"first": ("wohnen",)})
    await outbox.news()
    await rewrite(groups=(group("wohnen", "first", "second", capacity=2), *GROUPS[1:]))
    assert [await groups_of(name) for name in ("toni", "alex")] == [{"first": "wohnen"}, {}]
    assert await outbox.news() == [("registration_changed", "toni")]


async def test_an_edit_of_an_older_version_is_refused(outbox):
    event = await hold()
    await publishing.edit("dialog", document(title={"de": "Neu"}), None, NOW, version=event.version)
    with pytest.raises(Conflict):
        await publishing.edit("dialog", DOCUMENT, None, NOW, version=event.version)
    assert (await details("dialog")).title == {"de": "Neu"}
    with pytest.raises(EventUnknown):
        await publishing.edit("party", document(slug="party"), None, NOW)
    with pytest.raises(EventFileInvalid):
        await publishing.edit("dialog", document(slug="party"), None, NOW)


async def test_of_two_edits_of_one_version_at_once_one_counts(outbox):
    event = await hold()
    titles = [{"de": f"Titel {number}"} for number in range(4)]
    answers = await asyncio.gather(
        *(
            publishing.edit("dialog", document(title=title), None, NOW, version=event.version)
            for title in titles
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Conflict) for answer in answers) == 3
    assert (await details("dialog")).version == event.version + 1


async def test_imports_at_once_follow_one_another_whatever_their_order(outbox):
    first, second = document(slug="first"), document(slug="second")
    written = await asyncio.gather(*(take(*pair) for pair in [(first, second), (second, first)] * 3))
    assert Counter(one.created for pair in written for one in pair) == {True: 2, False: 10}


async def test_a_draft_with_people_put_in_by_hand_tells_them_too(outbox):
    await hold(status=EventStatus.DRAFT)
    by = await organiser()
    await register_by_hand("dialog", newcomer("kim"), by, NOW)
    letters = await outbox.letters()
    await rewrite(**LATER)
    letters += await outbox.letters()
    await publishing.cancel("dialog", None, by, NOW)
    letters += await outbox.letters()
    assert [letter["kind"] for letter in letters] == ["confirmed", "event_changed", "event_cancelled"]
    assert letters[-1]["context"]["registration"]["invited"]


@pytest.mark.parametrize(
    ("before", "after", "people", "is_refused"),
    [
        (EventStatus.PUBLISHED, EventStatus.DRAFT, 0, False),
        (EventStatus.PUBLISHED, EventStatus.DRAFT, 1, True),
        (EventStatus.DRAFT, EventStatus.PUBLISHED, 0, False),
        (EventStatus.CANCELLED, EventStatus.PUBLISHED, 0, True),
        (EventStatus.CANCELLED, EventStatus.DRAFT, 0, True),
    ],
)
async def test_what_may_follow_what(outbox, before, after, people, is_refused):
    await hold(status=before)
    if people:
        await register("kim")
        await outbox.news()
    if is_refused:
        with pytest.raises(Conflict):
            await rewrite(status=after)
        assert (await details("dialog")).status is before
    else:
        await rewrite(status=after)
        assert (await details("dialog")).status is after


# Cancelling


@pytest.mark.parametrize("by_file", [False, True])
async def test_a_cancelled_event_is_told_to_everybody_once_with_its_reason(outbox, by_file):
    await hold(capacity=2)
    await seat("kim")
    await register("toni")
    await register("alex")
    await seat("gone", email="gone@example.org")
    await cancel("gone")
    await outbox.news()
    if by_file:
        assert (await take(document(capacity=2, status=EventStatus.CANCELLED)))[0].told == 3
    else:
        await publishing.cancel("dialog", "Sturm", None, NOW)
    await publishing.cancel("dialog", "Regen", None, NOW)
    letters = await outbox.letters()
    assert [(letter["kind"], letter["recipient_name"]) for letter in letters] == [
        ("event_cancelled", name) for name in ("kim", "toni", "alex")
    ]
    for letter in letters:
        assert letter["context"]["reason"] == (None if by_file else "Sturm")
        assert letter["context"]["event"]["status"] == "cancelled"
        assert letter["context"]["event"]["sequence"] == 1
        assert letter["context"]["registration"]["sequence"] == 1
    assert [letter["context"]["registration"]["invited"] for letter in letters] == [True, False, False]
    assert (await event_named("dialog")).cancelled_at == NOW


async def test_after_the_cancellation_nothing_moves_and_nobody_hears_of_it(outbox):
    await hold(capacity=1)
    await seat("kim")
    await register("toni")
    event = await publishing.cancel("dialog", None, None, NOW)
    await outbox.news()
    assert await actions.expire_lapsed_holds(event.id, NOW + DAY) == 0
    await rewrite(capacity=5, **LATER)
    await confirm("toni")
    assert await status_of("toni") == WAITLISTED
    assert await cancel("kim") == CANCELLED
    assert await status_of("toni") == WAITLISTED
    assert await outbox.news() == [("registration_cancelled", "kim")]
    outbox.settled = False


async def test_a_seat_that_lapses_at_a_cancelled_event_lapses_without_a_word(outbox):
    await hold()
    await register("kim")
    await register("toni")
    event = await publishing.cancel("dialog", None, None, NOW)
    await outbox.news()
    assert await confirm("kim", NOW + DAY + HOUR) == "expired"
    assert await actions.expire_lapsed_holds(event.id, NOW + DAY + HOUR) == 1


# Many people


async def test_a_hundred_are_told_in_as_many_statements_as_ten(outbox, monkeypatch):
    statements = []
    engine = type(Event._meta.db)
    run = engine.run_querystring

    async def counted(*arguments, **options):
        statements.append(arguments)
        return await run(*arguments, **options)

    async def crowd(slug, people):
        whole = document(slug=slug, capacity=0, sessions=ROUNDS, groups=GROUPS)
        event = await publishing.create(whole, None, NOW)
        values: dict[str, Any] = {
            "event": event.id,
            "language": "de",
            "attendance": "in_person",
            "wishes": {"first": ["arbeit"]},
        }
        await Registration.insert(
            *(
                Registration(
                    name=f"p{n}",
                    email=f"p{n}@example.org",
                    address=f"p{n}@example.org",
                    status=WAITLISTED.value,
                    confirmed_at=NOW if n % 2 else None,
                    registered_at=NOW,
                    **values,
                )
                for n in range(people)
            )
        )
        await Event.update({Event.in_person_waiting: people}).where(Event.id == event.id)
        with monkeypatch.context() as patch:
            patch.setattr(engine, "run_querystring", counted)
            statements.clear()
            await rewrite(slug, capacity=people // 2, **LATER)
            return len(statements)

    assert await crowd("small", 10) == await crowd("large", 100)
    assert Counter(kind for kind, _ in await outbox.news()) == {"promoted": 55, "event_changed": 55}
