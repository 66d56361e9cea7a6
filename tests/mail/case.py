"""A mail of the tests: what it is about, as an action writes it into the outbox, and what makes it."""

from dataclasses import dataclass, field
from typing import Any

from jinja2 import Environment

from dialograum.calendars import Calendars
from dialograum.languages import LANGUAGES
from dialograum.pages import Site, environment
from events.calendar import Party
from events.details import EventDetails
from notifications.outbox import Claim
from registration.facts import event_facts, registration_facts
from registration.mail import Composer
from tests.events.examples import dialogue
from tests.mail.examples import (
    AT,
    BASE_URL,
    LINKS,
    MESSAGE_ID,
    registration,
)

SITE = Site(
    town="Gütersloh",
    base_url=BASE_URL,
    privacy_url=f"{BASE_URL}/privacy",
    imprint_url=f"{BASE_URL}/imprint",
    languages=tuple(LANGUAGES.values()),
    default_language=LANGUAGES["de"],
)


def composer(made: Environment | None = None) -> Composer:
    made = made or environment(SITE, assets={})
    return Composer(
        made,
        LINKS,
        Calendars(made, SITE, "dialog@example.org"),
        sender=Party("", "dialog@example.org"),
        base_url=BASE_URL,
        privacy_url=SITE.privacy_url,
        imprint_url=SITE.imprint_url,
        languages=LANGUAGES,
        default_language="de",
    )


@dataclass(frozen=True)
class Case:
    """A message as an action would write it."""

    kind: str
    event: EventDetails = field(default_factory=dialogue)
    person: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, str | None] = field(default_factory=lambda: {"groups": "wohnen"})
    position: int | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def message(self, language: str = "de", **changes: Any) -> Claim:
        person = dict(self.person)
        invited_sequence = person.pop("invited_sequence", 0)
        row = registration(**person)
        values: dict[str, Any] = {
            "id": MESSAGE_ID,
            "fence": 1,
            "kind": self.kind,
            "recipient": row.email,
            "recipient_name": row.name,
            "language": language,
            "context": {
                "event": event_facts(self.event),
                "registration": registration_facts(
                    row, self.event, self.groups, self.position, invited_sequence
                ),
                **self.more,
            },
            "about": row.id,
            "event_id": 1,
            "attempts": 1,
            "created_at": AT,
            "message_id": f"<{MESSAGE_ID}@dialog.example.org>",
        }
        return Claim(**values | changes)
