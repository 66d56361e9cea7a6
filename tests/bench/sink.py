"""A mail server in a process of its own that takes everything as fast as it can, and keeps a ledger of what it took."""

import asyncio
import re
import signal
import sys
from pathlib import Path

_MESSAGE_ID = re.compile(rb"^Message-ID: (\S+)\r$", re.MULTILINE)
_ANSWERS = {b"RCPT": b"250 OK\r\n", b"MAIL": b"250 OK\r\n", b"RSET": b"250 OK\r\n", b"NOOP": b"250 OK\r\n"}


class Sink(asyncio.Protocol):
    """One connection; `answer_seconds` is how long it looks each mail over before it answers."""

    def __init__(self, ledger: Path, answer_seconds: float) -> None:
        self._ledger, self._answer_seconds = ledger, answer_seconds
        self._read, self._in_data = bytearray(), False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink.example.org\r\n")

    def data_received(self, data: bytes) -> None:
        self._read += data
        while True:
            end = b"\r\n.\r\n" if self._in_data else b"\r\n"
            before, found, after = self._read.partition(end)
            if not found:
                return
            self._read = after
            if self._in_data:
                self._in_data = False
                self._take(bytes(before))
            else:
                self._obey(bytes(before))

    def _obey(self, line: bytes) -> None:
        command = line[:4].upper()
        if command in _ANSWERS:
            self._transport.write(_ANSWERS[command])
        elif command in (b"EHLO", b"HELO"):
            self._transport.write(b"250-sink.example.org\r\n250 SIZE 10000000\r\n")
        elif command == b"DATA":
            self._in_data = True
            self._transport.write(b"354 go on\r\n")
        else:
            self._transport.write(b"221 bye\r\n")
            self._transport.close()

    def _take(self, mail: bytes) -> None:
        found = _MESSAGE_ID.search(mail)
        with self._ledger.open("ab") as ledger:
            ledger.write((found[1] if found else b"-") + b"\n")
        if self._answer_seconds:
            asyncio.get_running_loop().call_later(
                self._answer_seconds, self._transport.write, b"250 taken\r\n"
            )
        else:
            self._transport.write(b"250 taken\r\n")


async def take(ledger: Path, answer_seconds: float) -> None:
    """Listens until SIGTERM; prints its port."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(lambda: Sink(ledger, answer_seconds), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1]), float(sys.argv[2])))
