"""`yeoul submit`: the streams of a workspace as jobs of Spark, until they are stopped or have read all."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, Literal

import typer

from yeoul.cli.arguments import AsJson, WorkspaceArg
from yeoul.cli.compiler import Engine, StreamName, require_engine
from yeoul.cli.say import aside, count, data, many, say
from yeoul.errors import InputError
from yeoul.flows.plan import FilesPlan
from yeoul.flows.spark.jobs import chosen, left_out, shard_by, spark_plan, with_files
from yeoul.flows.spark.running import Book, Submission, read_files, run_topics
from yeoul.settings import load_workspace
from yeoul.stopping import set_on_signals
from yeoul.streams.spark import Batch, SparkPlan
from yeoul.streams.spark.session import check_words, require_spark

__all__ = ["add_to"]

_FOLLOWED = "; workers follow its windows: `yeoul run --part`"
_ODD = ("invalid", "future", "duplicate")

Master = Annotated[str, typer.Option(metavar="URL", help="Where Spark runs, such as `spark://HOST:7077`.")]
AvailableNow = Annotated[bool, typer.Option("--available-now", help="Read what is there, then end.")]
Out = Annotated[
    str, typer.Option("--out", metavar="TOPIC|DIR", help="Where windows go: a topic, or a folder (with a `/` in it).")
]
Checkpoint = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="Where a job goes on from; default: `.yeoul/spark` in the workspace."),
]
Mode = Annotated[
    str, typer.Option(metavar="MODE", help="`append`: each window once, when closed; `update`: totals so far.")
]
Conf = Annotated[list[str] | None, typer.Option("--conf", metavar="K=V", help="A setting of Spark.")]
RowsPerBatch = Annotated[int, typer.Option(metavar="NUMBER", min=1, help="Rows of a topic that a batch takes at most.")]
Quarantine = Annotated[
    str | None, typer.Option(metavar="DIR", help="Folder for invalid and future rows; topics are then read twice.")
]


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("submit")(_submit)


def _submit(
    workspace: WorkspaceArg,
    out: Out,
    engine: Engine = "spark",
    master: Master = "local[*]",
    stream: StreamName = None,
    available_now: AvailableNow = False,
    checkpoint: Checkpoint = None,
    mode: Mode = "append",
    conf: Conf = None,
    rows_per_batch: RowsPerBatch = 200_000,
    quarantine: Quarantine = None,
    as_json: AsJson = False,
) -> None:
    """Run streams on Spark: topics until Ctrl-C, files to their ends.

    A job that was stopped, or killed, goes on from its checkpoint. `yeoul compile` prints what will run.
    """
    require_engine(engine)
    plan = load_workspace(workspace).plan()
    streams = chosen(plan, stream)
    submission = Submission(
        out,
        checkpoint or str(plan.folder / ".yeoul" / "spark"),
        master,
        _settings(conf or []),
        _mode(mode, out),
        available_now,
        rows_per_batch,
        quarantine,
        shard_by(plan, out),
    )
    if submission.shard_by is not None and mode == "update":
        message = f"got --mode update for {out}, whose sink has `shard_by`: workers need whole windows; legal: `append`"
        raise InputError(message)
    of_files = {isinstance(each.source, FilesPlan) for each in streams}
    if len(of_files) > 1:
        message = "got streams of files and of topics; name one of them by --stream"
        raise InputError(message)
    if of_files == {True} and mode == "update":
        message = "got --mode update for files, which are read once; legal: `append`"
        raise InputError(message)
    if of_files == {True} and ":/" in out:
        message = f"got --out {out}, an address; legal for files that are read once: a folder of this machine"
        raise InputError(message)
    jobs = [with_files(each) if isinstance(each.source, FilesPlan) else spark_plan(each) for each in streams]
    check_words(master, submission.conf)
    require_spark()
    for job in jobs:
        for caution in job.cautions:
            aside(f"note: {job.stream}: {caution}")
    for block in left_out(plan):
        aside(f"note: {block} has no counterpart on this engine{_FOLLOWED if submission.shard_by else ''}")
    # of a `KeyboardInterrupt` the library that asks Java would show a trace
    signal.signal(signal.SIGINT, lambda *_: sys.exit(128 + signal.SIGINT))
    _show(read_files(jobs, submission) if of_files == {True} else _run(jobs, submission), as_json=as_json)
    if of_files == {True} and not as_json:
        for name in ("windows.ndjson", "ledger.json"):
            say(f"  {Path(out) / name}")


def _mode(mode: str, out: str) -> Literal["append", "update"]:
    if mode == "append":
        return "append"
    if mode != "update":
        message = f"got --mode {mode}; legal: `append`, `update`"
        raise InputError(message)
    if "/" in out:
        message = f"got --mode update and the folder {out}, whose files cannot be changed; legal with it: a topic"
        raise InputError(message)
    return "update"


def _settings(conf: list[str]) -> dict[str, str]:
    found = {}
    for one in conf:
        key, equals, value = one.partition("=")
        if not equals or not key.startswith("spark."):
            message = f"got --conf {one}; legal: `spark.NAME=VALUE`"
            raise InputError(message)
        found[key] = value
    return found


def _run(jobs: list[SparkPlan], submission: Submission) -> dict[str, Book]:
    stop = threading.Event()
    return run_topics(jobs, submission, stop, lambda: set_on_signals(stop), _tell, aside)


def _tell(batch: Batch) -> None:
    rate = count(batch.rows / max(batch.seconds, 1e-3))
    odd = [f"{count(number)} {word}" for word, number in batch.classes.items() if word in _ODD and number]
    aside(
        f"{batch.stream}: batch {batch.number}, {many(batch.rows, 'row')} in {batch.seconds:.1f} s ({rate} rows/s), "
        f"watermark {batch.watermark or 'none yet'}, {many(batch.state_rows, 'row')} of state"
        + (f"; {', '.join(odd)}" if odd else "")
    )


def _show(books: dict[str, Book], *, as_json: bool) -> None:
    if as_json:
        data({"ledger": books})
        return
    for stream, book in books.items():
        told = ", ".join(f"{'unknown' if number is None else count(number)} {word}" for word, number in book.items())
        say(f"{stream}: {told}")
