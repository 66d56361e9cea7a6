"""Whether the process is up, whether it can work, and figures for Prometheus."""

import hmac
from ipaddress import ip_address
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from dialograum.database import is_migrated
from dialograum.failures import DatabaseAway
from dialograum.settings import Settings
from dialograum.visitors import client_of
from events.controllers import NO_FORMS
from events.tables import Event
from notifications.tables import Message, MessageStatus
from registration.tables import Registration

AnyRequest = Request[Any, Any, Any]


@get("/healthz", include_in_schema=False, opt=NO_FORMS)
async def healthz() -> dict[str, str]:
    """The process is up."""
    return {"status": "ok"}


@get("/readyz", include_in_schema=False, opt=NO_FORMS)
async def readyz() -> Response[dict[str, str]]:
    """The database answers and its schema is up to date; else 503."""
    try:
        ready = await is_migrated()
    except DatabaseAway:
        return Response({"status": "database away"}, status_code=503)
    return Response({"status": "ok" if ready else "not migrated"}, status_code=200 if ready else 503)


@get("/metrics", include_in_schema=False, opt=NO_FORMS)
async def metrics(request: AnyRequest, settings: NamedDependency[Settings]) -> Response[bytes]:
    """Figures of the whole installation, read from the database: the same from whichever process answers.

    With `METRICS_TOKEN` a bearer token is needed, without it only loopback is answered.
    """
    if not _may_read(request, settings):
        return Response(b"", status_code=404)
    registry = CollectorRegistry()
    registrations = Gauge(
        "dialograum_registrations", "Registrations by status", ["status"], registry=registry
    )
    for row in await Registration.raw("SELECT status, count(*) AS n FROM registration GROUP BY status"):
        registrations.labels(row["status"]).set(row["n"])
    messages = Gauge("dialograum_messages", "Messages of the outbox by status", ["status"], registry=registry)
    counts = {status.value: 0 for status in MessageStatus}
    counts |= {
        row["status"]: row["n"]
        for row in await Message.raw("SELECT status, count(*) AS n FROM message GROUP BY status")
    }
    for status, count in counts.items():
        messages.labels(status).set(count)
    oldest = Gauge(
        "dialograum_outbox_oldest_due_seconds",
        "How long the oldest due message has waited",
        registry=registry,
    )
    rows = await Message.raw(
        "SELECT coalesce(extract(epoch FROM now() - min(due_at)), 0) AS seconds FROM message"
        " WHERE status IN ('queued', 'sending') AND due_at <= now()"
    )
    oldest.set(float(rows[0]["seconds"]))
    events = Gauge("dialograum_events", "Events by status", ["status"], registry=registry)
    for row in await Event.raw("SELECT status, count(*) AS n FROM event GROUP BY status"):
        events.labels(row["status"]).set(row["n"])
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _may_read(request: AnyRequest, settings: Settings) -> bool:
    token = settings.metrics_token.get_secret_value()
    if token:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), token.encode())
    # A proxy on this machine that nobody has named would make everybody look like one of us.
    unnamed_proxy = "x-forwarded-for" in request.headers and not settings.trusted_proxies
    return not unnamed_proxy and ip_address(client_of(request.scope, settings.trusted_proxies)).is_loopback
