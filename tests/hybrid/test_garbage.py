"""Whatever the bytes are: a report or `Unreadable`, and memory within a few times their size."""

import random
import tracemalloc
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.indicators import BUILT_IN, Indicator, indicators
from hybrid.reports import SeriesReport, StateReport, Unreadable
from tests.bench.garbage import OWN, SEED, seeds, serve_broken
from tests.hybrid.files import COUNTIES, RECORDED, alert
from tests.hybrid.garbage import garbage

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)
WHOLE = {seed.name: seed for seed in seeds(NOW.date(), NOW)}


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "indicators.toml"
    path.write_text(OWN, encoding="utf-8")
    return indicators({}, path)


def said(indicator: Indicator, content: bytes) -> str:
    """What kind of thing the reader answers; anything but a report or `Unreadable` is raised."""
    refused = None
    try:
        report = indicator.read(content, None, NOW)
    except Unreadable as error:
        refused = error
    if refused is None:
        assert isinstance(report, SeriesReport if indicator.kind == "series" else StateReport)
        return "report"
    assert 0 < len(str(refused)) < 500
    assert "\n" not in str(refused)
    return refused.code


def replayed(indicator: Indicator, content: bytes) -> None:
    """The same of recorded reports."""
    with suppress(Unreadable):
        assert all(isinstance(report, SeriesReport) for report in indicator.read_recorded(content))


CELLS = st.sampled_from(["", "u", "05754", "2026-11-01", "2026-W01", "NaN", "1e5", "-1", '"'])


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=2000))
def test_any_bytes_give_a_report_or_the_reason_why_there_is_none(content):
    for indicator in BUILT_IN.values():
        said(indicator, content)
        replayed(indicator, content)


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(st.characters(codec="utf-8"), max_size=200),
    name=st.sampled_from(sorted(WHOLE)),
    at=st.integers(0, 10**6),
)
def test_any_text_within_a_whole_file_gives_a_report_or_the_reason(known, text, name, at):
    content = WHOLE[name].content
    at %= len(content) + 1
    said(known[name], content[:at] + text.encode("utf-8", "surrogatepass") + content[at:])


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            *[st.sampled_from(["", "u", "05754", "2026-11-01", "2026-W01", "NaN", "1e5", "-1", '"'])] * 7
        )
    )
)
def test_any_table_with_the_right_header_gives_a_report_or_the_reason(rows):
    header = COUNTIES.splitlines(keepends=True)[0]
    said(BUILT_IN["rki-incidence"], (header + "".join(",".join(row) + "\n" for row in rows)).encode())


def test_every_kind_of_garbage_is_survived_by_every_reader(known):
    rng = random.Random(SEED)
    whole = [seed.content for seed in WHOLE.values()] + [alert().encode(), RECORDED.encode()]
    codes = set()
    for _ in range(400):
        content = garbage(rng, rng.choice(whole))[:200_000]
        indicator = known[rng.choice(sorted(known))]
        codes.add(said(indicator, content))
        replayed(indicator, content)
    assert {"report", "column", "row", "encoding", "malformed", "empty", "cut"} <= codes


LARGE = {
    "one line": b"x" * 2_000_000,
    "short lines": b"x\n" * 500_000,
    "an open quote": COUNTIES.encode() + b'"' + b"x\n" * 500_000,
    "columns": b"a," * 30_000 + b"\n" + (b"," * 30_000 + b"\n") * 50,
    "elements": b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">' + b"<a/>" * 100_000,
    "depth": b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">' + b"<a>" * 100_000,
    "a long text": b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><sent>' + b"1" * 2_000_000,
    "members": b"PK\x03\x04" + b"PK\x01\x02" * 300_000,
    "brackets": b"[" * 2_000_000,
}


@pytest.mark.parametrize("content", LARGE.values(), ids=LARGE)
def test_memory_stays_within_a_few_times_the_size(known, content):
    tracemalloc.start()
    try:
        for name in ("rki-incidence", "dwd-warnings", "levels"):
            assert said(known[name], content) != "report"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * len(content) + 4_000_000


async def test_broken_files_change_no_rule_and_no_mode(database, tmp_path):
    """The short form of `bin/bench garbage`, which breaks 10,000."""
    found = await serve_broken(tmp_path / "sources", 40, SEED)
    assert (found["files"], found["crashes"], found["changes"]) == (40, 0, 0), found["failures"]
