"""One table scored: what is fitted when, raw scores to p, confidence, and which rows are alarms."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.contract import LARGEST_VALUE
from yeoul.detect.tables.builtin import SCORERS
from yeoul.detect.tables.calibrated import Calibration
from yeoul.detect.tables.contract import Scorer, Scores, Table, Traits
from yeoul.detect.tables.keyed import grid_of
from yeoul.detect.tables.made import made
from yeoul.errors import ConfigError, InputError
from yeoul.plugins import resolve

__all__ = ["MODES", "Scored", "ScoringConfig", "default_scorer", "rank_p", "score_table", "score_together", "too_few"]

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
"""Called with the rows done and the rows there are."""

MODES = ("auto", "batch", "causal")

_HALF_TRUST_ROWS = 80.0
_LEAST_FIT = 20
_GROWTH = 2
_ODD = 1e-4
_MOST_ODD = 0.05
_SEEDS = 2**32


@dataclass(frozen=True, slots=True)
class ScoringConfig:
    """What a person may say of the scoring of a table.

    Raises:
        ConfigError: a value that cannot mean anything; all mistakes at once.
    """

    detector: str = "auto"
    """A name of `SCORERS`, or `auto`: chosen by the shape of the table."""
    fit: float = 0.3
    """What a scorer that needs it is fitted on: a share of the rows (below 1) or a number of rows."""
    mode: str = "auto"
    """`causal`: a row's score uses earlier rows only; `batch`: it looks ahead, fitted on all rows. `auto`: `causal`
    for a series, `batch` for rows without times."""
    alarms_per_day: float = 1.0
    """The budget: false alarms a day over all keys; without times, false alarms in the whole table."""
    seed: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    """Arguments of the scorer's class by name."""

    def __post_init__(self) -> None:
        rules = [
            (
                0 < self.fit < math.inf,
                f"fit: got `{self.fit}`; legal: a share above 0 and below 1, or a number of rows",
            ),
            (self.fit < 1 or self.fit % 1 == 0, f"fit: got `{self.fit}`; legal: a whole number of rows"),
            (self.mode in MODES, f"mode: got `{self.mode}`; legal: {', '.join(MODES)}"),
            (0 < self.alarms_per_day < math.inf, f"alarms_per_day: got `{self.alarms_per_day}`; legal: above 0"),
            (0 <= self.seed < _SEEDS, f"seed: got `{self.seed}`; legal: a whole number from 0 to {_SEEDS - 1}"),
        ]
        if problems := tuple(text for holds, text in rules if not holds):
            raise ConfigError("; ".join(problems), problems)

    def fit_rows(self, rows: int) -> int:
        """How many rows of a table of so many are fitted on."""
        return round(self.fit * rows) if self.fit < 1 else int(self.fit)

    def looks_ahead(self, table: Table) -> bool:
        """Whether a row's score may use later rows."""
        return self.mode == "batch" or (self.mode == "auto" and table.at_us is None)


@dataclass(frozen=True, slots=True)
class Scored:
    """What is said of the n rows of a table."""

    p: Floats
    """Shape (n,), in (0, 1]; 1 where nothing is said: rows that were fitted on, missing values."""
    confidence: Floats
    """Shape (n,), in [0, 1], apart from p: 0 where nothing is said, low while the history is short or has gaps."""
    expected: Floats
    """Shape (n, d); NaN where the scorer has no notion of it. Likewise the range of 99 % of normal values."""
    lower: Floats
    upper: Floats
    shares: Floats
    """Shape (n, d): the share of the oddness that each column carries; rows add up to 1, or are NaN."""
    ranked: Floats | None = None
    """Shape (n,): the raw scores, where p is the rank of a row among all; None: p is a tail probability."""

    @property
    def score(self) -> Floats:
        """min(1, -log10 p / 6), shape (n,)."""
        return np.minimum(1.0, -np.log10(self.p) / 6.0) + 0.0


def default_scorer(table: Table) -> str:
    """The scorer that `auto` means for a table of this shape."""
    if table.at_us is None:
        return "ensemble"
    return "univariate" if table.values.shape[1] == 1 else "windows"


