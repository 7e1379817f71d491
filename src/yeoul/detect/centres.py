"""Streaming k-means: centres seeded once by k-means++, then moved by every tick's vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Centres"]

_SEEDING_VECTORS = 512
_SEEDING_TICKS = 60
_A_TICK = 64
_BLOCK = 4096
_HEAVIEST = 1e5
"""Vectors a centre remembers: with more, old ones fade."""


class Centres:
    """k centres in `width` dimensions, the same for any order of the vectors.

    Seeding collects up to 512 vectors over at most 60 ticks, then draws k of them by D² sampling (Arthur and
    Vassilvitskii, 2007) with a fixed seed; until then one centre stands at the origin. From then on a tick moves
    every centre to the running mean of the vectors nearest to it (Sculley, "Web-scale k-means clustering", 2010).
    """

    def __init__(self, count: int, width: int, seed: int = 0) -> None:
        self._count, self._width, self._seed = count, width, seed
        self._centres = np.zeros((1, width))
        self._weights = np.ones(1)
        self._sample = np.zeros((0, width))
        self._ticks = 0
        self._seeded = False

    def nearest(self, vectors: NDArray[np.floating]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """For vectors (m, width): index of the nearest centre, and the distance to it."""
        at, distance = np.empty(len(vectors), np.intp), np.empty(len(vectors))
        squares = (self._centres**2).sum(axis=1)[None, :]
        # Block by block, so that what lies between fits into the processor's cache.
        for begin in range(0, len(vectors), _BLOCK):
            block = slice(begin, begin + _BLOCK)
            columns = vectors[block].T.astype(np.float64)
            won = np.argmin(squares - 2.0 * (columns.T @ self._centres.T), axis=1)
            # The distance itself without cancellation: only to the one centre that won.
            total = np.zeros(len(won))
            for column, centre in zip(columns, self._centres.T, strict=True):
                away = column - centre[won]
                total += away * away
            at[block], distance[block] = won, np.sqrt(total)
        return at, distance

    def learn(self, vectors: NDArray[np.floating], nearest: NDArray[np.intp]) -> None:
        """Move the centres by normal vectors and their `nearest` centre."""
        if not len(vectors):
            return
        if not self._seeded:
            self._collect(vectors.astype(np.float64))
            return
        count = np.bincount(nearest, minlength=len(self._centres)).astype(np.float64)
        total = np.stack(
            [np.bincount(nearest, weights=column, minlength=len(self._centres)) for column in vectors.T], axis=1
        )
        weights = self._weights + count
        self._centres = (self._centres * self._weights[:, None] + total) / weights[:, None]
        self._weights = np.minimum(weights, _HEAVIEST)

    def _collect(self, vectors: NDArray[np.float64]) -> None:
        self._ticks += 1
        ordered = vectors[np.lexsort(vectors.T)]
        step = max(1, len(ordered) // _A_TICK)
        self._sample = np.concatenate([self._sample, ordered[::step]])[:_SEEDING_VECTORS]
        if len(self._sample) < _SEEDING_VECTORS and self._ticks < _SEEDING_TICKS:
            return
        self._seed_centres()

    def _seed_centres(self) -> None:
        rng = np.random.default_rng(self._seed)
        chosen = [np.zeros(self._width)]
        for _ in range(self._count - 1):
            squares = np.min([((self._sample - centre) ** 2).sum(axis=1) for centre in chosen], axis=0)
            reached = np.cumsum(squares)
            if reached[-1] <= 0:
                break
            chosen.append(self._sample[int(np.searchsorted(reached, rng.random() * reached[-1], side="right"))])
        self._centres = np.stack(chosen)
        self._weights = np.full(len(chosen), len(self._sample) / len(chosen))
        self._sample = np.zeros((0, self._width))
        self._seeded = True

    def snapshot(self) -> dict[str, Any]:
        """Centres, their weights, and the sample while it is being collected."""
        return {
            "centres": self._centres.copy(),
            "weights": self._weights.copy(),
            "sample": self._sample.copy(),
            "ticks": self._ticks,
            "seeded": self._seeded,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` gave."""
        self._centres = np.array(state["centres"], np.float64)
        self._weights = np.array(state["weights"], np.float64)
        self._sample = np.array(state["sample"], np.float64)
        self._ticks = int(state["ticks"])
        self._seeded = bool(state["seeded"])
