"""What `dialograum doctor` looks at, one short function each."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

import aiosmtplib

from dialograum import database
from dialograum.failures import CannotRun
from dialograum.settings import Settings
from hybrid.downloads import download
from hybrid.fetching import listened_to, report_of
from hybrid.indicators import BUILT_IN, Indicator
from hybrid.meeting_servers import SECONDS as MEETING_SECONDS
from hybrid.meeting_servers import Found, Health, MeetingServers
from hybrid.meetings import AUDIENCE
from hybrid.reports import StateReport, Unreadable
from hybrid.rooms import CROWD, crowded_events

SECONDS = 10
FRESH_DAYS, FRESH_WEEKS, FRESH_STATE = timedelta(hours=72), timedelta(hours=336), timedelta(hours=2)
"""What a rule takes for fresh unless it says otherwise."""


class Check(NamedTuple):
    """What was found: `ok` is None where there is nothing to judge."""

    name: str
    ok: bool | None
    text: str


async def database_check(settings: Settings) -> Check:
    kind = "embedded" if settings.is_embedded else "by address"
    async with database.connected(settings, pool_size=1) as db:
        async with db.connection() as connection:
            version, number = await connection.fetchrow(
                "SELECT current_setting('server_version'), current_setting('server_version_num')::int"
            )
        found = f"PostgreSQL {version}, {kind}"
        if number < database.OLDEST_SERVER * 10_000:
            return Check("database", False, f"{found}: {database.OLDEST_SERVER} or newer is needed")
        if not await database.is_migrated():
            return Check("database", False, f"{found}: the schema is not up to date; run dialograum migrate")
    return Check("database", True, f"{found}, up to date")


async def base_url_check(settings: Settings) -> Check:
    parts = urlsplit(settings.base_url)
    is_local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if is_local:
        return Check("base URL", None, f"{settings.base_url} is reached from this machine alone")
    if parts.scheme != "https":
        return Check("base URL", False, f"{settings.base_url}: what people type in would travel unencrypted")
    return Check("base URL", True, settings.base_url)


async def secret_check(settings: Settings) -> Check:
    _ = settings.secret
    return Check("secret", True, "SECRET_KEY" if settings.secret_key else str(settings.data_dir / "secret"))


async def mail_check(settings: Settings) -> Check:
    """Greets the mail server, as it would be for a mail, and hands over none."""
    server = settings.mail
    if server is None:
        return Check("mail", None, f"no MAIL_URL: mails are written to {settings.mail_dir}, nobody gets them")
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.tls,
        start_tls={"auto": None, "required": True, "never": False}[server.starttls],
        timeout=SECONDS,
    )
    where = f"{server.host}:{server.port}"
    try:
        async with client:
            encrypted = (
                client.transport is not None and client.transport.get_extra_info("sslcontext") is not None
            )
            if server.user:
                await client.login(server.user, server.password)
    except (aiosmtplib.SMTPException, OSError) as error:
        return Check("mail", False, f"{where}: {_one_line(error)}")
    return Check("mail", True, f"{where}, {'encrypted' if encrypted else 'not encrypted'}")


async def meeting_checks(settings: Settings) -> list[Check]:
    """Each meeting server, by a login as people's own, which makes no room."""
    if not settings.jitsi_urls:
        return [Check("meeting servers", None, "none set: events cannot move online")]
    found = await MeetingServers(settings.meeting_servers).health()
    return [Check("meeting server", one.answers, f"{one.server.url}: {_found(one)}") for one in found]


def _found(health: Health) -> str:
    text = FOUND[health.found].format(detail=health.detail)
    if health.answers:
        text += (
            " and takes our tokens" if health.server.keys else "; rooms are open to whoever knows their name"
        )
        text += " (sound and pictures, by UDP, cannot be proved from here)"
    if health.answers and health.is_clock_wrong:
        seconds = round(health.behind.total_seconds())
        text += f"; its clock is {abs(seconds)} s {'behind' if seconds > 0 else 'ahead of'} ours"
    return text


async def rooms_check(settings: Settings) -> Check:
    """Whether more people are expected in one room than a meeting server is made for."""
    async with database.connected(settings, pool_size=1):
        found = await crowded_events(datetime.now(UTC))
    if not found:
        return Check("meeting rooms", True, f"nowhere more than {CROWD} people expected in one room")
    said = [f"{slug}: {crowd.people} in {'/'.join(crowd.room or ('the plenary',))}" for slug, crowd in found]
    return Check(
        "meeting rooms",
        None,
        f"more than {CROWD} people expected in one room; give the event a [meeting] url: {', '.join(said)}",
    )


