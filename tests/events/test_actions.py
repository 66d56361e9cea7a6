"""Events as they are written: what an edit changes, what it must not, and what rises with it."""

import pytest
from msgspec.structs import replace

from events import actions
from events.errors import Conflict, ModeRefused
from events.forms import SeriesSpec, VenueSpec
from events.queries import details, event_named
from events.rules import EventStatus, Mode
from events.tables import Event, GroupSlot, Membership, Organiser, Series, Session, Venue, WorkingGroup
from tests.registration.town import (
    DAY,
    DOCUMENT,
    GROUPS,
    HOUR,
    NOW,
    ROUNDS,
    STARTS_AT,
    document,
    group,
    session,
)

HALL = DOCUMENT.venues[0]
TALK = session("talk", "16:00", "16:30")
WHOLE = document(
    title={"de": "Gemeinsam leben", "en": "Living together"},
    sessions=(replace(TALK, venue="hall"), *ROUNDS),
    groups=GROUPS,
    digital_capacity=50,
)


async def create(spec=WHOLE):
    await actions.create(spec, "event-1", NOW)
    return await details(spec.slug)


async def rewrite(spec, **held):
    """Edits the event after seats were taken in it."""
    row = await event_named("dialog", locked=True)
    if held:
        await Event.update({getattr(Event, name): number for name, number in held.items()}).where(
            Event.id == row.id
        )
        row = await event_named("dialog", locked=True)
    return await actions.rewrite(row, spec, NOW + HOUR)


async def test_a_new_event_stands_as_it_was_written(database):
    event = await create()
    assert (event.slug, event.uid, event.status, event.mode) == (
        "dialog",
        "event-1",
        EventStatus.PUBLISHED,
        Mode.IN_PERSON,
    )
    assert (event.starts_at, event.ends_at) == (STARTS_AT, STARTS_AT + 3 * HOUR)
    assert (event.in_person_limit, event.online_limit, event.in_person_taken) == (10, 0, 0)
    assert (event.sequence, event.version, event.changed_at) == (0, 1, NOW)
    assert [found.key for found in event.venues] == ["hall"]
    assert [(found.key, found.venue and found.venue.key) for found in event.sessions] == [
        ("talk", "hall"),
        ("first", None),
        ("second", None),
    ]
    assert [(found.key, found.sessions, found.seats_left) for found in event.groups] == [
        ("wohnen", ("first", "second"), 1),
        ("bildung", ("first", "second"), 1),
        ("arbeit", ("first",), None),
    ]


async def test_without_a_deadline_registration_ends_with_the_start(database):
    event = await create(document(closes_at=None))
    assert (event.closes_local, event.closes_at) == (None, STARTS_AT)


TIME, PLACE, MODE, PROGRAMME = "time", "place", "mode", "programme"


@pytest.mark.parametrize(
    ("name", "changes", "expected", "rises"),
    [
        ("nothing", {}, [], 0),
        ("the title", {"title": {"de": "Zusammen leben"}}, [], 0),
        ("texts", {"summary": {"de": "Kurz"}, "description": {"de": "Lang"}}, [], 0),
        ("the deadline", {"closes_at": None}, [], 0),
        ("the capacity", {"capacity": 20}, [], 0),
        ("how long data are kept", {"retention_days": 0}, [], 0),
        ("the start", {"starts_at": DOCUMENT.starts_at + HOUR}, [TIME], 1),
        ("the end", {"ends_at": DOCUMENT.ends_at + HOUR}, [TIME], 1),
        ("the zone", {"timezone": "Europe/London"}, [TIME], 1),
        ("the house", {"venues": (replace(HALL, name="Rathaus"),)}, [PLACE], 1),
        ("the room", {"venues": (replace(HALL, room=None),)}, [PLACE], 1),
        ("the street", {"venues": (replace(HALL, street="Friedrichstraße 10"),)}, [PLACE], 1),
        ("a second house", {"venues": (HALL, VenueSpec(key="marta", name="Marta"))}, [PLACE], 1),
        ("how to get in", {"venues": (replace(HALL, access={"de": "Aufzug"}),)}, [], 0),
        ("the mode", {"mode": Mode.HYBRID}, [MODE], 1),
        (
            "all at once",
            {
                "starts_at": DOCUMENT.starts_at + DAY,
                "ends_at": DOCUMENT.ends_at + DAY,
                "venues": (replace(HALL, name="Rathaus"),),
                "mode": Mode.DIGITAL,
            },
            [TIME, PLACE, MODE, PROGRAMME],
            1,
        ),
        (
            "all at once, and the programme moves along",
            {
                "starts_at": DOCUMENT.starts_at + DAY,
                "ends_at": DOCUMENT.ends_at + DAY,
                "sessions": tuple(
                    replace(there, starts_at=there.starts_at + DAY, ends_at=there.ends_at + DAY)
                    for there in WHOLE.sessions
                ),
                "venues": (replace(HALL, name="Rathaus"),),
                "mode": Mode.DIGITAL,
            },
            [TIME, PLACE, MODE],
            1,
        ),
        ("a session's time", {"sessions": (session("talk", "16:00", "16:20"), *ROUNDS)}, [PROGRAMME], 0),
        ("a session's place", {"sessions": (TALK, *ROUNDS)}, [PROGRAMME], 0),
        (
            "another session",
            {"sessions": (*WHOLE.sessions, session("end", "18:30", "19:00"))},
            [PROGRAMME],
            0,
        ),
        ("a session less", {"sessions": ROUNDS}, [PROGRAMME], 0),
        (
            "a session's title",
            {"sessions": (replace(WHOLE.sessions[0], title={"de": "Rede"}), *ROUNDS)},
            [],
            0,
        ),
        ("a group's capacity", {"groups": (group("wohnen", "first", capacity=9),)}, [], 0),
    ],
)
async def test_the_calendar_counts_changes_of_time_place_and_mode(database, name, changes, expected, rises):
    before = await create()
    spec = document(
        registration=WHOLE.registration, **{"sessions": WHOLE.sessions, "groups": GROUPS, **changes}
    )
    found = await rewrite(spec)
    after = await details("dialog")
    assert [change.what for change in found] == expected
    assert (after.sequence, after.version, after.changed_at) == (rises, before.version + 1, NOW + HOUR)
    assert after.uid == before.uid


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"venues": (replace(HALL, name="Rathaus"),)}, []),
        ({"sessions": (TALK, *ROUNDS)}, []),
        ({"venues": (replace(HALL, name="Rathaus"),), "mode": Mode.HYBRID}, [PLACE, MODE]),
    ],
    ids=["another house", "another room of a session", "back on site"],
)
async def test_the_place_of_a_digital_event_is_online(database, changes, expected):
    whole = {"sessions": WHOLE.sessions, "groups": GROUPS, "mode": Mode.DIGITAL}
    await create(document(registration=WHOLE.registration, **whole))
    found = await rewrite(document(registration=WHOLE.registration, **whole | changes))
    assert [change.what for change in found] == expected
    assert (await details("dialog")).sequence == bool(expected)


