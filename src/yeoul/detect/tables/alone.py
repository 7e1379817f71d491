"""How unlikely a row is by itself, whatever stood before it: its distance to the nearest single rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.tables.nearest import NearestWindows
from yeoul.detect.tables.surprise import Surprise

__all__ = ["Alone"]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


class Alone:
    """-log10 p of single rows, seen in one or more ways at once (values, deviations from the time of day).

    Each view's distance has a p by the tail of held-out rows; the smallest counts, times the number of views
    (Bonferroni), as between detectors. Costs O(m x most x d) for m rows asked.

    >>> rows = np.random.default_rng(0).normal(size=(3000, 2)).astype(np.float32)
    >>> alone = Alone(neighbours=5, most=1000).learn([rows[:2000]]).hold_out([rows[2000:]])
    >>> far = np.array([[0.0, 0.0], [9.0, -9.0]], np.float32)
    >>> [bool(one) for one in alone.surprise([far]) > 4.0]
    [False, True]
    """

    def __init__(self, neighbours: int, most: int) -> None:
        self._neighbours, self._most = neighbours, most
        self._nearest: list[NearestWindows] = []
        self._surprise = Surprise(())

    def learn(self, views: Sequence[Singles]) -> Alone:
        """Remember a sample of these rows, shape (n, d) a view; what was held out before stays what it is."""
        self._nearest = [NearestWindows(1, self._neighbours, self._most).fit(rows) for rows in views]
        return self

    def hold_out(self, views: Sequence[Singles]) -> Alone:
        """Take the distances of these rows, which were not learnt from, for those of normal rows."""
        self._surprise = Surprise(tuple(self._distances(views)))
        return self

    def surprise(self, views: Sequence[Singles]) -> Floats:
        """-log10 p of each row, shape (m,)."""
        _, parts = self._surprise.of(self._distances(views))
        return np.asarray(np.maximum(np.max(parts, axis=0) - np.log10(len(parts)), 0.0))

    def _distances(self, views: Sequence[Singles]) -> list[Floats]:
        return [nearest.distance(rows, 0)[0] for nearest, rows in zip(self._nearest, views, strict=True)]
