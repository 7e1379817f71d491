"""`yeoul init`: a workspace proposed from a sample of one's own logs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from yeoul.cli.arguments import AsJson
from yeoul.cli.say import aside, count, data, many, say
from yeoul.errors import InputError
from yeoul.events import format_duration, format_path
from yeoul.ingest.files import FileSource
from yeoul.settings import FILE_NAME
from yeoul.settings.sniff import Proposal, Trial, Wanted, fit, propose, read_sample

__all__ = ["add_to"]

_MOSTLY = 0.95
_FEW = 20


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("init")(_init)


def _init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make a workspace of; made when missing.")],
    samples: Annotated[
        list[Path], typer.Option("--sample", metavar="FILE", readable=False, help="A log file; may be repeated.")
    ],
    time: Annotated[str | None, typer.Option(metavar="PATH", help="Member that holds the event time.")] = None,
    keys: Annotated[str | None, typer.Option(metavar="A,B", help="Members that events are grouped by.")] = None,
    value: Annotated[str | None, typer.Option(metavar="PATH", help="Number that is added up and watched.")] = None,
    timezone: Annotated[str | None, typer.Option(metavar="ZONE", help="Zone of times written without one.")] = None,
    force: Annotated[bool, typer.Option("--force", "--yes", help="Replace a `yeoul.toml` that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at a sample of your logs and write a commented `yeoul.toml` that reads them.

    Asks nothing: what it is not sure of is said, and stands in the file with the other choices.
    """
    file = _target(folder, force=force)
    named = tuple(part.strip() for part in (keys or "").split(",") if part.strip())
    looked = [read_sample(path) for path in samples]
    proposal = propose(folder, looked, Wanted(time, named, value, timezone))
    text, trial = fit(proposal, looked)
    folder.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{FILE_NAME}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(file)
    matching = _matching(proposal.glob, folder)
    if as_json:
        data(_members(proposal, trial, file, matching))
        return
    _tell(proposal, trial, matching)
    say(f"wrote {file}")
    place = shlex.quote(str(folder))
    say("next:")
    say(f"  yeoul check {place}")
    say(f"  yeoul replay {place} --out {shlex.quote(str(folder / 'out'))}")


def _target(folder: Path, *, force: bool) -> Path:
    if folder.exists() and not folder.is_dir():
        message = f"got `{folder}`, which is a file; legal: a folder, or a name that is free"
        raise InputError(message)
    file = folder / FILE_NAME
    if file.exists() and not force:
        message = f"`{file}` is there already and may hold your own work; --force replaces it, or choose another folder"
        raise InputError(message)
    return file


def _matching(glob: str, folder: Path) -> list[str]:
    """The splits that the glob finds now."""
    source = FileSource(glob, folder)
    try:
        source.poll()
        return [split.name for split in source.splits()]
    finally:
        source.close()


def _tell(proposal: Proposal, trial: Trial, matching: list[str]) -> None:
    for facts in proposal.files:
        first = "" if facts.whole else "first "
        odd = f", {count(facts.odd)} of another format" if facts.odd else ""
        say(f"{facts.path}: {first}{many(facts.lines, 'line')}{odd}")
    say(f"  format   {proposal.shape.title}")
    zone = "" if proposal.time.zoned else f", zone {proposal.zone.name} ({proposal.zone.why})"
    formats = " or ".join(proposal.time.formats)
    say(f"  time     {format_path(proposal.time.path)} as {formats}{zone}")
    for chosen in proposal.keys:
        say(f"  key      {chosen.name} = {chosen.path}: {many(chosen.member.distinct, 'value')}; {chosen.role}")
    for chosen in proposal.values:
        say(f"  value    {chosen.name} = {chosen.path} ({chosen.type}); {chosen.role}")
    if proposal.event_id is not None:
        say(f"  event id {proposal.event_id.name} = {proposal.event_id.path}; {proposal.event_id.role}")
    watched = f"{proposal.aggregates[proposal.watched]} of each {proposal.keys[0].name}"
    say(f"  watches  {watched} every {_span(proposal.window_s)}; rows may come {_span(proposal.delay_s)} out of order")
    say(f"  reads    {proposal.glob}: {many(len(matching), 'file')} with rotated siblings now")
    book = trial.ledger
    kinds = ("late", "future", "invalid", "duplicate", "filtered")
    others = "".join(f", {count(getattr(book, kind))} {kind}" for kind in kinds if getattr(book, kind))
    say(f"tried on the sample: {count(book.counted)} of {count(book.read)} lines count{others}")
    for reason, number in trial.reasons:
        say(f"  {many(number, 'time')}: {reason}")
    if trial.counted_share < _MOSTLY:
        aside("note: many lines would not count; --time, --keys, --value and the comments in the file may help")
    last = proposal.keys[-1]
    if last.member.total >= _FEW and last.member.distinct > _MOSTLY * last.member.present:
        aside(f"note: nearly every line has another {last.name}, so little is to be counted by it; --keys says others")
    if not proposal.time.zoned and not proposal.zone.sure:
        aside(f"note: the zone {proposal.zone.name} is a guess; --timezone says it, or change it in the file")


def _span(seconds: int) -> str:
    return format_duration(seconds * 1_000_000)


def _members(proposal: Proposal, trial: Trial, file: Path, matching: list[str]) -> dict[str, Any]:
    time = proposal.time
    return {
        "file": str(file),
        "stream": proposal.stream,
        "path": proposal.glob,
        "splits": matching,
        "samples": [
            {"path": str(facts.path), "lines": facts.lines, "of_another_format": facts.odd, "whole": facts.whole}
            for facts in proposal.files
        ],
        "format": proposal.shape.line_format,
        "event_time": {
            "path": format_path(time.path),
            "formats": list(time.formats),
            "timezone": proposal.zone.name,
            "timezone_guessed": not time.zoned and not proposal.zone.sure,
        },
        "keys": {chosen.name: chosen.path for chosen in proposal.keys},
        "values": {chosen.name: chosen.path for chosen in proposal.values},
        "event_id": None if proposal.event_id is None else proposal.event_id.name,
        "watched": proposal.watched,
        "tried": trial.ledger.as_dict(),
        "reasons": dict(trial.reasons),
    }
