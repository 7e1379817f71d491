"""How far a window of rows lies from the windows seen before: mean distance to the nearest of a sample of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["NearestWindows", "windows_of"]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

_BLOCK = 512


def windows_of(rows: Singles, length: int, at: NDArray[np.intp]) -> Singles:
    """The `length` rows up to and including each of `at`, side by side: shape (len(at), length x d).

    Before the first row stands the first row again.

    >>> windows_of(np.arange(4, dtype=np.float32)[:, None], 3, np.array([1, 3])).tolist()
    [[0.0, 0.0, 1.0], [1.0, 2.0, 3.0]]
    """
    back = np.arange(length - 1, -1, -1)
    taken = rows[np.maximum(at[:, None] - back[None, :], 0)]
    return np.ascontiguousarray(taken.reshape(len(at), length * rows.shape[1]))


class NearestWindows:
    """Mean Euclidean distance of a window to the `neighbours` nearest of at most `most` windows, by brute force.

    Ramaswamy, Rastogi and Shim, "Efficient algorithms for mining outliers from large data sets" (SIGMOD 2000), on
    windows. Matrix products of single precision: O(m x most x length x d).

    >>> rows = np.sin(np.arange(400, dtype=np.float32) / 5.0)[:, None]
    >>> nearest = NearestWindows(length=12, neighbours=5, most=1000).fit(rows[:300])
    >>> rows[350] += 3.0
    >>> distance, share = nearest.distance(rows, 300)
    >>> bool(distance[:50].max() < 0.5 < 2.5 < distance[50]), share.shape
    (True, (100, 1))
    """

    def __init__(self, length: int, neighbours: int, most: int) -> None:
        self._length, self._neighbours, self._most = length, neighbours, most
        self._sample: Singles = np.zeros((0, 0), np.float32)
        self._squares: Singles = np.zeros(0, np.float32)

    def fit(self, rows: Singles) -> NearestWindows:
        """Keep a sample, evenly spread over the rows, of their windows."""
        first = min(self._length, len(rows)) - 1
        count = min(self._most, len(rows) - first)
        at = np.unique(np.linspace(first, len(rows) - 1, count).round().astype(np.intp))
        self._sample = windows_of(rows, self._length, at)
        self._squares = np.einsum("ij,ij->i", self._sample, self._sample)
        return self

    def distance(self, rows: Singles, start: int) -> tuple[Floats, Floats]:
        """Distance of the windows that end in row `start` and later; and its square by column, shape (m, d)."""
        count, width = len(rows) - start, rows.shape[1]
        nearest = min(self._neighbours, len(self._sample))
        distance, by_column = np.empty(count), np.empty((count, width))
        for begin in range(0, count, _BLOCK):
            at = np.arange(start + begin, start + min(count, begin + _BLOCK), dtype=np.intp)
            asked = windows_of(rows, self._length, at)
            squares = asked @ self._sample.T
            squares *= -2.0
            squares += self._squares
            which = np.argpartition(squares, nearest - 1, axis=1)[:, :nearest]
            # Differences again from the rows themselves: products of single precision lose what is close.
            apart = np.zeros((len(at), width))
            total = np.zeros(len(at))
            for place in range(nearest):
                gap = (asked - self._sample[which[:, place]]) ** 2
                total += np.sqrt(gap.sum(axis=1, dtype=np.float64))
                apart += gap.reshape(len(at), self._length, width).sum(axis=1)
            distance[begin : begin + len(at)] = total / nearest
            by_column[begin : begin + len(at)] = apart / nearest
        return distance, by_column
