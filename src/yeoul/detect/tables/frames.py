"""`detect` on a data frame: pandas, Polars, PyArrow or any other that narwhals knows; the same kind comes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from yeoul.detect.tables.answer import Rows, Told, answer
from yeoul.detect.tables.scoring import ScoringConfig
from yeoul.errors import InputError
from yeoul.plugins import nearest

__all__ = ["detect"]

_TIMES = "dates, ISO 8601, or numbers since 1970"


def detect(
    frame: Any,
    *,
    values: str | Sequence[str],
    time: str | None = None,
    by: str | None = None,
    label: str | None = None,
    config: ScoringConfig | None = None,
    told: Told | None = None,
) -> Any:
    """Say of each row of a data frame how abnormal it is.

    Args:
        frame: a data frame of n rows.
        values: the column of numbers to judge, or several that belong together.
        time: column of times; without it rows have no order.
        by: column of keys, each of them a series of its own.
        label: column that is true, or not 0, where a row is known to be abnormal; only supervised detectors use it.
        config: detector, what it is fitted on, budget of alarms; default: all by themselves.
        told: called with the rows done and the rows there are.

    Returns:
        The frame, its rows in the same order, with the columns of `Answer` behind its own.

    Raises:
        InputError: a column that is missing or is not of numbers or times; no rows.
        ConfigError: a detector that the table is nothing for.

    >>> import pyarrow as pa
    >>> hits = pa.table({"at": list(range(0, 60_000, 60)), "hits": [40 + i % 9 for i in range(999)] + [400]})
    >>> detect(hits, time="at", values="hits", config=ScoringConfig("novelty"))["alarm"][-1].as_py()
    True
    """
    import narwhals as nw  # noqa: PLC0415 - `import yeoul` stays light

    table = nw.from_native(frame, eager_only=True)
    names = (values,) if isinstance(values, str) else tuple(values)
    for name in (*names, time, by, label):
        if name is not None and name not in table.columns:
            legal = ", ".join(f"`{each}`" for each in table.columns)
            message = f"got the column `{name}`; the frame has {legal}{nearest(name, table.columns)}"
            raise InputError(message)
    if not names or len(set(names)) < len(names):
        message = f"got the values `{', '.join(names)}`; name one column at least, and each once"
        raise InputError(message)
    columns = []
    for name in names:
        if not table[name].dtype.is_numeric():
            message = f"got the column `{name}` of {table[name].dtype}; legal: numbers"
            raise InputError(message)
        columns.append(table[name].cast(nw.Float64).to_numpy())
    rows = Rows(
        np.column_stack(columns) if len(table) else np.zeros((0, len(names))),
        names,
        None if time is None else _times_us(table[time], nw),
        None if by is None else np.array(["" if key is None else str(key) for key in table[by].to_list()], object),
        None if label is None else _labels(table[label], nw),
    )
    found = answer(rows, config or ScoringConfig(), told).columns
    if both := sorted(set(found) & set(table.columns)):
        message = f"got a frame that has the column `{both[0]}` already; rename it"
        raise InputError(message)
    space = nw.get_native_namespace(table)
    added = [nw.new_series(name, column.tolist(), backend=space) for name, column in found.items()]
    return table.with_columns(*added).to_native()


def _labels(column: Any, nw: Any) -> Any:
    if not (column.dtype.is_numeric() or column.dtype == nw.Boolean):
        message = f"got the labels `{column.name}` of {column.dtype}; legal: true and false, or numbers (0 is normal)"
        raise InputError(message)
    return np.nan_to_num(column.cast(nw.Float64).to_numpy()) != 0


def _times_us(column: Any, nw: Any) -> Any:
    if column.dtype.is_numeric():
        number = column.to_numpy().astype(np.float64)
        if not np.isfinite(number).all():
            message = f"got the column `{column.name}` with an empty cell; legal: a time in each row"
            raise InputError(message)
        size = np.nanmax(np.abs(number)) if len(number) else 0.0
        unit = 1e6 if size < 1e11 else 1e3 if size < 1e14 else 1.0 if size < 1e17 else 1e-3
        return np.round(number * unit).astype(np.int64)
    if column.null_count():
        message = f"got the column `{column.name}` with an empty cell; legal: a time in each row"
        raise InputError(message)
    try:
        if column.dtype == nw.String:
            column = column.str.to_datetime()
        if getattr(column.dtype, "time_zone", None) is None:
            column = column.cast(nw.Datetime("us"))
        return column.dt.timestamp("us").to_numpy().astype(np.int64)
    except Exception as error:  # each library of frames has errors of its own for what it cannot read as a time
        reason = (str(error).splitlines() or [""])[0].rstrip(".")
        message = f"got the column `{column.name}` of {column.dtype}, which is no time: {reason}; legal: {_TIMES}"
        raise InputError(message) from error
