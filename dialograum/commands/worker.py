import asyncio

import click

from dialograum import background, logs
from dialograum.settings import load


@click.command()
def command() -> None:
    """Does the background work alone: mail, expiry, promotion. Any number beside any number of `serve`."""
    settings = load()
    logs.configure()
    asyncio.run(background.run(settings))
