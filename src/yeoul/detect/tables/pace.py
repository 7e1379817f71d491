"""How far apart the rows of a series are, told from its first ones alone, so that later rows change nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["FIRST_STEPS", "step_us"]

FIRST_STEPS = 64
"""So many distances of the first rows of a series say its pace."""


def step_us(series: Sequence[NDArray[np.int64]], first: int | None = FIRST_STEPS) -> float:
    """The median of the first distances above 0 of each series; 0 where there is none.

    Args:
        series: times of the rows of each, not falling.
        first: how many distances of each; None: all.

    >>> step_us([np.array([0, 60, 60, 120, 190])])
    60.0
    """
    steps = [np.diff(at_us) for at_us in series]
    known = [one[one > 0][:first] for one in steps]
    every = np.concatenate(known) if known else np.zeros(0)
    return float(np.median(every)) if len(every) else 0.0
