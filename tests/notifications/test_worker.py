"""Workers on a real outbox and a real mail server: nothing lost, nothing doubled."""

import asyncio
import signal
import sys
import time
from email import message_from_bytes
from email.policy import default

import pytest

from notifications import outbox, worker
from notifications.delivery import Folder
from notifications.errors import CannotCompose
from notifications.outbox import claim, enqueue
from notifications.tables import Message
from tests.notifications.examples import HOST, compose, letter_of, new, row_of, rows
from tests.notifications.sink import Sink, listening, smtp
from tests.notifications.working import all_are, counted, statuses, until, working

pytestmark = pytest.mark.usefixtures("database")


def some_has(**values):
    async def condition():
        return any(all(row[name] == value for name, value in values.items()) for row in await rows())

    return condition


async def make_due():
    await Message.raw("UPDATE message SET due_at = now() WHERE status = 'queued'")


async def test_two_workers_send_every_message_once():
    await enqueue([new(number) for number in range(150)])
    async with listening() as sink, working(smtp(sink)), working(smtp(sink)):
        await until(all_are("sent"))
    assert sorted(sink.recipients) == sorted(f"person-{number}@example.org" for number in range(150))
    assert sink.connections <= 8


async def test_one_mail_has_one_recipient_and_the_rows_message_id():
    await enqueue([new(1), new(2)])
    async with listening() as sink, working(smtp(sink)):
        await until(all_are("sent"))
    sent = {letter.recipients: message_from_bytes(letter.content, policy=default) for letter in sink.letters}
    for row in await rows():
        mail = sent[(row["recipient"],)]
        assert mail["Message-ID"] == row["message_id"]
        assert mail["To"].addresses[0].addr_spec == row["recipient"]
    assert {letter.sender for letter in sink.letters} == {"dialog@example.org"}


async def test_a_wake_sends_at_once():
    wake = asyncio.Event()
    async with listening() as sink, working(smtp(sink), wake, interval=60):
        await asyncio.sleep(0.3)
        await enqueue([new()])
        begun = time.monotonic()
        wake.set()
        await until(all_are("sent"))
        assert time.monotonic() - begun < 3


async def test_the_waiting_is_short_enough_without_a_wake():
    assert worker.INTERVAL_SECONDS <= 5


async def test_a_mail_refused_for_now_is_tried_again_with_the_same_message_id():
    await enqueue([new()])
    async with listening() as sink, working(smtp(sink)):
        sink.answer("RCPT", "451 4.7.1 Greylisted, try person-0@example.org later")
        await until(some_has(status="queued", attempts=1))
        [row] = await rows()
        assert row["last_error"] == "451 4.7.1 Greylisted, try … later"
        assert 55 < (row["due_at"] - row["created_at"]).total_seconds() < 90
        await make_due()
        await until(all_are("sent"))
    [row] = await rows()
    assert (row["attempts"], row["last_error"]) == (2, None)
    assert row["message_id"].encode() in sink.letters[0].content


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
async def test_a_mail_refused_for_good_fails_at_once_and_alone(command):
    await enqueue([new(number) for number in range(6)])
    async with listening() as sink, working(smtp(sink, connections=1)):
        sink.answer(command, "550 5.1.1 <person@example.org>: no such user")
        await until(some_has(status="failed"))
        await until(counted(failed=1, sent=5))
    [failed] = [row for row in await rows() if row["status"] == "failed"]
    assert (failed["attempts"], failed["last_error"]) == (1, "550 5.1.1 … no such user")
    assert sink.connections == 1


async def test_without_a_server_sending_rests_and_no_attempt_is_burnt():
    sink = Sink()
    async with listening(sink):
        pass
    await enqueue([new(number) for number in range(20)])
    async with working(smtp(sink)):
        await until(lambda: _attempts_and_error(0, "cannot connect: "))
        async with listening(sink):
            await until(all_are("sent"))
    assert {row["attempts"] for row in await rows()} == {1}
    assert len(sink.letters) == 20


