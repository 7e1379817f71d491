"""Amplitude novelty: a value is odd when it is farther from all values before than these ever were from each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

from yeoul.detect.calibrate import PooledRate
from yeoul.detect.contract import LARGEST_VALUE, Judgement, Tick
from yeoul.detect.gaps import gap_fields, gap_ratio
from yeoul.detect.slots import SlotArrays, parts

__all__ = ["Novelty"]

Floats = NDArray[np.float64]
Slots = dict[str, NDArray[Any]]
"""The state of some slots, by field."""

_BASE = 64
"""Values of a key before it is judged; their middle and spread are its scale for good."""
_RECENT = 25
_DEVIATION_WEIGHT = 0.027
_REST_SHARE, _MOST_REST = 0.1, 262.0
"""An alarm is told again when it is topped; what tops it falls with a time constant of a tenth of the ticks seen."""
_RATE, _BEND, _POWER = 2.4e-3, 0.186, 4.0
"""The tail of the novelty of normal rows."""
_YOUNG, _YOUNG_POWER = 300.0, 4
"""Much is new to a key that has seen little: below about so many values p is raised."""
_LEAST_USUAL = 0.02
"""No distance from the median alone makes a p smaller: that takes a value never seen."""
_SPREAD = 1.0 - 1.0 / 240.0
_STEP99 = 0.05
_TO_DEVIATION = 1.2533141373155001
_Z99 = 2.5758293035489004
_BEGUN_AT_ONCE = 4096

_FIELDS: dict[str, tuple[str, float, int]] = {
    "origin": ("f8", np.nan, 0),
    "base": ("f4", np.nan, _BASE),
    "recent": ("f4", np.nan, _RECENT),
    "seen": ("f4", 0.0, 0),
    "centre": ("f4", np.nan, 0),
    "scale": ("f4", 1.0, 0),
    "last": ("f4", np.nan, 2),
    "unit": ("f4", np.inf, 2),
    "spread": ("f4", 0.0, 0),
    "range99": ("f4", 0.0, 0),
    "held": ("f4", 0.0, 0),
    **gap_fields("value"),
    **gap_fields("deviation"),
}


class Novelty:
    """How far a value is from every value before, over the largest such distances so far.

    A value v becomes asinh((v - centre) / scale) by the middle and spread of the key's first 64 values: linear near
    the usual, logarithmic far out, without a unit. Its novelty is the gap to the nearest earlier value over the mean
    of the three largest gaps before; so is that of its deviation from the median of the last 25 values, which counts
    little (weight 0.027), root of the sum of squares. Novelty r becomes p = 0.0024 (1 + r / 0.186)^-4,
    times 1 + (300 / n)^4 after n values, and corrected by what all keys together realise. What was shown becomes usual
    at once: a shift alarms when it comes, and never again. O(n) a tick, about 650 bytes a key. Values may be any real
    numbers.

    >>> detector, alive = Novelty(), np.ones(1, bool)
    >>> rng = np.random.default_rng(1)
    >>> for i in range(300):
    ...     seen = detector.judge(Tick(i, 1, rng.normal(10.0, 1.0, 1), alive))
    >>> bool(seen.p[0] > 0.01), bool(detector.judge(Tick(300, 1, np.array([-5.0]), alive)).p[0] < 1e-5)
    (True, True)
    >>> bool(detector.judge(Tick(301, 1, np.array([-5.0]), alive)).p[0] > 0.01)
    True
    """

    name = "novelty"

    def __init__(self) -> None:
        self._slots = SlotArrays(_FIELDS)
        self._rate = PooledRate()

    def judge(self, tick: Tick) -> Judgement:
        size = len(tick.value)
        self._slots.grow(size)
        known = tick.alive & np.isfinite(tick.value)
        value = np.clip(tick.value, -LARGEST_VALUE, LARGEST_VALUE)
        judged = Judgement(*(np.empty(size) for _ in range(5)))
        rare = [
            self._judge(part, np.where(known[part], value[part], 0.0), known[part], tick.alive[part], judged)
            for part in parts(size)
        ]
        self._rate.learn(np.concatenate(rare) if rare else np.zeros(0))
        self._begin()
        return judged

    def _judge(
        self, part: slice, value: Floats, known: NDArray[np.bool_], alive: NDArray[np.bool_], judged: Judgement
    ) -> Floats:
        """Judge a part of the slots into `judged` and learn from it; returns the uncorrected p of what was judged."""
        slots = self._slots.part(part)
        slots["origin"][:] = np.where(known & np.isnan(slots["origin"]), value, slots["origin"])
        origin = np.where(np.isnan(slots["origin"]), 0.0, slots["origin"])
        moved = (value - origin).astype(np.float32)
        middle = np.where(slots["seen"] > 0, _median(slots["recent"], slots["seen"]), moved)
        ready = known & ~np.isnan(slots["centre"])
        seen = slots["seen"].astype(np.float64)
        told = self._told(slots, moved, middle, ready)
        young = 1.0 + (_YOUNG / np.maximum(seen, _BASE)) ** _YOUNG_POWER
        p = np.where(told > 0.0, young * _RATE * (1.0 + told / _BEND) ** -_POWER, 1.0)
        away = np.abs(moved - middle)
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = np.nan_to_num(away / (_TO_DEVIATION * slots["spread"]), nan=0.0)
        usual = np.maximum(erfc(distance / np.sqrt(2.0)), _LEAST_USUAL)
        corrected = np.where(told > 0.0, p * self._rate.factor, 1.0)
        judged.p[part] = np.where(ready, np.minimum(corrected, usual), 1.0)
        judged.confidence[part] = np.where(ready, seen / (seen + _BASE), 0.0)
        said = (seen > 0) & alive
        judged.expected[part] = expected = np.where(said, origin + middle, 0.0)
        reach = np.where(said, slots["range99"], 0.0).astype(np.float64)
        judged.lower[part], judged.upper[part] = expected - reach, expected + reach
        _learn(slots, moved, away.astype(np.float64), known)
        return np.asarray(p[ready])

    def _told(self, slots: Slots, moved: NDArray[np.float32], middle: Floats, ready: NDArray[np.bool_]) -> Floats:
        """Novelty where it tops what is held, else 0."""
        novelty = _novelty(slots, moved, middle, ready)
        rest = np.clip(_REST_SHARE * slots["seen"].astype(np.float64), 1.0, _MOST_REST)
        held = np.where(ready, slots["held"] * np.exp(-1.0 / rest), slots["held"])
        slots["held"][:] = np.where(ready, np.maximum(held, novelty), held)
        return np.where(novelty > held, novelty, 0.0)

    def _begin(self) -> None:
        """Fix the scale of keys that have shown enough, and go through what they showed; some at a time."""
        waits = (self._slots["seen"] >= _BASE) & np.isnan(self._slots["centre"])
        at = np.flatnonzero(waits)[:_BEGUN_AT_ONCE]
        if not len(at):
            return
        some = {name: self._slots[name][..., at].copy() for name in _FIELDS}
        base, every = some["base"], np.ones(len(at), bool)
        some["centre"][:] = np.median(base, axis=0)
        spread = base.std(axis=0, dtype=np.float64)
        some["scale"][:] = np.where(spread > 0, spread, 1.0)
        for row, moved in enumerate(base):
            before = base[max(0, row - _RECENT) : row]
            _novelty(some, moved, np.median(before, axis=0) if row else moved, every)
        for name, array in some.items():
            self._slots[name][..., at] = array

    def forget(self, slots: NDArray[np.intp]) -> None:
        self._slots.forget(slots)

    @property
    def nbytes(self) -> int:
        """Bytes held for all slots."""
        return self._slots.nbytes

    def snapshot(self) -> dict[str, Any]:
        return {"slots": self._slots.snapshot(), "rate": self._rate.snapshot()}

    def restore(self, state: dict[str, Any]) -> None:
        self._slots.restore(state["slots"])
        self._rate.restore(state["rate"])


def _novelty(slots: Slots, moved: NDArray[np.float32], middle: Floats, known: NDArray[np.bool_]) -> Floats:
    """Of the value and of its deviation from the middle, together; what is new becomes known."""
    centre = np.where(known, slots["centre"], 0.0).astype(np.float64)
    value = _one(slots, "value", 0, np.asarray(moved - centre, np.float64), known)
    deviation = _one(slots, "deviation", 1, np.asarray(moved - middle, np.float64), known)
    return np.asarray(np.sqrt(value * value + _DEVIATION_WEIGHT * deviation * deviation))


def _one(slots: Slots, name: str, row: int, away: Floats, known: NDArray[np.bool_]) -> Floats:
    scale = slots["scale"].astype(np.float64)
    unit = slots["unit"][row]
    half = np.where(np.isfinite(unit), 0.5 * unit, 0.0)

    def edges(at: NDArray[np.intp]) -> tuple[Floats, Floats]:
        return np.arcsinh((away[at] - half[at]) / scale[at]), np.arcsinh((away[at] + half[at]) / scale[at])

    ratio = gap_ratio(slots, name, np.arcsinh(away / scale).astype(np.float32), known, edges)
    step = np.abs(away - slots["last"][row])
    finer = known & (step > 0) & (step < unit)
    unit[finer] = step[finer]
    slots["last"][row] = np.where(known, away, slots["last"][row])
    return ratio


def _median(recent: NDArray[np.float32], seen: NDArray[np.float32]) -> Floats:
    """Median of what there is of the last values; places not filled yet are NaN."""
    ordered = np.sort(np.ascontiguousarray(recent.T), axis=1)
    count = np.clip(seen, 1, _RECENT).astype(np.intp)
    rows = np.arange(len(ordered))
    return 0.5 * (ordered[rows, (count - 1) // 2].astype(np.float64) + ordered[rows, count // 2])


def _learn(slots: Slots, moved: NDArray[np.float32], away: Floats, known: NDArray[np.bool_]) -> None:
    at = np.flatnonzero(known)
    seen = slots["seen"][at].astype(np.intp)
    slots["recent"][seen % _RECENT, at] = moved[at]
    early = seen < _BASE
    slots["base"][seen[early], at[early]] = moved[at[early]]
    keep = np.minimum(_SPREAD, 1.0 - 1.0 / np.maximum(seen, 1))
    spread = keep * slots["spread"][at] + (1.0 - keep) * away[at]
    # The 99 % point of the distance from the middle, by steps that balance there (Robbins and Monro, 1951).
    reach = slots["range99"][at].astype(np.float64)
    reach = np.where(seen < _BASE // 2, _TO_DEVIATION * _Z99 * spread, reach)
    reach += _STEP99 * spread * np.where(away[at] > reach, 0.99, -0.01)
    slots["spread"][at], slots["range99"][at] = spread, np.maximum(reach, 0.0)
    slots["seen"][at] = seen + 1
