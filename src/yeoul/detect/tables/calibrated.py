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
_RAREST_LEARNT = 1e-4
"""What is rarer is learnt as if it were just so rare: an incident says that odd rows come, not how odd rows may be."""


class Calibration:
    """Raw scores of one series in, tail probabilities out, row by row in order.

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
        if self._scale <= 0:
            self._scale = float(above.max(initial=0.0)) or 1.0
        self._calibrator = TailCalibrator(1, above / self._scale if len(above) else np.ones(1), _MEMORY_ROWS)

    def p(self, raw: Floats) -> Floats:
        """Tail probability of each row, in (0, 1]; shape (m,). NaN gives 1. Later rows change no earlier p."""
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
