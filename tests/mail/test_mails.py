"""Every mail in every form and language; readable copies stand beside this file.

`WRITE_COPIES=1` in the environment writes them anew: look at the difference before you keep it.
"""

import email
import os
import re
from dataclasses import replace
from email.message import EmailMessage
from email.policy import compat32, default
from email.utils import getaddresses
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fast_mail_parser
import pytest
import vobject
from justhtml import JustHTML

from dialograum.languages import LANGUAGES
from dialograum.pages import environment
from notifications.delivery import Letter
from tests.mail.case import SITE, composer
from tests.mail.cases import CASES
from tests.mail.examples import BASE_URL, BY_INCIDENCE, ID, LINKS, MESSAGE_ID, NONCES
from tests.mail.reading import opened, part, readable, structure

COPIES = Path(__file__).parent
CODES = tuple(LANGUAGES)
EVERY = [(name, code) for name in CASES for code in CODES]
COMPOSER = composer()

CONFIRM = LINKS.url("confirm", ID, "0011223344556677")
OWN = LINKS.url("own", ID, "8899aabbccddeeff")
JOIN = LINKS.url("join", ID, "0123456789abcdef")


def letter_of(name: str, code: str = "de") -> Letter:
    case = CASES[name]
    return COMPOSER.letter(case.message(code), NONCES)


LETTERS = {(name, code): letter_of(name, code) for name, code in EVERY}
MAILS = {which: opened(letter) for which, letter in LETTERS.items()}
every_mail = pytest.mark.parametrize(("name", "code"), EVERY)


@every_mail
def test_a_mail_reads_as_its_copy(name, code):
    copy = COPIES / f"{name}.{code}.txt"
    text = readable(MAILS[name, code])
    if os.environ.get("WRITE_COPIES"):
        copy.write_text(text, encoding="utf-8")
    assert text == copy.read_text(encoding="utf-8")


def test_every_copy_has_its_mail():
    assert {path.name for path in COPIES.glob("*.txt")} == {f"{name}.{code}.txt" for name, code in EVERY}


def test_every_kind_has_a_mail():
    folders = {path.parent.name for path in (COPIES.parents[1] / "templates" / "mail").glob("*/subject.txt")}
    assert folders == {case.kind for case in CASES.values()}


@every_mail
def test_three_parsers_read_the_same(name, code):
    mail = MAILS[name, code]
    content = LETTERS[name, code].content
    text, html = part(mail, "text/plain"), part(mail, "text/html")

    rust = fast_mail_parser.parse_email(content)
    assert rust.warnings == []
    assert (rust.subject, [to.address for to in rust.to]) == (mail["Subject"], ["kim.muster@example.org"])
    assert [body.replace("\r\n", "\n") for body in rust.text_plain] == [text]
    assert [body.replace("\r\n", "\n") for body in rust.text_html] == [html]

    old = email.message_from_bytes(content, policy=compat32)
    assert getaddresses([old["To"]]) == [("Kim Muster", "kim.muster@example.org")]
    bodies = [found for found in old.walk() if found.get_content_type() == "text/plain"]
    read: list[Any] = [found.get_payload(decode=True) for found in bodies]
    assert [body.decode().replace("\r\n", "\n") for body in read] == [text]

    new = email.message_from_bytes(content, policy=default)
    assert isinstance(new, EmailMessage)
    assert structure(new) == structure(mail)
    assert [problem for found in new.walk() for problem in found.defects] == []


@every_mail
def test_it_travels_as_seven_bits_in_short_lines(name, code):
    content = LETTERS[name, code].content
    assert content.isascii()
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 120


@every_mail
def test_the_html_is_valid_and_calls_nobody(name, code):
    html = part(MAILS[name, code], "text/html")
    document = JustHTML(html, collect_errors=True, sanitize=False)
    assert document.errors == []
    assert len(html.encode()) < 102_000
    for unwanted in ("img", "script", "link", "iframe", "form"):
        assert not document.query(unwanted)
    assert "url(" not in html
    assert "@import" not in html
    roles = {attribute(table, "class"): attribute(table, "role") for table in document.query("table")}
    assert roles.pop("facts") == ""
    assert set(roles.values()) == {"presentation"}
    assert attribute(document.query("html")[0], "lang") == code
    assert document.query("td[lang]")
    assert "@media (prefers-color-scheme: dark)" in html


