"""A workspace on the Spark engine: the plan of each of its streams, and the files that it reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from yeoul.errors import ConfigError, SourceError
from yeoul.flows.plan import FilesPlan, KafkaPlan, Plan, StreamPlan
from yeoul.ingest.files import FileSource
from yeoul.plugins import nearest
from yeoul.streams.spark import FilesRead, SparkPlan, TopicRead, compile_stream

__all__ = ["chosen", "left_out", "shard_by", "spark_plan", "with_files"]

_HIDDEN = re.compile(r"_[^=]*$|\.|.*\._COPYING_$", re.DOTALL)
"""Names that Hadoop takes for files that are not finished."""
_GZIP = b"\x1f\x8b"


def chosen(plan: Plan, name: str | None) -> Sequence[StreamPlan]:
    """All streams, or the one called `name`.

    Raises:
        ConfigError: there is none of this name.
    """
    if name is None:
        return plan.streams
    found = [each for each in plan.streams if each.spec.name == name]
    if not found:
        legal = [each.spec.name for each in plan.streams]
        message = f"got --stream {name}; legal: {', '.join(f'`{one}`' for one in legal)}{nearest(name, legal)}"
        raise ConfigError(message)
    return found


def spark_plan(stream: StreamPlan) -> SparkPlan:
    """The job of a stream; of files it names the glob only.

    Raises:
        ConfigError: a part of the declaration that Spark cannot do.
    """
    match stream.source:
        case KafkaPlan() as kafka:
            start = "latest" if stream.spec.start == "latest" else "earliest"
            read = TopicRead(kafka.bootstrap, kafka.topic, start, kafka.on_loss == "stop")
            return compile_stream(stream.spec, read, dict(kafka.client))
        case FilesPlan() as files:
            return compile_stream(stream.spec, FilesRead(files.pattern))


def with_files(stream: StreamPlan) -> SparkPlan:
    """The job of a stream of files, with the files that are there now: each lineage with its generations, copies once.

    Raises:
        ConfigError: a part of the declaration that Spark cannot do.
        SourceError: nothing is there, or something that cannot be read.
    """
    assert isinstance(stream.source, FilesPlan)
    files = stream.source
    source = FileSource(files.pattern, files.folder)
    try:
        source.check()
        source.poll()
        paths = [each.source for split in source.splits() for each in split.ahead()]
        unreadable = [f"`{one.source}` ({one.detail})" for one in source.notices() if one.kind == "unreadable"]
    finally:
        source.close()
    if unreadable:
        message = f"got {unreadable[0]}, which cannot be read; give yourself permission, or leave it out by `path`"
        raise SourceError(message)
    for path in paths:
        if _HIDDEN.match(Path(path).name):
            message = f"got `{path}`, which Spark passes over for its name; rename it, or leave it out by `path`"
            raise SourceError(message)
        if path.endswith(".gz") != _is_gzip(files.folder / path):
            message = f"got `{path}`; legal with Spark: the end `.gz` for what is compressed, and for nothing else"
            raise SourceError(message)
    if not paths:
        message = f"stream `{stream.spec.name}`: `{files.pattern}` matches no file with anything in it; mend `path`"
        raise SourceError(message)
    return compile_stream(stream.spec, FilesRead(files.pattern, tuple(str(files.folder / path) for path in paths)))


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_GZIP)) == _GZIP


def shard_by(plan: Plan, out: str) -> tuple[str, ...] | None:
    """What the sink says of the shards of a topic of windows; None where no sink says anything of that topic."""
    found = [each for each in plan.result_sinks if each.shard_by and dict(each.topics).get("windows") == out]
    return found[0].shard_by if found else None


def left_out(plan: Plan) -> list[str]:
    """Blocks of the workspace that this engine does nothing with."""
    found = [f"[detect.{each.name}]" for each in plan.detects] + [f"[rank.{each.name}]" for each in plan.ranks]
    return found + [f"[notify.{each.name}]" for each in plan.notifiers]
