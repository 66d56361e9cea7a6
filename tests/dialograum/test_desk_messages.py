"""Messages of organisers through the desk: written, looked at, tried, sent, paused, stopped, with real mails."""

import asyncio
import re
from email import message_from_bytes
from email.policy import default
from typing import Any
from uuid import uuid4

import pytest
from justhtml import JustHTML

from dialograum.mailing import composer_of
from events.tables import Activity
from notifications.delivery import Folder
from notifications.outbox import claim, failed, record, sent
from notifications.tables import Message
from registration.announcement_forms import SUBJECT_LENGTH, TEXT_LENGTH
from registration.announcements import forget_announcements
from registration.tables import Announcement, Registration
from tests.dialograum.conftest import Town
from tests.visitor import Visitor, hidden_fields, words

MESSAGES = "/organise/events/forum/messages"
WORDS = {
    "status.confirmed": "yes",
    "subject.de": "Bitte bringen Sie etwas mit",
    "text.de": "Einen **Stift**.\n\nSiehe https://example.org/anfahrt",
}
ENGLISH = {"subject.en": "Please bring something", "text.en": "A pencil."}


@pytest.fixture
async def browser(town: Town) -> Visitor:
    """An organiser's browser; at their event are Anna (German), Ben (English), and Carla, who has cancelled."""
    organiser = await town.organiser()
    event = await town.event(organiser, registration={"confirm_email": False})
    await town.register(event, "Anna Muster", language="de", groups={"groups": ["wohnen"]})
    await town.register(event, "Ben Muster", language="en")
    carla = await town.register(event, "Carla Muster", language="de")
    await Registration.update({Registration.status: "cancelled"}).where(Registration.id == carla.id)
    await Message.delete(force=True)
    return await town.signed_in(organiser)


def form_of(page) -> str:
    """Where the form of the page that is written on sends."""
    return str(re.findall(r'action="([^"]*/edit)"', page.text)[0])


async def write(browser: Visitor, **fields) -> str:
    """The address of a draft."""
    page = await browser.get(f"{MESSAGES}/new")
    answer = await browser.send_on(page, form_of(page), {**WORDS, **fields})
    assert answer.status_code == 303, words(answer)
    return answer.headers["location"]


async def send(browser: Visitor, url: str):
    return await browser.send_form(f"{url}/send", page=url)


async def deliver(town: Town) -> list[Any]:
    """Sends all that is due into the town's folder; the mails in the order of their recipients."""
    claims = await claim(1000, "dialog.example.org")
    compose = await composer_of(town.settings).compose(claims)
    folder = Folder(town.settings.mail_dir)
    mails = []
    for message in claims:
        letter = compose(message)
        await folder.send(letter)
        mails.append(message_from_bytes(letter.content, policy=default))
    await record([sent(message) for message in claims])
    return sorted(mails, key=lambda mail: mail["To"])


def text_of(mail) -> str:
    return str(mail.get_body(("plain",)).get_content())


async def rows() -> list[dict[str, Any]]:
    return await Message.select().order_by(Message.recipient)


async def test_a_message_is_written_looked_at_and_sent_to_each_in_their_language(browser, town):
    url = await write(browser, **ENGLISH)
    page = await browser.get(url)
    assert "2 people get it" in page.text
    assert "Send to 2 people now" in page.text
    assert await Message.count() == 0
    answer = await send(browser, url)
    assert answer.headers["location"] == url
    progress = await browser.get(url)
    assert progress.headers["refresh"] == "5"
    assert "0 of 2 done" in progress.text
    anna, ben = await deliver(town)
    assert (anna["To"], anna["Subject"]) == (
        "Anna Muster <anna@example.org>",
        "Bitte bringen Sie etwas mit",
    )
    assert "Einen Stift." in text_of(anna)
    assert (ben["Subject"], "A pencil." in text_of(ben)) == ("Please bring something", True)
    done = await browser.get(url)
    assert "refresh" not in done.headers
    assert "2 of 2 done" in done.text
    assert "Everything has left." in done.text
    listed = await browser.get(MESSAGES)
    assert "Please bring something" in listed.text
    assert "Office" in listed.text


