import asyncio
import json
import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import msgspec

from dialograum.commands.events import Day
from dialograum.database import connected, migrate
from dialograum.languages import LANGUAGES
from dialograum.mode_json import lines_of, mode_json, replay_json
from dialograum.mode_words import ModeWords
from dialograum.pages import environment
from dialograum.settings import Settings, load
from dialograum.site import site_of
from events.forms import Reason
from events.queries import details
from events.rules import Mode
from hybrid.evaluation import evaluate_waiting
from hybrid.fetching import read_due
from hybrid.notices import tell_source_failed
from hybrid.overview import ModeView, mode_view
from hybrid.queries import listening_slugs, names_of, stored_rules
from hybrid.switching import Cause, set_mode
from hybrid.trials import ReportFile, replay_files, replay_kept


class Reports(click.ParamType[tuple[str, Path]]):
    """A file of recorded reports, with the name of its indicator in front where it is not plain."""

    name = "[INDICATOR=]FILE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path]:
        if isinstance(value, tuple):
            return value
        named, sign, path = str(value).partition("=")
        if sign and "/" not in named and not Path(value).exists():
            return named, self._file(path, param, ctx)
        return "", self._file(str(value), param, ctx)

    def _file(self, path: str, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        if not Path(path).is_file():
            self.fail(f"{path!r} is no file", param, ctx)
        return Path(path)


class Why(click.ParamType[str]):
    """A reason as the API takes it."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return msgspec.convert(str(value).strip(), Reason)
        except msgspec.ValidationError:
            self.fail("must be text without control characters, 2,000 characters at most", param, ctx)


@click.group()
def command() -> None:
    """Shows an event's mode, moves it by hand, and evaluates and tries the rules that decide about it."""


@command.command()
@click.argument("slug")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def show(slug: str, as_json: bool) -> None:
    """Shows an event's mode, why it is so, and how its rules stand."""
    body = asyncio.run(_show(load(), slug))
    click.echo(json.dumps(body) if as_json else "\n".join(lines_of(body)))


@command.command("set")
@click.argument("slug")
@click.argument("mode", type=click.Choice([mode.value for mode in Mode]))
@click.option("--reason", required=True, type=Why(), help="Why; everybody is told, as you write it.")
@click.option(
    "--no-lock", is_flag=True, help="Rules may move the event again; with the present mode, lifts the lock."
)
@click.option(
    "--hybrid-capacity", type=click.IntRange(0, 1_000_000), help="Seats in the hall while it is hybrid."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def set_(
    slug: str, mode: str, reason: str, no_lock: bool, hybrid_capacity: int | None, as_json: bool
) -> None:
    """Moves an event by hand, and tells everybody who takes part or waits. Rules are locked out from then on."""
    body = asyncio.run(_set(load(), slug, Mode(mode), reason, not no_lock, hybrid_capacity))
    click.echo(json.dumps(body) if as_json else "\n".join(lines_of(body)))


@command.command()
@click.argument("slug", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def evaluate(slug: str | None, as_json: bool) -> None:
    """Reads the sources now and judges the rules of an event, else of all that have any.

    Without a report that is new nothing changes. Where a source cannot be read the others are judged, and the command
    fails.
    """
    logging.getLogger("hybrid.fetching").setLevel(logging.ERROR)  # what could not be read is said at the end
    found, unread = asyncio.run(_evaluate(load(), slug))
    if as_json:
        click.echo(json.dumps({"events": [{"slug": name, **body} for name, body in found]}))
    else:
        for name, body in found:
            click.echo("\n".join([f"{name}:", *(f"  {line}" for line in lines_of(body))]))
    if unread:
        reasons = " ".join(f"{name}: {reason}" for name, reason in sorted(unread.items()))
        raise click.ClickException(f"not every source could be read. {reasons}")


@command.command()
@click.argument("slug")
@click.option(
    "--reports",
    "files",
    multiple=True,
    type=Reports(),
    help="Recorded reports, may be repeated; without any, those that this installation has kept.",
)
@click.option("--from", "first", type=Day(), help="The first day whose reports count.")
@click.option("--to", "last", type=Day(), help="The last one.")
@click.option("--event-date", "event_on", type=Day(), help="As if the event took place on this day.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def replay(
    slug: str,
    files: tuple[tuple[str, Path], ...],
    first: date | None,
    last: date | None,
    event_on: date | None,
    as_json: bool,
) -> None:
    """Says what an event's rules would have made of reports that are over. The event stays as it is."""
    if first and last and first > last:
        raise click.BadParameter(f"{first} is after --to {last}", param_hint="--from")
    read = [ReportFile(named, path.name, path.read_bytes()) for named, path in files]
    body = asyncio.run(_replay(load(), slug, read, first, last, event_on))
    if as_json:
        click.echo(json.dumps(body))
        return
    for switch in body["switches"]:
        click.echo(f"{switch['on']}  {switch['to']:9}  {switch['reason']}  [{switch['rule']}]")
    click.echo(f"switches: {len(body['switches'])}, readings: {len(body['readings'])}")


async def _set(
    settings: Settings, slug: str, mode: Mode, reason: str, lock: bool, hybrid_capacity: int | None
) -> dict[str, Any]:
    async with connected(settings, pool_size=2):
        await migrate()
        await set_mode(
            slug,
            mode,
            Cause(reason=reason),
            datetime.now(UTC),
            has_servers=bool(settings.jitsi_urls),
            lock=lock,
            hybrid_capacity=msgspec.UNSET if hybrid_capacity is None else hybrid_capacity,
        )
        return await _shown(settings, slug)


async def _show(settings: Settings, slug: str) -> dict[str, Any]:
    async with connected(settings, pool_size=2):
        await migrate()
        return await _shown(settings, slug)


async def _shown(settings: Settings, slug: str) -> dict[str, Any]:
    return mode_json(await _view(settings, slug), _words(settings))


async def _view(settings: Settings, slug: str) -> ModeView:
    return await mode_view(await details(slug), settings.sources, datetime.now(UTC))


async def _evaluate(
    settings: Settings, slug: str | None
) -> tuple[list[tuple[str, dict[str, Any]]], dict[str, str]]:
    """How the events stand then, by slug, and by name why sources could not be read."""
    async with connected(settings, pool_size=2):
        await migrate()
        if slug is None:
            slugs, names = await listening_slugs(datetime.now(UTC)), list(settings.sources)
        else:
            slugs, names = [slug], names_of(await stored_rules((await details(slug)).id))
        chosen = {name: settings.sources[name] for name in names if name in settings.sources}
        has_servers = bool(settings.jitsi_urls)
        await read_due(chosen, timedelta(), tell_source_failed, has_servers=has_servers)
        await evaluate_waiting(chosen, datetime.now(UTC), has_servers=has_servers)
        words = _words(settings)
        views = {slug: await _view(settings, slug) for slug in slugs}
        unread = {
            rule.rule.indicator: words.failure(rule)
            for view in views.values()
            for rule in view.rules
            if rule.rule.indicator in chosen and rule.failure is not None
        }
        return [(slug, mode_json(view, words)) for slug, view in views.items()], unread


async def _replay(
    settings: Settings,
    slug: str,
    files: Sequence[ReportFile],
    first: date | None,
    last: date | None,
    event_on: date | None,
) -> dict[str, Any]:
    async with connected(settings, pool_size=2):
        await migrate()
        event = await details(slug)
        span = {"first": first, "last": last, "event_on": event_on}
        if files:
            found = await replay_files(event, settings.sources, files, **span)
        else:
            found = await replay_kept(event, settings.sources, **span)
        return replay_json(found, _words(settings))


def _words(settings: Settings) -> ModeWords:
    """Commands speak English."""
    return ModeWords(environment(site_of(settings)), LANGUAGES["en"])
