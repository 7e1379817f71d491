"""Per-key state of a detector: named arrays with one element a key slot, which grow and are cleared together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.errors import StateError

__all__ = ["SlotArrays", "parts"]

_PART = 8192
_SPARE = 8
"""One slot in so many is room for those to come."""


class SlotArrays:
    """Arrays of one length; those with `rows` have shape (rows, n), so that one row is one contiguous column of keys.

    >>> slots = SlotArrays({"level": ("f8", 0.0, 0), "lag": ("f4", np.nan, 2)})
    >>> slots.grow(3)
    >>> slots["lag"].shape
    (2, 3)
    """

    def __init__(self, fields: dict[str, tuple[str, float, int]]) -> None:
        """Fields: name to (NumPy type, value of an unused slot, rows; 0 = one-dimensional)."""
        self._fields = fields
        self._arrays: dict[str, NDArray[Any]] = {
            name: np.full((rows, 0) if rows else 0, fill, dtype) for name, (dtype, fill, rows) in fields.items()
        }
        self._roomy = self._arrays
        """What the arrays are the beginning of, with room for slots to come."""
        self.size = self._room = 0

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name]

    def part(self, part: slice) -> dict[str, NDArray[Any]]:
        """These slots of all arrays, to read and to write into."""
        return {name: array[..., part] for name, array in self._arrays.items()}

    def grow(self, size: int) -> None:
        """Make room for `size` slots; never shrinks."""
        if size <= self.size:
            return
        if size > self._room:
            # a service's new keys come with every window: what is known is not to be copied each time
            self._room = size + size // _SPARE
            self._roomy = {name: self._roomier(name) for name in self._fields}
        self._arrays = {name: array[..., :size] for name, array in self._roomy.items()}
        self.size = size

    def _roomier(self, name: str) -> NDArray[Any]:
        dtype, fill, rows = self._fields[name]
        grown = np.full((rows, self._room) if rows else self._room, fill, dtype)
        grown[..., : self.size] = self._arrays[name]
        return grown

    def forget(self, slots: NDArray[np.intp]) -> None:
        """Put these slots back to their unused value; slots past the end hold nothing yet."""
        inside = slots[slots < self.size]
        for name, (_, fill, _) in self._fields.items():
            self._arrays[name][..., inside] = fill

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(array.nbytes for array in self._roomy.values())

    def snapshot(self) -> dict[str, Any]:
        """A copy of all arrays."""
        return {name: array.copy() for name, array in self._arrays.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` gave.

        Raises:
            StateError: the state was made by a detector with other fields.
        """
        if set(state) != set(self._fields):
            message = f"kept detector state has fields `{sorted(state)}`, legal: {sorted(self._fields)}; start it anew"
            raise StateError(message)
        self._arrays = {name: np.array(state[name], dtype) for name, (dtype, _, _) in self._fields.items()}
        self._roomy = self._arrays
        self.size = self._room = next(iter(self._arrays.values())).shape[-1]


def parts(size: int) -> Iterator[slice]:
    """All of `size` slots, in parts that fit into a processor's cache with everything that is computed of them."""
    for begin in range(0, size, _PART):
        yield slice(begin, min(begin + _PART, size))
