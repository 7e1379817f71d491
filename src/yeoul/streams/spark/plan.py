"""A stream's declaration as a job of Spark Structured Streaming: every expression of it, before any Spark runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from yeoul.events import format_duration
from yeoul.streams.aggregates import Aggregate
from yeoul.streams.spark.client import java_settings
from yeoul.streams.spark.members import BROKEN, JSON, Member, Members, parse_line
from yeoul.streams.spark.sql import choice, interval, name, refuse, text
from yeoul.streams.spark.times import repeats_hours
from yeoul.streams.spark.typed import Column, event_time, typed
from yeoul.streams.spark.where import condition
from yeoul.streams.spec import StreamSpec

__all__ = [
    "AT",
    "AT_US",
    "CLASS",
    "LINE",
    "POSITION",
    "REASON",
    "SOURCE",
    "FilesRead",
    "SparkPlan",
    "TopicRead",
    "compile_stream",
]

SOURCE, POSITION, LINE = "#source", "#position", "#line"
REASON, CLASS, AT_US, AT = "#reason", "#class", "#at_us", "#at"
"""Columns of the job's own; no field can be called so."""
_MOST = 9_223_372_036_854_775_807
_CLOSED = r"\}[ \t\r\n]*\z"
_REGISTERS = 12
"""Of a HyperLogLog sketch, as a power of two: 4,096 of them have a standard error of 1.6 %."""


