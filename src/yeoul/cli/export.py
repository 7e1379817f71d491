"""`yeoul export`: what the kept state holds, as files; beside a running engine too."""

from __future__ import annotations

import typer

from yeoul.cli.arguments import AsJson, OutDir, WorkspaceArg
from yeoul.cli.say import data, say, size
from yeoul.flows.results.export import export
from yeoul.settings import load_workspace

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("export")(_export)


def _export(workspace: WorkspaceArg, out: OutDir, as_json: AsJson = False) -> None:
    """Write the closed windows, late rows, findings, incidents, rankings and the ledger of a workspace to files.

    Reads one moment of the state, also while `yeoul run` is at work.
    """
    found = load_workspace(workspace)
    files = export(found.plan(), out)
    if as_json:
        data({"files": [str(path) for path in files]})
        return
    for path in files:
        say(f"{path}  {size(path.stat().st_size)}")
