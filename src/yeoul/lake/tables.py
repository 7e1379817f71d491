"""A table in a CSV, NDJSON or Parquet file: its columns as arrays, its rows written with more columns."""

from __future__ import annotations

import contextlib
import glob
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from yeoul.errors import InputError, SourceError
from yeoul.lake.duck import duck_error, open_duck
from yeoul.lake.misread import begins_with_object, encoding_of, ragged_line
from yeoul.plugins import nearest

__all__ = ["FORMATS", "WRITERS", "TableFile", "format_of"]

FORMATS = {".csv": "csv", ".ndjson": "json", ".jsonl": "json", ".json": "json", ".parquet": "parquet"}
"""Ending of a file's name to its format; `.json` holds one object a line too; all but Parquet may be gzipped."""

_READERS = {
    "csv": "read_csv(?, header = true, all_varchar = {text}, sample_size = -1, hive_partitioning = false)",
    "json": "read_json(?, format = 'newline_delimited', sample_size = -1, hive_partitioning = false)",
    "parquet": "read_parquet(?, hive_partitioning = false)",
}
WRITERS = {"csv": "FORMAT csv, HEADER", "json": "FORMAT json", "parquet": "FORMAT parquet, COMPRESSION zstd"}
"""Format to what DuckDB calls it when it writes."""
# times from this size on are milliseconds, microseconds, nanoseconds; smaller ones are seconds (until the year 5138)
_MS, _US, _NS = 1e11, 1e14, 1e17


def format_of(path: Path) -> str:
    """The format that a file's name says.

    Raises:
        InputError: an ending that is none of `FORMATS`.

    >>> format_of(Path("counters.csv.gz")), format_of(Path("scores.parquet"))
    ('csv', 'parquet')
    """
    ending = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    found = FORMATS.get(ending.lower())
    if found is None or (found == "parquet" and path.suffix == ".gz"):
        message = f"got the file name `{path.name}`; legal endings: {', '.join(FORMATS)} (CSV and NDJSON also with .gz)"
        raise InputError(message)
    return found


