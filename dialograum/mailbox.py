"""The demo's mailbox: every mail as it looks, with its links. It exists only in the demo."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Template

from dialograum.settings import Settings
from events.controllers import NO_FORMS
from notifications.delivery import Folder

NEWEST = 100
LINK = re.compile(r"https?://[^\s<>\"']+")
MAIL_CSP = "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


@dataclass(frozen=True)
class Mail:
    """One mail as the mailbox shows it; `calendar` is its calendar part and method."""

    name: str
    sender: str
    to: str
    subject: str
    sent_at: datetime | None
    text: str
    html: str
    links: Sequence[str]
    calendar: str | None
    calendar_method: str | None


class MailboxPages(Controller):
    path = "/mailbox"
    include_in_schema = False
    opt = NO_FORMS
    response_headers = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}

    @get("/", name="mailbox")
    async def mails(self, settings: NamedDependency[Settings]) -> Template:
        names = Folder(settings.mail_dir).names()[::-1]
        return Template(
            "pages/mailbox.html",
            context={
                "mails": [_read(settings, name) for name in names[:NEWEST]],
                "total": len(names),
                "mail": None,
            },
        )

    @get("/{name:str}", name="mail")
    async def mail(self, name: FromPath[str], settings: NamedDependency[Settings]) -> Template:
        return Template(
            "pages/mailbox.html", context={"mails": [], "total": 0, "mail": _read(settings, name)}
        )

    @get("/{name:str}/html")
    async def html(self, name: FromPath[str], settings: NamedDependency[Settings]) -> Response[str]:
        return Response(
            _read(settings, name).html,
            media_type="text/html",
            headers={"Content-Security-Policy": MAIL_CSP, "X-Frame-Options": "SAMEORIGIN"},
        )

    @get("/{name:str}/calendar.ics")
    async def calendar(self, name: FromPath[str], settings: NamedDependency[Settings]) -> Response[str]:
        mail = _read(settings, name)
        if mail.calendar is None:
            raise NotFoundException()
        return Response(mail.calendar, media_type="text/calendar")


def _read(settings: Settings, name: str) -> Mail:
    """Raises NotFoundException."""
    content = Folder(settings.mail_dir).read(name)
    if content is None:
        raise NotFoundException()
    message: Any = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    calendar = next((part for part in message.walk() if part.get_content_type() == "text/calendar"), None)
    text = plain.get_content() if plain else ""
    date: Any = message["Date"]
    return Mail(
        name=name,
        sender=str(message["From"]),
        to=str(message["To"]),
        subject=str(message["Subject"]),
        sent_at=date.datetime if date else None,
        text=text,
        html=html.get_content() if html else "",
        links=list(dict.fromkeys(LINK.findall(text))),
        calendar=calendar.get_content() if calendar else None,
        calendar_method=calendar.get_param("method") if calendar else None,  # type: ignore[arg-type]
    )
