"""Exponentially decayed sums by forward decay, in steps of whole bits, so that the order of additions does not show."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DecayedSums"]

_BITS = 16
"""Bits of a weight in each of the two limbs."""
_DEPTH = 12
"""Half-lives back from the newest addition for which weights are whole numbers."""
_UNIT = 2 * _BITS - 1


class DecayedSums:
    """Per slot, the sum of count x 2^-((at - t) / half_life) over all additions (t, count).

    Forward decay (Cormode, Shkapenyuk, Srivastava, Xu 2009): an addition is weighted once, by
    2^((t - landmark) / half_life), and never touched again; reading divides by the weight of the moment. Three things
    make it safe and exact here. The landmark is a whole number of half-lives, so moving it on halves all sums. A
    weight is rounded to 32 bits (relative error < 2.4e-10) and kept in two limbs of 16, so for whole counts every
    product and sum is a whole number that a float64 holds exactly while a slot's decayed sum is below 2^24. What
    falls below one on halving is floored; floor(floor(a / 2) / 2) = floor(a / 4) and floor((a + 2b) / 2) = floor(a /
    2) + b. So the result depends on the additions alone, not on their order or grouping, as long as none comes more
    than 12 half-lives late. Beyond these limits, and for counts with fractions, it is as good as sums of float64 are.

    >>> sums = DecayedSums(half_life_us=600_000_000)
    >>> sums.resize(1)
    >>> sums.add(np.array([0]), np.array([8.0]), at_us=0)
    >>> sums.add(np.array([0]), np.array([3.0]), at_us=1_200_000_000)
    >>> sums.value(at_us=1_200_000_000)
    array([5.])
    """

    def __init__(self, half_life_us: int) -> None:
        self.half_life_us = half_life_us
        self._base: int | None = None  # the landmark, in half-lives since 1970
        self._high = np.zeros(0)
        self._low = np.zeros(0)

    def resize(self, n: int) -> None:
        """Have at least n slots; new ones are zero."""
        if n > len(self._high):
            more = np.zeros(max(n, len(self._high) * 3 // 2) - len(self._high))
            self._high = np.concatenate([self._high, more])
            self._low = np.concatenate([self._low, more])

    def add(self, slots: NDArray[np.intp], counts: NDArray[np.float64], at_us: int) -> None:
        """Add to slots, no slot named twice."""
        epoch, rest_us = divmod(at_us, self.half_life_us)
        self._advance(epoch)
        assert self._base is not None
        high, low = divmod(self._weight(rest_us), 1 << _BITS)
        self._high[slots] += np.ldexp(counts * high, epoch - self._base)
        self._low[slots] += np.ldexp(counts * low, epoch - self._base)

    def value(self, at_us: int, slots: NDArray[np.intp] | slice = slice(None)) -> NDArray[np.float64]:
        """The decayed sums at a moment not before the newest addition."""
        base = 0 if self._base is None else self._base
        epoch, rest_us = divmod(at_us, self.half_life_us)
        whole: NDArray[np.float64] = self._high[slots] * float(1 << _BITS) + self._low[slots]
        whole /= self._weight(rest_us)
        return np.ldexp(whole, base - epoch)

    def _weight(self, rest_us: int) -> int:
        """2^(rest / half_life) in units of 2^-31."""
        return round(math.exp2(rest_us / self.half_life_us + _UNIT))

    def clear(self, slots: NDArray[np.intp]) -> None:
        """Forget what these slots hold."""
        self._high[slots] = 0
        self._low[slots] = 0

    def keep(self, stays: NDArray[np.bool_]) -> None:
        """Drop the slots where `stays` is false; the others move up."""
        n = len(stays)
        self._high, self._low = self._high[:n][stays], self._low[:n][stays]

    def _advance(self, epoch: int) -> None:
        base = epoch - _DEPTH
        if self._base is None:
            self._base = base
        elif base > self._base:
            for limb in (self._high, self._low):
                np.floor(np.ldexp(limb, self._base - base), out=limb)
            self._base = base

    def snapshot(self, n: int) -> dict[str, Any]:
        """The state of the first n slots."""
        return {"base": self._base, "high": self._high[:n].copy(), "low": self._low[:n].copy()}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where `snapshot` was taken."""
        self._base = state["base"]
        self._high, self._low = state["high"].copy(), state["low"].copy()