async def test_who_has_another_language_is_told_that_the_text_is_only_in_one(browser, town):
    await send(browser, await write(browser))
    _, ben = await deliver(town)
    assert ben["Content-Language"] == "en"
    assert "This text exists only in this language: Deutsch." in text_of(ben)
    said = JustHTML(ben.get_body(("html",)).get_content(), sanitize=False).query(".said, h1")
    assert [((part.attrs or {})["lang"], (part.attrs or {})["dir"]) for part in said] == [("de", "ltr")] * 2


async def test_a_double_click_sends_once(browser):
    url = await write(browser)
    page = await browser.get(url)
    answers = await asyncio.gather(*(browser.send_on(page, f"{url}/send") for _ in range(4)))
    assert {answer.status_code for answer in answers} == {303}
    assert await Message.count() == 2
    assert await Activity.count().where(Activity.what == "announcement_sent") == 1


async def test_the_test_goes_to_the_organiser_alone(browser, town):
    url = await write(browser, **ENGLISH)
    page = await browser.get(f"{url}?language=en")
    fields = dict(re.findall(r'name="(language)" value="(en)"', page.text))
    answer = await browser.send_on(page, f"{url}/test", fields)
    assert "on its way to office@example.org" in (await browser.get(answer.headers["location"])).text
    (mail,) = await deliver(town)
    assert (mail["To"], mail["Subject"]) == (
        "Office <office@example.org>",
        "Test: Please bring something",
    )
    for link in re.findall(r"/(?:r|u|join)/[\w-]+", text_of(mail)):
        assert (await browser.get(link)).status_code == 404, link
    assert await Announcement.count().where(Announcement.sent_at.is_null()) == 1


async def test_the_preview_is_what_arrives(browser, town):
    url = await write(browser, **ENGLISH)
    look = await browser.get(f"{url}/look/en")
    assert "sandbox" in look.headers["content-security-policy"]
    assert look.headers["x-frame-options"] == "SAMEORIGIN"
    await send(browser, url)
    _, ben = await deliver(town)

    def shown(html: str) -> str:
        return " ".join(
            re.sub(
                r"/(r|u|join)/[\w-]+", "", re.sub(r"<style.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)
            ).split()
        )

    received = shown(ben.get_body(("html",)).get_content())
    number = re.findall(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b", received)[0]
    assert shown(look.text) == received.replace("Ben Muster", "Office").replace(number, "0000-0000")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"subject.de": " "}, "Write a subject"),
        ({"text.de": "\r\n "}, "Write a text"),
        ({"subject.de": "x" * (SUBJECT_LENGTH + 1)}, "Write a subject of 150 characters at most"),
        ({"text.de": "y" * (TEXT_LENGTH + 1)}, "Write a text of 10,000 characters at most"),
        ({"text.en": "Only a text"}, "Write a subject"),
        ({"subject.en": "Only a subject"}, "Write a text"),
        ({"status.confirmed": ""}, "Choose at least one status"),
        ({"group": "chor"}, "Choose a working group from the list"),
        ({"session": "mond"}, "Choose a session from the list"),
        ({"language": "tlh"}, "Choose a language from the list"),
        ({"attendance": "astral"}, "Choose how the person takes part"),
        ({"answer": "food=vegan"}, "Choose an answer from the list"),
    ],
)
async def test_what_is_wrong_is_said_and_what_was_typed_stays(browser, fields, wrong):
    page = await browser.get(f"{MESSAGES}/new")
    where = form_of(page)
    typed = {**WORDS, **fields}
    answer = await browser.send_on(page, where, typed)
    assert answer.status_code == 422
    assert words(answer).count(wrong) >= 2
    again = await browser.get(where)
    for shown in (answer, again):
        for name in ("subject.de", "text.de", "text.en", "subject.en"):
            assert typed.get(name, "").strip() in shown.text.replace("&#13;", "")
    mended = await browser.send_on(answer, where, {**WORDS})
    assert mended.status_code == 303


