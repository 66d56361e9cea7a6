"""What those who run the service ask it."""

import re
from ipaddress import ip_network
from typing import Any

from pydantic import SecretStr

from dialograum import database as db


async def test_the_process_is_up_and_its_database_ready(visitor):
    assert (await visitor.get("/healthz")).json() == {"status": "ok"}
    assert (await visitor.get("/readyz")).json() == {"status": "ok"}


async def test_an_older_schema_is_not_ready(monkeypatch, visitor):
    async def one_left() -> list[tuple[str, str]]:
        return [("events", "the_next")]

    monkeypatch.setattr(db, "_pending", one_left)
    assert (await visitor.get("/readyz")).status_code == 503


PROXIES = (ip_network("127.0.0.0/8"),)


KEY = {"metrics_token": SecretStr("key")}
CALLERS: list[tuple[str, dict[str, str], dict[str, Any], int]] = [
    ("127.0.0.1", {}, {}, 200),
    ("::1", {}, {}, 200),
    ("203.0.113.7", {}, {}, 404),
    ("203.0.113.7", {"X-Forwarded-For": "127.0.0.1"}, {}, 404),
    ("127.0.0.1", {"X-Forwarded-For": "203.0.113.7"}, {}, 404),
    ("127.0.0.1", {"X-Forwarded-For": "203.0.113.7"}, {"trusted_proxies": PROXIES}, 404),
    ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, {"trusted_proxies": PROXIES}, 200),
    ("127.0.0.1", {}, KEY, 404),
    ("203.0.113.7", {"Authorization": "Bearer key"}, KEY, 200),
    ("203.0.113.7", {"Authorization": "Bearer kex"}, KEY, 404),
    ("203.0.113.7", {"Authorization": "Bearer "}, {}, 404),
]


async def test_figures_are_for_this_machine_or_for_a_token(town):
    for client, headers, settings, status in CALLERS:
        visitor = await town.visitor(client=client, **settings)
        answer = await visitor.get("/metrics", headers=headers)
        assert answer.status_code == status, (client, headers, settings)


async def test_figures_count_what_there_is(town):
    event = await town.event(registration={"capacity": 1})
    for name in ("Anna Muster", "Ben Muster"):
        await town.register(event, name)
    text = (await (await town.visitor(client="127.0.0.1")).get("/metrics")).text
    figures = {
        key: float(value) for key, value in re.findall(r"^(dialograum_\S+) (\S+)$", text, re.MULTILINE)
    }
    assert figures['dialograum_registrations{status="pending"}'] == 1
    assert figures['dialograum_registrations{status="waitlisted"}'] == 1
    assert figures['dialograum_messages{status="queued"}'] == 2
    assert figures['dialograum_events{status="published"}'] == 1
    assert figures["dialograum_outbox_oldest_due_seconds"] >= 0
    assert "Anna" not in text
