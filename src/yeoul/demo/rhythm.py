"""How busy a customer is at a time: hour of day, day of week, and a slow wandering of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yeoul.demo.config import ServiceConfig

__all__ = ["SEOUL_US", "Rhythm", "SmoothNoise"]

SEOUL_US = 9 * 3_600_000_000
"""Asia/Seoul is 9 hours ahead of UTC and has no summer time."""

_QUARTER_US = 900_000_000
_QUARTERS = 672  # in a week
_MONDAY_US = 4 * 86_400_000_000  # 1970-01-05 was the first Monday
_PROFILES = 16
_WANDER_US = 300_000_000


class Rhythm:
    """Relative level of each customer: 1 is its mean over a week.

    A customer has one of 16 profiles, which peak within two hours of 21:00 local time and differ in depth.
    """

    def __init__(self, config: ServiceConfig) -> None:
        rng = np.random.default_rng([config.seed, 1])
        self._config = config
        self._noise = SmoothNoise(config.seed, 2, _WANDER_US, config.customers)
        self._profile = rng.integers(0, _PROFILES, config.customers)
        self._table = np.stack([_week(rng, config.rhythm) for _ in range(_PROFILES)])

    def level(self, at_us: int) -> NDArray[np.float64]:
        """Level of every customer at a time (UTC), length `customers`, mean 1 over a week."""
        quarter, part = divmod(at_us + SEOUL_US - _MONDAY_US, _QUARTER_US)
        here, there = quarter % _QUARTERS, (quarter + 1) % _QUARTERS
        weight = part / _QUARTER_US
        week = (self._table[:, here] * (1 - weight) + self._table[:, there] * weight)[self._profile]
        if not self._config.wander:
            return week
        return week * np.exp(self._config.wander * self._noise.at(at_us))

    def mean_level(self, start_us: int, end_us: int, share: NDArray[np.float64]) -> float:
        """Mean level of the whole service over a range, customers weighted by `share`."""
        times = np.linspace(start_us, end_us, 97)[:-1]
        return float(np.mean([self.level(int(at)) @ share for at in times]))


class SmoothNoise:
    """Standard normal noise for each of `size` things, which moves smoothly over `step_us`.

    Follows from the seed, the stream and the time; what is kept only saves drawing the same knots again.
    """

    def __init__(self, seed: int, stream: int, step_us: int, size: int) -> None:
        self._seed = (seed, stream)
        self._step_us = step_us
        self._size = size
        self._knots: dict[int, NDArray[np.float64]] = {}

    def at(self, at_us: int) -> NDArray[np.float64]:
        """The noise at a time, length `size`."""
        knot, part = divmod(at_us, self._step_us)
        self._knots = {k: self._draw(k) for k in (knot, knot + 1)}
        angle = part / self._step_us * np.pi / 2
        # sine and cosine keep the variance at one between the knots, where a straight line would halve it
        return np.asarray(self._knots[knot] * np.cos(angle) + self._knots[knot + 1] * np.sin(angle))

    def _draw(self, knot: int) -> NDArray[np.float64]:
        known = self._knots.get(knot)
        return np.random.default_rng([*self._seed, knot]).standard_normal(self._size) if known is None else known


def _week(rng: np.random.Generator, depth: float) -> NDArray[np.float64]:
    """One profile over the 672 quarters of a week from Monday 00:00, mean 1."""
    quarter = np.arange(_QUARTERS)
    hour, day = quarter / 4 % 24, quarter // 96
    peak, deep, weekend = rng.uniform(20, 22), rng.uniform(0.5, 0.8), rng.uniform(0.1, 0.4)
    shape = deep * np.cos((hour - peak) * np.pi / 12) + 0.2 * np.cos((hour - peak + 0.5) * np.pi / 6)
    afternoon = np.where(day >= 5, weekend * np.exp(-(((hour - 15) / 4) ** 2)), 0.0)
    level = np.exp(depth * (shape + afternoon))
    return np.asarray(level / level.mean())
