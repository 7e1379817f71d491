"""How badly the next row is foretold by those before it: a linear forecast of all columns from all columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.tables.nearest import windows_of

__all__ = ["LinearSteps"]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

_BLOCK = 4096
_MOST_INPUTS = 1500
_RIDGE = 1e-3
_LEAST_SPREAD = 1e-2


class LinearSteps:
    """Residuals of a vector autoregression of order `lags`, fitted by ridge regression, in their usual spread.

    Hoerl and Kennard, "Ridge regression" (1970); the order is lowered until lags x d is at most 1,500.

    >>> rows = np.sin(np.arange(400) / 5.0)[:, None]
    >>> steps = LinearSteps(lags=6).fit(rows[:300])
    >>> rows[350] += 1.0
    >>> bool(abs(steps.residuals(rows, 350)[0, 0]) > 50 * np.abs(steps.residuals(rows[:350], 300)).max())
    True
    """

    def __init__(self, lags: int) -> None:
        self._most_lags = self._lags = lags
        self._weights: Floats = np.zeros((0, 0))
        self._spread: Floats = np.zeros(0)

    def fit(self, rows: Floats) -> LinearSteps:
        """Learn the forecast from rows of shape (n, d), about standardised, none missing."""
        count, width = rows.shape
        self._lags = int(np.clip(min(_MOST_INPUTS // width, count // 4), 1, self._most_lags))
        size = self._lags * width + 1
        inner, outer = np.zeros((size, size)), np.zeros((size, width))
        for begin in range(1, count, _BLOCK):
            inputs = self._inputs(rows, begin, min(count, begin + _BLOCK))
            inner += inputs.T @ inputs
            outer += inputs.T @ rows[begin : begin + len(inputs)]
        inner[np.diag_indices_from(inner)] += _RIDGE * count + 1.0
        self._weights = np.linalg.solve(inner, outer)
        self._spread = np.ones(width)
        self._spread = np.maximum(self.residuals(rows, 0).std(axis=0), _LEAST_SPREAD)
        return self

    def residuals(self, rows: Floats, start: int) -> Floats:
        """What came less what was foretold, of row `start` and later, in spreads; shape (n - start, d)."""
        gaps = np.zeros((len(rows) - start, rows.shape[1]))
        for begin in range(max(start, 1), len(rows), _BLOCK):
            inputs = self._inputs(rows, begin, min(len(rows), begin + _BLOCK))
            part = slice(begin - start, begin - start + len(inputs))
            gaps[part] = (rows[begin : begin + len(inputs)] - inputs @ self._weights) / self._spread
        return gaps

    def _inputs(self, rows: Floats, start: int, end: int) -> Floats:
        """The rows before each of `start` until `end`, and a one."""
        at = np.arange(start - 1, end - 1, dtype=np.intp)
        back = windows_of(rows.astype(np.float32), self._lags, at).astype(np.float64)
        return np.concatenate([back, np.ones((len(at), 1))], axis=1)
