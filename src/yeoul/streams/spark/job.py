"""Jobs that run until they are stopped or have read all: from a topic to a topic or to files, with their progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from yeoul.errors import ConfigError, SourceError, UnreachableError, YeoulError
from yeoul.streams.spark import frames
from yeoul.streams.spark.broker import Watch
from yeoul.streams.spark.checkpoint import check_checkpoint, note_declaration
from yeoul.streams.spark.options import Batch, JobOptions
from yeoul.streams.spark.plan import LINE, POSITION, SOURCE, SparkPlan, TopicRead
from yeoul.streams.spark.shards import sharded_writer
from yeoul.streams.spark.sql import name

__all__ = ["StreamJob", "run_jobs"]

_LOOK_S = 0.3
_PATIENCE_S = 60.0


class StreamJob:
    """One stream's query, and that of its quarantine.

    Raises:
        ConfigError: Spark refuses the plan.
        StateError: the checkpoint or the folder is of another declaration or job.
    """

    def __init__(self, spark: SparkSession, plan: SparkPlan, options: JobOptions) -> None:
        assert isinstance(plan.source, TopicRead)
        self.plan = plan
        self._spark = spark
        self._told = -1
        self._patient = not options.available_now
        check_checkpoint(plan, options)
        note_declaration(plan, options)
        try:
            judged = frames.rows(_lines(spark, plan.source, options), plan)
            self._writers = [self._windows(judged, options)]
            if options.quarantine:
                self._writers.append(self._quarantine(judged, options))
            self.queries: list[StreamingQuery] = [writer.start() for writer in self._writers]
        except PySparkException as error:
            raise _sentence(plan, error) from None

    def _windows(self, judged: DataFrame, options: JobOptions) -> Any:
        counted = frames.without_repeats(frames.timely(judged.observe("rows", *frames.classes()), self.plan), self.plan)
        windows = frames.gather(counted, self.plan)
        final = options.mode == "append"
        messages = frames.as_messages(windows, self.plan, options.schema, final=final, shards=options.shards)
        writer = messages.writeStream.outputMode(options.mode).queryName(self.plan.stream)
        if options.topic:
            assert isinstance(self.plan.source, TopicRead)
            kafka = {"kafka.bootstrap.servers": self.plan.source.bootstrap, "topic": options.topic}
            kafka |= _prefixed(self.plan.source)
            if options.shards is None:
                writer = writer.format("kafka").options(**kafka)
            else:
                writer = writer.foreachBatch(sharded_writer(options.shards, kafka))
        else:
            writer = messages.select("value").writeStream.outputMode(options.mode).queryName(self.plan.stream)
            writer = writer.format("text").option("path", options.folder)
        return _triggered(writer.option("checkpointLocation", options.checkpoint), options)

    def _quarantine(self, judged: DataFrame, options: JobOptions) -> Any:
        writer = frames.invalid(judged, self.plan).writeStream.format("text").option("path", options.quarantine)
        writer = writer.queryName(f"{self.plan.stream} quarantine")
        return _triggered(writer.option("checkpointLocation", f"{options.checkpoint}/quarantine"), options)

    @property
    def running(self) -> bool:
        """Whether it has not ended by itself, or is to go on.

        Raises:
            YeoulError: what ended it.
        """
        return any(query.isActive for query in self.queries) or self.gave_up()

    def batches(self) -> list[Batch]:
        """The batches that ended since the last call."""
        found = {one.batchId: one for one in _ended(self.queries[0]) if one.batchId > self._told}
        self._told = max(found, default=self._told)
        return [_batch(self.plan, one) for one in found.values()]

    def stop(self, patience_s: float = _PATIENCE_S) -> None:
        """End when the batch that is running has, where that comes soon enough; it goes on from its checkpoint.

        Where rows are always waiting a next batch begins at once: it is planned by then, and comes again.
        """
        until = time.monotonic() + patience_s
        last = [_last_batch(query) for query in self.queries]
        for query, before in zip(self.queries, last, strict=True):
            while (
                query.isActive
                and query.status["isTriggerActive"]
                and _last_batch(query) == before
                and time.monotonic() < until
            ):
                time.sleep(0.05)
            with suppress(Exception):  # Java's: its thread still waits for a broker, and ends with Java
                query.stop()

    def gave_up(self) -> bool:
        """Whether Spark gave up waiting for a broker, and the job is to go on from its checkpoint.

        Raises:
            YeoulError: what ended it otherwise, or there is an end to what is read.
        """
        errors = [error for query in self.queries if (error := query.exception()) is not None]
        for said in (_sentence(self.plan, error) for error in errors):
            if not (self._patient and isinstance(said, UnreachableError)):
                raise said
        return bool(errors)

    def go_on(self) -> bool:
        """Start anew what ended; whether anything has."""
        # a query that has ended keeps its name for a moment, which the next one needs
        named = {query.id for query in self._spark.streams.active}
        ended = [query.id not in named for query in self.queries]
        each = zip(self.queries, self._writers, ended, strict=True)
        self.queries = [writer.start() if over else query for query, writer, over in each]
        return any(ended)

    def tell(self, tell: Callable[[Batch], None]) -> None:
        """Tell of the batches that ended since the last time."""
        for batch in self.batches():
            tell(batch)


def run_jobs(jobs: Sequence[StreamJob], stop: Event, tell: Callable[[Batch], None], watch: Watch) -> None:
    """Wait until all have ended or `stop` is set, tell of each batch, and look whether brokers answer.

    Raises:
        YeoulError: one of them ended by an error; the others are stopped.
    """
    try:
        while any(job.running for job in jobs) and not stop.wait(_LOOK_S):
            for job in jobs:
                gave_up = job.gave_up()
                job.tell(tell)  # of all that was done before it gave up
                if gave_up and job.go_on() and not watch.away:
                    watch.say(f"{job.plan.stream}: Spark gave up waiting for a broker; going on from the checkpoint")
            watch.look()
    finally:
        for job in jobs:
            job.stop(0.0 if watch.away else _PATIENCE_S)  # a batch that waits for a broker does not end
            job.tell(tell)
    for job in jobs:
        job.gave_up()


def _ended(query: StreamingQuery) -> list[Any]:
    """What Spark told of batches that ended, lately.

    Where it looked for rows and found none it tells too, with the number of the batch that is still to come.
    """
    return [one for one in query.recentProgress if "addBatch" in one.durationMs]


def _last_batch(query: StreamingQuery) -> int | None:
    """The number of the batch that ended last."""
    return max((one.batchId for one in _ended(query)), default=None)


def _lines(spark: SparkSession, source: TopicRead, options: JobOptions) -> DataFrame:
    reader = spark.readStream.format("kafka").option("kafka.bootstrap.servers", source.bootstrap)
    reader = reader.option("subscribe", source.topic).option("startingOffsets", source.start)
    reader = reader.option("failOnDataLoss", str(source.stop_on_loss).lower())
    reader = reader.option("kafka.isolation.level", "read_committed")
    reader = reader.option("maxOffsetsPerTrigger", options.rows_per_batch).options(**_prefixed(source))
    place = [f"concat(topic, '/', partition) AS {name(SOURCE)}", f"offset AS {name(POSITION)}"]
    # a message without value is no row
    return reader.load().where("value IS NOT NULL").selectExpr(*place, f"CAST(value AS STRING) AS {name(LINE)}")


def _prefixed(source: TopicRead) -> dict[str, str]:
    return {f"kafka.{key}": value for key, value in source.settings}


def _triggered(writer: Any, options: JobOptions) -> Any:
    return writer.trigger(availableNow=True) if options.available_now else writer


def _batch(plan: SparkPlan, progress: Any) -> Batch:
    classes = {key: int(value) for key, value in progress.observedMetrics.get("rows", _NOTHING).asDict().items()}
    if plan.event_id is not None:
        repeats = [int(one.customMetrics.get("numDroppedDuplicateRows", 0)) for one in progress.stateOperators]
        classes["duplicate"] = sum(repeats)
    watermark = progress.eventTime.get("watermark")
    return Batch(
        plan.stream,
        progress.batchId,
        progress.numInputRows,
        progress.batchDuration / 1000,
        None if watermark is None or watermark.startswith("1970-01-01T00:00:00") else watermark,
        sum(one.numRowsTotal for one in progress.stateOperators),
        classes,
    )


class _Nothing:
    def asDict(self) -> dict[str, int]:  # noqa: N802  (as rows of Spark)
        return {}


_NOTHING = _Nothing()


def _sentence(plan: SparkPlan, error: Any) -> YeoulError:
    """What ended a job, in a person's words."""
    said = str(error)
    source = plan.source
    assert isinstance(source, TopicRead)
    if "UnknownTopicOrPartition" in said:
        return SourceError(f"stream `{plan.stream}`: a topic of it is not at {source.bootstrap} (any more)")
    if "data loss" in said.lower() or "failOnDataLoss" in said or "OffsetOutOfRange" in said:
        advice = '`on_loss = "continue"` goes on behind them'
        return SourceError(f"stream `{plan.stream}`: messages were deleted before they were read; {advice}")
    if "TimeoutException" in said or "DisconnectException" in said:
        advice = "the same command goes on from the checkpoint"
        return UnreachableError(f"stream `{plan.stream}`: no broker answers at {source.bootstrap} any more; {advice}")
    first = next((line for line in said.splitlines() if line.strip()), type(error).__name__)
    return ConfigError(f"stream `{plan.stream}`: Spark refuses: {first[:400]}")
