import asyncio
import os
import secrets
from datetime import UTC, datetime

import click

from dialograum.database import connected, migrate
from dialograum.demo import ORGANISER, prepare
from dialograum.failures import SettingsInvalid
from dialograum.serving import check_port, serve
from dialograum.settings import PREFIX, Settings, load
from dialograum.web import DEMO


@click.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
def command(port: int) -> None:
    """Shows everything with example events and a mailbox, on this machine alone; safe to run again."""
    os.environ.setdefault(f"{PREFIX}BASE_URL", f"http://127.0.0.1:{port}")
    os.environ[DEMO] = "1"
    settings = load()
    if not settings.is_embedded:
        raise SettingsInvalid(f"{PREFIX}DATABASE_URL: the demo uses a database of its own; leave it empty")
    if settings.mail:
        raise SettingsInvalid(f"{PREFIX}MAIL_URL: the demo sends nothing; leave it empty")
    check_port("127.0.0.1", port)
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    click.echo("Preparing the example events …", err=True)
    asyncio.run(_prepare(settings, password))
    click.echo(
        f"\n  Dialograum       {settings.base_url}/\n"
        f"  Mailbox          {settings.base_url}/mailbox\n"
        f"  For organisers   {settings.base_url}/organise\n"
        f"                   {ORGANISER}, password {password}\n"
    )
    serve(settings, host="127.0.0.1", port=port, workers=2)


async def _prepare(settings: Settings, password: str) -> None:
    async with connected(settings, pool_size=2):
        await migrate()
        await prepare(password, settings.languages, datetime.now(UTC).date())
