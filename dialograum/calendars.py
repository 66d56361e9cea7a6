"""The calendars of the installation: the words of `templates/calendar/` in the files of `events` and `registration`."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from jinja2 import Environment

from dialograum.languages import Language
from dialograum.pages import Site, choose_text
from events.calendar import EntryText, Method, Party, calendar_links, feed, public_calendar
from events.details import EventDetails
from registration.calendar import personal_calendar

Facts = Mapping[str, Any]


class Calendars:
    """Calendar files and links in one of the offered languages."""

    def __init__(self, environment: Environment, site: Site, sender_address: str) -> None:
        """`sender_address` must be the one that mails come from, or calendars ignore our cancellations."""
        self.environment = environment
        self.base_url = site.base_url.rstrip("/")
        self.organiser = Party(site.town, sender_address)

    def page_url(self, slug: str) -> str:
        return f"{self.base_url}/events/{slug}"

    def public(self, event: EventDetails, language: Language) -> bytes:
        """The calendar file of one event, for anybody."""
        return public_calendar(
            event, self.public_text(event, language), self.page_url(event.slug), self.organiser
        )

    def feed(self, events: Iterable[EventDetails], language: Language) -> bytes:
        """The calendar of these events, to subscribe to."""
        entries = [(event, self.public_text(event, language), self.page_url(event.slug)) for event in events]
        name = self._render("feed_name", language)
        return feed(entries, name, f"{self.base_url}/calendar.ics", self.organiser)

    def links(self, event: EventDetails, language: Language) -> list[tuple[str, str]]:
        """Links that put an event into calendars on the web, by their names."""
        return calendar_links(event, self.public_text(event, language), self.page_url(event.slug))

    def personal(
        self,
        event: Facts,
        registration: Facts,
        language: Language,
        *,
        method: Method,
        attendee: Party | None,
        own_url: str | None,
        join_url: str | None,
        at: datetime,
    ) -> bytes:
        """The calendar file of one registration, as `registration.calendar.personal_calendar` says."""
        if method is Method.CANCEL:
            own_url = join_url = None
        return personal_calendar(
            event,
            registration,
            method=method,
            text=self.personal_text(event, registration, language, own_url=own_url, join_url=join_url),
            organiser=self.organiser,
            attendee=attendee,
            page_url=self.page_url(event["slug"]),
            join_url=join_url,
            at=at,
        )

    def public_text(self, event: EventDetails, language: Language) -> EntryText:
        facts = {"event": event, "page_url": self.page_url(event.slug)}
        return EntryText(
            summary=choose_text(event.title, language, event.default_language)[1],
            location=self._render("public_location", language, **facts),
            description=self._render("public_description", language, **facts),
        )

    def personal_text(
        self,
        event: Facts,
        registration: Facts,
        language: Language,
        *,
        own_url: str | None,
        join_url: str | None,
    ) -> EntryText:
        sessions = [
            {
                **session,
                "starts_local": datetime.fromisoformat(session["starts_local"]),
                "ends_local": datetime.fromisoformat(session["ends_local"]),
            }
            for session in event["sessions"]
            if not session["optional"] or registration["groups"].get(session["key"])
        ]
        facts = {
            "event": event,
            "registration": registration,
            "sessions": sessions,
            "several_days": event["starts_local"][:10] != event["ends_local"][:10],
            "own_url": own_url,
            "join_url": join_url,
        }
        return EntryText(
            summary=choose_text(event["title"], language, event["default_language"])[1],
            location=self._render("personal_location", language, **facts),
            description=self._render("personal_description", language, **facts) if own_url else "",
            alarm=self._render("alarm", language, **facts),
        )

    def _render(self, name: str, language: Language, **facts: Any) -> str:
        template = self.environment.get_template(f"calendar/{name}.txt")
        return template.render(language=language, **facts).strip()
