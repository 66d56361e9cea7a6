import asyncio

import click

from dialograum import signin
from dialograum.database import connected, migrate
from dialograum.settings import Settings, load
from events.tables import Organiser


@click.group()
def command() -> None:
    """Makes tokens for the API."""


@command.command()
@click.option("--for", "email", required=True, metavar="EMAIL", help="The organiser for whom the token acts.")
@click.option("--scope", type=click.Choice(["read", "write"]), default="read", show_default=True)
def create(email: str, scope: str) -> None:
    """Prints a new token and nothing else. It is shown once: only a hash of it is kept."""
    click.echo(asyncio.run(_create(load(), email.strip().lower(), scope)))


async def _create(settings: Settings, address: str, scope: str) -> str:
    async with connected(settings, pool_size=1):
        await migrate()
        organiser = await Organiser.objects().where(Organiser.email == address).first()
        if organiser is None:
            raise click.ClickException(
                f"There is no organiser {address}: add one by dialograum organisers add."
            )
        return await signin.make_token(organiser, scope)
