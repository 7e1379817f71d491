"""Which stream and which split a file belongs to, and how far it was read."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yeoul.errors import InputError
from yeoul.flows.plan import FilesPlan, KafkaPlan, Plan, StreamPlan
from yeoul.ingest.files import FileSource
from yeoul.ingest.files.folder import Entry, Folder
from yeoul.ingest.files.names import parse_name
from yeoul.plugins import nearest

__all__ = ["Place", "Reading", "find_place", "reading_of", "same_lineage"]


@dataclass(frozen=True, slots=True)
class Place:
    """A file as part of a stream."""

    stream: StreamPlan
    path: Path
    """Absolute; of a topic its name and partition."""
    source: str
    """As people know it: relative to the workspace where it is inside."""
    split: str
    others: tuple[tuple[str, str], ...]
    """Absolute path and split of the stream's other files, the older generations of the same split first."""
    partition: int | None = None
    """For a topic: which; then there is no file."""


@dataclass(slots=True)
class Reading:
    """How far a file was read."""

    read_to: int | None = None
    """Offset at the last checkpoint; None: the file is not known to the state."""
    split: str = ""
    copy_of: str = ""
    """What it repeats: then it is not read."""
    notes: list[str] = field(default_factory=list)


def find_place(plan: Plan, file: str, stream: str | None) -> Place:
    """The stream that reads a file.

    Raises:
        InputError: there is no such file or stream, or no stream or several streams read it.
    """
    streams = [each for each in plan.streams if stream in {None, each.spec.name}]
    if not streams:
        names = [each.spec.name for each in plan.streams]
        message = f"got the stream `{stream}`; legal: {', '.join(names)}{nearest(str(stream), names)}"
        raise InputError(message)
    topics = [place for each in streams if (place := _in_topic(each, file)) is not None]
    if topics:
        return _only(topics, file)
    path = _existing(plan, file, streams)
    found = [place for each in streams if (place := _in_stream(each, path)) is not None]
    if found:
        return _only(found, file)
    globs = ", ".join(f"`{each.source.pattern}`" for each in streams if isinstance(each.source, FilesPlan))
    legal = f"files of {globs}" if globs else "positions in files; these streams read topics"
    message = f"got `{file}`, which no stream of this workspace reads; legal: {legal}"
    raise InputError(message)


def _only(found: list[Place], file: str) -> Place:
    if len(found) == 1:
        return found[0]
    names = [place.stream.spec.name for place in found]
    message = f"got `{file}`, which several streams read ({', '.join(names)}); say which: --stream {names[0]}"
    raise InputError(message)


def _in_topic(stream: StreamPlan, name: str) -> Place | None:
    topic, _, number = name.rpartition("/")
    if not isinstance(stream.source, KafkaPlan) or stream.source.topic != topic or not number.isdecimal():
        return None
    return Place(stream, Path(name), name, name, (), int(number))


def _existing(plan: Plan, file: str, streams: list[StreamPlan]) -> Path:
    for path in (plan.folder / file, Path.cwd() / file):
        if path.is_file():
            return Path(os.path.realpath(path))
    names = [_folder(each).display(path) for each in streams for path in _entries(each)]
    names += [f"{each.source.topic}/0@0" for each in streams if isinstance(each.source, KafkaPlan)]
    legal = "legal: a file that is there, or TOPIC/PARTITION of a stream"
    some = f", such as `{names[0]}`" if names else ""
    message = f"got `{file}`, which is not there; {legal}{some}{nearest(file, names)}"
    raise InputError(message)


def _folder(stream: StreamPlan) -> Folder:
    assert isinstance(stream.source, FilesPlan)
    return Folder(stream.source.pattern, stream.source.folder)


def _entries(stream: StreamPlan) -> dict[str, Entry]:
    return _folder(stream).scan((), lambda _path, _error: None) if isinstance(stream.source, FilesPlan) else {}


def _in_stream(stream: StreamPlan, path: Path) -> Place | None:
    entries = _entries(stream)
    mine = next((entry for entry in entries.values() if os.path.realpath(entry.path) == str(path)), None)
    if mine is None:
        return None
    display = _folder(stream).display
    others = [entry for entry in entries.values() if entry.path != mine.path]
    others.sort(key=lambda entry: (entry.lineage != mine.lineage, entry.path))
    listed = tuple((entry.path, display(entry.lineage)) for entry in others)
    return Place(stream, path, display(mine.path), display(mine.lineage), listed)


def reading_of(place: Place, positions: dict[str, dict[str, Any]]) -> Reading:
    """How far it was read; a file is recognised by its content as the engine does it: names may have changed since."""
    if not isinstance(place.stream.source, FilesPlan):
        kept = positions.get(place.split)
        return Reading(None if kept is None else int(kept["offset"]), place.split)
    schema = place.stream.spec.schema
    source = FileSource(
        place.stream.source.pattern,
        place.stream.source.folder,
        resume=positions,
        keep_header=schema.line_format == "csv",
    )
    try:
        source.poll()
        for split in source.splits():
            for generation in split.generations:
                if generation.placed is not None and os.path.realpath(generation.path) == str(place.path):
                    return Reading(generation.offset, split.name)
        reading = Reading()
        for notice in source.notices():
            if notice.source == place.source and notice.kind == "copy":
                reading.copy_of = notice.detail.partition("`")[2].partition("`")[0]
            elif notice.source == place.source:
                reading.notes.append(f"{notice.kind}: {notice.detail}")
        return reading
    finally:
        source.close()


def same_lineage(source: str, split: str) -> bool:
    """Whether a name that a file once had is one of the split's.

    >>> same_lineage("logs/a.log.2.gz", "logs/a.log"), same_lineage("logs/b.log", "logs/a.log")
    (True, False)
    """
    if source == split:
        return True
    folder, _, name = source.rpartition("/")
    base, _, own = split.rpartition("/")
    rotated = parse_name(name)
    return folder == base and rotated is not None and rotated.base == own
