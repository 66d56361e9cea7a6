"""A mail server as towns have it: Postfix takes our mails, and says later whom they did not reach."""

import re
from email import message_from_bytes

import pytest

from notifications.bounces import Bounce, read
from notifications.outbox import enqueue
from tests.notifications.examples import new, rows
from tests.notifications.postfix import Missing, postfix
from tests.notifications.sink import Sink, smtp
from tests.notifications.working import counted, until, working

pytestmark = pytest.mark.usefixtures("database")


async def test_postfix_takes_every_mail_once_and_names_who_was_not_reached():
    people = [f"person-{number}" for number in range(30)]
    try:
        async with postfix(*people, "dialog") as server:
            await enqueue([new(number) for number in range(30)])
            await enqueue([new(recipient="nobody@example.org"), new(recipient="gone@example.org")])
            async with working(smtp(Sink(port=server.port))):
                await until(counted(sent=31, failed=1))

            async def has_arrived() -> bool:
                return all(map(server.box, [*people, "dialog"]))

            await until(has_arrived)
            boxes = {name: server.box(name) for name in [*people, "dialog"]}
    except Missing as missing:
        pytest.skip(str(missing))
    found = {row["recipient"].partition("@")[0]: row for row in await rows()}
    assert found["nobody"]["last_error"].startswith("550 5.1.1")
    for name in people:
        assert re.findall(rb"^Message-ID: (\S+)", boxes[name], re.MULTILINE) == [
            found[name]["message_id"].encode()
        ]
    report = read(boxes["dialog"].partition(b"\n")[2])
    assert isinstance(report, Bounce)
    assert report.messages == (found["gone"]["id"],)
    assert report.reason.startswith("5.1.1")
    assert "Guten Tag" not in boxes["dialog"].decode()  # no more than the head is sent back
    assert message_from_bytes(boxes["dialog"])["Auto-Submitted"] == "auto-replied"
