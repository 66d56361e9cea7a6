"""Announcements in the real database: sent once and to each once, held back, withdrawn, and not to who wants none."""

import asyncio
import time
from uuid import uuid4

import pytest

from events.errors import Conflict, FormInvalid
from events.tables import Activity
from notifications.outbox import claim, record, retry, sent
from notifications.tables import Message, SharedContext
from registration import announcements
from registration.announcement_forms import SUBJECT_LENGTH, TEXT_LENGTH, Draft, flaws, typed
from registration.announcement_queries import announcements_of, outcome_of, recipients_of
from registration.editing import Edit, edit
from registration.segments import Segment
from registration.tables import Announcement, Registration
from tests.mail.case import composer
from tests.mail.reading import opened, part
from tests.registration.town import (
    CANCELLED,
    CONFIRMED,
    DAY,
    NOW,
    SECOND,
    cancel,
    hold,
    id_of,
    organiser,
    register,
    row_of,
)

DRAFT = Draft({"de": "Bitte mitbringen"}, {"de": "Einen Stift.\n\nUnd Papier."})
CODES = ("de", "en")


async def told(**where) -> list[str]:
    """Whose announcements have a status."""
    rows = await Message.select().where(Message.kind == "announcement").order_by(Message.recipient)
    return [row["recipient_name"] for row in rows if all(row[key] == value for key, value in where.items())]


async def drafted(event, draft: Draft = DRAFT) -> Announcement:
    return await announcements.save(event, uuid4(), draft, await organiser(), NOW)


async def send(row: Announcement, state: str | None = None) -> Announcement:
    office = await organiser()
    state = announcements.state_of(row) if state is None else state
    return await announcements.send(row.event, row.id, office, NOW, state=state, languages=CODES)


@pytest.fixture
async def event(database):
    """Kim, Alex and Robin are registered."""
    made = await hold(confirm_email=False)
    for name in ("kim", "alex", "robin"):
        await register(name)
    await Message.delete(force=True)
    return made


async def test_everyone_gets_one_message_and_shares_its_words(event):
    done = await send(await drafted(event))
    assert (done.recipients, done.without_address, done.unsubscribed) == (3, 0, 0)
    assert await told(status="queued", batch=done.id) == ["alex", "kim", "robin"]
    rows = await Message.select().output(load_json=True)
    (shared,) = (
        await SharedContext.select().where(SharedContext.id == rows[0]["shared"]).output(load_json=True)
    )
    assert {row["shared"] for row in rows} == {shared["id"]}
    assert shared["content"]["announcement"]["texts"] == DRAFT.texts
    assert all("announcement" not in row["context"] for row in rows)
    (activity,) = await Activity.select().where(Activity.what == "announcement_sent").output(load_json=True)
    assert activity["details"] == {"announcement": str(done.id), "recipients": 3}


async def test_two_at_once_send_once(event):
    row = await drafted(event)
    await asyncio.gather(*(send(row) for _ in range(5)))
    assert len(await told()) == 3
    assert await Activity.count().where(Activity.what == "announcement_sent") == 1


async def test_people_register_and_cancel_while_it_is_sent(event):
    row = await drafted(event)
    names = [f"late{i}" for i in range(10)]
    await asyncio.gather(
        *map(register, names), send(row), cancel("robin"), announcements.unsubscribe(await id_of("alex"), NOW)
    )
    assert "kim" in await told(status="queued")
    assert "alex" not in await told(status="queued")


async def test_another_version_than_was_looked_at_is_not_sent(event):
    row = await drafted(event)
    state = announcements.state_of(row)
    office = await organiser()
    await announcements.save(event, row.id, DRAFT, office, NOW + SECOND, state=state)
    with pytest.raises(Conflict):
        await send(row, state)
    assert await told() == []


async def test_to_nobody_nothing_is_sent(event):
    row = await drafted(event, Draft(DRAFT.subjects, DRAFT.texts, Segment(language="en")))
    with pytest.raises(FormInvalid) as refused:
        await send(row)
    assert refused.value.errors == [("status", "nobody")]
    assert await Announcement.count().where(Announcement.sent_at.is_null()) == 1


