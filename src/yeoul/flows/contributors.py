"""Which parts of an abnormal key carry the deviation: its titles now against its titles in the minutes before."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.contract import LARGEST_VALUE
from yeoul.flows.ids import KeyIds
from yeoul.streams.keys import KeyTable

__all__ = ["Breakdown", "Piece"]

_WINDOWS = 30
_MOST = 10


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a key's value."""

    key: dict[str, str]
    observed: float
    expected: float
    """Mean over the windows before in which the key was not alarmed."""
    share: float
    """Of the key's whole deviation, in [0, 1]."""


@dataclass(slots=True)
class _Window:
    start_us: int
    owner: NDArray[np.int64]
    part: NDArray[np.int64]
    value: NDArray[np.float64]
    full: bool = True


class Breakdown:
    """The last windows of a stream by watched key and the keys below it; asked only about alarmed ones.

    Memory: 24 bytes for each group of the last 30 windows.
    """

    def __init__(self, fields: Sequence[str], tables: dict[str, KeyTable]) -> None:
        self.ids = KeyIds(fields, tables)
        self._windows: deque[_Window] = deque(maxlen=_WINDOWS + 1)
        self._alarmed: dict[int, deque[int]] = {}

    def push(
        self,
        start_us: int,
        owner: NDArray[np.int64],
        part: NDArray[np.int64],
        value: NDArray[np.float64],
        *,
        full: bool = True,
    ) -> None:
        """Take a closed window: n groups, the number of the watched key of each, of the part, and the value.

        One that is not `full` (partly covered) lacks parts: it is kept until the next one, and is no measure of what
        is usual.
        """
        if self._windows and not self._windows[-1].full:
            self._windows.pop()
        order = np.argsort(owner, kind="stable")
        # bounded as the watch bounds it, so that their sum is a number
        self._windows.append(
            _Window(start_us, owner[order], part[order], np.minimum(value[order], LARGEST_VALUE), full)
        )

    def mark(self, key: int, start_us: int) -> None:
        """The key was alarmed in this window: it is no measure of what is normal."""
        self._alarmed.setdefault(key, deque(maxlen=_WINDOWS + 1)).append(start_us)

    def pieces(self, key: int, start_us: int) -> tuple[list[Piece], int, float]:
        """Largest contributors of the window that starts then, how many parts it has, and how many there are usually.

        Where it is not the newest one it had no rows: no part has anything.
        """
        return self._contrast(start_us, key, lambda window: self._of(window, key))

    def shared(self, keys: NDArray[np.int64], key: int, start_us: int) -> list[Piece]:
        """As `pieces`, of all these keys together; `key` is what their alarms were marked with. O(groups kept)."""
        return self._contrast(start_us, key, lambda window: self._of_all(window, keys))[0]

    def _contrast(
        self, start_us: int, key: int, of: Callable[[_Window], dict[int, float]]
    ) -> tuple[list[Piece], int, float]:
        odd = {start_us, *self._alarmed.get(key, ())}
        now: dict[int, float] = {}
        if self._windows and self._windows[-1].start_us == start_us:
            now = of(self._windows[-1])
        before = [of(window) for window in self._windows if window.full and window.start_us not in odd]
        usual: dict[int, float] = {}
        for window in before:
            for part, value in window.items():
                usual[part] = usual.get(part, 0.0) + value / len(before)
        change = {part: now.get(part, 0.0) - usual.get(part, 0.0) for part in {*now, *usual}}
        whole = sum(change.values())
        same = {part: delta for part, delta in change.items() if delta * whole > 0}
        total = sum(abs(delta) for delta in same.values()) or 1.0
        ranked = sorted(same, key=lambda part: (-abs(same[part]), self.ids.texts(part)))[:_MOST]
        pieces = [
            Piece(self.ids.key(part), now.get(part, 0.0), usual.get(part, 0.0), min(1.0, abs(same[part]) / total))
            for part in ranked
        ]
        return pieces, len(now), sum(len(window) for window in before) / max(1, len(before))

    @staticmethod
    def _of(window: _Window, key: int) -> dict[int, float]:
        first, last = np.searchsorted(window.owner, [key, key + 1])
        found: dict[int, float] = {}
        for part, value in zip(window.part[first:last].tolist(), window.value[first:last].tolist(), strict=True):
            found[part] = found.get(part, 0.0) + value
        return found

    @staticmethod
    def _of_all(window: _Window, keys: NDArray[np.int64]) -> dict[int, float]:
        meant = np.isin(window.owner, keys)
        parts, at = np.unique(window.part[meant], return_inverse=True)
        sums = np.bincount(at, weights=window.value[meant], minlength=len(parts))
        return dict(zip(parts.tolist(), sums.tolist(), strict=True))

    def forget(self) -> None:
        """Drop names of parts that no kept window has, and marks that are out of reach."""
        kept = [window.part for window in self._windows]
        self.ids.forget_all_but(np.unique(np.concatenate(kept)) if kept else np.zeros(0, np.int64))
        oldest = self._windows[0].start_us if self._windows else 0
        self._alarmed = {key: marks for key, marks in self._alarmed.items() if marks and marks[-1] >= oldest}

    def snapshot(self) -> dict[str, Any]:
        """State as plain members and arrays."""
        return {
            "ids": self.ids.snapshot(),
            "windows": [[each.start_us, each.owner, each.part, each.value, each.full] for each in self._windows],
            "alarmed": [[key, list(marks)] for key, marks in self._alarmed.items()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where `snapshot` was taken."""
        self.ids.restore(state["ids"])
        # the first release did not say whether a window was full
        self._windows = deque((_Window(*each) for each in state["windows"]), maxlen=_WINDOWS + 1)
        self._alarmed = {key: deque(marks, maxlen=_WINDOWS + 1) for key, marks in state["alarmed"]}
