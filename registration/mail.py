"""Mails about a registration: the facts of their cause, the links of this moment, and the calendar part."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any, Protocol

from jinja2 import Environment

from events.calendar import Method, Party
from events.rules import EventStatus
from notifications.errors import CannotCompose
from notifications.mail import (
    CalendarPart,
    Recipient,
    Sender,
    build,
    clean,
    envelope_address,
    host_of,
    render,
)
from notifications.outbox import Claim
from registration.links import Links
from registration.messages import INVITING
from registration.rules import ACTIVE, RegistrationStatus
from registration.tables import Registration

Facts = dict[str, Any]

REVOKING = {"registration_cancelled", "event_cancelled"}
"""Kinds that carry a calendar CANCEL for those who got a REQUEST."""

CHANGEABLE = ("time", "place", "mode", "title", "programme", "attendance", "seats", "groups", "name", "email")


class Language(Protocol):
    """What a mail says of its language; its templates may know more."""

    @property
    def code(self) -> str: ...


class Calendars(Protocol):
    """Writes personal calendar files from facts."""

    def personal(
        self,
        event: Facts,
        registration: Facts,
        language: Any,
        *,
        method: Method,
        attendee: Party | None,
        own_url: str | None,
        join_url: str | None,
        at: datetime,
    ) -> bytes: ...


class Composer:
    """Makes the mails of an installation.

    `sender` is the organiser in calendars too; without a name it is called after the town. `privacy_url` and
    `imprint_url` are addresses in full.
    """

    def __init__(
        self,
        environment: Environment,
        links: Links,
        calendars: Calendars,
        *,
        sender: Party,
        base_url: str,
        privacy_url: str,
        imprint_url: str,
        languages: Mapping[str, Language],
        default_language: str,
    ) -> None:
        self._environment, self._links, self._calendars, self._sender = environment, links, calendars, sender
        self._base_url, self._host = base_url.rstrip("/"), host_of(base_url)
        self._privacy_url, self._imprint_url = privacy_url, imprint_url
        self._languages, self._default_language = languages, default_language

    async def compose(self, message: Claim) -> EmailMessage:
        """The finished mail. Raises CannotCompose where the registration is gone or an address cannot be used."""
        row = await Registration.objects().where(Registration.id == message.about).first()
        if row is None:
            raise CannotCompose("the registration is gone")
        return self.mail(message, row)

    def mail(self, message: Claim, row: Registration) -> EmailMessage:
        """The mail of a message, with the links that the registration has now. Raises CannotCompose."""
        facts = self._facts(message, row)
        recipient = Party(message.recipient_name, envelope_address(message.recipient))
        calendar = None
        if facts["invitation"] is not None:
            calendar = CalendarPart(self._calendar(message, facts, recipient), facts["invitation"].value)
        contact = facts["event"]["contact"] or {}
        return build(
            render(self._environment, message.kind, facts),
            Sender(self._sender.address, self._sender.name, reply_to=contact.get("email")),
            Recipient(recipient.name, recipient.address, facts["language"].code),
            message_id=message.message_id,
            sent_at=datetime.now(UTC),
            thread=f"<registration-{message.about}@{self._host}>",
            calendar=calendar,
        )

    def _facts(self, message: Claim, row: Registration) -> Facts:
        """All that the templates of `templates/mail/` know."""
        context = clean(message.context)
        event, registration = _event(context["event"]), _local_times(context["registration"])
        changes = {change["what"]: _local_times(change) for change in context.get("changes") or ()}
        active = registration["status"] in ACTIVE and event["status"] != EventStatus.CANCELLED
        invitation = _invitation(message.kind, event, registration)
        return {
            "kind": message.kind,
            "language": self._language(message.language, event["default_language"]),
            "event": event,
            "registration": registration,
            "changed": set(changes),
            "before": {what: changes.get(what, {}).get("before") for what in CHANGEABLE},
            "reason": context.get("reason"),
            "by": context.get("by"),
            "called": called(registration["name"]),
            "active": active,
            "asks": active and registration["needs_confirmation"],
            "invitation": invitation,
            "links": self._links_of(row, event, registration, active=active),
        }

    def _language(self, *codes: str) -> Language:
        known = (self._languages[code] for code in codes if code in self._languages)
        return next(known, self._languages[self._default_language])

    def _links_of(
        self, row: Registration, event: Facts, registration: Facts, *, active: bool
    ) -> dict[str, str | None]:
        """Only confirmed people get a link to join, and only who must confirm one to do so.

        `main` is the one that the mail asks to open.
        """
        page, own, confirm, join = f"{self._base_url}/events/{event['slug']}", None, None, None
        if active:
            own = self._links.url("own", row.id, row.own_nonce)
            if registration["needs_confirmation"]:
                confirm = self._links.url("confirm", row.id, row.confirm_nonce)
            if registration["status"] == RegistrationStatus.CONFIRMED:
                join = self._links.url("join", row.id, row.join_nonce)
        return {
            "main": confirm or own or page,
            "own": own,
            "join": join,
            "calendar": f"{own}/calendar.ics" if own else None,
            "page": page,
            "privacy": self._privacy_url,
            "imprint": self._imprint_url,
        }

    def _calendar(self, message: Claim, facts: Facts, recipient: Party) -> bytes:
        stated = clean(message.context)
        return self._calendars.personal(
            stated["event"],
            stated["registration"],
            facts["language"],
            method=facts["invitation"],
            attendee=recipient,
            own_url=facts["links"]["own"],
            join_url=facts["links"]["join"],
            at=message.created_at,
        )


def _invitation(kind: str, event: Facts, registration: Facts) -> Method | None:
    if kind in REVOKING and registration["invited"]:
        return Method.CANCEL
    if (
        kind in INVITING
        and registration["status"] == RegistrationStatus.CONFIRMED
        and event["status"] != EventStatus.CANCELLED
    ):
        return Method.REQUEST
    return None


_NOT_A_NAME = re.compile(r"[/@]|\.\w{2}|\d{4}|www", re.IGNORECASE)


def called(name: str) -> str | None:
    """The name, if it is one: strangers' registrations must not carry advertising into other people's mail."""
    return None if len(name) > 80 or _NOT_A_NAME.search(name) else name


def _event(stated: Facts) -> Facts:
    event = _local_times(stated)
    contact = event.get("contact")
    return {
        **event,
        "venues": [{**venue, "line": _line(venue)} for venue in event["venues"]],
        "sessions": [_local_times(session) for session in event["sessions"]],
        "contact": {"role": None, "name": None, "email": None, "phone": None, **contact} if contact else None,
    }


def _line(venue: Facts) -> str:
    town = " ".join(filter(None, (venue["postal_code"], venue["locality"])))
    return ", ".join(filter(None, (venue["name"], venue["room"], venue["street"], town)))


def _local_times(facts: Facts) -> Facts:
    """The same with local times for ISO texts, one level further down too."""
    return {
        name: datetime.fromisoformat(value)
        if name.endswith("_local") and value is not None
        else _local_times(value)
        if isinstance(value, dict)
        else value
        for name, value in facts.items()
    }
