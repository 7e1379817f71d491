"""The first N of every scope at once, ties broken in a way that does not depend on slots."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yeoul.rank.contract import Names

__all__ = ["top_rows"]


def top_rows(
    scope: NDArray[np.int64],
    key: NDArray[np.int64],
    score: NDArray[np.float64],
    count: NDArray[np.float64],
    top: int,
    names: Names | None,
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Row numbers of the places, by scope and place, and the places.

    Order within a scope: score, then count (greatest first), then name or id. O(n log n).
    """
    rough = score.astype(
        np.float32
    )  # rounding keeps the order, so whoever can have a place is among the first here too
    order = _rough_order(scope, rough)
    first, length = _runs(scope[order])
    last = order[np.minimum(first + top, first + length) - 1]
    # whoever equals the last place in score may still win it by count or name
    rows = order[rough[order] >= np.repeat(rough[last], length)]
    ties = _tie_order(key[rows], names)
    rows = rows[np.lexsort((ties, -count[rows], -score[rows], scope[rows]))]
    first, length = _runs(scope[rows])
    place = np.arange(len(rows)) - np.repeat(first, length) + 1
    within = place <= top
    return rows[within], place[within].astype(np.int64)


def _rough_order(scope: NDArray[np.int64], score: NDArray[np.float32]) -> NDArray[np.intp]:
    """Rows by scope and falling (positive) score; by radix, as NumPy sorts 16-bit numbers in O(n)."""
    falling = ~score.view(np.uint32)  # bits of positive floats rise as the floats do
    digits = [falling.astype(np.uint16), (falling >> np.uint32(16)).astype(np.uint16)]
    rising = scope - scope.min(initial=0)
    digits += [(rising >> shift).astype(np.uint16) for shift in range(0, int(rising.max(initial=0)).bit_length(), 16)]
    order = np.arange(len(scope))
    for digit in digits:
        order = order[np.argsort(digit[order], kind="stable")]
    return order


def _runs(values: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Start and length of each run of equal values."""
    first = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]])) if len(values) else np.zeros(0, np.intp)
    return first, np.diff(np.append(first, len(values)))


def _tie_order(keys: NDArray[np.int64], names: Names | None) -> NDArray[np.int64]:
    """A number a row that orders rows as their names do."""
    if names is None:
        return keys
    distinct, inverse = np.unique(keys, return_inverse=True)
    texts = names(distinct)
    rank = np.empty(len(distinct), np.int64)
    rank[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(distinct))
    return rank[inverse]
