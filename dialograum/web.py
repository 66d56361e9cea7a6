"""The application put together: routes, dependencies, languages, security and what failures become."""

import hashlib
import hmac
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from asyncpg.exceptions import DataError, OperatorInterventionError, PostgresConnectionError
from litestar import Litestar, Request, Router, get
from litestar.config.compression import CompressionConfig
from litestar.config.csrf import CSRFConfig
from litestar.di import Provide
from litestar.exceptions import HTTPException, NotFoundException
from litestar.middleware import DefineMiddleware
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import FromPath
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import File, Template
from litestar.template.config import TemplateConfig
from litestar.types import ASGIApp

from dialograum import database
from dialograum.access import managed_event, provide_caller
from dialograum.api import EventApi, RegistrationApi, shown_in
from dialograum.bodies import check_body
from dialograum.calendars import Calendars
from dialograum.change_api import ChangeApi
from dialograum.desk import DeskPages, SignInPages
from dialograum.desk_calls import CallPages
from dialograum.desk_changes import ChangePages
from dialograum.desk_groups import GroupPages
from dialograum.desk_lists import ListPages
from dialograum.desk_messages import MessagePages
from dialograum.desk_mode import ModePages
from dialograum.desk_people import PeoplePages
from dialograum.desk_rooms import RoomPages
from dialograum.desk_switch import SwitchPages
from dialograum.failures import DatabaseAway
from dialograum.languages import LANGUAGES, TEMPLATES, Language
from dialograum.mailbox import MailboxPages
from dialograum.mailing import composer_for_attendees
from dialograum.mode_api import ModeApi
from dialograum.mode_words import ModeWords
from dialograum.monitoring import healthz, metrics, readyz
from dialograum.negotiation import (
    LanguageMiddleware,
    default_for_organisers,
    for_organisers,
    negotiate,
)
from dialograum.pages import choose_text, environment, read_assets
from dialograum.problems import database_away, failed, http_error, refused, too_many_failures, unusable
from dialograum.security import Armour, FormTokens
from dialograum.settings import Settings, load
from dialograum.signin import TooManyFailures
from dialograum.site import site_of
from dialograum.visitors import client_of
from events.calendar import Method
from events.controllers import NO_FORMS, EventPages, Now
from events.details import EventDetails
from events.errors import Refusal
from events.queries import details_of, event_by_id
from hybrid.controllers import JoinPages
from hybrid.meeting_servers import MeetingServers
from hybrid.public_mode import public_mode
from hybrid.queries import could_move
from registration.admission import Admission
from registration.announcement_pages import OwnAnnouncementPages, UnsubscribePages
from registration.controllers import Entrance, PersonalPages, RegisterPages
from registration.facts import event_facts, registration_facts
from registration.limits import Limits
from registration.links import Links
from registration.own_pages import OwnChangePages
from registration.queries import groups_held, groups_shown, position
from registration.stamps import FormStamps
from registration.tables import Registration

DEMO = "DIALOGRAUM_DEMO"
BODY_BYTES = 1_000_000
AnyRequest = Request[Any, Any, Any]


