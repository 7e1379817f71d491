"""What the keys have in common: prior of a level, overdispersion, and the drift that all share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pool"]

Floats = NDArray[np.float64]

_KEEP = 1.0 - 1.0 / 720.0
_DRIFT_GAIN = 1.0 / 30.0
_STEEPEST = 0.0015
"""The shared drift moves by at most 0.15 % a tick: faster than any daily rhythm, much slower than an outage."""
_MEMBERS = (
    "level",
    "shape",
    "overdispersion",
    "widening",
    "drift",
    "levels",
    "over",
    "over_weight",
    "wide",
    "wide_weight",
)


class Pool:
    """Scalars learnt over all keys, used where a key's own history is too short to say."""

    def __init__(self) -> None:
        self.level = 0.0
        """Mean level of keys."""
        self.shape = 0.3
        """Shape of the gamma prior of levels: 1 / squared coefficient of variation over keys."""
        self.levels = 0.0
        """Keys the prior was made from; 0 = nothing is known yet."""
        self.overdispersion = 0.1
        """alpha of variance = mean + alpha mean²."""
        self.widening = 1.0
        """Variance of smoothed residuals over what independent ticks would give."""
        self.drift = 1.0
        """Factor by which all levels are expected to move with the next tick."""
        self.over, self.over_weight = 0.1, 1.0
        self.wide, self.wide_weight = 100.0, 100.0

    def learn_levels(self, level: Floats) -> None:
        """Prior of a new key's level from the levels of the known ones."""
        if not len(level):
            return
        mean = float(level.mean())
        if mean <= 0:
            return
        # not variance / mean²: the square of a level near 0 is 0
        spread = float((level / mean).var())
        self.level, self.levels = mean, float(len(level))
        self.shape = float(np.clip(1.0 / max(spread, 1e-9), 0.05, 1.0))

    @staticmethod
    def overdispersion_terms(excess: Floats, mean: Floats, variance: Floats, weight: Floats) -> tuple[Floats, Floats]:
        """Weighted least squares of `excess` (squared residual - mean) on alpha mean²: each key's two sums."""
        trust = weight / np.maximum(variance, 1e-12) ** 2 * mean * mean
        return trust * excess, trust * mean * mean

    def learn_overdispersion(self, over: Floats, weight: Floats) -> None:
        """Alpha from the keys' terms, as moments of the NB2 family."""
        tick_weight = float(weight.sum())
        if tick_weight <= 0:
            return
        self.over = _KEEP * self.over + float(over.sum())
        self.over_weight = _KEEP * self.over_weight + tick_weight
        self.overdispersion = max(self.over / self.over_weight, 1e-6)

    def learn_widening(self, squares: Floats, weight: Floats) -> None:
        """Mean of the weighted squares of the smoothed standardised residuals."""
        total = float(weight.sum())
        if total <= 0:
            return
        self.wide = _KEEP * self.wide + float(squares.sum())
        self.wide_weight = _KEEP * self.wide_weight + total
        self.widening = max(self.wide / self.wide_weight, 1.0)

    @staticmethod
    def drift_terms(value: Floats, mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
        """How far each key is off and pulls, bounded, and how much it is trusted."""
        variance = np.maximum(variance, 1e-12)
        deviation = np.sqrt(variance)
        pull = mean / variance * np.clip(value - mean, -3.0 * deviation, 3.0 * deviation)
        return pull, mean * mean / variance

    def learn_drift(self, pull: Floats, trust: Floats) -> None:
        """How far all keys together are off, from the keys' terms; one key alone moves little."""
        self.drift = 1.0
        total = float(trust.sum())
        if total <= 0:
            return
        keys = total**2 / float((trust * trust).sum())
        off = float(pull.sum()) / total * keys / (keys + 5.0)
        self.drift = float(np.exp(np.clip(_DRIFT_GAIN * off, -_STEEPEST, _STEEPEST)))

    def snapshot(self) -> dict[str, Any]:
        """All members."""
        return {name: getattr(self, name) for name in _MEMBERS}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` gave."""
        for name in _MEMBERS:
            setattr(self, name, float(state[name]))
