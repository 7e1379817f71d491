"""From raw scores to p when history holds faults that nobody labelled: the tail stands, only its scale follows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.calibrate import TailCalibrator
from yeoul.flows.servers.stamps import SLOTS_A_DAY

__all__ = ["SteadyTail"]

Floats = NDArray[np.float64]

_FURTHEST = 6.0
_MEMORY_DAYS = 28
_LEAST_SCORES = 7 * SLOTS_A_DAY


class SteadyTail:
    """Tail probabilities by the scores of normal slots, which are not added to.

    A calibrator that learns from what it judges takes faults of a few in a hundred slots for the usual tail. This one
    keeps the tail of the held-out scores and follows drift by the median alone, which few faults do not move: a score
    is divided by the median of the 28 days before its day, over the held-out median. Held-out scores further above
    their median than six times the way to their 90 % point, where an exponential tail has one in ten thousand or
    fewer, are taken for faults and left out.

    >>> normal = np.random.default_rng(1).exponential(size=20_000)
    >>> tail = SteadyTail(normal)
    >>> [f"{p:.1g}" for p in tail.p(np.array([0.693, 6.908, np.nan]))]
    ['0.5', '0.0009', '1']
    """

    def __init__(self, held_out: Floats) -> None:
        known = _usual(held_out[np.isfinite(held_out)])
        self._middle = float(np.median(known)) if len(known) else 1.0
        if self._middle <= 0:
            self._middle = float(known.max(initial=0.0)) or 1.0
        self._tail = TailCalibrator(1, known / self._middle if len(known) else np.ones(1))

    def p(self, raw: Floats) -> Floats:
        """P of slots that follow each other, in (0, 1], shape (m,); NaN gives 1. Later slots change no earlier p."""
        p = np.ones(len(raw))
        for start in range(0, len(raw), SLOTS_A_DAY):
            past = raw[max(0, start - _MEMORY_DAYS * SLOTS_A_DAY) : start]
            past = past[np.isfinite(past)]
            middle = float(np.median(past)) if len(past) >= _LEAST_SCORES else self._middle
            at = start + np.flatnonzero(np.isfinite(raw[start : start + SLOTS_A_DAY]))
            scaled = raw[at] / (middle if middle > 0 else self._middle)
            p[at] = self._tail.p(scaled, np.zeros(len(at), np.intp))
        return p


def _usual(scores: Floats) -> Floats:
    if not len(scores):
        return scores
    half, most = np.quantile(scores, [0.5, 0.9])
    return np.asarray(scores[scores <= half + _FURTHEST * (most - half)])
