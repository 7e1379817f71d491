"""Several columns in order of time: windows unlike any before, and steps that nothing foretold, summed."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.tables.contract import Scores, Table, Traits
from yeoul.detect.tables.daily import DailyProfile
from yeoul.detect.tables.nearest import NearestWindows
from yeoul.detect.tables.steps import LinearSteps
from yeoul.detect.tables.surprise import Surprise

__all__ = ["Windows"]

Floats = NDArray[np.float64]

_TAUGHT = 0.7
_LAGS = 6
_TOP_COLUMNS = 5
_BEND = 3.0
_FURTHEST = 100.0
_FLAT = 1e-3
_INSIDE = 0.99


class Windows:
    """Three views of each row, and the sum of how unlikely each is.

    Columns are scaled by their spread and bent, x -> 3 sign(x) log(1 + |x| / 3), so that one wild column does not hide
    the others. Then, over the last `length` rows:

    - `usual`: distance to the nearest windows of deviations from the time of day (`DailyProfile`),
    - `shape`: distance to the nearest windows of the values themselves,
    - `steps`: what a linear forecast missed (`LinearSteps`), root mean square, mean of the 5 worst columns.

    Each becomes -log10 p by the tail of held-out rows; `raw` is their sum. `expected` is the daily profile, the range
    holds 99 % of the deviations from it. Columns carry what they contribute to distances and misses. A missing value is
    taken as expected.

    Args:
        length: rows a window.
        neighbours: how many of the nearest windows count.
        most: at most so many windows are remembered.
        days: the daily profile is the median over so many days.

    >>> at_us = np.arange(288 * 4) * 300_000_000
    >>> load = 10.0 + 5.0 * np.sin(np.arange(288 * 4) * np.pi / 144.0)
    >>> noise = np.random.default_rng(0).normal(size=(288 * 4, 2)) * 0.1
    >>> table = Table(np.stack([load, 2.0 * load], axis=1) + noise, ("requests", "sessions"), at_us)
    >>> table.values[1000:1010, 1] = 20.0
    >>> windows = Windows()
    >>> usual = windows.fit(table.part(0, 288 * 3))
    >>> scores = windows.score(table, 288 * 3)
    >>> 136 <= int(np.argmax(scores.raw)) < 146, table.columns[int(np.argmax(scores.contributions[140]))]
    (True, 'sessions')
    """

    name: ClassVar[str] = "windows"
    traits: ClassVar[Traits] = Traits()

    def __init__(
        self, seed: int = 0, *, length: int = 12, neighbours: int = 5, most: int = 6000, days: int = 28
    ) -> None:
        self._length, self._neighbours, self._most, self._days = length, neighbours, most, days
        self._window = 1
        self._surprise = Surprise(())

    def fit(self, table: Table) -> Floats:
        taught = min(len(table), max(2, round(_TAUGHT * len(table))))
        # the same windows for both, or their distances could not be compared
        self._window = int(np.clip(taught // 8, 1, self._length))
        self._learn(table.part(0, taught))
        views, _ = self._views(table, taught)
        self._surprise = Surprise(tuple(views))
        held_out = self._surprise.of(views)[0]
        self._learn(table)
        return np.where(np.isfinite(table.values[taught:]).any(axis=1), held_out, np.nan)

    def score(self, table: Table, start: int) -> Scores:
        views, columns = self._views(table, start)
        raw, parts = self._surprise.of(views)
        contributions = np.zeros((len(raw), table.values.shape[1]))
        for part, by_column in zip(parts, columns, strict=True):
            total = by_column.sum(axis=1)
            contributions += by_column * (part / np.where(total > 0, total, 1.0))[:, None]
        expected = self._profile.expected(table.values, table.at_us, start)
        raw = np.where(np.isfinite(table.values[start:]).any(axis=1), raw, np.nan)
        return Scores(
            raw,
            expected=expected,
            lower=expected + self._below,
            upper=expected + self._above,
            contributions=contributions,
        )

    def _learn(self, table: Table) -> None:
        """Scales, profile and the three views, from these rows alone."""
        self._profile = DailyProfile(self._days).fit(table.values, table.at_us)
        usual = self._profile.expected(table.values, table.at_us, 0)
        values = np.where(np.isfinite(table.values), table.values, usual)
        flat = np.maximum(_FLAT * np.abs(values).max(axis=0, initial=0.0), 1e-9)
        self._centre = values.mean(axis=0)
        self._scale = np.maximum(values.std(axis=0), flat)
        gap = values - usual
        self._gap_scale = np.maximum(gap.std(axis=0), flat)
        self._below = np.minimum(np.quantile(gap, (1.0 - _INSIDE) / 2.0, axis=0), 0.0)
        self._above = np.maximum(np.quantile(gap, (1.0 + _INSIDE) / 2.0, axis=0), 0.0)
        scaled, apart = self._rows(table, 0)
        self._usual = NearestWindows(self._window, self._neighbours, self._most).fit(apart.astype(np.float32))
        self._shape = NearestWindows(self._window, self._neighbours, self._most).fit(scaled.astype(np.float32))
        self._steps = LinearSteps(_LAGS).fit(scaled)

    def _rows(self, table: Table, first: int) -> tuple[Floats, Floats]:
        """Rows from `first` on, scaled and bent: the values, and their deviations from the time of day."""
        usual = self._profile.expected(table.values, table.at_us, first)
        values = np.where(np.isfinite(table.values[first:]), table.values[first:], usual)
        return _bent((values - self._centre) / self._scale), _bent((values - usual) / self._gap_scale)

    def _views(self, table: Table, start: int) -> tuple[list[Floats], list[Floats]]:
        """The three distances of each row from `start` on, and what each column has of their squares."""
        first = max(0, start - self._window - _LAGS - 1)
        scaled, apart = self._rows(table, first)
        here = start - first
        usual, usual_columns = self._usual.distance(apart.astype(np.float32), here)
        shape, shape_columns = self._shape.distance(scaled.astype(np.float32), here)
        missed = _bent(self._steps.residuals(scaled, 0)) ** 2
        mean = _trailing_mean(missed, self._window)[here:]
        top = min(_TOP_COLUMNS, mean.shape[1])
        worst = np.partition(np.sqrt(mean), mean.shape[1] - top, axis=1)[:, mean.shape[1] - top :]
        return [usual, shape, worst.mean(axis=1)], [usual_columns, shape_columns, mean]


def _bent(values: Floats) -> Floats:
    """Linear near 0, logarithmic beyond about 3, and bounded."""
    bounded = np.clip(values, -_FURTHEST, _FURTHEST)
    return np.asarray(np.sign(bounded) * _BEND * np.log1p(np.abs(bounded) / _BEND))


def _trailing_mean(values: Floats, length: int) -> Floats:
    """Mean of each row and the `length` - 1 before it, of as many as there are."""
    sums = np.cumsum(np.concatenate([np.zeros((1, values.shape[1])), values]), axis=0)
    end = np.arange(1, len(values) + 1)
    begin = np.maximum(end - length, 0)
    return np.asarray(np.maximum((sums[end] - sums[begin]) / (end - begin)[:, None], 0.0))
