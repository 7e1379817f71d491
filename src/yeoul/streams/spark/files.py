"""Files read to their ends: every window of them, sorted as in `windows.ndjson`, and the ledger."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as sql

from yeoul.errors import SourceError
from yeoul.events import iso
from yeoul.streams.spark import frames
from yeoul.streams.spark.java import root_cause
from yeoul.streams.spark.plan import LINE, POSITION, SOURCE, FilesRead, SparkPlan
from yeoul.streams.spark.sql import name

__all__ = ["lines_of", "read_all"]

_EMPTY_RULE = "org.apache.spark.sql.execution.adaptive.AQEPropagateEmptyRelation"


def read_all(
    spark: SparkSession, plans: Sequence[SparkPlan], out: Path, quarantine: str | None = None
) -> dict[str, dict[str, int | None]]:
    """Write `windows.ndjson` to the folder `out`, and invalid and future rows below `quarantine`; rows by class.

    Raises:
        SourceError: a file cannot be read.
    """
    # it would leave out what observes the rows where none of them counts
    spark.conf.set("spark.sql.adaptive.optimizer.excludedRules", _EMPTY_RULE)
    books = {}
    part = out / "windows.ndjson.part"
    with part.open("wb") as file:
        for plan in sorted(plans, key=lambda each: each.stream):
            try:
                books[plan.stream] = _read(spark, plan, file)
                if quarantine:
                    rejects = frames.invalid(frames.rows(lines_of(spark, plan), plan), plan)
                    rejects.write.mode("overwrite").text(f"{quarantine}/{plan.stream}")
            except Exception as error:
                said = str(error) if isinstance(error, PySparkException) else root_cause(error)
                if said is None:
                    raise
                first = next((line for line in said.splitlines() if line.strip()), "")
                message = f"stream `{plan.stream}`: Spark cannot read the files: {first[:400]}"
                raise SourceError(message) from None
    part.replace(out / "windows.ndjson")
    return books


def _read(spark: SparkSession, plan: SparkPlan, file: IO[bytes]) -> dict[str, int | None]:
    every, counted = Observation(), Observation()
    judged = frames.rows(lines_of(spark, plan), plan).observe(every, *frames.classes())
    kept = frames.without_repeats(frames.timely(judged, plan), plan)
    windows = frames.gather(kept.observe(counted, sql.expr("count(1)").alias("rows")), plan)
    keys = [sql.expr(f"CAST({name(key)} AS STRING)") for key in plan.keys]
    ordered = windows.orderBy(sql.col("`#start_us`"), *keys)
    file.writelines(_line(plan, row.asDict()) for row in ordered.toLocalIterator(prefetchPartitions=True))
    found, rows = every.get, counted.get["rows"]
    book: dict[str, int | None] = {"read": found["read"], "counted": rows, "late": None}
    book |= {word: found[word] for word in ("future", "invalid")}
    return book | {"duplicate": found["timely"] - rows, "filtered": found["filtered"]}


def lines_of(spark: SparkSession, plan: SparkPlan) -> DataFrame:
    """The lines of the files of a plan, and the file that each stands in."""
    assert isinstance(plan.source, FilesRead)
    # a path is a pattern to Spark
    paths = [re.sub(r"([\\*?\[\]{}])", r"\\\1", path) for path in plan.source.paths]
    source, position = f"_metadata.file_path AS {name(SOURCE)}", f"CAST(NULL AS BIGINT) AS {name(POSITION)}"
    return spark.read.option("lineSep", "\n").text(paths).selectExpr(source, position, f"value AS {name(LINE)}")


def _line(plan: SparkPlan, row: dict[str, Any]) -> bytes:
    """As `replay` writes it."""
    members = {"stream": plan.stream, "window_start": iso(row["#start_us"]), "window_end": iso(row["#end_us"])}
    members |= {word: row[word] for word in (*plan.keys, *(word for word, _ in plan.aggregates))}
    return json.dumps(members | {"revision": 0}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
