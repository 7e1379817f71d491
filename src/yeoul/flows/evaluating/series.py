"""Labelled series read from files: values, which rows are abnormal, and scores that stand in them already."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.measures import label_runs
from yeoul.detect.tables import Table
from yeoul.errors import InputError, SourceError
from yeoul.flows.scoring import TableRequest
from yeoul.lake import TableFile

__all__ = ["LabelledRequest", "Series", "read_series"]

Floats = NDArray[np.float64]
Windows = tuple[tuple[int, int], ...]

_DAY_US = 86_400_000_000.0


@dataclass(frozen=True, slots=True)
class LabelledRequest:
    """Where values and labels of a file stand."""

    table: TableRequest
    """Columns; with a label, or labels come from `windows`."""
    windows: Path | None = None
    """JSON of anomaly windows as NAB has it: name of the file (or key) to pairs of times, first and last row."""
    scores: str = ""
    """Column of scores that are there already, the higher the odder."""
    p: str = ""
    """Column of p that are there already, the lower the odder."""

    @property
    def given(self) -> bool:
        """Whether scores are there already."""
        return bool(self.scores or self.p)


@dataclass(frozen=True, slots=True)
class Series:
    """One series (or one table of vectors without order) and what is known of it."""

    name: str
    """That of its file and its key; of files that are called the same, the path too."""
    table: Table
    """Rows in order of time, with labels."""
    windows: Windows
    """(first row, row after the last) of each anomaly, for NAB's rule."""
    rows_per_day: float
    """0 without times."""
    keys: int
    """Series of the same file, which share its budget."""
    score: Floats | None = None
    """Scores that were there already, NaN where nothing was said; likewise p."""
    p: Floats | None = None

    @property
    def labels(self) -> NDArray[np.bool_]:
        """Which rows are abnormal, shape (n,)."""
        return self.table.labels if self.table.labels is not None else np.zeros(len(self.table), bool)


def read_series(paths: Sequence[Path], request: LabelledRequest) -> list[Series]:
    """Every key of every file, in their order.

    Raises:
        InputError: neither labels nor windows, a file that is named twice, or what `TableRequest.rows` refuses.
        SourceError: a file that cannot be read.
    """
    if not (request.table.label or request.windows):
        message = "got no labels; name their column by --label, or a file of anomaly windows by --nab-windows"
        raise InputError(message)
    if request.windows and not request.table.time:
        message = "got anomaly windows for rows without times; name the column of times by --time"
        raise InputError(message)
    names = [path.name for path in paths]
    called = [str(path) if names.count(path.name) > 1 else path.name for path in paths]
    places = [path.resolve() for path in paths]
    if twice := [path for path, place in zip(paths, places, strict=True) if places.count(place) > 1]:
        message = f"got the file `{twice[0]}` twice; name each once"
        raise InputError(message)
    windows = _read_windows(request.windows) if request.windows else None
    return [
        series for path, name in zip(paths, called, strict=True) for series in _of_file(path, name, request, windows)
    ]


def _of_file(
    path: Path, called: str, request: LabelledRequest, windows: dict[str, list[tuple[int, int]]] | None
) -> list[Series]:
    with TableFile(path) as table:
        rows = _values_known(request, table).rows(table)
        score, p = _given(request, table)
    if not len(rows.values):
        message = f"got `{path}`, which has no rows; give at least one"
        raise InputError(message)
    values = np.where(np.isfinite(rows.values), rows.values, np.nan)
    order = np.arange(len(values)) if rows.at_us is None else np.argsort(rows.at_us, kind="stable")
    keys = np.zeros(len(values), str) if rows.keys is None else rows.keys.astype(str)
    names = np.unique(keys)
    found = []
    for key in names.tolist():
        at = order[keys[order] == key]
        at_us = None if rows.at_us is None else rows.at_us[at]
        labels = None if rows.labels is None else rows.labels[at]
        spans: Windows = () if labels is None else tuple(label_runs(labels))
        if windows is not None and at_us is not None:
            spans = _rows_of(_windows_of(windows, path, key), at_us)
            labels = _marked(len(at), spans) if labels is None else labels
        table_of_key = Table(values[at], rows.columns, at_us, labels)
        name = f"{called} {key}" if rows.keys is not None else called
        given = (None if score is None else score[at], None if p is None else p[at])
        found.append(Series(name, table_of_key, spans, _rows_per_day(at_us), len(names), *given))
    return found


