"""A mail server on loopback that keeps what it takes, or answers as a test tells it."""

import asyncio
import ssl
import subprocess
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from notifications.delivery import Smtp

Answer = Callable[[], Awaitable[str | None]]


@dataclass(frozen=True)
class Taken:
    """One mail with its envelope, in the order of arrival."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes


@dataclass
class Sink:
    """`answers` by command ("MAIL", "RCPT", "DATA") are used up in order; without one the server takes everything."""

    port: int = 0
    letters: list[Taken] = field(default_factory=list)
    answers: dict[str, list[str | Answer]] = field(default_factory=dict)
    connections: int = 0
    open_now: set[asyncio.BaseTransport] = field(default_factory=set)

    def answer(self, command: str, *answers: str | Answer) -> None:
        self.answers.setdefault(command, []).extend(answers)

    def cut(self) -> None:
        """Drops every connection, as a server that is restarted does."""
        for transport in self.open_now:
            transport.close()

    @property
    def recipients(self) -> list[str]:
        return [recipient for letter in self.letters for recipient in letter.recipients]

    async def _answer(self, command: str) -> str | None:
        waiting = self.answers.get(command)
        if not waiting:
            return None
        answer = waiting.pop(0)
        return answer if isinstance(answer, str) else await answer()

    async def handle_MAIL(
        self, _s: SMTP, _t: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := await self._answer("MAIL"):
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, _s: SMTP, _t: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := await self._answer("RCPT"):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _s: SMTP, _t: Session, envelope: Envelope) -> str:
        if answer := await self._answer("DATA"):
            return answer
        content = envelope.content
        assert isinstance(content, bytes)
        self.letters.append(Taken(str(envelope.mail_from), tuple(map(str, envelope.rcpt_tos)), content))
        return "250 OK"


@asynccontextmanager
async def listening(
    given: Sink | None = None,
    *,
    password: str | None = None,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Sink]:
    """The sink, reachable at its port; with a password it asks for it, with a context it speaks TLS."""
    sink = given or Sink()

    class Counted(SMTP):
        counted: Any = None

        def connection_made(self, transport: Any) -> None:
            # A second time when STARTTLS puts encryption around the first.
            sink.connections += self.counted is None
            sink.open_now.discard(self.counted)
            sink.open_now.add(transport)
            self.counted = transport
            super().connection_made(transport)

        def connection_lost(self, error: Exception | None) -> None:
            sink.open_now.discard(self.counted)
            super().connection_lost(error)

    def authenticated(_s: SMTP, _t: Session, _e: Envelope, _mechanism: str, login: Any) -> AuthResult:
        return AuthResult(success=login.password.decode() == password, handled=False)

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a password travels in the open
            return Counted(
                sink,
                hostname="sink.example.org",
                tls_context=starttls,
                authenticator=authenticated if password else None,
                auth_required=password is not None,
                auth_require_tls=False,
            )

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", sink.port, ssl=tls)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        sink.cut()
        await server.wait_closed()
        await asyncio.sleep(0)


def smtp(sink: Sink, **settings: Any) -> Smtp:
    return Smtp("127.0.0.1", sink.port, **{"starttls": "never", "own_host": "dialog.example.org", **settings})


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The contexts of a server at 127.0.0.1 and of a client that trusts it."""
    key, chain = folder / "key.pem", folder / "chain.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-keyout", str(key), "-out", str(chain), "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(chain, key)
    return server, ssl.create_default_context(cafile=str(chain))
