"""Sources are read once per interval over all workers, and what cannot be read changes nothing and is told once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dialograum import publishing
from dialograum.settings import Settings
from events.rules import Role
from events.tables import Event, Membership, Organiser
from hybrid.downloads import MIB, Limits
from hybrid.fetching import CLAIM, listened_to, read_due
from hybrid.indicators import indicators
from hybrid.notices import tell_source_failed
from hybrid.queries import kept_reports, source_of, stored_rules
from hybrid.tables import Fetch, Report
from notifications.tables import Message
from tests.hybrid import town
from tests.hybrid.files import COUNTIES, HTML, LFS, SENT_AT, alert, packed
from tests.hybrid.origin import answer, bomb, endless, origin, silence
from tests.hybrid.town import COUNTY

HOUR = timedelta(hours=1)
SMALL = Limits(largest=MIB, seconds=1.0, idle_seconds=0.5)
NAME = "rki-incidence"


@pytest.fixture(autouse=True)
def _database(database):
    """Every test of this module has one."""


@pytest.fixture
async def server():
    async with origin() as found:
        yield found


@pytest.fixture
async def event():
    """One with a rule on the incidence, and an organiser, a second one who has another event too, and a helper."""
    made = await town.event(at=datetime.now(UTC))
    for name, role in (("anna", Role.ORGANISER), ("helper", Role.HELPER)):
        organiser = Organiser(_ignore_missing=True, email=f"{name}@example.org", name=name.title())
        await organiser.save()
        await Membership.insert(Membership(organiser=organiser.id, event=made.id, role=role))
    return made


async def read(server, name: str = NAME, interval: timedelta = timedelta(0)) -> list[str]:
    sources = indicators({name: server.url()}, None)
    return await read_due(sources, interval, tell_source_failed, limits=SMALL)


async def reports() -> int:
    return int(await Report.count())


async def failure() -> str | None:
    """Why the last file was no report."""
    source = await source_of(NAME)
    return source.failure_code if source else None


async def mails() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await Message.select().order_by(Message.created_at).output(load_json=True)
    return found


async def set_fetch(**values: Any):
    changes: dict[Any, Any] = values
    await Fetch.update(changes).where(Fetch.indicator == NAME)


# Which, and when


async def test_only_what_a_published_event_to_come_listens_to_is_read(server, event):
    assert await listened_to(datetime.now(UTC)) == {NAME}
    await Event.update({Event.status: "draft"}).where(Event.slug == event.slug)
    assert await listened_to(datetime.now(UTC)) == set()
    await Event.update({Event.status: "published"}).where(Event.slug == event.slug)
    assert await listened_to(event.ends_at) == set()
    assert await listened_to(event.ends_at - timedelta(seconds=1)) == {NAME}


async def test_a_report_is_kept_with_its_source_and_judged(server, event):
    server.serve(answer(COUNTIES.encode()))
    assert await read(server) == [NAME]
    [kept] = await Report.select()
    assert (kept["indicator"], kept["address"], str(kept["report_on"])) == (NAME, server.url(), "2026-11-02")
    assert len(kept["checksum"]) == 64
    found: Any
    [found] = await kept_reports(NAME, COUNTY)
    assert [row.value for row in found.report.rows[COUNTY]] == [400.0, 410.5]
    [rule] = await stored_rules(event.id)
    assert rule.verdict
    assert rule.verdict["value"] == 410.5
    assert await failure() is None


async def test_a_source_is_read_once_per_interval(server, event):
    server.serve(answer(COUNTIES.encode()))
    assert await read(server, interval=HOUR) == [NAME]
    assert await read(server, interval=HOUR) == []
    await set_fetch(began_at=datetime.now(UTC) - HOUR)
    assert await read(server, interval=HOUR) == [NAME]
    assert len(server.asked) == 2


async def test_two_workers_read_a_source_once(server, event):
    server.serve(answer(COUNTIES.encode()))
    found = await asyncio.gather(*(read(server, interval=HOUR) for _ in range(4)))
    assert sorted(found) == [[], [], [], [NAME]]
    assert len(server.asked) == 1


async def test_a_worker_that_died_is_made_up_for_and_one_at_work_is_not(server, event):
    server.serve(answer(COUNTIES.encode()))
    await read(server)
    for age, expected in ((CLAIM - timedelta(minutes=1), []), (CLAIM, [NAME])):
        began_at = datetime.now(UTC) - age
        await set_fetch(is_running=True, began_at=began_at)
        assert await read(server, interval=HOUR) == expected


async def test_another_address_is_read_at_once_and_in_full(server, event):
    server.serve(answer(COUNTIES.encode(), headers={"ETag": '"one"'}))
    await read(server, interval=HOUR)
    server.serve(answer(COUNTIES.encode()), "/other")
    sources = indicators({NAME: server.url("/other")}, None)
    assert await read_due(sources, HOUR, tell_source_failed) == [NAME]
    assert "if-none-match" not in server.asked[1][1]


async def test_what_is_still_the_same_is_not_fetched_again(server, event):
    server.serve(answer(COUNTIES.encode(), headers={"ETag": '"one"'}))
    await read(server)
    server.serve(answer(status=304))
    await read(server)
    assert server.asked[1][1]["if-none-match"] == '"one"'
    assert (await reports(), await failure()) == (1, None)
    server.serve(answer(COUNTIES.replace("2026-11-02", "2026-11-03").encode()))
    await read(server)
    assert await reports() == 2


async def test_warnings_are_read_as_a_state(server):
    rule = {"indicator": "dwd-warnings", "region": "805754008", "enter_at": 3, "leave_at": 2}
    await town.event([rule])
    server.serve(answer(packed(alert())))
    assert await read(server, "dwd-warnings") == ["dwd-warnings"]
    [kept] = await Report.select()
    assert kept["dated_at"] == SENT_AT + timedelta(minutes=30)


async def test_an_indicator_that_nobody_knows_or_that_is_typed_in_is_passed_by(server):
    await town.event([{"indicator": "manual", "region": "x", "enter_at": 3, "leave_at": 2}])
    assert await read(server) == []
    assert server.asked == []


# What goes wrong

FAULTS = {
    "html": (answer(HTML.encode()), "html"),
    "a pointer": (answer(LFS.encode()), "pointer"),
    "nothing": (answer(b""), "empty"),
    "cut off": (answer(COUNTIES[:-3].encode()), "cut"),
    "another header": (answer(COUNTIES.replace("Inzidenz", "Wert").encode()), "column"),
    "the future": (answer(COUNTIES.replace("2026-11-02", "2190-11-02").encode()), "future"),
    "nan": (answer(COUNTIES.replace("410.5", "NaN").encode()), "row"),
    "an error": (answer(b"Sorry", status=503), "status"),
    "a redirect": (answer(status=302, headers={"Location": "http://10.0.0.1/"}), "redirect"),
    "a bomb": (bomb(8), "too-large"),
    "no end": (endless(), "too-large"),
    "a drip": (endless(b"x", 0.05), "slow"),
    "silence": (silence, "slow"),
    "nothing new without anything before": (answer(status=304), "status"),
}


@pytest.mark.parametrize(("handler", "code"), FAULTS.values(), ids=FAULTS)
async def test_what_cannot_be_read_changes_nothing_and_the_reason_is_kept(server, event, handler, code):
    server.serve(handler)
    assert await read(server) == [NAME]
    assert (await failure(), await reports()) == (code, 0)
    [rule] = await stored_rules(event.id)
    assert (rule.is_on, rule.verdict) == (False, None)


async def test_a_day_of_errors_is_told_once_and_the_next_report_is_read_in_full(server, event):
    server.serve(answer(COUNTIES.encode(), headers={"ETag": '"one"'}))
    await read(server)
    server.serve(answer(b"Sorry", status=503))
    for _ in range(24):
        await read(server)
    [mail] = await mails()
    assert (mail["kind"], mail["recipient"], mail["language"]) == ("source_failed", "anna@example.org", "de")
    assert (mail["context"]["code"], mail["context"]["detail"]) == ("status", "503")
    server.serve(answer(COUNTIES.encode()))
    await read(server)
    assert "if-none-match" not in server.asked[-1][1]
    assert await failure() is None


async def test_a_source_that_comes_and_goes_is_told_once_a_day(server, event):
    for day in range(2):
        for _ in range(3):
            server.serve(answer(status=503))
            await read(server)
            server.serve(answer(COUNTIES.encode()))
            await read(server)
        assert len(await mails()) == day + 1
        await set_fetch(told_at=datetime.now(UTC) - timedelta(days=1))


async def test_an_organiser_of_several_events_is_told_once_for_all(server, event):
    other = await town.event(slug="another", short=None)
    [anna] = await Organiser.objects().where(Organiser.email == "anna@example.org")
    await Membership.insert(Membership(organiser=anna.id, event=other.id, role=Role.ORGANISER))
    server.serve(answer(status=503))
    await read(server)
    [mail] = await mails()
    assert len(mail["context"]["events"]) == 2


async def test_one_source_that_fails_does_not_keep_the_others_from_being_read(server, event):
    are = {"indicator": "rki-are", "region": "Bundesweit", "enter_at": 3000, "leave_at": 2000}
    await publishing.patch(event.slug, {"mode_rules": [town.RULE, are]}, None, datetime.now(UTC))
    server.serve(silence, "/are")
    server.serve(answer(COUNTIES.encode()))
    sources = indicators({NAME: server.url(), "rki-are": server.url("/are")}, None)
    assert await read_due(sources, HOUR, tell_source_failed, limits=SMALL) == ["rki-are", NAME]
    assert await reports() == 1


async def test_a_fault_of_our_own_is_logged_and_tried_again_later(server, event, caplog, monkeypatch):
    async def broken(*_: object, **__: object) -> bool:
        raise RuntimeError("a fault of our own")

    server.serve(answer(COUNTIES.encode()))
    monkeypatch.setattr("hybrid.evaluation.take_report", broken)
    assert await read(server) == [NAME]
    assert "a fault of our own" in caplog.text
    assert await read(server) == []
    monkeypatch.undo()
    await set_fetch(began_at=datetime.now(UTC) - CLAIM)
    assert await read(server) == [NAME]
    assert await reports() == 1


async def test_a_stop_is_heard_between_two_sources(server, event):
    stop = asyncio.Event()
    stop.set()
    assert await read_due(indicators({}, None), HOUR, tell_source_failed, stop=stop) == []


def test_the_settings_know_the_sources(tmp_path):
    address = "file:///srv/kreise.csv"
    settings = Settings(data_dir=tmp_path, indicator_urls={NAME: address})
    assert settings.sources[NAME].address == address
