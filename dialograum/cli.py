"""The command `dialograum`: exit code 0 = done, 1 = refused or failed (one line on stderr), 2 = wrong usage."""

import importlib
import signal
import sys
from typing import Any, NoReturn, cast

import click

COMMANDS = {
    "demo": "Shows everything with example events and a mailbox.",
    "serve": "Serves the pages and does the background work.",
    "worker": "Does background work alone, any number of them.",
    "migrate": "Brings the schema of the database up to date.",
    "doctor": "Checks database, mail server and settings.",
    "bounces": "Notes mails that came back, from the pipe of a mail server.",
    "events": "Imports, lists and exports events.",
    "mode": "Shows and sets an event's mode, evaluates and tries its rules.",
    "organisers": "Adds organisers.",
    "tokens": "Makes tokens for the API.",
}
"""Every command with its short help; `commands/<name>.py` holds it as `command`."""


class Commands(click.Group):
    """Loads a command when it is called, so that `--help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return cast(click.Command, importlib.import_module(f"dialograum.commands.{cmd_name}").command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dialograum", message="%(prog)s %(version)s")
def cli() -> None:
    """Dialograum: towns hold their dialogue events with it."""


def main(arguments: list[str] | None = None) -> NoReturn:
    signal.signal(signal.SIGTERM, _stop)
    try:
        cli.main(arguments, prog_name="dialograum", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(1)
    except Exception as error:
        if not _is_expected(error):
            raise
        click.echo(f"dialograum: {error}", err=True)
        sys.exit(1)
    sys.exit(0)


def _is_expected(error: Exception) -> bool:
    """Whether the error's own text tells an operator what to do, so that a traceback would only hide it."""
    from dialograum.database import LOST
    from dialograum.failures import CannotRun
    from events.errors import Refusal

    return isinstance(error, (CannotRun, Refusal, *LOST))


def _stop(number: int, frame: Any) -> None:
    # As Ctrl-C, which cancels what runs in an event loop; an exception out of nowhere would break asyncpg.
    signal.raise_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