class TableFile:
    """One file, read whole into memory; rows keep their order.

    Cells of a CSV file keep their text, so that what is written to CSV again is what was read.

    Raises:
        InputError: a name without a known ending.
        SourceError: the file is missing, or not a table of that format.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._format = format_of(path)
        if path.is_dir():
            message = f"got `{path}`, which is a folder; name a file"
            raise SourceError(message)
        if not path.is_file():
            message = f"got `{path}`: no such file; check the path"
            raise SourceError(message)
        self._engine = open_duck(threads=2)
        try:
            reader = _READERS[self._format].format(text="true")
            source = f"SELECT *, row_number() OVER () AS __row FROM {reader}"
            self._engine.execute(f"CREATE TABLE input AS {source}", [glob.escape(str(path))])
        except duck_error() as error:
            self._engine.close()
            raise SourceError(self._misread(_reason(error))) from error
        described = self._engine.execute("DESCRIBE input").fetchall()
        self.columns = tuple(str(row[0]) for row in described if row[0] != "__row")
        """Names of its columns, in their order."""
        self._types = {str(row[0]): str(row[1]) for row in described}
        self.rows = int(self._one("SELECT count(*) FROM input")[0])
        if problem := self._no_table():
            self._engine.close()
            raise SourceError(problem)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the memory."""
        self._engine.close()

    def numeric(self) -> tuple[str, ...]:
        """Names of the columns all of whose filled cells are numbers, with at least one of them."""
        found = []
        for name in self.columns:
            quoted, kind = _quoted(name), self._types[name]
            if kind.startswith(("TIMESTAMP", "DATE", "TIME")):
                continue
            test = f"count(*) FILTER (TRY_CAST({quoted} AS DOUBLE) IS NULL AND {_filled(quoted)}), count({quoted})"
            with contextlib.suppress(duck_error()):
                bad, filled = self._one(f"SELECT {test} FROM input")
                if filled and not bad:
                    found.append(name)
        return tuple(found)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column as numbers, shape (rows,); an empty cell is NaN.

        Raises:
            InputError: no such column, or a cell that is no number (the first one is named).
        """
        quoted = self._known(name)
        self._refuse(name, f"TRY_CAST({quoted} AS DOUBLE) IS NULL AND {_filled(quoted)}", "a number, or nothing")
        cell = f"TRY_CAST({quoted} AS DOUBLE)"
        found = self._column(f"coalesce({cell}, 'NaN'::DOUBLE)")
        return np.asarray(found, np.float64)

    def texts(self, name: str) -> NDArray[np.object_]:
        """A column as texts, shape (rows,); an empty cell is the empty text.

        Raises:
            InputError: no such column.
        """
        return np.asarray(self._column(f"coalesce(CAST({self._known(name)} AS VARCHAR), '')"), np.object_)

    def times_us(self, name: str, layout: str = "") -> NDArray[np.int64]:
        """A column as times, UTC microseconds, shape (rows,).

        Numbers are seconds, ms, µs or ns since 1970 by their size; texts are ISO 8601, without a zone UTC, or of the
        `layout` given (`%Y%m%d_%H%M`, as strptime has it).

        Raises:
            InputError: no such column, or a cell that is no time (the first one is named).
        """
        quoted = self._known(name)
        if layout:
            time = f"TRY_STRPTIME(CAST({quoted} AS VARCHAR), '{_text(layout)}')"
            legal = f"a time like `{layout}`"
        elif self._types[name].startswith(("TIMESTAMP", "DATE")):
            time, legal = f"CAST({quoted} AS TIMESTAMP)", "a time"
        else:
            number = f"TRY_CAST({quoted} AS DOUBLE)"
            steps = f"WHEN {number} < {_MS} THEN 1e6 WHEN {number} < {_US} THEN 1e3 WHEN {number} < {_NS} THEN 1"
            unit = f"CASE {steps} ELSE 1e-3 END"
            iso = f"TRY_CAST(TRY_CAST(CAST({quoted} AS VARCHAR) AS TIMESTAMPTZ) AS TIMESTAMP)"
            time = (
                f"CASE WHEN {number} IS NULL THEN {iso} "
                f"WHEN isfinite({number}) THEN make_timestamp(CAST(round({number} * ({unit})) AS BIGINT)) END"
            )
            legal = "ISO 8601, or seconds, ms, µs or ns since 1970; name another layout by --time-format"
        self._refuse(name, f"({time}) IS NULL", legal)
        return np.asarray(self._column(f"epoch_us({time})"), np.int64)

    def write(self, out: Path, added: Mapping[str, NDArray[Any]]) -> None:
        """Write the rows, in their order, with more columns behind their own; the format is that of the name.

        Raises:
            InputError: a name without a known ending, or a column that the file has already.
        """
        kind = format_of(out)
        if both := sorted(set(added) & set(self.columns)):
            message = f"got a file that has the column `{both[0]}` already; name the new ones apart by --prefix"
            raise InputError(message)
        beside = out.with_name(f".{out.name}.tmp")
        rows = {"__row": np.arange(1, self.rows + 1), **{f"c{i}": column for i, column in enumerate(added.values())}}
        names = ", ".join(f"added.c{i} AS {_quoted(name)}" for i, name in enumerate(added))
        self._engine.register("added", rows)
        packed = ", COMPRESSION gzip" if out.suffix == ".gz" else ""
        try:
            self._engine.execute(
                f"COPY (SELECT {self._own(kind)}, {names} FROM input JOIN added USING (__row) ORDER BY __row) "
                f"TO '{_text(str(beside))}' ({WRITERS[kind]}{packed})"
            )
            beside.replace(out)
        except duck_error() as error:
            message = f"got `{out}`, which cannot be written: {_reason(error)}; choose another place"
            raise SourceError(message) from error
        finally:
            self._engine.unregister("added")
            beside.unlink(missing_ok=True)

    def _misread(self, reason: str) -> str:
        """What is wrong with a file that cannot be read."""
        if self._format != "parquet" and (encoding := encoding_of(self.path)):
            packed = " (unpacked)" if self.path.suffix == ".gz" else ""
            ask = f"convert it{packed}, such as by `iconv -f {encoding} -t UTF-8`"
            return f"got `{self.path}`, which is not in UTF-8 but most likely in {encoding}; {ask}"
        if self._format == "csv" and (ragged := ragged_line(self.path)):
            return f"got `{self.path}`, of which {ragged}; mend the row"
        return f"got `{self.path}`, which is no {self._format.upper()} table: {reason}; mend the file"

    def _no_table(self) -> str:
        """What is wrong with a file that was read as what it is not; empty: nothing."""
        if self._format != "parquet" and not self.rows and not self.path.read_bytes().strip():
            legal = "a line of names, then rows" if self._format == "csv" else "one object a line"
            return f"got `{self.path}`, which is empty; legal: {legal}"
        if self._format == "json" and self.columns == ("json",) and not begins_with_object(self.path):
            ask = "write one object a line, such as by `jq -c '.[]'`"
            return f"got `{self.path}`, which holds no objects line by line, but an array or other values; {ask}"
        if self._format == "csv" and len(self.columns) == 1 and (ragged := ragged_line(self.path)):
            return f"got `{self.path}`, of which {ragged}; mend the row"
        return ""

    def _own(self, kind: str) -> str:
        """Its own columns: typed where a CSV file's rows go to a format that has types."""
        if self._format != "csv" or kind == "csv":
            return ", ".join(f"input.{_quoted(name)}" for name in self.columns)
        types = {}
        for name in self.numeric():
            quoted = _quoted(name)
            # a number with a zero before it is a name
            named = f"count(*) FILTER (regexp_matches(trim({quoted}), '^[+-]?0[0-9]'))"
            fraction = f"count(*) FILTER (TRY_CAST({quoted} AS BIGINT) IS NULL AND {_filled(quoted)})"
            exact = f"count(*) FILTER (CAST(TRY_CAST({quoted} AS BIGINT) AS VARCHAR) <> trim({quoted}))"
            names, not_whole = self._one(f"SELECT {named}, {fraction} + {exact} FROM input")
            if not names:
                types[name] = "DOUBLE" if not_whole else "BIGINT"
        return ", ".join(
            f"TRY_CAST(input.{_quoted(name)} AS {types[name]}) AS {_quoted(name)}"
            if name in types
            else f"input.{_quoted(name)}"
            for name in self.columns
        )

    def _one(self, statement: str) -> Any:
        """The first row of an answer; None: it has none."""
        rows = self._engine.execute(statement).fetchall()
        return rows[0] if rows else None

    def _column(self, expression: str) -> Any:
        found = self._engine.execute(f"SELECT {expression} AS x FROM input ORDER BY __row").fetchnumpy()["x"]
        return found.filled() if isinstance(found, np.ma.MaskedArray) else found

    def _known(self, name: str) -> str:
        if name not in self.columns:
            legal = ", ".join(f"`{each}`" for each in self.columns)
            message = f"got the column `{name}`; `{self.path.name}` has {legal}{nearest(name, self.columns)}"
            raise InputError(message)
        return _quoted(name)

    def _refuse(self, name: str, condition: str, legal: str) -> None:
        """Name the first cell of a column that is not legal."""
        statement = (
            f"SELECT __row, CAST({_quoted(name)} AS VARCHAR) FROM input WHERE {condition} ORDER BY __row LIMIT 1"
        )
        if found := self._one(statement):
            row, cell = found
            message = f"got `{'' if cell is None else cell}` in row {row} of column `{name}`; legal: {legal}"
            raise InputError(message)


def _filled(quoted: str) -> str:
    return f"{quoted} IS NOT NULL AND trim(CAST({quoted} AS VARCHAR)) <> ''"


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _text(value: str) -> str:
    return value.replace("'", "''")


def _reason(error: Exception) -> str:
    """The first line of what the reader says, and its line of the file where it tells one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".;") if lines else type(error).__name__
