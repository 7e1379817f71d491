"""`yeoul check`: what a workspace would do, without doing anything."""

from __future__ import annotations

from typing import Any

import typer

from yeoul.cli.arguments import AsJson, WorkspaceArg
from yeoul.cli.say import data, say, size
from yeoul.events import format_duration, format_path, iso
from yeoul.flows.plan import DetectBlock, FilesPlan, Plan, RankBlock, StreamPlan
from yeoul.ingest.files import FileSource
from yeoul.settings import load_workspace

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("check")(_check)


def _check(workspace: WorkspaceArg, as_json: AsJson = False) -> None:
    """Validate the workspace and explain what will run; touches nothing.

    All mistakes are told at once; the exit code is not 0 when there are any.
    """
    found = load_workspace(workspace)
    plan = found.plan()
    inputs = {each.spec.name: _input(each) for each in plan.streams}
    if as_json:
        data({"ok": True, "warnings": list(found.warnings), "inputs": inputs})
        return
    for stream in plan.streams:
        _explain_stream(stream, inputs[stream.spec.name])
    for detect in plan.detects:
        _explain_detect(detect)
    for rank in plan.ranks:
        _explain_rank(rank)
    _explain_rest(plan)
    for warning in found.warnings:
        say(f"note: {warning}")
    say("all is well; `yeoul replay` tries it on what is there, `yeoul run` goes on from there")


def _input(stream: StreamPlan) -> dict[str, Any]:
    if not isinstance(stream.source, FilesPlan):
        return {"kind": "kafka", "topic": stream.source.topic}
    source = FileSource(stream.source.pattern, stream.source.folder)
    try:
        source.check()
        source.poll()
        splits = source.splits()
        total = sum(split.backlog_bytes() for split in splits)
        return {"kind": "files", "splits": [split.name for split in splits], "bytes": total}
    finally:
        source.close()


def _explain_stream(stream: StreamPlan, found: dict[str, Any]) -> None:
    spec, schema = stream.spec, stream.spec.schema
    say(f"stream `{spec.name}`")
    if isinstance(stream.source, FilesPlan):
        count = len(found["splits"])
        say(f"  reads {stream.source.pattern} as {schema.line_format}: {count} files now, {size(found['bytes'])}")
        if not count:
            say("  nothing matches yet; `run` waits for files, `replay` would give empty results")
    time = schema.event_time
    say(f"  time {format_path(time.path)} as {' or '.join(time.formats)}, zone {time.timezone}")
    for field in schema.fields:
        rest = "" if field.default is None else f", {field.default!r} when missing"
        masked = ", masked wherever a row is shown" if field.name in schema.redact else ""
        say(f"  field {field.name} = {format_path(field.path)} ({field.type}{rest}{masked})")
    if schema.where:
        say(f"  only rows where {schema.where}")
    if schema.event_id:
        say(f"  rows that repeat a `{schema.event_id}` are duplicates")
    window = format_duration(spec.size_us)
    slide = "" if spec.slide_us == spec.size_us else f" every {format_duration(spec.slide_us)}"
    aggregates = ", ".join(f"{each.name} = {each.function}({each.field or ''})" for each in spec.aggregates)
    say(f"  every {window}{slide} for each {' and '.join(spec.keys) or 'row'}: {aggregates}")
    say(
        f"  rows may come {format_duration(spec.delay_us)} out of order; later ones are "
        + (f"added for {format_duration(spec.allowed_lateness_us)} more, then " if spec.allowed_lateness_us else "")
        + "late; "
        + f"a silent file holds windows open for {format_duration(spec.idle_timeout_us)}"
    )
    start = iso(spec.start) if isinstance(spec.start, int) else spec.start
    say(f"  starts at {start}, keeps results {format_duration(spec.retention_us)}")


def _explain_detect(block: DetectBlock) -> None:
    watch = block.watch
    k, n = watch.persist
    say(f"detect `{block.name}`")
    say(f"  watches {block.value} of each {' and '.join(block.by)} by {', '.join(watch.detectors)}")
    say(
        f"  an incident opens after {k} of {n} alarmed windows; budget {watch.alarms_per_day:g} false alarms a day; "
        f"at least {watch.min_volume:g} a window and {watch.min_effect:.0%} away from expected"
    )


def _explain_rank(block: RankBlock) -> None:
    say(f"rank `{block.name}`")
    within = f", and within each {' and '.join(block.within)}" if block.within else ""
    say(f"  top {block.hot.top} {' and '.join(block.by)} by {block.value}{within}")
    say(f"  a count is worth half after {format_duration(block.hot.half_life_us)}")


def _explain_rest(plan: Plan) -> None:
    for lookup in plan.lookups:
        say(f"names of {lookup.key} from {lookup.path.name}, column {lookup.column}")
    for notifier in plan.notifiers:
        say(f"tells {notifier.kind} `{notifier.name}` of incidents: {notifier.url}")
