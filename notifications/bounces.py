"""Mails that come back, read: delivery reports (RFC 3464, RFC 6533) and automatic answers (RFC 3834)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import Message as Mail
from enum import StrEnum
from uuid import UUID

from notifications.reasons import reason

LARGEST = 1_000_000
"""Bytes of a mail that comes back; ours are a fiftieth of that."""


@dataclass(frozen=True)
class Bounce:
    """A mail that was given up for good. `messages` may be its id, the likeliest first; `reason` holds no address."""

    messages: tuple[UUID, ...]
    reason: str


class Other(StrEnum):
    """What else may come back."""

    DELAYED = "delayed"
    """Or delivered or passed on: in any case not given up."""

    AUTOMATIC = "automatic"
    """An automatic answer, a receipt, or the answer of a calendar: nothing that anybody has to read."""

    UNKNOWN = "unknown"


def read(content: bytes) -> Bounce | Other:
    """What a mail says, whatever bytes it is made of."""
    try:
        return _read(message_from_bytes(content))
    except RecursionError:  # parts in parts in parts
        return Other.UNKNOWN


def _read(mail: Mail) -> Bounce | Other:
    if mail.get_content_type() == "multipart/report":
        if (found := _report(mail)) is not None:
            return found
        if mail.get_param("report-type", "delivery-status") != "delivery-status":
            return Other.AUTOMATIC  # that it was read, or is thought unwanted
    return Other.AUTOMATIC if _is_automatic(mail) else Other.UNKNOWN


def _report(mail: Mail) -> Bounce | Other | None:
    parts = _parts(mail)
    fields = [block for part in parts if part.get_content_type() in _STATUS for block in _blocks(part)]
    actions = [block for block in fields if block["Action"] is not None]
    if not actions:
        return None
    # Given up is given up: also what was put off too often and has a status 4.x.x.
    failed = next((block for block in actions if _word(block, "Action") == "failed"), None)
    if failed is None or _value(failed, "Status").startswith("2"):
        return Other.DELAYED
    addresses = [
        _value(failed, name).rpartition(";")[2].strip() for name in ("Original-Recipient", "Final-Recipient")
    ]
    said = f"{_value(failed, 'Status')} {_value(failed, 'Diagnostic-Code').partition(';')[2]}"
    return Bounce(tuple(dict.fromkeys(_messages(mail, parts, fields))), reason(said, *addresses))


_STATUS = {"message/delivery-status", "message/global-delivery-status"}
_RETURNED = {"message/rfc822", "message/global", "message/global-headers", "text/rfc822-headers"}


def _messages(mail: Mail, parts: list[Mail], fields: list[Mail]) -> Iterator[UUID]:
    for part in parts:
        if part.get_content_type() in _RETURNED:
            for block in _blocks(part):
                yield from _ids(_value(block, "Message-ID"))
    for block in fields:
        yield from _ids(f"<{_value(block, 'Original-Envelope-Id')}@>")
    for name in ("In-Reply-To", "References"):
        yield from _ids(_value(mail, name))


def _ids(text: str) -> Iterator[UUID]:
    """The ids of messages in their Message-IDs, which nobody can guess."""
    for found in re.finditer(r"<([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@", text, re.IGNORECASE):
        yield UUID(found[1])


def _parts(mail: Mail) -> list[Mail]:
    payload = mail.get_payload()
    return [part for part in payload if isinstance(part, Mail)] if isinstance(payload, list) else []


def _blocks(part: Mail) -> Iterator[Mail]:
    """The groups of fields of a part, however the library has taken it apart."""
    if not part.is_multipart():
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            yield message_from_bytes(content)
        return
    for block in _parts(part):
        yield block
        if part.get_content_type() in _STATUS and not block.is_multipart():
            for text in re.split(r"\r?\n\r?\n", str(block.get_payload())):
                yield message_from_string(text.lstrip())


def _is_automatic(mail: Mail) -> bool:
    if _word(mail, "Auto-Submitted") not in ("", "no"):
        return True
    if any(mail[name] is not None for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Reply-From")):
        return True
    if _word(mail, "Precedence") in ("bulk", "junk", "list", "auto_reply"):
        return True
    return any(
        part.get_content_type() == "text/calendar" and str(part.get_param("method")).lower() == "reply"
        for part in mail.walk()
    )


def _value(fields: Mail, name: str) -> str:
    return " ".join(str(fields.get(name, "")).split())


def _word(fields: Mail, name: str) -> str:
    """The value without parameters and comments, in small letters."""
    return re.split(r"[;(\s]", _value(fields, name).lower(), maxsplit=1)[0]
