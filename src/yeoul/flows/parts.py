"""How the parts of a plan are made: sources and the consumers of the results log."""

from __future__ import annotations

from typing import Any, Literal

from yeoul.clock import Clock
from yeoul.flows.contract import Consumer
from yeoul.flows.plan import FilesPlan, KafkaPlan, Plan, StreamPlan
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
        MissingExtraError: the stream reads a topic, and Kafka's client library is not installed.
        SourceError: the client library refuses its settings.
    """
    start: Literal["earliest", "latest"] = "latest" if live and plan.spec.start == "latest" else "earliest"
    match plan.source:
        case FilesPlan() as files:
            keep_header = plan.spec.schema.line_format == "csv"
            return FileSource(files.pattern, files.folder, start=start, keep_header=keep_header, resume=positions)
        case KafkaPlan() as kafka:
            from yeoul.ingest.kafka import KafkaSource  # noqa: PLC0415  (its client library is an extra)

            return KafkaSource(
                kafka.bootstrap,
                kafka.topic,
                resume=positions,
                start=start,
                live=live,
                on_loss=kafka.on_loss,
                group=kafka.group,
                settings=dict(kafka.client),
            )


def build_consumers(plan: Plan, streams: dict[str, LocalStream], clock: Clock) -> list[Consumer]:
    """What reads the results log, in the order of the workspace."""
    watching: list[Consumer] = [
        DetectFlow(block, streams[block.stream], plan.notifiers, clock) for block in plan.detects
    ]
    return watching + [RankFlow(block, streams[block.stream]) for block in plan.ranks]
