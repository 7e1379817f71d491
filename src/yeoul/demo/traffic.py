"""What happens without incidents: the plays of one cell (10 s of writing time), drawn from the seed and the time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yeoul.demo.catalogue import Catalogue
from yeoul.demo.config import MAX_LATE_US, ServiceConfig
from yeoul.demo.hashing import mixed
from yeoul.demo.rhythm import Rhythm, SmoothNoise

__all__ = ["CELL_US", "PLAY", "Plays", "Traffic"]

CELL_US = 10_000_000
"""Everything is drawn cell by cell; a cell is drawn alike whatever range it is asked in."""

PLAY = np.dtype(
    [
        ("written_us", np.int64),  # when its line is written
        ("at_us", np.int64),  # when it happened
        ("logged_us", np.int64),  # when its device says it happened
        ("eid", np.uint64),
        ("customer", np.int32),  # rank
        ("title", np.int32),  # rank
        ("hit", np.int32),
        ("host", np.int32),
    ]
)
"""One play as NumPy keeps it; times are UTC microseconds."""

Plays = NDArray[np.void]

_DISORDER_MAX_US = 8_000_000
_LATE_MIN_US = 30_000_000
_TITLE_DRIFT_US = 7_200_000_000
_TITLE_DRIFT = 0.4
_DRIFT_STEP_US = 60_000_000
_OWN_TASTE = 0.3
# hits of one play: most have one, a few up to six; the mean is 1.4
_HITS = np.array([1] * 48 + [2] * 10 + [3] * 4 + [4, 6], dtype=np.int32)


class Traffic:
    """Draws the ordinary plays of a service."""

    def __init__(self, config: ServiceConfig, catalogue: Catalogue, rhythm: Rhythm) -> None:
        rng = np.random.default_rng([config.seed, 3])
        self._config = config
        self._rhythm = rhythm
        self._share = catalogue.customer_share
        self._title_share = catalogue.title_share
        self._noise = SmoothNoise(config.seed, 5, _TITLE_DRIFT_US, config.titles)
        self._taste = rng.integers(0, config.titles, config.customers)
        self._drifted: tuple[int, NDArray[np.float64]] = (-1, np.empty(0))

    def cell(self, number: int) -> Plays:
        """The plays written in [number, number + 1) x 10 s, in no order."""
        config = self._config
        start_us = number * CELL_US
        rng = np.random.default_rng([config.seed, 4, number])
        mean = config.rate_eps * (CELL_US / 1e6) * self._share * self._rhythm.level(start_us + CELL_US // 2)
        if config.dispersion:
            mean = mean * rng.gamma(1 / config.dispersion, config.dispersion, config.customers)
        customer = np.repeat(np.arange(config.customers), rng.poisson(mean))
        size = len(customer)
        plays = np.empty(size, PLAY)
        plays["customer"] = customer
        plays["written_us"] = start_us + (rng.random(size) * CELL_US).astype(np.int64)
        plays["at_us"] = plays["written_us"] - self._lag_us(rng, size)
        plays["title"] = self._titles(rng, customer, start_us)
        plays["eid"] = rng.integers(0, 2**64, size, dtype=np.uint64)
        plays["hit"] = _HITS[mixed(plays["eid"], 1) & np.uint64(63)]
        return plays

    def _lag_us(self, rng: np.random.Generator, size: int) -> NDArray[np.int64]:
        lag = np.zeros(size, np.int64)
        if self._config.disorder_s:
            drawn = rng.standard_exponential(size) * (self._config.disorder_s * 1e6)
            lag = np.minimum(drawn, _DISORDER_MAX_US).astype(np.int64)
        if self._config.late:
            late = np.flatnonzero(rng.random(size) < self._config.late)
            lag[late] = (_LATE_MIN_US * (MAX_LATE_US / _LATE_MIN_US) ** rng.random(len(late))).astype(np.int64)
        return lag

    def _titles(self, rng: np.random.Generator, customer: NDArray[np.int64], at_us: int) -> NDArray[np.int64]:
        """Titles by popularity of the hour; some plays follow the customer's own order of the same catalogue."""
        rank = np.searchsorted(self._popularity(at_us), rng.random(len(customer)), side="right")
        own = rng.random(len(customer)) < _OWN_TASTE
        return np.where(own, (rank + self._taste[customer]) % self._config.titles, rank)

    def _popularity(self, at_us: int) -> NDArray[np.float64]:
        """Cumulative shares of the titles, which drift over hours; renewed once a minute."""
        step = at_us // _DRIFT_STEP_US
        if self._drifted[0] != step:
            sums = np.cumsum(self._title_share * np.exp(_TITLE_DRIFT * self._noise.at(step * _DRIFT_STEP_US)))
            sums /= sums[-1]
            self._drifted = (step, sums)
        return self._drifted[1]
