"""Count baseline: hour-of-week rhythm times level, judged by a negative-binomial tail at one tick and over a minute."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.adapt import lasting, learning_weight
from yeoul.detect.contract import LARGEST_VALUE, Judgement, Tick
from yeoul.detect.pool import Pool
from yeoul.detect.rhythm import Rhythm
from yeoul.detect.slots import SlotArrays, parts
from yeoul.detect.tails import range99, surely_usual, two_sided

__all__ = ["Seasonal"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Slots = dict[str, NDArray[Any]]
"""The state of a part of the slots, by field."""

_LEVEL = 1.0 - 1.0 / 240.0
"""The level forgets with a time constant of 240 ticks (40 minutes of 10 s): slow enough that a slow rise stands out."""
_NOISE = 1.0 - 1.0 / 720.0
_RECENT = 1.0 - 1.0 / 60.0
_MINUTE = 1.0 - 1.0 / 6.0
"""The second scale: values smoothed over 6 ticks, for lasting changes too small for one tick."""
_MINUTE_SUM = 1.0 / (1.0 - _MINUTE)
_MINUTE_SQUARES = 1.0 / (1.0 - _MINUTE**2)
_OWN_NOISE = 30.0
"""A key's own dispersion counts fully against the group's after so many ticks."""
_OWN_MINUTE = 120.0
_WANDER = 0.02
"""A level is never known better than to 2 %."""
_FARTHEST = 16.0
"""Squared standardised residuals count at most this much, so that one wild tick does not widen the range for hours."""
_LEAK = 0.02
"""Share of an odd tick that the dispersion learns: too narrow a range mends itself, a burst hardly widens it."""
_MOST_SPREADS = 50.0
"""A tick counts in the smoothed minute as at most so many spreads beyond what is expected: however wild it was alone,
it is out of it after a dozen ticks."""
_FULL_TICKS = 60.0
_FULL_HOURS = 48.0
_RETIRED_US = 12 * 3_600_000_000
"""A level replaced by a lasting shift is remembered so long: coming back to it is no anomaly."""

_FIELDS: dict[str, tuple[str, float, int]] = {
    "sum": ("f8", 0.0, 0),  # discounted values and ticks: level = sum / ticks
    "ticks": ("f8", 0.0, 0),
    "noise": ("f8", 0.0, 0),  # discounted squared Pearson residuals and their weight
    "noise_ticks": ("f4", 0.0, 0),
    "recent": ("f8", np.nan, 0),  # unguarded mean since a shift began, what a restart starts from
    "minute": ("f8", 0.0, 0),  # smoothed observed, expected and variance
    "minute_mean": ("f8", 0.0, 0),
    "minute_variance": ("f8", 0.0, 0),
    "minute_noise": ("f4", 0.0, 0),  # how much wider the smoothed residual is than independence says
    "minute_ticks": ("f4", 0.0, 0),
    "run": ("f4", 0.0, 0),
    "retired": ("f8", np.nan, 0),
    "retired_us": ("i8", 0, 0),
    "age": ("f4", 0.0, 0),  # ticks observed
    "gaps": ("f4", 0.0, 0),  # share of recent ticks missing
}
_NOTHING: Slots = {name: np.zeros(0) for name in _FIELDS}
_LEAST_TICKS = 1e-300


class Seasonal:
    """The count baseline.

    For every key a level (discounted mean, conjugate gamma prior from the group), moved by the hour-of-week profile
    and by what all keys do together, and a dispersion shrunk to the group's. The predictive distribution is negative
    binomial; p is twice the smaller of the two-sided tails at one tick and over a smoothed minute. Values are amounts
    >= 0; a negative one is treated as missing. O(n) a tick, about 0.5 kB a key.

    >>> detector = Seasonal()
    >>> alive = np.ones(2, bool)
    >>> for i in range(120):
    ...     seen = detector.judge(Tick(i * 10_000_000, 10_000_000, np.array([40.0 + i % 5, 9.0 + i % 2]), alive))
    >>> burst = detector.judge(Tick(1_200_000_000, 10_000_000, np.array([120.0, 9.0]), alive))
    >>> bool(burst.p[0] < 1e-6), bool(burst.p[1] > 0.1)
    (True, True)
    """

    name = "seasonal"

    def __init__(self) -> None:
        self._slots = SlotArrays(_FIELDS)
        self._rhythm = Rhythm()
        self._pool = Pool()
        self._lattice = True

    def judge(self, tick: Tick) -> Judgement:
        size = len(tick.value)
        slots = self._slots
        before = slots.size
        dispersion = self._dispersion(slots.part(slice(before)) if self._rhythm.ends_hour(tick.start_us) else _NOTHING)
        factor = self._rhythm.advance(tick.start_us, tick.width_us, size, dispersion)
        slots.grow(size)
        factor = factor * self._pool.drift
        value = np.asarray(tick.value, np.float64)
        with np.errstate(invalid="ignore"):
            known = tick.alive & np.isfinite(value) & (value >= 0)
        value = np.where(known, np.minimum(value, LARGEST_VALUE), 0.0)
        self._lattice = self._lattice and bool(np.all(value == np.floor(value)))
        judged, terms = Judgement(*(np.empty(size) for _ in range(5))), _Terms(size)
        for part in parts(size):
            self._judge(tick, part, factor[part], value[part], known[part], judged, terms)
        terms.teach(self._pool)
        return judged

    def _judge(
        self,
        tick: Tick,
        part: slice,
        factor: Floats,
        value: Floats,
        known: Mask,
        judged: Judgement,
        terms: _Terms,
    ) -> None:
        """Judge a part of the slots into `judged`, learn from it, and note what it says of all keys in `terms`."""
        pool, alive = self._pool, tick.alive[part]
        slots = self._slots.part(part)
        for name in ("sum", "recent", "retired"):
            slots[name] *= factor
        dispersion = self._dispersion(slots)
        mean, level_variance = self._level(slots, dispersion)
        if self._return(slots, tick.start_us, value, known, mean, dispersion):
            mean, level_variance = self._level(slots, dispersion)
        variance = dispersion * mean + level_variance + (_WANDER * mean) ** 2
        young = slots["ticks"] < 1.0
        speaks = known & (pool.levels > 0) & alive
        confidence = np.where(speaks, _confidence(slots, tick.width_us), 0.0)
        asked = tick.asked(part, mean, confidence > 0)
        p_tick = self._tail(value, mean, variance, asked)
        minute, wide, weight = self._minute(slots, value, mean, variance, level_variance, known, asked)
        terms.squares[part], terms.wide[part] = weight * wide, weight
        p_minute = np.where(young, 1.0, minute)
        odd = np.minimum(1.0, 2.0 * np.minimum(p_tick, p_minute))
        # a tick on the other side of what is expected is no part of the minute's deviation, yet teaches nothing either
        above = slots["minute"] > slots["minute_mean"]
        p = np.where((value > mean) == above, odd, np.minimum(1.0, 2.0 * p_tick))
        lower, upper = range99(mean, variance, lattice=self._lattice)
        judged.p[part] = np.where(speaks, p, 1.0)
        judged.expected[part] = np.where(alive, mean, 0.0)
        judged.lower[part] = np.where(alive, lower, 0.0)
        judged.upper[part] = np.where(alive, upper, 0.0)
        judged.confidence[part] = confidence
        self._learn(tick, part, slots, value, known, mean, variance, np.where(speaks, odd, 1.0), terms)

    def _tail(self, value: Floats, mean: Floats, variance: Floats, asked: NDArray[np.bool_]) -> Floats:
        """Two-sided p; 1 where nobody asks and it is certainly above 0.01, so that the tick is fully learnt anyway."""
        if not self._lattice:
            return two_sided(value, mean, variance, lattice=False)
        p = np.ones_like(mean)
        at = np.flatnonzero(asked | ~surely_usual(value, mean, variance))
        p[at] = two_sided(value[at], mean[at], variance[at])
        return p

    def _dispersion(self, slots: Slots) -> Floats:
        """Variance / mean of each slot: its own residuals, shrunk to what keys of its level have in the group."""
        level = np.where(slots["ticks"] > 0, slots["sum"] / np.maximum(slots["ticks"], 1e-9), self._pool.level)
        prior = (1.0 if self._lattice else 0.0) + self._pool.overdispersion * level
        mixed = (slots["noise"] + _OWN_NOISE * prior) / (slots["noise_ticks"] + _OWN_NOISE)
        return np.maximum(mixed, 1.0 if self._lattice else 1e-9)

    def _level(self, slots: Slots, dispersion: Floats) -> tuple[Floats, Floats]:
        """Posterior mean and variance of the level: gamma with the group's shape as prior."""
        pool = self._pool
        shape = slots["sum"] / dispersion + pool.shape
        rate = slots["ticks"] / dispersion + pool.shape / max(pool.level, 1e-9)
        return shape / rate, shape / (rate * rate)

    def _return(self, slots: Slots, now_us: int, value: Floats, known: Mask, mean: Floats, dispersion: Floats) -> bool:
        """Take the remembered level back where a key has come back to it; whether one has."""
        has = np.isfinite(slots["retired"])
        if not has.any():
            return False
        slots["retired"][has & (now_us - slots["retired_us"] > _RETIRED_US)] = np.nan
        at = np.flatnonzero(known & np.isfinite(slots["retired"]))
        if not len(at):
            return False
        old, new, spread = slots["retired"][at], mean[at], dispersion[at]
        variance_old, variance_new = spread * old + (_WANDER * old) ** 2, spread * new + (_WANDER * new) ** 2
        fits = two_sided(value[at], old, variance_old, lattice=self._lattice)
        strange = two_sided(value[at], new, variance_new, lattice=self._lattice)
        back = at[(fits > 0.05) & (strange < 1e-3)]
        slots["sum"][back] = slots["retired"][back] * _FULL_TICKS
        slots["ticks"][back] = _FULL_TICKS
        slots["retired"][back] = np.nan
        slots["run"][back] = 0.0
        for name in ("minute", "minute_mean", "minute_variance"):
            slots[name][back] = 0.0
        return bool(len(back))

    def _minute(
        self,
        slots: Slots,
        value: Floats,
        mean: Floats,
        variance: Floats,
        level_variance: Floats,
        known: Mask,
        asked: Mask,
    ) -> tuple[Floats, Floats, Floats]:
        """Tail probability of the smoothed value, its variance widened by how correlated residuals proved to be.

        And what it says of that: the squared residual and its weight.
        """
        pool = self._pool
        most = mean + _MOST_SPREADS * np.sqrt(variance)
        seen = np.where(known, _MINUTE * slots["minute"] + np.minimum(value, most), slots["minute"])
        expected = np.where(known, _MINUTE * slots["minute_mean"] + mean, slots["minute_mean"])
        spread = np.where(known, _MINUTE**2 * slots["minute_variance"] + variance, slots["minute_variance"])
        slots["minute"][:], slots["minute_mean"][:], slots["minute_variance"][:] = seen, expected, spread
        wider = (slots["minute_noise"] + _OWN_MINUTE * pool.widening) / (slots["minute_ticks"] + _OWN_MINUTE)
        doubt = (level_variance / np.maximum(mean, 1e-9) ** 2) * expected**2
        total = spread * np.maximum(wider, 1.0) + doubt
        # In units of the weights' own shrinkage the smoothed sum has the mean and variance of a plain sum of counts.
        unit = _MINUTE_SQUARES / _MINUTE_SUM
        p = self._tail(seen / unit, expected / unit, total / unit**2, asked)
        square = np.minimum((seen - expected) ** 2 / np.maximum(spread, 1e-12), _FARTHEST)
        weight = np.where(known & (slots["age"] > 12), np.maximum(learning_weight(p), _LEAK), 0.0)
        rest = np.where(known, _NOISE, 1.0)
        slots["minute_noise"][:] = rest * slots["minute_noise"] + weight * square
        slots["minute_ticks"][:] = rest * slots["minute_ticks"] + weight
        return p, square, weight

    def _learn(
        self,
        tick: Tick,
        part: slice,
        slots: Slots,
        value: Floats,
        known: Mask,
        mean: Floats,
        variance: Floats,
        p: Floats,
        terms: _Terms,
    ) -> None:
        age = slots["age"]
        weight = np.where(known, np.where(age < 6, 1.0, learning_weight(p)), 0.0)
        terms.settled[part] = known & (age >= 18)
        terms.pull[part], terms.trust[part] = Pool.drift_terms(value, mean, variance)
        excess = self._learn_noise(slots, value, mean, variance, known & (age >= 1), weight)
        seen = np.where(known & (age >= 1), weight, 0.0)
        terms.over[part], terms.over_weight[part] = Pool.overdispersion_terms(excess, mean, variance, seen)
        keep = 1.0 - (1.0 - _LEVEL) * weight
        slots["sum"][:] = keep * slots["sum"] + weight * value
        slots["ticks"][:] = keep * slots["ticks"] + weight
        side = np.where(weight < 0.5, np.sign(value - mean), 0.0)
        # where a restart would start from has nothing of what was before the shift: not of a wild tick either
        anew = np.isnan(slots["recent"]) | ((slots["run"] == 0.0) & (side != 0.0))
        recent = np.where(anew, value, _RECENT * slots["recent"] + (1.0 - _RECENT) * value)
        slots["recent"][:] = np.where(known, recent, slots["recent"])
        slots["run"][:], shifted = lasting(slots["run"], side, known)
        _restart(slots, np.flatnonzero(shifted), mean, tick.start_us)
        slots["gaps"][:] = np.where(tick.alive[part], _RECENT * slots["gaps"] + (1.0 - _RECENT) * ~known, 0.0)
        age[:] = np.where(known, np.minimum(age + 1.0, 1e6), age)
        self._rhythm.observe(value, weight, part)
        terms.measured[part] = known & (slots["ticks"] > 0)
        terms.level[part] = slots["sum"] / np.maximum(slots["ticks"], _LEAST_TICKS)

    def _learn_noise(
        self, slots: Slots, value: Floats, mean: Floats, variance: Floats, known: Mask, weight: Floats
    ) -> Floats:
        """Learn each key's own dispersion; what its squared residual has beyond that of independent counts."""
        residual = np.minimum((value - mean) ** 2, _FARTHEST * variance)
        # A tick tells less of the dispersion the fewer counts are expected in it.
        told = np.where(known, np.maximum(weight, _LEAK) * np.minimum(1.0, mean if self._lattice else 1.0), 0.0)
        keep = 1.0 - (1.0 - _NOISE) * np.minimum(told, 1.0)
        slots["noise"][:] = keep * slots["noise"] + told * residual / np.maximum(mean, 1e-9)
        slots["noise_ticks"][:] = keep * slots["noise_ticks"] + told
        return residual - (mean if self._lattice else 0.0)

    def forget(self, slots: NDArray[np.intp]) -> None:
        self._slots.forget(slots)
        self._rhythm.forget(slots)

    def restart(self, slots: NDArray[np.intp]) -> None:
        """Let these slots' levels begin anew; their rhythm stays."""
        self._slots.forget(slots)

    @property
    def nbytes(self) -> int:
        """Bytes held for all slots."""
        return self._slots.nbytes + self._rhythm.nbytes

    def snapshot(self) -> dict[str, Any]:
        return {
            "slots": self._slots.snapshot(),
            "rhythm": self._rhythm.snapshot(),
            "pool": self._pool.snapshot(),
            "lattice": self._lattice,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._slots.restore(state["slots"])
        self._rhythm.restore(state["rhythm"])
        self._pool.restore(state["pool"])
        self._lattice = bool(state["lattice"])


def _confidence(slots: Slots, width_us: int) -> Floats:
    age = slots["age"].astype(np.float64)
    history = 1.0 - np.exp(-age / _FULL_TICKS)
    seasons = 0.7 + 0.3 * np.minimum(1.0, age * (width_us / 3.6e9) / _FULL_HOURS)
    found: Floats = history * seasons * (1.0 - slots["gaps"])
    return found


def _restart(slots: Slots, at: NDArray[np.intp], mean: Floats, now_us: int) -> None:
    """Begin again at the level of the last minutes where a shift has lasted."""
    if not len(at):
        return
    slots["retired"][at] = mean[at]
    slots["retired_us"][at] = now_us
    slots["sum"][at] = slots["recent"][at] * _FULL_TICKS
    slots["ticks"][at] = _FULL_TICKS
    kept = np.minimum(slots["noise_ticks"][at], 30.0)
    slots["noise"][at] *= kept / np.maximum(slots["noise_ticks"][at], 1e-9)
    slots["noise_ticks"][at] = kept
    for name in ("minute", "minute_mean", "minute_variance"):
        slots[name][at] = 0.0


class _Terms:
    """What the keys of a tick say of all keys, summed when all parts are through: in the order of slots, as always."""

    def __init__(self, size: int) -> None:
        self.squares, self.wide, self.pull, self.trust, self.over, self.over_weight, self.level = np.empty((7, size))
        self.settled, self.measured = np.empty((2, size), bool)

    def teach(self, pool: Pool) -> None:
        pool.learn_widening(self.squares, self.wide)
        pool.learn_drift(self.pull[self.settled], self.trust[self.settled])
        pool.learn_overdispersion(self.over, self.over_weight)
        pool.learn_levels(self.level[self.measured])
