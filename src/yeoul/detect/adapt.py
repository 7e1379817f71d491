"""How a baseline learns without being poisoned: odd ticks weigh nothing, a shift that lasts becomes the new normal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["LASTING_TICKS", "lasting", "learning_weight"]

LASTING_TICKS = 180
"""So many odd ticks on one side (30 minutes of 10 s) and the baseline starts again from what is seen now."""

_ALL_LEARNT = 0.011
"""Somewhat above 0.01, from where on there is nothing to compute."""


def learning_weight(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of a tick is learnt: all of it from p = 0.01 on, nothing below p = 0.0001.

    >>> learning_weight(np.array([0.5, 1e-3, 1e-9])).tolist()
    [1.0, 0.5, 0.0]
    """
    weight = np.ones_like(p)
    low = np.flatnonzero(p < _ALL_LEARNT)
    weight[low] = np.clip((np.log10(p[low]) + 4.0) / 2.0, 0.0, 1.0)
    return weight


def lasting(
    run: NDArray[np.float32], side: NDArray[np.float64], known: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Count odd ticks on one side and say whose shift has lasted long enough.

    Args:
        run: signed count so far; positive = above, negative = below.
        side: +1 or -1 for an odd tick, 0 for a normal one.
        known: slots that were observed in this tick; the others keep their count.

    Returns:
        The new count (0 where the shift has lasted), and where it has.
    """
    counted = run.copy()
    # most keys have neither: nothing changes for them (a count that came to -0 is made 0)
    at = np.flatnonzero(known & ((run != 0) | np.signbit(run) | (side != 0)))
    some, new = run[at], side[at]
    same = (new != 0) & (np.sign(some) * new >= 0)
    # A normal tick takes back two odd ones, so that a key which is odd now and then never restarts.
    back = np.sign(some) * np.maximum(np.abs(some) - 2.0, 0.0)
    counted[at] = np.where(same, some + new, back)
    done = np.abs(counted) >= LASTING_TICKS
    counted[done] = 0.0
    return counted, done
