import os

import click

from dialograum.serving import serve
from dialograum.settings import load


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--workers", type=click.IntRange(1, 64), help="Web processes; as many as there are cores, at most 4."
)
def command(host: str, port: int, workers: int | None) -> None:
    """Serves the pages and does the background work; migrates first. SIGTERM drains and stops."""
    serve(
        load(),
        host=host,
        port=port,
        workers=workers or min(4, os.cpu_count() or 1),
        progress=lambda migration: click.echo(f"Migrating {migration}", err=True),
    )
