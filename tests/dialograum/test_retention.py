"""The end of personal data: afterwards nothing in the database or on the disk names anybody, and the counts stay."""

from datetime import timedelta
from typing import Any

import pytest
from piccolo.conf.apps import Finder

from dialograum import retention, work
from dialograum.retention import events_due, remove_personal_data
from events.queries import details, event_by_id
from events.tables import Event
from notifications.delivery import Folder, Letter
from notifications.outbox import claim, record, sent
from notifications.tables import Message
from registration import actions
from registration.by_hand import register_by_hand
from registration.editing import Edit, edit
from registration.links import Links, Purpose
from registration.queries import counts_by_status
from registration.questions import QuestionSpec
from registration.tables import Consent, GroupSeat, IdempotencyKey, Registration
from tests.registration.town import (
    DAY,
    DOCUMENT,
    GROUPS,
    HOUR,
    NOW,
    ROUNDS,
    SECOND,
    STARTS_AT,
    cancel,
    confirm,
    hold,
    id_of,
    newcomer,
    organiser,
    register,
    rewrite,
    row_of,
    rows_of,
    seat,
)

OVER = STARTS_AT + 3 * HOUR
"""Friday, 18 November 2022, 19:00 in Berlin."""

DUE = OVER + 30 * DAY
"""Sunday, 18 December 2022."""

PURPOSES: tuple[Purpose, ...] = ("confirm", "own", "join", "unsubscribe")
SECRETS = ("quellbrunn", "sauerkirsch", "erdbeertee", "haselnuss")
"""Parts of the names, addresses and answers of these tests."""

QUESTIONS = tuple(QuestionSpec(preset=name) for name in ("organisation", "allergies", "photo"))


async def mentions(folder):
    """Where in the database or in the folder anything personal stands."""
    found = set()
    for table in Finder().get_table_classes():
        for row in await table.select():
            text = repr(row).casefold()
            found |= {(table._meta.tablename, secret) for secret in SECRETS if secret in text}
    for path in folder.rglob("*"):
        text = path.read_text(errors="replace").casefold()
        found |= {("file", secret) for secret in SECRETS if secret in text}
    return found


async def send_all(folder):
    """Writes every due mail into the folder, as a worker does."""
    for claimed in await claim(100, "dialog.example.org"):
        letter = Letter(
            claimed.id,
            claimed.created_at,
            "dialog@example.org",
            claimed.recipient,
            repr(claimed.context).encode(),
        )
        await Folder(folder).send(letter)
        assert await record([sent(claimed)])


@pytest.fixture
async def crowd(database, tmp_path):
    """An event with people of every status; some of their mails were sent, some are queued."""
    event = await hold(capacity=2, sessions=ROUNDS, groups=GROUPS, questions=QUESTIONS)
    answers = {"organisation": "Erdbeertee", "allergies": "Haselnuss"}
    people = [f"{name} Sauerkirsch" for name in ("Kim", "Toni", "Alex", "Robin", "Sascha")]
    for number, name in enumerate(people):
        await register(
            name,
            key="once",
            email=f"p{number}@Quellbrunn.example",
            answers=answers,
            consents={"photo": True},
            wishes={"first": ("wohnen", "arbeit")},
        )
    await confirm(people[0])
    await cancel(people[1])
    await confirm(people[2], NOW + DAY)
    await send_all(tmp_path)
    await register_by_hand(
        "dialog", newcomer("Sauerkirsch", email=None, answers=answers), await organiser(), NOW
    )
    await rewrite(title={"de": "Neu"}, starts_at=DOCUMENT.starts_at + HOUR)
    await rewrite(starts_at=DOCUMENT.starts_at)
    return event


async def test_nothing_personal_is_left_anywhere_and_the_counts_stay(crowd, tmp_path):
    assert {table for table, _ in await mentions(tmp_path)} == {
        "registration",
        "message",
        "idempotency_key",
        "file",
    }
    counts = await counts_by_status(crowd.id)
    seats = await rows_of(GroupSeat)
    assert await Consent.count() == 5
    before = await details("dialog")
    await remove_personal_data(crowd.id, DUE, tmp_path)
    assert await mentions(tmp_path) == set()
    assert list(tmp_path.iterdir()) == []
    assert await counts_by_status(crowd.id) == counts
    assert await rows_of(GroupSeat) == seats
    assert (await details("dialog")).in_person_taken == before.in_person_taken
    for row in await Registration.select().output(load_json=True):
        assert (row["name"], row["email"], row["address"], row["number"]) == (
            retention.REMOVED,
            None,
            None,
            "",
        )
        assert (row["answers"], row["special_answers"]) == ({}, {})
    assert await Message.count() == await IdempotencyKey.count() == await Consent.count() == 0


async def test_personal_links_are_dead_afterwards(crowd, tmp_path):
    row = await row_of("Kim Sauerkirsch")
    links = Links(b"secret", "https://dialog.example.org")
    tokens = {purpose: links.token(purpose, row.id, getattr(row, f"{purpose}_nonce")) for purpose in PURPOSES}
    await remove_personal_data(crowd.id, DUE, tmp_path)
    after = await Registration.objects().get(Registration.id == row.id)
    for purpose, token in tokens.items():
        opened = links.read(purpose, token)
        assert opened is not None
        assert opened[1] != getattr(after, f"{purpose}_nonce") == ""


