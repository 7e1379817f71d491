"""The last values of the largest keys, for detectors that need more of a key than a service has room for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.calibrate import TailCalibrator
from yeoul.detect.contract import LARGEST_VALUE, Judgement, Tick
from yeoul.detect.slots import SlotArrays

__all__ = ["LargestKeys"]

Floats = NDArray[np.float64]

_SIZE = 1.0 - 1.0 / 360.0
_CHOSEN_EVERY = 60
_TIMES_LARGER = 2.0
_FARTHEST = 6.0
"""A value enters the history at most so many spreads from what was expected: a spike does not bend it, a shift does."""
_FARTHEST_LEARNT = 25.0
_SPREAD = 1.0 - 1.0 / 120.0
_LEAST_SPREAD = 1e-6
_TO_DEVIATION = 1.2533141373155001
_Z99 = 2.5758293035489004
_TRUSTED = 60.0
_ODD, _LEAK = 1e-5, 0.02
_ODD_MEMORY, _ODD_SHARE = 1.0 - 1.0 / 500.0, 0.01
"""Where more than one in a hundred has long been that odd it is no incident: it is how these keys are."""


class LargestKeys:
    """A ring of the last `window` values of up to `most` keys; their scores are calibrated together.

    A key is followed while there is room. Once there is none, the keys are chosen anew each 60 ticks by their size
    (mean absolute value, time constant 360 ticks): the largest key outside takes the place of the smallest one inside
    if it is twice as large. All others get p = 1 and confidence 0. O(n) a tick for the sizes and O(most x window) else.
    Built on by detectors, which tell what is expected and how odd a value is (`expect`, `oddness`).
    """

    name: str

    def __init__(self, window: int, most: int, prior_scores: Floats) -> None:
        self._window, self._most = window, most
        self._sizes = SlotArrays({"size": ("f4", 0.0, 0), "seen": ("f4", 0.0, 0), "row": ("i4", -1, 0)})
        self._rings = SlotArrays(
            {
                "ring": ("f8", np.nan, window),
                "slot": ("i8", -1, 0),
                "seen": ("f8", 0.0, 0),
                "spread": ("f8", 0.0, 0),
            }
        )
        self._calibrator = TailCalibrator(1, prior_scores)
        self._ticks = 0
        self._odd = 0.0

    def expect(self, ring: Floats) -> Floats:
        """The next value of each of m keys, from their last ones: shape (window, m), oldest first."""
        raise NotImplementedError

    def oddness(self, ring: Floats, value: Floats, away: Floats) -> Floats:
        """How odd each value is, >= 0, given the ring before it and its distance from expected in spreads."""
        raise NotImplementedError

    def judge(self, tick: Tick) -> Judgement:
        size = len(tick.value)
        self._sizes.grow(size)
        known = tick.alive & np.isfinite(tick.value)
        value = np.clip(tick.value, -LARGEST_VALUE, LARGEST_VALUE)
        self._choose(np.where(known, value, 0.0), known)
        judged = Judgement(np.ones(size), np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size))
        followed = self._rings["slot"]
        rows = np.flatnonzero(followed >= 0)
        here = known[followed[rows]]
        self._say(rows[~here & (self._rings["seen"][rows] >= self._window)], judged)
        rows = rows[here]
        full = rows[self._rings["seen"][rows] >= self._window]
        rest = rows[self._rings["seen"][rows] < self._window]
        self._push(rest, value[followed[rest]])
        if len(full):
            self._judge(full, value[followed[full]], judged)
        self._ticks += 1
        return judged

    def _say(self, rows: NDArray[np.intp], judged: Judgement) -> tuple[Floats, Floats, Floats]:
        """What is expected of these keys, put into `judged`; with their own mean error, and the spread."""
        rings = self._rings
        ring, slots = rings["ring"][:, rows], rings["slot"][rows]
        expected = self.expect(ring)
        begun = rings["spread"][rows] > 0
        own = np.where(begun, rings["spread"][rows], _first_spread(ring))
        spread = np.maximum(_TO_DEVIATION * own, _LEAST_SPREAD * np.abs(expected) + 1e-30)
        judged.expected[slots] = expected
        judged.lower[slots], judged.upper[slots] = expected - _Z99 * spread, expected + _Z99 * spread
        return expected, own, spread

    def _judge(self, rows: NDArray[np.intp], value: Floats, judged: Judgement) -> None:
        rings = self._rings
        ring, slots, seen = rings["ring"][:, rows], rings["slot"][rows], rings["seen"][rows]
        expected, own, spread = self._say(rows, judged)
        away = (value - expected) / spread
        raw = self.oddness(ring, value, np.abs(away))
        group = np.zeros(len(rows), np.intp)
        p = self._calibrator.p(raw, group)
        self._teach(raw, p, group)
        judged.p[slots], judged.confidence[slots] = p, (seen - self._window + 1) / (seen - self._window + 1 + _TRUSTED)
        keep = np.minimum(_SPREAD, 1.0 - 1.0 / (seen + 1.0))
        # A key that was flat until now has no spread to bound its first move by.
        error = np.where(own > 0, np.minimum(np.abs(away), _FARTHEST_LEARNT), np.abs(away)) * spread
        near = np.clip(away, -_FARTHEST, _FARTHEST) * spread
        rings["spread"][rows] = keep * own + (1.0 - keep) * error
        self._push(rows, expected + near)

    def _teach(self, raw: Floats, p: Floats, group: NDArray[np.intp]) -> None:
        odd = p <= _ODD
        self._odd = _ODD_MEMORY * self._odd + (1.0 - _ODD_MEMORY) * float(odd.mean())
        if self._odd > _ODD_SHARE:
            odd = np.zeros(len(p), bool)
        # An incident does not make the tail: beyond one in 100,000 a score counts little, and as a mild one.
        taught = np.where(odd, self._calibrator.score_at(1e-3, group), raw)
        self._calibrator.learn(taught, group, np.where(odd, _LEAK, 1.0))

    def _push(self, rows: NDArray[np.intp], value: Floats) -> None:
        ring = self._rings["ring"]
        ring[:-1, rows] = ring[1:, rows]
        ring[-1, rows] = value
        self._rings["seen"][rows] += 1

    def _choose(self, value: Floats, known: NDArray[np.bool_]) -> None:
        """Follow new keys while there is room; now and then let larger keys take the places of small ones."""
        sizes = self._sizes
        seen = sizes["seen"]
        keep = np.minimum(_SIZE, 1.0 - 1.0 / (seen + 1.0))
        sizes["size"][:] = np.where(known, keep * sizes["size"] + (1.0 - keep) * np.abs(value), sizes["size"])
        seen[known] = np.minimum(seen[known] + 1, 1e6)
        outside = np.flatnonzero(known & (sizes["row"] < 0))
        if not len(outside):
            return
        if self._rings.size < self._most:
            self._rings.grow(min(self._most, self._rings.size + len(outside)))
        free = np.flatnonzero(self._rings["slot"] < 0)
        inside = np.zeros(0, np.intp)
        if len(outside) > len(free):
            if self._ticks % _CHOSEN_EVERY and not len(free):
                return
            outside = outside[np.argsort(-sizes["size"][outside], kind="stable")[: self._most]]
            inside = self._rings["slot"][self._rings["slot"] >= 0]
            inside = inside[np.argsort(sizes["size"][inside], kind="stable")]
        come, rest = outside[: len(free)], outside[len(free) :]
        pairs = min(len(inside), len(rest))
        larger = sizes["size"][rest[:pairs]] > _TIMES_LARGER * sizes["size"][inside[:pairs]]
        go = inside[:pairs][larger]
        rows = np.concatenate([free[: len(come)], sizes["row"][go]])
        self._rings.forget(rows)
        sizes["row"][go] = -1
        come = np.concatenate([come, rest[:pairs][larger]])
        self._rings["slot"][rows], sizes["row"][come] = come, rows

    def forget(self, slots: NDArray[np.intp]) -> None:
        inside = slots[slots < self._sizes.size]
        rows = self._sizes["row"][inside]
        self._rings.forget(rows[rows >= 0].astype(np.intp))
        self._sizes.forget(slots)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._sizes.nbytes + self._rings.nbytes + self._calibrator.nbytes

    def snapshot(self) -> dict[str, Any]:
        return {
            "sizes": self._sizes.snapshot(),
            "rings": self._rings.snapshot(),
            "calibrator": self._calibrator.snapshot(),
            "ticks": self._ticks,
            "odd": self._odd,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._sizes.restore(state["sizes"])
        self._rings.restore(state["rings"])
        self._calibrator.restore(state["calibrator"])
        self._ticks = int(state["ticks"])
        self._odd = float(state["odd"])


def _first_spread(ring: Floats) -> Floats:
    """Mean distance from expected, by that of the steps from their median: a slope does not widen it."""
    steps = np.diff(ring, axis=0)
    return np.asarray(np.abs(steps - np.median(steps, axis=0)).mean(axis=0) / np.sqrt(2.0))
