"""The columns that are put beside a table's own: score, p, expected range, alarm, confidence and why, key by key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.tables.contract import Table
from yeoul.detect.tables.pace import FIRST_STEPS, step_us
from yeoul.detect.tables.scoring import Scored, ScoringConfig, rank_p, score_table, score_together
from yeoul.detect.tables.why import why
from yeoul.errors import InputError

__all__ = ["LARGEST_THRESHOLD", "Answer", "Rows", "Told", "answer"]

Floats = NDArray[np.float64]
Told = Callable[[int, int], None]

_DAY_US = 86_400_000_000.0
_LEAST_CONFIDENCE = 0.2
"""Rows with less history are judged but not alarmed, as in the live tier."""
LARGEST_THRESHOLD = 0.01
"""What happens more often is not odd, however large the budget; as in the live tier."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a table as they came: of several keys, in any order."""

    values: Floats
    """Shape (n, d); NaN and infinities count as missing."""
    columns: tuple[str, ...]
    at_us: NDArray[np.int64] | None = None
    keys: NDArray[np.object_] | None = None
    """The key of each row, shape (n,); None: all are of one series."""
    labels: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of the rows, in their order."""

    columns: dict[str, NDArray[Any]]
    """By name, each of shape (n,): `score`, `p`, `expected`, `lower`, `upper`, `alarm`, `confidence`, `why`; with
    several values also `leading` (the column that the range belongs to) and `share_COLUMN` for each of them."""
    threshold: float
    """P at or below which a row is an alarm: by the budget; with times at most 0.01."""
    ticks_per_day: float
    """Rows of one key in a day, by the first ones; without times 0."""
    keys: int
    short: tuple[str, ...] = ()
    """Keys with too few rows to be judged."""


def answer(rows: Rows, config: ScoringConfig, told: Told | None = None) -> Answer:
    """Score every key's rows in order of time; rows of equal time keep their order.

    Raises:
        ConfigError: a detector that these rows are nothing for.
        InputError: no rows or no columns, or too few rows to fit on.
    """
    count, width = rows.values.shape
    if not count:
        message = "got a table without rows; give at least one"
        raise InputError(message)
    if not width:
        message = "got no column of values to judge; name one at least"
        raise InputError(message)
    values = np.where(np.isfinite(rows.values), rows.values, np.nan)
    groups = _groups(rows)
    p, confidence, shown = np.ones(count), np.zeros(count), np.full((4, count), np.nan)
    leading, shares = np.zeros(count, np.intp), np.full((count, width), np.nan)
    raw, ranked = np.full(count, np.nan), False
    short: list[str] = []
    for at, scored in _judged(replace(rows, values=values), groups, config, told, short):
        p[at], confidence[at], shares[at] = scored.p, scored.confidence, scored.shares
        leading[at] = lead = _leading(scored)
        bands = (scored.expected, scored.lower, scored.upper, values[at])
        for column, band in zip(shown, bands, strict=True):
            column[at] = band[np.arange(len(at)), lead]
        if scored.ranked is not None:
            raw[at], ranked = scored.ranked, True
    if ranked:
        # a row is one of all keys' rows: among those of its own key alone none could be as rare as the budget asks
        p = rank_p(raw)
    per_day = _ticks_per_day(rows, groups, config)
    threshold = config.alarms_per_day / (per_day * len(groups) if per_day else count)
    if rows.at_us is not None:
        threshold = min(threshold, LARGEST_THRESHOLD)
    alarm = (p <= threshold) & (confidence >= _LEAST_CONFIDENCE)
    expected, lower, upper, observed = shown
    columns: dict[str, NDArray[Any]] = {
        "score": np.minimum(1.0, -np.log10(p) / 6.0) + 0.0,
        "p": p,
        "expected": expected,
        "lower": lower,
        "upper": upper,
        "alarm": alarm,
        "confidence": confidence,
        "why": why(rows.columns, observed, expected, lower, upper, alarm | (p <= 0.01), leading, shares),
    }
    if width > 1:
        names = np.array(rows.columns, np.object_)
        columns["leading"] = np.where(np.isnan(shares).all(axis=1), "", names[leading])
        columns |= {f"share_{name}": shares[:, number] for number, name in enumerate(rows.columns)}
    return Answer(columns, threshold, per_day, len(groups), tuple(short))


def _judged(
    rows: Rows, groups: Sequence[NDArray[np.intp]], config: ScoringConfig, told: Told | None, short: list[str]
) -> Iterator[tuple[NDArray[np.intp], Scored]]:
    """What is said of all rows together where the detector can, otherwise of each key's by themselves.

    Keys of which there are too few rows are named in `short`, and nothing is said of them.
    """
    count = len(rows.values)
    if rows.keys is not None and len(groups) > 1:
        key = np.empty(count, np.intp)
        for number, at in enumerate(groups):
            key[at] = number
        everything = np.arange(count)
        together = score_together(_table(rows, everything), key, config, told)
        if together is not None:
            yield everything, together
            return
    done = 0
    for at in groups:
        progress = None if told is None else _part_of(told, done, len(at), count)
        table = _table(rows, at)
        try:
            scored = score_table(table, config, progress, keyed=len(groups) > 1)
        except InputError as error:
            if rows.keys is None or len(groups) == 1:
                raise
            short.append(str(rows.keys[at[0]]))
            if len(short) == len(groups):
                message = f"got `{len(groups)}` keys, none of which can be judged: {error}"
                raise InputError(message) from error
        else:
            yield at, scored
        done += len(at)


def _table(rows: Rows, at: NDArray[np.intp]) -> Table:
    return Table(
        rows.values[at],
        rows.columns,
        None if rows.at_us is None else rows.at_us[at],
        None if rows.labels is None else rows.labels[at],
    )


def _groups(rows: Rows) -> Sequence[NDArray[np.intp]]:
    """For each key the places of its rows, in order of time."""
    count = len(rows.values)
    order = np.arange(count) if rows.at_us is None else np.argsort(rows.at_us, kind="stable")
    if rows.keys is None:
        return [order]
    _, code = np.unique(rows.keys.astype(str), return_inverse=True)
    by_key = order[np.argsort(code[order], kind="stable")]
    return np.split(by_key, np.flatnonzero(np.diff(code[by_key])) + 1)


def _leading(scored: Scored) -> NDArray[np.intp]:
    """The column that carries most of each row's oddness."""
    return np.asarray(np.argmax(np.nan_to_num(scored.shares, nan=-1.0), axis=1), np.intp)


def _ticks_per_day(rows: Rows, groups: Sequence[NDArray[np.intp]], config: ScoringConfig) -> float:
    """By the median distance of the first rows of each key, or of all where it looks ahead; 0 without times."""
    if rows.at_us is None:
        return 0.0
    step = step_us([rows.at_us[at] for at in groups], None if config.mode == "batch" else FIRST_STEPS)
    return _DAY_US / step if step else 0.0


def _part_of(told: Told, before: int, rows: int, count: int) -> Told:
    """Progress of one key as progress of all."""

    def tell(done: int, total: int) -> None:
        told(before + round(rows * done / max(total, 1)), count)

    return tell
