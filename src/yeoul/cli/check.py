"""`yeoul check`: what a workspace would do, without doing anything."""

from __future__ import annotations

from typing import Any

import typer

from yeoul.cli.arguments import AsJson, WorkspaceArg
from yeoul.cli.inputs import Found, look
from yeoul.cli.say import data, many, say, size
from yeoul.detect.calendar import CalendarEntry
from yeoul.errors import ConfigError, YeoulError
from yeoul.events import format_duration, format_path, iso
from yeoul.flows.plan import DetectBlock, FilesPlan, KafkaPlan, Plan, RankBlock, StreamPlan
from yeoul.flows.sinks import LinesSink, ResultsSink
from yeoul.settings import load_workspace
from yeoul.store import read_state

__all__ = ["add_to"]

_STARTS: dict[str | int, str] = {
    "earliest": "begins with the oldest row that is there",
    "latest": "begins with what is written after the first start",
}


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("check")(_check)


def _check(workspace: WorkspaceArg, as_json: AsJson = False) -> None:
    """Validate the workspace and explain what will run; touches nothing.

    All mistakes are told at once; the exit code is not 0 when there are any.
    """
    try:
        found = load_workspace(workspace)
    except ConfigError as error:
        if as_json:
            data({"ok": False, "mistakes": list(error.problems)})
            raise typer.Exit(error.exit_code) from None
        raise
    plan = found.plan()
    inputs = {each.spec.name: look(each) for each in plan.streams}
    notes = [
        *found.warnings,
        *_unseen(plan),
        *(note for each in plan.streams for note in inputs[each.spec.name].unreadable),
    ]
    if as_json:
        members = {each.spec.name: _members(each, inputs[each.spec.name]) for each in plan.streams}
        data({"ok": True, "warnings": notes, "inputs": members})
        return
    for stream in plan.streams:
        _explain_stream(stream, inputs[stream.spec.name])
    for detect in plan.detects:
        _explain_detect(detect)
    for entry, names in _calendar(plan).items():
        _explain_entry(entry, names)
    for rank in plan.ranks:
        _explain_rank(rank)
    for sink in plan.sinks:
        _explain_sink(sink)
    _explain_rest(plan)
    for note in notes:
        say(f"note: {note}")
    well = "no mistakes, but see the notes" if notes else "all is well"
    say(f"{well}; `yeoul replay` tries it on what is there, `yeoul run` goes on from there")


def _members(stream: StreamPlan, found: Found) -> dict[str, Any]:
    if isinstance(stream.source, KafkaPlan):
        topic = {"kind": "kafka", "topic": stream.source.topic}
        return topic | {"splits": list(found.splits), "messages": found.messages}
    return {"kind": "files", "splits": list(found.splits), "bytes": found.size_bytes}


def _explain_stream(stream: StreamPlan, found: Found) -> None:
    spec, schema = stream.spec, stream.spec.schema
    what = "file" if isinstance(stream.source, FilesPlan) else "partition"
    say(f"stream `{spec.name}`")
    if isinstance(stream.source, FilesPlan):
        now = f"{many(len(found.splits), 'file')} now, {size(found.size_bytes)}"
        say(f"  reads {stream.source.pattern} as {schema.line_format}: {now}")
        if not found.splits and not found.unreadable:
            say("  nothing matches yet; `run` waits for files, `replay` would give empty results")
    else:
        now = f"{many(len(found.splits), 'partition')} now, {many(found.messages, 'message')}"
        say(f"  reads the topic {stream.source.topic} at {stream.source.bootstrap} as {schema.line_format}: {now}")
    time = schema.event_time
    say(f"  event time {format_path(time.path)} as {' or '.join(time.formats)}, zone {time.timezone}")
    for field in schema.fields:
        rest = "" if field.default is None else f", {field.default!r} when missing"
        masked = ", masked wherever a row is shown" if field.name in schema.redact else ""
        say(f"  field {field.name} = {format_path(field.path)} ({field.type}{rest}{masked})")
    if schema.where:
        say(f"  only rows where {schema.where}")
    if schema.event_id:
        say(f"  a row whose `{schema.event_id}` was there before is a duplicate")
    window = format_duration(spec.size_us)
    slide = "" if spec.slide_us == spec.size_us else f" every {format_duration(spec.slide_us)}"
    aggregates = ", ".join(f"{each.name} = {each.function}({each.field or ''})" for each in spec.aggregates)
    say(f"  every {window}{slide} for each {' and '.join(spec.keys) or 'row'}: {aggregates}")
    say(
        f"  rows may come {format_duration(spec.delay_us)} out of order; later ones are "
        + (f"added for {format_duration(spec.allowed_lateness_us)} more, then " if spec.allowed_lateness_us else "")
        + "late; "
        + f"a silent {what} holds windows open for {format_duration(spec.idle_timeout_us)}"
    )
    start = _STARTS.get(spec.start) or f"rows before {iso(int(spec.start))} are not counted"
    say(f"  {start}; closed windows can be revised for {format_duration(spec.retention_us)}")


