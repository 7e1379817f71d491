"""`yeoul compile`: what a workspace becomes on another engine, without running it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from yeoul.cli.arguments import AsJson, WorkspaceArg
from yeoul.cli.say import data, say
from yeoul.errors import InputError
from yeoul.flows.spark.jobs import chosen, left_out, spark_plan
from yeoul.settings import load_workspace
from yeoul.streams.spark import SparkPlan, TopicRead

__all__ = ["Engine", "StreamName", "add_to", "require_engine"]

Engine = Annotated[str, typer.Option("--engine", metavar="ENGINE", help="Which engine: `spark`.")]
StreamName = Annotated[str | None, typer.Option("--stream", metavar="NAME", help="This stream only.")]


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("compile")(_compile)


def require_engine(engine: str) -> None:
    """See that there is such an engine.

    Raises:
        InputError: there is not.
    """
    if engine != "spark":
        message = f"got --engine {engine}; legal: `spark` (the engine in this package itself is `yeoul run`)"
        raise InputError(message)


def _compile(
    workspace: WorkspaceArg, engine: Engine = "spark", stream: StreamName = None, as_json: AsJson = False
) -> None:
    """Print what each stream becomes on Spark: what is read, columns and their expressions, windows, sinks.

    Needs no Spark. What Spark cannot do is refused and named.
    """
    require_engine(engine)
    plan = load_workspace(workspace).plan()
    jobs = [spark_plan(each) for each in chosen(plan, stream)]
    if as_json:
        data({"streams": {job.stream: _members(job) for job in jobs}, "left_out": left_out(plan)})
        return
    for job in jobs:
        _explain(job)
    for block in left_out(plan):
        say(f"note: {block} has no counterpart on this engine")
    say("`yeoul submit` runs it")


def _members(job: SparkPlan) -> dict[str, Any]:
    source = job.source
    if isinstance(source, TopicRead):
        read = {"kind": "kafka", "bootstrap": source.bootstrap, "topic": source.topic, "start": source.start}
    else:
        read = {"kind": "files", "path": source.pattern}
    return {
        "source": read,
        "json": job.json,
        "members": {one.found: one.value for one in job.members},
        "columns": {one.name: one.value for one in job.columns},
        "reason": job.reason,
        "class": job.class_,
        "watermark": job.watermark,
        "event_id": job.event_id,
        "window": {"size": job.size, "slide": job.slide},
        "keys": list(job.keys),
        "aggregates": dict(job.aggregates),
        "notes": list(job.notes),
    }


def _explain(job: SparkPlan) -> None:
    source = job.source
    say(f"stream `{job.stream}` on Spark")
    if isinstance(source, TopicRead):
        say(f"  reads the topic {source.topic} at {source.bootstrap} from its {source.start} row, batch by batch")
    else:
        say(f"  reads {source.pattern} once, to the end")
    say(f"  line     {job.json}")
    for member in job.members:
        say(f"  member   {member.value} = {member.found}")
        for word, expression in member.told.items():
            say(f"  member   {word} = {expression}")
    for column in job.columns:
        say(f"  column   {column.name} = {column.value}")
    say(f"  reason   {job.reason}")
    say(f"  class    {job.class_}")
    if isinstance(source, TopicRead):
        say(f"  watermark {job.watermark} behind the newest row")
    if job.event_id:
        within = "withinWatermark" if isinstance(source, TopicRead) else "of all rows"
        say(f"  repeats  of `{job.event_id}` are dropped ({within})")
    slide = "" if job.slide == job.size else f" every {job.slide}"
    say(f"  window   {job.size}{slide} for each {' and '.join(job.keys)}")
    for word, expression in job.aggregates:
        say(f"  value    {word} = {expression}")
    if isinstance(source, TopicRead):
        say("  writes   a JSON object a window and keys, to a topic or to files")
    else:
        say("  writes   windows.ndjson and ledger.json")
    for note in job.notes:
        say(f"  note: {note}")
