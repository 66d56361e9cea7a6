import asyncio

import click

from dialograum.database import connected, migrate
from dialograum.settings import Settings, load


@click.command()
def command() -> None:
    """Brings the schema of the database up to date. Safe while others do the same."""
    done = asyncio.run(_migrate(load()))
    click.echo(f"{done} migrations run." if done else "The schema is up to date.", err=True)


async def _migrate(settings: Settings) -> int:
    async with connected(settings, pool_size=1):
        return await migrate(lambda migration: click.echo(f"Migrating {migration}", err=True))
