"""What a key has shown, kept as the widest gaps in it: how far a new value is from all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["gap_fields", "gap_ratio"]

Floats = NDArray[np.float64]
Slots = dict[str, NDArray[Any]]
"""The state of some slots, by field."""

_GAPS = 12
_LARGEST = 3
_LEAST_GAP = 0.1
"""Added to the mean of the largest gaps: a key that has shown next to nothing is not startled by a trifle."""


def gap_fields(name: str) -> dict[str, tuple[str, float, int]]:
    """Fields of `SlotArrays` for one quantity: 116 bytes a key."""
    return {
        f"{name}_low": ("f4", 0.0, _GAPS),
        f"{name}_high": ("f4", 0.0, _GAPS),
        f"{name}_largest": ("f4", 0.0, _LARGEST),
        f"{name}_least": ("f4", np.nan, 0),
        f"{name}_most": ("f4", np.nan, 0),
    }


def gap_ratio(
    slots: Slots,
    name: str,
    value: NDArray[np.float32],
    known: NDArray[np.bool_],
    edges: Callable[[NDArray[np.intp]], tuple[Floats, Floats]],
) -> Floats:
    """Distance to the nearest earlier value over the mean of the three largest such distances so far (+ 0.1).

    All that was seen is kept as its least and greatest value and the twelve widest gaps between: what lies in a
    narrower gap counts as seen. Exact as long as the largest gaps are among them. O(12) a key, most keys cost two
    comparisons.

    Args:
        slots: what is known of m keys; is changed.
        name: which of their quantities.
        value: shape (m,).
        known: shape (m,); the others are left alone and get 0.
        edges: gives for some of the m keys the values that the new one may stand for, least and greatest: it is known
            to its resolution only.

    Returns:
        Shape (m,), >= 0; 0 for what was seen before, and for a key's first value.
    """
    ratio = np.zeros(len(value))
    least, most = slots[f"{name}_least"], slots[f"{name}_most"]
    low, high = slots[f"{name}_low"], slots[f"{name}_high"]
    begun = ~np.isnan(least)
    within = (low < value) & (value < high) & known
    outside = known & begun & ((value > most) | (value < least))
    first = known & ~begun
    least[first] = most[first] = value[first]
    at = np.flatnonzero(outside | within.any(axis=0))
    if not len(at):
        return ratio
    new, under, over = value[at], *edges(at)
    above, below = new > most[at], new < least[at]
    hole = np.argmax(within[:, at], axis=0)
    left = np.where(above, most[at], np.where(below, new, low[hole, at]))
    right = np.where(above, new, np.where(below, least[at], high[hole, at]))
    gap = np.minimum(np.where(below, np.inf, under - left), np.where(above, np.inf, right - over))
    gap = np.maximum(gap, 0.0)
    most[at], least[at] = np.maximum(most[at], new), np.minimum(least[at], new)
    split = np.flatnonzero(~above & ~below)
    low[hole[split], at[split]] = high[hole[split], at[split]] = 0.0
    _keep(low, high, at, left, np.where(below | above, right, new))
    _keep(low, high, at[split], new[split], right[split])
    largest = slots[f"{name}_largest"]
    ratio[at] = gap / (largest[:, at].mean(axis=0, dtype=np.float64) + _LEAST_GAP)
    smallest = np.argmin(largest[:, at], axis=0)
    largest[smallest, at] = np.maximum(largest[smallest, at], gap)
    return ratio


def _keep(
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    at: NDArray[np.intp],
    left: NDArray[np.float32],
    right: NDArray[np.float32],
) -> None:
    """Keep a gap of each of these keys, in the place of the narrowest where that is narrower."""
    width = high[:, at] - low[:, at]
    place = np.argmin(width, axis=0)
    wider = right - left > width[place, np.arange(len(at))]
    low[place[wider], at[wider]], high[place[wider], at[wider]] = left[wider], right[wider]
