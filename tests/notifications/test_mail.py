"""Mails as bytes: headers and parts, and what hostile names and titles make of them."""

import email
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import compat32, default
from email.utils import getaddresses

import fast_mail_parser
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notifications.errors import CannotCompose
from notifications.mail import (
    CalendarPart,
    Recipient,
    Sender,
    Words,
    build,
    clean,
    content_of,
    envelope_address,
    host_of,
    one_line,
)

AT = datetime(2022, 10, 20, 8, 15, tzinfo=UTC)
ICS = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
UUID = "3f1c5d52-7a0e-4f0e-9d56-2f6a4b1c0d9e"
LONG_HOST = "beteiligung-und-dialog.stadtverwaltung.kreisstadt-guetersloh.nrw.example.org"


def mail(
    name="Kim Muster",
    subject="Angemeldet: Dialog",
    address="kim@example.org",
    host="dialog.example.org",
    **more,
) -> EmailMessage:
    return build(
        Words("Stadt Gütersloh", one_line(subject, 150), "Guten Tag\n", "<p>Guten Tag</p>"),
        Sender("dialog@example.org", reply_to="integration@example.org"),
        Recipient(name, address, "de"),
        message_id=f"<{UUID}@{host}>",
        sent_at=AT,
        thread=f"<registration-{UUID}@{host}>",
        **more,
    )


def header_names(content: bytes) -> list[str]:
    """The names in the head, read line by line as a mail server does."""
    head = content.partition(b"\r\n\r\n")[0]
    return [
        line.partition(b":")[0].decode() for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))
    ]


HEADERS = [
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "MIME-Version",
    "Content-Type",
    "Content-Language",
]


def test_a_mail_has_the_headers_that_belong_to_it():
    read = email.message_from_bytes(content_of(mail()), policy=default)
    assert list(read.keys()) == HEADERS
    assert read["From"] == "Stadt Gütersloh <dialog@example.org>"
    assert read["Reply-To"] == "integration@example.org"
    assert read["Date"].datetime == AT
    assert read["Auto-Submitted"] == "auto-generated"
    assert read["Content-Language"] == "de"


