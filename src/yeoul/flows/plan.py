"""The plan of an engine: everything it needs to know of a workspace, as plain typed values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from yeoul.detect import WatchConfig
from yeoul.detect.calendar import CalendarEntry
from yeoul.flows.sinks import LinesSink, ResultsSink
from yeoul.rank import HotConfig
from yeoul.streams import StreamSpec

__all__ = [
    "DetectBlock",
    "EngineOptions",
    "FilesPlan",
    "KafkaPlan",
    "Lookup",
    "Notifier",
    "Plan",
    "RankBlock",
    "StreamPlan",
]


@dataclass(frozen=True, slots=True)
class FilesPlan:
    """Files under a glob."""

    pattern: str
    """The glob as it was written; relative ones start at `folder`."""
    folder: Path
    """The workspace's folder, absolute."""


@dataclass(frozen=True, slots=True)
class KafkaPlan:
    """A topic."""

    bootstrap: str
    """`host:port`, several joined by commas."""
    topic: str
    group: str = "yeoul"
    """Consumer group that offsets are committed to, for those who watch it."""
    on_loss: Literal["stop", "continue"] = "stop"
    """What to do when messages were deleted before they were read."""
    client: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """More settings of the client library; may hold secrets."""


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """A stream and where its events come from."""

    spec: StreamSpec
    source: FilesPlan | KafkaPlan


@dataclass(frozen=True, slots=True)
class DetectBlock:
    """One `[detect.…]` block: which value of which keys is watched, and how."""

    name: str
    stream: str
    by: tuple[str, ...]
    """Keys of the stream that windows are rolled up to, in the stream's order."""
    value: str
    """An aggregate of the stream."""
    watch: WatchConfig
    calendar: tuple[CalendarEntry, ...] = ()
    """Times at which it is muted, or its levels begin anew."""


@dataclass(frozen=True, slots=True)
class RankBlock:
    """One `[rank.…]` block: what is ranked, within what, by which count."""

    name: str
    stream: str
    by: tuple[str, ...]
    """Keys of the stream that make what is ranked, in the stream's order."""
    within: tuple[str, ...]
    """Keys that make a scope with places of its own; empty: only places over all."""
    value: str
    """An additive aggregate of the stream."""
    hot: HotConfig


@dataclass(frozen=True, slots=True)
class Lookup:
    """Names for the texts of a key, from a CSV file with a header line."""

    name: str
    path: Path
    """Absolute; the file may come and change later."""
    key: str
    """The key field, and the column that holds its texts."""
    column: str
    """The column that holds the names."""


@dataclass(frozen=True, slots=True)
class Notifier:
    """Who is told of incidents."""

    name: str
    kind: str
    """`webhook`."""
    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Sent with each request; may hold secrets."""
    timeout_s: float = 5.0
    detects: tuple[str, ...] = ()
    """Only incidents of these blocks; empty: of all."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How the engine works; nothing here changes a result."""

    commit_interval_us: int = 200_000
    """Live: time between checkpoints."""
    quarantine_cap_bytes: int = 256_000_000
    """Raw bytes kept of lines that are no rows; beyond it the oldest go."""
    log_cap_bytes: int = 2_000_000_000
    """Size of the results log at which reading pauses until its consumers have caught up."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run."""

    folder: Path
    """The workspace's folder, absolute; its state is in `.yeoul` below it."""
    streams: tuple[StreamPlan, ...]
    detects: tuple[DetectBlock, ...] = ()
    ranks: tuple[RankBlock, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    notifiers: tuple[Notifier, ...] = ()
    sinks: tuple[LinesSink | ResultsSink, ...] = ()
    engine: EngineOptions = EngineOptions()

    @property
    def result_sinks(self) -> list[ResultsSink]:
        """Those that the engine sends results to."""
        return [sink for sink in self.sinks if isinstance(sink, ResultsSink)]