@every_mail
def test_whoever_must_confirm_finds_that_link_first(name, code):
    mail = MAILS[name, code]
    case = CASES[name]
    facts = case.message(code).context
    asks = facts["registration"]["needs_confirmation"] and facts["event"]["status"] == "published"
    for found in (links_of_text(part(mail, "text/plain")), links_of_html(part(mail, "text/html"))):
        assert (found[0] == CONFIRM) == asks
        assert (CONFIRM in found) == asks


@every_mail
def test_only_confirmed_people_get_the_link_to_join(name, code):
    mail = MAILS[name, code]
    facts = CASES[name].message(code).context
    confirmed = facts["registration"]["status"] == "confirmed" and facts["event"]["status"] == "published"
    confirmed = confirmed and CASES[name].kind != "thanks"
    assert (JOIN in part(mail, "text/plain")) == (JOIN in part(mail, "text/html")) == confirmed
    assert JOIN not in part(mail, "text/calendar").replace("\r\n ", "") or confirmed


@every_mail
def test_text_and_html_hold_the_same_links(name, code):
    mail = MAILS[name, code]
    in_html = {link for link in links_of_html(part(mail, "text/html")) if link.startswith("http")}
    assert set(links_of_text(part(mail, "text/plain"))) == in_html
    assert {urlsplit(link).netloc for link in in_html} == {urlsplit(BASE_URL).netloc}


@every_mail
def test_the_calendar_part_agrees_with_its_headers(name, code):
    mail = MAILS[name, code]
    calendar = next((found for found in mail.walk() if found.get_content_type() == "text/calendar"), None)
    if calendar is None:
        assert structure(mail) == "multipart/alternative (text/plain, text/html)"
        return
    method = calendar.get_param("method")
    assert structure(mail) == (
        f"multipart/mixed (multipart/alternative (text/plain, text/html, text/calendar {method}),"
        " application/ics calendar.ics)"
    )
    assert "Content-Disposition" not in calendar
    assert calendar.get_payload(decode=True) == next(mail.iter_attachments()).get_payload(decode=True)
    read = vobject.readOne(calendar.get_content())
    facts = CASES[name].message(code).context["registration"]
    assert read.method.value == method
    assert read.vevent.uid.value == facts["uid"]
    assert int(read.vevent.sequence.value) == facts["sequence"]
    assert [found.value for found in read.vevent.attendee_list] == ["mailto:kim.muster@example.org"]
    assert read.vevent.organizer.value == "mailto:" + mail["From"].addresses[0].addr_spec
    assert (method == "CANCEL") == (read.vevent.status.value == "CANCELLED")


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("confirmed", "REQUEST"),
        ("promoted", "REQUEST"),
        ("registration_changed-groups", "REQUEST"),
        ("event_changed-online", "REQUEST"),
        ("registration_cancelled-by-self", "CANCEL"),
        ("registration_cancelled-by-organiser", "CANCEL"),
        ("event_cancelled", "CANCEL"),
        ("confirm", None),
        ("waitlisted", None),
        ("promoted-to-confirm", None),
        ("expired", None),
        ("registration_changed-to-confirm", None),
        ("registration_cancelled-never-invited", None),
        ("already_registered", None),
        ("event_changed-waitlisted", None),
        ("event_changed-to-confirm", None),
        ("event_cancelled-never-invited", None),
        ("announcement", None),
    ],
)
def test_confirmed_people_are_invited_and_those_invited_are_revoked(name, method):
    calendar = [found for found in MAILS[name, "de"].walk() if found.get_content_type() == "text/calendar"]
    assert [found.get_param("method") for found in calendar] == ([method] if method else [])


def test_all_mails_about_a_registration_make_one_thread():
    assert {mail["References"] for mail in MAILS.values()} == {f"<registration-{ID}@dialog.example.org>"}
    assert {mail["Message-ID"] for mail in MAILS.values()} == {f"<{MESSAGE_ID}@dialog.example.org>"}


