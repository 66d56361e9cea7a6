"""Where finished mails go: a mail server, or a folder of files where there is none."""

import asyncio
import os
import re
import ssl
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol
from uuid import UUID

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException

from notifications.reasons import reason


@dataclass(frozen=True)
class Letter:
    """One mail ready to go. `sender` and `recipient` are ASCII addresses, `content` is 7 bit with CRLF."""

    id: UUID
    created_at: datetime
    sender: str
    recipient: str
    content: bytes


@dataclass(frozen=True)
class Sent:
    """The server has taken the mail over. `answer` is what it said, in one line without an address."""

    answer: str = field(default="", compare=False)


@dataclass(frozen=True)
class Refused:
    """The server did not take this mail. `reason` is one line and holds no address."""

    final: bool
    reason: str


@dataclass(frozen=True)
class ServerAway:
    """Nothing can be sent at present, whatever the mail. `refused`: the server answers but does not let us in."""

    reason: str
    refused: bool = False


@dataclass(frozen=True)
class Withheld:
    """The mail was not to be sent any more when the server was ready for it."""


Outcome = Sent | Refused | ServerAway | Withheld

Ready = Callable[[], Awaitable[bool]]
"""Asked last of all before the mail itself goes over: waits until it may, and answers whether it still shall."""


async def always() -> bool:
    return True


class Transport(Protocol):
    """Takes mails. Safe to use by several tasks at once; never raises for what a server or a disk does."""

    @property
    def at_once(self) -> int:
        """How many mails it sends at the same time; further ones wait."""

    async def send(self, letter: Letter, ready: Ready = always) -> Outcome: ...

    async def reach(self) -> ServerAway | None:
        """Tries whether mails could be sent now, without sending one."""

    async def close(self) -> None:
        """Ends what is kept open and idle; sending opens it again."""


class Folder:
    """Mails as `.eml` files whose names sort by time; the same message always becomes the same file."""

    at_once = 4

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, letter: Letter, ready: Ready = always) -> Outcome:
        if not await ready():
            return Withheld()
        try:
            await asyncio.to_thread(self._write, letter)
        except OSError as error:
            return ServerAway(f"folder: {error.strerror or type(error).__name__}")
        return Sent()

    async def reach(self) -> ServerAway | None:
        try:
            await asyncio.to_thread(self._prepare)
        except OSError as error:
            return ServerAway(f"folder: {error.strerror or type(error).__name__}")
        return None

    async def close(self) -> None:
        """Nothing is kept open."""

    def names(self) -> list[str]:
        """The files, oldest first."""
        if not self._path.is_dir():
            return []
        return sorted(entry.name for entry in self._path.iterdir() if _FILE_NAME.fullmatch(entry.name))

    def read(self, name: str) -> bytes | None:
        """The mail in a file that `names` listed; `None` for any other name."""
        if not _FILE_NAME.fullmatch(name):
            return None
        try:
            return (self._path / name).read_bytes()
        except FileNotFoundError:
            return None

    def remove(self, message_ids: Iterable[UUID]) -> int:
        """Removes the mails of these messages; returns how many there were."""
        unwanted = {str(message_id) for message_id in message_ids}
        removed = 0
        for name in self.names():
            match = _FILE_NAME.fullmatch(name)
            if match and match["id"] in unwanted:
                (self._path / name).unlink(missing_ok=True)
                removed += 1
        return removed

    def _prepare(self) -> None:
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._path.stat().st_mode & 0o077:
            self._path.chmod(0o700)

    def _write(self, letter: Letter) -> None:
        self._prepare()
        name = f"{letter.created_at:%Y%m%dT%H%M%S.%f}-{letter.id}.eml"
        unfinished = self._path / f".{name}.{os.getpid()}"
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(letter.content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._path / name)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        folder = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


_FILE_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}-(?P<id>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})\.eml")

CONNECT_SECONDS = 20.0
ANSWER_SECONDS = 120.0
"""Some servers look a mail over before they answer; a short wait here would send it twice."""

MAILS_PER_CONNECTION = 100
"""Servers commonly end a connection that carried more."""

_NOT_LET_IN = {530, 534, 535, 538}
_UNAVAILABLE = 421
_TOO_LARGE = 552


@dataclass(eq=False)
class _Connection:
    client: aiosmtplib.SMTP
    carried: int = field(default=0)