FOUND = {
    Found.WELL: "answers",
    Found.REFUSED: "nobody answers there, the connection is refused",
    Found.SILENT: f"no answer within {MEETING_SECONDS} seconds",
    Found.NAME_UNKNOWN: "its name is not known to the DNS",
    Found.NOT_TRUSTED: "its certificate is not trusted",
    Found.FAILING: "answers with status {detail}",
    Found.LEADS_ELSEWHERE: "leads to another host, {detail}, which is not followed",
    Found.NOT_JITSI: "answers, status {detail}, but is no Jitsi",
    Found.NO_LOGIN: "is a Jitsi, but nobody can log in ({detail})",
    Found.WRONG_SECRET: "refuses our tokens: its secret or key is not that of JITSI_APP_SECRET or JITSI_KEY_FILE",
    Found.WRONG_ISSUER: "refuses our tokens: JITSI_APP_ID is not its app id, nor an issuer that it accepts",
    Found.WRONG_AUDIENCE: f"refuses our tokens: it does not accept the audience {AUDIENCE}",
    Found.CLOCK_BEHIND: "refuses our tokens: its clock is more than two minutes behind",
    Found.CLOCK_AHEAD: "refuses our tokens: its clock is more than half an hour ahead",
    Found.WANTS_TOKEN: "lets in with tokens alone: set JITSI_APP_ID and JITSI_APP_SECRET",
    Found.TOKEN_REFUSED: "refuses our tokens: {detail}",
}


CHECKS: tuple[tuple[str, Callable[[Settings], Awaitable[Check | list[Check]]]], ...] = (
    ("database", database_check),
    ("base URL", base_url_check),
    ("secret", secret_check),
    ("mail", mail_check),
    ("meeting servers", meeting_checks),
    ("meeting rooms", rooms_check),
)


async def source_checks(settings: Settings) -> list[Check]:
    """Fetches and reads every source that an event listens to or the operator has set, and keeps nothing of it.

    The others that are built in are named and left alone; so are all of them that nobody set while there is no
    database to say who listens.
    """
    try:
        async with database.connected(settings, pool_size=1):
            listened = await listened_to(datetime.now(UTC)) if await database.is_migrated() else set()
    except (CannotRun, *database.LOST):
        listened = set()
    checks = []
    for name, indicator in settings.sources.items():
        is_set = name in settings.indicator_urls or name not in BUILT_IN
        if not indicator.address:
            checks.append(Check(name, None, "typed in by organisers, nothing to fetch"))
        elif is_set or name in listened:
            checks.append(await _source_check(indicator))
        else:
            checks.append(Check(name, None, "no event listens to it, not fetched"))
    unknown = sorted(listened - settings.sources.keys())
    return checks + [
        Check(name, False, "an event listens to it, and there is no such source") for name in unknown
    ]


async def _source_check(indicator: Indicator) -> Check:
    try:
        found = await download(indicator.address)
        report = await report_of(indicator, found)
    except Unreadable as failure:
        return Check(indicator.name, False, f"{failure} ({indicator.address})")
    now = datetime.now(UTC)
    if isinstance(report, StateReport):
        text = f"{len(report.warnings)} warnings, issued {report.issued_at:%Y-%m-%d %H:%M} UTC"
        age, most = now - report.issued_at, FRESH_STATE
    else:
        text = f"{len(report.rows)} regions, newest row of {report.report_on}"
        age = now - datetime.combine(report.report_on, time(), indicator.zone)
        most = FRESH_WEEKS if indicator.weekly else FRESH_DAYS
    if age > most:
        return Check(indicator.name, None, f"{text}: too old for a switch ({indicator.address})")
    return Check(indicator.name, True, text)


async def examine(settings: Settings) -> list[Check]:
    """All checks; what a check cannot get at counts as failed."""
    found: list[Check] = []
    for name, check in CHECKS:
        try:
            checked = await check(settings)
            found += checked if isinstance(checked, list) else [checked]
        except (CannotRun, *database.LOST) as error:
            found.append(Check(name, False, _one_line(error)))
    return found + await source_checks(settings)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
