"""Mails as they leave: words from the templates, headers, and the parts in an order that mail programs understand."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import urlsplit

import css_inline
import idna
from jinja2 import Environment
from jinja2.runtime import Macro

from notifications.errors import CannotCompose


@dataclass(frozen=True)
class Words:
    """Who writes, the subject, and the two texts."""

    sender: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class CalendarPart:
    """An iCalendar object; `method` is the METHOD that stands in it."""

    content: bytes
    method: Literal["REQUEST", "CANCEL"]


@dataclass(frozen=True)
class Sender:
    """The address of the town, and where answers go: to the organiser of the event where that can be written to.

    Without a name it is that of the words.
    """

    address: str
    name: str = ""
    reply_to: str | None = None


@dataclass(frozen=True)
class Recipient:
    """Whom the mail is for, in a language (a code)."""

    name: str
    address: str
    language: str


OF_NO_ATTENDEE: Mapping[str, Any] = {
    **dict.fromkeys(("asks", "active", "leads_in", "invitation", "changed", "announcement", "plan"), ()),
    "event": {"contact": None},
    "registration": {"status": None, "attendance": None},
    "reminder": {"text": {}},
    "links": {"join": None, "unsubscribe": None},
}
"""What the layouts ask about attendees, their event and what is told them, for mails to others."""

SUBJECT_LENGTH = 150
NAME_LENGTH = 80
CALENDAR_FILE = "calendar.ics"


def render(environment: Environment, kind: str, facts: Mapping[str, Any], folder: str = "mail") -> Words:
    """The words of `templates/<folder>/<kind>/` in the frame of all mails. `facts` have gone through `clean`.

    What a mail says stands once, in `words.txt` of its kind, and in `parts.txt` and `facts.txt` of the folder, which
    is one for each audience; two layouts make text and HTML of it.
    """
    words = _said(environment, f"{folder}/{kind}/words.txt", facts)
    rows = environment.get_template(f"{folder}/facts.txt").make_module(dict(facts)).rows  # type: ignore[attr-defined]
    subject = environment.get_template(f"{folder}/{kind}/subject.txt").render(facts)
    parts = _said(environment, f"{folder}/parts.txt", facts)
    shown = {
        **facts,
        "subject": one_line(subject, SUBJECT_LENGTH),
        "heading": words["heading"],
        "lead": [one_line(part.replace("\n", " ")) for part in re.split(r"\n\s*\n", words["lead"])],
        "notice": words.get("notice", "").splitlines(),
        "rows": [
            {"more": (), "separator": ", ", "before": None, "direction": None, **row} for row in rows if row
        ],
        "parts": parts,
    }
    return _framed(environment, shown)


def render_apart(environment: Environment, name: str, facts: Mapping[str, Any]) -> Words:
    """The words of `templates/mail/<name>.txt`, which tells of no event, in the frame of all mails.

    `facts` hold the `language` and the `links`: `main`, `imprint` and `privacy`.
    """
    words = _said(environment, f"mail/{name}.txt", facts)
    return _framed(
        environment,
        {
            **OF_NO_ATTENDEE,
            "notice": (),
            "rows": (),
            **facts,
            "links": {**OF_NO_ATTENDEE["links"], **facts["links"]},
            "kind": name,
            "subject": one_line(words["subject"], SUBJECT_LENGTH),
            "heading": words["heading"],
            "lead": [words["lead"]],
            "parts": words,
        },
    )


def _framed(environment: Environment, shown: Mapping[str, Any]) -> Words:
    text = environment.get_template("mail/layout.txt").render(shown)
    html = environment.get_template("mail/layout.html").render(shown)
    return Words(
        sender=shown["parts"]["sender"],
        subject=shown["subject"],
        text=re.sub(r"\n{3,}", "\n\n", text).strip() + "\n",
        html=_INLINER.inline(html),
    )


def _said(environment: Environment, template: str, facts: Mapping[str, Any]) -> dict[str, str]:
    """What the macros of a template say, by their names."""
    module = environment.get_template(template).make_module(dict(facts))
    return {
        name: str(value()).strip()
        for name, value in vars(module).items()
        if isinstance(value, Macro) and not value.arguments
    }


_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False)


def build(
    words: Words,
    sender: Sender,
    recipient: Recipient,
    *,
    message_id: str,
    sent_at: datetime,
    thread: str | None = None,
    calendar: CalendarPart | None = None,
    calendar_attached: bool = True,
    unsubscribe: str | None = None,
) -> EmailMessage:
    """The mail to one person.

    `thread` is the Message-ID that all mails about one thing refer to. The calendar part is the last
    alternative, and once more an attachment for programs that show only those. `unsubscribe` is an address that
    ends such mails by one POST (RFC 8058). Raises CannotCompose where the address cannot be written to.
    """
    mail = EmailMessage(policy=POLICY)
    mail["From"] = _address(sender.name or words.sender, sender.address)
    mail["To"] = _address(recipient.name, recipient.address)
    if sender.reply_to:
        with suppress(CannotCompose):
            mail["Reply-To"] = _address("", sender.reply_to)
    mail["Subject"] = words.subject
    mail["Date"] = sent_at
    mail["Message-ID"] = message_id
    if thread:
        mail["In-Reply-To"] = thread
        mail["References"] = thread
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    if unsubscribe:
        mail["List-Unsubscribe"] = f"<{unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(words.text, cte="quoted-printable")
    mail.add_alternative(words.html, subtype="html", cte="quoted-printable")
    if calendar:
        mail.add_alternative(
            calendar.content.decode(),
            subtype="calendar",
            cte="7bit" if calendar.content.isascii() else "base64",
            params={"method": calendar.method, "component": "VEVENT"},
        )
        if calendar_attached:
            mail.add_attachment(
                calendar.content,
                maintype="application",
                subtype="ics",
                filename=CALENDAR_FILE,
                params={"name": CALENDAR_FILE},
            )
    # Last, for adding a part moves all Content-* headers into it.
    mail["Content-Language"] = recipient.language
    return mail


def content_of(mail: EmailMessage) -> bytes:
    """The mail as it goes over the wire: 7 bit, CRLF, no line above 998 octets."""
    return mail.as_bytes(policy=POLICY)


def to_header(recipient: Recipient) -> bytes:
    """The header `To` as it stands in the mail. Raises CannotCompose."""
    name = _shown(recipient.name)
    if _PLAIN_NAME.fullmatch(name):
        written = f"To: {name} <{envelope_address(recipient.address)}>\r\n"
        if len(written) <= LINE_LENGTH:
            return written.encode("ascii")
    folded: str = POLICY.header_factory("To", _address(name, recipient.address)).fold(policy=POLICY)
    return folded.encode("ascii")


_PLAIN_NAME = re.compile(r"[A-Za-z0-9'-]+( [A-Za-z0-9'-]+)*")
"""What stands in a header as it is; the library takes a third of a millisecond to find that out."""


class _Subject(UnstructuredHeader):
    """One line of text. The library would decode what looks like an encoded word, and begin a long one below."""

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        kwds["decoded"], kwds["parse_tree"] = value, None

    def fold(self, *, policy: EmailPolicy) -> str:
        charset = "us-ascii" if self.isascii() and "=?" not in self else "utf-8"  # type: ignore[attr-defined, operator]
        written = Header(str(self), charset, maxlinelen=76, header_name="Subject")
        return f"Subject: {written.encode(linesep=policy.linesep)}{policy.linesep}"


class _Identifiers(UnstructuredHeader):
    """Message-IDs, and addresses in such brackets. The library would break long ones into encoded words."""

    def fold(self, *, policy: EmailPolicy) -> str:
        name: str = self.name  # type: ignore[attr-defined]
        return f"{name}:" + "".join(f" {identifier}{policy.linesep}" for identifier in str(self).split())


class _Headers(HeaderRegistry):
    """The library makes a new class for every header of every mail, which costs more than writing it."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, type[BaseHeader]] = {}

    def __getitem__(self, name: str) -> type[BaseHeader]:
        if name not in self._made:
            self._made[name] = super().__getitem__(name)
        return self._made[name]


