"""Mails that many people get, written once: what differs from person to person is a gap, and filled for each.

A form is made from a mail in which gaps stand for the person's own words. Everything else of it is rendered and
encoded once; into the gaps goes text that can become neither markup nor a header.
"""

import binascii
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.quoprimime import body_encode
from email.utils import format_datetime

from markupsafe import escape

from notifications.mail import LINE_LENGTH, POLICY, CalendarPart, Recipient, to_header

_SECRET = f"gap{secrets.token_hex(12)}"
_GAP = re.compile(f"{_SECRET}([a-z]+)Z")

_TOKEN = re.compile("[A-Za-z0-9_-]+")

Encode = Callable[[str], str]
"""Makes a person's own word part of a line, so that it stays nothing but text."""


def gap(name: str) -> str:
    """What stands where the value of this name (small letters) belongs.

    Nobody can guess it, so that no text of anybody's holds one.
    """
    return f"{_SECRET}{name}Z"


class Lines:
    """Text in lines, of which those without a gap are written once, those with one for every person."""

    def __init__(self, text: str, write: Callable[[str], str], encode: Encode = str) -> None:
        """`write` makes of a line what stands in the mail, its end included."""
        self._write, self._encode = write, encode
        self._parts: list[bytes | list[str]] = []
        for line in text.removesuffix("\n").split("\n"):
            pieces = _GAP.split(line)
            if len(pieces) > 1:
                self._parts.append(pieces)
            elif self._parts and isinstance(self._parts[-1], bytes):
                self._parts[-1] += write(line).encode()
            else:
                self._parts.append(write(line).encode())

    def filled(self, values: Mapping[str, str]) -> bytes:
        """The lines of one person. Raises KeyError for a gap without a value."""
        return b"".join(
            part if isinstance(part, bytes) else self._write("".join(self._of(part, values))).encode()
            for part in self._parts
        )

    def _of(self, pieces: list[str], values: Mapping[str, str]) -> Iterator[str]:
        for index, piece in enumerate(pieces):
            yield self._encode(values[piece]) if index % 2 else piece


@dataclass(frozen=True)
class Envelope:
    """What the head of one mail says beside the words; `thread` is the Message-ID that it refers to."""

    recipient: Recipient
    message_id: str
    sent_at: datetime
    thread: str


SAMPLE = Envelope(
    Recipient("", f"{gap('to')}@example.org", ""),
    f"<{gap('id')}>",
    datetime(2000, 1, 1, tzinfo=UTC),
    f"<{gap('thread')}>",
)
"""The envelope of the mail that a form is made from."""


class Form:
    """A mail to many. Its own bytes are those that `content_of(build(…))` would give for each person."""

    def __init__(self, mail: EmailMessage) -> None:
        """`mail` has `SAMPLE` for its envelope and, where calendars belong, a calendar part with any content.

        Raises ValueError where its subject or sender has a gap: heads are written once.
        """
        if _GAP.search(f"{mail['Subject']} {mail['From']}"):
            raise ValueError("neither subject nor sender may differ from person to person")
        self._texts = {}
        for part in mail.walk():
            kind = part.get_content_subtype()
            if kind in ("plain", "html"):
                encode: Encode = str if kind == "plain" else lambda text: str(escape(text))
                self._texts[kind] = Lines(part.get_content(), _quoted_printable, encode)
            if not part.is_multipart():
                part.set_payload(gap(kind))
            if kind == "calendar":
                part.replace_header("Content-Transfer-Encoding", gap("encoding"))
        written = mail.as_bytes(policy=POLICY).decode()
        written = re.sub(
            r"^(To|Date): .*\r\n", lambda found: gap(found[1].lower()), written, flags=re.MULTILINE
        )
        self._pieces = _GAP.split(written)

    def filled(
        self, envelope: Envelope, values: Mapping[str, str], calendar: CalendarPart | None = None
    ) -> bytes:
        """The finished mail of one person.

        In its head stand only values of letters, digits, hyphens and underscores. Raises CannotCompose, and KeyError
        for a gap without a value.
        """
        slots = {name: value.encode() for name, value in values.items() if _TOKEN.fullmatch(value)}
        slots |= {name: lines.filled(values) for name, lines in self._texts.items()}
        slots["to"] = to_header(envelope.recipient)
        slots["date"] = f"Date: {format_datetime(envelope.sent_at)}\r\n".encode()
        slots["id"] = envelope.message_id[1:-1].encode()
        slots["thread"] = envelope.thread[1:-1].encode()
        if calendar is not None:
            encoded = _base64(calendar.content)
            plain = calendar.content.isascii()
            slots["encoding"] = b"7bit" if plain else b"base64"
            slots["calendar"] = calendar.content if plain else encoded
            slots["ics"] = encoded
        return b"".join(
            slots[piece] if index % 2 else piece.encode() for index, piece in enumerate(self._pieces)
        )


def _quoted_printable(line: str) -> str:
    encoded: str = body_encode(line.encode().decode("latin-1"), LINE_LENGTH)
    return encoded.replace("\n", "\r\n") + "\r\n"


def _base64(content: bytes) -> bytes:
    step = LINE_LENGTH // 4 * 3
    lines = (
        binascii.b2a_base64(content[at : at + step], newline=False) for at in range(0, len(content), step)
    )
    return b"\r\n".join(lines) + b"\r\n"
