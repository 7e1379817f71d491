"""Several columns as a few that carry most of their variance: how far a row lies along them, and how far off them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.tables.contract import Scores, Table, Traits
from yeoul.detect.tables.surprise import Surprise

__all__ = ["Components"]

Floats = NDArray[np.float64]

_TAUGHT = 0.7
_Z99 = 2.5758293035489004


class Components:
    """Principal components: Hotelling's T² along the first ones, Q (squared prediction error) off them.

    T² = sum of t_i² / variance_i over the components that carry `share` of the variance; Q = the squared length of what
    they leave over (Jackson and Mudholkar, "Control procedures for residuals associated with principal component
    analysis", Technometrics 1979). Each becomes -log10 p by the tail of held-out rows; `raw` is their sum.

    `expected` is the row as the components have it; a column contributes its part of Q, and of T² what scaling it back
    to its mean would take away (the absolute terms of the complete decomposition). Rows are judged one by one, without
    regard to their order. A missing value is taken as its column's mean.

    Args:
        share: of the variance, in (0, 1), that the components have to carry.

    >>> rng = np.random.default_rng(0)
    >>> load = rng.normal(size=500)
    >>> values = np.stack([load, 2 * load, -load], axis=1) + 0.05 * rng.normal(size=(500, 3))
    >>> values[450] = [1.0, -2.0, -1.0]
    >>> table = Table(values, ("requests", "sessions", "idle"))
    >>> components = Components()
    >>> usual = components.fit(table.part(0, 400))
    >>> scores = components.score(table, 400)
    >>> int(np.argmax(scores.raw)), table.columns[int(np.argmax(scores.contributions[50]))]
    (50, 'sessions')
    """

    name: ClassVar[str] = "pca"
    traits: ClassVar[Traits] = Traits()

    def __init__(self, seed: int = 0, *, share: float = 0.9) -> None:
        self._share = share
        self._surprise = Surprise(())

    def fit(self, table: Table) -> Floats:
        taught = min(len(table), max(2, round(_TAUGHT * len(table))))
        self._learn(table.values[:taught])
        distances = self._distances(table.values[taught:])[:2]
        self._surprise = Surprise(distances)
        held_out = self._surprise.of(distances)[0]
        self._learn(table.values)
        return np.where(np.isfinite(table.values[taught:]).any(axis=1), held_out, np.nan)

    def score(self, table: Table, start: int) -> Scores:
        values = table.values[start:]
        along, off, along_columns, off_columns, rebuilt = self._distances(values)
        raw, parts = self._surprise.of((along, off))
        contributions = np.zeros(values.shape)
        for part, by_column in zip(parts, (along_columns, off_columns), strict=True):
            total = by_column.sum(axis=1)
            contributions += by_column * (part / np.where(total > 0, total, 1.0))[:, None]
        expected = rebuilt * self._scale + self._mean
        half = _Z99 * self._left * self._scale
        raw = np.where(np.isfinite(values).any(axis=1), raw, np.nan)
        return Scores(raw, expected=expected, lower=expected - half, upper=expected + half, contributions=contributions)

    def _learn(self, values: Floats) -> None:
        known = np.isfinite(values)
        count = np.maximum(known.sum(axis=0), 1)
        self._mean = np.where(known, values, 0.0).sum(axis=0) / count
        gaps = np.where(known, values - self._mean, 0.0)
        flat = np.maximum(1e-3 * np.abs(np.where(known, values, 0.0)).max(axis=0, initial=0.0), 1e-9)
        self._scale = np.maximum(np.sqrt((gaps**2).sum(axis=0) / count), flat)
        scaled = gaps / self._scale
        variances, axes = np.linalg.eigh(scaled.T @ scaled / max(1, len(scaled)))
        variances, axes = np.maximum(variances[::-1], 0.0), axes[:, ::-1]
        carried = np.cumsum(variances) / max(float(variances.sum()), 1e-12)
        kept = min(int(np.searchsorted(carried, self._share)) + 1, max(1, len(variances) - 1))
        self._axes, self._variances = axes[:, :kept], np.maximum(variances[:kept], 1e-9)
        self._left = (scaled - scaled @ self._axes @ self._axes.T).std(axis=0)

    def _distances(self, values: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """T and the root of Q, both by column, and the rebuilt rows in scaled units."""
        scaled = np.where(np.isfinite(values), values - self._mean, 0.0) / self._scale
        along = scaled @ self._axes
        rebuilt = along @ self._axes.T
        left = (scaled - rebuilt) ** 2
        weighted = along / self._variances
        along_columns = np.abs(scaled * (weighted @ self._axes.T))
        return np.sqrt((along * weighted).sum(axis=1)), np.sqrt(left.sum(axis=1)), along_columns, left, rebuilt