async def test_another_event_keeps_what_is_its_own(crowd, tmp_path):
    await hold(slug="party")
    await register("kim", slug="party", key="once")
    await send_all(tmp_path)
    await remove_personal_data(crowd.id, DUE, tmp_path)
    assert (await row_of("kim")).email == "kim@example.org"
    assert await Message.count() == await IdempotencyKey.count() == len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(("days", "due"), [(30, DUE), (0, OVER), (3650, OVER + timedelta(days=3650))])
async def test_data_are_kept_to_the_second_for_as_long_as_was_said(database, tmp_path, days, due):
    event = await hold(retention_days=days)
    await seat("kim")
    assert await events_due(due - SECOND) == []
    await remove_personal_data(event.id, due - SECOND, tmp_path)
    assert (await row_of("kim")).email == "kim@example.org"
    assert await events_due(due) == [event.id]
    await remove_personal_data(event.id, due, tmp_path)
    assert await events_due(due + DAY) == []


async def test_what_comes_by_hand_after_the_removal_is_removed_too(database, tmp_path):
    event = await hold()
    await seat("kim")
    kim = await id_of("kim")
    by = await organiser()
    for number in range(2):
        await remove_personal_data(event.id, DUE, tmp_path)
        assert await events_due(DUE) == []
        if number:
            await edit(kim, Edit(name="Kim Sauerkirsch"), by, DUE)
        else:
            await register_by_hand("dialog", newcomer("Toni Sauerkirsch", email=None), by, DUE)
        assert await events_due(DUE) == [event.id]
    await remove_personal_data(event.id, DUE, tmp_path)
    assert await mentions(tmp_path) == set()


async def test_an_event_that_comes_again_loses_its_data_again(database, tmp_path):
    event = await hold()
    await remove_personal_data(event.id, DUE, tmp_path)
    year = timedelta(days=364)
    again: dict[str, Any] = {
        "starts_at": DOCUMENT.starts_at + year,
        "ends_at": DOCUMENT.ends_at + year,
        "closes_at": None,
    }
    await rewrite(now=DUE, **again)
    await register("Kim Sauerkirsch", DUE + DAY)
    assert await events_due(DUE + DAY) == []
    assert await events_due(DUE + year) == [event.id]
    await remove_personal_data(event.id, DUE + year, tmp_path)
    assert await mentions(tmp_path) == set()


async def test_a_mail_that_is_written_meanwhile_goes_too(database, tmp_path, monkeypatch):
    event = await hold()
    await register("Kim Sauerkirsch")
    [claimed] = await claim(1, "dialog.example.org")
    letter = Letter(claimed.id, NOW, "dialog@example.org", claimed.recipient, b"Kim Sauerkirsch")

    async def meanwhile(*arguments, **options):
        await Folder(tmp_path).send(letter)
        return await event_by_id(*arguments, **options)

    monkeypatch.setattr("dialograum.retention.event_by_id", meanwhile)
    await remove_personal_data(event.id, DUE, tmp_path)
    assert not await record([sent(claimed)])
    assert list(tmp_path.iterdir()) == []


async def test_files_go_before_the_rows_that_name_them(crowd, tmp_path, monkeypatch):
    async def torn(*arguments, **options):
        raise ConnectionError

    monkeypatch.setattr("dialograum.retention.event_by_id", torn)
    with pytest.raises(ConnectionError):
        await remove_personal_data(crowd.id, DUE, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert await Message.count() > 0


# The work in the background


async def test_everything_that_falls_due_is_done_and_once(database, settings):
    await hold(capacity=1)
    await register("kim")
    await register("family", seats=1)
    await work.tend(settings, NOW + DAY)
    assert await counts_by_status((await details("dialog")).id) == {
        "pending": 1,
        "confirmed": 0,
        "waitlisted": 0,
        "cancelled": 0,
        "expired": 1,
    }
    await work.tend(settings, DUE)
    [event] = await Event.objects()
    assert event.personal_data_removed_at == DUE
    assert {row["name"] for row in await Registration.select()} == {retention.REMOVED}


async def test_keys_are_forgotten_after_a_week(database, settings):
    await hold()
    await register("kim", key="once")
    await IdempotencyKey.update({IdempotencyKey.created_at: NOW}, force=True)
    await work.tend(settings, NOW + 7 * DAY)
    assert await IdempotencyKey.count() == 1
    await work.tend(settings, NOW + 7 * DAY + SECOND)
    assert await IdempotencyKey.count() == 0


async def test_one_event_that_fails_does_not_hold_up_the_others(database, settings, monkeypatch):
    await hold()
    await hold(slug="party")
    for slug in ("dialog", "party"):
        await register(f"kim-{slug}", slug=slug)
    first = await details("dialog")
    lapse = actions.expire_lapsed_holds

    async def stumbling(event_id, now):
        if event_id == first.id:
            raise ConnectionError
        return await lapse(event_id, now)

    monkeypatch.setattr(actions, "expire_lapsed_holds", stumbling)
    await work.tend(settings, NOW + DAY)
    assert [(await row_of(f"kim-{slug}")).status for slug in ("dialog", "party")] == ["pending", "expired"]