async def test_who_changes_what_another_changed_meanwhile_loses_nothing(browser):
    url = await write(browser)
    mine, theirs = await browser.get(f"{url}/edit"), await browser.get(f"{url}/edit")
    await browser.send_on(theirs, f"{url}/edit", {**WORDS, "text.de": "Ihres"})
    answer = await browser.send_on(mine, f"{url}/edit", {**WORDS, "text.de": "Meines"})
    assert answer.status_code == 422
    assert "Somebody else has changed this draft" in answer.text
    assert "Meines" in answer.text
    assert (await browser.send_on(answer, f"{url}/edit", {**WORDS, "text.de": "Meines"})).status_code == 303
    (row,) = await Announcement.select(Announcement.texts).output(load_json=True)
    assert row["texts"] == {"de": "Meines"}


async def test_a_draft_that_was_sent_meanwhile_becomes_another(browser):
    url = await write(browser)
    page = await browser.get(f"{url}/edit")
    await send(browser, url)
    answer = await browser.send_on(page, f"{url}/edit", {**WORDS, "text.de": "Anders"})
    assert answer.status_code == 303
    assert answer.headers["location"] != url
    assert await Announcement.count() == 2
    assert await Message.count() == 2


async def test_what_was_changed_after_the_look_is_not_sent(browser):
    url = await write(browser)
    page, form = await browser.get(url), await browser.get(f"{url}/edit")
    await browser.send_on(form, f"{url}/edit", {**WORDS, "text.de": "Anders"})
    answer = await browser.send_on(page, f"{url}/send")
    assert answer.status_code == 409
    assert "was not sent" in answer.text
    assert await Message.count() == 0


async def test_nobody_to_send_to_is_said(browser):
    url = await write(browser, **{"status.confirmed": "", "status.waitlisted": "yes"})
    page = await browser.get(url)
    assert "There is nobody to send it to" in page.text
    assert "/send" not in page.text
    answer = await browser.post(f"{url}/send", data=hidden_fields(page))
    assert answer.status_code == 409 or "nobody" in answer.text
    assert await Message.count() == 0


async def test_paused_mails_wait_and_go_on(browser, town):
    url = await write(browser)
    await send(browser, url)
    await browser.send_form(f"{url}/pause", page=url)
    assert await deliver(town) == []
    page = await browser.get(url)
    assert "Paused" in page.text
    assert "refresh" not in page.headers
    await browser.send_form(f"{url}/resume", page=url)
    assert len(await deliver(town)) == 2


async def test_stopped_mails_are_withdrawn(browser, town):
    url = await write(browser)
    await send(browser, url)
    await browser.send_form(f"{url}/pause", page=url)
    await browser.send_form(f"{url}/stop", page=url)
    assert {row["status"] for row in await rows()} == {"superseded"}
    assert await deliver(town) == []
    assert "Stopped" in (await browser.get(url)).text
    assert await Activity.count().where(Activity.what == "announcement_stopped") == 1


async def test_every_recipient_is_listed_with_what_became_of_the_mail(browser):
    url = await write(browser)
    await send(browser, url)
    anna, ben = sorted(await claim(10, "dialog.example.org"), key=lambda message: message.recipient)
    await record([sent(anna), failed(ben, "550 5.1.1 no such user")])
    page = await browser.get(url)
    assert "anna@example.org" in page.text
    assert "550 5.1.1 no such user" in page.text
    failures = await browser.get(f"{url}?status=failed")
    assert ("Ben Muster" in failures.text, "Anna Muster" in failures.text) == (True, False)
    found = await browser.get(f"{url}?q=ANNA%40")
    assert ("Ben Muster" in found.text, "Anna Muster" in found.text) == (False, True)
    assert "Nobody fits" in (await browser.get(f"{url}?q=100%25")).text
    assert "1 could not be delivered" in (await browser.get(MESSAGES)).text


