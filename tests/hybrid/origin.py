"""A server on loopback that behaves as badly as a test wants."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

Handler = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(
    body: bytes = b"",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    length: int | None = None,
) -> Handler:
    """An answer at once; `length` is what it claims to be long."""

    async def handle(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if status != HTTPStatus.NOT_MODIFIED:
            lines.append(f"Content-Length: {len(body) if length is None else length}")
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()

    return handle


def bomb(mebibytes: int) -> Handler:
    """A small body that unpacks to that many mebibytes of zeros."""
    packed = gzip.compress(bytes(1024 * 1024)) * mebibytes
    one = gzip.compress(bytes(mebibytes * 1024 * 1024)) if mebibytes <= 64 else packed
    return answer(one, headers={"Content-Encoding": "gzip"})


def endless(piece: bytes = bytes(64 * 1024), pause: float = 0.0) -> Handler:
    """A body without an end, in pieces."""

    async def handle(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return handle


async def silence(writer: asyncio.StreamWriter) -> None:
    """Says nothing for as long as the client listens."""
    await asyncio.sleep(3600)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Closes the connection without a word."""


def raw(content: bytes) -> Handler:
    """These bytes, whatever they mean."""

    async def handle(writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()

    return handle


@dataclass
class Origin:
    """Where it listens, what it answers next by path, and the headers of what it was asked."""

    port: int = 0
    handlers: dict[str, Handler] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str = "/file", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def serve(self, handler: Handler, path: str = "/file") -> None:
        self.handlers[path] = handler

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            path = head[0].split(" ")[1]
            self.asked.append((path, headers))
            await self.handlers.get(path, answer(status=404))(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def origin() -> AsyncIterator[Origin]:
    """One that answers 404 until told otherwise."""
    found = Origin()
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await found.handle(reader, writer)
        tasks.discard(task)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
