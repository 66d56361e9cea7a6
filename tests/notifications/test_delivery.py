"""Transports: a folder, and real mail servers on loopback that misbehave."""

import asyncio
import os
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from notifications.delivery import Folder, Letter, Refused, Sent, ServerAway
from tests.notifications.sink import Sink, certificate, listening, smtp

AT = datetime(2022, 10, 20, 8, 15, tzinfo=UTC)


def letter(number: int = 0, content: bytes = b"Subject: x\r\n\r\nGuten Tag\r\n", **changes: object) -> Letter:
    return Letter(
        id=UUID(int=number),
        created_at=AT + timedelta(seconds=number),
        sender="dialog@example.org",
        recipient=f"person-{number}@example.org",
        content=content,
    )


# Folder


async def test_a_folder_and_its_files_are_ours_alone(tmp_path):
    folder = Folder(tmp_path / "data" / "mail")
    assert await folder.reach() is None
    assert await folder.send(letter()) == Sent()
    [file] = (tmp_path / "data" / "mail").iterdir()
    assert (tmp_path / "data" / "mail").stat().st_mode & 0o777 == 0o700
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_bytes() == letter().content


async def test_a_folder_that_others_can_read_is_closed(tmp_path):
    tmp_path.chmod(0o755)
    await Folder(tmp_path).send(letter())
    assert tmp_path.stat().st_mode & 0o777 == 0o700


async def test_names_sort_by_time(tmp_path):
    folder = Folder(tmp_path)
    for number in (3, 1, 2):
        await folder.send(letter(number, f"Subject: {number}\r\n\r\n".encode()))
    assert [folder.read(name) for name in folder.names()] == [
        f"Subject: {number}\r\n\r\n".encode() for number in (1, 2, 3)
    ]


async def test_the_same_message_sent_twice_is_one_file(tmp_path):
    folder = Folder(tmp_path)
    await folder.send(letter(1, b"first"))
    await folder.send(letter(1, b"second"))
    assert [folder.read(name) for name in folder.names()] == [b"second"]


async def test_mails_of_an_event_can_be_removed(tmp_path):
    folder = Folder(tmp_path)
    await asyncio.gather(*(folder.send(letter(number)) for number in range(6)))
    assert folder.remove([UUID(int=1), UUID(int=4), uuid4()]) == 2
    assert len(folder.names()) == 4
    assert folder.remove([UUID(int=1)]) == 0


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "", ".", "x.eml", "a/b.eml", "\x00"])
async def test_only_mails_can_be_read(tmp_path, name):
    (tmp_path / "secret").write_text("secret")
    folder = Folder(tmp_path / "mail")
    assert folder.names() == []
    await folder.send(letter())
    assert folder.read(name) is None


async def test_what_was_not_finished_is_not_there(tmp_path):
    (tmp_path / ".20221020T081500.000000-x.eml.99").write_bytes(b"half")
    assert Folder(tmp_path).names() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_cannot_be_written_is_a_server_that_is_away(tmp_path):
    tmp_path.chmod(0o500)
    assert await Folder(tmp_path / "mail").send(letter()) == ServerAway("folder: Permission denied")


async def test_a_file_in_the_place_of_the_folder_is_a_server_that_is_away(tmp_path):
    (tmp_path / "mail").write_text("x")
    assert isinstance(await Folder(tmp_path / "mail").send(letter()), ServerAway)
    assert isinstance(await Folder(tmp_path / "mail").reach(), ServerAway)


# Mail servers


async def test_connections_are_kept_and_shared():
    async with listening() as sink:
        server = smtp(sink, connections=3)
        assert await asyncio.gather(*(server.send(letter(number)) for number in range(40))) == [Sent()] * 40
        assert sink.connections <= 3
        await server.close()
        await asyncio.sleep(0.05)
        assert sink.open_now == set()
        assert await server.send(letter()) == Sent()
        await server.close()


async def test_a_connection_is_left_before_the_server_grows_tired_of_it():
    async with listening() as sink:
        server = smtp(sink, connections=1)
        for number in range(101):
            assert await server.send(letter(number)) == Sent()
        assert sink.connections == 2
        await server.close()


async def test_a_connection_that_died_while_idle_costs_no_attempt():
    async with listening() as sink:
        server = smtp(sink)
        await server.send(letter(1))
        sink.cut()
        assert await server.send(letter(2)) == Sent()
        await server.send(letter(3))
        sink.answer("MAIL", "421 4.4.2 idle for too long")
        assert await server.send(letter(4)) == Sent()
        await server.close()


@pytest.mark.parametrize(
    ("command", "answer", "outcome"),
    [
        ("RCPT", "450 4.2.0 greylisted", Refused(False, "450 4.2.0 greylisted")),
        ("RCPT", "421 4.7.0 too many", Refused(False, "421 4.7.0 too many")),
        ("RCPT", "550 5.1.1 <person-1@example.org> unknown", Refused(True, "550 5.1.1 … unknown")),
        ("RCPT", "550 5.1.1 user person-1 unknown", Refused(True, "550 5.1.1 user … unknown")),
        ("RCPT", "554 5.7.1 relay denied", Refused(True, "554 5.7.1 relay denied")),
        ("DATA", "451 4.3.0 not now", Refused(False, "451 4.3.0 not now")),
        ("DATA", "552 5.3.4 too large", Refused(True, "552 5.3.4 too large")),
        ("DATA", "554 5.7.1 spam", Refused(True, "554 5.7.1 spam")),
        ("MAIL", "452 4.3.1 disk full", Refused(False, "452 4.3.1 disk full")),
        ("MAIL", "552 5.3.4 too large", Refused(True, "552 5.3.4 too large")),
        ("MAIL", "550 5.7.1 no such sender", ServerAway("sender refused: 550 5.7.1 no such sender", True)),
        ("MAIL", "530 5.7.0 sign in first", ServerAway("sign-in refused: 530 5.7.0 sign in first", True)),
    ],
)
async def test_what_the_server_says_decides(command, answer, outcome):
    async with listening() as sink:
        server = smtp(sink)
        sink.answer(command, answer)
        assert await server.send(letter(1)) == outcome
        assert await server.send(letter(2)) == Sent()
        assert sink.recipients == ["person-2@example.org"]
        await server.close()


