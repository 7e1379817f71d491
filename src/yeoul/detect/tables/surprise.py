"""Several scores of a row as one: each by its own tail of normal rows, their -log10 p summed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Surprise"]

Floats = NDArray[np.float64]

_TAIL = 0.02
_STEEPEST = 20.0
_SAME = 1e-6
"""Scores that differ by no more than this part of the larger are the same one, reckoned in another order."""


class Surprise:
    """-log10 p of each score, and their sum.

    Up to the 98 % point of the normal scores p is the share of them that is at least as high; beyond it falls as a
    power, p = 0.02 (x / u)^-a with a by Hill's estimator ("A simple general approach to inference about the tail of a
    distribution", 1975), so that no score is ever out of scale. Fisher's sum of logarithms (1925); scores of one row
    depend on each other, so the sum is a score again, not yet a p.

    >>> normal = np.random.default_rng(0).exponential(size=5000)
    >>> total, parts = Surprise((normal, normal)).of([np.array([0.7, 6.9]), np.array([0.7, 0.7])])
    >>> [round(float(x), 1) for x in total]
    [0.6, 3.1]
    """

    def __init__(self, normal: Sequence[Floats]) -> None:
        self._normal = [np.sort(scores[np.isfinite(scores)]) for scores in normal]
        self._start, self._power = [], []
        for ordered in self._normal:
            start = max(float(np.quantile(ordered, 1.0 - _TAIL)), 1e-12) if len(ordered) else 1.0
            beyond = np.log(ordered[ordered > start * (1.0 + _SAME)] / start)
            self._start.append(start)
            # One score more, at twice the start, keeps few scores from promising a steep tail.
            self._power.append(min(_STEEPEST, (len(beyond) + 1.0) / (float(beyond.sum()) + np.log(2.0))))

    def of(self, scores: Sequence[Floats]) -> tuple[Floats, list[Floats]]:
        """The sum of -log10 p, shape (m,), and its parts; a score that is NaN has p = 1."""
        parts = []
        for score, ordered, start, power in zip(scores, self._normal, self._start, self._power, strict=True):
            above = len(ordered) - np.searchsorted(ordered, score - _SAME * np.abs(score), side="left")
            inside = np.minimum(-np.log10((above + 0.5) / (len(ordered) + 1.0)), -np.log10(_TAIL))
            with np.errstate(invalid="ignore"):
                beyond = -np.log10(_TAIL) + power * np.log10(np.maximum(score / start, 1.0))
                part = np.where(score > start * (1.0 + _SAME), beyond, np.maximum(inside, 0.0))
            parts.append(np.where(np.isfinite(score), part, 0.0))
        return np.sum(parts, axis=0), parts
