"""From rows to windows for a network: filling of gaps, sliding windows, and which rows are held out of training."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

__all__ = ["carried", "held_out_rows", "interpolated", "whole", "windows"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_BLOCKS = 10
_BLOCK_WINDOWS = 4
"""A block that is held out is at least so many windows long."""


def interpolated(values: Floats) -> Floats:
    """Missing values on the straight line between their neighbours in the column, flat at the ends; for training.

    A column without any value becomes 0.

    >>> interpolated(np.array([[1.0], [np.nan], [3.0], [np.nan]])).ravel()
    array([1., 2., 3., 3.])
    """
    if np.isfinite(values).all():
        return values
    result, at = values.copy(), np.arange(len(values))
    for column in result.T:
        known = np.isfinite(column)
        column[~known] = np.interp(at[~known], at[known], column[known]) if known.any() else 0.0
    return result


def carried(values: Floats, first: Floats) -> Floats:
    """Missing values as the last one before them, `first` (shape (d,)) where there is none; looks at no later row.

    >>> carried(np.array([[np.nan], [2.0], [np.nan]]), np.array([7.0])).ravel()
    array([7., 2., 2.])
    """
    known = np.isfinite(values)
    if known.all():
        return values
    source = np.where(known, np.arange(1, len(values) + 1)[:, None], 0)
    np.maximum.accumulate(source, axis=0, out=source)
    return np.take_along_axis(np.vstack([first, values]), source, axis=0)


def windows(rows: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """All windows of `length` successive rows, shape (n - length + 1, length, d); a view, nothing is copied.

    >>> windows(np.arange(4.0, dtype=np.float32)[:, None], 3)[:, :, 0]
    array([[0., 1., 2.],
           [1., 2., 3.]], dtype=float32)
    """
    return np.moveaxis(sliding_window_view(rows, length, axis=0), -1, 1)


def whole(good: Flags, length: int) -> Flags:
    """Which windows have good rows only, shape (n - length + 1,).

    >>> whole(np.array([True, True, False, True, True]), 2)
    array([ True, False, False,  True])
    """
    return np.asarray(sliding_window_view(good, length).all(axis=1))


def held_out_rows(rows: int, share: float, length: int) -> Flags:
    """Rows that training must not see: up to ten blocks spread evenly, each at the end of its part of the series.

    Blocks spread over the series hold all hours and regimes, which its end alone may not.

    >>> held_out_rows(20, 0.4, 1).nonzero()[0]
    array([ 6,  7,  8,  9, 16, 17, 18, 19])
    """
    held = np.zeros(rows, bool)
    parts = int(np.clip(share * rows / (_BLOCK_WINDOWS * length), 1, _BLOCKS))
    for ends in np.array_split(np.arange(rows), parts):
        held[ends[len(ends) - round(share * len(ends)) :]] = True
    return held
