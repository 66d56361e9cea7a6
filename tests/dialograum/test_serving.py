"""`dialograum serve` and its processes, from the outside."""

import os
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest

from dialograum import embedded
from dialograum.failures import CannotRun
from dialograum.pages import AssetsMissing, read_assets
from dialograum.serving import serve
from dialograum.settings import Settings
from tests.postgres import free_port, short_folder

PATIENCE = 120


class Served:
    """A server with two web processes and the background work, on an embedded database of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.log = (folder / "log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dialograum.cli", "serve", f"--port={self.port}", "--workers=2"],
            env=os.environ | {"DIALOGRAUM_DATA_DIR": str(folder)},
            cwd=folder,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def answers(self, path="/readyz") -> int | None:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=5).status_code
        except httpx.HTTPError:
            return None

    def wait_until_ready(self) -> None:
        until(lambda: self.is_ready() or self.process.poll() is not None)
        assert self.process.poll() is None, self.text()

    def is_ready(self) -> bool:
        """Whether both workers listen, and one of them answers."""
        return self.answers() == 200 and len(self.web()) == 2

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def listens(self, process: psutil.Process) -> bool:
        try:
            return any(socket.status == psutil.CONN_LISTEN for socket in process.net_connections())
        except psutil.Error:
            return False

    def web(self) -> list[psutil.Process]:
        return [child for child in self.children() if self.listens(child)]

    def background(self) -> list[psutil.Process]:
        return [child for child in self.children() if not self.listens(child)]

    def text(self) -> str:
        return (self.folder / "log").read_text()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()


def until(is_true, patience=PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def served():
    with short_folder() as folder:
        server = Served(folder)
        try:
            yield server
        finally:
            server.close()
            embedded.leave(folder)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything_in_order(served, number):
    served.wait_until_ready()
    children = served.children()
    assert (len(served.web()), len(served.background())) == (2, 1)
    served.process.send_signal(number)
    assert served.process.wait(PATIENCE) == 0, served.text()
    until(lambda: all(map(is_gone, children)))
    assert embedded._postmaster(served.folder / "postgres") is None
    assert "Traceback" not in served.text()


def test_what_dies_is_started_again(served):
    served.wait_until_ready()
    for kind, count in ((served.background, 1), (served.web, 2)):
        killed = kind()[0]
        killed.kill()
        until(lambda kind=kind, count=count, killed=killed: len(kind()) == count and killed not in kind())
    assert served.answers() == 200


def test_nobody_is_left_when_the_parent_is_killed(served):
    served.wait_until_ready()
    children = served.children()
    assert len(children) == 3
    served.process.kill()
    until(lambda: all(map(is_gone, children)))
    until(lambda: embedded._postmaster(served.folder / "postgres") is None)


def test_a_port_in_use_is_refused_in_one_line():
    with socket.socket() as other, short_folder() as folder:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = subprocess.run(
            [sys.executable, "-m", "dialograum.cli", "serve", f"--port={port}"],
            env=os.environ | {"DIALOGRAUM_DATA_DIR": str(folder)},
            capture_output=True,
            text=True,
        )
    assert refused.returncode == 1
    assert refused.stderr == f"dialograum: Port {port} on 127.0.0.1 is in use\n"


def test_a_start_without_the_built_stylesheets_says_which_command_makes_them(data_dir, monkeypatch):
    monkeypatch.setattr("dialograum.serving.read_assets", partial(read_assets, data_dir))
    with pytest.raises(AssetsMissing, match="bin/setup"):
        serve(Settings(data_dir=data_dir), host="127.0.0.1", port=free_port(), workers=1)
    assert issubclass(AssetsMissing, CannotRun)
