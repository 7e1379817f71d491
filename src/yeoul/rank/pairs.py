"""Slots for pairs of ids: an open-addressing hash table in NumPy; ten thousand look-ups cost about a millisecond."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["PairSlots"]

_FREE = -1
_SCOPE_MIX = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def _hash(scope: NDArray[np.int64], key: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele, Lea and Flood, 2014) over both ids."""
    mixed = scope.view(np.uint64) * _SCOPE_MIX + key.view(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX_1
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_2
    return mixed ^ (mixed >> np.uint64(31))


class PairSlots:
    """Numbers 0 to n - 1 for n pairs (scope, key), given as pairs are first seen.

    24 to 40 bytes a pair. Nothing is removed one by one: `kept` renumbers what stays.

    >>> slots = PairSlots()
    >>> slots.take(np.array([5, 5, 7]), np.array([1, 1, 1]))
    array([0, 0, 1])
    >>> slots.find(np.array([7, 8]), np.array([1, 1]))
    array([ 1, -1])
    """

    def __init__(self) -> None:
        self._table = np.full(1024, _FREE, np.int32)
        self._scope = np.empty(512, np.int64)
        self._key = np.empty(512, np.int64)
        self._n = 0

    @classmethod
    def of(cls, scope: NDArray[np.int64], key: NDArray[np.int64]) -> PairSlots:
        """Pair i has slot i; the pairs are distinct."""
        slots = cls()
        if len(key):
            slots._scope, slots._key, slots._n = scope.copy(), key.copy(), len(key)
            slots._rehash(len(key))
        return slots

    def __len__(self) -> int:
        return self._n

    @property
    def scope(self) -> NDArray[np.int64]:
        """Scope of each slot, length n."""
        return self._scope[: self._n]

    @property
    def key(self) -> NDArray[np.int64]:
        """Key of each slot, length n."""
        return self._key[: self._n]

    def find(self, scope: NDArray[np.int64], key: NDArray[np.int64]) -> NDArray[np.intp]:
        """The slot of each pair, -1 where it has none."""
        return self._walk(scope, key, insert=False)

    def take(self, scope: NDArray[np.int64], key: NDArray[np.int64]) -> NDArray[np.intp]:
        """The slot of each pair; a pair that has none gets the next."""
        self._reserve(self._n + len(key))
        return self._walk(scope, key, insert=True)

    def kept(self, stays: NDArray[np.bool_]) -> PairSlots:
        """Without the slots where `stays` is false; the others move up in order."""
        return PairSlots.of(self.scope[stays], self.key[stays])

    def _reserve(self, n: int) -> None:
        """Room for n pairs with the table at most half full."""
        if n > len(self._scope):
            grown = max(n, len(self._scope) * 3 // 2)
            self._scope = np.concatenate([self.scope, np.empty(grown - self._n, np.int64)])
            self._key = np.concatenate([self.key, np.empty(grown - self._n, np.int64)])
        if 2 * n > len(self._table):
            self._rehash(n)

    def _rehash(self, n: int) -> None:
        """A table for n pairs with the present ones in it."""
        self._table = np.full(1 << (4 * n - 1).bit_length() - 1, _FREE, np.int32)
        mask = np.uint64(len(self._table) - 1)
        cell = (_hash(self.scope, self.key) & mask).astype(np.intp)
        todo = np.arange(self._n, dtype=np.int32)
        while todo.size:
            free = self._table[cell] == _FREE
            self._table[cell[free]] = todo[free]
            unplaced = self._table[cell] != todo  # taken before, or by another of these
            todo, cell = todo[unplaced], (cell[unplaced] + 1) & int(mask)

    def _walk(self, scope: NDArray[np.int64], key: NDArray[np.int64], *, insert: bool) -> NDArray[np.intp]:
        scope, key = np.ascontiguousarray(scope, np.int64), np.ascontiguousarray(key, np.int64)
        mask = len(self._table) - 1
        found = np.full(len(key), _FREE, np.intp)
        todo = np.arange(len(key))
        cell = (_hash(scope, key) & np.uint64(mask)).astype(np.intp)
        while todo.size:
            slot = self._table[cell]
            free = slot == _FREE
            hit = ~free & (self._scope[slot] == scope[todo]) & (self._key[slot] == key[todo])
            if insert and free.any():
                # of several equal pairs that want one cell the last writer stands; the others find it in the next round
                self._table[cell[free]] = todo[free]
                won = free & (self._table[cell] == todo)
                self._give(cell[won], scope[todo[won]], key[todo[won]])
                slot, hit = self._table[cell], hit | won
            found[todo[hit]] = slot[hit]
            open_ = ~hit & (~free | insert)
            step = (open_ & ~free).astype(np.intp)
            todo, cell = todo[open_], (cell[open_] + step[open_]) & mask
        return found

    def _give(self, cell: NDArray[np.intp], scope: NDArray[np.int64], key: NDArray[np.int64]) -> None:
        end = self._n + len(cell)
        self._scope[self._n : end] = scope
        self._key[self._n : end] = key
        self._table[cell] = np.arange(self._n, end)
        self._n = end
