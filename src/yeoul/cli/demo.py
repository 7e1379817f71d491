"""`yeoul demo`: a whole service in one command: logs that are written, the engine that reads them, the console."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import tempfile
import webbrowser
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer

from yeoul.cli.arguments import Port
from yeoul.cli.say import aside, count, say
from yeoul.cli.supervisor import Child, Supervisor, console_process, engine_process
from yeoul.errors import InputError
from yeoul.events import parse_duration
from yeoul.flows.summary import summary
from yeoul.settings import load_workspace

__all__ = ["add_to"]

_MARK = ".yeoul-demo"


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("demo")(_demo)


def _demo(
    folder: Annotated[
        Path | None, typer.Option(help="Where to work; kept. Otherwise a folder that is removed.")
    ] = None,
    rate: Annotated[float, typer.Option(min=1, help="Events a second.")] = 120.0,
    backfill: Annotated[str, typer.Option(help="Past to write first, so that a baseline exists.")] = "3h",
    seed: Annotated[int, typer.Option(help="Same seed, same service.")] = 1,
    port: Port = None,
    for_: Annotated[str | None, typer.Option("--for", help="End after this long, such as 30s.")] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
) -> None:
    """Start a simulated VOD service, read its logs as they are written, and show what is found.

    Runs until Ctrl-C. On the console's demo page you can plant an incident and watch it being found.
    """
    for_s = None if for_ is None else parse_duration(for_) / 1e6
    parse_duration(backfill)
    with _workspace(folder) as place, Supervisor() as processes:
        aside(f"the service writes to {place}")
        url = _start(processes, place, rate, backfill, seed, port)
        say(f"console: {url}")
        aside("Ctrl-C stops" if for_s is None else f"ends by itself in {for_}")
        if not no_open:
            with contextlib.suppress(webbrowser.Error):
                webbrowser.open(url)
        code = processes.wait(for_s)
        processes.end()
        _sum_up(place)
        raise typer.Exit(code)


def _start(processes: Supervisor, place: Path, rate: float, backfill: str, seed: int, port: int | None) -> str:
    options = {"folder": place, "rate": rate, "backfill": backfill, "seed": seed, "incidents": 5}
    told = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    service = Child("service", (sys.executable, "-m", "yeoul.demo", *told), restart=False)
    aside(f"writing the last {backfill} of logs …")
    processes.start(service, until=b"backfilled")
    processes.start(engine_process(place))
    return processes.start_console(console_process(place, port=port, demo=place))


@contextlib.contextmanager
def _workspace(folder: Path | None) -> Iterator[Path]:
    """A fresh workspace: an own folder is emptied only if an earlier demo made it."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="yeoul-demo-") as made:
            yield _prepare(Path(made))
        return
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
        message = (
            f"got the folder `{folder}`, which holds other files; legal: a new or empty one, or one of an earlier demo"
        )
        raise InputError(message)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    yield _prepare(folder.absolute())


def _prepare(place: Path) -> Path:
    (place / _MARK).write_text("made by `yeoul demo`\n")
    (place / "yeoul.toml").write_text(files("yeoul.demo").joinpath("workspace.toml").read_text())
    return place


def _sum_up(place: Path) -> None:
    found = summary(load_workspace(place).plan())
    say("")
    for name, book in found.ledgers.items():
        total = book["total"]
        others = ", ".join(f"{count(total[kind])} {kind}" for kind in ("late", "future", "invalid", "duplicate"))
        say(f"stream {name}: {count(total['read'])} rows read, {count(total['counted'])} counted, {others}")
        say(f"  {count(found.windows.get(name, 0))} windows closed")
    planted = _planted(place)
    say(f"incidents: {len(found.incidents)} found; {len(planted)} were planted")
    for incident in found.incidents[-8:]:
        say(f"  {incident}")
    for name, places in found.hot.items():
        say(f"hot now ({name}): {', '.join(places[:5])}")


def _planted(place: Path) -> list[dict[str, Any]]:
    path = place / "labels.ndjson"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