def score_table(
    table: Table, config: ScoringConfig, progress: Progress | None = None, *, keyed: bool = False
) -> Scored:
    """Score one series, or one table of vectors without order.

    A scorer that is fitted gets the first `fit` rows, and is fitted again on all rows so far whenever these are twice
    as many: a row is always scored by what rows before it taught. In batch mode it is fitted on all rows once. `keyed`
    says that it is one of many series.

    Raises:
        ConfigError: no such scorer, or one that this table is nothing for.
        InputError: too few rows to fit on.
    """
    name = default_scorer(table) if config.detector == "auto" else config.detector
    kind: Any = resolve("yeoul.scorers", SCORERS, name)
    traits: Traits = kind.traits
    _refuse(name, traits, table)
    if problem := too_few(table, config, keyed=keyed):
        raise InputError(problem)
    table = _bounded(table)
    scorer: Scorer = made(kind, name, config.seed, config.options)
    rows, width = table.values.shape
    result = _Result(rows, width)
    told = progress or _silent
    if hasattr(scorer, "progress"):
        scorer.progress = told
    if not traits.fitted:
        calibration = Calibration(scorer.fit(table.part(0, 0)))
        result.take(0, rows, scorer.score(table, 0), calibration, 0)
        told(rows, rows)
        return result.done()
    if config.looks_ahead(table):
        held_out = scorer.fit(table)
        calibrated = Calibration(held_out) if table.at_us is not None else None
        result.take(0, rows, scorer.score(table, 0), calibrated, rows)
        told(rows, rows)
        return result.done()
    begin = config.fit_rows(rows)
    told(begin, rows)
    while begin < rows:
        end = min(rows, _GROWTH * begin)
        calibration = Calibration(scorer.fit(table.part(0, begin) if traits.supervised else result.usual(table, begin)))
        result.take(begin, end, scorer.score(table.part(0, end), begin), calibration, begin)
        told(end, rows)
        begin = end
    return result.done()


def too_few(table: Table, config: ScoringConfig, *, keyed: bool = False) -> str:
    """Why these rows are too few for the detector to be fitted on; empty where they are enough.

    Args:
        table: the rows of one series.
        config: as for `score_table`.
        keyed: whether it is one of many. In batch mode fewer than 20 rows of one key are left out; of a whole table
            they are judged, with a confidence too low for an alarm.
    """
    name = default_scorer(table) if config.detector == "auto" else config.detector
    kind: Any = resolve("yeoul.scorers", SCORERS, name)
    rows = len(table)
    if not kind.traits.fitted:
        return ""
    if config.looks_ahead(table):
        return (
            f"got `{rows}` rows; `{name}` needs at least {_LEAST_FIT} of a key" if keyed and rows < _LEAST_FIT else ""
        )
    begin = config.fit_rows(rows)
    if begin < min(_LEAST_FIT, rows):
        return f"got `{begin}` rows to fit on; `{name}` needs at least {_LEAST_FIT}: give more rows, or a larger --fit"
    if begin >= rows:
        return f"got `{begin}` rows to fit on, of {rows} that there are: none is left to judge; give a smaller --fit"
    known = int(np.isfinite(table.values[:begin]).any(axis=1).sum())
    if known < _LEAST_FIT:
        of = f"got `{known}` rows with a value among the {begin} to fit on; `{name}` needs at least {_LEAST_FIT}"
        return f"{of}: leave out the empty ones, or give a larger --fit"
    return ""


def score_together(
    table: Table, key: NDArray[np.intp], config: ScoringConfig, progress: Progress | None = None
) -> Scored | None:
    """Score the rows of many keys, in any order, tick by tick at once, as the live tier does.

    Args:
        table: the rows of all keys.
        key: number of each row's key, shape (n,).
        config: as for one series.
        progress: as for one series.

    Returns:
        None where the detector judges one series at a time, or the rows of the keys hardly ever share a time.

    Raises:
        ConfigError: no such scorer, or one that this table is nothing for.
    """
    name = default_scorer(table) if config.detector == "auto" else config.detector
    kind: Any = resolve("yeoul.scorers", SCORERS, name)
    if table.at_us is None or not hasattr(kind, "together"):
        return None
    _refuse(name, kind.traits, table)
    table = _bounded(table)
    assert table.at_us is not None
    if (grid := grid_of(table.at_us, key)) is None:
        return None
    scorer: Any = made(kind, name, config.seed, config.options)
    scorer.progress = progress
    result = _Result(*table.values.shape)
    result.take(0, len(table), grid.judged(scorer, table.values[:, 0]), None, 0)
    return result.done()


