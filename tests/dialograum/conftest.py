"""The application in this process over a test's database: its visitors, organisers and tokens."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from dialograum import publishing, signin
from dialograum.event_file import from_document
from dialograum.settings import Settings
from dialograum.web import create_app
from events.details import EventDetails
from events.tables import Organiser
from notifications.tables import Message
from registration import stamps
from registration.admission import Admission
from registration.forms import RegistrationBody, newcomer_from_body
from registration.links import Links, Purpose
from registration.tables import Registration
from tests.forum import forum
from tests.hybrid.jitsi import Jitsi, jitsi
from tests.visitor import Visitor

PASSWORD = "correct horse battery staple"
_apps: dict[str, Any] = {}


@pytest.fixture(autouse=True)
def _no_form_is_too_young(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamps, "SHORTEST", timedelta())


class Town:
    """A town hall with its installation."""

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self.settings = settings
        self.links = Links(settings.secret, settings.base_url)
        self._stack = stack

    async def visitor(self, *, client: str = "203.0.113.7", demo: bool = False, **changes: Any) -> Visitor:
        """`changes` are settings of the installation that is visited, `client` the address that calls."""
        settings = self.settings.model_copy(update=changes)
        name = repr((settings, demo))
        if name not in _apps:
            _apps[name] = create_app(settings, demo=demo)
        return await self._stack.enter_async_context(
            Visitor(
                transport=httpx.ASGITransport(_apps[name], client=(client, 4711)),
                base_url=settings.base_url,
                headers={"Accept-Language": "en"},
            )
        )

    async def organiser(self, name: str = "office", role: str = "organiser") -> Organiser:
        organiser = Organiser(email=f"{name}@example.org", name=name.title(), role=role)
        await organiser.save()
        return organiser

    async def system(self, organiser: Organiser, scope: str = "write") -> Visitor:
        """Another system with a token of the organiser."""
        visitor = await self.visitor()
        visitor.headers["Authorization"] = f"Bearer {await signin.make_token(organiser, scope)}"
        return visitor

    async def signed_in(self, organiser: Organiser, visitor: Visitor | None = None) -> Visitor:
        """The visitor, else a new one, signed in by a link."""
        visitor = visitor or await self.visitor()
        token = await signin.make_link(organiser, datetime.now(UTC))
        answer = await visitor.send_form(f"/organise/sign-in/{token}")
        assert answer.status_code == 303
        return visitor

    async def event(self, by: Organiser | None = None, **changes: Any) -> EventDetails:
        document = from_document(forum(**changes))
        return await publishing.create(document, by, datetime.now(UTC), languages=self.settings.languages)

    async def register(self, event: EventDetails, name: str = "Anna Muster", **values: Any) -> Registration:
        """Somebody who registers by the API, in English, with an address of their own."""
        values = {
            "name": name,
            "email": f"{name.split()[0].lower()}@example.org",
            "language": "en",
            **values,
        }
        body = msgspec.convert(values, RegistrationBody)
        newcomer = newcomer_from_body(body, self.settings.languages)
        await Admission().register(event.slug, newcomer, datetime.now(UTC))
        row = await Registration.objects().where(Registration.name == name).output(load_json=True).first()
        assert row is not None
        return row

    async def deliver(self) -> None:
        """Has all mails sent that wait."""
        await Message.update({Message.status: "sent"}).where(Message.status == "queued")

    def link(self, purpose: Purpose, registration: Registration) -> str:
        """The path of a personal link."""
        url = self.links.url(purpose, registration.id, getattr(registration, f"{purpose}_nonce"))
        return url.removeprefix(self.settings.base_url)


@pytest.fixture
async def town(settings: Settings, database: Any) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        yield Town(settings, stack)


@pytest.fixture
async def visitor(town: Town) -> Visitor:
    return await town.visitor()


@pytest.fixture(scope="session")
async def _meeting_server() -> AsyncIterator[Jitsi]:
    async with jitsi() as server:
        yield server


@pytest.fixture
def usual(_meeting_server: Jitsi) -> Callable[[], AbstractAsyncContextManager[Jitsi]]:
    """One meeting server for all tests that want it well: they share an application, which takes long to make."""

    @asynccontextmanager
    async def there() -> AsyncIterator[Jitsi]:
        _meeting_server.asked.clear()
        yield _meeting_server

    return there
