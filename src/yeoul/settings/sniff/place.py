"""The glob that finds a sample's file again, its rotated siblings and the files to come."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path

from yeoul.ingest.files.names import parse_name

__all__ = ["glob_of", "stream_name"]

_DATE = re.compile(r"(?:19|20)\d\d([-_.]?)\d\d\1\d\d(?:[-_.T]?\d\d(?:[-_.:]?\d\d){0,2})?")
_NAME = re.compile(r"[A-Za-z][A-Za-z_-]*[A-Za-z]")
_KINDS = {"log", "txt", "ndjson", "jsonl", "json", "csv", "tsv", "gz", "out", "sample", "part"}


def glob_of(folder: Path, samples: Sequence[Path]) -> str:
    """A glob relative to the workspace `folder` (absolute when the samples are elsewhere) that finds all samples.

    >>> glob_of(Path("/w"), [Path("/w/logs/app.log.1")])
    'logs/app.log'
    >>> glob_of(Path("/w"), [Path("/var/log/a-20260302.log")])
    '/var/log/a-*.log'
    >>> glob_of(Path("/w"), [Path("/w/logs/host1.ndjson"), Path("/w/logs/host2.ndjson.1.gz")])
    'logs/host*.ndjson'
    """
    parents = sorted({os.path.realpath(path.parent) for path in samples})
    names = sorted({_written_as(path) for path in samples})
    if len(parents) > 1:
        above = os.path.commonpath(parents)
        deeper = {len(Path(parent).relative_to(above).parts) for parent in parents}
        parent = "/".join((glob.escape(above), *(["*"] * deeper.pop() if len(deeper) == 1 else ["**"])))
    else:
        parent = glob.escape(parents[0])
    top = glob.escape(os.path.realpath(folder)) + "/"
    whole = f"{parent}/{_together(names)}"
    return whole.removeprefix(top)


def stream_name(samples: Sequence[Path]) -> str:
    """A name for the stream, from the first file's.

    >>> stream_name([Path("logs/player-2026.03.02.ndjson")]), stream_name([Path("1.log")])
    ('player', 'events')
    """
    parts = [part.lower().strip("-_") for part in re.split(r"[.\d]+", samples[0].name)]
    found = next((part for part in parts if _NAME.fullmatch(part) and part not in _KINDS), "")
    return found or "events"


def _written_as(path: Path) -> str:
    """The name that the writer writes to; dated names, which have none, with a star for the date."""
    rotated = parse_name(path.name)
    if rotated is None:
        return glob.escape(path.name)
    if rotated.sure or (path.parent / rotated.base).exists():
        return glob.escape(rotated.base)
    if rotated.kind == "date":
        return _DATE.sub("*", glob.escape(path.name), count=1).removesuffix(".gz")
    return glob.escape(path.name)


def _together(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    start = _alike(names)
    end = _alike([name[len(start) :][::-1] for name in names])[::-1]
    # a star may stand for digits that the names happen to share
    return f"{start.rstrip('0123456789[')}*{end.lstrip('0123456789]')}"


def _alike(names: list[str]) -> str:
    """What all begin with."""
    first, last = min(names), max(names)
    return first[: next((at for at, char in enumerate(first) if last[at : at + 1] != char), len(first))]
