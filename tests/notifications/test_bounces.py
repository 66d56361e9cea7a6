"""Mails that come back: what they say of a message, and that nobody's bytes do harm."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notifications.bounces import Bounce, Other, read
from notifications.outbox import bounced, claim, enqueue, record, retry, sent
from notifications.tables import Message
from tests.notifications.examples import HOST, new, row_of
from tests.notifications.reports import FAILED, HEAD, MESSAGE_ID, OURS, plain, report

MAIL = HEAD + "\nGuten Tag\n"
WITHOUT_ID = HEAD.replace(f"Message-ID: {MESSAGE_ID}\n", "")
SAID = "5.1.1 550 5.1.1 … Recipient address rejected: User unknown, …"

REPORTS = {
    "the head of the mail": report(),
    "the whole mail": report(returned=MAIL, returned_type="message/rfc822"),
    "in any letters": report(
        fields=FAILED.swapcase().replace("{ACTION}", "FAILED").replace("{STATUS}", "5.1.1")
    ),
    "with CRLF": report().replace(b"\n", b"\r\n"),
    "addresses in any letters": report(
        status_type="message/global-delivery-status", returned_type="message/global-headers"
    ),
    "by the envelope": report(
        returned=WITHOUT_ID,
        fields=f"Original-Envelope-Id: {OURS}\n" + FAILED,
    ),
    "by what it answers to": report(returned=None, head=f"In-Reply-To: {MESSAGE_ID}\n"),
    "by its thread": report(
        returned=WITHOUT_ID, head=f"References: <registration-{OURS}@x.example> {MESSAGE_ID}\n"
    ),
    "without its type": report(kind="x").replace(b"report-type=x;", b""),
}


@pytest.mark.parametrize("content", REPORTS.values(), ids=REPORTS)
def test_a_report_names_the_message_and_says_why(content):
    found = read(content)
    assert isinstance(found, Bounce)
    assert found.messages == (OURS,)
    assert found.reason.casefold() == SAID.casefold()


@pytest.mark.parametrize(
    ("action", "status", "is_final"),
    [
        ("failed", "5.1.1", True),
        ("Failed", "5.2.2 (mailbox full)", True),
        ("failed (expired)", "4.4.7", True),
        ("failed", "2.0.0", False),
        ("delayed", "4.2.2", False),
        ("delayed", "5.1.1", False),
        ("delivered", "2.0.0", False),
        ("relayed", "2.0.0", False),
        ("expanded", "2.0.0", False),
    ],
)
def test_only_what_was_given_up_is_undeliverable(action, status, is_final):
    found = read(report(action, status))
    assert isinstance(found, Bounce) if is_final else found is Other.DELAYED


def test_of_several_recipients_one_who_failed_is_enough():
    fields = FAILED + "\nFinal-Recipient: rfc822; alex@example.org\nAction: failed\nStatus: 5.7.1\n"
    found = read(report(action="relayed", status="2.0.0", fields=fields))
    assert isinstance(found, Bounce)
    assert found.reason == "5.7.1"


OTHERS = [
    ("out of office", plain("Auto-Submitted: auto-replied\n"), Other.AUTOMATIC),
    ("with a comment", plain("Auto-Submitted: auto-replied (vacation)\n"), Other.AUTOMATIC),
    ("generated", plain("auto-submitted: Auto-Generated; owner-email=x\n"), Other.AUTOMATIC),
    ("old ways", plain("X-Autoreply: yes\n"), Other.AUTOMATIC),
    ("older ways", plain("Precedence: bulk\n"), Other.AUTOMATIC),
    ("a mailbox that answers", plain("Precedence: auto_reply\n"), Other.AUTOMATIC),
    (
        "a calendar",
        plain("Content-Type: text/calendar; method=REPLY\n", "BEGIN:VCALENDAR"),
        Other.AUTOMATIC,
    ),
    ("read", report(kind="disposition-notification", status_type="message/x"), Other.AUTOMATIC),
    ("complained of", report(kind="feedback-report", status_type="message/feedback-report"), Other.AUTOMATIC),
    ("a person", plain("Auto-Submitted: no\n"), Other.UNKNOWN),
    ("a person in a thread", plain(f"In-Reply-To: {MESSAGE_ID}\n"), Other.UNKNOWN),
    ("a person who quotes", plain("Content-Type: text/plain\n", report().decode()), Other.UNKNOWN),
    ("an invitation", plain("Content-Type: text/calendar; method=REQUEST\n"), Other.UNKNOWN),
    ("nothing", b"", Other.UNKNOWN),
]


@pytest.mark.parametrize(("content", "kind"), [case[1:] for case in OTHERS], ids=[case[0] for case in OTHERS])
def test_everything_else_marks_nobody(content, kind):
    assert read(content) is kind


def test_parts_in_parts_without_end_are_not_followed():
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000))
    assert read(nested) is Other.UNKNOWN


@given(st.binary(max_size=2000))
@example(b"Content-Type: multipart/report; report-type=\xff; boundary=\x00\n\n--\x00\n")
@example(
    b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n\xff:\n\n\n"
)
def test_no_bytes_are_a_riddle(content):
    assert isinstance(read(content), Bounce | Other)


@given(st.integers(min_value=0), st.binary(max_size=12), st.integers(0, 40))
def test_no_report_with_other_bytes_in_it_is_a_riddle(place, bytes_, left_out):
    content = report()
    place %= len(content)
    found = read(content[:place] + bytes_ + content[place + left_out :])
    assert isinstance(found, Other) or "@" not in found.reason


# What is written down


@pytest.mark.parametrize("became", ["queued again", "sending", "sent"])
async def test_a_mail_that_came_back_failed_whatever_its_worker_says(database, became):
    await enqueue([new()])
    [held] = await claim(1, HOST, lease_seconds=60)
    if became == "sent":
        await record([sent(held)])
    if became == "queued again":
        await record([retry(held, "451", 0)])
    assert await bounced([held.id], "550 no mailbox person-0") is True
    assert await record([sent(held)]) == set()
    row = await row_of(held.id)
    assert (row["status"], row["last_error"]) == ("failed", "550 no mailbox …")
    assert (row["sent_at"] is not None) == (became == "sent")
    assert await claim(1, HOST) == []


async def test_what_is_no_message_of_ours_changes_nothing(database):
    await enqueue([new()])
    assert await bounced([OURS], "550") is False
    assert await bounced([], "550") is False


async def test_a_message_that_never_left_cannot_come_back(database):
    await enqueue([new()])
    [waiting] = await Message.objects()
    assert await bounced([waiting.id], "550") is False
    assert (await row_of(waiting.id))["status"] == "queued"


async def test_a_report_that_comes_twice_or_late_says_nothing_new(database):
    await enqueue([new()])
    [held] = await claim(1, HOST)
    assert await bounced([OURS, held.id], "550 first") is True
    assert await bounced([held.id], "551 second") is True
    assert (await row_of(held.id))["last_error"] == "550 first"