@pytest.mark.parametrize("name", CASES)
def test_german_mails_keep_calm(name):
    """Short sentences in the words before the facts, and no exclamation marks."""
    text = part(MAILS[name, "de"], "text/plain")
    assert "!" not in text
    lead = (
        text.partition("Guten Tag")[2]
        .partition("\nWann:")[0]
        .partition("Der Grund")[0]
        .partition("Ort ist neu")[0]
    )
    for sentence in re.split(r"[.?:]\s", re.sub("„.*?“", "X", lead)):
        assert len(sentence.split()) <= 16, sentence


def test_messages_of_before_plans_were_stated_are_written_as_ever():
    context = CASES["confirmed"].message().context
    stated = {name: value for name, value in context["event"].items() if name != "plan"}
    letter = COMPOSER.letter(CASES["confirmed"].message(context={**context, "event": stated}), NONCES)
    assert part(opened(letter), "text/plain") == part(MAILS["confirmed", "de"], "text/plain")


@pytest.mark.parametrize(("is_on", "is_said"), [(True, True), (False, False)], ids=["by a rule", "by hand"])
def test_only_a_rule_that_moved_the_event_online_brings_it_back(is_on, is_said):
    case = CASES["confirmed-plan-b-back"]
    case = replace(case, event=replace(case.event, plan=[{**BY_INCIDENCE, "is_on": is_on}]))
    text = part(opened(COMPOSER.letter(case.message(), NONCES)), "text/plain")
    assert ("Geht es zurück zum Veranstaltungsort?" in text) is is_said
    assert ("332,7" in text) is is_said


HOSTILE = [
    '<img src="https://evil.example/x.png" onerror="alert(1)">',
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    "{{ event }} {% raw %} %(title)s 100 % &amp; &#x3c;b&#x3e;",
    "</title></style><!-- --> ]]>",
    "Zeile 1\r\n\r\nAnmeldung bestätigen:\r\nZeile 2",
    "\u202eGefahr\u2066\x00\x1b[31m\u2028",
    "x" * 2000,
    "",
]
TYPED = ("title", "de", "en", "name", "room", "street", "postal_code", "locality", "phone", "email", "reason")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "name", ["event_changed-online", "event_cancelled", "confirm", "registration_changed-person"]
)
def test_nothing_that_people_typed_becomes_markup(name, text):
    def poisoned(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {key: poisoned(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [poisoned(item, key) for item in value]
        return text if key in TYPED and isinstance(value, str) else value

    case = CASES[name]
    context = poisoned(case.message().context)
    mail = opened(COMPOSER.letter(case.message(context=context), NONCES))
    html, plain = part(mail, "text/html"), part(mail, "text/plain")
    document = JustHTML(html, collect_errors=True, sanitize=False)
    assert document.errors == []
    assert [element.name for element in document.query("img, script, b")] == []
    assert not any(attribute(element, "onmouseover") for element in document.query("*"))
    assert len(document.query("style")) == 1
    assert "\nAnmeldung bestätigen:\nZeile" not in plain
    for read in (plain, html, str(mail["Subject"])):
        assert not set(read) & set("\u202e\u2066\x00\x1b\u2028\r")
    if "{{" in text:
        assert text in plain


@pytest.mark.parametrize(("language", "code"), [("en", "en"), ("de", "de"), ("kl", "de"), ("", "de")])
def test_who_speaks_what_we_do_not_gets_the_language_of_the_event(language, code):
    case = CASES["confirmed"]
    mail = opened(COMPOSER.letter(case.message(language), NONCES))
    assert mail["Content-Language"] == code


def test_every_language_can_write_every_mail():
    made = composer(environment(SITE, assets={}))
    for code in LANGUAGES:
        for case in CASES.values():
            assert opened(made.letter(case.message(code), NONCES))["Subject"]


def links_of_text(text: str) -> list[str]:
    return re.findall(r"https?://[^\s<>]+", text)


def links_of_html(html: str) -> list[str]:
    return [attribute(link, "href") for link in JustHTML(html, sanitize=False).query("a")]


def attribute(element: Any, name: str) -> str:
    """Empty where the element does not have it."""
    return str((element.attrs or {}).get(name) or "")
