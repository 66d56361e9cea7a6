"""Public pages and calendars of events."""

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated, Any, Protocol

from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter, SkipValidation
from litestar.response import Redirect, Response, Template

from events.calendar import subscription_url
from events.details import EventDetails, Texts
from events.errors import EventUnknown
from events.queries import details, events_of_series, public_events, slug_of_short
from events.rules import EventStatus
from events.search import Filter, matching
from events.structured_data import json_ld

AnyRequest = Request[Any, Any, Any]
CALENDAR = "text/calendar"
NO_FORMS = {"exclude_from_csrf": True}
"""Pages without forms set no cookie, so that they are the same for everybody."""


Slug = FromPath[str]
Now = NamedDependency[datetime]
"""When the request came."""
BaseUrl = NamedDependency[str]
TownName = NamedDependency[str]


class CalendarFiles(Protocol):
    """Calendars in the visitor's language."""

    def public(self, event: EventDetails) -> bytes: ...

    def feed(self, events: Iterable[EventDetails]) -> bytes: ...

    def links(self, event: EventDetails) -> list[tuple[str, str]]: ...


Calendars = NamedDependency[SkipValidation[CalendarFiles]]
Text = NamedDependency[SkipValidation[Callable[[Texts | None], str]]]
"""The text of a table in the visitor's language."""


class ModeFacts(Protocol):
    """What visitors are told of the mode of events: `rules` that may move one, and the last `switch`."""

    async def __call__(self, event: EventDetails) -> Any: ...


ModeOf = NamedDependency[SkipValidation[ModeFacts]]


async def public_event(slug: str) -> EventDetails:
    """A published or cancelled event; a draft is as unknown as one that does not exist."""
    event = await details(slug)
    if event.status is EventStatus.DRAFT:
        raise EventUnknown(slug=slug)
    return event


class EventPages(Controller):
    include_in_schema = False
    opt = NO_FORMS

    @get("/", name="home")
    async def home(
        self,
        now: Now,
        base_url: BaseUrl,
        q: Annotated[str, QueryParameter(max_length=200)] = "",
        mode: FromQuery[str] = "all",
        period: FromQuery[str] = "all",
    ) -> Template:
        wanted = Filter.from_query(q, mode, period)
        upcoming = await public_events(ending_after=now)
        return Template(
            "pages/home.html",
            context={
                "events": matching(upcoming, wanted, now),
                "total": len(upcoming),
                "query": wanted,
                "now": now,
                "subscription_url": subscription_url(base_url),
            },
        )

    @get("/events/{slug:str}", name="event")
    async def event(
        self,
        slug: Slug,
        now: Now,
        text: Text,
        calendars: Calendars,
        base_url: BaseUrl,
        town: TownName,
        mode_of: ModeOf,
    ) -> Template:
        event = await public_event(slug)
        context = await event_context(event, now, text, calendars, base_url, town)
        return Template("pages/event.html", context={**context, "moves": await mode_of(event)})

    @get("/events/{slug:str}/calendar.ics", name="event-calendar")
    async def calendar(self, slug: Slug, request: AnyRequest, calendars: Calendars) -> Response[bytes]:
        return calendar_file(request, calendars.public(await public_event(slug)), slug)

    @get("/calendar.ics", name="feed")
    async def feed(self, request: AnyRequest, calendars: Calendars) -> Response[bytes]:
        return calendar_file(request, calendars.feed(await public_events()), "calendar")

    @get("/{short:str}", name="short")
    async def short(self, short: FromPath[str], request: AnyRequest) -> Redirect:
        slug = await slug_of_short(short)
        if slug is None:
            raise EventUnknown()
        return Redirect(in_language(request, f"/events/{slug}"), status_code=302)


def in_language(request: AnyRequest, path: str) -> str:
    """A path of ours in the language that the visitor's address chose."""
    return f"{request.scope['state']['language_prefix']}{path}"


def see_other(request: AnyRequest, path: str) -> Redirect:
    """To a page of ours, in the visitor's language, after something was done."""
    return Redirect(in_language(request, path), status_code=303)


async def event_context(
    event: EventDetails, now: datetime, text: Text, calendars: Calendars, base_url: str, town: str
) -> dict[str, Any]:
    """What the event's page shows."""
    page_url = f"{base_url}/events/{event.slug}"
    series = await events_of_series(event.series) if event.series else []
    return {
        "event": event,
        "now": now,
        "state": event.state(now),
        "json_ld": json_ld(event, text, page_url, base_url, town, now),
        "calendar_links": calendars.links(event),
        "series_events": [other for other in series if other.id != event.id],
    }


def calendar_file(
    request: AnyRequest, content: bytes, name: str, cache: str = "public, max-age=60"
) -> Response[bytes]:
    """A calendar for download; 304 where the caller has it already."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {
        "Cache-Control": cache,
        "Content-Disposition": f'inline; filename="{name}.ics"',
        "ETag": tag,
    }
    if tag in request.headers.get("If-None-Match", ""):
        return Response(b"", status_code=304, headers=headers)
    return Response(content, media_type=CALENDAR, headers=headers)
