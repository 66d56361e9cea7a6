"""Forms: a mail filled for one person is the mail that would have been built for that person alone."""

import email
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.policy import default
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from justhtml import JustHTML

from notifications.forms import SAMPLE, Envelope, Form, gap
from notifications.mail import CalendarPart, Recipient, Sender, Words, build, content_of, one_line
from tests.mail.reading import part
from tests.notifications.test_mail import HOSTILE, ICS

AT = datetime(2022, 10, 20, 8, 15, tzinfo=UTC)
UNICODE_ICS = ICS.replace(b"VERSION:2.0", "SUMMARY:Grüße, Привет".encode())


def words(name: str, html_name: str, link: str) -> Words:
    return Words(
        "Stadt Gütersloh",
        "Angemeldet: Dialog",
        f"Guten Tag {name},\n\nIhr Platz ist sicher. Wir freuen uns auf Sie, und zwar sehr: {link}\n \nBis bald\n",
        f'<p>Guten Tag {html_name}, schön, dass Sie kommen.</p>\n<a href="{link}" title="{html_name}">{link}</a>',
    )


def built(said: Words, envelope: Envelope, calendar: CalendarPart | None = None) -> Any:
    return build(
        said,
        Sender("dialog@example.org", reply_to="integration@example.org"),
        replace(envelope.recipient, language="de"),
        message_id=envelope.message_id,
        sent_at=envelope.sent_at,
        thread=envelope.thread,
        calendar=calendar,
    )


def form(calendar: CalendarPart | None = None) -> Form:
    return Form(built(words(gap("name"), gap("name"), f"https://x.example/r/{gap('own')}"), SAMPLE, calendar))


def envelope(name: str = "Kim Muster") -> Envelope:
    return Envelope(Recipient(name, "kim@example.org", ""), "<one@example.org>", AT, "<thread@example.org>")


def alike(content: bytes) -> bytes:
    return re.sub(rb"={15}\d{19}==", b"boundary", content)


@pytest.mark.parametrize(
    "name", ["Kim", "Łukasz Żółć", "Kim Muster " * 30, "ي" * 40, "Muster, Kim", "=?utf-8?q?a?="]
)
@pytest.mark.parametrize("calendar", [None, ICS, UNICODE_ICS])
def test_a_filled_form_is_the_mail_built_for_one(name, calendar):
    said = one_line(name)
    made = calendar and CalendarPart(calendar, "REQUEST")
    filled = form(calendar and CalendarPart(b"", "REQUEST")).filled(
        envelope(name), {"name": said, "own": "t0ken"}, made
    )
    alone = content_of(built(words(said, said, "https://x.example/r/t0ken"), envelope(name), made))
    assert alike(filled) == alike(alone)


def test_a_form_can_be_filled_again_and_again():
    written = form()
    first = written.filled(envelope("Kim"), {"name": "Kim", "own": "1"})
    second = written.filled(envelope("Alex"), {"name": "Alex", "own": "2"})
    assert written.filled(envelope("Kim"), {"name": "Kim", "own": "1"}) == first
    assert b"Kim" not in second
    assert b"Alex" not in first


@pytest.mark.parametrize(
    "text", [*HOSTILE, '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", "&lt;b&gt;", "{{ 7*7 }}"]
)
def test_a_name_is_never_anything_but_text(text):
    assert_only_text(text)


@given(st.text(max_size=200))
def test_no_name_at_all_is_anything_but_text(text):
    assert_only_text(text)


def assert_only_text(text: str) -> None:
    said = one_line(text)
    content = form().filled(envelope(text), {"name": said, "own": "t0ken"})
    read = email.message_from_bytes(content, policy=default)
    assert isinstance(read, email.message.EmailMessage)
    assert part(read, "text/plain").startswith(f"Guten Tag {said},\n\nIhr Platz")
    document = JustHTML(part(read, "text/html"), sanitize=False)
    assert [element.name for element in document.query("*")] == ["html", "head", "body", "p", "a"]
    [link] = document.query("a")
    assert set(link.attrs or {}) == {"href", "title"}
    assert [to.addr_spec for to in read["To"].addresses] == ["kim@example.org"]
    assert len(list(read.walk())) == 3


@pytest.mark.parametrize("said", [{"subject": gap("name")}, {"sender": gap("name")}])
def test_subject_and_sender_are_the_same_for_all(said):
    with pytest.raises(ValueError, match="subject"):
        Form(built(replace(words("x", "x", "x"), **said), SAMPLE))


def test_a_gap_without_its_value_is_no_mail():
    with pytest.raises(KeyError, match="own"):
        form().filled(envelope(), {"name": "Kim"})
