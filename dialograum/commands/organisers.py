import asyncio
import sys
from datetime import UTC, datetime

import click

from dialograum import signin
from dialograum.database import connected, migrate
from dialograum.settings import Settings, load
from events.forms import is_address
from events.rules import Role
from events.tables import Organiser


@click.group()
def command() -> None:
    """Adds organisers."""


@command.command()
@click.argument("email")
@click.option("--name", help="How colleagues call them; the address where it is left out.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.ORGANISER.value,
    show_default=True,
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, one line.")
def add(email: str, name: str | None, role: str, password_stdin: bool) -> None:
    """Adds somebody, or changes their role or password. Without a password a sign-in link is printed, once."""
    address = email.strip().lower()
    if not is_address(address) or len(address) > 254:
        raise click.BadParameter(f"{email!r} is no e-mail address", param_hint="EMAIL")
    if name is not None and not 1 <= len(name.strip()) <= 200:
        raise click.BadParameter("must have 1 to 200 characters", param_hint="--name")
    password = None
    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
        if len(password) not in signin.PASSWORD_LENGTH:
            raise click.ClickException(
                f"The password needs {signin.PASSWORD_LENGTH.start} to {signin.PASSWORD_LENGTH.stop - 1} characters."
            )
    settings = load()
    token = asyncio.run(_add(settings, address, name.strip() if name else None, role, password))
    if token:
        click.echo(f"{settings.base_url}/organise/sign-in/{token}")


async def _add(
    settings: Settings, address: str, name: str | None, role: str, password: str | None
) -> str | None:
    async with connected(settings, pool_size=1):
        await migrate()
        organiser = await put_organiser(address, name, role, password)
        return None if password else await signin.make_link(organiser, datetime.now(UTC))


async def put_organiser(address: str, name: str | None, role: str, password: str | None) -> Organiser:
    """Adds an organiser or changes what is given of one."""
    organiser = await Organiser.objects().where(Organiser.email == address).first()
    if organiser is None:
        organiser = Organiser(email=address, name=name or address)
    organiser.name = name or organiser.name
    organiser.role = role
    if password:
        organiser.password_hash = signin.hash_password(password)
    await organiser.save()
    return organiser