def create_app(settings: Settings | None = None, *, demo: bool | None = None) -> ASGIApp:
    """The whole application, for any ASGI server; each process of it has its own pool.

    Raises SettingsInvalid, and AssetsMissing where `bin/setup` did not run.
    """
    settings = settings or load()
    is_demo = os.environ.get(DEMO) == "1" if demo is None else demo
    read_assets()
    site = site_of(settings)
    made = environment(site)
    made.globals.update(
        is_demo=is_demo,
        contact_address=settings.mail_from.address,
        easy_language_url=None,
        sign_language_url=None,
    )
    calendars = Calendars(made, site, settings.mail_from.address)
    links = Links(settings.secret, settings.base_url)
    is_https = settings.base_url.startswith("https://")
    forms = CSRFConfig(
        secret=hmac.digest(settings.secret, b"csrf", hashlib.sha256).hex(),
        cookie_name="dialograum_csrf",
        cookie_secure=is_https,
        cookie_httponly=True,
        cookie_samesite="lax",
    )

    mails = composer_for_attendees(settings)
    admission = Admission(Limits(settings.client_limit, settings.address_limit, settings.secret))

    stamps = FormStamps(settings.secret)
    meeting_servers = MeetingServers(settings.meeting_servers)

    @asynccontextmanager
    async def pool(_: Litestar) -> AsyncIterator[None]:
        async with database.connected(settings):
            yield
            await admission.drain()

    def entrance(request: AnyRequest) -> Entrance:
        client = client_of(request.scope, settings.trusted_proxies)
        return Entrance(admission, stamps, _now(request), client, tuple(settings.languages))

    async def personal_calendar(registration: Registration) -> bytes:
        return await _personal_calendar(registration, calendars, links)

    def calendars_in_language(request: AnyRequest) -> CalendarsInLanguage:
        return CalendarsInLanguage(calendars, request.scope["state"]["language"])

    def mode_of(request: AnyRequest) -> Any:
        language: Language = request.scope["state"]["language"]
        mirrored, now = language.direction == "rtl", _now(request)
        return lambda event: public_mode(event, settings.sources, now, mirrored=mirrored)

    def shown(request: AnyRequest, now: Now) -> Any:
        return shown_in(request, now, site.languages, settings.base_url)

    def mode_words(request: AnyRequest) -> ModeWords:
        asked = request.query_params.get("lang", "")
        header = request.headers.get("Accept-Language", "")
        offered = {language.code: language for language in for_organisers(site.languages)}
        default = default_for_organisers(site.default_language)
        return ModeWords(made, offered.get(asked) or negotiate(header, offered.values(), default))

    app = Litestar(
        route_handlers=[
            EventPages,
            RegisterPages,
            PersonalPages,
            OwnChangePages,
            OwnAnnouncementPages,
            UnsubscribePages,
            JoinPages,
            SignInPages,
            DeskPages,
            PeoplePages,
            CallPages,
            GroupPages,
            RoomPages,
            ListPages,
            MessagePages,
            ChangePages,
            ModePages,
            SwitchPages,
            Router(
                "/api/v1",
                route_handlers=[EventApi, ChangeApi, RegistrationApi, ModeApi, openapi],
                before_request=check_body,
                opt=NO_FORMS,
            ),
            *([MailboxPages] if is_demo else []),
            healthz,
            readyz,
            metrics,
            privacy,
            imprint,
            accessibility,
            static,
        ],
        dependencies={
            "settings": Provide(lambda: settings, sync_to_thread=False),
            "base_url": Provide(lambda: settings.base_url, sync_to_thread=False),
            "town": Provide(lambda: settings.town, sync_to_thread=False),
            "languages": Provide(lambda: tuple(settings.languages), sync_to_thread=False),
            "entrance": Provide(entrance, sync_to_thread=False),
            "links": Provide(lambda: links, sync_to_thread=False),
            "meeting_servers": Provide(lambda: meeting_servers, sync_to_thread=False),
            "mails": Provide(lambda: mails, sync_to_thread=False),
            "personal_calendar": Provide(lambda: personal_calendar, sync_to_thread=False),
            "now": Provide(_now, sync_to_thread=False),
            "language_code": Provide(_language_code, sync_to_thread=False),
            "text": Provide(_text, sync_to_thread=False),
            "mode_of": Provide(mode_of, sync_to_thread=False),
            "could_move": Provide(lambda: could_move, sync_to_thread=False),
            "calendars": Provide(calendars_in_language, sync_to_thread=False),
            "mode_words": Provide(mode_words, sync_to_thread=False),
            "shown": Provide(shown, sync_to_thread=False),
            "caller": Provide(provide_caller),
            "managed": Provide(managed_event),
        },
        exception_handlers={
            Refusal: refused,
            TooManyFailures: too_many_failures,
            DatabaseAway: database_away,
            PostgresConnectionError: database_away,
            OperatorInterventionError: database_away,
            DataError: unusable,
            RecursionError: unusable,
            HTTPException: http_error,
            Exception: failed,
        },
        template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(made)),
        middleware=[DefineMiddleware(FormTokens, config=forms)],
        openapi_config=OpenAPIConfig(
            title="Dialograum",
            version="1",
            path="/api/v1/schema",
            render_plugins=[JsonRenderPlugin()],
            components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
        ),
        compression_config=CompressionConfig(backend="gzip", exclude=["^/static/"]),
        request_max_body_size=BODY_BYTES,
        lifespan=[pool],
        logging_config=None,
    )
    app.state.settings = settings
    offered = LanguageMiddleware(app, site.languages, site.default_language)
    return Armour(offered, is_https=is_https)


