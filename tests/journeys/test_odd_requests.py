"""What no browser sends, byte by byte to the real server: it answers, never with a failure, and goes on serving."""

import asyncio

import asyncpg
import pytest

from dialograum import embedded


async def exchange(port: int, request: bytes) -> bytes:
    """Everything that the server answers until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        await writer.drain()
        return await asyncio.wait_for(reader.read(), 20)
    finally:
        writer.close()


def get(target: bytes, method: bytes = b"GET", *headers: bytes) -> bytes:
    lines = [method + b" " + target + b" HTTP/1.1", b"Host: town.example", b"Connection: close", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


TARGETS = [
    (b"/%00", {404}),
    (b"/events/%ff%fe", {404}),
    (b"/events/%F0%9F%92%A9", {404}),
    (b"/events/%zz", {400, 404}),
    (b"//", {200, 404}),
    (b"//evil.example/", {404}),
    (b"/../../etc/passwd", {400, 404}),
    (b"/static/../../pyproject.toml", {400, 404}),
    (b"/static/%2e%2e%2f%2e%2e%2fpyproject.toml", {404}),
    (b"/events/..%2f..%2forganise", {404}),
    (b"/" + b"x" * 7000, {404}),
    (b"/" + b"x" * 100_000, {400, 404, 414, 431}),
    (b"/?" + b"q=x&" * 1500, {200, 422}),
    (b"http://evil.example/", {200, 400, 404}),
    (b"*", {200, 400, 404}),
    (b"/organise%0d%0aX-Injected:%20yes", {303, 404}),
    (b"/api/v1/events?q=%00", {422}),
    (b"/en/%00", {404}),
]


async def test_odd_targets(town):
    for target, expected in TARGETS:
        answer = await exchange(town.port, get(target))
        assert status(answer) in expected, (target[:60], answer[:200])
        head = answer.partition(b"\r\n\r\n")[0].lower()
        assert b"x-injected" not in head
        assert b"root:" not in answer
        assert b"[project]" not in answer


@pytest.mark.parametrize("path", [b"/", b"/api/v1/events", b"/healthz", b"/none", b"/calendar.ics"])
async def test_head_has_the_length_and_no_body(town, path):
    whole = await exchange(town.port, get(path))
    head = await exchange(town.port, get(path, b"HEAD"))
    assert status(head) == status(whole)
    assert head.partition(b"\r\n\r\n")[2] == b""
    assert b"content-type" in head.lower()


async def test_odd_headers(town):
    for header in (
        b"Accept-Language: " + b"x" * 5000,
        b"Accept-Language: \xff\xfe;q=9",
        b"Accept-Language: de;q=abc,en;q=0.1",
        b"Accept-Encoding: \xff",
        b"Cookie: dialograum_session=\xff\xfe; =; dialograum_csrf=" + b"\xc3" * 200,
        b"Cookie: " + b"a=b; " * 1000,
        b"If-None-Match: \xff",
        b"Authorization: Bearer \xff\xfe",
        b"Authorization: nonsense",
        b"X-Forwarded-For: \xff, 1.2.3.4",
        b"Content-Type: \xff/\xff",
    ):
        for path in (b"/organise", b"/events/none", b"/calendar.ics", b"/api/v1/events"):
            answer = await exchange(town.port, get(path, b"GET", header))
            assert status(answer) < 500, (header[:60], path, answer[:200])


async def test_odd_bodies(town):
    slug = await town.hold()
    url = f"/api/v1/events/{slug}/registrations".encode()
    too_long = b"Content-Length: 2000000"
    answer = await exchange(town.port, get(url, b"POST", too_long) + b"x" * 1_500_000)
    assert answer == b"" or status(answer) == 413
    chunks = b"Transfer-Encoding: chunked"
    answer = await exchange(town.port, get(url, b"POST", chunks) + b"5\r\n{}{}{\r\n0\r\n\r\n")
    assert status(answer) == 422
    both = get(url, b"POST", chunks, b"Content-Length: 3") + b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n"
    answer = await exchange(town.port, both)
    assert answer.count(b"HTTP/1.1 ") <= 1 or status(answer) in (400, 422)
    answer = await exchange(town.port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    assert answer == b"" or status(answer) == 400


async def test_every_connection_to_the_database_lost_at_once(town):
    slug = await town.hold()
    connection = await asyncpg.connect(**await embedded.start(town.folder))
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()
    async with town.visitor() as visitor, town.system() as system:
        answers = [(await visitor.get(f"/events/{slug}")).status_code for _ in range(30)]
        assert set(answers) <= {200, 503}
        assert answers[-5:] == [200] * 5
        body = {"name": "Nach Dem Ausfall", "email": "danach@example.org"}
        added = await system.post(f"/api/v1/events/{slug}/registrations", json=body)
        assert added.status_code == 201
    assert await town.postbox.mail("danach@example.org", 1)


async def test_the_server_serves_on(town):
    async with town.visitor() as visitor:
        assert (await visitor.get("/")).status_code == 200
        assert (await visitor.get("/readyz")).status_code == 200
