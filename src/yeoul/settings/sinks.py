"""A `[sink.NAME]` block: where lines or results go."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from yeoul.errors import ConfigError
from yeoul.events import parse_path
from yeoul.flows.plan import FilesPlan, StreamPlan
from yeoul.flows.results.outgoing import KINDS, LIVE
from yeoul.flows.sinks import LinesSink, Pruned, ResultsSink
from yeoul.settings.environment import fill_secrets
from yeoul.settings.models import SinkKeys
from yeoul.settings.problems import Place, Problems, shown

__all__ = ["check_windows_topics", "read_fields", "read_sink"]

_OTHERS = {
    "results": ("topic", "stream", "path", "key", "fields", "start"),
    "lines": ("topics", "transactional", "live_every", "shard_by", "group"),
}
"""Keys that do not go with what is sent."""
_KINDS = (*KINDS, LIVE)
_TOPIC = re.compile(r"[\w.-]+")
_NAMED = re.compile(r"([^\W\d]\w*)=(.+)", re.DOTALL)


def read_sink(
    name: str,
    raw: Any,
    folder: Path,
    streams: Mapping[str, StreamPlan | None],
    environ: Mapping[str, str],
    problems: Problems,
) -> LinesSink | ResultsSink | None:
    """The plan of one sink; None when it has mistakes, which are noted."""
    place = ("sink", name)
    keys = problems.validate(SinkKeys, raw, place)
    if keys is None:
        return None
    for key in _OTHERS[keys.send]:
        if key in raw:
            problems.add((*place, key), f'does not go with `send = "{keys.send}"`; legal: leave it out')
    client = tuple(sorted(fill_secrets(keys.client, (*place, "client"), environ, problems).items()))
    if keys.send == "lines":
        return _lines(name, keys, folder, streams, client, problems)
    topics = _topics(keys.topics, (*place, "topics"), problems)
    _check_shards(keys, streams, place, problems)
    if problems.under(place):
        return None
    every_s = keys.live_every / 1_000_000
    return ResultsSink(
        name=name,
        bootstrap=keys.bootstrap,
        topics=topics,
        transactional=keys.transactional,
        live_every_s=every_s,
        shard_by=tuple(keys.shard_by),
        group=keys.group,
        compression=keys.compression,
        client=client,
    )


def check_windows_topics(sinks: Sequence[LinesSink | ResultsSink], problems: Problems) -> None:
    """Who follows the windows of a shard takes all of them for those of one sink."""
    by_topic: dict[tuple[str, str], ResultsSink] = {}
    for sink in sinks:
        topic = dict(sink.topics).get("windows") if isinstance(sink, ResultsSink) else None
        if topic is None or not isinstance(sink, ResultsSink):
            continue
        first = by_topic.setdefault((sink.bootstrap, topic), sink)
        if first is not sink and (first.shard_by or sink.shard_by):
            message = f"got `{topic}`, to which sink `{first.name}` sends windows too; legal: one of its own"
            problems.add(("sink", sink.name, "topics", "windows"), message)


def _check_shards(keys: SinkKeys, streams: Mapping[str, StreamPlan | None], place: Place, problems: Problems) -> None:
    """Shards are of windows, by keys that some stream has."""
    if keys.shard_by and isinstance(keys.topics, dict) and "windows" not in keys.topics:
        problems.add((*place, "shard_by"), "goes with a topic of `windows`; legal: name one in `topics`")
    known = sorted({key for stream in streams.values() if stream is not None for key in stream.spec.keys})
    for name in keys.shard_by if all(streams.values()) else ():
        problems.member((*place, "shard_by"), name, known, "a key of a stream")


def _topics(raw: Any, place: Place, problems: Problems) -> tuple[tuple[str, str], ...]:
    """Kinds of results and their topics."""
    if not isinstance(raw, dict) or not raw:
        got = f"`{shown(raw)}`" if raw else "none"
        problems.add(place, f"got {got}; legal: a table with {', '.join(f'`{kind}`' for kind in _KINDS)}")
        return ()
    for kind, topic in raw.items():
        if problems.member((*place, kind), kind, list(_KINDS), "a kind of result") and not (
            isinstance(topic, str) and _TOPIC.fullmatch(topic)
        ):
            problems.add((*place, kind), f"got `{shown(topic)}`; legal: a topic's name")
    return tuple(raw.items())


def _lines(
    name: str,
    keys: SinkKeys,
    folder: Path,
    streams: Mapping[str, StreamPlan | None],
    client: tuple[tuple[str, str], ...],
    problems: Problems,
) -> LinesSink | None:
    place = ("sink", name)
    pattern = _pattern(keys, place, streams, problems)
    fields = problems.attempt((*place, "fields"), lambda: _fields(keys.fields))
    if keys.topic is None:
        problems.add(place, "`topic` is missing; legal: a topic's name")
    if problems.under(place) or pattern is None or fields is None or keys.topic is None:
        return None
    return LinesSink(
        name=name,
        pattern=pattern,
        folder=folder,
        bootstrap=keys.bootstrap,
        topic=keys.topic,
        key=keys.key,
        fields=fields,
        compression=keys.compression,
        start=keys.start,
        client=client,
    )


def _pattern(keys: SinkKeys, place: Place, streams: Mapping[str, StreamPlan | None], problems: Problems) -> str | None:
    """The glob of the files whose lines are sent."""
    if (keys.stream is None) == (keys.path is None):
        got = "neither" if keys.path is None else "both"
        problems.add(place, f"got {got} of `stream` and `path`; legal: one of them says whose lines are sent")
        return None
    if keys.stream is None:
        return keys.path
    if not problems.member((*place, "stream"), keys.stream, list(streams), "the name of a stream"):
        return None
    stream = streams[keys.stream]
    if stream is None:  # its own mistakes are told
        return None
    if not isinstance(stream.source, FilesPlan):
        problems.add((*place, "stream"), f"got `{keys.stream}`, which reads a topic; legal: a stream of files")
        return None
    return stream.source.pattern


def _fields(raw: Any) -> Pruned:
    if isinstance(raw, dict):
        raw = [f"{name}={path}" if isinstance(path, str) else path for name, path in raw.items()]
    if not isinstance(raw, list) or not all(isinstance(one, str) for one in raw):
        message = f"got `{shown(raw)}`; legal: a list of field paths, or a table of names and field paths"
        raise ConfigError(message)
    return read_fields(raw)


def read_fields(texts: list[str]) -> Pruned:
    """Where members go and come from: a path stays where it is, `NAME=PATH` goes to the top under that name.

    Raises:
        ConfigError: not a field path, or two that cannot stand in one object.

    >>> read_fields(["a.b", "hits=a.n"])
    ((('a', 'b'), ('a', 'b')), (('hits',), ('a', 'n')))
    """
    found = []
    for text in texts:
        named = _NAMED.fullmatch(text)
        path = parse_path(named[2] if named else text)
        found.append(((named[1],) if named else path, path))
    places = [to for to, _ in found]
    for number, to in enumerate(places):
        for other in places[:number]:
            if to[: len(other)] == other or other[: len(to)] == to:
                message = f"got `{'.'.join(other)}` and `{'.'.join(to)}`, which go to one place; legal: each field once"
                raise ConfigError(message)
    return tuple(found)
