"""Every mail to organisers in every language; readable copies stand in `organisers`.

`WRITE_COPIES=1` in the environment writes them anew: look at the difference before you keep it.
"""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from dialograum.languages import LANGUAGES
from dialograum.pages import environment
from events.calendar import Party
from hybrid.mail import (
    KINDS,
    MODE_PROPOSED,
    MODE_SWITCHED,
    SERVERS_SILENT,
    SOURCE_FAILED,
    SWITCH_HELD,
    OrganiserComposer,
)
from notifications.audiences import Audiences
from notifications.delivery import Letter
from notifications.errors import CannotCompose
from notifications.outbox import Claim
from tests.mail.case import SITE
from tests.mail.examples import BASE_URL
from tests.mail.reading import opened, part, readable, structure

COPIES = Path(__file__).parent / "organisers"
CODES = ("de", "en")
CODES_OF_FAILURES = (
    "empty",
    "pointer",
    "html",
    "column",
    "column-twice",
    "row",
    "no-rows",
    "encoding",
    "cut",
    "too-large",
    "future",
    "no-time",
    "status",
    "redirect",
    "slow",
    "unreachable",
    "no-file",
    "closed",
    "malformed",
)

EVENTS = [
    {
        "title": {"de": "Gemeinsam leben in Gütersloh", "en": "Living together in Gütersloh"},
        "default_language": "de",
    },
    {"title": {"de": "Werkstatt <b>Wohnen</b>"}, "default_language": "de"},
]


def failed(code: str, detail: str, message: str, events: list[dict[str, Any]] = EVENTS[:1]) -> Claim:
    return Claim(
        id=UUID("a7c1e0d4-0c1b-4b59-8d7e-0f3b7c6f5a21"),
        fence=1,
        kind=SOURCE_FAILED,
        recipient="buero@example.org",
        recipient_name="Büro Dialog",
        language="de",
        context={
            "indicator": "rki-amelag-influenza",
            "code": code,
            "detail": detail,
            "message": message,
            "path": "/organise/events/dialog/mode",
            "events": events,
        },
        about=None,
        event_id=1,
        attempts=1,
        created_at=datetime(2026, 11, 2, 9, tzinfo=UTC),
        message_id="<a7c1e0d4@dialog.example.org>",
    )


EVIDENCE = {
    "rule": "rki-incidence/05754/digital",
    "indicator": "rki-incidence",
    "region": "05754",
    "is_on": True,
    "reading": {"value": 413.8, "row_on": "2026-10-30"},
    "report": {"id": 7, "report_on": "2026-11-02", "read_at": "2026-11-02T08:00:00+00:00"},
    "in_a_row": 3,
    "threshold": 400.0,
}
BELOW = {**EVIDENCE, "is_on": False, "in_a_row": 5, "threshold": 300.0}
WITHOUT_A_REPORT = {name: EVIDENCE[name] for name in ("rule", "indicator", "region", "reading")}


def about(kind: str, path: str = "", **facts: Any) -> Claim:
    """A message about the mode of an event."""
    stated = {
        **EVENTS[0],
        "starts_local": "2026-11-27T16:00:00",
        "path": f"/organise/events/dialog/mode{path}",
    }
    return replace(failed("", "", ""), kind=kind, context={**stated, **facts})


def switched(from_mode: str, to_mode: str, evidence: Any = EVIDENCE, **facts: Any) -> Claim:
    told = {"people": 1420, "without_address": 0, "cannot_join": 0, **facts}
    return about(MODE_SWITCHED, from_mode=from_mode, to_mode=to_mode, evidence=evidence, **told)


def proposed(cause: str, from_mode: str, to_mode: str, evidence: Any = EVIDENCE) -> Claim:
    more = {"cause": cause, "from_mode": from_mode, "to_mode": to_mode, "evidence": evidence}
    return about(MODE_PROPOSED, "/proposals/a7c1e0d4-0c1b-4b59-8d7e-0f3b7c6f5a21", **more)