def test_the_parts_stand_in_the_order_that_mail_programs_understand():
    read = email.message_from_bytes(content_of(mail(calendar=CalendarPart(ICS, "REQUEST"))), policy=default)
    alternative, attachment = read.iter_parts()
    plain, html, calendar = alternative.iter_parts()
    assert [part.get_content_type() for part in (plain, html, calendar)] == [
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    assert dict(calendar["Content-Type"].params) == {
        "charset": "utf-8",
        "method": "REQUEST",
        "component": "VEVENT",
    }
    assert calendar["Content-Disposition"] is None
    assert dict(attachment["Content-Type"].params) == {"name": "calendar.ics"}
    assert attachment.get_content_disposition() == "attachment"
    assert calendar.get_payload(decode=True) == attachment.get_payload(decode=True) == ICS


def test_the_attachment_can_be_left_out():
    read = mail(calendar=CalendarPart(ICS, "CANCEL"), calendar_attached=False)
    assert [part.get_content_type() for part in read.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
    ]


def test_a_calendar_in_any_letters_travels_unchanged():
    content = ICS.replace(b"VERSION:2.0", "SUMMARY:Grüße, Привет".encode())
    read = email.message_from_bytes(
        content_of(mail(calendar=CalendarPart(content, "REQUEST"))), policy=default
    )
    found = [
        part.get_payload(decode=True)
        for part in read.walk()
        if part.get_content_subtype() in ("calendar", "ics")
    ]
    assert found == [content, content]


@pytest.mark.parametrize(
    "reply_to", [None, "", "Büro", "a@b.example, c@d.example", "x@y.example\r\nBcc: eve@example.org"]
)
def test_answers_go_to_the_town_where_the_organisers_address_is_none(reply_to):
    made = build(
        Words("Stadt", "Dialog", "Guten Tag", "<p>Guten Tag</p>"),
        Sender("dialog@example.org", reply_to=reply_to),
        Recipient("Kim", "kim@example.org", "de"),
        message_id="<one@example.org>",
        sent_at=AT,
    )
    assert made["Reply-To"] is None


def test_long_message_ids_stay_what_they_are():
    content = content_of(mail(host=LONG_HOST))
    for name, expected in (
        ("Message-ID", f"<{UUID}@{LONG_HOST}>"),
        ("References", f"<registration-{UUID}@{LONG_HOST}>"),
        ("In-Reply-To", f"<registration-{UUID}@{LONG_HOST}>"),
    ):
        assert f"\r\n{name}: {expected}\r\n".encode() in content


def test_a_long_subject_begins_in_its_first_line():
    content = content_of(mail(subject="Registered: " + "many short words " * 8))
    assert b"\r\nSubject: Registered: many" in content
    assert max(len(line) for line in content.partition(b"\r\nDate")[0].split(b"\r\n")) <= 78


HOSTILE = [
    "Kim\r\nBcc: eve@example.org",
    "Kim\nBcc: eve@example.org",
    "Kim\rBcc: eve@example.org",
    "Kim\r\n\r\nBody",
    "Kim\x00\x07\x1b[31m\x7f",
    "Kim\u2028Bcc: eve@example.org\u2029X: 1\u0085Y: 2\x0bZ: 3\x0c",
    "\u202eretsuM miK\u202c \u2066x\u2069",
    'Kim" <eve@example.org>, "Muster',
    "Muster, Kim",
    "Kim <eve@example.org>",
    "eve@example.org",
    "Kim (eve@example.org)",
    "Kim; Gruppe: eve@example.org;",
    "=?utf-8?q?Kim=0D=0ABcc:_eve@example.org?=",
    "=?utf-8?b?S2ltDQpCY2M6IGV2ZUBleGFtcGxlLm9yZw==?=",
    "Müller, Jürgen (Ältestenrat) " * 10,
    "K" * 1200,
    "Ä" * 1200,
    "ي" * 300 + ", " + "m" * 300,
    "Kim\ud800Muster",
    "\\",
    "",
    " ",
    "\u200bKim\ufeff",
    "😀" * 40,
]


def assert_one_harmless_mail(content: bytes) -> None:
    assert header_names(content) == HEADERS
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert b"eve@example.org\r\n\r\n" not in content
    old = email.message_from_bytes(content, policy=compat32)
    assert [address for _, address in getaddresses([old["To"]])] == ["kim@example.org"]
    new = email.message_from_bytes(content, policy=default)
    assert [found.addr_spec for found in new["To"].addresses] == ["kim@example.org"]
    assert not {"Bcc", "Cc", "X", "Y", "Z"} & set(new.keys())
    rust = fast_mail_parser.parse_email(content)
    assert [found.address for found in rust.to] == ["kim@example.org"]
    assert [text.strip() for text in rust.text_plain] == ["Guten Tag"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_makes_one_mail_to_one_person(text):
    assert_one_harmless_mail(content_of(mail(name=text)))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_title_makes_one_line(text):
    content = content_of(mail(subject=f"Angemeldet: {text}"))
    assert_one_harmless_mail(content)
    subject = email.message_from_bytes(content, policy=default)["Subject"]
    assert len(subject.splitlines()) == 1
    assert not set(subject) & set("\r\n\x00\u2028\u202e\u2066")
    assert subject.startswith("Angemeldet:")


@given(st.text(max_size=400), st.text(max_size=400))
@example("=?utf-8?q?=0A?=", "=?=?utf-8?q?=0A?=")
def test_no_name_and_no_title_adds_anything(name, title):
    assert_one_harmless_mail(content_of(mail(name=name, subject=title)))


@given(st.text(max_size=300))
def test_a_subject_arrives_as_it_was_meant(title):
    subject = email.message_from_bytes(content_of(mail(subject=title)), policy=default)["Subject"]
    assert " ".join(subject.split()) == " ".join(one_line(title, 150).split())


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("kim@example.org", "kim@example.org"),
        ("Kim.Muster+dialog@Example.ORG", "Kim.Muster+dialog@example.org"),
        ("kim@müller.example", "kim@xn--mller-kva.example"),
        ("o'neil_{1}@xn--mller-kva.example", "o'neil_{1}@xn--mller-kva.example"),
    ],
)
def test_addresses_become_ascii(address, written):
    assert envelope_address(address) == written


@pytest.mark.parametrize(
    "address",
    [
        "",
        "kim",
        "@example.org",
        "kim@",
        "kím@example.org",
        "kim muster@example.org",
        '"kim muster"@example.org',
        "kim@example.org,eve@example.org",
        "kim@example.org\r\nRCPT TO:<eve@example.org>",
        "kim@example.org\n",
        "<kim@example.org>",
        "kim..muster@example.org",
        "kim@exa mple.org",
        "kim@-example.org",
        "kim@" + "a" * 64 + ".org",
        "kim@[127.0.0.1]",
    ],
)
def test_what_is_not_one_plain_address_is_refused(address):
    with pytest.raises(CannotCompose, match="address") as refusal:
        envelope_address(address)
    assert "kim" not in str(refusal.value)


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("https://dialog.example.org", "dialog.example.org"),
        ("https://Dialog.Gütersloh.example:8443/", "dialog.xn--gtersloh-65a.example"),
        ("http://127.0.0.1:8000", "127.0.0.1"),
        ("http://[::1]:8000", "localhost"),
        ("http://localhost:8000", "localhost"),
    ],
)
def test_message_ids_have_a_host_of_ours(base_url, host):
    assert host_of(base_url) == host


def test_facts_are_cleaned_however_deep_they_stand():
    dirty = {
        "title": {"de": "A\r\nB\u202e"},
        "venues": [{"name": " C\x00  D "}],
        "seats": 2,
        "none": None,
        "at": AT,
    }
    assert clean(dirty) == {
        "title": {"de": "A B"},
        "venues": [{"name": "C D"}],
        "seats": 2,
        "none": None,
        "at": AT,
    }


@pytest.mark.parametrize(
    ("text", "limit", "line"),
    [
        ("  a \t b  ", None, "a b"),
        ("16\u00a0Uhr", None, "16\u00a0Uhr"),
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("abcd efg", 6, "abcd…"),
        ("سلام\u200cدنیا", None, "سلام\u200cدنیا"),
    ],
)
def test_a_line_is_one_line(text, limit, line):
    assert one_line(text, limit) == line
