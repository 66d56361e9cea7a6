import asyncio
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
from rich.progress import track

from dialograum import publishing
from dialograum.database import connected, migrate
from dialograum.event_file import EventFile, read_files, remarks, write
from dialograum.settings import Settings, load
from events.queries import all_events
from events.tables import Organiser
from registration.queries import counts_by_status


class Day(click.ParamType[date]):
    """A day as YYYY-MM-DD."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no day such as 2026-12-10", param, ctx)


@click.group()
def command() -> None:
    """Imports, lists and exports events."""


@command.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--start", type=Day(), help="Move all events of a file so that the earliest begins on this day."
)
@click.option("--publish", is_flag=True, help="Show the events to the public at once.")
@click.option("--owner", metavar="EMAIL", help="Who manages new events.")
@click.option("--replace", is_flag=True, help="Also where people would lose their group.")
@click.option("--preview", is_flag=True, help="Say what would change and how many are told; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def import_(
    files: tuple[Path, ...],
    start: date | None,
    publish: bool,
    owner: str | None,
    replace: bool,
    preview: bool,
    as_json: bool,
) -> None:
    """Reads event files. A slug that exists is edited, and people affected are told; all files or none."""
    settings = load()
    read = read_files(files, start=start, default_language=settings.default_language)
    for file in read:
        for remark in remarks(file):
            click.echo(f"note: {remark}", err=True)
    written = asyncio.run(_import(settings, read, publish, owner, replace, preview))
    if as_json:
        click.echo(json.dumps({"events": [vars(one) for one in written]}))
        return
    for one in written:
        said = (
            "created"
            if one.created
            else f"changed: {', '.join(one.changes) or 'nothing that people must know'}"
        )
        told = f"; {one.told} people are told" if one.told else ""
        click.echo(f"{one.slug}: {said}{told}")
    if preview:
        click.echo("This was a preview: nothing was changed, nobody was told.")


async def _import(
    settings: Settings,
    files: tuple[EventFile, ...],
    publish: bool,
    owner: str | None,
    replace: bool,
    preview: bool,
) -> list[publishing.Written]:
    async with connected(settings, pool_size=2):
        await migrate()
        by = await _organiser(owner) if owner else None
        return await publishing.import_files(
            track(files, "Importing", transient=True, disable=len(files) < 2) if files else files,
            by,
            datetime.now(UTC),
            publish=publish,
            replace_groups=replace,
            preview=preview,
            languages=settings.languages,
        )


async def _organiser(email: str) -> Organiser:
    organiser = await Organiser.objects().where(Organiser.email == email.strip().lower()).first()
    if organiser is None:
        raise click.ClickException(f"There is no organiser {email}: add one by dialograum organisers add.")
    return organiser


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def list_(as_json: bool) -> None:
    """Lists all events by start, with how many hold seats and wait."""
    rows = asyncio.run(_list(load()))
    if as_json:
        click.echo(json.dumps({"events": rows}))
        return
    for row in rows:
        seats = f"{row['confirmed']} confirmed, {row['pending']} pending, {row['waitlisted']} waiting"
        click.echo(
            f"{row['starts_local'][:16].replace('T', ' ')}  {row['status']:9}  {row['slug']}  ({seats})"
        )


async def _list(settings: Settings) -> list[dict[str, Any]]:
    async with connected(settings, pool_size=2):
        await migrate()
        rows = []
        for event in await all_events():
            counts = await counts_by_status(event.id)
            rows.append(
                {
                    "slug": event.slug,
                    "status": event.status.value,
                    "mode": event.mode.value,
                    "timezone": event.timezone,
                    "starts_local": event.starts_local.isoformat(),
                    "confirmed": counts["confirmed"],
                    "pending": counts["pending"],
                    "waitlisted": counts["waitlisted"],
                }
            )
        return rows


@command.command()
@click.argument("slug")
def export(slug: str) -> None:
    """Prints an event file that imports to the same event."""
    click.echo(write(asyncio.run(_export(load(), slug))), nl=False)


async def _export(settings: Settings, slug: str) -> EventFile:
    async with connected(settings, pool_size=2):
        await migrate()
        return await publishing.file_of(slug)