CASES = {
    "mode_switched-online": switched("in_person", "digital", without_address=3, cannot_join=1),
    "mode_switched-hybrid": switched("in_person", "hybrid"),
    "mode_switched-back": switched("digital", "in_person", BELOW, without_address=1, cannot_join=2),
    "mode_switched-back-as-hybrid": switched("digital", "hybrid", BELOW),
    "mode_proposed-online": proposed("approval", "in_person", "digital"),
    "mode_proposed-expired": proposed("expired", "digital", "in_person", WITHOUT_A_REPORT),
    "mode_proposed-vanished": proposed("vanished", "digital", "hybrid", {}),
    "switch_held": about(SWITCH_HELD, to_mode="digital", rule="r", since=None, evidence=EVIDENCE),
    "servers_silent": about(SERVERS_SILENT, mode="digital", hosts=["meet.example.org", "meet2.example.org"]),
    "source_failed": failed(
        "column", "viruslast_normalisiert", "the column viruslast_normalisiert is missing"
    ),
    "source_failed-two-events": failed("status", "503", "the server answers 503", EVENTS),
}
EVERY = [(name, code) for name in CASES for code in CODES]

COMPOSER = OrganiserComposer(
    environment(SITE, assets={}),
    sender=Party("", "dialog@example.org"),
    base_url=BASE_URL,
    privacy_url=SITE.privacy_url,
    imprint_url=SITE.imprint_url,
    languages=LANGUAGES,
    default_language="de",
)


def mail_of(message: Claim, code: str):
    return opened(COMPOSER.letter(replace(message, language=code)))


@pytest.mark.parametrize(("name", "code"), EVERY)
def test_a_mail_reads_as_its_copy(name, code):
    copy = COPIES / f"{name}.{code}.txt"
    text = readable(mail_of(CASES[name], code))
    if os.environ.get("WRITE_COPIES"):
        copy.write_text(text, encoding="utf-8")
    assert text == copy.read_text(encoding="utf-8")


def test_every_copy_has_its_mail():
    assert {path.name for path in COPIES.glob("*.txt")} == {f"{name}.{code}.txt" for name, code in EVERY}


def test_every_kind_has_a_mail():
    folder = COPIES.parents[2] / "templates" / "mail" / "organisers"
    kinds = {path.parent.name for path in folder.glob("*/subject.txt")}
    assert kinds == set(KINDS) == {case.kind for case in CASES.values()}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("failure", CODES_OF_FAILURES)
def test_every_reason_is_said_in_words(failure, code):
    text = part(mail_of(failed(failure, "DETAIL", "message of the program"), code), "text/plain")
    needs_detail = {"column", "column-twice", "row", "future", "status", "redirect"}
    assert ("DETAIL" in text) == (failure in needs_detail)


def test_every_reason_has_words_of_its_own():
    texts = {part(mail_of(failed(failure, "x", ""), "en"), "text/plain") for failure in CODES_OF_FAILURES}
    assert len(texts) == len(CODES_OF_FAILURES)


def test_no_text_becomes_markup_and_no_calendar_is_sent():
    mail = mail_of(CASES["source_failed-two-events"], "de")
    assert "&lt;b&gt;Wohnen&lt;/b&gt;" in part(mail, "text/html")
    assert "text/calendar" not in structure(mail)


def test_an_address_that_cannot_be_used_is_no_mail():
    with pytest.raises(CannotCompose):
        COMPOSER.letter(replace(CASES["source_failed"], recipient="nobody"))


async def test_each_message_goes_to_the_composer_of_its_audience():
    asked: dict[str, list[str]] = {"attendees": [], "organisers": []}

    def composer(name: str):
        async def compose(messages):
            asked[name] += [message.kind for message in messages]
            return lambda message: Letter(message.id, message.created_at, name, message.recipient, b"")

        return compose

    audiences = Audiences(composer("attendees"), {SOURCE_FAILED: composer("organisers")})
    to_organiser = CASES["source_failed"]
    to_attendee = replace(to_organiser, kind="confirm")
    write = await audiences.compose([to_organiser, to_attendee])
    assert asked == {"attendees": ["confirm"], "organisers": ["source_failed"]}
    assert [write(to_attendee).sender, write(to_organiser).sender] == ["attendees", "organisers"]
    asked["organisers"].clear()
    await audiences.compose([to_attendee])
    assert asked["organisers"] == []
