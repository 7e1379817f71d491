"""Scales of columns: by median and quartiles, or by least and most; learnt once, undone later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scale"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scale:
    """Column by column (x - centre) / width.

    >>> robust = Scale.robust(np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0]]))
    >>> robust.to(np.array([[3.0, 6.0]]))
    array([[2., 1.]])
    >>> Scale.span(np.array([[10.0], [30.0]])).to(np.array([[20.0]]))
    array([[0.5]])
    """

    centre: Floats
    """Shape (d,)."""
    width: Floats
    """Shape (d,), above 0."""

    @classmethod
    def robust(cls, values: Floats) -> Scale:
        """Median, and the distance of the quartiles.

        A column whose quartiles are equal (a counter that is mostly 0) is scaled by its standard deviation, a constant
        one by 1.
        """
        low, centre, high = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
        return cls(centre, _above_zero(_above_zero(high - low, centre, values.std(axis=0)), centre, np.ones(len(low))))

    @classmethod
    def span(cls, values: Floats) -> Scale:
        """Least and most, so that values lie in [0, 1]; a constant column is 0."""
        low, high = values.min(axis=0), values.max(axis=0)
        return cls(low, _above_zero(high - low, low, np.ones(len(low))))

    def to(self, values: Floats) -> Floats:
        """In units of the scale."""
        return (values - self.centre) / self.width

    def back(self, scaled: Floats) -> Floats:
        """In the units that the values came in."""
        return scaled * self.width + self.centre


def _above_zero(width: Floats, centre: Floats, otherwise: Floats) -> Floats:
    """Widths that are more than rounding error, the others replaced."""
    return np.where(width > 1e-9 * np.abs(centre), width, otherwise)
