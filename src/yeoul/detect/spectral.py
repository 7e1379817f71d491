"""Spectral residual of the last values of each of the largest keys: what their spectrum does not explain is odd."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.largest import LargestKeys

__all__ = ["SpectralResidual"]

Floats = NDArray[np.float64]

_LAST = 59
_ADDED = 5
_FILTER = 3
_BEFORE = 21
_SLOPES = 5
_LEAST = 1e-8


class SpectralResidual(LargestKeys):
    """How salient the last value is, times its distance from the median of the last 21, in the key's own spread.

    Saliency after Ren et al., "Time-series anomaly detection service at Microsoft" (KDD 2019): of the last 60 values,
    with 5 points added at the end by the slopes before, the logarithm of the amplitudes less its mean over 3
    frequencies goes back to time with its phases; the saliency is relative to its mean over 21 points. Alone it hardly
    rises with the height of a peak; the distance adds that. Values may be any real numbers.

    >>> from yeoul.detect.contract import Tick
    >>> detector, alive = SpectralResidual(), np.ones(1, bool)
    >>> rng = np.random.default_rng(1)
    >>> for i in range(300):
    ...     seen = detector.judge(Tick(i, 1, rng.normal(10.0, 1.0, 1), alive))
    >>> bool(detector.judge(Tick(300, 1, np.array([25.0]), alive)).p[0] < 1e-5)
    True
    """

    name = "spectral"

    def __init__(self, most: int = 256) -> None:
        """Args: keys followed."""
        super().__init__(_LAST, most, _normal_scores())

    def expect(self, ring: Floats) -> Floats:
        return np.asarray(np.median(ring[-_BEFORE:], axis=0))

    def oddness(self, ring: Floats, value: Floats, away: Floats) -> Floats:
        return np.asarray(_saliency(np.vstack([ring, value[None, :]])) * away)


def _saliency(values: Floats) -> Floats:
    """Of the last of the values, shape (60, m), relative to its mean over the 21 up to it: around 1, seldom above 4."""
    rows = values.shape[0]
    # The points to come, as the authors' own code has them: by the five slopes that lead to the value before the last,
    # so that a peak at the end is not mistaken for the first of many.
    before = values[-2 - _SLOPES : -1]
    slopes = sum((before[-1] - before[row]) / (_SLOPES - row) for row in range(_SLOPES))
    ahead = before[1] + slopes
    spectrum = np.fft.fft(np.vstack([values, np.tile(ahead, (_ADDED, 1))]), axis=0)
    amplitude = np.maximum(np.abs(spectrum), _LEAST)
    log = np.log(amplitude)
    around = (np.roll(log, 1, axis=0) + log + np.roll(log, -1, axis=0)) / _FILTER
    map_ = np.abs(np.fft.ifft(np.exp(log - around) * spectrum / amplitude, axis=0))
    return np.asarray(map_[rows - 1] / np.maximum(map_[rows - _BEFORE : rows].mean(axis=0), _LEAST))


@cache
def _normal_scores() -> Floats:
    values = np.random.default_rng(0).normal(size=(_LAST + 1, 20_000))
    away = np.abs(values[-1] - np.median(values[-1 - _BEFORE : -1], axis=0))
    return np.asarray(_saliency(values) * away)
