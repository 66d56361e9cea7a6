"""What the actions write becomes mails: every message of a busy day, with the links that open what they promise."""

import re
from dataclasses import replace
from datetime import datetime
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import pytest

from dialograum import publishing
from notifications.errors import CannotCompose
from notifications.outbox import Claim, claim
from registration import actions
from registration.editing import Edit, edit
from registration.mail import called
from registration.tables import Registration
from tests.events.examples import dialogue
from tests.mail.case import composer
from tests.mail.cases import CASES
from tests.mail.examples import LINKS, NONCES
from tests.mail.reading import opened, part
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
    messages = await claim(1000, "dialog.example.org")
    write = await COMPOSER.compose(messages)
    return [(message, opened(write(message))) for message in messages]


async def mail_of(message: Claim) -> EmailMessage:
    """A mail written alone."""
    return opened((await COMPOSER.compose([message]))(message))


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
    before = part(await mail_of(message), "text/plain")
    await Registration.update({Registration.confirm_nonce: "f" * 16}).where(Registration.id == message.about)
    after = part(await mail_of(message), "text/plain")
    assert before != after
    assert LINKS.token("confirm", await id_of("kim"), "f" * 16) in after


@pytest.mark.usefixtures("database")
async def test_a_registration_that_is_gone_gets_no_mail():
    for about in (uuid4(), None):
        with pytest.raises(CannotCompose, match="gone"):
            await mail_of(CASES["confirmed"].message(about=about))


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


def test_what_two_people_are_told_holds_nothing_of_the_other():
    case, written = CASES["confirmed"], composer()
    share: dict[str, Any] = {"shared": "event", "shares": frozenset({"event"})}
    kim = opened(written.letter(case.message(**share), NONCES))
    other = replace(case, person={"name": "Alex <b>", "number": "AAAA-BBBB", "id": uuid4()})
    alex = opened(written.letter(other.message(recipient="alex@example.org", **share), NONCES))
    again = opened(written.letter(case.message(**share), NONCES))
    assert len(written._forms) == 1
    for kind in ("text/plain", "text/html", "text/calendar"):
        assert part(kim, kind) == part(again, kind) != part(alex, kind)
        assert not re.search("Kim|kim@|K7QM", part(alex, kind))
        assert not re.search("Alex|alex@|AAAA", part(kim, kind))
    assert "Alex &lt;b&gt;," in part(alex, "text/html")


def test_who_shares_the_facts_of_an_event_but_no_news_gets_another_mail():
    written = composer()
    first, second = (
        opened(written.letter(CASES[name].message(shared="event", shares=frozenset({"event"})), NONCES))
        for name in ("registration_changed-attendance", "registration_changed-person")
    )
    assert part(first, "text/plain") != part(second, "text/plain")


def test_written_mails_are_kept_for_as_long_as_they_are_few(monkeypatch):
    monkeypatch.setattr("registration.mail.FORMS_KEPT", 10)
    case, written = CASES["waitlisted"], composer()
    for position in range(1, 30):
        mail = opened(written.letter(replace(case, position=position).message("en"), NONCES))
        assert f"Your position on the waitlist: {position}\n" in part(mail, "text/plain")
    assert len(written._forms) == 10


def test_a_fact_that_changes_is_told_as_it_is_now():
    case, written = CASES["confirmed"], composer()
    for event in (dialogue(), dialogue(starts_local=datetime(2022, 11, 18, 15))):
        mail = opened(written.letter(replace(case, event=event).message("en"), NONCES))
        assert f"{event.starts_local:%H:%M}" in part(mail, "text/plain")
