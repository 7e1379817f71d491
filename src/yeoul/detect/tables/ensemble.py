"""Behaviour vectors without order: how soon isolated, how far the neighbours, how far out the columns."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.tables.contract import Scores, Table, Traits
from yeoul.detect.tables.surprise import Surprise

__all__ = ["Ensemble"]

Floats = NDArray[np.float64]

_TAUGHT = 0.7
_INSIDE = 0.99


class Ensemble:
    """Isolation forest, k nearest neighbours and ECOD, each as -log10 p by its own tail, summed.

    The three fail in different places: forests on clusters inside the range, neighbours on groups of alike oddities,
    ECOD on odd combinations of usual values. Liu, Ting and Zhou, "Isolation Forest" (ICDM 2008). Ramaswamy, Rastogi
    and Shim (SIGMOD 2000): the mean distance to `neighbours` of at most `most` rows, columns standardised. Li et al.,
    "ECOD" (TKDE 2022): for each column -log of the empirical tail, summed over the left, the right and the side to
    which the column is skewed, the largest of the three sums. A row that was learnt from is not its own neighbour.

    Learns from a random 70 % of the rows that it is fitted on, the others are the normal scores it did not learn from;
    where these rows are judged themselves (in batch mode), from all of them.

    `expected` is the column's median, the range its middle 99 %; a column contributes its larger -log tail. A missing
    value is taken as the median and has no tail.

    >>> values = np.random.default_rng(0).normal(size=(500, 4))
    >>> values[77] = [0.0, 9.0, 0.0, -0.5]
    >>> table = Table(values, ("plays", "hours", "devices", "cities"))
    >>> ensemble = Ensemble()
    >>> usual = ensemble.fit(table)
    >>> scores = ensemble.score(table, 0)
    >>> int(np.argmax(scores.raw)), table.columns[int(np.argmax(scores.contributions[77]))]
    (77, 'hours')
    """

    name: ClassVar[str] = "ensemble"
    traits: ClassVar[Traits] = Traits(ordered=False, plain=False)

    def __init__(self, seed: int = 0, *, trees: int = 200, neighbours: int = 20, most: int = 8000) -> None:
        self._seed, self._trees, self._neighbours, self._most = seed, trees, neighbours, most
        self._surprise = Surprise(())
        self._fitted: Floats = np.zeros((0, 0))

    def fit(self, table: Table) -> Floats:
        rows = len(table)
        mixed = np.random.default_rng(self._seed).permutation(rows)
        taught = min(rows, max(2, round(_TAUGHT * rows)))
        held_out = table.values[mixed[taught:]]
        self._fitted = table.values
        # not learnt again from all rows: scores of another model are no measure of the scores of this one
        self._learn(table.values[mixed[:taught]])
        members = self.views(held_out)[0]
        self._surprise = Surprise(members)
        usual = self._surprise.of(members)[0]
        return np.where(np.isfinite(held_out).any(axis=1), usual, np.nan)

    def score(self, table: Table, start: int) -> Scores:
        if start < len(self._fitted):
            # rows that it was fitted on are judged themselves: all are to have taught alike
            self._learn(self._fitted)
            self._fitted = self._fitted[:0]
        values = table.values[start:]
        members, tails = self.views(values)
        raw, _ = self._surprise.of(members)
        raw = np.where(np.isfinite(values).any(axis=1), raw, np.nan)
        expected, lower, upper = (np.tile(row, (len(values), 1)) for row in (self._median, self._lower, self._upper))
        return Scores(raw, expected=expected, lower=lower, upper=upper, contributions=tails)

    def _learn(self, values: Floats) -> None:
        # scikit-learn takes a second to load, and not every table needs it.
        from sklearn.ensemble import IsolationForest  # noqa: PLC0415 - heavy, and needed only where it is fitted
        from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415 - heavy, and needed only where it is fitted

        width = values.shape[1]
        self._columns = [np.sort(column[np.isfinite(column)]) for column in values.T]
        bounds = ((1.0 - _INSIDE) / 2.0, 0.5, (1.0 + _INSIDE) / 2.0)
        quantiles = [np.quantile(c, bounds) if len(c) else np.zeros(3) for c in self._columns]
        self._lower, self._median, self._upper = np.asarray(quantiles).reshape(width, 3).T
        whole = self._whole(values)
        self._mean, spread = whole.mean(axis=0), whole.std(axis=0)
        flat = np.maximum(1e-3 * np.abs(whole).max(axis=0, initial=0.0), 1e-9)
        self._spread = np.maximum(spread, flat)
        scaled = (whole - self._mean) / self._spread
        self._skewed_left = (scaled**3).mean(axis=0) < 0
        random = np.random.default_rng(self._seed)
        sample = random.choice(len(scaled), self._most, replace=False) if len(scaled) > self._most else slice(None)
        self._near: Any = NearestNeighbors(n_neighbors=min(self._neighbours + 1, len(scaled[sample])))
        self._near.fit(scaled[sample])
        self._forest: Any = IsolationForest(n_estimators=self._trees, random_state=self._seed).fit(scaled)

    def _whole(self, values: Floats) -> Floats:
        return np.where(np.isfinite(values), values, self._median)

    def views(self, values: Floats) -> tuple[tuple[Floats, Floats, Floats], Floats]:
        """Scores of forest, neighbours and ECOD, each of shape (m,); and the larger tail of each column, (m, d)."""
        if not len(values):
            return (np.zeros(0), np.zeros(0), np.zeros(0)), np.zeros(values.shape)
        scaled = (self._whole(values) - self._mean) / self._spread
        isolated = -self._forest.score_samples(scaled)
        distance, _ = self._near.kneighbors(scaled)
        if distance.shape[1] > 1:
            itself = distance[:, 0] <= 1e-12
            distance = np.where(itself[:, None], distance[:, 1:], distance[:, :-1])
        left, right = self._tails(values)
        skewed = np.where(self._skewed_left, left, right)
        out = np.max([left.sum(axis=1), right.sum(axis=1), skewed.sum(axis=1)], axis=0)
        return (isolated, distance.mean(axis=1), out), np.maximum(left, right)

    def _tails(self, values: Floats) -> tuple[Floats, Floats]:
        """-log of the share of known values at most, and at least, as large; 0 where a value is missing."""
        left, right = np.zeros(values.shape), np.zeros(values.shape)
        for column, ordered in enumerate(self._columns):
            known = np.isfinite(values[:, column])
            asked, count = values[known, column], len(ordered)
            at_most = np.searchsorted(ordered, asked, side="right")
            at_least = count - np.searchsorted(ordered, asked, side="left")
            left[known, column] = -np.log(np.clip(at_most, 0.5, None) / max(count, 0.5))
            right[known, column] = -np.log(np.clip(at_least, 0.5, None) / max(count, 0.5))
        return np.maximum(left, 0.0), np.maximum(right, 0.0)
