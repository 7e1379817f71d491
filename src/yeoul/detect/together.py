"""The keys below the volume floor judged as one: a burst or an outage of many small ones shows in their sum."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.adapt import LASTING_TICKS, learning_weight
from yeoul.detect.tails import range99, two_sided

__all__ = ["TOGETHER", "Together"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

TOGETHER = (1 << 62) + 1
"""The id of all small keys together; no key has it."""

_LEAST_KEYS = 3
_LEAST_CONFIDENCE = 0.2
"""Younger keys do not know what to expect yet."""
_SETTLED_TICKS = 30.0
"""So long everything is learnt, and nothing said."""
_BIAS = 1.0 - 1.0 / 240.0
_NOISE = 1.0 - 1.0 / 720.0
_MINUTE = 1.0 - 1.0 / 6.0
_PRIOR_NOISE = 2.0
_PRIOR_TICKS = 60.0
_FARTHEST = 16.0
_LEAK = 0.02
_WANDER = 0.02
_FULL_TICKS = 60.0
_MOST_PARTS = 10


class Together:
    """A count baseline of a sum whose members come and go.

    A key is a member while less than `floor` is expected of it, which is said before it is seen. The sum of what is
    expected of the members, corrected by how the two sums compared lately, is the mean; variance over mean is learnt
    from the sum itself, at one tick and smoothed over six. p is twice the smaller two-sided tail (negative binomial),
    as [`seasonal`](seasonal.md) has it; the rhythm is the members' own.

    >>> rng = np.random.default_rng(1)
    >>> small, usual = Together(floor=20.0), np.full(100, 5.0)
    >>> for i in range(300):
    ...     said = small.judge(rng.poisson(usual).astype(float), usual, np.ones(100))
    >>> outage = np.where(np.arange(100) < 40, 0.0, rng.poisson(usual))
    >>> said = small.judge(outage, usual, np.ones(100))
    >>> bool(said[0] < 1e-6), [part[0] for part in small.parts(np.arange(100))[:2]]
    (True, [0, 1])
    """

    def __init__(self, floor: float) -> None:
        self._floor = floor
        self._age, self._run = 0.0, 0
        self._sums = np.zeros(2)  # discounted sums of what was seen and of what the members expected
        self._noise, self._noise_ticks = 0.0, 0.0
        self._minute = np.zeros(3)  # smoothed observed, expected, variance
        self._wide, self._wide_ticks = 0.0, 0.0
        self.members = np.zeros(0, np.intp)
        """Slots that were judged together in the last tick."""
        self._seen = (np.zeros(0), np.zeros(0))
        self.count = 0
        """Members in the last tick."""

    @property
    def wanted(self) -> bool:
        """Whether there are enough small keys to be judged together."""
        return self.count >= _LEAST_KEYS

    def skip(self) -> None:
        """A tick of which nothing is known: no keys are judged together."""
        self.members = np.zeros(0, np.intp)

    def judge(self, value: Floats, expected: Floats, confidence: Floats) -> tuple[float, ...]:
        """Judge a tick of all slots, then learn from it: p, observed, expected, lower, upper, confidence.

        Args:
            value: observed by slot, NaN = missing.
            expected: by slot, before this tick was seen.
            confidence: of that; 0 = the slot says nothing, or is told by itself.
        """
        self.members = np.flatnonzero((confidence >= _LEAST_CONFIDENCE) & (expected < self._floor))
        self.count = len(self.members)
        self._seen = value[self.members], expected[self.members]
        observed, told = (float(each.sum()) for each in self._seen)
        mean = told * self._bias
        if not self.wanted or mean <= 0:
            return 1.0, np.nan, np.nan, np.nan, np.nan, 0.0
        lattice = bool(np.all(self._seen[0] == np.floor(self._seen[0])))
        noise = (self._noise + _PRIOR_NOISE * _PRIOR_TICKS) / (self._noise_ticks + _PRIOR_TICKS)
        variance = noise * mean + (_WANDER * mean) ** 2
        self._minute = self._minute * (_MINUTE, _MINUTE, _MINUTE**2) + (observed, mean, variance)
        p_tick = _tail(observed, mean, variance, lattice=lattice)
        p_minute, square = self._minute_tail(lattice)
        odd = min(1.0, 2.0 * min(p_tick, p_minute))
        same = (observed > mean) == (self._minute[0] > self._minute[1])
        p = odd if same else min(1.0, 2.0 * p_tick)
        lower, upper = range99(np.array([mean]), np.array([variance]), lattice=lattice)
        sure = float((confidence[self.members] * self._seen[1]).sum()) / told
        sure *= 1.0 - float(np.exp(-max(0.0, self._age - _SETTLED_TICKS) / _FULL_TICKS))
        self._learn(observed, mean, variance, odd, square)
        return p, observed, mean, float(lower[0]), float(upper[0]), sure

    @property
    def _bias(self) -> float:
        seen, told = (float(each) for each in self._sums)
        return float(np.clip(seen / told, 0.1, 10.0)) if seen > 0 and told > 0 else 1.0

    def _minute_tail(self, lattice: bool) -> tuple[float, float]:
        seen, mean, variance = self._minute.tolist()
        wider = (self._wide + _PRIOR_TICKS) / (self._wide_ticks + _PRIOR_TICKS)
        unit = (1.0 - _MINUTE) / (1.0 - _MINUTE**2)
        total = variance * max(wider, 1.0)
        p = _tail(seen / unit, mean / unit, total / unit**2, lattice=lattice)
        return p, min((seen - mean) ** 2 / max(variance, 1e-12), _FARTHEST)

    def _learn(self, observed: float, mean: float, variance: float, p: float, square: float) -> None:
        weight = float(learning_weight(np.array([p]))[0]) if self._age >= _SETTLED_TICKS else 1.0
        told = max(weight, _LEAK)
        residual = min((observed - mean) ** 2, _FARTHEST * variance)
        keep = 1.0 - (1.0 - _NOISE) * told
        self._noise = keep * self._noise + told * residual / mean
        self._noise_ticks = keep * self._noise_ticks + told
        if self._age > 12:
            self._wide = keep * self._wide + told * square
            self._wide_ticks = keep * self._wide_ticks + told
        told_of_members = mean / self._bias
        self._sums = (1.0 - (1.0 - _BIAS) * weight) * self._sums + weight * np.array([observed, told_of_members])
        self._run = self._run + 1 if weight < 0.5 else max(0, self._run - 2)
        if self._run >= LASTING_TICKS:
            # a shift that lasts is the new normal: begin again with the last minute
            self._sums = np.array([self._minute[0], self._minute[1] / self._bias])
            self._minute[:], self._run = 0.0, 0
        self._age = min(self._age + 1.0, 1e6)

    def parts(self, ids: NDArray[np.int64]) -> tuple[tuple[int, float, float, float], ...]:
        """Members that carry the last tick's deviation: key, observed, expected, share; largest share first."""
        seen, expected = self._seen[0], self._seen[1] * self._bias
        change = seen - expected
        change = change * (1.0 if change.sum() > 0 else -1.0)
        total = float(change[change > 0].sum()) or 1.0
        keys = ids[self.members]
        order = np.lexsort((keys, -change))[:_MOST_PARTS]
        return tuple(
            (int(keys[i]), float(seen[i]), float(expected[i]), float(change[i] / total)) for i in order if change[i] > 0
        )

    def snapshot(self) -> dict[str, Any]:
        """All that the next tick needs."""
        return {
            "numbers": [self._age, self._run, self._noise, self._noise_ticks, self._wide, self._wide_ticks],
            "minute": self._minute.copy(),
            "sums": self._sums.copy(),
            "count": self.count,
            "members": self.members.copy(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` gave."""
        self._age, run, self._noise, self._noise_ticks, self._wide, self._wide_ticks = state["numbers"]
        self._run, self.count = int(run), int(state["count"])
        # the first release did not keep them
        self.members = np.array(state.get("members", ()), np.intp)
        self._minute, self._sums = np.array(state["minute"], np.float64), np.array(state["sums"], np.float64)


def _tail(value: float, mean: float, variance: float, *, lattice: bool) -> float:
    return float(two_sided(np.array([value]), np.array([mean]), np.array([variance]), lattice=lattice)[0])
