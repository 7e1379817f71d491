"""The processes that `run` and `demo` start: not for people, so not in the help."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from yeoul.cli.arguments import Port, WorkspaceArg
from yeoul.cli.say import aside
from yeoul.cli.supervisor import die_with_parent
from yeoul.errors import YeoulError
from yeoul.flows.run import run_engine
from yeoul.flows.workers import Part, counting
from yeoul.settings import load_workspace
from yeoul.stopping import set_on_signals

__all__ = ["add_to"]

_CRASHED = 70
"""As sysexits.h has it: an internal error. The supervisor tries again."""


def add_to(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("engine", hidden=True)(_engine)
    app.command("console", hidden=True)(_console)


def _engine(workspace: WorkspaceArg, part: Annotated[Part | None, typer.Option(help="A part alone.")] = None) -> None:
    """Run the engine of a workspace until SIGTERM."""
    die_with_parent()
    stop = threading.Event()
    set_on_signals(stop)
    plan = load_workspace(workspace).plan()
    if part == "count":
        plan = counting(plan)
    try:
        run_engine(plan, stop, tell=aside)
    except (YeoulError, OSError):
        raise
    except Exception:  # noqa: BLE001  (a bug: its trace is shown and the supervisor tries again)
        sys.excepthook(*sys.exc_info())
        raise typer.Exit(_CRASHED) from None


def _console(
    workspace: WorkspaceArg,
    port: Port = None,
    demo: Annotated[Path | None, typer.Option(help="Folder of the simulated service.")] = None,
) -> None:
    """Serve the console of a workspace until SIGTERM; prints its address as JSON."""
    from yeoul.console.app import ConsoleConfig  # noqa: PLC0415 - no other verb loads the web framework
    from yeoul.console.server import serve  # noqa: PLC0415 - no other verb loads the web framework

    die_with_parent()
    found = load_workspace(workspace)
    options = found.console

    def ready(url: str) -> None:
        sys.stdout.write(json.dumps({"url": url}) + "\n")
        sys.stdout.flush()

    config = ConsoleConfig(
        folder=found.folder / ".yeoul",
        lookups=found.plan().lookups,
        demo_folder=demo,
        password=options.password,
        language=options.language,
    )
    serve(config, options.host, options.port if port is None else port, ready=ready)
