"""One file from an address, from servers that do what servers do, and worse."""

import asyncio
import gzip
import os
import tracemalloc
import zlib
from datetime import UTC, datetime

import pytest

from hybrid.downloads import MIB, Limits, Mark, download
from hybrid.reports import Unreadable
from tests.hybrid.origin import answer, bomb, endless, hang_up, origin, raw, silence
from tests.postgres import free_port

SMALL = Limits(largest=MIB, seconds=5.0, idle_seconds=2.0)
SHORT = Limits(largest=MIB, seconds=0.6, idle_seconds=0.3)
BODY = b"a,b\n1,2\n"


@pytest.fixture
async def server():
    async with origin() as found:
        yield found


async def refused(url: str, limits: Limits = SMALL) -> tuple[str, str]:
    with pytest.raises(Unreadable) as error:
        await download(url, limits=limits)
    return error.value.code, str(error.value)


async def test_a_file_comes_with_its_mark_and_of_when_it_is(server):
    headers = {"ETag": '"one"', "Last-Modified": "Mon, 02 Nov 2026 09:00:00 GMT"}
    server.serve(answer(BODY, headers=headers))
    found = await download(server.url(), limits=SMALL)
    assert found.content == BODY
    assert found.mark == Mark('"one"', "Mon, 02 Nov 2026 09:00:00 GMT")
    assert found.issued_at == datetime(2026, 11, 2, 9, tzinfo=UTC)
    assert len(found.checksum) == 64


async def test_without_a_last_change_it_is_of_when_it_was_sent(server):
    server.serve(
        answer(BODY, headers={"Date": "Mon, 02 Nov 2026 09:30:00 GMT", "Last-Modified": "yesterday"})
    )
    assert (await download(server.url(), limits=SMALL)).issued_at == datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("mark", "header"),
    [
        (Mark('"one"', "Mon, 02 Nov 2026 09:00:00 GMT"), ("if-none-match", '"one"')),
        (Mark("", "Mon, 02 Nov 2026 09:00:00 GMT"), ("if-modified-since", "mon, 02 nov 2026 09:00:00 gmt")),
    ],
)
async def test_what_is_still_the_same_is_not_sent_again(server, mark, header):
    server.serve(answer(status=304))
    found = await download(server.url(), mark, SMALL)
    assert (found.content, found.mark) == (None, mark)
    assert header in server.asked[0][1].items()


async def test_nothing_new_without_anything_before_is_no_file(server):
    server.serve(answer(status=304))
    assert await refused(server.url()) == ("status", "the server answers 304")


@pytest.mark.parametrize("status", [204, 206, 400, 403, 404, 410, 429, 500, 502, 503])
async def test_other_answers_are_no_file(server, status):
    server.serve(answer(b"<html>Sorry</html>" if status != 204 else b"", status=status))
    assert await refused(server.url()) == ("status", f"the server answers {status}")


@pytest.mark.parametrize("packing", ["gzip", "x-gzip", "deflate"])
async def test_a_packed_file_is_unpacked(server, packing):
    packed = zlib.compress(BODY) if packing == "deflate" else gzip.compress(BODY)
    server.serve(answer(packed, headers={"Content-Encoding": packing}))
    assert (await download(server.url(), limits=SMALL)).content == BODY


@pytest.mark.parametrize(
    ("body", "packing", "code"),
    [
        (gzip.compress(BODY * 1000, mtime=0)[:-9], "gzip", "cut"),
        (b"not packed", "gzip", "malformed"),
        (BODY, "br", "malformed"),
        (gzip.compress(BODY, mtime=0), "gzip, gzip", "malformed"),
    ],
    ids=["cut", "not packed", "another packing", "packed once"],
)
async def test_a_packed_file_that_is_damaged_is_none(server, body, packing, code):
    server.serve(answer(body, headers={"Content-Encoding": packing}))
    assert (await refused(server.url()))[0] == code


async def test_a_bomb_is_not_unpacked_and_memory_stays_bounded(server):
    server.serve(bomb(64))
    tracemalloc.start()
    try:
        assert await refused(server.url()) == ("too-large", f"larger than {MIB} bytes")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * MIB


async def test_two_gigabytes_are_refused_by_their_announcement_alone(server):
    server.serve(answer(b"", length=2 * 1024 * MIB))
    assert await refused(server.url()) == ("too-large", f"larger than {MIB} bytes")