async def test_a_draft_can_be_thrown_away_and_what_was_sent_cannot(browser):
    url = await write(browser)
    await browser.send_form(f"{url}/discard", page=f"{url}/edit")
    assert await Announcement.count() == 0
    url = await write(browser)
    form = await browser.get(f"{url}/edit")
    await send(browser, url)
    assert (await browser.send_on(form, f"{url}/discard")).status_code == 409
    assert await Announcement.count() == 1


async def test_when_the_attendees_data_are_gone_the_counts_are_still_shown(browser, town):
    url = await write(browser)
    await send(browser, url)
    await deliver(town)
    row = await Announcement.objects().get(Announcement.sent_at.is_not_null())
    assert row is not None
    await forget_announcements(row.event)
    await Message.delete(force=True)
    page = await browser.get(url)
    assert "2 of 2 done" in page.text
    assert "were deleted with the attendees" in words(page)
    assert "The text was deleted" in (await browser.get(MESSAGES)).text


async def test_helpers_and_others_organisers_may_not_write(town, browser):
    url = await write(browser)
    for name, role in (("help", "helper"), ("other", "organiser")):
        stranger = await town.signed_in(await town.organiser(name, role))
        page = await stranger.get("/organise")
        for path in (MESSAGES, f"{MESSAGES}/new", url, f"{url}/edit", f"{url}/look/de"):
            assert (await stranger.get(path)).status_code == 403, path
        for path in (f"{url}/edit", f"{url}/send", f"{url}/test", f"{url}/pause", f"{url}/stop"):
            answer = await stranger.post(path, data={**hidden_fields(page), **WORDS})
            assert answer.status_code == 403, path
    assert await Message.count() == 0


async def test_a_message_of_another_event_is_unknown_here(town, browser):
    url = await write(browser)
    office = await town.organiser("office2", "admin")
    await town.event(office, slug="party")
    admin = await town.signed_in(office)
    other = url.replace("/forum/", "/party/")
    page = await admin.get("/organise/events/party/messages/new")
    assert (await admin.get(other)).status_code == 404
    assert (await admin.send_on(page, f"{other}/send")).status_code == 404
    assert (await admin.send_on(page, f"{other}/edit", WORDS)).status_code == 404
    assert (await browser.get(f"{MESSAGES}/{uuid4()}")).status_code == 404


async def test_other_systems_see_the_messages_in_the_outbox(browser, town):
    await send(browser, await write(browser))
    organiser = await town.organiser("admin", "admin")
    system = await town.system(organiser)
    listed = (await system.get("/api/v1/events/forum/messages")).json()["items"]
    assert {(item["to"], item["kind"], item["status"]) for item in listed} == {
        ("anna@example.org", "announcement", "queued"),
        ("ben@example.org", "announcement", "queued"),
    }


HOSTILE = [
    "Zeile 1\r\nBcc: victim@example.org\r\n\r\n<script>alert(1)</script>",
    "a\x00b\u2028c\u202egefahr\u2066 \x1b[31m\ud7ff",
    "x" * 998,
    "=?utf-8?q?=0d=0aBcc:?=",
    "{{ event }} %(title)s {% raw %} 100 %",
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_nothing_typed_becomes_a_header_or_another_recipient(browser, town, text):
    await send(browser, await write(browser, **{"subject.de": text[:SUBJECT_LENGTH], "text.de": text}))
    mails = await deliver(town)
    assert [mail["To"] for mail in mails] == [
        "Anna Muster <anna@example.org>",
        "Ben Muster <ben@example.org>",
    ]
    for mail in mails:
        assert mail["Bcc"] is None
        assert len(mail.get_all("To")) == len(mail.get_all("Subject")) == 1
        for shown in (mail["Subject"], text_of(mail), mail.get_body(("html",)).get_content()):
            assert not set(shown.replace("\r\n", "\n")) & set("\x00\x1b\u2028\u202e\u2066\r")
        assert "<script" not in mail.get_body(("html",)).get_content()
        assert max(map(len, mail.as_bytes().splitlines())) < 998
    if "{{" in text:
        assert mails[0]["Subject"] == text
