import asyncio
import os

import click

from dialograum import background, logs
from dialograum.settings import load


@click.command()
def command() -> None:
    """Does the background work alone: mail, expiry, promotion. Any number beside any number of `serve`."""
    if parent := os.environ.pop(background.PARENT, ""):
        background.end_with_parent(int(parent))
    settings = load()
    logs.configure()
    asyncio.run(background.run(settings))
