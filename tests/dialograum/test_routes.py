"""Every route there is: who may call it, that HEAD answers where GET does, and which forms carry a token."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from litestar import Litestar

from dialograum.access import may_write, no_helper, signed_in
from dialograum.publishing import PAGES
from dialograum.web import create_app
from events.controllers import NO_FORMS
from hybrid.tables import ModeProposal
from registration import announcements
from registration.announcement_forms import Draft

PUBLIC = {
    "GET /",
    "GET /events/{slug}",
    "GET /events/{slug}/calendar.ics",
    "GET /calendar.ics",
    "GET /{short}",
    "GET /events/{slug}/register",
    "POST /events/{slug}/register",
    "GET /r/{token}",
    "GET /r/{token}/confirmation",
    "POST /r/{token}/confirmation",
    "GET /r/{token}/cancel",
    "POST /r/{token}/cancel",
    "GET /r/{token}/groups",
    "POST /r/{token}/groups",
    "GET /r/{token}/attendance",
    "POST /r/{token}/attendance",
    "GET /r/{token}/answers",
    "POST /r/{token}/answers",
    "GET /r/{token}/language",
    "GET /r/{token}/online",
    "POST /r/{token}/language",
    "POST /r/{token}/online",
    "POST /r/{token}/consents/{key}",
    "GET /r/{token}/calendar.ics",
    "GET /join/{token}",
    "POST /join/{token}",
    "POST /join/{token}/test",
    "POST /r/{token}/announcements/off",
    "POST /r/{token}/announcements/on",
    "GET /u/{token}",
    "POST /u/{token}",
    "POST /u/{token}/off",
    "POST /u/{token}/on",
    "GET /organise/sign-in",
    "POST /organise/sign-in",
    "GET /organise/sign-in/{token}",
    "POST /organise/sign-in/{token}",
    "POST /organise/sign-out",
    "GET /api/v1/events",
    "GET /api/v1/events/{slug}",
    "POST /api/v1/events/{slug}/registrations",
    "GET /api/v1/openapi.json",
    "GET /api/v1/schema",
    "GET /api/v1/schema/{path}",
    "GET /api/v1/schema/openapi.json",
    "GET /privacy",
    "GET /imprint",
    "GET /accessibility",
    "GET /static/{name}",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
}
DEMO = {
    "GET /mailbox",
    "GET /mailbox/{name}",
    "GET /mailbox/{name}/html",
    "GET /mailbox/{name}/calendar.ics",
}
BY_THE_LINK_ALONE = {"POST /u/{token}", "POST /join/{token}", "POST /join/{token}/test"}
"""What mail programs call, and phones without cookies: the link itself is the secret, and they change nothing else."""

GUARDS = {signed_in, may_write, no_helper}


def inside(app: Any) -> Litestar:
    """The application behind its layers."""
    while not isinstance(app, Litestar):
        app = app.app
    return app


def routes(app: Litestar) -> dict[str, Any]:
    """Every handler by its method and address."""
    found: dict[str, Any] = {}
    for route in app.routes:
        path = route.path
        for parameter in route.path_components:
            if not isinstance(parameter, str):
                path = path.replace(f"{{{parameter.full}}}", f"{{{parameter.name}}}")
        for handler in getattr(route, "route_handlers", ()):
            found |= {f"{method} {path}": handler for method in handler.http_methods if method != "OPTIONS"}
    return found


def guards_of(handler: Any) -> set[Any]:
    return GUARDS & set(handler.resolve_guards())


@pytest.fixture
def application(settings):
    return inside(create_app(settings, demo=False))


def test_every_route_is_public_by_decision_or_guarded(application, settings):
    found = routes(application)
    open_ = {name for name, handler in found.items() if not guards_of(handler)}
    assert open_ == PUBLIC
    with_demo = routes(inside(create_app(settings, demo=True)))
    assert set(with_demo) - set(found) == DEMO


def test_only_what_writes_is_guarded_as_writing(application):
    for name, handler in routes(application).items():
        if (guards := guards_of(handler)) and not name.startswith("GET "):
            assert may_write in guards, name


def test_every_form_asks_for_its_token(application):
    for name, handler in routes(application).items():
        excluded = handler.opt.get(next(iter(NO_FORMS)), False)
        if not name.startswith("GET ") and "/api/" not in name:
            assert excluded == (name in BY_THE_LINK_ALONE), name


def test_no_short_address_can_hide_a_page(application):
    firsts = {name.split()[1].split("/")[1] for name in routes(application)} - {"", "{short}"}
    assert firsts | {"mailbox", "c"} == set(PAGES)


async def test_head_answers_wherever_get_does(town, application):
    organiser = await town.organiser(role="admin")
    event = await town.event(registration={"confirm_email": False}, questions=[{"preset": "organisation"}])
    registration = await town.register(event, online_access="phone")
    browser, system = await town.signed_in(organiser), await town.system(organiser)
    own, join, unsubscribe = (
        town.link(purpose, registration).split("/")[2] for purpose in ("own", "join", "unsubscribe")
    )
    message_id = uuid4()
    draft = Draft({"de": "Betreff"}, {"de": "Text"})
    await announcements.save(event, message_id, draft, organiser, datetime.now(UTC))
    confirm = town.link("confirm", registration).split("/")[2]
    proposal = ModeProposal(
        _ignore_missing=True,
        event=event.id,
        rule_key="old",
        cause="expired",
        to_mode="in_person",
        made_at=datetime.now(UTC),
        evidence={"rule": "old"},
    )
    await proposal.save()
    for name in routes(application):
        method, path = name.split()
        if method != "GET":
            continue
        token = unsubscribe if path.startswith("/u/") else own
        token = confirm if path.endswith("/confirmation") else join if path.startswith("/join") else token
        unknown = dict.fromkeys(("short", "name", "path", "draft_id"), "none")
        path = path.format(
            slug="forum",
            token=token,
            registration_id=registration.id,
            message_id=message_id,
            proposal_id=proposal.id,
            code="de",
            mode="digital",
            **unknown,
        )
        visitor = system if path.startswith("/api/") else browser
        whole, head = await visitor.get(path), await visitor.head(path)
        assert head.status_code == whole.status_code, path
        assert whole.status_code == 200 or "none" in path or path == "/metrics", path
        assert head.headers.get("content-type") == whole.headers.get("content-type"), path
        assert head.content == b"", path
