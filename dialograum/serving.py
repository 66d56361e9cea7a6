"""The web: granian's workers, each with the application and a pool of its own, and the background work beside them."""

import asyncio
import errno
import functools
import gc
import multiprocessing
import os
import socket
from collections.abc import Callable
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import MPServer

from dialograum import background, logs, web
from dialograum.database import connected, migrate
from dialograum.failures import PortTaken
from dialograum.pages import read_assets
from dialograum.settings import Settings

APPLICATION = "dialograum.web:create_app"


class Server(MPServer):
    """Granian, which tells the background work to stop together with its own workers."""

    def __init__(self, beside: background.Background, **options: Any) -> None:
        super().__init__(APPLICATION, **options)
        self.beside = beside
        self.on_startup(beside.start)

    def shutdown(self, exit_code: int = 0) -> None:
        self.beside.stop()
        try:
            super().shutdown(exit_code)  # type: ignore[no-untyped-call]
        finally:
            self.beside.join()


def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    workers: int,
    progress: Callable[[str], None] = lambda migration: None,
) -> None:
    """Migrates, then serves until SIGTERM or SIGINT, which lets everything under way end.

    Raises `PortTaken`, and `AssetsMissing` where the pages' stylesheets are not built.
    """
    check_port(host, port)
    read_assets()
    asyncio.run(_migrate(settings, progress))
    logs.configure()
    multiprocessing.set_start_method(background.START_METHOD, force=True)
    server = Server(
        background.Background(settings),
        address=host,
        port=port,
        workers=workers,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        log_level=LogLevels.warning,
        log_dictconfig=logs.GRANIAN,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=background.DRAIN_SECONDS,
    )
    server.serve(target_loader=functools.partial(_application, os.getpid()), wrap_loader=False)


async def _migrate(settings: Settings, progress: Callable[[str], None]) -> None:
    async with connected(settings, pool_size=1):
        await migrate(progress)


def _application(parent: int) -> Any:
    """What each worker process serves."""
    background.start_child(parent)
    app = web.create_app()
    # What is there now stays for ever; the garbage collector need not walk through it again and again.
    gc.collect()
    gc.freeze()
    return app


def check_port(host: str, port: int) -> None:
    """Raises `PortTaken` where nobody could listen."""
    # Granian's workers share a port, and would share it with a stranger, too.
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        raise PortTaken(f"Port {port} on {host} {reason}") from error