@dataclass(frozen=True, slots=True)
class TopicRead:
    """A topic that rows are read from."""

    bootstrap: str
    topic: str
    start: str
    """`earliest` or `latest`: where a first start begins."""
    stop_on_loss: bool
    settings: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Of the Java client; may hold secrets."""


@dataclass(frozen=True, slots=True)
class FilesRead:
    """Files that are read once, to their ends."""

    pattern: str
    paths: tuple[str, ...] = ()
    """Those there are, oldest generation first."""


@dataclass(frozen=True, slots=True)
class SparkPlan:
    """What a job does, in the order in which it does it."""

    stream: str
    source: TopicRead | FilesRead
    json: str
    """Reads a line."""
    members: tuple[Member, ...]
    columns: tuple[Column, ...]
    """The event time in microseconds first, then the fields."""
    kept: str | None
    """`where` as a condition."""
    not_before_us: int | None
    """Rows before this are filtered."""
    max_future_skew_us: int
    watermark: str
    """How far behind the newest event time, as an interval."""
    event_id: str | None
    size: str
    slide: str
    keys: tuple[str, ...]
    aggregates: tuple[tuple[str, str], ...]
    """Names and expressions."""
    floats: frozenset[str]
    """Aggregates that are no whole numbers."""
    keeps_lines: bool
    """Whether a line may be kept in the quarantine: not when fields are masked."""
    notes: tuple[str, ...]
    """What the declaration says and Spark does otherwise, or not."""
    declaration: Mapping[str, Any]
    """What a checkpoint goes with, by the names in the workspace; plain values."""
    cautions: tuple[str, ...]
    """Those of the notes that `submit` repeats: for this declaration its numbers may be others."""

    @property
    def reason(self) -> str:
        """Why a row is invalid; empty where it is not."""
        # what stands behind an object is passed over by Spark's reader
        closed = f"{name(LINE)} RLIKE {text(_CLOSED)} AND is_valid_utf8({name(LINE)})"
        broken = f"{name(JSON)}.{name(BROKEN)} IS NOT NULL OR NOT ({closed})"
        each = [choice((f"{name(one.name)} IS NULL", one.reason)) for one in self.columns]
        return choice(
            (broken, text("the line is not a JSON object as declared")), otherwise=f"concat_ws('; ', {', '.join(each)})"
        )

    @property
    def class_(self) -> str:
        """The class of a row: `invalid`, `filtered`, `future`, or `timely`, which may still be late or a repeat."""
        ahead = f"{name(AT_US)} > unix_micros(current_timestamp()) + {self.max_future_skew_us}"
        cases = [(f"{name(REASON)} <> ''", "'invalid'")]
        if self.not_before_us is not None:
            cases.append((f"{name(AT_US)} < {self.not_before_us}", "'filtered'"))
        if self.kept is not None:
            cases.append((f"NOT {self.kept}", choice((ahead, "'filtered, ahead'"), otherwise="'filtered'")))
        return choice(*cases, (ahead, "'future'"), otherwise="'timely'")


def compile_stream(
    spec: StreamSpec, source: TopicRead | FilesRead, client: Mapping[str, str] | None = None
) -> SparkPlan:
    """The job of a stream.

    Args:
        spec: the declaration.
        source: where rows are read.
        client: settings of librdkafka for a topic.

    Raises:
        ConfigError: a part of the declaration that Spark cannot do; the message names it.
    """
    schema = spec.schema
    if schema.line_format != "json":
        raise refuse(spec.name, "source.format", f"`{schema.line_format}`", "`json`")
    if spec.allowed_lateness_us:
        legal = "`0s`, for it publishes a window once; a longer `delay` waits longer for late rows"
        raise refuse(spec.name, "allowed_lateness", f"`{format_duration(spec.allowed_lateness_us)}`", legal)
    if isinstance(source, TopicRead):
        settings = java_settings(spec.name, client or {})
        source = TopicRead(source.bootstrap, source.topic, source.start, source.stop_on_loss, tuple(settings.items()))
    members = Members(spec.name, [schema.event_time.path, *(one.path for one in schema.fields)])
    masked = {one.path for one in schema.fields if one.name in schema.redact}
    time = schema.event_time
    at = event_time(spec.name, members.by_path[time.path], time.formats, time.timezone, masked=time.path in masked)
    columns = [replace(at, name=AT_US)]
    columns += [typed(spec.name, one, members.by_path[one.path], masked=one.path in masked) for one in schema.fields]
    floats = frozenset(one.name for one in schema.fields if one.type == "float")
    cautions = _cautions(spec)
    return SparkPlan(
        stream=spec.name,
        source=source,
        json=parse_line(members, name(LINE)),
        members=tuple(members.by_path.values()),
        columns=tuple(columns),
        kept=condition(spec.name, schema.where, schema.fields) if schema.where else None,
        not_before_us=None if isinstance(spec.start, str) else spec.start,
        max_future_skew_us=spec.max_future_skew_us,
        watermark=interval(spec.delay_us),
        event_id=schema.event_id,
        size=interval(spec.size_us),
        slide=interval(spec.slide_us),
        keys=spec.keys,
        aggregates=tuple((each.name, _aggregate(each, spec)) for each in spec.aggregates),
        floats=frozenset(
            each.name
            for each in spec.aggregates
            if each.function == "mean" or (each.function not in {"count", "distinct"} and each.field in floats)
        ),
        keeps_lines=not schema.redact,
        notes=(*_notes(spec, source), *cautions),
        declaration=_declaration(spec),
        cautions=cautions,
    )


def _declaration(spec: StreamSpec) -> dict[str, Any]:
    schema = spec.schema
    time = schema.event_time
    return {
        "event_time": [time.path, time.formats, time.timezone],
        "fields": [[one.name, one.path, one.type, one.default, one.format, one.timezone] for one in schema.fields],
        "where": schema.where,
        "redact": bool(schema.redact),
        "start": None if isinstance(spec.start, str) else spec.start,
        "max_future_skew": spec.max_future_skew_us,
        "delay": spec.delay_us,
        "event_id": schema.event_id,
        "window": [spec.size_us, spec.slide_us],
        "keys": spec.keys,
        "aggregates": [[one.name, one.function, one.field] for one in spec.aggregates],
    }


def _aggregate(each: Aggregate, spec: StreamSpec) -> str:
    if each.field is None:
        return "count(1)"
    type_ = next(one.type for one in spec.schema.fields if one.name == each.field)
    value = name(each.field)
    exact = f"sum(CAST({value} AS DECIMAL(20,0)))"
    if each.function == "sum" and type_ == "int":
        # beyond 64 bits it stays at the limit
        return f"CAST(least(greatest({exact}, -{_MOST + 1}BD), {_MOST}BD) AS BIGINT)"
    if each.function == "mean":
        return f"CAST({exact} AS DOUBLE) / count(1)" if type_ == "int" else f"avg({value})"
    if each.function == "distinct":
        plain = value if type_ in {"str", "int", "timestamp"} else f"CAST({value} AS STRING)"
        return f"hll_sketch_estimate(hll_sketch_agg({plain}, {_REGISTERS}))"
    return f"{each.function}({value})"


def _notes(spec: StreamSpec, source: TopicRead | FilesRead) -> tuple[str, ...]:
    notes = ["late rows are dropped and not told of: `late` is unknown in the ledger"]
    if isinstance(source, TopicRead):
        notes = [
            "the watermark follows the newest row of all partitions and moves between batches",
            "no partition is waited for: `idle_timeout` and `max_split_lag` have no counterpart",
            "a window is published when a row past its end and `delay` has come, of whatever partition",
            *notes,
        ]
    else:
        notes = ["all that is there is read at once: no row is late, whatever its order"]
    notes += ["a row is future by the wall clock alone", "`retention` has no counterpart: no window is revised"]
    if spec.schema.event_id and isinstance(source, TopicRead):
        notes.append("a repeat is known for `delay` after the row; with `event_id`, rows behind the watermark are late")
    if any(each.function == "distinct" for each in spec.aggregates):
        notes.append("distinct() is an estimate: standard error 1.6 % above some hundred values")
    if spec.schema.redact:
        notes.append("fields are masked, so the quarantine holds no lines")
    return tuple(notes)


def _cautions(spec: StreamSpec) -> tuple[str, ...]:
    time = spec.schema.event_time
    local = [one for one in time.formats if one == "iso" or ("%" in one and "%z" not in one)]
    if not local or not repeats_hours(time.timezone):
        return ()
    twice = f"local times that occur twice in {time.timezone} (the hour after summer time ends)"
    told = "the first reading is taken, so rows of that hour are counted an hour early; write times with their offset"
    return (f"`event_time`: of {twice} {told}",)
