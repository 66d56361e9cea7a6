"""Mails about a registration: the facts of their cause, the links of this moment, and the calendar part."""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, Protocol
from uuid import UUID

import msgspec
from jinja2 import Environment

from events.calendar import Method, Party
from events.rules import Attendance, EventStatus
from notifications.delivery import Letter
from notifications.errors import CannotCompose
from notifications.forms import SAMPLE, Envelope, Form, gap
from notifications.mail import (
    CalendarPart,
    Recipient,
    Sender,
    build,
    clean,
    envelope_address,
    host_of,
    one_line,
    render,
    several_lines,
)
from notifications.outbox import Claim
from registration.calendar import PersonalCalendars
from registration.links import Links
from registration.news import ANNOUNCEMENT, INVITING, programme_changes
from registration.rules import ACTIVE, RegistrationStatus
from registration.stated import event_stated, local_times, plan_stated, why_stated
from registration.tables import Registration

Facts = dict[str, Any]

REVOKING = {"registration_cancelled", "event_cancelled"}
"""Kinds that carry a calendar CANCEL for those who got a REQUEST."""

CHANGEABLE = ("time", "place", "mode", "title", "programme", "attendance", "seats", "groups", "name", "email")

FORESEEING = {"confirmed", "promoted"}
"""Kinds by which somebody learns of a place that is certain: they say when the event would move."""

FORMS_KEPT = 200
"""How many written mails are kept to be filled again; those of an event differ by status, groups and language."""


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


class Nonces(NamedTuple):
    """What a registration's links are made of at present, by their purposes."""

    confirm: str
    own: str
    join: str
    unsubscribe: str = ""


NO_LINKS = Nonces(*["0" * 16] * 4)
"""What the links of a mail to oneself are made of: they open nothing."""

_NOBODY = UUID(int=0)


