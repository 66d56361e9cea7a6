"""Mail servers that fail in every way: what is final is final at once, the rest is tried again, nobody else suffers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from typing import Any

import pytest

from notifications import worker
from notifications.delivery import ANSWER_SECONDS
from notifications.outbox import enqueue
from notifications.rules import pause, retry_after
from notifications.tables import Message
from tests.notifications.examples import new, rows
from tests.notifications.sink import Sink, certificate, listening, smtp
from tests.notifications.working import all_are, counted, until, working

pytestmark = pytest.mark.usefixtures("database")


class Picky(Sink):
    """Refuses every twentieth recipient for good."""

    async def handle_RCPT(self, _s: Any, _t: Any, envelope: Any, address: str, options: list[str]) -> str:
        if int(address.partition("@")[0].rpartition("-")[2]) % 20 == 0:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"


async def test_five_in_a_hundred_who_are_refused_hold_up_nobody():
    await enqueue([new(number) for number in range(100)])
    async with listening(Picky()) as sink, working(smtp(sink)):
        await until(counted(sent=95, failed=5))
    found = await rows()
    assert {row["attempts"] for row in found} == {1}
    assert {row["last_error"] for row in found if row["status"] == "failed"} == {"550 5.1.1 no such user"}
    assert len(sink.letters) == len(set(sink.recipients)) == 95


@pytest.mark.parametrize(
    ("command", "answer"),
    [("RCPT", "450 4.2.0 greylisted"), ("RCPT", "421 4.7.0 too many"), ("DATA", "451 4.3.0 not now")],
)
async def test_who_is_told_to_come_later_does_while_others_go_on(command, answer):
    await enqueue([new(number) for number in range(10)])
    async with listening() as sink, working(smtp(sink)):
        sink.answer(command, answer)
        await until(counted(sent=9, queued=1))
        [later] = [row for row in await rows() if row["status"] == "queued"]
        assert (later["attempts"], later["last_error"]) == (1, answer)
        assert timedelta(seconds=50) < later["due_at"] - datetime.now(UTC) < timedelta(seconds=61)
        await Message.raw("UPDATE message SET due_at = now() WHERE status = 'queued'")
        await until(all_are("sent"))
    assert len(sink.letters) == 10


async def test_a_server_that_is_too_slow_for_one_mail_gets_it_again_with_the_same_message_id():
    async def never() -> None:
        await asyncio.sleep(60)

    await enqueue([new(number) for number in range(8)])
    async with listening() as sink, working(smtp(sink, answer_seconds=0.3)):
        sink.answer("DATA", never)
        await until(counted(sent=7, queued=1))
        assert {row["last_error"] for row in await rows()} == {None, "no answer in time"}
        await Message.raw("UPDATE message SET due_at = now() WHERE status = 'queued'")
        await until(all_are("sent"))
    sent = [message_from_bytes(letter.content)["Message-ID"] for letter in sink.letters]
    assert sorted(sent) == sorted(row["message_id"] for row in await rows())


@asynccontextmanager
async def speaking(lines: Callable[[bytes], bytes | None], greeting: bytes) -> AsyncIterator[Sink]:
    """A server that answers lines as it is told; `None` cuts the connection."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        while line := await reader.readline():
            if (answer := lines(line)) is None:
                break
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield Sink(port=server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await server.wait_closed()


async def test_a_connection_cut_in_the_middle_of_a_mail_costs_one_attempt():
    def lines(line: bytes) -> bytes | None:
        if line.startswith(b"Guten"):
            return None
        if line.startswith(b"DATA"):
            return b"354 go on\r\n"
        return b"250 OK\r\n" if line[:4] in (b"EHLO", b"MAIL", b"RCPT") else b""

    await enqueue([new()])
    async with speaking(lines, b"220 hello\r\n") as sink, working(smtp(sink)):
        await until(lambda: has(status="queued", attempts=1))
    async with listening() as sink, working(smtp(sink)):
        await Message.raw("UPDATE message SET due_at = now()")
        await until(all_are("sent"))
    assert len(sink.letters) == 1


@pytest.mark.parametrize("greeting", [b"421 4.3.2 shutting down\r\n", b"554 no service\r\n"])
async def test_a_server_that_lets_nobody_in_burns_no_attempt(greeting):
    await enqueue([new(number) for number in range(20)])
    async with speaking(lambda line: b"", greeting) as sink, working(smtp(sink)):
        await until(
            lambda: has(
                status="queued", attempts=0, last_error=f"cannot connect: {greeting.decode().strip()}"
            )
        )
    assert {(row["status"], row["attempts"]) for row in await rows()} == {("queued", 0)}


@pytest.mark.parametrize("fault", ["stripped", "certificate", "password"])
async def test_where_the_way_is_not_safe_everything_rests(fault, tmp_path):
    offered: dict[str, Any] = {}
    asked: dict[str, Any] = {"starttls": "required"}
    if fault == "certificate":
        offered["starttls"], _ = certificate(tmp_path)
    if fault == "password":
        offered, asked = {"password": "right"}, {"user": "town", "password": "wrong"}
    await enqueue([new(number) for number in range(20)])
    async with listening(**offered) as sink, working(smtp(sink, **asked)):
        await until(told_why)
        await asyncio.sleep(0.1)
    assert sink.letters == []
    assert {(row["status"], row["attempts"]) for row in await rows()} == {("queued", 0)}


async def has(**values: Any) -> bool:
    return any(all(row[name] == value for name, value in values.items()) for row in await rows())


async def told_why() -> bool:
    return any(row["last_error"] for row in await rows())


async def test_an_hour_without_a_mail_server_burns_no_attempt(monkeypatch):
    """Each of the pauses of at most twenty seconds is shortened to nothing."""
    tries, waited = 0, timedelta()

    def shortened(failures: int, *, refused: bool) -> timedelta:
        nonlocal tries, waited
        tries, waited = failures, waited + pause(failures, refused=refused)
        return timedelta(milliseconds=1)

    monkeypatch.setattr(worker, "pause", shortened)
    sink = Sink()
    async with listening(sink):
        pass
    await enqueue([new(number) for number in range(40)])
    async with working(smtp(sink)):
        await until(lambda: has_passed(lambda: waited > timedelta(hours=1)), seconds=60)
        assert {(row["status"], row["attempts"]) for row in await rows()} == {("queued", 0)}
        async with listening(sink):
            await until(all_are("sent"))
    assert tries >= 180
    assert {row["attempts"] for row in await rows()} == {1}
    assert len(sink.letters) == 40


async def has_passed(is_true: Callable[[], bool]) -> bool:
    return is_true()


async def test_thirty_seconds_for_every_answer_are_waited_for():
    """Shortened: a second for each of three answers, with a lease of one and a half."""

    async def slowly() -> None:
        await asyncio.sleep(1)

    assert ANSWER_SECONDS >= 60
    await enqueue([new(number) for number in range(4)])
    async with listening() as sink, working(smtp(sink), lease_seconds=1.5):
        for command in ("MAIL", "RCPT", "DATA"):
            sink.answer(command, *[slowly] * 4)
        await until(all_are("sent"))
    assert {row["attempts"] for row in await rows()} == {1}
    assert len(sink.letters) == 4


async def test_a_connection_cut_after_the_final_dot_brings_the_same_mail_again():
    """Whether it was taken nobody knows: it comes twice under one Message-ID, rather than not at all."""

    class Forgetful(Sink):
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            answer = await super().handle_DATA(server, session, envelope)
            if len(self.letters) == 1:
                self.cut()
            return answer

    await enqueue([new()])
    async with listening(Forgetful()) as sink, working(smtp(sink)):
        await until(lambda: has(status="queued", attempts=1))
        await Message.raw("UPDATE message SET due_at = now()")
        await until(all_are("sent"))
    assert len(sink.letters) == 2
    assert len({message_from_bytes(letter.content)["Message-ID"] for letter in sink.letters}) == 1


@pytest.mark.parametrize("answer", ["421 4.3.2 shutting down", "450 4.7.1 slow down", "451 4.3.0 not now"])
async def test_a_server_that_puts_off_the_sender_puts_off_this_mail_alone(answer):
    await enqueue([new(number) for number in range(10)])
    async with listening() as sink, working(smtp(sink)):
        sink.answer("MAIL", answer)
        await until(counted(sent=9, queued=1))
        await Message.raw("UPDATE message SET due_at = now() WHERE status = 'queued'")
        await until(all_are("sent"))
    assert len(sink.letters) == 10


async def test_a_mail_that_is_put_off_for_three_days_is_given_up_with_what_was_said():
    await enqueue([new()])
    async with listening() as sink, working(smtp(sink), interval=0.02):
        sink.answer("RCPT", *["451 4.7.1 greylisted"] * 100)
        await until(lambda: put_off_or(all_are("failed")), seconds=60)
    [row] = await rows()
    assert (row["last_error"], sink.letters) == ("451 4.7.1 greylisted", [])
    waits = [retry_after(attempts) for attempts in range(1, row["attempts"])]
    assert sum(filter(None, waits), timedelta()) >= timedelta(hours=72)


async def put_off_or(condition: Callable[[], Awaitable[bool]]) -> bool:
    """Lets the time until the next attempt pass at once."""
    await Message.raw("UPDATE message SET due_at = now() WHERE status = 'queued' AND due_at > now()")
    return await condition()


async def test_sixty_addresses_that_do_not_exist_do_not_stop_the_others():
    """A server that says no to one recipient after another is not one that is away."""
    await enqueue([new(number, recipient=f"none-{number * 20}@example.org") for number in range(60)])
    await enqueue([new(recipient="kim-1@example.org")])
    async with listening(Picky()) as sink, working(smtp(sink)):
        await until(counted(sent=1, failed=60))
    assert sink.recipients == ["kim-1@example.org"]
