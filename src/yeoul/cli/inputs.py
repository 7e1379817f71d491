"""What a stream's source finds now, for `check` and `replay`: files, their size, and those that may not be read."""

from __future__ import annotations

from dataclasses import dataclass

from yeoul.errors import SourceError
from yeoul.flows.plan import FilesPlan, Plan, StreamPlan
from yeoul.ingest.files import FileSource

__all__ = ["Found", "look", "require_readable"]


@dataclass(frozen=True, slots=True)
class Found:
    """The input of one stream."""

    splits: tuple[str, ...] = ()
    size_bytes: int = 0
    unreadable: tuple[str, ...] = ()
    """One sentence for each file or folder that is there and cannot be read."""


def look(stream: StreamPlan) -> Found:
    """What is there now; nothing for a source that is not files.

    Raises:
        SourceError: the folder is not there.
    """
    if not isinstance(stream.source, FilesPlan):
        return Found()
    source = FileSource(stream.source.pattern, stream.source.folder)
    try:
        source.check()
        source.poll()
        splits = source.splits()
        return Found(
            tuple(split.name for split in splits),
            sum(split.backlog_bytes() for split in splits),
            tuple(_told(one.source, one.detail) for one in source.notices() if one.kind == "unreadable"),
        )
    finally:
        source.close()


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
        if found.unreadable:
            raise SourceError("; ".join(found.unreadable) + "; or leave it out by `path`")
        if isinstance(stream.source, FilesPlan) and not found.splits:
            notes.append(f"stream `{stream.spec.name}`: `{stream.source.pattern}` matches no file, so it gives no rows")
    return notes
