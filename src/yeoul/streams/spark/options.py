"""How a job runs, and what it tells of each batch: plain values that need no Spark."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Batch", "JobOptions", "ShardOptions"]


@dataclass(frozen=True, slots=True)
class ShardOptions:
    """Which partition a window's group goes to, and what each partition hears when a window is complete."""

    keys: tuple[str, ...]
    """Those that decide."""
    number: int
    """Of shards: the topic's partitions."""
    complete_schema: str
    """What is heard, and its version."""
    complete_key: bytes
    complete: Callable[[int, int, int, int], bytes]
    """Makes it of the window's edges in microseconds, the shard, and how many groups there are in it."""


@dataclass(frozen=True, slots=True)
class JobOptions:
    """How a job runs."""

    checkpoint: str
    """Folder (or address of a folder) from which it goes on after a stop."""
    topic: str | None
    """Where windows go; otherwise to `folder`."""
    folder: str | None
    schema: str
    """What a message is, and its version."""
    mode: Literal["append", "update"] = "append"
    available_now: bool = False
    """End when all is read that is there."""
    rows_per_batch: int = 200_000
    quarantine: str | None = None
    """Folder for rows that are invalid or future; the topic is then read twice."""
    shards: ShardOptions | None = None
    """Of a topic of windows that workers follow."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch of a job did."""

    stream: str
    number: int
    rows: int
    seconds: float
    watermark: str | None
    state_rows: int
    classes: dict[str, int]
    """Rows read, invalid, filtered, future, timely; `duplicate` where there is an event id."""
