"""The service with two workers and nothing beside it, and the routes that measurements compare it with."""

import asyncio
import gc
import multiprocessing
import os
import sys
from collections import deque
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import MPServer
from litestar import Litestar, post
from litestar.params import JSONBody
from litestar.response import Response

from dialograum import background, logs
from dialograum.settings import load
from dialograum.web import create_app
from events.controllers import NO_FORMS, Now, Slug
from registration.admission import Admission, _Waiting
from registration.decisions import Request
from registration.forms import RegistrationBody, newcomer_from_body
from tests.bench import plain

LANGUAGES = ("de", "en")


@post("/api/v1/bench/empty", opt=NO_FORMS)
async def empty(data: JSONBody[RegistrationBody]) -> Response[Any]:
    """Reads the body and does nothing."""
    return Response({"status": "pending", "groups": {}}, status_code=201)


@post("/api/v1/bench/plain/{slug:str}", opt=NO_FORMS)
async def register_plainly(slug: Slug, data: JSONBody[RegistrationBody], now: Now) -> Response[Any]:
    """Piccolo's queries, one after the other."""
    outcome = await plain.register(slug, newcomer_from_body(data, LANGUAGES), now)
    return Response(outcome, status_code=201)


alone = Admission()


@post("/api/v1/bench/alone/{slug:str}", opt=NO_FORMS)
async def register_alone(slug: Slug, data: JSONBody[RegistrationBody], now: Now) -> Response[Any]:
    """The statements of a batch, but a transaction for each request."""
    request = Request(newcomer_from_body(data, LANGUAGES), now)
    waiting = _Waiting(request, asyncio.get_running_loop().create_future())
    (decision,) = await alone._decided(slug, deque([waiting]), [])
    if isinstance(decision, Exception):
        raise decision
    return Response(decision.outcome, status_code=201)


def application() -> Any:
    """The whole service as `dialograum.serving` has it, with the routes to compare with behind the same layers."""
    logs.configure()
    settings = load()
    app = create_app(settings)
    inner: Any = app
    while not isinstance(inner, Litestar):
        inner = inner.app
    for handler in (empty, register_plainly, register_alone):
        inner.register(handler)
    gc.collect()
    gc.freeze()
    return app


def serve(port: int) -> None:
    multiprocessing.set_start_method(background.START_METHOD, force=True)
    MPServer(
        "bench",
        address="127.0.0.1",
        port=port,
        workers=2,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        log_level=LogLevels.warning,
        log_access=False,
    ).serve(target_loader=lambda *_: application(), wrap_loader=False)


if __name__ == "__main__":
    os.environ.setdefault("DIALOGRAUM_LOG", "warning")
    serve(int(sys.argv[1]))