@dataclass(frozen=True)
class _Written:
    """A mail but for what is the person's alone."""

    form: Form
    calendars: PersonalCalendars | None
    method: Literal["REQUEST", "CANCEL"] | None


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
        self._forms: OrderedDict[bytes, _Written] = OrderedDict()

    async def compose(self, messages: Sequence[Claim]) -> Callable[[Claim], Letter]:
        """Looks up in one go what the mails of these messages need.

        What it answers writes each as `letter` does, and raises CannotCompose where the registration is gone.
        """
        rows = await Registration.raw(
            "SELECT id, confirm_nonce, own_nonce, join_nonce, unsubscribe_nonce FROM registration"
            " WHERE id = ANY({}::uuid[])",
            [message.about for message in messages],
        )
        found = {
            row["id"]: Nonces(
                row["confirm_nonce"], row["own_nonce"], row["join_nonce"], row["unsubscribe_nonce"]
            )
            for row in rows
        }

        def write(message: Claim) -> Letter:
            if _is_test(message):
                return self.letter(message, NO_LINKS)
            if message.about not in found:
                raise CannotCompose("the registration is gone")
            return self.letter(message, found[message.about])

        return write

    def letter(self, message: Claim, nonces: Nonces) -> Letter:
        """The finished mail of a message, with the links that the registration has now.

        Raises CannotCompose where the address cannot be used.
        """
        about = message.about or _NOBODY
        written = self._written(message)
        address = envelope_address(message.recipient)
        stated = message.context["registration"]
        values = {
            "name": one_line(stated["name"]),
            "number": one_line(stated["number"]),
            "uid": one_line(stated["uid"]),
            **self._tokens(about, nonces),
        }
        if message.kind == ANNOUNCEMENT:
            values["unsubscribe"] = self._links.token("unsubscribe", about, nonces.unsubscribe)
        calendar = None
        if written.calendars is not None and written.method is not None:
            attendee = Party(message.recipient_name, address)
            content = written.calendars.filled(attendee, message.created_at, values)
            calendar = CalendarPart(content, written.method)
        envelope = Envelope(
            Recipient(message.recipient_name, address, ""),
            message.message_id,
            datetime.now(UTC),
            f"<registration-{about}@{self._host}>",
        )
        return Letter(
            id=message.id,
            created_at=message.created_at,
            sender=self._sender.address,
            recipient=address,
            content=written.form.filled(envelope, values, calendar),
        )

    def _tokens(self, registration_id: UUID, nonces: Nonces) -> dict[str, str]:
        return {
            "confirm": self._links.token("confirm", registration_id, nonces.confirm),
            "own": self._links.token("own", registration_id, nonces.own),
            "join": self._links.token("join", registration_id, nonces.join),
        }

    def _written(self, message: Claim) -> _Written:
        """The form of a message, kept for further ones that state the same but for what is the person's alone."""
        context = _with_gaps(message.context)
        own = {name: value for name, value in context.items() if name not in message.shares}
        stated = msgspec.json.encode([message.kind, message.language, message.shared, own])
        if (known := self._forms.get(stated)) is not None:
            self._forms.move_to_end(stated)
            return known
        said = _organiser_words(context)
        written = self._write(message.kind, message.language, clean(context) | said)
        self._forms[stated] = written
        if len(self._forms) > FORMS_KEPT:
            self._forms.popitem(last=False)
        return written

    def _write(self, kind: str, language: str, context: Facts) -> _Written:
        facts = self._facts(kind, language, context)
        method, calendar = facts["invitation"], None
        if method is not None:
            calendar = CalendarPart(self._calendar(context, facts), method.value)
        contact = facts["event"]["contact"] or {}
        mail = build(
            render(self._environment, kind, facts),
            Sender(self._sender.address, self._sender.name, reply_to=contact.get("email")),
            replace(SAMPLE.recipient, language=facts["language"].code),
            message_id=SAMPLE.message_id,
            sent_at=SAMPLE.sent_at,
            thread=SAMPLE.thread,
            calendar=calendar and CalendarPart(b"", calendar.method),
            unsubscribe=facts["links"]["unsubscribe"],
        )
        return _Written(
            Form(mail),
            PersonalCalendars(calendar.content) if calendar else None,
            calendar.method if calendar else None,
        )

    def _facts(self, kind: str, language: str, context: Facts) -> Facts:
        """All that the templates of `templates/mail/` know; the person's own words are gaps."""
        event, registration = event_stated(context["event"]), local_times(context["registration"])
        changes = {change["what"]: local_times(change) for change in context.get("changes") or ()}
        counts = registration["status"] in ACTIVE and event["status"] != EventStatus.CANCELLED
        active = counts and kind != "thanks"
        is_online = registration["attendance"] == Attendance.ONLINE
        leads_in = kind == "starts_soon" or ("mode" in changes and is_online)
        return {
            "kind": kind,
            "language": self._language(language, event["default_language"]),
            "event": event,
            "registration": registration,
            "changed": set(changes),
            "before": {what: changes.get(what, {}).get("before") for what in CHANGEABLE},
            "programme": [
                local_times(session) for session in programme_changes(changes.get("programme", {}))
            ],
            "reminder": context.get("reminder") or {"text": {}},
            "moved": {
                session["key"]: session["before"]
                for session in changes.get("groups", {}).get("sessions") or ()
            },
            "reason": context.get("reason"),
            "announcement": context["announcement"],
            "by": context.get("by"),
            "called": registration["called"],
            "active": active,
            "asks": active and registration["needs_confirmation"],
            "invitation": _invitation(kind, event, registration),
            "leads_in": leads_in,
            "why": why_stated(context.get("why")),
            "plan": plan_stated(event)
            if kind in FORESEEING
            and registration["status"] == RegistrationStatus.CONFIRMED
            and "mode" not in changes
            else None,
            "links": self._links_of(kind, event, registration, active=active, leads_in=leads_in),
        }

    def _language(self, *codes: str) -> Language:
        known = (self._languages[code] for code in codes if code in self._languages)
        return next(known, self._languages[self._default_language])

    def _links_of(
        self, kind: str, event: Facts, registration: Facts, *, active: bool, leads_in: bool
    ) -> dict[str, str | None]:
        """Only confirmed people get a link to join, and only who must confirm one to do so.

        An announcement has one's own link also after the registration has ended, and one to unsubscribe. `main` is
        the one that the mail asks to open. Tokens are gaps.
        """
        page, own, confirm, join = f"{self._base_url}/events/{event['slug']}", None, None, None
        is_announcement = kind == ANNOUNCEMENT
        if active or is_announcement:
            own = self._links.address("own", gap("own"))
        if active:
            if registration["needs_confirmation"]:
                confirm = self._links.address("confirm", gap("confirm"))
            if registration["status"] == RegistrationStatus.CONFIRMED:
                join = self._links.address("join", gap("join"))
        return {
            "main": (join if leads_in else None) or confirm or own or page,
            "own": own,
            "join": join,
            "calendar": f"{own}/calendar.ics" if own else None,
            "page": page,
            "unsubscribe": self._links.address("unsubscribe", gap("unsubscribe"))
            if is_announcement
            else None,
            "privacy": self._privacy_url,
            "imprint": self._imprint_url,
        }

    def _calendar(self, stated: Facts, facts: Facts) -> bytes:
        return self._calendars.personal(
            stated["event"],
            stated["registration"],
            facts["language"],
            method=facts["invitation"],
            attendee=Party("", SAMPLE.recipient.address),
            own_url=facts["links"]["own"],
            join_url=facts["links"]["join"],
            at=SAMPLE.sent_at,
        )


def _is_test(message: Claim) -> bool:
    return message.kind == ANNOUNCEMENT and message.about is None


def _organiser_words(context: Facts) -> Facts:
    """What an organiser has written keeps its lines; `None` in all other mails."""
    said = context.get("announcement")
    if said is None:
        return {"announcement": None}
    texts = {code: several_lines(text) for code, text in said["texts"].items()}
    return {"announcement": {"is_test": False, **clean(said), "texts": texts}}


def _with_gaps(context: Facts) -> Facts:
    """The facts of a message without what is the person's alone, so that many messages have the same."""
    stated = context["registration"]
    gaps = {name: gap(name) for name in ("name", "number", "uid")}
    return {
        **context,
        "registration": {**stated, **gaps, "called": gaps["name"] if called(stated["name"]) else None},
    }


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
