"""The demo's mailbox: every mail as it looks, without letting a mail do anything."""

from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from uuid import UUID

import pytest

from notifications.delivery import Folder, Letter
from tests.visitor import Visitor

SCRIPT = "<p>Guten Tag</p><script>alert(1)</script>"


def mail(number: int) -> Letter:
    message = EmailMessage(policy=SMTP)
    message["From"] = "Stadt <dialog@example.org>"
    message["To"] = "anna@example.org"
    message["Subject"] = f"Bitte bestätigen {number}"
    message["Date"] = datetime(2022, 11, 1, 12, number, tzinfo=UTC)
    message.set_content("Hier: http://127.0.0.1:8000/r/abc/confirmation\n")
    message.add_alternative(SCRIPT, subtype="html")
    message.add_alternative(
        "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", subtype="calendar", params={"method": "REQUEST"}
    )
    at = datetime(2022, 11, 1, 12, number, tzinfo=UTC)
    return Letter(UUID(int=number), at, "dialog@example.org", "anna@example.org", message.as_bytes())


@pytest.fixture
async def demo(town, tmp_path) -> Visitor:
    (tmp_path / "mail").mkdir()
    for number in (1, 2):
        await Folder(tmp_path / "mail").send(mail(number))
    visitor: Visitor = await town.visitor(demo=True, data_dir=tmp_path)
    return visitor


async def test_the_newest_mail_comes_first(demo, tmp_path):
    page = await demo.get("/mailbox")
    assert page.status_code == 200
    assert page.text.index("Bitte bestätigen 2") < page.text.index("Bitte bestätigen 1")
    assert page.headers["cache-control"] == "no-store"
    assert "set-cookie" not in page.headers


async def test_a_mail_is_shown_with_its_links_and_its_calendar(demo, tmp_path):
    name = Folder(tmp_path / "mail").names()[0]
    page = (await demo.get(f"/mailbox/{name}")).text
    assert 'href="http://127.0.0.1:8000/r/abc/confirmation"' in page
    assert SCRIPT not in page
    calendar = await demo.get(f"/mailbox/{name}/calendar.ics")
    assert calendar.headers["content-type"].startswith("text/calendar")
    assert "BEGIN:VCALENDAR" in calendar.text


async def test_the_mail_s_own_page_may_run_nothing(demo, tmp_path):
    name = Folder(tmp_path / "mail").names()[0]
    answer = await demo.get(f"/mailbox/{name}/html")
    assert "<script>" in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox")
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"


async def test_only_mails_of_the_folder_are_shown(demo, tmp_path):
    (tmp_path / "secret.eml").write_text("Subject: geheim\n\nx")
    for name in ("none.eml", "..%2fsecret.eml", "%2e%2e%2fsecret.eml", "secret", "%00", "x" * 300):
        for part in ("", "/html", "/calendar.ics"):
            assert (await demo.get(f"/mailbox/{name}{part}")).status_code == 404, name


async def test_an_empty_mailbox_says_so_and_there_is_none_outside_the_demo(town, tmp_path, visitor):
    empty = await town.visitor(demo=True, data_dir=tmp_path)
    assert (await empty.get("/mailbox")).status_code == 200
    assert (await visitor.get("/mailbox")).status_code == 404
