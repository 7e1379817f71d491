"""Float sums that do not depend on the order of adding: each sum is kept as a high and a low part (106 bits together).

Source: Knuth's TwoSum; Shewchuk, "Adaptive precision floating-point arithmetic" (1997).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["add_groups"]

Floats = NDArray[np.float64]


def _two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """`a + b` and exactly what rounding lost of it."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = a + b
        part = total - a
        lost = (a - (total - part)) + (b - part)
    return total, np.where(np.isfinite(total), lost, 0.0)


def _add(high: Floats, low: Floats, other_high: Floats, other_low: Floats) -> tuple[Floats, Floats]:
    total, lost = _two_sum(high, other_high)
    return _two_sum(total, lost + (low + other_low))


def add_groups(high: Floats, low: Floats, starts: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Sum `high + low` over each run that begins at `starts` (runs cover all n elements). O(n).

    >>> high, low = add_groups(np.array([1e16, 1.0, -1e16, 0.5]), np.zeros(4), np.array([0, 3]))
    >>> high.tolist()
    [1.0, 0.5]
    """
    sizes = np.diff(starts, append=len(high))
    while (sizes > 1).any():
        index = np.arange(len(high)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        even = np.flatnonzero(index % 2 == 0)
        paired = even[index[even] + 1 < np.repeat(sizes, sizes)[even]]
        high, low = high.copy(), low.copy()
        high[paired], low[paired] = _add(high[paired], low[paired], high[paired + 1], low[paired + 1])
        high, low = high[even], low[even]
        sizes = (sizes + 1) // 2
    return high, low
