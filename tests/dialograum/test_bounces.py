"""A mail that came back: from the mail server's pipe to the organiser's list."""

import asyncio
import sys

import pytest

from events.tables import Membership
from notifications.outbox import bounced, claim, enqueue, record, sent
from notifications.tables import Message
from registration.tables import Registration
from tests.notifications.examples import HOST, new
from tests.notifications.reports import MESSAGE_ID, OURS, plain, report

LIST = "/organise/events/forum/attendees"


async def piped(content: bytes, environment: dict[str, str]) -> tuple[int | None, str, str]:
    """Exit code, stdout and stderr of `dialograum bounces`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dialograum.cli", "bounces"),
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(content)
    return process.returncode, out.decode(), err.decode()


def about(message_id: object) -> bytes:
    return report().replace(str(OURS).encode(), str(message_id).encode())


async def test_a_report_from_the_pipe_marks_its_message(database, environment):
    await enqueue([new()])
    [held] = await claim(1, HOST)
    await record([sent(held)])
    code, out, _ = await piped(about(held.id), environment)
    assert (code, out) == (0, "noted\n")
    [row] = await Message.objects()
    assert row.status == "failed"
    assert row.last_error == "5.1.1 550 5.1.1 … Recipient address rejected: User unknown, …"


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (about(OURS), 0, "ignored: no message of ours"),
        (report("delayed", "4.2.2"), 0, "ignored: nothing was given up"),
        (plain("Auto-Submitted: auto-replied\n"), 0, "ignored: an automatic answer"),
        (plain(f"In-Reply-To: {MESSAGE_ID}\n"), 1, "neither a delivery report nor an automatic answer"),
        (b"\xff\x00" * 100, 1, "neither a delivery report nor an automatic answer"),
        (report() + b"x" * 1_000_000, 1, "larger than"),
    ],
)
async def test_whatever_comes_is_answered_in_one_line(database, environment, content, code, says):
    found, out, err = await piped(content, environment)
    assert found == code
    assert (out + err).count("\n") == 1
    assert says in out + err


async def test_while_the_database_is_away_the_mail_server_keeps_the_mail(environment):
    away = environment | {
        "DIALOGRAUM_DATABASE_URL": "postgresql://town:geheim@127.0.0.1:1/town",
        "DIALOGRAUM_SECRET_KEY": "s" * 40,
    }
    code, out, err = await piped(report(), away)
    assert (code, out) == (75, "")
    assert err.startswith("dialograum: DIALOGRAUM_DATABASE_URL")
    assert "geheim" not in err


# On the desk


async def settled(registration: Registration, *, came_back: bool) -> None:
    """All that waits has been sent; the newest mail of this person came back."""
    claims = await claim(50, HOST)
    await record([sent(held) for held in claims])
    if came_back:
        [mine] = [held.id for held in claims if held.about == registration.id]
        assert await bounced([mine], "550 5.1.1 no such user")


@pytest.fixture
async def event(town):
    organiser = await town.organiser()
    return await town.event(organiser), await town.signed_in(organiser), organiser


async def test_who_cannot_be_reached_is_marked_on_the_list_and_found(town, event):
    forum, desk, _ = event
    anna = await town.register(forum, "Anna Muster")
    ben = await town.register(forum, "Ben Muster")
    assert "Undeliverable" not in (await desk.get(LIST)).text
    await settled(anna, came_back=True)
    page = (await desk.get(LIST)).text
    assert page.count("Undeliverable") == 2  # the filter, and one person
    only = (await desk.get(f"{LIST}?unreached=true")).text
    assert "Anna Muster" in only
    assert "Ben Muster" not in only
    listed = (await desk.get(f"{LIST}.csv?unreached=true")).text
    assert "Anna Muster" in listed
    assert "Ben Muster" not in listed
    assert "550 5.1.1 no such user" in (await desk.get(f"{LIST}/{anna.id}")).text
    assert "could not be delivered" not in (await desk.get(f"{LIST}/{ben.id}")).text


async def test_nobody_unreached_is_an_empty_list(town, event):
    forum, desk, _ = event
    await town.register(forum, "Anna Muster")
    assert "Anna Muster" not in (await desk.get(f"{LIST}?unreached=true")).text


@pytest.mark.parametrize("by", ["another address", "a mail that gets through"])
async def test_whoever_can_be_reached_again_is_marked_no_more(town, event, by):
    forum, desk, _ = event
    anna = await town.register(forum, "Anna Muster")
    await settled(anna, came_back=True)
    if by == "another address":
        await Registration.update(email="new@example.org", address="new@example.org").where(
            Registration.id == anna.id
        )
    else:
        await enqueue([new(recipient=anna.email, about=anna.id, event_id=forum.id)])
        await settled(anna, came_back=False)
    assert "Undeliverable" not in (await desk.get(LIST)).text
    assert "could not be delivered" not in (await desk.get(f"{LIST}/{anna.id}")).text


async def test_what_could_not_be_sent_to_others_about_somebody_does_not_count(town, event):
    forum, desk, _ = event
    anna = await town.register(forum, "Anna Muster")
    await settled(anna, came_back=False)
    await enqueue([new(recipient="office@example.org", about=anna.id, event_id=forum.id)])
    await settled(anna, came_back=True)
    assert "Undeliverable" not in (await desk.get(LIST)).text


async def test_helpers_see_nothing_of_addresses(town, event):
    forum, _, _ = event
    anna = await town.register(forum, "Anna Muster")
    await settled(anna, came_back=True)
    admin = await town.signed_in(await town.organiser("admin", "admin"))
    assert "Undeliverable" in (await admin.get(LIST)).text
    helper = await town.organiser("helper", "helper")
    await Membership(organiser=helper, event=forum.id, role="helper").save()
    desk = await town.signed_in(helper)
    page = await desk.get(f"{LIST}?unreached=true")
    assert page.status_code == 200
    assert "Undeliverable" not in page.text


async def test_the_outbox_says_why(town, event):
    forum, _, organiser = event
    anna = await town.register(forum, "Anna Muster")
    await settled(anna, came_back=True)
    system = await town.system(organiser)
    [item] = (await system.get("/api/v1/events/forum/messages?status=failed")).json()["items"]
    assert (item["to"], item["last_error"]) == (anna.email, "550 5.1.1 no such user")
    assert item["sent_at"]