_HEADERS = _Headers()
for _name, _header in {
    "subject": _Subject,
    "message-id": _Identifiers,
    "in-reply-to": _Identifiers,
    "references": _Identifiers,
    "list-unsubscribe": _Identifiers,
}.items():
    _HEADERS.map_to_type(_name, _header)  # type: ignore[arg-type]

LINE_LENGTH = 78
POLICY = SMTP.clone(cte_type="7bit", header_factory=_HEADERS, max_line_length=LINE_LENGTH)


_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def envelope_address(address: str) -> str:
    """The address in ASCII, its domain in Punycode. Raises CannotCompose for what is not one plain address."""
    local_part, _, domain = address.rpartition("@")
    if not _LOCAL_PART.fullmatch(local_part):
        raise CannotCompose("the address cannot be used")
    try:
        return f"{local_part}@{_punycode(domain)}"
    except UnicodeError as error:
        raise CannotCompose("the address cannot be used") from error


@lru_cache(maxsize=1024)
def _punycode(domain: str) -> str:
    return idna.encode(domain, uts46=True).decode()


def host_of(base_url: str) -> str:
    """The host of an address in ASCII, as it stands in Message-IDs."""
    host = urlsplit(base_url).hostname or ""
    try:
        return _punycode(host)
    except UnicodeError:
        return host if re.fullmatch(r"[0-9.]+", host) else "localhost"


def _address(name: str, address: str) -> Address:
    return Address(display_name=_shown(name), addr_spec=envelope_address(address))


def _shown(name: str) -> str:
    # Some versions of the library lose the quotes around a name that they fold, and a comma then begins the next
    # address: so nothing is left that needs quotes, or looks like an encoded word.
    return one_line(re.sub(r'[()<>\[\]:;@\\,"=]', " ", name), NAME_LENGTH)


# Controls, line and paragraph separators, overrides of the writing direction, and halves of surrogate pairs
_UNSEEN = "\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
_NOT_IN_A_LINE = re.compile(f"[{_UNSEEN}]+")


def one_line(text: str, limit: int | None = None) -> str:
    """One line without anything unseen that could end it or turn it round, cut to `limit` characters."""
    line = " ".join(part for part in re.split("[ \t]+", _NOT_IN_A_LINE.sub(" ", text)) if part)
    return line if limit is None or len(line) <= limit else line[: limit - 1].rstrip() + "…"


_LINE_ENDS = re.compile("\r\n|[\r\n\x0b\x0c\x85\u2028\u2029]")


def several_lines(text: str) -> str:
    """The text with its lines and their indentation, free of what is not seen, without empty lines around it."""
    lines = (_NOT_IN_A_LINE.sub("", line.replace("\t", "    ")).rstrip() for line in _LINE_ENDS.split(text))
    return "\n".join(lines).strip("\n")


def clean(value: Any) -> Any:
    """Facts with every string on one line, free of what is not seen."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, Mapping):
        return {key: clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value
