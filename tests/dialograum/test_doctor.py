"""What the doctor finds, with a real database and a real mail server."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from pydantic import SecretStr

from dialograum import database as db
from dialograum import publishing
from dialograum.database import DB
from dialograum.doctor import Check, examine
from dialograum.event_file import from_document
from dialograum.settings import Settings
from hybrid.indicators import BUILT_IN
from tests.forum import forum
from tests.hybrid.files import COUNTIES
from tests.notifications.sink import certificate, listening
from tests.postgres import free_port


async def found_by(settings, address=None, **changes):
    usual, DB.pool = DB.pool, None
    try:
        checks = await examine(settings.model_copy(update=changes), address)
        return {check.name: check for check in checks}
    finally:
        DB.pool = usual


async def test_a_town_that_set_nothing_is_told_what_that_means(database, settings):
    checks = await found_by(settings)
    assert checks["database"].ok
    assert "PostgreSQL 18" in checks["database"].text
    assert checks["mail"].ok is None
    assert checks["meeting servers"].ok is None
    assert not [check for check in checks.values() if check.ok is False]


async def test_a_schema_of_yesterday_is_found(database, settings, monkeypatch):
    monkeypatch.setattr(db, "_shipped", lambda: [("events", "2999-01-01T00:00:00:000000")])
    checks = await found_by(settings)
    assert checks["database"].ok is False
    assert "dialograum migrate" in checks["database"].text


async def test_an_address_without_encryption_is_found(database, settings):
    assert (await found_by(settings, base_url="http://dialog.example"))["base URL"].ok is False
    assert (await found_by(settings, base_url="https://dialog.example"))["base URL"].ok is True


async def test_a_mail_server_is_greeted(database, settings):
    port = free_port()
    url = SecretStr(f"smtp://127.0.0.1:{port}")
    assert (await found_by(settings, mail_url=url))["mail"].ok is False
    server = Controller(Sink(), hostname="127.0.0.1", port=port)
    server.start()
    try:
        found = (await found_by(settings, mail_url=url))["mail"]
        assert (found.ok, found.text) == (True, f"127.0.0.1:{port}, not encrypted")
        required = SecretStr(f"smtp://127.0.0.1:{port}?starttls=required")
        assert (await found_by(settings, mail_url=required))["mail"].ok is False
        with_password = SecretStr(f"smtp://anna:geheim@127.0.0.1:{port}")
        refused = (await found_by(settings, mail_url=with_password))["mail"]
        assert refused.ok is False
        assert "geheim" not in refused.text
    finally:
        server.stop()


async def test_a_source_that_was_set_is_fetched_and_read(database, settings, tmp_path):
    figures = tmp_path / "kreise.csv"
    today = datetime.now(UTC).date() - timedelta(days=1)
    figures.write_text(COUNTIES.replace("2026-11-02", str(today)), encoding="utf-8")

    async def found() -> Check:
        changed = Settings(data_dir=settings.data_dir, indicator_urls={"rki-incidence": figures.as_uri()})
        usual, DB.pool = DB.pool, None
        try:
            return {check.name: check for check in await examine(changed)}["rki-incidence"]
        finally:
            DB.pool = usual

    assert (await found()).ok is True
    assert (await found()).text == f"2 regions, newest row of {today}"
    figures.write_text(COUNTIES.replace("2026-11-0", "2024-11-0"), encoding="utf-8")
    assert (await found()).ok is None
    assert "too old for a switch" in (await found()).text
    figures.write_text(COUNTIES.replace("Inzidenz", "Wert"), encoding="utf-8")
    assert (await found()).ok is False
    assert "the column Inzidenz_7-Tage is missing" in (await found()).text
    figures.unlink()
    assert (await found()).ok is False


async def test_a_source_that_nobody_listens_to_is_named_and_left_alone(database, settings):
    checks = await found_by(settings)
    assert {checks[name].ok for name in BUILT_IN} == {None}


async def test_an_event_that_listens_to_an_unknown_source_is_found(database, settings):
    rule = {"indicator": "gone", "region": "x", "enter_at": 2, "leave_at": 1}
    document = from_document(forum(mode_rules=[rule]))
    await publishing.create(document, None, datetime.now(UTC), languages=("de", "en"))
    assert (await found_by(settings))["gone"].ok is False


@pytest.fixture
def home():
    return {"base_url": "https://dialog.example.org", "town": "Gütersloh"}


async def test_a_test_mail_has_the_look_of_all_mails_and_the_server_s_answer_is_told(
    database, settings, home
):
    async with listening() as sink:
        sink.answer("DATA", "250 2.0.0 taken for kim@example.org as 4Xq1")
        url = SecretStr(f"smtp://127.0.0.1:{sink.port}?starttls=never")
        found = await found_by(settings, "Kim@Example.org", mail_url=url, **home)
        assert found["mail"].ok
    assert found["test mail"] == ("test mail", True, "250 2.0.0 taken for … as 4Xq1")


async def test_a_test_mail_arrives(database, settings, home):
    async with listening() as sink:
        url = SecretStr(f"smtp://127.0.0.1:{sink.port}?starttls=never")
        assert (await found_by(settings, "kim@müller.example", mail_url=url, **home))["test mail"].ok
    [taken] = sink.letters
    assert taken.recipients == ("kim@xn--mller-kva.example",)
    mail = message_from_bytes(taken.content, policy=default)
    assert mail["Subject"] == "Test-E‑Mail"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@dialog.example.org>")
    text, html = (mail.get_body([kind]).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    assert "Es klappt" in text
    assert "https://dialog.example.org/imprint" in text
    assert "<h1" in html
    assert "Es klappt" in html
    assert "dialograum" not in text.lower()


@pytest.mark.parametrize(
    ("command", "answer"), [("RCPT", "550 5.7.1 relaying denied"), ("DATA", "451 4.3.0 later")]
)
async def test_a_test_mail_that_is_refused_says_why(database, settings, home, command, answer):
    async with listening() as sink:
        sink.answer(command, answer)
        url = SecretStr(f"smtp://127.0.0.1:{sink.port}?starttls=never")
        found = (await found_by(settings, "kim@example.org", mail_url=url, **home))["test mail"]
    assert (found.ok, found.text) == (False, answer)


async def test_a_test_mail_keeps_to_the_rules_for_encryption(database, settings, home, tmp_path):
    unknown, _ = certificate(tmp_path)
    async with listening(starttls=unknown) as sink:
        url = SecretStr(f"smtp://127.0.0.1:{sink.port}?starttls=required")
        found = await found_by(settings, "kim@example.org", mail_url=url, **home)
        assert (found["mail"].ok, found["test mail"].ok) == (False, False)
        assert "certificate" in found["test mail"].text
        assert sink.letters == []
        url = SecretStr(f"smtp://127.0.0.1:{sink.port}")
        found = await found_by(settings, "kim@example.org", mail_url=url, **home)
        assert found["mail"].text == f"127.0.0.1:{sink.port}, encrypted"
        assert found["test mail"].ok


@pytest.mark.parametrize(
    "address", ["kim", "a@b.example, c@d.example", "kim@example.org\r\nBcc: eve@example.org", ""]
)
async def test_a_test_mail_goes_to_one_plain_address_alone(database, settings, home, address):
    found = (await found_by(settings, address, **home))["test mail"]
    assert (found.ok, found.text) == (False, "the address cannot be used")


async def test_without_a_mail_server_the_test_mail_is_a_file(database, settings, home):
    found = (await found_by(settings, "kim@example.org", **home))["test mail"]
    assert (found.ok, found.text) == (True, f"written to {settings.mail_dir}")
