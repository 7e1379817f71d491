"""A stream's topic: its brokers answer, it is there and may be read, its first messages decode."""

from __future__ import annotations

from collections.abc import Callable

from yeoul.errors import MissingExtraError, SourceError
from yeoul.flows.doctor.check import Check, Verdicts
from yeoul.flows.doctor.reach import brokers_check
from yeoul.flows.parts import open_source
from yeoul.flows.plan import KafkaPlan, StreamPlan
from yeoul.ingest.contract import Split

__all__ = ["topic_checks"]

_SHOWN = 3


def topic_checks(
    area: str, stream: StreamPlan, kafka: KafkaPlan, decodes: Callable[[Verdicts, StreamPlan, Split], None]
) -> list[Check]:
    """What is found; `decodes` tries the beginning of a partition."""
    verdicts = Verdicts(area)
    if brokers_check(verdicts, kafka.bootstrap):
        _topic(verdicts, stream, kafka, decodes)
    return verdicts.found


def _topic(
    verdicts: Verdicts, stream: StreamPlan, kafka: KafkaPlan, decodes: Callable[[Verdicts, StreamPlan, Split], None]
) -> None:
    try:
        source = open_source(stream, None, live=False)
    except MissingExtraError:
        verdicts.ok(f"{kafka.bootstrap} answers")  # what is missing is told where libraries are looked at
        return
    except SourceError as error:
        verdicts.fail(str(error), "correct `client`")
        return
    try:
        source.poll()
        splits = source.splits()
        messages = sum(split.backlog_messages() or 0 for split in splits)
        partitions = f"{len(splits)} partition{'s' * (len(splits) != 1)}"
        if messages:
            verdicts.ok(f"`{kafka.topic}` at {kafka.bootstrap} has {partitions} and {messages:,} messages")
        else:
            what = f"`{kafka.topic}` at {kafka.bootstrap} has {partitions} and no messages"
            verdicts.warn(what, "start what writes there, or correct `topic`; `run` waits for messages")
        for split in [each for each in splits if each.backlog_messages()][:_SHOWN]:
            decodes(verdicts, stream, split)
    except SourceError as error:
        found, _, advice = str(error).rpartition("; ")
        verdicts.fail(found, advice)
    finally:
        source.close()
