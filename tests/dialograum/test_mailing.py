"""The mail worker put together: real registrations, the listening, the process and its end."""

import asyncio
import signal
import sys
import time

import pytest

from dialograum.mailing import mail_worker
from notifications.tables import Message
from tests.notifications.sink import listening
from tests.notifications.working import until
from tests.registration.town import hold, register

pytestmark = pytest.mark.usefixtures("database")


async def test_who_registers_has_the_mail_within_a_second(settings):
    async with listening() as sink:
        stop = asyncio.Event()
        served = settings.model_copy(update={"mail_url": type(settings.mail_url)(address(sink.port))})
        worker = asyncio.create_task(mail_worker(served, stop))
        await hold()
        await register("warm")
        await until(lambda: arrived(sink, 1))
        await register("kim")
        began = time.monotonic()
        await until(lambda: arrived(sink, 2))
        assert time.monotonic() - began < 1
        stop.set()
        await worker


async def test_a_worker_told_to_stop_ends_what_is_under_way(environment):
    answering = asyncio.Event()

    async def slowly() -> None:
        answering.set()
        await asyncio.sleep(1)

    # The event is long past: else the same worker would let holds lapse and remove who took part.
    await hold(confirm_email=False, retention_days=10_000)
    for name in ("kim", "alex", "robin", "toni", "sam", "charlie"):
        await register(name)
    async with listening() as sink:
        sink.answer("DATA", *[slowly] * 4)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "dialograum.cli", "worker"),
            env=environment | {"DIALOGRAUM_MAIL_URL": address(sink.port)},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await answering.wait()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
        taken = len(sink.letters)
    assert 1 <= taken <= 4
    assert await Message.count().where(Message.status == "sent") == taken
    assert await Message.count().where(Message.status == "queued") == 6 - taken


def address(port: int) -> str:
    return f"smtp://127.0.0.1:{port}?starttls=never"


async def arrived(sink, mails: int) -> bool:
    return len(sink.letters) >= mails