def _bounded(table: Table) -> Table:
    """What is beyond 1e37 is judged as 1e37, as in the live tier: its square is still a number."""
    values = table.values
    if not (np.abs(values) > LARGEST_VALUE).any():
        return table
    return replace(table, values=np.where(np.isinf(values), np.nan, np.clip(values, -LARGEST_VALUE, LARGEST_VALUE)))


def _silent(done: int, rows: int) -> None:
    """Nobody is told."""


def _refuse(name: str, traits: Traits, table: Table) -> None:
    columns = table.values.shape[1]
    if traits.ordered and table.at_us is None:
        message = f"got the detector `{name}` for rows without times; name their column by --time, or use `ensemble`"
        raise ConfigError(message)
    if traits.most_columns is not None and columns > traits.most_columns:
        message = f"got `{columns}` columns; `{name}` takes {traits.most_columns}: use `windows`, or fewer columns"
        raise ConfigError(message)
    if traits.supervised and table.labels is None:
        message = f"got no labels; `{name}` learns from them: name their column by --label"
        raise ConfigError(message)


class _Result:
    """The columns of the answer, filled part by part."""

    def __init__(self, rows: int, width: int) -> None:
        self._p, self._confidence = np.ones(rows), np.zeros(rows)
        self._bands = np.full((3, rows, width), np.nan)
        self._shares = np.full((rows, width), np.nan)
        self._ranked: Floats | None = None

    def take(self, start: int, end: int, scores: Scores, calibration: Calibration | None, history: int) -> None:
        """What a scorer said of rows `start` to `end`; without calibration a row is compared with all rows."""
        part = slice(start, end)
        known = np.isfinite(scores.raw)
        if scores.p is not None:
            p = np.where(known, scores.p, 1.0)
        elif calibration is not None:
            p = calibration.p(scores.raw)
        else:
            p, self._ranked = rank_p(scores.raw), scores.raw
        self._p[part] = p
        if scores.confidence is not None:
            confidence = scores.confidence
        else:
            rows = np.maximum(np.arange(start, end), history).astype(np.float64)
            confidence = rows / (rows + _HALF_TRUST_ROWS)
        self._confidence[part] = np.where(known, confidence, 0.0)
        for band, column in zip(self._bands, (scores.expected, scores.lower, scores.upper), strict=True):
            if column is not None:
                band[part] = column
        if scores.contributions is not None:
            total = scores.contributions.sum(axis=1, keepdims=True)
            with np.errstate(invalid="ignore", divide="ignore"):
                self._shares[part] = np.where(total > 0, scores.contributions / total, np.nan)
        elif self._shares.shape[1] == 1:
            self._shares[part] = 1.0

    def usual(self, table: Table, end: int) -> Table:
        """The rows before `end` with those that were odd taken as missing, so that a fault does not teach.

        When more than 5 % were odd, it is what is usual now that has changed, and nothing is left out.
        """
        odd = self._p[:end] <= _ODD
        part = table.part(0, end)
        if not odd.any() or odd.mean() > _MOST_ODD:
            return part
        values = np.where(odd[:, None], np.nan, part.values)
        return replace(part, values=values)

    def done(self) -> Scored:
        expected, lower, upper = self._bands
        return Scored(self._p, self._confidence, expected, lower, upper, self._shares, self._ranked)


def rank_p(raw: Floats) -> Floats:
    """Share of the rows that are at least as odd, the row itself included (a conformal p); NaN gives 1."""
    known = np.flatnonzero(np.isfinite(raw))
    p = np.ones(len(raw))
    ordered = np.sort(raw[known])
    p[known] = (len(known) - np.searchsorted(ordered, raw[known], side="left")) / (len(known) + 1.0)
    return p