def _values_known(request: LabelledRequest, table: TableFile) -> TableRequest:
    """The columns to judge; scores that are there already are no values."""
    columns = request.table
    if columns.values or not request.given:
        return columns
    answer = {request.scores, request.p, columns.time, columns.by, columns.label}
    values = tuple(name for name in table.numeric() if name not in answer)
    values = values or tuple({name for name in (request.scores, request.p) if name})
    return TableRequest(values, columns.time, columns.by, columns.label, columns.time_layout)


def _given(request: LabelledRequest, table: TableFile) -> tuple[Floats | None, Floats | None]:
    """Scores and p as they stand, NaN where the confidence beside them is 0."""
    if not request.given:
        return None, None
    p = table.numbers(request.p) if request.p else None
    if p is not None and not np.all(np.isnan(p) | ((p >= 0) & (p <= 1))):
        row = int(np.flatnonzero(~(np.isnan(p) | ((p >= 0) & (p <= 1))))[0])
        message = f"got `{p[row]:g}` in row {row + 1} of column `{request.p}`; legal: p from 0 to 1"
        raise InputError(message)
    if request.scores:
        score = table.numbers(request.scores)
    else:
        assert p is not None
        score = -np.log10(np.maximum(p, 1e-300))
    for name, ending in ((request.scores, "score"), (request.p, "p")):
        beside = name.removesuffix(ending) + "confidence"
        if name.endswith(ending) and beside in table.columns:
            silent = table.numbers(beside) == 0
            score = np.where(silent, np.nan, score)
            p = None if p is None else np.where(silent, np.nan, p)
    return score, p


def _read_windows(path: Path) -> dict[str, list[tuple[int, int]]]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        return {name: [(_time_us(begin), _time_us(end)) for begin, end in pairs] for name, pairs in read.items()}
    except OSError as error:
        message = f"got `{path}`, which cannot be read: {error.strerror}; check the path"
        raise SourceError(message) from error
    except (AttributeError, TypeError, ValueError) as error:
        message = f'got `{path}`, which is no file of windows; legal: {{"FILE": [["TIME", "TIME"], …], …}} in JSON'
        raise InputError(message) from error


def _time_us(text: str) -> int:
    at = datetime.fromisoformat(text)
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return round(at.timestamp() * 1e6)


def _windows_of(windows: dict[str, list[tuple[int, int]]], path: Path, key: str) -> list[tuple[int, int]]:
    if key and key in windows:
        return windows[key]
    whole = path.resolve().as_posix()
    for name, pairs in windows.items():
        if f"/{name}" == whole[-len(name) - 1 :]:
            return pairs
    message = f"got no windows for `{key or path}`; name it in the file of windows, with `[]` where nothing is abnormal"
    raise InputError(message)


def _rows_of(pairs: list[tuple[int, int]], at_us: NDArray[np.int64]) -> Windows:
    """Times to rows; of rows at one time the first is meant, as in NAB."""
    found = []
    for begin, end in sorted(pairs):
        first, last = np.searchsorted(at_us, [begin, end]).tolist()
        last += int(last < len(at_us) and at_us[last] == end)
        if last <= first:
            message = f"got a window that no row is in, from {begin} to {end} µs; windows hold a row at least"
            raise InputError(message)
        found.append((first, last))
    return tuple(found)


def _marked(rows: int, spans: Windows) -> NDArray[np.bool_]:
    labels = np.zeros(rows, bool)
    for begin, end in spans:
        labels[begin:end] = True
    return labels


def _rows_per_day(at_us: NDArray[np.int64] | None) -> float:
    """By the median step; 0 without times."""
    steps = np.zeros(0) if at_us is None else np.diff(at_us)
    steps = steps[steps > 0]
    return _DAY_US / float(np.median(steps)) if len(steps) else 0.0
