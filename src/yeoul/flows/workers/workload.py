"""What a worker has to do: which blocks follow the windows in which topic, and whether they can."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Literal

from yeoul.errors import ConfigError
from yeoul.flows.plan import DetectBlock, Plan, RankBlock, StreamPlan
from yeoul.flows.results.shards import shard_keys
from yeoul.flows.sinks import ResultsSink

__all__ = ["PARTS", "Part", "Workload", "counting", "workloads"]

Part = Literal["count", "detect", "rank"]
PARTS: tuple[Part, ...] = ("count", "detect", "rank")
"""`count` reads and counts; `detect` and `rank` follow its windows in a topic."""
_SENDS = {"detect": ("findings", "incidents"), "rank": ("rankings",)}


@dataclass(frozen=True, slots=True)
class Workload:
    """Blocks of one part that follow the windows of one sink's topic."""

    part: Part
    sink: ResultsSink
    streams: tuple[StreamPlan, ...]
    """Those that the blocks follow."""
    detects: tuple[DetectBlock, ...] = ()
    ranks: tuple[RankBlock, ...] = ()

    @property
    def topic(self) -> str:
        """Where the windows come from."""
        return dict(self.sink.topics)["windows"]

    @property
    def group(self) -> str:
        """The workers' consumer group, and the topic that keeps what they have learnt."""
        return f"{self.sink.group}.{self.part}.{self.topic}"

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of results that are sent."""
        return frozenset(_SENDS[self.part]) & frozenset(dict(self.sink.topics))

    @property
    def results(self) -> list[str]:
        """Their topics."""
        return [topic for kind, topic in self.sink.topics if kind in self.kinds]

    @property
    def declared(self) -> str:
        """Digest of what results depend on, 16 hexadecimal digits."""
        # what a line looks like decides nothing here: the windows are counted already
        streams = [(s.name, s.keys, s.aggregates, s.size_us, s.slide_us) for s in (each.spec for each in self.streams)]
        return hashlib.sha256(repr((streams, self.detects, self.ranks)).encode()).hexdigest()[:16]


def counting(plan: Plan) -> Plan:
    """The plan of the part `count`: no detectors and no rankings."""
    return replace(plan, detects=(), ranks=())


def workloads(plan: Plan, part: Part) -> list[Workload]:
    """What a worker of a part does, one workload for each sink whose windows are followed.

    Raises:
        ConfigError: there are no blocks of that part, or no sink has the windows that they need.
    """
    blocks: tuple[DetectBlock | RankBlock, ...] = plan.detects if part == "detect" else plan.ranks
    if not blocks:
        message = f"the workspace has no `[{part}.NAME]` block for `--part {part}`; legal: at least one"
        raise ConfigError(message)
    streams = {each.spec.name: each for each in plan.streams}
    chosen: dict[str, list[DetectBlock | RankBlock]] = {}
    for block in blocks:
        chosen.setdefault(_sink_for(plan, part, block, streams[block.stream]).name, []).append(block)
    return [
        Workload(
            part,
            sink,
            tuple(each for name, each in streams.items() if any(block.stream == name for block in chosen[sink.name])),
            tuple(block for block in chosen[sink.name] if isinstance(block, DetectBlock)),
            tuple(block for block in chosen[sink.name] if isinstance(block, RankBlock)),
        )
        for sink in plan.result_sinks
        if sink.name in chosen
    ]


def _sink_for(plan: Plan, part: Part, block: DetectBlock | RankBlock, stream: StreamPlan) -> ResultsSink:
    """The first sink whose windows this block can follow, and which has a topic for what it finds."""
    place = f"`[{part}.{block.name}]`"
    kinds = " or ".join(f"`{kind}`" for kind in _SENDS[part])
    sharded = {sink: shard_keys(sink.shard_by, stream.spec.keys) for sink in plan.result_sinks if sink.shard_by}
    found = [sink for sink, keys in sharded.items() if part == "rank" or {*keys} <= {*block.by}]
    if not found:
        legal = "`shard_by = [{}]`".format(", ".join(f'"{name}"' for name in block.by))
        got = ", ".join(f"`{sink.name}` by `{', '.join(keys)}`" for sink, keys in sharded.items())
        message = (
            f"{place} is by `{', '.join(block.by)}`, and {f'shards are of {got}' if got else 'no sink has shards'}: a "
            f"worker needs all windows of a key in one shard; legal: a `[sink.NAME]` with `topics.windows` and {legal}"
        )
        raise ConfigError(message)
    sending = [sink for sink in found if {*_SENDS[part]} & {*dict(sink.topics)}]
    if not sending:
        message = f"sink `{found[0].name}` has no topic for what {place} finds; legal: {kinds} in its `topics`"
        raise ConfigError(message)
    aggregate = next(each for each in stream.spec.aggregates if each.name == block.value)
    if aggregate.function in {"mean", "distinct"} and {*block.by} != {*stream.spec.keys}:
        message = (
            f"{place} rolls up `{aggregate.function}({aggregate.field})`, which cannot be made of numbers in a topic; "
            "legal for `--part`: `count`, `sum`, `min`, `max`, or all keys of the stream in `by`"
        )
        raise ConfigError(message)
    return sending[0]
