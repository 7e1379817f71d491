"""From a scorer's raw scores to p: the streaming calibrator on one series, begun with scores of normal rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.calibrate import TailCalibrator

__all__ = ["Calibration"]

Floats = NDArray[np.float64]

_BLOCK = 64
"""So many rows are judged by what the rows before them taught, then learnt together."""
_MEMORY_ROWS = 8640.0
_FEW = 60
"""Fewer held-out scores than this say nothing of a tail: they are counted, and no more is promised than they show."""
_FALL = 3.0
_HIGH, _MOST_HIGH = 0.98, 100.0
"""The 98 % point of normal scores is at most so many units of what they are scaled by; most often about 5."""
_FURTHEST_LEARNT = 2.0
_RAREST_LEARNT = 1e-4
"""What is rarer is learnt as if it were just so rare: an incident says that odd rows come, not how odd rows may be."""


class Calibration:
    """Raw scores of one series in, tail probabilities out, row by row in order.

    Begun with fewer than 60 scores, p is the share of the scores so far, this row's own included, that are at least as
    high (a conformal p); beyond the highest of them it falls with the third power of the score.

    >>> normal = np.abs(np.random.default_rng(1).normal(size=20_000))
    >>> calibration = Calibration(normal)
    >>> [f"{p:.1g}" for p in calibration.p(np.array([0.6745, 3.29, np.nan]))]
    ['0.5', '0.001', '1']
    """

    def __init__(self, held_out: Floats) -> None:
        known = held_out[np.isfinite(held_out)]
        # some scorers' raw scores begin below 0; the calibrator's histogram begins at 0
        self._least = min(float(known.min(initial=0.0)), 0.0)
        above = known - self._least
        self._scale = float(np.median(above)) if len(above) else 1.0
        # of scores that are mostly next to nothing the high ones must stay within the calibrator's steps
        self._scale = max(self._scale, float(np.quantile(above, _HIGH)) / _MOST_HIGH if len(above) else 0.0)
        if self._scale <= 0:
            self._scale = float(above.max(initial=0.0)) or 1.0
        self._few = np.sort(above / self._scale) if len(above) < _FEW else np.zeros(0)
        self._calibrator = TailCalibrator(1, above / self._scale if len(above) else np.ones(1), _MEMORY_ROWS)

    def p(self, raw: Floats) -> Floats:
        """Tail probability of each row, in (0, 1]; shape (m,). NaN gives 1. Later rows change no earlier p."""
        if len(self._few):
            return self._by_counting(raw)
        p = np.ones(len(raw))
        for start in range(0, len(raw), _BLOCK):
            at = start + np.flatnonzero(np.isfinite(raw[start : start + _BLOCK]))
            if not len(at):
                continue
            scaled, group = np.maximum(raw[at] - self._least, 0.0) / self._scale, np.zeros(len(at), np.intp)
            p[at] = self._calibrator.p(scaled, group)
            most = self._calibrator.score_at(_RAREST_LEARNT, group)
            self._calibrator.learn(np.minimum(scaled, most), group, np.ones(len(at)))
        return p

    def _by_counting(self, raw: Floats) -> Floats:
        """Row by row: where few scores are known, each that comes is worth knowing at once."""
        p = np.ones(len(raw))
        for row in np.flatnonzero(np.isfinite(raw)).tolist():
            score = max(float(raw[row]) - self._least, 0.0) / self._scale
            at, most = int(np.searchsorted(self._few, score, side="left")), float(self._few[-1])
            p[row] = (len(self._few) - at + 1.0) / (len(self._few) + 1.0)
            if 0.0 < most < score:
                p[row] = max(p[row] * (most / score) ** _FALL, 1e-300)
            # one row far out does not hide those that are as odd
            learnt = min(score, _FURTHEST_LEARNT * most) if most > 0 else score
            self._few = np.insert(self._few, np.searchsorted(self._few, learnt), learnt)
        return p
