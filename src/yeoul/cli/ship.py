"""`yeoul ship`: lines of files to a topic of Kafka as they are written."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from yeoul.cli.say import aside, many, say
from yeoul.errors import ConfigError, InputError
from yeoul.flows.shipping import ship
from yeoul.flows.sinks import LinesSink
from yeoul.ingest.quarantine import Quarantine
from yeoul.settings import load_workspace
from yeoul.settings.problems import Problems
from yeoul.settings.sinks import read_sink
from yeoul.stopping import set_on_signals
from yeoul.store import read_state

__all__ = ["add_to"]

_SHOWN = 50


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("ship")(_ship)


def _ship(
    workspace: Annotated[
        Path | None, typer.Argument(metavar="[WORKSPACE]", help="Folder with `yeoul.toml` and `[sink.NAME]` blocks.")
    ] = None,
    path: Annotated[str | None, typer.Option(metavar="GLOB", help="Without a workspace: the files.")] = None,
    bootstrap: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="The brokers.")] = None,
    topic: Annotated[str | None, typer.Option(help="The topic.")] = None,
    key: Annotated[str | None, typer.Option(metavar="PATH", help="Field whose value is the message's key.")] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="Send only such fields, where they stand; `NAME=PATH`: at the top as NAME."),
    ] = None,
    client: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Setting of librdkafka; `${NAME}` is taken from the environment."),
    ] = None,
    compression: Annotated[str, typer.Option(help="`zstd`, `lz4`, `snappy`, `gzip` or `none`.")] = "zstd",
    start: Annotated[str, typer.Option(help="Where a first start begins: `earliest` or `latest`.")] = "earliest",
    state: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the positions.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Send what is there and stop.")] = False,
    refused: Annotated[bool, typer.Option("--refused", help="List the lines that were set aside, and stop.")] = False,
) -> None:
    """Send lines of log files to a topic of Kafka as they are written, until Ctrl-C.

    Each line is sent at least once: its position moves when all replicas have acknowledged it. Positions are kept in
    `.yeoul/ship` of the workspace, or in `--state` (`.yeoul-ship` here).
    """
    given: dict[str, Any] = {
        "path": path,
        "bootstrap": bootstrap,
        "topic": topic,
        "key": key,
        "fields": field,
        "client": client and dict(one.partition("=")[::2] for one in client),
        "compression": compression if compression != "zstd" else None,
        "start": start if start != "earliest" else None,
    }
    given = {name: value for name, value in given.items() if value}
    sinks, folder = _declared(workspace, given) if workspace else _given(given)
    folder = state or folder
    if refused:
        _show_refused(folder)
        return
    stop = threading.Event()
    set_on_signals(stop)
    if not once:
        aside(f"sending; Ctrl-C stops; positions are in {folder}")
    done = ship(sinks, folder, stop, once=once, tell=aside)
    say(f"sent {many(done.sent, 'line')}")
    if done.set_aside:
        aside(f"note: {many(done.set_aside, 'line')} set aside; `--refused` lists them")
    if done.waiting:
        aside(f"note: {many(done.waiting, 'line')} not acknowledged; they are sent at the next start")
    for name in done.unfinished[:_SHOWN] if once else ():
        aside(f"note: `{name}` ends in a line without end, which waits for it")


def _declared(workspace: Path, given: dict[str, Any]) -> tuple[list[LinesSink], Path]:
    if given:
        got = next(iter(given)).replace("fields", "field")
        message = f"got a workspace and `--{got}`; legal: one of them: what is sent where is in `[sink.NAME]` blocks"
        raise InputError(message)
    found = load_workspace(workspace)
    sinks = [sink for sink in found.plan().sinks if isinstance(sink, LinesSink)]
    if not sinks:
        message = f'`{found.file}` has no sink for lines; legal: a block `[sink.NAME]` with `send = "lines"`'
        raise InputError(message)
    return sinks, found.folder / ".yeoul" / "ship"


def _given(given: dict[str, Any]) -> tuple[list[LinesSink], Path]:
    for name in ("path", "bootstrap", "topic"):
        if name not in given:
            message = f"`--{name}` is missing; legal: a workspace, or `--path GLOB --bootstrap HOST:PORT --topic NAME`"
            raise InputError(message)
    problems = Problems({})
    raw = {"kind": "kafka", "send": "lines", **given}
    sink = read_sink("ship", raw, Path.cwd(), {}, os.environ, problems)
    if sink is None:
        texts = tuple(text.replace("`sink.ship.", "`--") for text in problems.texts())
        raise ConfigError("; ".join(texts), texts)
    assert isinstance(sink, LinesSink)
    # another topic or other files are another thing to be begun
    return [replace(sink, name=f"{sink.topic} {sink.pattern}")], Path(".yeoul-ship")


def _show_refused(folder: Path) -> None:
    kept = read_state(folder)
    try:
        items = Quarantine(kept.db).find(limit=_SHOWN)
        for item in items:
            say(f"{item.source}:{item.position}  {item.reason}")
        say(f"{many(len(items), 'line')} set aside{', the newest' if len(items) == _SHOWN else ''}")
    finally:
        kept.close()