async def test_reasons_are_one_short_line_without_controls():
    async with listening() as sink:
        server = smtp(sink)
        sink.answer("RCPT", "550-first\r\n550 \x1b[31msecond\x07 " + "x" * 400)
        outcome = await server.send(letter())
        assert isinstance(outcome, Refused)
        assert re.fullmatch(r"550 first \[31msecond x+", outcome.reason)
        assert len(outcome.reason) <= 200
        await server.close()


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
async def test_a_connection_cut_in_the_middle_is_tried_again(command):
    async with listening() as sink:
        server = smtp(sink)

        async def cut():
            sink.cut()
            return "250 OK"

        sink.answer(command, cut)
        outcome = await server.send(letter())
        assert isinstance(outcome, Refused)
        assert not outcome.final
        await server.close()


async def test_a_server_that_does_not_answer_is_not_waited_for_for_ever():
    async def never():
        await asyncio.sleep(30)

    async with listening() as sink:
        server = smtp(sink, answer_seconds=0.2)
        sink.answer("RCPT", never)
        assert await server.send(letter()) == Refused(False, "no answer in time")
        assert await server.send(letter(2)) == Sent()
        await server.close()


async def test_a_port_where_nobody_listens_is_a_server_that_is_away():
    async with listening() as sink:
        pass
    server = smtp(sink)
    outcome = await server.send(letter())
    assert isinstance(outcome, ServerAway)
    assert not outcome.refused
    assert await server.reach() == outcome


async def test_a_server_that_greets_with_a_refusal_is_away():
    async def busy(reader, writer):
        writer.write(b"554 no service here\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(busy, "127.0.0.1", 0)
    sink = Sink(port=server.sockets[0].getsockname()[1])
    assert await smtp(sink).send(letter()) == ServerAway("cannot connect: 554 no service here")
    server.close()
    await server.wait_closed()


async def test_a_server_that_says_nothing_is_away():
    held = []

    async def silent(reader, writer):
        held.append(writer)

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    sink = Sink(port=server.sockets[0].getsockname()[1])
    assert await smtp(sink, connect_seconds=0.2).send(letter()) == ServerAway(
        "cannot connect: no answer in time"
    )
    for writer in held:
        writer.close()
    server.close()
    await server.wait_closed()


async def test_passwords_are_used_and_wrong_ones_told():
    async with listening(password="right") as sink:
        right, wrong = (
            smtp(sink, user="town", password="right"),
            smtp(sink, user="town@example.org", password="no"),
        )
        assert await right.send(letter()) == Sent()
        refused = await wrong.send(letter())
        assert isinstance(refused, ServerAway)
        assert refused.refused
        assert refused.reason.startswith("sign-in refused: 535")
        nobody = await smtp(sink).send(letter())
        assert isinstance(nobody, ServerAway)
        assert nobody.reason.startswith("sign-in refused: 530")
        await right.close()


# Encryption


@pytest.fixture(scope="module")
def contexts(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize("starttls", ["auto", "required"])
async def test_encryption_is_turned_on_where_it_is_offered(contexts, starttls):
    served, trusted = contexts
    async with listening(starttls=served) as sink:
        server = smtp(sink, starttls=starttls, tls_context=trusted)
        assert await server.send(letter()) == Sent()
        [transport] = sink.open_now
        assert transport.get_extra_info("ssl_object") is not None
        await server.close()


async def test_encryption_from_the_first_byte(contexts):
    served, trusted = contexts
    async with listening(tls=served) as sink:
        server = smtp(sink, tls=True, tls_context=trusted)
        assert await server.send(letter()) == Sent()
        await server.close()


async def test_required_encryption_that_is_not_offered_sends_nothing():
    async with listening() as sink:
        outcome = await smtp(sink, starttls="required").send(letter())
        assert isinstance(outcome, ServerAway)
        assert sink.letters == []


@pytest.mark.parametrize(
    "settings",
    [{"starttls": "required"}, {"tls": True}, {"starttls": "auto", "user": "town", "password": "right"}],
)
async def test_an_unknown_certificate_gets_neither_mail_nor_password(contexts, settings):
    served, _ = contexts
    kind = {"tls": served} if settings.get("tls") else {"starttls": served}
    async with listening(password=settings.get("password"), **kind) as sink:
        outcome = await smtp(sink, **settings).send(letter())
        assert isinstance(outcome, ServerAway)
        assert "certificate" in outcome.reason
        assert sink.letters == []


async def test_encryption_to_whoever_answers_is_better_than_none(contexts):
    served, _ = contexts
    async with listening(starttls=served) as sink:
        server = smtp(sink, starttls="auto")
        assert await server.send(letter()) == Sent()
        await server.close()
