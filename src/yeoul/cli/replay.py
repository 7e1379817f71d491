"""`yeoul replay`: the whole input to its end, then the results as files."""

from __future__ import annotations

import typer

from yeoul.cli.arguments import AsJson, OutDir, WorkspaceArg
from yeoul.cli.inputs import require_readable
from yeoul.cli.say import aside, count, data, progress_bar, say, size
from yeoul.flows.replay import Progress, replay
from yeoul.settings import load_workspace

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("replay")(_replay)


def _replay(workspace: WorkspaceArg, out: OutDir, as_json: AsJson = False) -> None:
    """Read all input to its end, close every window and write the results to files.

    Uses a temporary state, tells no notifier and does not touch `.yeoul/`. The same input gives the same bytes.
    """
    found = load_workspace(workspace)
    for note in (*found.warnings, *require_readable(found.plan())):
        aside(f"note: {note}")
    with progress_bar() as bar:
        task = bar.add_task("reading", rate="")

        def show(progress: Progress) -> None:
            rate = f"{count(progress.rows / max(progress.seconds, 1e-9))} events/s"
            bar.update(task, completed=progress.done_bytes, total=progress.total_bytes, rate=rate)

        done = replay(found.plan(), out, show)
    book, seconds = done.ledger, max(done.seconds, 1e-9)
    if as_json:
        data(
            {
                "ledger": book.as_dict(),
                "seconds": round(done.seconds, 3),
                "events_per_s": round(book.read / seconds),
                "files": [str(path) for path in done.files],
            }
        )
        return
    say(f"read {count(book.read)} rows ({size(book.bytes)}) in {seconds:.2f} s: {count(book.read / seconds)} events/s")
    kinds = ("counted", "late", "future", "invalid", "duplicate", "filtered")
    say("  " + ", ".join(f"{count(getattr(book, kind))} {kind}" for kind in kinds))
    for path in done.files:
        say(f"  {path}  {size(path.stat().st_size)}")