async def test_a_body_without_an_end_is_read_to_the_limit_and_not_beyond(server):
    server.serve(endless())
    tracemalloc.start()
    try:
        assert (await refused(server.url()))[0] == "too-large"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * MIB


@pytest.mark.parametrize("handler", [endless(b"x", 0.05), silence], ids=["slow drip", "silence"])
async def test_a_server_that_takes_its_time_is_left(server, handler):
    server.serve(handler)
    began = asyncio.get_running_loop().time()
    assert (await refused(server.url(), SHORT))[0] == "slow"
    assert asyncio.get_running_loop().time() - began < 3


@pytest.mark.parametrize(
    "handler",
    [
        hang_up,
        answer(BODY, length=100),
        raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        raw(b"HTTP/1.1 302 Found\r\nLocation: http://[::1/\r\nContent-Length: 0\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000 + b"\r\n\r\n"),
    ],
    ids=[
        "hangs up",
        "cut off",
        "no http",
        "a length below zero",
        "bad chunks",
        "a bad redirect",
        "a huge header",
    ],
)
async def test_a_server_that_speaks_nonsense_gives_no_file(server, handler):
    server.serve(handler)
    assert (await refused(server.url()))[0] == "unreachable"


async def test_a_server_that_is_not_there_gives_no_file():
    assert (await refused(f"http://127.0.0.1:{free_port()}/"))[0] == "unreachable"


async def test_a_name_that_nobody_knows_gives_no_file():
    code, message = await refused("http://figures.invalid/", Limits(seconds=20.0))
    assert (code, message.partition(":")[0]) == ("unreachable", "it cannot be reached")


@pytest.mark.parametrize("location", ["/moved", "moved"])
async def test_a_redirect_within_the_server_is_followed(server, location):
    server.serve(answer(status=302, headers={"Location": location}))
    server.serve(answer(BODY), "/moved")
    assert (await download(server.url(), limits=SMALL)).content == BODY


async def test_a_redirect_to_another_server_is_not_followed(server):
    async with origin() as inner:
        inner.serve(answer(b"secret"))
        targets = (
            inner.url(),
            server.url(host="localhost"),
            "http://169.254.169.254/latest",
            "https://127.0.0.1/",
            "file:///etc/passwd",
            "//10.0.0.1/",
        )
        for target in targets:
            server.serve(answer(status=302, headers={"Location": target}))
            assert (await refused(server.url()))[0] in ("redirect", "unreachable"), target
        assert inner.asked == []
    assert {path for path, _ in server.asked} == {"/file"}


async def test_a_redirect_in_a_circle_comes_to_an_end(server):
    server.serve(answer(status=302, headers={"Location": "/file"}))
    assert await refused(server.url()) == ("redirect", "it leads on and on")
    assert len(server.asked) == 4


async def test_what_the_server_says_of_its_file_is_kept_only_if_it_fits(server):
    server.serve(answer(BODY, headers={"ETag": "x" * 300, "Last-Modified": "y" * 300}))
    assert (await download(server.url(), limits=SMALL)).mark == Mark()


# Files


async def test_a_file_of_this_machine_is_read_and_known_again(tmp_path):
    path = tmp_path / "figures of today.csv"
    path.write_bytes(BODY)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    found = await download(path.as_uri(), limits=SMALL)
    assert (found.content, found.issued_at) == (BODY, datetime.fromtimestamp(1_700_000_000, UTC))
    assert (await download(path.as_uri(), found.mark, SMALL)).content is None
    os.utime(path, (1_700_000_001, 1_700_000_001))
    assert (await download(path.as_uri(), found.mark, SMALL)).content == BODY


async def test_a_file_that_cannot_be_read_is_none(tmp_path):
    assert await refused((tmp_path / "missing.csv").as_uri()) == ("no-file", "there is no such file")
    assert (await refused((tmp_path / "large.csv" / "missing.csv").as_uri()))[0] == "no-file"
    assert await refused(tmp_path.as_uri()) == ("no-file", "the address is no file")
    assert (await refused("file:///dev/zero"))[0] == "no-file"
    assert (await refused((tmp_path / ("x" * 300)).as_uri()))[0] == "closed"
    (tmp_path / "large.csv").write_bytes(bytes(MIB + 1))
    assert (await refused((tmp_path / "large.csv").as_uri()))[0] == "too-large"
