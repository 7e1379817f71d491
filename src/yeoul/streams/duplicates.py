"""Event ids that were counted in windows that can still change: their repeats are duplicates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["EventIds"]


class EventIds:
    """Ids by the time until which their window can change.

    >>> ids = EventIds()
    >>> ids.first(["a", "b", "a", "a"], np.array([10, 10, 10, 40]), np.array([0, 0, 9, 10])).tolist()
    [True, True, False, True]
    """

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._until: dict[int, list[str]] = {}
        self._fresh: dict[int, list[str]] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def first(
        self, ids: Sequence[str], until_us: NDArray[np.int64], watermark_us: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Whether each row is the first with its id; remembers those until `until_us`. O(n).

        `watermark_us` is the watermark of the row's own split before it. What counts is whether an id's window could
        change by then, not whether `expire` came by already: that depends on the sizes of the batches.
        """
        fresh = np.ones(len(ids), bool)
        seen = self._seen
        rows = zip(ids, until_us.tolist(), watermark_us.tolist(), strict=True)
        for index, (event_id, until, watermark) in enumerate(rows):
            if event_id in seen and seen[event_id] > watermark:
                fresh[index] = False
            else:
                seen[event_id] = until
                self._fresh.setdefault(until, []).append(event_id)
        return fresh

    def expire(self, watermark_us: int) -> bool:
        """Forget ids whose window cannot change any more; whether there were any."""
        gone = False
        for bucket in (self._until, self._fresh):
            for until in [until for until in bucket if until <= watermark_us]:
                for event_id in bucket.pop(until):
                    if self._seen.get(event_id) == until:  # otherwise it was seen again, in a later window
                        del self._seen[event_id]
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
        for event_id in ids:
            self._seen[event_id] = max(until_us, self._seen.get(event_id, until_us))
        self._until.setdefault(until_us, []).extend(ids)
