"""`yeoul run`: the engine and the console, supervised."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

import typer

from yeoul.cli.arguments import Port, WorkspaceArg
from yeoul.cli.say import aside
from yeoul.cli.supervisor import Supervisor, console_process, engine_process
from yeoul.errors import InputError
from yeoul.flows.parts import open_source
from yeoul.flows.sinking import check_result_sinks
from yeoul.flows.workers import Part, run_part
from yeoul.settings import load_workspace
from yeoul.stopping import set_on_signals

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("run")(_run)


def _run(
    workspace: WorkspaceArg,
    port: Port = None,
    no_console: Annotated[bool, typer.Option("--no-console", help="Run the engine alone.")] = False,
    part: Annotated[
        Part | None,
        typer.Option(
            help="Run a part alone: `count` reads and counts; any number of `detect` and `rank` follow the windows "
            "that a sink with `shard_by` sends."
        ),
    ] = None,
) -> None:
    """Read the logs as they are written and keep the results up to date, until Ctrl-C.

    Two processes: the engine, which alone writes `.yeoul/`, and the console. Stopping loses nothing.

    When one machine is too small: `--part count` there, and `--part detect` on as many others as you like. They share
    the keys out among them, and go on where one that is stopped or killed left off.
    """
    if part not in {None, "count"}:
        _run_worker(workspace, part, port)
        return
    if no_console and port is not None:
        message = f"got --port {port} and --no-console, which starts no console; legal: one of them"
        raise InputError(message)
    found = load_workspace(workspace)
    for warning in found.warnings:
        aside(f"note: {warning}")
    for stream in found.plan().streams:
        # a kind of source that cannot be read is told before anything starts
        open_source(stream, None, live=True).close()
    check_result_sinks(found.plan(), lambda text: aside(f"note: {text}"))
    with Supervisor() as processes:
        processes.start(engine_process(found.folder, part=part))
        if not no_console:
            url = processes.start_console(console_process(found.folder, port=port))
            aside(f"console: {url}")
        aside("reading; Ctrl-C stops")
        raise typer.Exit(processes.wait())


def _run_worker(workspace: Path, part: Part, port: int | None) -> None:
    if port is not None:
        message = f"got --port {port} and --part {part}, which has no console; legal: one of them"
        raise InputError(message)
    found = load_workspace(workspace)
    for warning in found.warnings:
        aside(f"note: {warning}")
    if part == "detect" and found.plan().notifiers:
        aside("note: `[notify.NAME]` blocks are not told by workers; incidents go to their topic")
    stop = threading.Event()
    set_on_signals(stop)
    aside("following; Ctrl-C stops")
    run_part(found.plan(), part, stop, tell=aside)
