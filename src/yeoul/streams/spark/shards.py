"""Windows of a job in shards: each goes to the partition of its keys, then each partition hears that it is complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from yeoul.streams.spark.headers import headers
from yeoul.streams.spark.sql import name

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from yeoul.streams.spark.options import ShardOptions

__all__ = ["shard_columns", "sharded_writer"]

_MESSAGE = ("`key`", "`value`", "`headers`", "`partition`")
_TYPES = "key BINARY, value BINARY, partition INT"


def shard_columns(options: ShardOptions) -> list[str]:
    """Expressions of a message's partition; the edges of its window stay beside it."""
    # of each key what JSON has for it, as the local engine takes it: both send a key to the same shard
    parts = [f"regexp_extract(to_json(array({name(key)})), '(?s)^.(.*).$', 1)" for key in options.keys]
    shard = f"CAST(pmod(crc32(concat_ws(char(31), {', '.join(parts)})), {options.number}) AS INT)"
    return [f"{shard} AS `partition`", "`#start_us`", "`#end_us`"]


def sharded_writer(options: ShardOptions, kafka: Mapping[str, str]) -> Callable[[DataFrame, int], None]:
    """What is given each batch of windows that closed, for `foreachBatch`.

    Of a batch all groups are there before the first partition hears that a window is complete. One that is written
    again, because it was not noted before a kill, comes again whole.
    """

    def write(batch: DataFrame, _: int) -> None:
        kept = batch.persist()
        try:
            counted = kept.groupBy("#start_us", "#end_us", "partition").count().collect()
            groups = {(row[0], row[1], row[2]): row[3] for row in counted}
            if not groups:
                return
            kept.selectExpr(*_MESSAGE).write.format("kafka").options(**kafka).save()
            told = [
                (
                    options.complete_key,
                    options.complete(start_us, end_us, shard, groups.get((start_us, end_us, shard), 0)),
                    shard,
                )
                for start_us, end_us in sorted({key[:2] for key in groups})
                for shard in range(options.number)
            ]
            marks = batch.sparkSession.createDataFrame(told, _TYPES).coalesce(1)  # one after the other
            named = headers(options.complete_schema, "'complete'", "CAST(value AS STRING)")
            marks = marks.selectExpr("key", "value", f"{named} AS headers", "partition")
            marks.write.format("kafka").options(**kafka).save()
        finally:
            kept.unpersist()

    return write
