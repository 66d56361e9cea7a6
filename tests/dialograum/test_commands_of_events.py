"""`dialograum events`, `organisers` and `tokens` as a shell sees them, on a real database."""

import json
import os
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from dialograum import publishing, signin
from dialograum.event_file import EventFile, from_document, read, write
from events.queries import all_events, details
from events.tables import Event, Organiser, Series
from registration.tables import Registration
from tests.forum import forum
from tests.postgres import free_port
from tests.shell import Answer, command

EXAMPLES = sorted((Path(__file__).parents[2] / "dialograum" / "examples").glob("*.toml"))


@pytest.fixture
def run(environment: dict[str, str], database: object):
    async def run(*arguments: str | Path, stdin: str = "", **settings: str) -> Answer:
        changed = {f"DIALOGRAUM_{name}": value for name, value in settings.items()}
        return await command(*arguments, environment=environment | changed, stdin=stdin)

    return run


def file_of(folder: Path, name: str = "forum.toml", **changes: object) -> Path:
    path = folder / name
    path.write_text(write(EventFile(events=(from_document(forum(**changes)),))))
    return path


def assert_refused(answer: Answer, *words: str) -> None:
    """Exit code 1, one line that says why, and nothing else."""
    assert answer.code == 1, answer
    assert answer.out == ""
    assert answer.err.count("\n") == 1, answer.err
    for word in words:
        assert word in answer.err


def later_deadline(text: str) -> str:
    return re.sub(r"closes_at = (\d{4})", lambda found: f"closes_at = {int(found[1]) + 1}", text)


SPOILT = {
    "unknown key": ("colour", lambda text: 'colour = "red"\n' + text),
    "wrong type": ("registration.capacity", lambda text: text.replace("capacity = 10", 'capacity = "ten"')),
    "deadline after the start": ("registration.closes_at", later_deadline),
    "group without session": (
        "groups[0].session",
        lambda text: text.replace('session = "groups"', 'session = "x"', 1),
    ),
    "not TOML": ("Is not TOML", lambda text: text + "\n= ="),
    "not text": ("Is not UTF-8", lambda text: b"\xff\xfe" + text.encode()),
    "ten megabytes": ("Is larger than 1 MB", lambda text: text + "#" * 10_000_000),
}


@pytest.mark.parametrize("fault", SPOILT)
async def test_a_file_that_cannot_be_used_is_refused_and_nothing_imported(run, tmp_path, fault):
    place, spoil = SPOILT[fault]
    good, bad = file_of(tmp_path, "good.toml", slug="good"), file_of(tmp_path, "bad.toml")
    spoilt = spoil(bad.read_text())
    bad.write_bytes(spoilt if isinstance(spoilt, bytes) else spoilt.encode())
    assert_refused(await run("events", "import", good, bad), "bad.toml", place)
    assert not await Event.exists()


async def test_the_same_slug_twice_in_one_run_and_files_that_are_none(run, tmp_path):
    first, second = file_of(tmp_path), file_of(tmp_path, "again.toml")
    assert_refused(await run("events", "import", first, second), "again.toml", "slug", "forum")
    assert_refused(
        await run("events", "import", first, tmp_path / "none.toml"), "none.toml", "Cannot be read"
    )
    assert_refused(await run("events", "import", first, tmp_path), str(tmp_path), "Cannot be read")
    assert_refused(
        await run("events", "import", first, "--owner", "nobody@example.org"), "nobody@example.org"
    )
    assert not await Event.exists()


async def test_wrong_usage_is_two(run, tmp_path):
    for arguments in (
        ("events",),
        ("events", "import"),
        ("events", "import", "x.toml", "--start", "tomorrow"),
        ("events", "export"),
        ("organisers", "add"),
        ("organisers", "add", "nobody"),
        ("organisers", "add", "office@example.org", "--role", "king"),
        ("tokens", "create"),
        ("tokens", "create", "--for", "office@example.org", "--scope", "all"),
    ):
        answer = await run(*arguments)
        assert answer.code == 2, arguments
        assert "Traceback" not in answer.err


async def test_all_examples_import_move_and_come_out_as_they_went_in(run, tmp_path):
    assert (await run("organisers", "add", "office@example.org")).code == 0
    start = datetime.now(UTC).date() + timedelta(days=14)
    arguments = ("--start", start.isoformat(), "--publish", "--owner", "office@example.org", "--json")
    imported = await run("events", "import", *EXAMPLES, *arguments)
    assert imported.code == 0, imported.err
    written = json.loads(imported.out)["events"]
    assert all(event["created"] for event in written)
    events = {event.slug: event for event in await all_events()}
    assert {event["slug"] for event in written} == set(events)
    assert {event.status for event in events.values()} == {"published"}
    for path in EXAMPLES:
        file = read(path.read_bytes(), path.name)
        assert min(events[event.slug].starts_local for event in file.events).date() == start

    listed = await run("events", "list", "--json")
    rows = json.loads(listed.out)["events"]
    assert [row["slug"] for row in rows] == list(events)
    table = await run("events", "list")
    assert all(slug in table.out for slug in events)

    with_series = next(slug for slug, event in events.items() if event.series)
    for slug in ("gemeinsam-leben-2022", with_series):
        exported = await run("events", "export", slug)
        assert exported.code == 0
        file = read(exported.out.encode(), "export.toml")
        assert file == await publishing.file_of(slug)
        path = tmp_path / f"{slug}.toml"
        path.write_text(exported.out)
        again = await run("events", "import", path)
        assert again.out.strip() == f"{slug}: changed: nothing that people must know"
        assert await publishing.file_of(slug) == file
    assert await Series.count() == 1


