"""Keys whose value no detector may see (muted, or of a partly covered window), judged by the range that is expected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.contract import Judgement
from yeoul.detect.tails import two_sided

__all__ = ["judge_aside"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_Z99 = 2.5758293035489004


def judge_aside(
    aside: Mask,
    value: Floats,
    judgements: Sequence[Judgement],
    sure: NDArray[np.float32],
    columns: list[Floats],
    *,
    above: bool = False,
) -> NDArray[np.intp]:
    """Judge the values of these slots against the range of the first detector that has one of them.

    Args:
        aside: the slots; those that a detector judged all the same are left alone.
        value: by slot, NaN = missing.
        judgements: what each detector says; it saw these slots as missing.
        sure: the last confidence in each slot.
        columns: p, expected, lower, upper and confidence by slot; are changed.
        above: judge only what is above expected: the rest of the value may be missing.

    Returns:
        The number of the detector whose range was taken, by slot; -1: none.
    """
    taken = np.full(len(value), -1, np.intp)
    waits = aside & np.isfinite(value) & (columns[4] <= 0)
    for number, judgement in enumerate(judgements):
        # a detector that follows no such key has an empty range at 0
        told = (judgement.upper > judgement.lower) | (judgement.expected > 0)
        at = np.flatnonzero(waits & told & ((value > judgement.expected) | (not above)))
        waits &= ~told
        expected, lower, upper = (each[at] for each in (judgement.expected, judgement.lower, judgement.upper))
        spread = np.maximum(upper - expected, expected - lower) / _Z99
        p = two_sided(value[at], expected, np.maximum(spread**2, expected))
        news: tuple[Floats, ...] = (p, expected, lower, upper, sure[at].astype(np.float64))
        for column, new in zip(columns, news, strict=True):
            column[at] = new
        taken[at] = number
    return taken
