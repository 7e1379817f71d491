"""The verbs joined, and what happens to an error."""

from __future__ import annotations

import signal
import sqlite3
import sys
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from yeoul import __version__
from yeoul.cli import (
    check,
    compiler,
    demo,
    detect,
    doctor,
    evaluate,
    explain,
    export,
    init,
    processes,
    quarantine,
    replay,
    run,
    servers,
    ship,
    submit,
)
from yeoul.cli.mistakes import refused, usage
from yeoul.cli.say import complain
from yeoul.errors import YeoulError

__all__ = ["app", "main"]

_EPILOG = "Start with `yeoul demo`, or with your own logs: `yeoul init DIR --sample FILE`."

app = typer.Typer(
    name="yeoul",
    help="Point it at event logs: which customers behave abnormally and which titles are hot, within seconds.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"yeoul {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Hold what all verbs share."""


for verb in (
    demo,
    init,
    check,
    run,
    replay,
    export,
    explain,
    quarantine,
    detect,
    evaluate,
    servers,
    ship,
    compiler,
    submit,
    doctor,
    processes,
):
    verb.add_to(app)


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    # what is temporary is removed after a SIGTERM too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    code: object = 1
    try:
        code = app(prog_name="yeoul", standalone_mode=False)
    except TyperException as error:
        # a group named alone has shown its help already, and says no more
        if error.format_message():
            complain(usage(error))
        code = error.exit_code
    except YeoulError as error:
        complain(error)
        code = error.exit_code
    except (OSError, sqlite3.Error) as error:
        complain(refused(error))
    except KeyboardInterrupt:  # before the verbs have begun
        code = 128 + signal.SIGINT
    sys.exit(code if isinstance(code, int) else 0)