async def test_an_import_of_the_same_slug_is_an_edit_that_people_are_told(run, town, tmp_path):
    event = await town.event()
    await town.register(event, groups={"groups": ["wohnen"]})
    later = forum()["ends_at"].replace("T19", "T20")
    answer = await run("events", "import", file_of(tmp_path, ends_at=later))
    assert answer.out.startswith("forum: changed: time; 1 people are told")
    assert (await details("forum")).status == "published"

    without = file_of(tmp_path, "without.toml", ends_at=later, groups=[])
    assert_refused(await run("events", "import", without), "wohnen", "1")
    assert (await details("forum")).groups
    assert (await run("events", "import", without, "--replace")).code == 0
    assert not (await details("forum")).groups
    assert await Registration.count() == 1


async def test_what_is_worth_a_look_is_said_on_stderr(run, tmp_path):
    early = forum()["sessions"][0] | {"starts_at": forum()["starts_at"].replace("T16", "T12")}
    answer = await run("events", "import", file_of(tmp_path, sessions=[early]), "--json")
    assert answer.code == 0
    assert json.loads(answer.out)["events"][0]["slug"] == "forum"
    assert answer.err.startswith("note: forum: sessions[0]")


async def test_an_unknown_event_is_not_exported(run):
    assert_refused(await run("events", "export", "none"), "no such event")


async def test_a_database_that_is_away_is_one_line(run, tmp_path):
    address = f"postgresql://town:geheim@127.0.0.1:{free_port()}/town"
    settings = {"DATABASE_URL": address, "SECRET_KEY": "s" * 40}
    for arguments in (
        ("events", "import", file_of(tmp_path)),
        ("events", "list"),
        ("organisers", "add", "office@example.org"),
        ("tokens", "create", "--for", "office@example.org"),
    ):
        answer = await run(*arguments, **settings)
        assert_refused(answer, "DIALOGRAUM_DATABASE_URL")
        assert "geheim" not in answer.err


async def test_an_organiser_gets_a_link_or_a_password(run, town):
    added = await run("organisers", "add", "Office@Example.org", "--name", "Rathaus")
    assert added.code == 0
    assert added.out.startswith(f"{town.settings.base_url}/organise/sign-in/")
    token = added.out.strip().rpartition("/")[2]
    organiser = await signin.by_link(token, datetime.now(UTC))
    assert organiser is not None
    assert (organiser.email, organiser.name, organiser.role) == ("office@example.org", "Rathaus", "organiser")

    secret = "correct horse battery staple"
    again = await run(
        "organisers", "add", "office@example.org", "--role", "admin", "--password-stdin", stdin=secret
    )
    assert (again.code, again.out) == (0, "")
    found = await signin.by_password("office@example.org", secret, datetime.now(UTC))
    assert found is not None
    assert (found.id, found.name, found.role) == (organiser.id, "Rathaus", "admin")
    assert_refused(await run("organisers", "add", "x@example.org", "--password-stdin", stdin="short\n"), "12")
    assert await Organiser.count() == 1


async def test_a_token_stands_alone_on_stdout_and_does_what_it_is_for(run, town):
    organiser = await town.organiser()
    for scope, may_write in (("read", False), ("write", True)):
        made = await run("tokens", "create", "--for", "office@example.org", "--scope", scope)
        assert made.code == 0
        assert made.out.count("\n") == 1
        caller = await signin.caller_by_token(made.out.strip(), datetime.now(UTC))
        assert caller is not None
        assert (caller.organiser.id, caller.may_write) == (organiser.id, may_write)
    assert_refused(await run("tokens", "create", "--for", "nobody@example.org"), "nobody@example.org")


def test_the_examples_are_those_of_the_towns():
    assert len(EXAMPLES) == 5
    assert os.environ.get("DIALOGRAUM_DATA_DIR") is None
    assert date.fromisoformat(str(forum()["starts_at"])[:10]) > datetime.now(UTC).date()


async def test_a_preview_of_an_import_says_what_would_change_and_changes_nothing(run, tmp_path):
    await publishing.create(from_document(forum()), None, datetime.now(UTC))
    moved = file_of(tmp_path, venue={"name": "Rathaus", "locality": "Gütersloh"})
    new = file_of(tmp_path, "new.toml", slug="new")
    answer = await run("events", "import", moved, new, "--preview")
    assert answer.code == 0
    assert answer.out.strip().splitlines() == [
        "forum: changed: place",
        "new: created",
        "This was a preview: nothing was changed, nobody was told.",
    ]
    assert [(event.slug, event.venues[0].name, event.version) for event in await all_events()] == [
        ("forum", "Stadthalle", 1)
    ]