async def test_a_change_says_what_it_was_and_what_it_is(database):
    await create()
    venues = (
        VenueSpec(
            key="hall", name="Rathaus", street="Berliner Straße 70", postal_code="33330", locality="GT"
        ),
    )
    time, place = await rewrite(replace(WHOLE, ends_at=WHOLE.ends_at + HOUR, venues=venues))
    berlin = {"starts_local": "2022-11-18T16:00:00", "timezone": "Europe/Berlin"}
    assert time.before == {**berlin, "ends_local": "2022-11-18T19:00:00"}
    assert time.after == {**berlin, "ends_local": "2022-11-18T20:00:00"}
    assert place.before == ["Stadthalle, Saal"]
    assert place.after == ["Rathaus, Berliner Straße 70, 33330 GT"]


async def test_what_keeps_its_key_keeps_its_row_and_what_is_left_out_goes(database):
    await create()

    async def ids(table):
        return {row["key"]: row["id"] for row in await table.select(table.id, table.key)}

    before = [await ids(table) for table in (Venue, Session, WorkingGroup)]
    slots = {row["id"] for row in await GroupSlot.select(GroupSlot.id)}
    arbeit = group("arbeit", "second")
    await rewrite(replace(WHOLE, venues=(), sessions=(ROUNDS[1], ROUNDS[0]), groups=(arbeit, GROUPS[0])))
    venues, sessions, groups = [await ids(table) for table in (Venue, Session, WorkingGroup)]
    assert venues == {}
    assert sessions == {key: before[1][key] for key in ("first", "second")}
    assert groups == {key: before[2][key] for key in ("wohnen", "arbeit")}
    after = await details("dialog")
    assert [found.key for found in after.sessions] == ["second", "first"]
    assert [(found.key, found.sessions) for found in after.groups] == [
        ("arbeit", ("second",)),
        ("wohnen", ("second", "first")),
    ]
    assert len(slots & {slot.id for found in after.groups for slot in found.slots}) == 2


@pytest.mark.parametrize(
    ("changes", "held", "is_refused"),
    [
        ({"capacity": 7}, {"in_person_taken": 7}, False),
        ({"capacity": 6}, {"in_person_taken": 7}, True),
        ({"capacity": None}, {"in_person_taken": 7}, False),
        ({"capacity": 0}, {}, False),
        # Nobody is online at an event in the hall, so its digital capacity holds nobody up.
        ({"digital_capacity": 0}, {"in_person_taken": 7}, False),
    ],
)
async def test_a_capacity_is_never_below_what_is_held(database, changes, held, is_refused):
    await create()
    spec = replace(WHOLE, registration=replace(WHOLE.registration, **changes))
    if not is_refused:
        await rewrite(spec, **held)
        return
    with pytest.raises(Conflict, match=r"registration\.capacity: 7 hold seats, so it cannot be 6") as refused:
        await rewrite(spec, **held)
    assert refused.value.facts == {"held": 7}