@dataclass(frozen=True)
class CalendarsInLanguage:
    """Calendars as a visitor gets them."""

    calendars: Calendars
    language: Language

    def public(self, event: EventDetails) -> bytes:
        return self.calendars.public(event, self.language)

    def feed(self, events: Iterable[EventDetails]) -> bytes:
        return self.calendars.feed(events, self.language)

    def links(self, event: EventDetails) -> list[tuple[str, str]]:
        return self.calendars.links(event, self.language)


@get("/openapi.json", include_in_schema=False)
async def openapi(request: AnyRequest) -> dict[str, Any]:
    """The description of the API."""
    return request.app.openapi_schema.to_schema()


@get("/privacy", include_in_schema=False, name="privacy", opt=NO_FORMS)
async def privacy() -> Template:
    return Template("pages/privacy.html")


@get("/imprint", include_in_schema=False, name="imprint", opt=NO_FORMS)
async def imprint() -> Template:
    return Template("pages/imprint.html")


@get("/accessibility", include_in_schema=False, name="accessibility", opt=NO_FORMS)
async def accessibility() -> Template:
    return Template("pages/accessibility.html")


STATIC_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".ico": "image/x-icon",
}


@cache
def _built() -> frozenset[str]:
    return frozenset(read_assets().values())


@get("/static/{name:str}", include_in_schema=False, name="static", opt=NO_FORMS)
async def static(name: FromPath[str], request: AnyRequest) -> File:
    """A built file, by a name that the manifest has; compressed where the caller takes it."""
    if name not in _built():
        raise NotFoundException()
    path = TEMPLATES / "static" / name
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    accepted = request.headers.get("Accept-Encoding", "")
    for encoding, suffix in (("br", ".br"), ("gzip", ".gz")):
        packed = path.with_name(path.name + suffix)
        if encoding in accepted and packed.is_file():
            path = packed
            headers["Content-Encoding"] = encoding
            break
    return File(
        path,
        media_type=STATIC_TYPES.get(Path(name).suffix, "application/octet-stream"),
        content_disposition_type="inline",
        headers=headers,
    )


def _now(request: AnyRequest) -> datetime:
    now: datetime = request.scope["state"]["now"]
    return now


def _language_code(request: AnyRequest) -> str:
    language: Language = request.scope["state"]["language"]
    return language.code


def _text(request: AnyRequest) -> Any:
    return lambda texts: choose_text(texts, request.scope["state"]["language"], "")[1]


async def _personal_calendar(registration: Registration, calendars: Calendars, links: Links) -> bytes:
    event = await details_of(await event_by_id(registration.event))
    held = (await groups_held([registration.id])).get(registration.id, {})
    facts = registration_facts(
        registration, event, groups_shown(event, registration, held), await position(registration)
    )
    return calendars.personal(
        event_facts(event),
        facts,
        LANGUAGES.get(registration.language, LANGUAGES["de"]),
        method=Method.PUBLISH,
        attendee=None,
        own_url=links.url("own", registration.id, registration.own_nonce),
        join_url=links.url("join", registration.id, registration.join_nonce),
        at=max(event.changed_at, registration.registered_at),
    )