async def test_a_refused_password_rests_all_sending():
    await enqueue([new(number) for number in range(5)])
    async with listening(password="right") as sink:
        async with working(smtp(sink, user="town@example.org", password="wrong")):
            await until(lambda: _attempts_and_error(0, "sign-in refused: 535"))
        assert sink.letters == []
        assert sink.connections <= 8
        async with working(smtp(sink, user="town@example.org", password="right")):
            await until(all_are("sent"))


async def _attempts_and_error(attempts, begins):
    found = await rows()
    return {(row["status"], row["attempts"]) for row in found} == {("queued", attempts)} and any(
        (row["last_error"] or "").startswith(begins) for row in found
    )


async def test_a_mail_that_cannot_be_written_harms_no_other():
    def write(message):
        number = message.context["number"]
        if number == 1:
            raise CannotCompose("the registration is gone")
        if number == 2:
            raise KeyError(message.recipient)
        return letter_of(message)

    async def careless(messages):
        return write

    await enqueue([new(number) for number in range(4)])
    async with listening() as sink, working(smtp(sink), composing=careless):
        await until(counted(sent=2, failed=1, queued=1))
    found = {row["context"]["number"]: row for row in await rows()}
    assert (found[1]["status"], found[1]["last_error"]) == ("failed", "the registration is gone")
    assert (found[2]["status"], found[2]["last_error"]) == ("queued", "could not be written: KeyError")
    assert sorted(sink.recipients) == ["person-0@example.org", "person-3@example.org"]


@pytest.mark.parametrize(
    "recipient", ["kim", "kim@", "kím@example.org", "a@b.example, c@d.example", "a@b\r\nRCPT"]
)
async def test_what_is_no_address_is_never_sent_to(recipient):
    await enqueue([new(recipient=recipient)])
    async with listening() as sink, working(smtp(sink)):
        await until(all_are("failed"))
    assert sink.letters == []
    assert recipient not in (await rows())[0]["last_error"]


async def test_a_domain_of_any_letters_is_reached():
    await enqueue([new(recipient="Kim.Muster@Müller.example")])
    async with listening() as sink, working(smtp(sink)):
        await until(all_are("sent"))
    assert sink.recipients == ["Kim.Muster@xn--mller-kva.example"]


async def test_a_connection_cut_after_the_mail_brings_the_same_message_again():
    async def cut():
        sink.cut()

    await enqueue([new()])
    async with listening() as sink, working(smtp(sink)):
        sink.answer("DATA", cut)
        await until(some_has(status="queued", attempts=1))
        await make_due()
        await until(all_are("sent"))
    ids = {message_from_bytes(letter.content, policy=default)["Message-ID"] for letter in sink.letters}
    assert ids == {(await rows())[0]["message_id"]}


async def test_a_server_that_answers_slower_than_the_lease_gets_the_mail_once():
    async def slowly():
        await asyncio.sleep(3.5)

    await enqueue([new()])
    async with listening() as sink:
        sink.answer("DATA", slowly)
        async with working(smtp(sink), lease_seconds=1.5), working(smtp(sink), lease_seconds=1.5):
            await until(all_are("sent"))
    assert len(sink.letters) == 1
    assert (await rows())[0]["attempts"] == 1


async def test_whoever_lost_the_message_while_writing_it_does_not_send_it():
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(messages):
        begun.set()
        await go_on.wait()
        return await compose(messages)

    await enqueue([new()])
    async with listening() as sink, working(smtp(sink), composing=slowly, lease_seconds=0.6):
        await begun.wait()
        await Message.raw("UPDATE message SET lease_until = now() - interval '1 second'")
        [other] = await claim(1, HOST)
        await asyncio.sleep(0.8)
        go_on.set()
        await asyncio.sleep(0.2)
        assert (await row_of(other.id))["fence"] == other.fence
    assert sink.letters == []


async def test_a_stop_lets_the_mail_under_way_arrive_and_gives_back_the_rest():
    answering = asyncio.Event()

    async def slowly():
        answering.set()
        await asyncio.sleep(0.5)

    await enqueue([new(number) for number in range(6)])
    async with listening() as sink:
        sink.answer("DATA", slowly)
        async with working(smtp(sink, connections=1)):
            await answering.wait()
    assert len(sink.letters) == 1
    assert sorted(await statuses()) == ["queued"] * 5 + ["sent"]
    assert sum(row["attempts"] for row in await rows()) == 1


