"""What a stream's source finds now, for `check` and `replay`: splits, their size, and what cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from yeoul.errors import SourceError
from yeoul.flows.parts import open_source
from yeoul.flows.plan import FilesPlan, Plan, StreamPlan
from yeoul.ingest.contract import Split
from yeoul.ingest.files import FileSource

__all__ = ["Found", "look", "require_readable"]


@dataclass(frozen=True, slots=True)
class Found:
    """The input of one stream."""

    splits: tuple[str, ...] = ()
    size_bytes: int = 0
    messages: int = 0
    """Of a topic."""
    unreadable: tuple[str, ...] = ()
    """One sentence for each file, folder or topic that cannot be read."""


def look(stream: StreamPlan) -> Found:
    """What is there now.

    Raises:
        SourceError: the folder is not there.
    """
    return _look_at_files(stream.source) if isinstance(stream.source, FilesPlan) else _look_at_topic(stream)


def _look_at_files(files: FilesPlan) -> Found:
    source = FileSource(files.pattern, files.folder)
    try:
        source.check()
        source.poll()
        splits = source.splits()
        unreadable = tuple(_told(one.source, one.detail) for one in source.notices() if one.kind == "unreadable")
        return Found(_names(splits), sum(split.backlog_bytes() for split in splits), unreadable=unreadable)
    finally:
        source.close()


def _look_at_topic(stream: StreamPlan) -> Found:
    try:
        with closing(open_source(stream, None, live=False)) as source:
            source.poll()
            splits = source.splits()
            return Found(_names(splits), messages=sum(split.backlog_messages() or 0 for split in splits))
    except SourceError as error:
        return Found(unreadable=(str(error),))


def _names(splits: Sequence[Split]) -> tuple[str, ...]:
    return tuple(split.name for split in splits)


def _told(source: str, detail: str) -> str:
    packed = detail.startswith("compressed")
    advice = "unpack it, or compress it with gzip" if packed else "give yourself permission (chmod, chgrp)"
    return f"`{source}` cannot be read ({detail.partition(';')[0]}); {advice}"


def require_readable(plan: Plan) -> list[str]:
    """Notes on streams without input.

    Raises:
        SourceError: something that a stream should read cannot be read; results without it would be wrong.
    """
    notes = []
    for stream in plan.streams:
        found = look(stream)
        files = isinstance(stream.source, FilesPlan)
        if found.unreadable:
            raise SourceError("; ".join(found.unreadable) + ("; or leave it out by `path`" if files else ""))
        if isinstance(stream.source, FilesPlan) and not found.splits:
            notes.append(f"stream `{stream.spec.name}`: `{stream.source.pattern}` matches no file, so it gives no rows")
    return notes
