"""A polynomial through the last values of each of the largest keys: what is far from its next point is odd."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.largest import LargestKeys

__all__ = ["LocalPolynomial"]

Floats = NDArray[np.float64]


class LocalPolynomial(LargestKeys):
    """Distance from the least-squares polynomial through the last values, one step on, in the key's own volatility.

    After POLY (Li, Ma and Mei, "A unifying method for outlier and change detection from data streams based on local
    polynomial fitting", 2007), causal: the fit knows no later value. The volatility is a running mean of the
    absolute error; the calibration is that of all followed keys. Values may be any real numbers.

    >>> from yeoul.detect.contract import Tick
    >>> detector, alive = LocalPolynomial(), np.ones(1, bool)
    >>> rng = np.random.default_rng(1)
    >>> for i in range(200):
    ...     seen = detector.judge(Tick(i, 1, 3.0 * i + rng.normal(size=1), alive))
    >>> bool(abs(seen.expected[0] - 597.0) < 2.0)
    True
    >>> bool(detector.judge(Tick(200, 1, np.array([620.0]), alive)).p[0] < 1e-6)
    True
    """

    name = "polynomial"

    def __init__(self, degree: int = 1, window: int = 20, most: int = 256) -> None:
        """Args: degree of the polynomial, values it goes through, keys followed."""
        super().__init__(window, most, _normal_scores())
        powers = np.vander((np.arange(window) - window) / window, degree + 1, increasing=True)
        self._weights = np.linalg.pinv(powers)[0]

    def expect(self, ring: Floats) -> Floats:
        # not a matrix product: its sums depend on how many keys there are
        return np.asarray((self._weights[:, None] * ring).sum(axis=0))

    def oddness(self, ring: Floats, value: Floats, away: Floats) -> Floats:
        return away


@cache
def _normal_scores() -> Floats:
    return np.abs(np.random.default_rng(0).normal(size=20_000) * 1.05)
