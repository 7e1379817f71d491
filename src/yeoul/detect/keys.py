"""Which key has which slot, who was seen when, and who goes when the table is full."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["KeyTable"]

Ids = NDArray[np.int64]
Slots = NDArray[np.intp]

_NO_IDS = np.zeros(0, np.int64)
_NO_SLOTS = np.zeros(0, np.intp)


class KeyTable:
    """Keys are opaque non-negative ids. A slot is given again only after `remove`.

    >>> table = KeyTable()
    >>> table.add(np.array([70, 7]), at_us=0).tolist()
    [0, 1]
    >>> table.find(np.array([7, 8])).tolist()
    [1, -1]
    """

    def __init__(self) -> None:
        self._ids, self._at = _NO_IDS, _NO_SLOTS  # sorted by id
        self._free = _NO_SLOTS  # descending, so that the lowest is taken first
        self.alive = np.zeros(0, bool)
        """By slot: in use."""
        self.ids = _NO_IDS
        """By slot: the key; -1 where there is none."""
        self.seen_us = _NO_IDS
        """By slot: start of the last tick in which the key was present."""

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def capacity(self) -> int:
        """Slots that exist, in use or not."""
        return len(self.alive)

    def find(self, keys: Ids) -> Slots:
        """Slots of `keys`, -1 where unknown."""
        if not len(self._ids):
            return np.full(len(keys), -1, np.intp)
        at = np.minimum(np.searchsorted(self._ids, keys), len(self._ids) - 1)
        return np.where(self._ids[at] == keys, self._at[at], -1)

    def add(self, keys: Ids, at_us: int) -> Slots:
        """Give slots to keys that have none; returned in the order of `keys`."""
        count = len(keys)
        if count > len(self._free):
            self._enlarge(count - len(self._free))
        slots = self._free[::-1][:count].copy()
        self._free = self._free[: len(self._free) - count]
        self.alive[slots], self.ids[slots], self.seen_us[slots] = True, keys, at_us
        order = np.argsort(keys)
        where = np.searchsorted(self._ids, keys[order])
        self._ids = np.insert(self._ids, where, keys[order])
        self._at = np.insert(self._at, where, slots[order])
        return slots

    def remove(self, slots: Slots) -> None:
        """Free these slots."""
        self.alive[slots], self.ids[slots], self.seen_us[slots] = False, -1, 0
        stays = self.alive[self._at]
        self._ids, self._at = self._ids[stays], self._at[stays]
        self._free = np.sort(np.concatenate([self._free, slots]))[::-1].copy()

    def absent_longest(self, count: int) -> Slots:
        """The `count` keys that were seen longest ago; of equals the highest ids."""
        used = np.flatnonzero(self.alive)
        order = np.lexsort((-self.ids[used], self.seen_us[used]))
        return used[order[:count]]

    def _enlarge(self, more: int) -> None:
        old = self.capacity
        # An eighth of slack: growth stays rare and memory near what is used.
        new = old + max(more, old // 8, 64)
        self.alive = np.concatenate([self.alive, np.zeros(new - old, bool)])
        self.ids = np.concatenate([self.ids, np.full(new - old, -1, np.int64)])
        self.seen_us = np.concatenate([self.seen_us, np.zeros(new - old, np.int64)])
        self._free = np.concatenate([np.arange(new - 1, old - 1, -1, dtype=np.intp), self._free])

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(array.nbytes for array in (self._ids, self._at, self._free, self.alive, self.ids, self.seen_us))

    def snapshot(self) -> dict[str, Any]:
        """By slot: keys and when they were seen."""
        return {"ids": self.ids.copy(), "seen_us": self.seen_us.copy()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` gave."""
        self.ids, self.seen_us = np.array(state["ids"], np.int64), np.array(state["seen_us"], np.int64)
        self.alive = self.ids >= 0
        used = np.flatnonzero(self.alive)
        order = np.argsort(self.ids[used])
        self._ids, self._at = self.ids[used][order], used[order]
        self._free = np.flatnonzero(~self.alive)[::-1].copy()
