"""The last 60 ticks of every key: what was observed and what was expected, as a ring."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.slots import SlotArrays

__all__ = ["TICKS", "History"]

Floats = NDArray[np.float64]

TICKS = 60
_COLUMNS = 4
_FARTHEST = float(np.finfo(np.float32).max)


class History:
    """Four float32 columns (observed, expected, lower, upper) a tick and slot: 960 bytes a key."""

    def __init__(self) -> None:
        self._slots = SlotArrays({"ring": ("f4", np.nan, TICKS * _COLUMNS)})
        self._at_us = np.full(TICKS, -1, np.int64)
        self._next = 0

    def grow(self, size: int) -> None:
        """Make room for `size` slots."""
        self._slots.grow(size)

    def push(self, at_us: int, observed: Floats, expected: Floats, lower: Floats, upper: Floats) -> None:
        """Add a tick in place of the oldest one."""
        row = self._next * _COLUMNS
        ring = self._slots["ring"]
        for i, column in enumerate((observed, expected, lower, upper)):
            ring[row + i] = np.clip(column, -_FARTHEST, _FARTHEST)
        self._at_us[self._next] = at_us
        self._next = (self._next + 1) % TICKS

    def skip(self, start_us: int, end_us: int, width_us: int) -> None:
        """Add ticks of which nothing is known; only the last 60 are written."""
        first = max(start_us, end_us - TICKS * width_us)
        for at_us in range(first, end_us, width_us):
            row = self._next * _COLUMNS
            self._slots["ring"][row : row + _COLUMNS] = np.nan
            self._at_us[self._next] = at_us
            self._next = (self._next + 1) % TICKS

    def of(self, slot: int) -> Floats:
        """Rows (at_us, observed, expected, lower, upper) of a slot, oldest first, without empty ticks."""
        order = (self._next + np.arange(TICKS)) % TICKS
        columns = self._slots["ring"][:, slot].reshape(TICKS, _COLUMNS)[order].astype(np.float64)
        at_us = self._at_us[order]
        use = (at_us >= 0) & ~np.isnan(columns).all(axis=1)
        return np.column_stack([at_us[use].astype(np.float64), columns[use]])

    def last(self, slots: NDArray[np.intp]) -> Floats:
        """The last tick of these slots, shape (n, 4); -1 gives NaN."""
        row = (self._next - 1) % TICKS * _COLUMNS
        ring = self._slots["ring"]
        if not ring.shape[1]:
            return np.full((len(slots), _COLUMNS), np.nan)
        values = ring[row : row + _COLUMNS, slots].T.astype(np.float64)
        values[slots < 0] = np.nan
        return values

    def forget(self, slots: NDArray[np.intp]) -> None:
        """Drop these slots' ticks."""
        self._slots.forget(slots)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._slots.nbytes

    def snapshot(self) -> dict[str, Any]:
        """The ring."""
        return {"ring": self._slots.snapshot(), "at_us": self._at_us.copy(), "next": self._next}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` gave."""
        self._slots.restore(state["ring"])
        self._at_us = np.array(state["at_us"], np.int64)
        self._next = int(state["next"])