async def test_a_digital_capacity_is_never_below_what_is_held_online(database):
    hybrid = document(mode=Mode.HYBRID, digital_capacity=5)
    await create(hybrid)
    fewer = document(mode=Mode.HYBRID, digital_capacity=2)
    with pytest.raises(Conflict, match=r"registration\.digital_capacity: 3 hold seats, so it cannot be 2"):
        await rewrite(fewer, online_taken=3)
    await rewrite(document(mode=Mode.HYBRID, digital_capacity=3))


async def test_a_groups_capacity_is_never_below_what_is_held_in_one_of_its_sessions(database):
    event = await create(replace(WHOLE, groups=(group("wohnen", "first", "second", capacity=5),)))
    await GroupSlot.update({GroupSlot.taken: 3}).where(GroupSlot.id == event.groups[0].slots[1].id)
    with pytest.raises(Conflict, match="group wohnen: 3 hold seats, so its capacity cannot be 2"):
        await rewrite(replace(WHOLE, groups=(group("wohnen", "first", "second", capacity=2),)))
    await rewrite(replace(WHOLE, groups=(group("wohnen", "first", "second", capacity=3),)))


@pytest.mark.parametrize(
    ("before", "after", "held", "is_refused"),
    [
        (Mode.IN_PERSON, Mode.DIGITAL, {}, False),
        (Mode.IN_PERSON, Mode.DIGITAL, {"in_person_taken": 1}, True),
        (Mode.IN_PERSON, Mode.DIGITAL, {"in_person_waiting": 1}, True),
        (Mode.IN_PERSON, Mode.HYBRID, {"in_person_taken": 1, "in_person_waiting": 1}, False),
        (Mode.HYBRID, Mode.IN_PERSON, {"online_taken": 1}, True),
        (Mode.HYBRID, Mode.IN_PERSON, {"in_person_taken": 1}, False),
        (Mode.DIGITAL, Mode.IN_PERSON, {"online_waiting": 1}, True),
    ],
)
async def test_an_edit_moves_nobody_to_where_they_did_not_register(database, before, after, held, is_refused):
    await create(replace(WHOLE, mode=before))
    if is_refused:
        with pytest.raises(ModeRefused):
            await rewrite(replace(WHOLE, mode=after), **held)
    else:
        await rewrite(replace(WHOLE, mode=after), **held)
        assert (await details("dialog")).mode is after


async def test_an_event_that_was_switched_stays_where_it_is_when_its_base_changes(database):
    await create()
    await Event.update({Event.mode: "digital", Event.online_limit: 50, Event.in_person_limit: 0}).where(
        Event.slug == "dialog"
    )
    changes = await rewrite(replace(WHOLE, mode=Mode.HYBRID))
    after = await details("dialog")
    assert changes == []
    assert (after.mode, after.base_mode, after.sequence) == (Mode.DIGITAL, Mode.HYBRID, 0)
    assert (after.in_person_limit, after.online_limit) == (0, 50)


async def test_publishing_shows_a_draft_and_nothing_that_was_cancelled(database):
    event = await create(document(status=EventStatus.DRAFT))
    await actions.publish(await event_named("dialog"), NOW + HOUR)
    after = await details("dialog")
    assert (after.status, after.version, after.sequence) == (EventStatus.PUBLISHED, event.version + 1, 0)
    await actions.cancel(await event_named("dialog"), None, NOW)
    with pytest.raises(Conflict):
        await actions.publish(await event_named("dialog"), NOW)


async def test_an_event_is_cancelled_once_and_its_calendar_says_so(database):
    event = await create()
    assert await actions.cancel(await event_named("dialog"), "Sturm", NOW + HOUR)
    assert not await actions.cancel(await event_named("dialog"), "Regen", NOW + DAY)
    after = await details("dialog")
    assert (after.status, after.cancel_reason) == (EventStatus.CANCELLED, "Sturm")
    assert (after.sequence, after.version, after.changed_at) == (1, event.version + 1, NOW + HOUR)


async def test_a_series_is_written_once_and_then_rewritten(database):
    spec = SeriesSpec(slug="reihe", default_language="de", title={"de": "Reihe"})
    first = await actions.write_series(spec)
    second = await actions.write_series(replace(spec, title={"de": "Neue Reihe"}, summary={"de": "Kurz"}))
    assert first == second
    [row] = await Series.select().output(load_json=True)
    assert (row["title"], row["summary"]) == ({"de": "Neue Reihe"}, {"de": "Kurz"})


async def test_an_organiser_joins_an_event_once(database):
    event = await create()
    row = Organiser(email="office@example.org", name="Büro", role="helper")
    await row.save()
    for _ in range(2):
        await actions.join(row, await event_named("dialog"))
    [membership] = await Membership.select()
    assert (membership["event"], membership["organiser"], membership["role"]) == (event.id, row.id, "helper")
