"""Where lines and results go: brokers answer, topics are there and may be written."""

from __future__ import annotations

from yeoul.errors import MissingExtraError, SinkError, TransientError, UnreachableError
from yeoul.flows.doctor.check import Check, Verdicts
from yeoul.flows.doctor.reach import brokers_check
from yeoul.flows.plan import Plan
from yeoul.flows.sinking import check_result_sink, open_writer
from yeoul.flows.sinks import LinesSink, ResultsSink

__all__ = ["sink_checks"]


def sink_checks(plan: Plan) -> list[Check]:
    """Whether each sink can send; nothing is sent."""
    return [check for sink in plan.sinks for check in _sink(sink)]


def _sink(sink: LinesSink | ResultsSink) -> list[Check]:
    verdicts = Verdicts(f"sink {sink.name}")
    if not brokers_check(verdicts, sink.bootstrap):
        return verdicts.found
    try:
        if isinstance(sink, LinesSink):
            _check_lines(sink)
            verdicts.ok(f"`{sink.topic}` at {sink.bootstrap} is there and may be written")
        else:
            check_result_sink(sink)
            names = ", ".join(f"`{topic}`" for _, topic in sink.topics)
            verdicts.ok(f"{names} at {sink.bootstrap} are there and may be written{_shards(sink)}")
    except MissingExtraError:
        pass  # told where libraries are looked at
    except (SinkError, UnreachableError) as error:
        found, _, advice = str(error).rpartition("; ")
        verdicts.fail(found, advice)
    except TransientError as error:
        verdicts.warn(str(error), "look again in a minute, then at the broker's log; results wait")
    return verdicts.found


def _check_lines(sink: LinesSink) -> None:
    from yeoul.deliver.kafka import Sender  # noqa: PLC0415  (its client library is an extra)

    sender = Sender(sink.bootstrap, sink.topic, dict(sink.client), compression=sink.compression)
    try:
        sender.check()
    finally:
        sender.close()


def _shards(sink: ResultsSink) -> str:
    """How many workers can share what it sends."""
    if not sink.shard_by:
        return ""
    writer = open_writer(sink)
    try:
        number = writer.partitions(dict(sink.topics)["windows"])
    finally:
        writer.close()
    return f"; at most {number} worker{'s' * (number != 1)} of `run --part detect` share the windows (partitions)"
