"""What is usual at this time of day: for each column the median of earlier days, followed as they pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["DailyProfile"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DAY_US = 86_400_000_000
_SLOTS = 48
_LEAST_SLOTS = 4
_LEAST_DAYS = 2


class DailyProfile:
    """Expected values of a table's rows, by the rows of earlier days only.

    A day is cut into 48 slots (fewer when rows are more than half an hour apart). A slot's expectation is the median,
    over the last `days` days, of its mean on each; between slots it is interpolated. Where that predicts
    the rows of `fit` no better than the median of those days without regard to time, the latter is taken, column by
    column. Days in `fit` that have too few days before them are held against the first ones instead.

    >>> hours = np.arange(24 * 8)
    >>> rows = 10.0 + 5.0 * np.sin(hours * np.pi / 12.0)[:, None]
    >>> profile = DailyProfile(days=28).fit(rows, hours * 3_600_000_000)
    >>> bool(np.abs(profile.expected(rows, hours * 3_600_000_000, 24 * 7) - rows[24 * 7 :]).max() < 0.1)
    True
    """

    def __init__(self, days: int) -> None:
        self._days = days
        self._slots = 0
        self._first: Floats = np.zeros((1, 0))
        self._first_level: Floats = np.zeros(0)
        self._seasonal: NDArray[np.bool_] = np.zeros(0, bool)
        self._until_day = 0
        self._middle = 0.5

    def fit(self, values: Floats, at_us: Ints | None) -> DailyProfile:
        """Learn from rows of shape (n, d) what the first days were like, and which columns have a daily rhythm."""
        rows, width = values.shape
        self._seasonal = np.zeros(width, bool)
        self._slots, self._until_day = 0, 0
        self._first_level = _median(values)
        if at_us is None or rows < 2:
            return self
        step = max(1.0, float(np.median(np.diff(at_us))))
        slots = int(min(_SLOTS, _DAY_US // step))
        if slots < _LEAST_SLOTS or at_us[-1] - at_us[0] + step < _LEAST_DAYS * _DAY_US:
            return self
        self._slots = slots
        # Rows at full hours stand for the beginning of their slot, rows a second apart for its middle.
        self._middle = float(np.mean(_slot_of(at_us, slots) % 1.0))
        cells, day0 = self._cells(values, at_us)
        first = cells[: self._least(len(cells))]
        self._until_day = day0 + self._least(len(cells))
        self._first_level = _or(_median(first.reshape(-1, width)), self._first_level)
        self._first = _or(_median(first), self._first_level[None, :])
        seasonal, level = self._both(values, at_us, 0)
        # Judged where earlier days were all there was to go by, if there are such rows.
        causal = at_us // _DAY_US >= self._until_day
        causal = causal if causal.sum() * 4 >= rows else np.ones(rows, bool)
        with np.errstate(invalid="ignore"):
            by_season = np.nanmean(np.abs(_known(values - seasonal)[causal]), axis=0)
            by_level = np.nanmean(np.abs(_known(values - level)[causal]), axis=0)
        self._seasonal = by_season < by_level
        return self

    def expected(self, values: Floats, at_us: Ints | None, start: int) -> Floats:
        """What rows `start` and later should be, shape (n - start, d); never NaN."""
        if at_us is None or not self._slots:
            return np.broadcast_to(self._first_level, (len(values) - start, values.shape[1])).copy()
        seasonal, level = self._both(values, at_us, start)
        return np.where(self._seasonal, seasonal, level)

    def _least(self, days: int) -> int:
        """Fewest days that say what is usual."""
        return int(np.clip(days // 4, _LEAST_DAYS, 7))

    def _both(self, values: Floats, at_us: Ints, start: int) -> tuple[Floats, Floats]:
        """Expectations of rows `start` and later with and without regard to the time of day."""
        day = at_us[start:] // _DAY_US
        cells, day0 = self._cells(values, at_us)
        seasonal = np.empty((len(day), values.shape[1]))
        level = np.empty_like(seasonal)
        for today in np.unique(day):
            here = np.flatnonzero(day == today)
            profile, middle = self._first, self._first_level
            if today >= self._until_day:
                past = cells[max(0, today - day0 - self._days) : today - day0]
                if len(past) and np.isfinite(past).any():
                    middle = _or(_median(past.reshape(-1, past.shape[2])), middle)
                    profile = _or(_median(past), middle[None, :])
            seasonal[here] = _between(profile, _slot_of(at_us[start:][here], self._slots) - self._middle)
            level[here] = middle
        return seasonal, level

    def _cells(self, values: Floats, at_us: Ints) -> tuple[Floats, int]:
        """Mean of each slot of each day, shape (days, slots, d), NaN where nothing is; and the first day's number."""
        day = at_us // _DAY_US
        first = int(day[0])
        days, width = int(day[-1]) - first + 1, values.shape[1]
        cell = ((day - first) * self._slots + (at_us % _DAY_US) * self._slots // _DAY_US).astype(np.intp)
        size = days * self._slots
        means = np.full((size, width), np.nan)
        for column in range(width):
            known = np.isfinite(values[:, column])
            count = np.bincount(cell[known], minlength=size)
            total = np.bincount(cell[known], weights=values[known, column], minlength=size)
            means[count > 0, column] = total[count > 0] / count[count > 0]
        return means.reshape(days, self._slots, width), first


def _slot_of(at_us: Ints, slots: int) -> Floats:
    """Time of day in slots."""
    return np.asarray((at_us % _DAY_US).astype(np.float64) * (slots / _DAY_US))


def _between(profile: Floats, at: Floats) -> Floats:
    """Interpolated between slots, around midnight too; `at` in slots."""
    slots = len(profile)
    below = np.floor(at)
    share = (at - below)[:, None]
    low = below.astype(np.intp) % slots
    return np.asarray(profile[low] * (1.0 - share) + profile[(low + 1) % slots] * share)


def _median(values: Floats) -> Floats:
    """Median over the first axis of what is known, NaN where nothing is."""
    if np.isfinite(values).all():
        return np.asarray(np.median(values, axis=0)) if len(values) else np.full(values.shape[1:], np.nan)
    ordered = np.sort(values, axis=0)
    count = np.isfinite(values).sum(axis=0)
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    high = np.minimum(high, np.maximum(count - 1, 0))
    pair = np.stack([low, high])
    return np.asarray(np.take_along_axis(ordered, pair, axis=0).mean(axis=0))


def _or(values: Floats, instead: Floats) -> Floats:
    """The values, and `instead` where there are none; 0 where there is neither."""
    return np.nan_to_num(np.where(np.isfinite(values), values, instead), nan=0.0)


def _known(values: Floats) -> Floats:
    """Rows with what is missing taken as exactly met, so that a column without values has a mean."""
    return np.where(np.isfinite(values), values, 0.0)