class Smtp:
    """A mail server. Keeps up to `connections` open and uses them again.

    `starttls` turns encryption on where the server offers it (`auto`), always (`required`) or `never`; `tls`
    speaks it from the first byte. Certificates are checked, except with `auto` where no password is sent:
    there, encryption to whoever answers is more than the plain text that would be the alternative (RFC 7435).
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: bool = False,
        starttls: Literal["auto", "required", "never"] = "auto",
        user: str = "",
        password: str = "",
        own_host: str | None = None,
        connections: int = 4,
        connect_seconds: float = CONNECT_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._host, self._port, self._tls = host, port, tls
        self._starttls = None if starttls == "auto" else starttls == "required"
        self._user, self._password, self._own_host = user, password, own_host
        self._checks = bool(tls or starttls != "auto" or user)
        self._connect_seconds, self._answer_seconds = connect_seconds, answer_seconds
        self._tls_context = tls_context
        self._idle: list[_Connection] = []
        self._places = asyncio.Semaphore(connections)
        self._at_once = connections

    @property
    def at_once(self) -> int:
        return self._at_once

    @property
    def is_encrypted(self) -> bool:
        """Whether the connections that are kept open are."""
        return bool(self._idle) and all(
            connection.client.get_transport_info("sslcontext") is not None for connection in self._idle
        )

    async def send(self, letter: Letter, ready: Ready = always) -> Outcome:
        async with self._places:
            while self._idle:
                outcome = await self._hand_over(self._idle.pop(), letter, ready)
                if outcome is not None:
                    return outcome
            connection = await self._connect()
            if isinstance(connection, ServerAway):
                return connection
            outcome = await self._hand_over(connection, letter, ready)
            return outcome or Refused(final=False, reason="connection lost")

    async def reach(self) -> ServerAway | None:
        async with self._places:
            connection = await self._connect()
            if isinstance(connection, ServerAway):
                return connection
            self._idle.append(connection)
            return None

    async def close(self) -> None:
        while self._idle:
            await self._leave(self._idle.pop())

    async def _connect(self) -> _Connection | ServerAway:
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user or None,
            password=self._password or None,
            local_hostname=self._own_host,
            use_tls=self._tls,
            start_tls=False if self._tls else self._starttls,
            validate_certs=self._checks,
            tls_context=self._tls_context,
            timeout=self._connect_seconds,
        )
        try:
            await client.connect()
            await _introduce(client)
        except aiosmtplib.SMTPAuthenticationError as error:
            client.close()
            return ServerAway(f"sign-in refused: {_line(error)}", refused=True)
        except (SMTPException, OSError, ValueError) as error:
            client.close()
            return ServerAway(f"cannot connect: {_line(error)}")
        client.timeout = self._answer_seconds
        return _Connection(client)

    async def _hand_over(self, connection: _Connection, letter: Letter, ready: Ready) -> Outcome | None:
        """`None` where a connection that had been idle turned out to be gone, before the mail was named."""
        client, named = connection.client, False
        keep = False
        try:
            await client.mail(letter.sender, options=_options(client, letter))
            named = True
            await client.rcpt(letter.recipient)
            if not await ready():
                keep = await _begin_anew(client)
                return Withheld()
            answer = await client.data(letter.content)
            keep = True
            return Sent(reason(f"{answer.code} {answer.message}", letter.recipient))
        except SMTPResponseException as error:
            if error.code == _UNAVAILABLE:
                return None if connection.carried and not named else Refused(False, _line(error, letter))
            keep = await _begin_anew(client)
            return _refusal(error, letter)
        except (SMTPException, OSError) as error:
            if connection.carried and not named:
                return None
            return Refused(final=False, reason=_line(error, letter))
        finally:
            connection.carried += 1
            if keep and connection.carried < MAILS_PER_CONNECTION and client.is_connected:
                self._idle.append(connection)
            elif keep:
                await self._leave(connection)
            else:
                client.close()

    async def _leave(self, connection: _Connection) -> None:
        with suppress(SMTPException, OSError):
            await connection.client.quit(timeout=2)
        connection.client.close()


async def _introduce(client: aiosmtplib.SMTP) -> None:
    """Learns the server's extensions where neither STARTTLS nor a password asked for them."""
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except aiosmtplib.SMTPHeloError:
            await client.helo()


def _options(client: aiosmtplib.SMTP, letter: Letter) -> list[str]:
    """What a server that understands it is told: its reports then name the mail, and quote no more than its head."""
    known = {"size": [f"SIZE={len(letter.content)}"], "dsn": ["RET=HDRS", f"ENVID={letter.id}"]}
    return [option for name, said in known.items() if client.supports_extension(name) for option in said]


async def _begin_anew(client: aiosmtplib.SMTP) -> bool:
    """Whether the connection is good for the next mail after a refusal."""
    try:
        await client.rset()
    except (SMTPException, OSError):
        return False
    return True


def _refusal(error: SMTPResponseException, letter: Letter) -> Outcome:
    reason = _line(error, letter)
    if error.code in _NOT_LET_IN:
        return ServerAway(f"sign-in refused: {reason}", refused=True)
    # All mails have the same sender: what the server says of it is said of all.
    if isinstance(error, aiosmtplib.SMTPSenderRefused) and error.code >= 500 and error.code != _TOO_LARGE:
        return ServerAway(f"sender refused: {reason}", refused=True)
    return Refused(final=error.code >= 500, reason=reason)


def _line(error: Exception, letter: Letter | None = None) -> str:
    if isinstance(error, SMTPResponseException):
        said = f"{error.code} {error.message}"
    elif isinstance(error, TimeoutError):
        said = "no answer in time"
    else:
        said = str(error) or type(error).__name__
    return reason(said, *([letter.recipient] if letter else []))
