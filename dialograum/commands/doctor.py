import asyncio
import json
import sys

import click

from dialograum.doctor import examine
from dialograum.settings import load

MARKS = {True: "ok", False: "FAILED", None: "-"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.option(
    "--mail-to", "address", metavar="EMAIL", help="Sends a test mail there and says what the server answers."
)
def command(as_json: bool, address: str | None) -> None:
    """Checks database, mail server, meeting servers and base URL; exit code 1 if one fails."""
    checks = asyncio.run(examine(load(), address))
    if as_json:
        click.echo(json.dumps({"checks": [check._asdict() for check in checks]}))
    else:
        for check in checks:
            click.echo(f"{MARKS[check.ok]:6}  {check.name}: {check.text}")
    if failed := [check.name for check in checks if check.ok is False]:
        click.echo(f"dialograum: failed: {', '.join(failed)}", err=True)
        sys.exit(1)
