"""Mails to organisers: what they must know or decide about the mode of their events. None carries a calendar part.

A kind is a folder in `templates/mail/organisers/`; its `words.txt` says what, its `rows.txt` lists the facts.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from jinja2 import Environment

from events.calendar import Party
from notifications.delivery import Letter
from notifications.mail import (
    OF_NO_ATTENDEE,
    Recipient,
    Sender,
    build,
    clean,
    content_of,
    envelope_address,
    render,
)
from notifications.outbox import Claim

FOLDER = "mail/organisers"

SOURCE_FAILED = "source_failed"
MODE_PROPOSED = "mode_proposed"
MODE_SWITCHED = "mode_switched"
SWITCH_HELD = "switch_held"
SERVERS_SILENT = "servers_silent"

KINDS = (SOURCE_FAILED, MODE_PROPOSED, MODE_SWITCHED, SWITCH_HELD, SERVERS_SILENT)
"""The kinds of messages that are for organisers."""


class Language(Protocol):
    """What a mail says of its language; its templates may know more."""

    @property
    def code(self) -> str: ...


class OrganiserComposer:
    """Makes the mails to organisers of an installation.

    A message's context holds its facts, and `path`, the address below `base_url` that the mail asks to open.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        sender: Party,
        base_url: str,
        privacy_url: str,
        imprint_url: str,
        languages: Mapping[str, Language],
        default_language: str,
    ) -> None:
        self._environment, self._sender = environment, sender
        self._base_url = base_url.rstrip("/")
        self._privacy_url, self._imprint_url = privacy_url, imprint_url
        self._languages, self._default_language = languages, default_language

    async def compose(self, messages: Sequence[Claim]) -> Callable[[Claim], Letter]:
        """Nothing needs to be looked up: a message holds all that its mail says."""
        return self.letter

    def letter(self, message: Claim) -> Letter:
        """The finished mail of a message; raises CannotCompose where the address cannot be used."""
        address = envelope_address(message.recipient)
        language = self._languages.get(message.language) or self._languages[self._default_language]
        mail = build(
            render(self._environment, message.kind, clean(self._facts(message, language)), FOLDER),
            Sender(self._sender.address, self._sender.name),
            Recipient(message.recipient_name, address, language.code),
            message_id=message.message_id,
            sent_at=datetime.now(UTC),
        )
        return Letter(
            id=message.id,
            created_at=message.created_at,
            sender=self._sender.address,
            recipient=address,
            content=content_of(mail),
        )

    def _facts(self, message: Claim, language: Language) -> dict[str, Any]:
        """All that the templates know; of what the layouts ask about attendees there is nothing."""
        starts = message.context.get("starts_local")
        return {
            **OF_NO_ATTENDEE,
            **message.context,
            "starts_local": datetime.fromisoformat(starts) if starts else None,
            "kind": message.kind,
            "called": message.recipient_name,
            "language": language,
            "links": {
                **OF_NO_ATTENDEE["links"],
                "main": self._base_url + message.context["path"],
                "privacy": self._privacy_url,
                "imprint": self._imprint_url,
            },
        }