async def test_a_cancelled_registration_gets_nothing_that_is_still_queued(event):
    await send(await drafted(event))
    await cancel("kim")
    assert await told(status="superseded") == ["kim"]


async def test_who_came_again_gets_it_once(event):
    await cancel("kim")
    await register("kim")
    await Message.delete(force=True)
    row = await drafted(event, Draft(DRAFT.subjects, DRAFT.texts, Segment(statuses=(CONFIRMED, CANCELLED))))
    await send(row)
    assert await told() == ["alex", "kim", "robin"]
    assert await Message.count().where(Message.about == await id_of("kim")) == 1


# Unsubscribing


async def test_who_unsubscribes_gets_no_further_one_and_stays_registered(event):
    await send(await drafted(event))
    await announcements.unsubscribe(await id_of("kim"), NOW)
    assert await told(status="superseded") == ["kim"]
    done = await send(await drafted(event))
    assert (done.recipients, done.unsubscribed) == (2, 1)
    row = await row_of("kim")
    assert (row.status, row.announcements_off_at) == ("confirmed", NOW)
    await announcements.unsubscribe(row.id, NOW + DAY)
    assert (await row_of("kim")).announcements_off_at == NOW
    await announcements.subscribe(row.id)
    assert (await send(await drafted(event))).recipients == 3


async def test_who_unsubscribes_still_gets_what_is_about_the_registration(event):
    await announcements.unsubscribe(await id_of("kim"), NOW)
    await cancel("kim")
    rows = await Message.select(Message.kind, Message.status)
    assert rows == [{"kind": "registration_cancelled", "status": "queued"}]


async def test_whoever_unsubscribes_while_it_is_sent_gets_none(event):
    for _ in range(10):
        row = await drafted(event)
        await asyncio.gather(send(row), announcements.unsubscribe(await id_of("kim"), NOW))
        assert "kim" not in await told(status="queued", batch=row.id)
        await announcements.subscribe(await id_of("kim"))


async def test_another_address_makes_the_old_link_to_unsubscribe_useless(event):
    before = (await row_of("kim")).unsubscribe_nonce
    await edit(await id_of("kim"), Edit(email="new@example.org"), await organiser(), NOW)
    after = (await row_of("kim")).unsubscribe_nonce
    assert len({before, after, (await row_of("alex")).unsubscribe_nonce}) == 3
    assert len(after) == 16


# Pausing and stopping


async def test_what_comes_back_while_it_is_paused_waits_as_well(event):
    row = await send(await drafted(event))
    (held, *_) = await claim(1, "dialog.example.org")
    await announcements.pause(event.id, row.id, NOW)
    await record([retry(held, "451 later", 0)])
    await announcements.hold_back()
    assert await claim(10, "dialog.example.org") == []
    await announcements.pause(event.id, row.id, NOW)
    await announcements.hold_back()
    await announcements.resume(event.id, row.id)
    await announcements.resume(event.id, row.id)
    assert len(await claim(10, "dialog.example.org")) == 3


async def test_what_comes_back_after_the_end_is_withdrawn(event):
    row = await send(await drafted(event))
    (held, *_) = await claim(1, "dialog.example.org")
    await announcements.stop(event.id, row.id, await organiser(), NOW)
    assert len(await told(status="superseded")) == 2
    await record([retry(held, "451 later", 0)])
    await announcements.hold_back()
    assert len(await told(status="superseded")) == 3
    await announcements.resume(event.id, row.id)
    assert await outcome_of(row) == {"queued": 0, "sending": 0, "sent": 0, "failed": 0, "superseded": 3}


async def test_holding_back_leaves_all_other_mail_alone(event):
    row = await send(await drafted(event))
    other = await send(await drafted(event))
    await register("toni")
    await announcements.stop(event.id, row.id, await organiser(), NOW)
    await announcements.pause(event.id, other.id, NOW)
    await announcements.hold_back()
    assert [message.kind for message in await claim(10, "dialog.example.org")] == ["confirmed"]


