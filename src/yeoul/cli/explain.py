"""`yeoul explain`: how one row was classed and why."""

from __future__ import annotations

from typing import Annotated

import typer

from yeoul.cli.arguments import AsJson, WorkspaceArg
from yeoul.cli.say import count, data, say
from yeoul.events import iso
from yeoul.flows.explain import Explained, WindowNow, explain
from yeoul.settings import load_workspace

__all__ = ["add_to"]

_SHOWN = 300


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("explain")(_explain)


def _explain(
    workspace: WorkspaceArg,
    position: Annotated[
        str, typer.Argument(metavar="POSITION", help="FILE:LINE, FILE@OFFSET in bytes, or TOPIC/PARTITION@OFFSET.")
    ],
    stream: Annotated[str | None, typer.Option(help="Which stream, when several read the file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say how a row was classed and why: counted, late, future, invalid, duplicate, filtered, or not read yet.

    Reads the kept state, also while `yeoul run` is at work; without one it says what decoding alone tells.
    """
    told = explain(load_workspace(workspace).plan(), position, stream)
    if as_json:
        data(told.as_members())
        return
    _tell(told)


def _tell(told: Explained) -> None:
    where = f"message {told.offset}" if told.line is None else f"line {count(told.line)}, byte {told.offset}"
    say(f"{told.source} {where}: stream `{told.stream}`, split {told.split}")
    doubt = "" if told.sure else " (most likely)"
    say(f"{told.kind}{doubt}: {told.why}")
    if told.event_us is not None:
        say(f"  time {iso(told.event_us)}")
    if told.row:
        say("  " + ", ".join(f"{name} = {value}" for name, value in told.row.items()))
    for window in told.windows:
        say(f"  {_window(window, told.key)}")
    if told.split_watermark_us is not None:
        combined = "" if told.watermark_us is None else f", of all splits {iso(told.watermark_us)}"
        say(f"  watermark of its split now {iso(told.split_watermark_us)}{combined}")
    for note in told.notes:
        say(f"  note: {note}")
    raw = told.raw if len(told.raw) <= _SHOWN else told.raw[:_SHOWN] + "…"
    say(f"  {raw}")


def _window(window: WindowNow, key: dict[str, str]) -> str:
    state = "closed" if window.closed else "open"
    revision = "" if window.revision is None else f", revision {window.revision}"
    who = " / ".join(key.values())
    if window.values is None:
        return f"window {iso(window.start_us)} to {iso(window.end_us)} ({state}) holds nothing of {who} now"
    values = ", ".join(f"{name} = {value:,}" for name, value in window.values.items())
    return f"window {iso(window.start_us)} to {iso(window.end_us)} ({state}{revision}): {who} has {values}"
