"""What the actions write becomes mails: every message of a busy day, with the links that open what they promise."""

import re
from datetime import datetime
from email.message import EmailMessage
from uuid import uuid4

import pytest

from dialograum import publishing
from notifications.errors import CannotCompose
from notifications.outbox import Claim, claim
from registration import actions
from registration.editing import Edit, edit
from registration.mail import called
from registration.tables import Registration
from tests.mail.cases import CASES, LINKS, composer
from tests.mail.reading import part
from tests.registration.town import (
    DAY,
    NOW,
    ROUNDS,
    cancel,
    confirm,
    group,
    hold,
    id_of,
    organiser,
    register,
    rewrite,
    row_of,
    seat,
)

COMPOSER = composer()


async def mails() -> list[tuple[Claim, EmailMessage]]:
    """What waits in the outbox, written."""
    return [(message, await COMPOSER.compose(message)) for message in await claim(1000, "dialog.example.org")]


@pytest.mark.usefixtures("database")
async def test_every_message_of_a_busy_day_becomes_a_mail():
    await hold(
        capacity=3, sessions=ROUNDS, groups=(group("a", "first", "second", capacity=1), group("b", "first"))
    )
    await seat("kim", wishes={"first": ["a", "b"], "second": ["a"]})
    await seat("alex", wishes={"first": ["a", "b"]})
    seen = await written()
    await register("kim")
    await register("late")
    await register("robin")
    await confirm("robin")
    await register("sam", seats=2)
    seen += await written()
    await cancel("kim")
    await actions.expire_lapsed_holds((await row_of("late")).event, NOW + DAY)
    seen += await written()
    office = await organiser()
    await edit(await id_of("alex"), Edit(name="alexa", seats=2), office, NOW)
    seen += await written()
    await rewrite(ends_at=datetime(2022, 11, 18, 20))
    seen += await written()
    await publishing.cancel("dialog", "Wasserschaden", None, NOW)
    seen += await written()
    assert {kind for kind, _ in seen} >= {
        "confirm",
        "confirmed",
        "already_registered",
        "waitlisted",
        "promoted",
        "expired",
        "registration_cancelled",
        "registration_changed",
        "event_changed",
        "event_cancelled",
    }


async def written() -> list[tuple[str, str]]:
    """Kind and recipient of what waits; each mail is written, and says something."""
    found = []
    for message, mail in await mails():
        assert "{" not in mail["Subject"]
        assert "None" not in part(mail, "text/plain")
        assert message.recipient_name in part(mail, "text/plain")
        found.append((message.kind, message.recipient_name))
    return found


@pytest.mark.usefixtures("database")
async def test_links_lead_to_the_registration():
    await hold()
    await register("kim")
    [(_, mail)] = await mails()
    links = re.findall(r"https?://\S+", part(mail, "text/plain"))
    row = await row_of("kim")
    assert LINKS.read("confirm", links[0].split("/")[4]) == (row.id, row.confirm_nonce)
    assert LINKS.read("own", links[1].split("/")[4]) == (row.id, row.own_nonce)


@pytest.mark.usefixtures("database")
async def test_links_are_those_of_the_moment_of_sending():
    await hold()
    await register("kim")
    [message] = await claim(1, "dialog.example.org")
    before = part(await COMPOSER.compose(message), "text/plain")
    await Registration.update({Registration.confirm_nonce: "f" * 16}).where(Registration.id == message.about)
    after = part(await COMPOSER.compose(message), "text/plain")
    assert before != after
    assert LINKS.token("confirm", await id_of("kim"), "f" * 16) in after


@pytest.mark.usefixtures("database")
async def test_a_registration_that_is_gone_gets_no_mail():
    for about in (uuid4(), None):
        with pytest.raises(CannotCompose, match="gone"):
            await COMPOSER.compose(CASES["confirmed"].message(about=about))


@pytest.mark.parametrize(
    "name",
    [
        "Kim Muster",
        "Dr. Ağaoğlu",
        "J. R. R. Tolkien",
        "Anne-Marie O'Neil",
        "李小龍",
        "Kim Muster (Verein)",
        "Nguyễn Văn An",
    ],
)
def test_people_are_called_by_their_names(name):
    assert called(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "www.evil.example",
        "Gewinn! https://evil.example",
        "evil.example Kim",
        "eve@example.org",
        "Rufen Sie an 0900 1234567",
        "x" * 81,
        "a/b",
    ],
)
def test_advertising_is_no_name(name):
    assert called(name) is None
