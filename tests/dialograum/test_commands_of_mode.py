"""`dialograum mode` as a shell sees it, on a real database."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from dialograum import publishing
from dialograum.event_file import from_document
from hybrid.tables import ModeRule, ModeSwitch, Report
from tests.dialograum.test_mode_pages import HEADING, recorded
from tests.forum import forum
from tests.hybrid.town import RULE
from tests.shell import Answer, command

TODAY = datetime.now(UTC).date()


@pytest.fixture
async def run(environment: dict[str, str], database: object):
    """Runs a command; there is an event `forum` with a rule."""
    document = from_document(forum(mode_rules=[RULE | {"evaluate_days": 60, "enter_after": 1}]))
    await publishing.create(document, None, datetime.now(UTC), languages=("de", "en"))

    async def run(*arguments: str | Path, **settings: str) -> Answer:
        changed = {f"DIALOGRAUM_{name}": value for name, value in settings.items()}
        return await command("mode", *arguments, environment=environment | changed)

    return run


def figures(folder: Path, *values: float, last: date = TODAY) -> str:
    """Settings by which the incidence comes from a file with these values, the last of that day."""
    days = [last - timedelta(days=age) for age in range(len(values) - 1, -1, -1)]
    lines = [f"{day},05754,1000,1,1,1,{value}" for day, value in zip(days, values, strict=True)]
    path = folder / "incidence.csv"
    path.write_text("\n".join([HEADING.removeprefix("Datenstand,"), *lines]) + "\n")
    return json.dumps({"rki-incidence": path.as_uri()})


async def test_show_says_how_the_rules_stand(run):
    answer = await run("show", "forum")
    assert (answer.code, answer.err) == (0, "")
    assert "mode: in_person" in answer.out
    assert "rule rki-incidence/05754/digital: off" in answer.out
    body = json.loads((await run("show", "forum", "--json")).out)
    assert (body["mode"], body["locked"], body["switches"], body["rules"][0]["last"]) == (
        "in_person",
        False,
        [],
        None,
    )


async def test_evaluate_reads_the_sources_and_judges(run, tmp_path):
    meetings = {"JITSI_URLS": "http://127.0.0.1:9"}
    answer = await run("evaluate", "forum", INDICATOR_URLS=figures(tmp_path, 100, 500), **meetings)
    assert answer.code == 0, answer.err
    assert "mode: digital (base in_person)" in answer.out
    assert "first report in a row at 400 or more: on. This led to a switch: online." in answer.out
    assert await Report.count() == 1
    again = await run("evaluate", "--json", INDICATOR_URLS=figures(tmp_path, 100, 500), **meetings)
    [event] = json.loads(again.out)["events"]
    assert (event["slug"], event["rules"][0]["on"], event["rules"][0]["last"]["value"]) == (
        "forum",
        True,
        500,
    )
    assert await Report.count() == 1


async def test_without_a_meeting_server_the_event_stays_and_is_said_to(run, tmp_path):
    answer = await run("evaluate", "forum", INDICATOR_URLS=figures(tmp_path, 100, 500))
    assert answer.code == 0, answer.err
    assert "mode: in_person (base in_person)" in answer.out
    assert "No switch (online), because no meeting server is set" in answer.out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "The file is missing."),
        ("", "The file was empty."),
        ("<!doctype html><html><body>Wartung</body></html>", "Instead of the file there was a web page."),
        (
            "version https://git-lfs.github.com/spec/v1\n",
            "Instead of the file there was a pointer to it (Git LFS).",
        ),
        ("Meldedatum,Wert\n2022-10-04,5\n", "The column “Inzidenz_7-Tage” is missing."),
    ],
)
async def test_what_cannot_be_read_is_not_evaluated_and_the_command_fails(run, tmp_path, content, said):
    if content is not None:
        (tmp_path / "source.csv").write_text(content)
    address = json.dumps({"rki-incidence": (tmp_path / "source.csv").as_uri()})
    answer = await run("evaluate", "forum", INDICATOR_URLS=address)
    assert answer.code == 1
    assert answer.err == f"Error: not every source could be read. rki-incidence: {said}\n"
    assert f"Not evaluated: {said}" in answer.out
    assert await ModeRule.exists().where(ModeRule.is_on.eq(True)) is False
    answer = await run("evaluate", "--json", INDICATOR_URLS=address)
    assert (answer.code, len(json.loads(answer.out)["events"])) == (1, 1)


async def test_what_can_be_read_is_judged_beside_what_cannot(run, tmp_path):
    second = forum(slug="other", mode_rules=[RULE | {"indicator": "rki-are", "region": "Bundesweit"}])
    await publishing.create(from_document(second), None, datetime.now(UTC), languages=("de", "en"))
    addresses = json.loads(figures(tmp_path, 100, 500)) | {"rki-are": (tmp_path / "none.tsv").as_uri()}
    settings = {"INDICATOR_URLS": json.dumps(addresses), "JITSI_URLS": "http://127.0.0.1:9"}
    answer = await run("evaluate", **settings)
    assert answer.code == 1
    assert answer.err == "Error: not every source could be read. rki-are: The file is missing.\n"
    assert "mode: digital (base in_person)" in answer.out
    assert (await run("evaluate", "forum", **settings)).code == 0


async def test_replay_prints_each_switch_and_touches_nothing(run, tmp_path):
    path = tmp_path / "autumn.csv"
    path.write_bytes(recorded(100, 500, 450, 299, 299))
    answer = await run("replay", "forum", "--reports", path)
    assert answer.code == 0, answer.err
    assert [line.split()[:2] for line in answer.out.splitlines()[:2]] == [
        ["2022-10-04", "digital"],
        ["2022-10-07", "in_person"],
    ]
    body = json.loads((await run("replay", "forum", "--reports", f"rki-incidence={path}", "--json")).out)
    key = "rki-incidence/05754/digital"
    assert [{name: one[name] for name in ("on", "to", "reading", "rule")} for one in body["switches"]] == [
        {"on": "2022-10-04", "to": "digital", "reading": 500.0, "rule": key},
        {"on": "2022-10-07", "to": "in_person", "reading": 299.0, "rule": key},
    ]
    assert "second report in a row below 300: off" in body["switches"][1]["reason"]
    assert body["readings"][0] == {
        "report_on": "2022-10-03",
        "row_on": "2022-10-03",
        "value": 100.0,
        "rule": key,
    }
    assert len(body["readings"]) == 5
    span = ("--from", "2022-10-05", "--to", "2022-10-06")
    body = json.loads((await run("replay", "forum", "--reports", path, *span, "--json")).out)
    assert ([one["on"] for one in body["switches"]], len(body["readings"])) == (["2022-10-05"], 2)
    body = json.loads(
        (await run("replay", "forum", "--reports", path, "--event-date", "2022-10-05", "--json")).out
    )
    assert body["switches"] == []
    assert (await Report.count(), await ModeSwitch.count()) == (0, 0)
    assert await ModeRule.exists().where(ModeRule.is_on.eq(True)) is False


async def test_a_span_that_ends_before_it_begins_is_wrong_usage(run):
    answer = await run("replay", "forum", "--from", "2022-10-06", "--to", "2022-10-05")
    assert (answer.code, answer.out) == (2, "")
    assert (
        answer.err.splitlines()[-1] == "Error: Invalid value for --from: 2022-10-06 is after --to 2022-10-05"
    )
    assert (await run("replay", "forum", "--from", "2022-10-05", "--to", "2022-10-05")).code == 0


async def test_several_files_are_read_together(run, tmp_path):
    for name, values, first in (("a", (500,), date(2022, 10, 3)), ("b", (100, 100), date(2022, 10, 4))):
        (tmp_path / name).write_bytes(recorded(*values, first=first))
    found = await run("replay", "forum", "--reports", tmp_path / "b", "--reports", tmp_path / "a", "--json")
    assert [one["on"] for one in json.loads(found.out)["switches"]] == ["2022-10-03", "2022-10-05"]


@pytest.mark.parametrize(
    ("reports", "code", "said"),
    [
        ("missing.csv", 2, "is no file"),
        ("page.csv", 1, "page.csv cannot be read as reports of rki-incidence"),
        ("rki-are=page.csv", 1, "the event has no rule on rki-are"),
    ],
)
async def test_a_file_that_serves_no_rule_is_refused(run, tmp_path, reports, code, said):
    (tmp_path / "page.csv").write_text("<html>")
    name, sign, path = reports.rpartition("=")
    answer = await run("replay", "forum", "--reports", f"{name}{sign}{tmp_path / path}")
    assert answer.code == code
    assert said in answer.err
    assert answer.out == ""


async def test_an_event_that_is_not_there_is_refused(run):
    for words in (("show",), ("evaluate",), ("replay",)):
        answer = await run(*words, "nowhere")
        assert answer.code == 1
        assert "There is no such event" in answer.err
