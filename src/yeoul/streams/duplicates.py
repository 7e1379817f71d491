"""Event ids that were counted in windows that can still change: their repeats are duplicates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["EventIds"]


class EventIds:
    """Ids by the time until which their window can change.

    >>> ids = EventIds()
    >>> ids.first(["a", "b", "a"], np.array([10, 10, 10])).tolist()
    [True, True, False]
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._until: dict[int, list[str]] = {}
        self._fresh: dict[int, list[str]] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def first(self, ids: Sequence[str], until_us: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each row is the first with its id; remembers those until `until_us`. O(n)."""
        fresh = np.ones(len(ids), bool)
        seen = self._seen
        for index, (event_id, until) in enumerate(zip(ids, until_us.tolist(), strict=True)):
            if event_id in seen:
                fresh[index] = False
            else:
                seen.add(event_id)
                self._fresh.setdefault(until, []).append(event_id)
        return fresh

    def expire(self, watermark_us: int) -> bool:
        """Forget ids whose window cannot change any more; whether there were any."""
        gone = False
        for bucket in (self._until, self._fresh):
            for until in [until for until in bucket if until <= watermark_us]:
                self._seen.difference_update(bucket.pop(until))
                gone = True
        return gone

    def take_new(self) -> dict[int, list[str]]:
        """Ids since the last call, by the time until which they count: they go into the next checkpoint."""
        fresh, self._fresh = self._fresh, {}
        for until, ids in fresh.items():
            self._until.setdefault(until, []).extend(ids)
        return fresh

    def restore(self, until_us: int, ids: list[str]) -> None:
        """Take over what a state file holds."""
        self._seen.update(ids)
        self._until.setdefault(until_us, []).extend(ids)
