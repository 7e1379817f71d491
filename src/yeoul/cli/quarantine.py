"""`yeoul quarantine`: lines that are no rows: list them, look at one, count them after their cause was mended."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from yeoul.cli.arguments import AsJson, WorkspaceArg
from yeoul.cli.say import aside, data, many, say, size
from yeoul.errors import InputError
from yeoul.events import iso
from yeoul.flows.live_socket import request
from yeoul.flows.plan import KafkaPlan, Plan
from yeoul.flows.redrive import redrive_stopped
from yeoul.ingest.quarantine import Kept, Quarantine
from yeoul.plugins import nearest
from yeoul.settings import load_workspace
from yeoul.store import read_state

__all__ = ["add_to"]

_verbs = typer.Typer(
    name="quarantine", help="Lines that could not be counted: list, show, redrive.", no_args_is_help=True
)


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.add_typer(_verbs)


@_verbs.command("list")
def _list(
    workspace: WorkspaceArg,
    stream: Annotated[str | None, typer.Option(help="Of this stream only.")] = None,
    kind: Annotated[str | None, typer.Option(help="`invalid` or `future` only.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List what is set aside, newest first."""
    found = load_workspace(workspace)
    state = read_state(found.folder / ".yeoul")
    kept = Quarantine(state.db)
    streams = sorted({each.spec.name for each in found.plan().streams})
    _one_of("--stream", stream, streams)
    _one_of("--kind", kind, ["invalid", "future"])
    items = kept.find(stream=stream, kind=kind, limit=limit)
    if as_json:
        data([_members(item) for item in items])
        return
    for name in streams if stream is None else [stream]:
        tally = kept.tally(name)
        dropped = kept.dropped(name)
        gone = f"; {dropped.rows} more had to go for the cap" if dropped.rows else ""
        say(f"{name}: {many(tally.rows, 'line')}, {size(tally.bytes)}{gone}")
    topics = _topics(found.plan())
    for item in items:
        joint = "@" if item.stream in topics else ":"
        say(f"{item.id:>6}  {item.kind:8} {item.source}{joint}{item.position}  {item.reason}")


@_verbs.command("show")
def _show(
    workspace: WorkspaceArg,
    number: Annotated[int, typer.Argument(metavar="ID", help="As `list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Show one line with its place and the reason."""
    found = load_workspace(workspace)
    item = Quarantine(read_state(found.folder / ".yeoul").db).show(number)
    if as_json:
        data(_members(item))
        return
    unit = "message" if item.stream in _topics(found.plan()) else "at byte"
    say(f"{item.stream}, {item.source} {unit} {item.position}, set aside {iso(item.at_us)}")
    say(f"{item.kind}: {item.reason}")
    say(item.raw.decode(errors="backslashreplace"))


@_verbs.command("redrive")
def _redrive(
    workspace: WorkspaceArg,
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="[ID]...", help="Which; all invalid ones when none.")
    ] = None,
    stream: Annotated[str | None, typer.Option(help="All of this stream.")] = None,
    as_json: AsJson = False,
) -> None:
    """Decode the lines again and count those that are rows now; their windows are revised.

    Goes through the running engine when there is one.
    """
    found = load_workspace(workspace)
    state = read_state(found.folder / ".yeoul")
    for number in numbers or ():
        Quarantine(state.db).show(number)
    state.close()
    args = {"ids": numbers or None, "stream": stream}
    answer = request(found.folder / ".yeoul", "redrive", args)
    if answer is None:
        answer = {"ok": True, **redrive_stopped(found.plan(), args)}
    if not answer.pop("ok"):
        raise InputError(str(answer["error"]))
    answer.pop("id", None)
    if as_json:
        data(answer)
        return
    say(f"tried {answer['tried']}: {answer['counted']} counted, {answer['invalid']} still no rows")
    if answer["refused"]:
        aside(f"{answer['refused']} refused: their windows are past retention; they stay in the quarantine")


def _topics(plan: Plan) -> set[str]:
    """The streams that read topics: their positions are offsets of messages."""
    return {each.spec.name for each in plan.streams if isinstance(each.source, KafkaPlan)}


def _one_of(option: str, got: str | None, legal: list[str]) -> None:
    if got is not None and got not in legal:
        message = f"got {option} `{got}`; legal: {', '.join(f'`{one}`' for one in legal)}{nearest(got, legal)}"
        raise InputError(message)


def _members(item: Kept) -> dict[str, Any]:
    return {
        "id": item.id,
        "stream": item.stream,
        "source": item.source,
        "position": item.position,
        "kind": item.kind,
        "reason": item.reason,
        "size_bytes": item.size_bytes,
        "at": iso(item.at_us),
        "raw": item.raw.decode(errors="backslashreplace"),
    }
