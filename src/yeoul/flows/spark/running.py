"""Jobs of Spark run: topics until they are stopped or all is read, files to their ends; rows by class come back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Literal

from yeoul.flows.results.outgoing import COMPLETE, LIVE
from yeoul.flows.results.records import complete_record, line, schema_name
from yeoul.flows.results.shards import shard_keys
from yeoul.streams import Coverage, Entry
from yeoul.streams.spark import Batch, JobOptions, ShardOptions, SparkPlan, TopicRead
from yeoul.streams.spark.broker import Watch, count_partitions, require_answer, require_topics
from yeoul.streams.spark.checkpoint import check_checkpoint
from yeoul.streams.spark.session import session

__all__ = ["Book", "Submission", "read_files", "run_topics"]

Book = dict[str, int | None]
"""Rows by class; None is what this engine cannot know."""


@dataclass(frozen=True, slots=True)
class Submission:
    """Where and how jobs run."""

    out: str
    """A topic, or a folder: then there is a `/` in it."""
    checkpoint: str
    """A folder; each stream has one below it."""
    master: str = "local[*]"
    conf: Mapping[str, str] = field(default_factory=dict)
    mode: Literal["append", "update"] = "append"
    available_now: bool = False
    rows_per_batch: int = 200_000
    quarantine: str | None = None
    shard_by: tuple[str, ...] | None = None
    """Keys whose windows stay together in one partition, as the sink says whose topic it is; None: as Kafka has it."""

    @property
    def to_files(self) -> bool:
        """Whether windows go to files."""
        return "/" in self.out


def read_files(plans: Sequence[SparkPlan], submission: Submission) -> dict[str, Book]:
    """Write `windows.ndjson` and `ledger.json` to the folder.

    Raises:
        YeoulError: Spark cannot be started, or cannot read the files.
    """
    out = Path(submission.out)
    out.mkdir(parents=True, exist_ok=True)
    with session(submission.master, submission.conf, topics=False) as spark:
        from yeoul.streams.spark.files import read_all  # noqa: PLC0415  (imports PySpark)

        books = read_all(spark, plans, out, submission.quarantine)
    (out / "ledger.json").write_text(json.dumps(books, indent=2) + "\n", encoding="utf-8")
    return books


def run_topics(
    plans: Sequence[SparkPlan],
    submission: Submission,
    stop: Event,
    started: Callable[[], None],
    tell: Callable[[Batch], None],
    say: Callable[[str], None],
) -> dict[str, Book]:
    """Run all until `stop` is set, or all is read; `tell` hears of each batch, `say` of brokers that go away.

    `started` is called as soon as Spark is there: from then on only `stop` may end it, and no exception of a signal.

    Raises:
        YeoulError: a checkpoint is of another declaration, Spark cannot be started, no broker answers, a topic is not
            there, or a job ended by an error.
    """
    books: dict[str, Book] = {plan.stream: {} for plan in plans}

    def heard(batch: Batch) -> None:
        book = books[batch.stream]
        for word, number in batch.classes.items():
            book[word] = (book.get(word) or 0) + number
        tell(batch)

    sources = [plan.source for plan in plans if isinstance(plan.source, TopicRead)]
    for plan in plans:
        check_checkpoint(plan, _options(plan, submission))
    for source in sources:
        require_answer(source)
    with session(submission.master, submission.conf, topics=True) as spark:
        from yeoul.streams.spark.job import StreamJob, run_jobs  # noqa: PLC0415  (as above)

        started()
        jobs: list[StreamJob] = []
        for source in sources:
            require_topics(spark, source, [] if submission.to_files else [submission.out])
        say("reading; Ctrl-C stops")
        watch = Watch(spark, sources, say)
        try:
            for plan, source in zip(plans, sources, strict=True):
                number = count_partitions(spark, source, submission.out) if submission.shard_by is not None else 0
                jobs.append(StreamJob(spark, plan, _options(plan, submission, number)))
            run_jobs(jobs, stop, heard, watch)
        finally:
            watch.close()
            for job in jobs:
                job.stop()
    return {stream: _ledger(book) for stream, book in books.items()}


def _options(plan: SparkPlan, submission: Submission, partitions: int = 0) -> JobOptions:
    return JobOptions(
        checkpoint=_below(submission.checkpoint, plan),
        topic=None if submission.to_files else submission.out,
        folder=_below(submission.out, plan) if submission.to_files else None,
        schema=schema_name(LIVE if submission.mode == "update" else "windows"),
        mode=submission.mode,
        available_now=submission.available_now,
        rows_per_batch=submission.rows_per_batch,
        quarantine=_below(submission.quarantine, plan) if submission.quarantine else None,
        shards=_shards(plan, submission.shard_by, partitions) if submission.shard_by and partitions else None,
    )


def _shards(plan: SparkPlan, by: Sequence[str], number: int) -> ShardOptions:
    def complete(start_us: int, end_us: int, shard: int, groups: int) -> bytes:
        entry = Entry("window", start_us, end_us, 0, Coverage(1))
        return line(complete_record(plan.stream, entry, shard, groups=groups, shards=number))[:-1]

    return ShardOptions(
        keys=shard_keys(by, plan.keys),
        number=number,
        complete_schema=schema_name(COMPLETE),
        complete_key=json.dumps([COMPLETE, plan.stream]).encode(),
        complete=complete,
    )


def _below(folder: str, plan: SparkPlan) -> str:
    return f"{folder.rstrip('/')}/{plan.stream}"


def _ledger(book: Book) -> Book:
    """Which of the rows in time were late is not known, so neither is how many were counted."""
    rest = (book.get("timely") or 0) - (book.get("duplicate") or 0)
    same = {word: book.get(word) or 0 for word in ("read", "future", "invalid", "duplicate", "filtered")}
    return {"read": same.pop("read"), "counted": None, "late": None, "counted_or_late": rest, **same}
