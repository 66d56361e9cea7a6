import asyncio
import sys

import click

from dialograum.database import LOST, connected
from dialograum.failures import CannotRun
from dialograum.settings import load
from notifications import outbox
from notifications.bounces import LARGEST, Bounce, Other, read

LATER = 75
"""EX_TEMPFAIL of sysexits.h: Postfix, Exim and Sendmail keep the mail and try again."""

WORDS = {
    Other.DELAYED: "ignored: nothing was given up",
    Other.AUTOMATIC: "ignored: an automatic answer",
}


@click.command()
def command() -> None:
    """Reads a mail that came back on stdin, and notes what could not be delivered.

    For the pipe of a mail server, one mail each time. Exit code 0 = noted or nothing to note, 1 = not understood,
    75 = to be tried again.
    """
    content = sys.stdin.buffer.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise click.ClickException(f"the mail is larger than {LARGEST} bytes")
    found = read(content)
    if isinstance(found, Bounce):
        try:
            click.echo(asyncio.run(_note(found)))
        except (CannotRun, *LOST) as error:
            click.echo(f"dialograum: {error}", err=True)
            sys.exit(LATER)
    elif found in WORDS:
        click.echo(WORDS[found])
    else:
        raise click.ClickException("the mail is neither a delivery report nor an automatic answer")


async def _note(bounce: Bounce) -> str:
    async with connected(load(), pool_size=1):
        if await outbox.bounced(bounce.messages, bounce.reason):
            return "noted"
    return "ignored: no message of ours"
