"""Plain counts over the last hour (or another span), kept in twelve steps so that late revisions find their place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["STEPS", "RecentCounts"]

STEPS = 12
"""Parts of the span: it moves on by a twelfth at a time."""


class RecentCounts:
    """Per slot, the sum of counts whose window ended within the span before the newest moment.

    The span is the twelfth of it that is running and the eleven before, aligned to 1970: at a whole hour, for a span of
    one hour, exactly the hour before. Exact for whole counts. Memory: 12 bytes for each slot counted in a twelfth.
    """

    def __init__(self, span_us: int) -> None:
        self._step_us = span_us // STEPS
        self._newest: int | None = None
        self._steps: dict[int, list[tuple[NDArray[np.int32], NDArray[np.float64]]]] = {}
        self._total = np.zeros(0)

    def resize(self, n: int) -> None:
        """Have at least n slots; new ones are zero."""
        if n > len(self._total):
            grown = max(n, len(self._total) * 3 // 2)
            self._total = np.concatenate([self._total, np.zeros(grown - len(self._total))])

    def add(self, slots: NDArray[np.intp], counts: NDArray[np.float64], at_us: int) -> None:
        """Add to slots, no slot named twice; what has left the span already is ignored."""
        self.advance(at_us)
        assert self._newest is not None
        step = self._step_of(at_us)
        if step > self._newest - STEPS:
            self._total[slots] += counts
            self._steps.setdefault(step, []).append((slots.astype(np.int32), counts))

    def advance(self, at_us: int) -> None:
        """Let the span end at this moment, if it is later than any before."""
        step = self._step_of(at_us)
        if self._newest is None:
            self._newest = step
        if step <= self._newest:
            return
        self._merge(self._newest)
        self._newest = step
        for old in [old for old in self._steps if old <= step - STEPS]:
            for slots, counts in self._steps.pop(old):
                self._total[slots] -= counts

    def value(self, slots: NDArray[np.intp] | slice = slice(None)) -> NDArray[np.float64]:
        """Counts of the span."""
        return self._total[slots]

    def keep(self, stays: NDArray[np.bool_]) -> None:
        """Drop the slots where `stays` is false; the others move up."""
        moved = np.cumsum(stays, dtype=np.int32) - 1
        self._total = self._total[: len(stays)][stays]
        for step, chunks in self._steps.items():
            kept = [(slots, counts, stays[slots]) for slots, counts in chunks]
            self._steps[step] = [(moved[slots[stay]], counts[stay]) for slots, counts, stay in kept]

    def _step_of(self, at_us: int) -> int:
        return (at_us - 1) // self._step_us  # a window that ends with a step belongs to it

    def _merge(self, step: int) -> None:
        """One chunk for a step that is over."""
        chunks = self._steps.get(step, [])
        if len(chunks) > 1:
            slots = np.concatenate([slots for slots, _ in chunks])
            sums = np.bincount(slots, np.concatenate([counts for _, counts in chunks])).astype(np.float64, copy=False)
            used = np.flatnonzero(sums)
            self._steps[step] = [(used.astype(np.int32), sums[used])]

    def snapshot(self, n: int) -> dict[str, Any]:
        """The state of the first n slots."""
        for step in self._steps:
            self._merge(step)
        steps = [
            {"step": step, "slots": chunks[0][0], "counts": chunks[0][1]}
            for step, chunks in sorted(self._steps.items())
            if chunks
        ]
        return {"newest": self._newest, "total": self._total[:n].copy(), "steps": steps}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where `snapshot` was taken."""
        self._newest, self._total = state["newest"], state["total"].copy()
        self._steps = {part["step"]: [(part["slots"], part["counts"])] for part in state["steps"]}
