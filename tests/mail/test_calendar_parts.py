"""The calendars in mails as a further parser reads them, one in JavaScript as many calendar programs have it."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from dialograum.mailing import composer_of
from dialograum.settings import Settings
from events.rules import Mode, instant
from hybrid.switching import Cause, set_mode
from notifications import outbox
from registration import actions, editing, own_changes
from registration.editing import Edit
from tests.mail.cases import CASES
from tests.mail.reading import opened, part
from tests.mail.test_mails import MAILS
from tests.registration.town import (
    DOCUMENT,
    GROUPS,
    NOW,
    ROUNDS,
    confirm,
    hold,
    id_of,
    organiser,
    register,
    rewrite,
    seat,
)

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MODULE = ROOT / "templates" / "node_modules" / "ical.js" / "dist" / "ical.js"


@dataclass(frozen=True)
class Entry:
    """What ical.js reads in one calendar part."""

    method: str
    uid: str
    sequence: int
    status: str
    organizer: str
    attendees: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime


def read(calendars: list[str]) -> list[Entry]:
    """Raises where ical.js refuses one."""
    node = shutil.which("node") or shutil.which("node", path=str(ROOT / ".venv" / "bin"))
    if node is None:
        pytest.skip("there is no Node.js on this machine")
    done = subprocess.run(
        [node, str(HERE / "calendars.mjs"), str(MODULE)],
        input=json.dumps(calendars),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [_entry(found) for found in json.loads(done.stdout)]


def _entry(found: dict[str, Any]) -> Entry:
    times = {name: datetime.fromisoformat(found[name]) for name in ("starts_at", "ends_at")}
    return Entry(**{**found, **times, "attendees": tuple(found["attendees"])})


@pytest.fixture(scope="session")
def entries() -> dict[tuple[str, str], Entry]:
    """The calendar of every mail that has one."""
    texts = {which: part(mail, "text/calendar") for which, mail in MAILS.items()}
    with_calendar = {which: text for which, text in texts.items() if text}
    return dict(zip(with_calendar, read(list(with_calendar.values())), strict=True))


def test_it_reads_every_calendar_as_the_mail_states_it(entries):
    assert len(entries) > 30
    for (name, code), entry in entries.items():
        message = CASES[name].message(code)
        event, person = message.context["event"], message.context["registration"]
        assert (entry.uid, entry.sequence) == (person["uid"], person["sequence"]), name
        assert entry.attendees == (f"mailto:{message.recipient}",)
        assert entry.organizer == "mailto:dialog@example.org"
        local = {which: datetime.fromisoformat(event[f"{which}_local"]) for which in ("starts", "ends")}
        assert entry.starts_at == instant(local["starts"], event["timezone"])
        assert entry.ends_at == instant(local["ends"], event["timezone"])
        assert (entry.method, entry.status) in (("REQUEST", "CONFIRMED"), ("CANCEL", "CANCELLED"))


def test_a_calendar_that_is_none_is_refused():
    whole = part(MAILS["confirmed", "de"], "text/calendar")
    with pytest.raises(AssertionError, match=r"ParserError|invalid"):
        read([whole.replace("END:VEVENT\r\n", "")])


async def test_sequence_rises_where_the_entry_changes_and_nowhere_else(database, settings: Settings):
    composer = composer_of(settings.model_copy(update={"secret_key": SecretStr("s" * 40)}))
    by = await organiser()
    told: list[tuple[str, str]] = []

    async def step(name: str) -> None:
        """Sends what the step has written to Kim."""
        claims = await outbox.claim(100, "example.org")
        letters = await composer.compose(claims)
        to_kim = (claim for claim in claims if claim.recipient == "kim@example.org")
        told.extend((name, part(opened(letters(claim)), "text/calendar")) for claim in to_kim)
        assert await outbox.record([outbox.sent(claim) for claim in claims])

    async def move(to: Mode) -> None:
        await set_mode("dialog", to, Cause(by, "Sturm"), NOW, has_servers=True)

    await hold(capacity=5, sessions=ROUNDS, groups=GROUPS)
    await register("kim", wishes={"first": ("wohnen",)})
    await step("asked to confirm")
    await confirm("kim")
    await step("confirmed")
    await editing.edit(await id_of("kim"), Edit(name="kim"), by, NOW)
    await seat("toni")
    await editing.edit(await id_of("kim"), Edit(answers={}, seats=2), by, NOW)
    await step("another seat")
    await rewrite(starts_at=DOCUMENT.starts_at - timedelta(hours=1))
    await step("earlier")
    await own_changes.change_groups(await id_of("kim"), {"first": ("arbeit",)}, NOW)
    await step("another group")
    await move(Mode.DIGITAL)
    await step("online")
    await move(Mode.IN_PERSON)
    await step("in the hall again")
    await rewrite(summary={"de": "Mit anderen Worten."})
    await actions.cancel(await id_of("kim"), NOW)
    await step("cancelled")

    assert told.pop(0) == ("asked to confirm", "")
    found = read([text for _, text in told])
    assert [(name, entry.method, entry.sequence) for (name, _), entry in zip(told, found, strict=True)] == [
        ("confirmed", "REQUEST", 0),
        ("another seat", "REQUEST", 0),
        ("earlier", "REQUEST", 1),
        ("another group", "REQUEST", 2),
        ("online", "REQUEST", 3),
        ("in the hall again", "REQUEST", 4),
        ("cancelled", "CANCEL", 5),
    ]
    assert {entry.uid for entry in found} == {f"registration-{await id_of('kim')}"}