async def test_a_stop_does_not_wait_for_ever():
    answering = asyncio.Event()

    async def never():
        answering.set()
        await asyncio.sleep(60)

    await enqueue([new()])
    async with listening() as sink:
        sink.answer("DATA", never)
        begun = time.monotonic()
        async with working(smtp(sink), drain_seconds=0.3):
            await answering.wait()
        assert time.monotonic() - begun < 3
    assert await statuses() == ["sending"]


KILLED = """
import asyncio, sys
from dialograum.database import connected
from dialograum.settings import load
from notifications.worker import deliver
from tests.notifications.examples import HOST, compose
from tests.notifications.sink import Sink, smtp

async def main():
    async with connected(load()):
        never = asyncio.Event()
        await deliver(compose, smtp(Sink(port=int(sys.argv[1]))), never, never, host=HOST, lease_seconds=3)

asyncio.run(main())
"""


async def test_a_message_whose_worker_is_killed_is_sent_by_another(environment):
    """The process dies by SIGKILL after the claim, before the server has answered."""
    named = asyncio.Event()

    async def never():
        named.set()
        await asyncio.sleep(60)

    await enqueue([new()])
    async with listening() as sink:
        sink.answer("DATA", never)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", KILLED, str(sink.port), env=environment
        )
        await named.wait()
        [held] = await rows()
        process.send_signal(signal.SIGKILL)
        await process.wait()
        assert held["status"] == "sending"
        async with working(smtp(sink)):
            await until(all_are("sent"))
    [row] = await rows()
    assert row["attempts"] == held["attempts"] + 1
    assert row["message_id"] == held["message_id"]
    assert [row["message_id"].encode() in letter.content for letter in sink.letters] == [True]


async def test_without_a_mail_server_mails_become_files(tmp_path):
    folder = Folder(tmp_path / "mail")
    await enqueue([new(number) for number in range(5)])
    async with working(folder):
        await until(all_are("sent"))
    mails = [message_from_bytes(folder.read(name) or b"", policy=default) for name in folder.names()]
    assert {mail["Message-ID"] for mail in mails} == {row["message_id"] for row in await rows()}


async def test_while_one_mail_is_recorded_the_next_is_named_but_does_not_go_over(monkeypatch):
    """So that a kill makes at most one mail per connection come twice."""
    recording, go_on, named = asyncio.Event(), asyncio.Event(), asyncio.Event()
    record = outbox.record

    async def slowly(outcomes):
        recording.set()
        await go_on.wait()
        return await record(outcomes)

    async def name() -> None:
        if recording.is_set():
            named.set()

    monkeypatch.setattr(outbox, "record", slowly)
    await enqueue([new(number) for number in range(3)])
    async with listening() as sink:
        sink.answer("RCPT", *[name] * 3)
        async with working(smtp(sink, connections=1)):
            await named.wait()
            await asyncio.sleep(0.1)
            assert len(sink.letters) == 1
            go_on.set()
            await until(all_are("sent"))
    assert len(sink.letters) == 3


async def test_a_mail_that_another_worker_took_while_it_waited_for_its_turn_does_not_go_over(monkeypatch):
    recording, go_on = asyncio.Event(), asyncio.Event()
    record = outbox.record

    async def slowly(outcomes):
        recording.set()
        await go_on.wait()
        return await record(outcomes)

    monkeypatch.setattr(outbox, "record", slowly)
    await enqueue([new(number) for number in range(2)])
    async with listening() as sink, working(smtp(sink, connections=1), lease_seconds=0.6):
        await recording.wait()
        await Message.raw("UPDATE message SET fence = fence + 1, lease_until = now() + interval '1 hour'")
        await asyncio.sleep(0.8)
        go_on.set()
        await asyncio.sleep(0.3)
        assert len(sink.letters) == 1
