"""The sinks of a workspace as plain values: where lines and results go."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

__all__ = ["LinesSink", "Members", "Pruned", "ResultsSink"]

Members = tuple[str, ...]
Pruned = tuple[tuple[Members, Members], ...]
"""Where a member goes, and where it comes from."""


@dataclass(frozen=True, slots=True)
class LinesSink:
    """Lines of files that go to a topic as they are written."""

    name: str
    """Of its positions in the state; under another name it begins anew."""
    pattern: str
    """Glob of the files."""
    folder: Path
    """Where the glob begins, absolute."""
    bootstrap: str
    topic: str
    key: Members | None = None
    """The member whose value is the message's key; None: messages have none."""
    fields: Pruned = ()
    """What is sent of a line; empty: the whole line."""
    compression: str = "zstd"
    start: Literal["earliest", "latest"] = "earliest"
    """Where a first start begins."""
    client: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """More settings of the client library; may hold secrets."""


@dataclass(frozen=True, slots=True)
class ResultsSink:
    """Results that go to topics."""

    name: str
    bootstrap: str
    topics: tuple[tuple[str, str], ...]
    """Kind of result and its topic; other kinds are not sent."""
    transactional: bool = False
    """Whether a consumer of committed messages is given each once."""
    live_every_s: float = 1.0
    """How often a group of an open window is sent at most."""
    shard_by: tuple[str, ...] = ()
    """Keys whose windows stay together in one partition, for workers; empty: windows go where their keys lead."""
    group: str = "yeoul"
    """Begins the names of the workers' consumer groups, and of the topics that keep what they have learnt."""
    compression: str = "zstd"
    client: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """More settings of the client library; may hold secrets."""
