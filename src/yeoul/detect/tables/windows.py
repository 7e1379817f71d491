"""Several columns in order of time: windows unlike any before, and steps that nothing foretold, summed."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.tables.alone import Alone
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
_ODD = 4.0
"""-log10 p from which on a row is odd by itself, as where rows are left out of what is learnt..."""
_ORDINARY = 2.0
"""...and below which it is ordinary, as where all of a value is learnt."""


class Windows:
    """Three views of each row, and the sum of how unlikely each is.

    Columns are scaled by their spread and bent, x -> 3 sign(x) log(1 + |x| / 3), so that one wild column does not hide
    the others. Then, over the last `length` rows:

    - `usual`: distance to the nearest windows of deviations from the time of day (`DailyProfile`),
    - `shape`: distance to the nearest windows of the values themselves,
    - `steps`: what a linear forecast missed (`LinearSteps`), root mean square, mean of the 5 worst columns.

    Each becomes -log10 p by the tail of held-out rows; `raw` is their sum. An incident ends with its last odd row, not
    when the window has forgotten it: where the newest row is ordinary by itself (`Alone`: p above 0.01) and the window,
    or what its forecasts look back on, holds one that was odd by itself (p of at most 0.0001), `raw` is held at what
    one held-out row in a hundred exceeds.

    `expected` is the daily profile, the range holds 99 % of the deviations from it. Columns carry what they contribute
    to distances and misses. A missing value is taken as expected.

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
        self._alone = Alone(neighbours, most)
        self._most_ordinary = np.inf

    def fit(self, table: Table) -> Floats:
        taught = min(len(table), max(2, round(_TAUGHT * len(table))))
        # the same windows for both, or their distances could not be compared
        self._window = int(np.clip(taught // 8, 1, self._length))
        self._learn(table.part(0, taught))
        rows, here = self._rows(table, taught)
        self._alone.hold_out([view[here:].astype(np.float32) for view in rows])
        views, _ = self._views(*rows, here)
        self._surprise = Surprise(tuple(views))
        held_out = self._surprise.of(views)[0]
        self._most_ordinary = float(np.quantile(held_out, 1.0 - 10.0**-_ORDINARY)) if len(held_out) else np.inf
        held_out = self._ended(held_out, rows, here)
        self._learn(table)
        return np.where(np.isfinite(table.values[taught:]).any(axis=1), held_out, np.nan)

    def score(self, table: Table, start: int) -> Scores:
        rows, here = self._rows(table, start)
        views, columns = self._views(*rows, here)
        raw, parts = self._surprise.of(views)
        raw = self._ended(raw, rows, here)
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
        (scaled, apart), _ = self._rows(table, 0)
        self._usual = NearestWindows(self._window, self._neighbours, self._most).fit(apart.astype(np.float32))
        self._shape = NearestWindows(self._window, self._neighbours, self._most).fit(scaled.astype(np.float32))
        self._steps = LinearSteps(_LAGS).fit(scaled)
        self._alone.learn([scaled.astype(np.float32), apart.astype(np.float32)])

    def _rows(self, table: Table, start: int) -> tuple[tuple[Floats, Floats], int]:
        """Rows scaled and bent: the values, and their deviations from the time of day; where in them `start` is.

        They begin as long before `start` as its window and the forecasts within it look back.
        """
        first = max(0, start - self._window - _LAGS - 1)
        usual = self._profile.expected(table.values, table.at_us, first)
        values = np.where(np.isfinite(table.values[first:]), table.values[first:], usual)
        scaled, apart = (values - self._centre) / self._scale, (values - usual) / self._gap_scale
        return (_bent(scaled), _bent(apart)), start - first

    def _views(self, scaled: Floats, apart: Floats, here: int) -> tuple[list[Floats], list[Floats]]:
        """The three distances of each row from `here` on, and what each column has of their squares."""
        usual, usual_columns = self._usual.distance(apart.astype(np.float32), here)
        shape, shape_columns = self._shape.distance(scaled.astype(np.float32), here)
        missed = _bent(self._steps.residuals(scaled, 0)) ** 2
        mean = _trailing_mean(missed, self._window)[here:]
        top = min(_TOP_COLUMNS, mean.shape[1])
        worst = np.partition(np.sqrt(mean), mean.shape[1] - top, axis=1)[:, mean.shape[1] - top :]
        return [usual, shape, worst.mean(axis=1)], [usual_columns, shape_columns, mean]

    def _ended(self, raw: Floats, rows: tuple[Floats, Floats], here: int) -> Floats:
        """The sums of the rows from `here` on, held low where what was odd is over and only the window knows of it."""
        high = np.flatnonzero(raw > self._most_ordinary)
        # the forecasts of the window's first rows look back further
        window = np.maximum(here + high[:, None] - np.arange(self._window + _LAGS)[None, :], 0)
        asked, place = np.unique(window, return_inverse=True)
        alone = self._alone.surprise([view[asked].astype(np.float32) for view in rows])[place.reshape(window.shape)]
        over = (alone[:, 0] < _ORDINARY) & (alone >= _ODD).any(axis=1)
        ended = raw.copy()
        ended[high[over]] = self._most_ordinary
        return ended


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