# Many


async def test_ten_thousand_are_written_in_one_go(database):
    event = await hold(confirm_email=False, capacity=None)
    await register("kim")
    await Registration.raw(
        """
        INSERT INTO registration (event, number, name, email, address, language, status, attendance, seats, wishes,
            answers, registered_at, confirmed_at, confirm_nonce, own_nonce, join_nonce)
        SELECT event, number, name || i, i || email, i || address, CASE WHEN i % 3 = 0 THEN 'en' ELSE 'de' END, status,
            attendance, seats, wishes, answers, registered_at, confirmed_at, confirm_nonce, own_nonce, join_nonce
        FROM registration, generate_series(2, 10000) AS i
        """
    )
    row = await drafted(event)
    began = time.monotonic()
    done = await send(row)
    took = time.monotonic() - began
    assert (done.recipients, len(set(await told()))) == (10_000, 10_000)
    assert took < 20
    page = await recipients_of(row.id, status="queued", q="kim77", page=1, size=50)
    assert len(page) == 51
    assert len(await recipients_of(row.id, status="", q="", page=200, size=50)) == 50
    assert (await announcements_of(event.id))[0]["counts"]["queued"] == 10_000
    nonces = await Registration.raw("SELECT count(DISTINCT unsubscribe_nonce) AS nonces FROM registration")
    assert nonces == [{"nonces": 10_000}]


async def test_the_mails_are_written_from_one_form(event):
    await send(await drafted(event))
    made = composer()
    messages = await claim(10, "dialog.example.org")
    write = await made.compose(messages)
    mails = {str(mail["To"]): mail for mail in (opened(write(message)) for message in messages)}
    assert len(mails) == 3
    assert len(made._forms) == 1
    links = {mail["List-Unsubscribe"] for mail in mails.values()}
    assert len(links) == 3
    for mail in mails.values():
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert mail["List-Unsubscribe"][1:-1] in part(mail, "text/plain")


# Drafts


@pytest.mark.parametrize(
    ("subject", "text", "wrong"),
    [
        ("s", "t", []),
        ("", "t", [("subject.de", "missing")]),
        ("s", "", [("text.de", "missing")]),
        ("s" * SUBJECT_LENGTH, "t" * TEXT_LENGTH, []),
        ("s" * (SUBJECT_LENGTH + 1), "t", [("subject.de", "too-long")]),
        ("s", "t" * (TEXT_LENGTH + 1), [("text.de", "too-long")]),
        ("\x00\u202e", "\u2028\r\n \t", [("subject.de", "missing"), ("text.de", "missing")]),
    ],
    ids=lambda value: repr(value)[:20],
)
async def test_a_draft_needs_a_subject_and_a_text_of_bearable_length(event, subject, text, wrong):
    draft = typed({"status.confirmed": "yes", "subject.de": subject, "text.de": text}, CODES)
    assert flaws(draft, event, CODES) == wrong


async def test_what_is_typed_keeps_its_lines_and_loses_what_nobody_sees():
    draft = typed(
        {
            "subject.de": " Ein\r\nBcc: x\x00 ",
            "text.de": "\r\n\r\na\x00b\r\n\r\n  - c\u2028d\u202e \r\n",
            "text.tlh": "x",
        },
        CODES,
    )
    assert draft.subjects == {"de": "Ein Bcc: x"}
    assert draft.texts == {"de": "ab\n\n  - c\nd"}


async def test_when_personal_data_go_words_and_drafts_go_and_the_counts_stay(event):
    row = await send(await drafted(event))
    await drafted(event)
    (held, *_) = await claim(1, "dialog.example.org")
    await record([sent(held)])
    await announcements.forget_announcements(event.id)
    await Message.delete(force=True)
    (kept,) = await announcements_of(event.id)
    assert (kept["id"], kept["subjects"], kept["recipients"]) == (row.id, {}, 3)
    assert kept["counts"] == {"queued": 2, "sending": 0, "sent": 1, "failed": 0, "superseded": 0}
