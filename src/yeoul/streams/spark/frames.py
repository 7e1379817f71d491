"""The stages of a job as data frames: lines, rows with their classes, windows, and what is written of them."""

from __future__ import annotations

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as sql

from yeoul.streams.spark.headers import headers
from yeoul.streams.spark.options import ShardOptions
from yeoul.streams.spark.plan import AT, AT_US, CLASS, LINE, POSITION, REASON, SOURCE, SparkPlan
from yeoul.streams.spark.shards import shard_columns
from yeoul.streams.spark.sql import choice, name, text

__all__ = ["as_messages", "classes", "gather", "invalid", "rows", "timely", "without_repeats"]

_WINDOW = "#window"
_CLASSES = {
    "read": "count(1)",
    "invalid": "count_if(`#class` = 'invalid')",
    "filtered": "count_if(`#class` LIKE 'filtered%')",
    "future": "count_if(`#class` = 'future')",
    "timely": "count_if(`#class` = 'timely')",
}
_BLANK = r"[^ \t\r\n\x0B\f]"


def rows(lines: DataFrame, plan: SparkPlan) -> DataFrame:
    """From lines (and where each stood) to fields, event time, reason and class; blank lines are no rows."""
    place = [name(SOURCE), name(POSITION)]
    line = name(LINE)
    read = lines.where(f"{line} RLIKE {text(_BLANK)}").selectExpr(*place, line, f"{plan.json} AS `#json`")
    found = [f"{one.found} AS {one.value}" for one in plan.members]
    taken = read.selectExpr("*", *found)
    known = taken.selectExpr("*", *(f"{each} AS {as_}" for one in plan.members for as_, each in one.told.items()))
    typed = known.selectExpr("*", *(f"{one.value} AS {name(one.name)}" for one in plan.columns))
    judged = typed.selectExpr("*", f"{plan.reason} AS {name(REASON)}")
    fields = [name(one.name) for one in plan.columns]
    return judged.selectExpr(*place, line, *fields, name(REASON), f"{plan.class_} AS {name(CLASS)}")


def classes() -> list[SparkColumn]:
    """How many rows are of each class; for `DataFrame.observe`."""
    return [sql.expr(expression).alias(word) for word, expression in _CLASSES.items()]


def invalid(judged: DataFrame, plan: SparkPlan) -> DataFrame:
    """What the quarantine is told, a JSON object a row."""
    members = [f"{text(plan.stream)} AS `stream`", f"{name(SOURCE)} AS `source`", f"{name(POSITION)} AS `position`"]
    members.append(f"{name(CLASS)} AS `class`")
    reason = choice((f"{name(CLASS)} = 'future'", "'ahead of the wall clock'"), otherwise=name(REASON))
    line = name(LINE) if plan.keeps_lines else "'***'"
    named = judged.where(f"{name(CLASS)} IN ('invalid', 'future')").selectExpr(
        *members, f"{reason} AS `reason`", f"{line} AS `raw`"
    )
    return named.selectExpr(f"{_json('struct(*)')} AS `value`")


def timely(judged: DataFrame, plan: SparkPlan) -> DataFrame:
    """Rows that count unless they are late or repeats. Those that `where` drops still move the watermark."""
    fields = [name(one.name) for one in plan.columns[1:]]
    believed = judged.where(f"{name(CLASS)} IN ('timely', 'filtered')")
    timed = believed.selectExpr(*fields, name(CLASS), f"timestamp_micros({name(AT_US)}) AS {name(AT)}")
    marked = timed.withWatermark(name(AT), plan.watermark)
    if plan.kept is None and plan.not_before_us is None:
        return marked
    # The optimizer would move a filter that knows nothing of the time in front of the watermark; this one it cannot.
    return marked.where(f"exists(array({name(AT)}), each -> each IS NOT NULL AND {name(CLASS)} = 'timely')")


def without_repeats(counted: DataFrame, plan: SparkPlan) -> DataFrame:
    """One row of each event id."""
    if plan.event_id is None:
        return counted
    if counted.isStreaming:
        return counted.dropDuplicatesWithinWatermark([plan.event_id])
    return counted.dropDuplicates([plan.event_id])


def gather(counted: DataFrame, plan: SparkPlan) -> DataFrame:
    """Windows by keys: `start_us`, `end_us`, the keys, the aggregates; a float that is no number any more is null."""
    window = sql.window(sql.col(name(AT)), plan.size, plan.slide if plan.slide != plan.size else None)
    groups = counted.groupBy(window.alias(_WINDOW), *(sql.col(name(key)) for key in plan.keys))
    values = groups.agg(*(sql.expr(expression).alias(word) for word, expression in plan.aggregates))
    most = "1.7976931348623157E308D"
    finite = [
        f"{choice((f'abs({name(word)}) <= {most}', name(word)))} AS {name(word)}" if word in plan.floats else name(word)
        for word, _ in plan.aggregates
    ]
    edges = [f"unix_micros({name(_WINDOW)}.{edge}) AS `#{edge}_us`" for edge in ("start", "end")]
    return values.selectExpr(*edges, *map(name, plan.keys), *finite)


def as_messages(
    windows: DataFrame, plan: SparkPlan, schema: str, *, final: bool, shards: ShardOptions | None = None
) -> DataFrame:
    """A message a group, as the local engine's sink has it: key, value, headers.

    Those of windows that are not final say `partial`. With `shards` also its partition and the edges of its window.
    """
    start, end = (_iso(f"`#{edge}_us`") for edge in ("start", "end"))
    keys = [name(key) for key in plan.keys]
    values = [name(word) for word, _ in plan.aggregates]
    said = [f"{text(plan.stream)} AS `stream`", f"{start} AS `window_start`", f"{end} AS `window_end`"]
    last = "0 AS `revision`" if final else "true AS `partial`"
    key, value = _json(f"struct({', '.join(keys)})"), _json(f"struct({', '.join([*said, *keys, *values, last])})")
    known = windows.selectExpr("*", f"{key} AS `#key`", f"{value} AS `#value`")
    window = "concat(`#start_us`, '/', `#end_us`)"
    parts = ["'windows'", text(plan.stream), window, "`#key`", "'0'"] if final else ["'live'", "`#value`"]
    more = [] if shards is None else shard_columns(shards)
    return known.selectExpr("`#key` AS `key`", "`#value` AS `value`", f"{headers(schema, *parts)} AS `headers`", *more)


def _json(struct: str) -> str:
    return f"to_json({struct}, map('ignoreNullFields', 'false'))"


def _iso(us: str) -> str:
    """As in all result files: the fraction has three digits, or six when it needs them, or none."""
    at = f"timestamp_micros({us})"
    written = [f"date_format({at}, {text(one)})" for one in _LAYOUTS]
    return choice((f"{us} % 1000000 = 0", written[0]), (f"{us} % 1000 = 0", written[1]), otherwise=written[2])


_LAYOUTS = [f"yyyy-MM-dd'T'HH:mm:ss{fraction}'Z'" for fraction in ("", ".SSS", ".SSSSSS")]
