"""How the parts of a plan are made: sources and the consumers of the results log."""

from __future__ import annotations

from typing import Any

from yeoul.clock import Clock
from yeoul.errors import ConfigError
from yeoul.flows.contract import Consumer
from yeoul.flows.plan import FilesPlan, Plan, StreamPlan
from yeoul.flows.ranking import RankFlow
from yeoul.flows.watching import DetectFlow
from yeoul.ingest.contract import Source
from yeoul.ingest.files import FileSource
from yeoul.streams import LocalStream

__all__ = ["build_consumers", "open_source"]


def open_source(plan: StreamPlan, positions: dict[str, dict[str, Any]] | None, *, live: bool) -> Source:
    """The source of a stream; splits named in `positions` go on from there, None is a first start.

    A replay reads all that is there: `latest` says where a live first start begins.

    Raises:
        ConfigError: a kind that this release cannot read.
    """
    if not isinstance(plan.source, FilesPlan):
        message = f'stream `{plan.spec.name}` reads from Kafka, which this release cannot do yet; legal: kind = "files"'
        raise ConfigError(message)
    return FileSource(
        plan.source.pattern,
        plan.source.folder,
        start="latest" if live and plan.spec.start == "latest" else "earliest",
        keep_header=plan.spec.schema.line_format == "csv",
        resume=positions,
    )


def build_consumers(plan: Plan, streams: dict[str, LocalStream], clock: Clock) -> list[Consumer]:
    """What reads the results log, in the order of the workspace."""
    watching: list[Consumer] = [
        DetectFlow(block, streams[block.stream], plan.notifiers, clock) for block in plan.detects
    ]
    return watching + [RankFlow(block, streams[block.stream]) for block in plan.ranks]
