"""Many series at once: rows of all keys on one grid of ticks, judged by a live detector tick by tick."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.tables.contract import Scores
from yeoul.detect.tables.pace import FIRST_STEPS

__all__ = ["Grid", "grid_of"]

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

_LEAST_FILLED = 0.25
_MOST_CELLS = 40_000_000


class Grid:
    """Where each row stands: in which tick, of which key. Several rows of a key at one time are ticks apart."""

    def __init__(self, at_us: NDArray[np.int64], tick: Places, key: Places) -> None:
        self.at_us, self.tick, self.key = at_us, tick, key
        """Times of the ticks, not falling; tick and key of each row."""
        self.keys = int(key.max(initial=-1)) + 1

    def judged(self, scorer: Any, values: Floats) -> Scores:
        """What a live detector says of the rows; a key without a row in a tick is missing in it.

        Args:
            scorer: with a method `together`, as the scorers of `ticking.py` have.
            values: of the rows, shape (n,).
        """
        cells = np.full((len(self.at_us), self.keys), np.nan)
        cells[self.tick, self.key] = values
        p, expected, lower, upper, confidence = (
            band[self.tick, self.key] for band in scorer.together(self.at_us, cells)
        )
        known = np.isfinite(values)
        said = known & (confidence > 0)
        middle, low, high = (np.where(said, band, np.nan)[:, None] for band in (expected, lower, upper))
        return Scores(np.where(known, -np.log10(p), np.nan), p, middle, low, high, confidence=confidence)


def grid_of(at_us: NDArray[np.int64], key: Places) -> Grid | None:
    """The grid of rows by their times and the numbers of their keys; None where it would be mostly empty, or too large.

    Whether it is mostly empty is told by the first 64 ticks alone, so that later rows change nothing.

    >>> at_us, key = np.array([0, 0, 60, 60, 60]), np.array([0, 1, 0, 1, 1])
    >>> grid = grid_of(at_us, key)
    >>> grid.tick.tolist(), grid.at_us.tolist()
    ([0, 0, 1, 1, 2], [0, 60, 60])
    """
    order = np.lexsort((np.arange(len(key)), key, at_us))
    # of the rows of one key at one time: which of them it is
    same = np.flatnonzero((np.diff(at_us[order], prepend=-1) != 0) | (np.diff(key[order], prepend=-1) != 0))
    place = np.arange(len(order)) - np.repeat(same, np.diff(np.append(same, len(order))))
    turn = np.empty(len(order), np.intp)
    turn[order] = place
    pairs, tick = np.unique(np.column_stack([at_us, turn]), axis=0, return_inverse=True)
    tick = tick.ravel().astype(np.intp)
    first = key[tick < FIRST_STEPS]
    cells = min(FIRST_STEPS, len(pairs)) * len(np.unique(first))
    if len(first) < _LEAST_FILLED * cells or len(pairs) * (int(key.max(initial=-1)) + 1) > _MOST_CELLS:
        return None
    return Grid(pairs[:, 0], tick, key)
