"""The command line, as a shell sees it: exit code, stdout, stderr."""

import json
import os
import subprocess
import sys

import pytest

from dialograum.cli import COMMANDS
from dialograum.logs import redact
from tests.postgres import free_port, short_folder


def dialograum(*arguments, **settings):
    environment = os.environ | {"DIALOGRAUM_" + name: value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "dialograum.cli", *arguments], env=environment, capture_output=True, text=True
    )


@pytest.fixture
def folder():
    with short_folder() as path:
        yield path


def test_help_names_every_command():
    answer = dialograum("--help")
    assert answer.returncode == 0
    assert all(f"  {name} " in answer.stdout for name in COMMANDS)


@pytest.mark.parametrize("arguments", [["nonsense"], ["serve", "--port", "many"], ["migrate", "now"]])
def test_wrong_usage_is_two(arguments):
    answer = dialograum(*arguments)
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr


def assert_refused(answer, *words):
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1
    assert answer.stderr.startswith("dialograum: ")
    for word in words:
        assert word in answer.stderr


def test_a_setting_that_cannot_be_used_stops_the_start(folder):
    assert_refused(dialograum("serve", DATA_DIR=str(folder), MAIL_URL="x"), "DIALOGRAUM_MAIL_URL")


@pytest.mark.parametrize("command", ["migrate", "serve", "worker"])
def test_a_database_that_is_away_is_one_line_without_the_password(command, folder):
    address = f"postgresql://town:geheim@127.0.0.1:{free_port()}/town"
    answer = dialograum(command, DATA_DIR=str(folder), DATABASE_URL=address, SECRET_KEY="s" * 40)
    assert_refused(answer, "DIALOGRAUM_DATABASE_URL")
    assert "geheim" not in answer.stderr


def test_a_wrong_password_and_an_odd_address_are_one_line(folder, tcp_address):
    password = tcp_address.split(":")[2].split("@")[0]
    wrong = tcp_address.replace(password, "geheim")
    for address in (wrong, "postgresql://town:ge/heim@db.example/town"):
        answer = dialograum("migrate", DATA_DIR=str(folder), DATABASE_URL=address, SECRET_KEY="s" * 40)
        assert_refused(answer, "DIALOGRAUM_DATABASE_URL")
        assert "heim" not in answer.stderr


def test_two_that_migrate_at_once_run_every_migration_once(folder):
    environment = os.environ | {"DIALOGRAUM_DATA_DIR": str(folder)}
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "dialograum.cli", "migrate"],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    migrations = [line for text in said for line in text.splitlines() if line.startswith("Migrating")]
    assert len(migrations) == len(set(migrations)) > 0
    assert sum("up to date" in text for text in said) == 1


def test_the_doctor_answers_as_json(environment, database):
    answer = subprocess.run(
        [sys.executable, "-m", "dialograum.cli", "doctor", "--json"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    checks = {check["name"]: check["ok"] for check in json.loads(answer.stdout)["checks"]}
    assert checks["database"] is True


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("to Anna <anna.beispiel+x@example.org>: refused", "to Anna <[address]>: refused"),
        ("GET /r/abc.def-1/confirmation", "GET /r/[token]/confirmation"),
        ("/de/join/abc?x=1 and /c/abc", "/de/join/[token]?x=1 and /c/[token]"),
        ("?q=anna%40example.org&page=2", "?q=[address]&page=2"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [token]"),
        ("POST /http-bind?room=a&token=abc.def&x=1", "POST /http-bind?room=a&token=[token]&x=1"),
        ('{"to": "anna@example.org"}', '{"to": "[address]"}'),
        ("/events/forum/register", "/events/forum/register"),
    ],
)
def test_logs_hold_no_address_and_no_token(text, shown):
    assert redact(text) == shown


def test_requests_to_others_are_not_logged(environment):
    """Their addresses hold tokens of meeting rooms."""
    program = """
import asyncio, logging
from dialograum import logs
from hybrid.meeting_servers import examine
from hybrid.meetings import Server
logs.configure()
logging.getLogger("dialograum").info("begun")
asyncio.run(examine(Server("http://127.0.0.1:9")))
import httpx
logging.getLogger("httpx").info("HTTP Request: POST http://127.0.0.1:9/http-bind?room=secret")
"""
    answer = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert "begun" in answer.stderr
    assert "127.0.0.1:9" not in answer.stderr
