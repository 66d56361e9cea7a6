"""What is written into the outbox, set by set, and what it makes wrong."""

from datetime import datetime

import pytest

from dialograum import publishing
from events.queries import details_of, event_named
from notifications.tables import Message
from registration.facts import registration_facts
from registration.messages import tell
from registration.queries import groups_held, groups_shown, positions
from registration.tables import Registration
from tests.registration.town import (
    GROUPS,
    NOW,
    ROUNDS,
    cancel,
    confirm,
    hold,
    id_of,
    register,
    rewrite,
    row_of,
    seat,
    watched,
)

outbox = pytest.fixture(watched)


async def waiting():
    """Kind and name of what would leave now, in the order of writing."""
    rows = (
        await Message.select(Message.kind, Message.recipient_name)
        .where(Message.status == "queued")
        .order_by(Message.created_at)
    )
    return [(row["kind"], row["recipient_name"]) for row in rows]


async def test_the_database_states_the_same_facts_as_the_code(outbox):
    await hold(capacity=3, sessions=ROUNDS, groups=GROUPS)
    await seat("kim", wishes={"first": ("wohnen",), "second": ("bildung",)})
    await seat("toni", seats=1, wishes={"first": ("wohnen", "arbeit")})
    await register("slow", wishes={"first": ("wohnen",)})
    await register("late", wishes={"second": ("bildung",)})
    await register("later")
    await outbox.news()
    await Registration.update({Registration.attendance_wished: None}).where(Registration.name == "toni")
    await Registration.update({Registration.attendance_wished: "online"}).where(Registration.name == "late")
    event = await details_of(await event_named("dialog"))
    people = await Registration.objects().order_by(Registration.arrival).output(load_json=True)
    held, places = await groups_held(person.id for person in people), await positions(people)
    expected = {
        person.name: registration_facts(
            person,
            event,
            groups_shown(event, person, held.get(person.id, {})),
            places.get(person.id),
            {"kim": 0, "toni": 0}.get(person.name),
        )
        for person in people
    }
    assert await tell("already_registered", event, [person.id for person in people]) == 5
    letters = await outbox.letters()
    assert {letter["recipient_name"]: letter["context"]["registration"] for letter in letters} == expected
    assert expected["kim"]["groups"]["first"] == {"key": "wohnen", "title": {"de": "Wohnen"}}
    assert expected["slow"]["groups"] == {"first": None}
    assert (expected["late"]["position"], expected["later"]["position"]) == (1, 2)
    assert expected["slow"]["held_until_local"] == "2022-11-02T13:00"
    assert (expected["toni"]["wished"], expected["late"]["wished"]) == ("in_person", "online")


async def test_who_has_no_address_is_not_told(outbox):
    event = await hold()
    await seat("kim")
    await outbox.news()
    await Registration.update({Registration.email: None}).where(Registration.name == "kim")
    assert await tell("reminder", event, [await id_of("kim")]) == 0


async def test_of_two_changes_that_wait_one_mail_is_sent_with_both(outbox):
    await hold()
    await seat("kim")
    await outbox.news()
    await rewrite(starts_at=datetime(2022, 11, 18, 17), ends_at=datetime(2022, 11, 18, 20))
    await rewrite(starts_at=datetime(2022, 11, 18, 18), ends_at=datetime(2022, 11, 18, 21))
    assert await waiting() == [("event_changed", "kim")]
    letter = (await outbox.letters())[-1]
    (change,) = letter["context"]["changes"]
    assert (change["before"]["starts_local"], change["after"]["starts_local"]) == (
        "2022-11-18T16:00:00",
        "2022-11-18T18:00:00",
    )
    assert letter["context"]["registration"]["sequence_before"] == 0
    assert letter["context"]["registration"]["sequence"] == 2


async def test_who_has_not_heard_of_their_place_hears_of_it_with_what_has_changed(outbox):
    await hold()
    await seat("kim")
    await register("slow")
    await rewrite(starts_at=datetime(2022, 11, 18, 17), ends_at=datetime(2022, 11, 18, 20))
    assert sorted(await waiting()) == [("confirm", "slow"), ("confirmed", "kim")]
    letters = [letter for letter in await outbox.letters() if letter["status"] == "queued"]
    assert all(letter["context"]["changes"][0]["what"] == "time" for letter in letters)
    assert all(letter["context"]["event"]["starts_local"] == "2022-11-18T17:00:00" for letter in letters)


async def test_what_many_are_told_is_written_once_and_what_one_is_told_beside_their_facts(outbox):
    await hold()
    for name in ("kim", "toni", "alex"):
        await seat(name)
    await outbox.news()
    await rewrite(starts_at=datetime(2022, 11, 18, 17), ends_at=datetime(2022, 11, 18, 20))
    rows = await Message.select().where(Message.status == "queued").output(load_json=True)
    assert [set(row["context"]) for row in rows] == [{"registration"}] * 3
    (shared,) = {row["shared"] for row in rows}
    await cancel("kim")
    row = await Message.select().order_by(Message.created_at, ascending=False).first().output(load_json=True)
    assert row is not None
    assert (set(row["context"]), row["context"]["by"]) == ({"registration", "by"}, "self")
    assert row["shared"] != shared
    await outbox.news()


async def test_what_came_back_to_where_it_was_is_said_to_hold(outbox):
    await hold()
    await seat("kim")
    await outbox.news()
    await rewrite(starts_at=datetime(2022, 11, 18, 17), ends_at=datetime(2022, 11, 18, 20))
    await rewrite(starts_at=datetime(2022, 11, 18, 16), ends_at=datetime(2022, 11, 18, 19))
    assert await waiting() == [("event_changed", "kim")]
    assert (await outbox.letters())[-1]["context"]["changes"] == []


async def test_who_never_got_the_entry_needs_no_removal(outbox):
    await hold()
    await seat("kim")
    await cancel("kim")
    letters = await outbox.letters()
    assert [letter["kind"] for letter in letters if letter["status"] == "queued"] == [
        "registration_cancelled"
    ]
    assert letters[-1]["context"]["registration"]["invited"] is False


async def test_who_got_it_is_told_which_sequence_they_have(outbox):
    await hold()
    await seat("kim")
    await outbox.news()
    await cancel("kim")
    facts = (await outbox.letters())[-1]["context"]["registration"]
    assert (facts["invited"], facts["sequence_before"], facts["sequence"]) == (True, 0, 1)


async def test_a_message_that_may_have_left_counts_as_an_entry(outbox):
    """A connection that breaks after the last line leaves open whether the mail was taken."""
    await hold()
    await seat("kim")
    await Message.update({Message.attempts: 1}).where(Message.kind == "confirmed")
    await cancel("kim")
    assert (await outbox.letters())[-1]["context"]["registration"]["invited"] is True


async def test_what_a_worker_holds_stays(outbox):
    await hold()
    await seat("kim")
    await Message.raw("UPDATE message SET status = 'sending', lease_until = now() WHERE kind = 'confirmed'")
    await publishing.cancel("dialog", None, None, NOW)
    rows = await Message.select(Message.status).where(Message.kind == "confirmed")
    assert [row["status"] for row in rows] == ["sending"]
    await outbox.news()


async def test_a_change_after_the_confirmation_that_waits_is_told_once(outbox):
    await hold(capacity=1)
    await seat("kim")
    await register("toni")
    await confirm("toni")
    await cancel("kim")
    assert (await row_of("toni")).status == "confirmed"
    assert sorted(await waiting()) == [("promoted", "toni"), ("registration_cancelled", "kim")]
    await outbox.news()
