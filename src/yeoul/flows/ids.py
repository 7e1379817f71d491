"""Numbers for the keys that a detector or ranking sees, given in an order that depends on the windows alone.

The codes of a stream's keys are handed out as rows arrive, so with several splits they depend on reading speed. Sums of
floats depend on order; results must not. Here a window's new keys get their numbers in the order of their texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.streams.keys import KeyTable

__all__ = ["KeyIds"]


class KeyIds:
    """Numbers for combinations of some key fields of a stream.

    >>> titles = KeyTable()
    >>> codes = titles.encode(["z", "a", "z"])
    >>> ids = KeyIds(("title",), {"title": titles})
    >>> ids.of([codes]).tolist(), ids.texts(1)
    ([1, 0, 1], ('z',))
    """

    def __init__(self, fields: Sequence[str], tables: dict[str, KeyTable]) -> None:
        self.fields = tuple(fields)
        self._tables = [tables[name] for name in self.fields]
        self._texts: dict[int, tuple[str, ...]] = {}
        self._ids: dict[tuple[str, ...], int] = {}
        self._by_code: dict[tuple[int, ...], int] = {}
        self._of_one = np.full(0, -1, np.int64)
        """With a single field: number by code."""
        self._next = 0

    def __len__(self) -> int:
        return len(self._ids)

    def of(self, codes: Sequence[NDArray[np.int32]]) -> NDArray[np.int64]:
        """The number of each of n combinations, one array of codes a field. O(n), O(n log n) with several fields."""
        if not codes:
            return np.zeros(0, np.int64)
        if len(codes) > 1:
            combined, inverse = np.unique(np.stack(codes, axis=1), axis=0, return_inverse=True)
            return self._look_up([tuple(row) for row in combined.tolist()])[inverse.reshape(-1)]
        most = int(codes[0].max(initial=-1)) + 1
        if most > len(self._of_one):
            self._of_one = np.concatenate((self._of_one, np.full(most, -1, np.int64)))
        numbers = self._of_one[codes[0]]
        if (numbers < 0).any():
            fresh = np.unique(codes[0][numbers < 0])
            self._of_one[fresh] = self._look_up([(code,) for code in fresh.tolist()])
            numbers = self._of_one[codes[0]]
        return numbers

    def _look_up(self, combined: list[tuple[int, ...]]) -> NDArray[np.int64]:
        known = self._by_code
        fresh = [code for code in combined if code not in known]
        if fresh:
            self._number(fresh)
        return np.fromiter((known[code] for code in combined), np.int64, len(combined))

    def _number(self, fresh: list[tuple[int, ...]]) -> None:
        named = sorted(
            (tuple(table.text(one) for table, one in zip(self._tables, code, strict=True)), code) for code in fresh
        )
        for texts, code in named:
            number = self._ids.get(texts)
            if number is None:
                number = self._ids[texts] = self._next
                self._texts[number] = texts
                self._next += 1
            self._by_code[code] = number

    @property
    def next(self) -> int:
        """The number that the next new key gets."""
        return self._next

    def since(self, number: int) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Keys with this number or a higher one, and their texts."""
        return ((each, texts) for each, texts in self._texts.items() if each >= number)

    def texts(self, number: int) -> tuple[str, ...]:
        """The key texts of a number."""
        return self._texts[number]

    def number(self, texts: tuple[str, ...]) -> int | None:
        """The number of key texts, if they have one."""
        return self._ids.get(texts)

    def names(self, numbers: NDArray[np.int64]) -> list[str]:
        """One text for each number, to order by."""
        return ["\x1f".join(self._texts[number]) for number in numbers.tolist()]

    def key(self, number: int) -> dict[str, str]:
        """The key as a member a field."""
        return dict(zip(self.fields, self._texts[number], strict=True))

    def forget_all_but(self, numbers: NDArray[np.int64]) -> None:
        """Drop what nobody refers to any more; numbers are not used again."""
        keep = set(numbers.tolist())
        gone = [number for number in self._texts if number not in keep]
        for number in gone:
            del self._ids[self._texts.pop(number)]
        self._by_code = {code: number for code, number in self._by_code.items() if number in keep}
        self._of_one = np.full(0, -1, np.int64)

    def snapshot(self) -> dict[str, Any]:
        """State as plain members."""
        return {
            "next": self._next,
            "numbers": list(self._texts),
            "texts": [list(each) for each in self._texts.values()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where `snapshot` was taken."""
        self._next = state["next"]
        self._texts = {number: tuple(texts) for number, texts in zip(state["numbers"], state["texts"], strict=True)}
        self._ids = {texts: number for number, texts in self._texts.items()}
        self._by_code = {}