def _explain_detect(block: DetectBlock) -> None:
    watch = block.watch
    k, n = watch.persist
    say(f"detect `{block.name}`")
    say(f"  watches {block.value} of each {' and '.join(block.by)} by {', '.join(watch.detectors)}")
    say(
        f"  an incident opens after {k} of {n} windows with an alarm; "
        f"budget {many(watch.alarms_per_day, 'false alarm')} a day; "
        f"at least {watch.min_volume:g} a window and {watch.min_effect:.0%} away from expected"
    )


def _unseen(plan: Plan) -> list[str]:
    """Entries whose keys nobody has seen so far, where a state tells which were."""
    if not any(block.calendar for block in plan.detects):
        return []
    try:
        state = read_state(plan.folder / ".yeoul")
    except YeoulError:
        return []
    found = []
    try:
        for block in plan.detects:
            if len(block.by) != 1:
                continue
            query = "SELECT text FROM key WHERE stream = ? AND field = ?"
            seen = [text for (text,) in state.db.execute(query, (block.stream, block.by[0]))]
            told = f"none of the {many(len(seen), 'key')} that `detect.{block.name}` has seen so far is like"
            found += [
                f"calendar `{entry.name}`: {told} `{entry.keys}`"
                for entry in block.calendar
                if seen and not any(entry.matches((text,)) for text in seen)
            ]
    finally:
        state.close()
    return found


def _calendar(plan: Plan) -> dict[CalendarEntry, list[str]]:
    """Entries and the detect blocks they hold in."""
    found: dict[CalendarEntry, list[str]] = {}
    for block in plan.detects:
        for entry in block.calendar:
            found.setdefault(entry, []).append(block.name)
    return found


def _explain_entry(entry: CalendarEntry, names: list[str]) -> None:
    keys = "all keys" if entry.keys == "*" else f"keys like {entry.keys}"
    say(f"calendar `{entry.name}` for {keys} of {' and '.join(names)}")
    begin, end = entry.spans[0]
    more = f" and {many(len(entry.spans) - 1, 'more time')}" if len(entry.spans) > 1 else ""
    again = f", again every {entry.every}" if entry.every else ""
    say(f"  from {begin:%Y-%m-%d %H:%M} until {end:%Y-%m-%d %H:%M}{more} ({entry.timezone}){again}")
    if entry.action == "mute":
        say("  mutes: what is odd is listed with its name, opens no incident, tells nobody, and is not learnt")
    else:
        say("  begins anew: levels restart from what is seen then, and again when it is over")


def _explain_rank(block: RankBlock) -> None:
    say(f"rank `{block.name}`")
    within = f", and within each {' and '.join(block.within)}" if block.within else ""
    say(f"  top {block.hot.top} {' and '.join(block.by)} by {block.value}{within}")
    say(f"  a count is worth half after {format_duration(block.hot.half_life_us)}")


def _explain_sink(sink: LinesSink | ResultsSink) -> None:
    say(f"sink `{sink.name}`")
    if isinstance(sink, ResultsSink):
        topics = ", ".join(f"{kind} to {topic}" for kind, topic in sink.topics)
        say(f"  `yeoul run` sends {topics}, at {sink.bootstrap}")
        say(f"  {'exactly once, in transactions' if sink.transactional else 'at least once'}, {sink.compression}")
        return
    say(f"  `yeoul ship` sends each line of {sink.pattern} to the topic {sink.topic} at {sink.bootstrap}")
    moved = [
        format_path(path) if to == path else f"{format_path(path)} as {format_path(to)}" for to, path in sink.fields
    ]
    say(f"  only {', '.join(moved)}" if moved else "  whole lines, byte for byte")
    keyed = f"keyed by {format_path(sink.key)}" if sink.key else "without keys"
    say(f"  {keyed}, at least once, {sink.compression}; a first start begins with the {sink.start} line")


def _explain_rest(plan: Plan) -> None:
    for lookup in plan.lookups:
        say(f"names of {lookup.key} from {lookup.path.name}, column {lookup.column}")
    for notifier in plan.notifiers:
        say(f"tells {notifier.kind} `{notifier.name}` of incidents: {notifier.url}")
