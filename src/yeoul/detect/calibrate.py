"""From a raw score to a tail probability: a histogram that forgets, with a generalised Pareto tail."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PooledRate", "TailCalibrator"]

Floats = NDArray[np.float64]

_LEAST, _MOST, _STEPS = 0.02, 2000.0, 384
_LOG_LEAST = float(np.log(_LEAST))
_PER_LOG = _STEPS / float(np.log(_MOST / _LEAST))
_TAIL = 0.02
_UNSEEN_EXCESS = 0.25
"""Mean excess over its start of a tail of which nothing was seen yet, in units of the start."""
_HEAVIEST = 0.3
"""The Pareto shape is held in [0, 0.3]: never lighter than exponential, never so heavy that nothing is rare."""
_PRIOR_SCORES = 500.0
_FLOOR = 1e-300
_RATE_LEVEL = 1e-3
_RATE_PRIOR = 500.0
_MOST_FACTOR = 20.0
_MOST_AT_ONCE = 10.0


class TailCalibrator:
    """Streaming peaks-over-threshold, one distribution a group of alike keys.

    Each group keeps a histogram over logarithmic steps of the score (3 % wide) that forgets with a time constant of
    `memory_ticks`. Up to its 98 % point p is the empirical share of scores at least as high; above it, a generalised
    Pareto tail by the method of moments (Siffer et al., "Anomaly Detection in Streams with Extreme Value Theory", KDD
    2017). It starts from `prior_scores`, a sample of what normal scores look like.

    Scores that take few values may have so many at the 98 % point that hardly any are left for a tail. That value
    itself then has a p above 0.01, wherever it stands in its step, and the tail is begun with one score more, a quarter
    above its start.

    >>> normal = np.abs(np.random.default_rng(1).normal(size=20_000))
    >>> calibrator = TailCalibrator(groups=1, prior_scores=normal)
    >>> group = np.zeros(3, np.intp)
    >>> [f"{p:.2g}" for p in calibrator.p(np.array([0.6745, 3.29, 6.0]), group)]
    ['0.5', '0.0011', '2.6e-07']
    """

    def __init__(self, groups: int, prior_scores: Floats, memory_ticks: float = 8640.0) -> None:
        self._edges = np.geomspace(_LEAST, _MOST, _STEPS + 1)
        self._edges[0] = 0.0
        self._middle = 0.5 * (self._edges[1:] + self._edges[:-1])
        counts = np.histogram(np.minimum(prior_scores, _MOST * 0.99), self._edges)[0].astype(np.float64)
        counts *= _PRIOR_SCORES / counts.sum()
        self._counts = np.tile(counts, (groups, 1))
        self._keep = 1.0 - 1.0 / memory_ticks
        self._fit()

    def step(self, score: Floats) -> NDArray[np.intp]:
        """The step of the histogram that each score lies in, 0 to 383."""
        # The edges rise by a constant factor: a logarithm says the step to within one, the edges say which it is.
        guess = np.log(np.clip(score, _LEAST, _MOST))
        guess -= _LOG_LEAST
        guess *= _PER_LOG
        at = np.minimum(guess.astype(np.intp), _STEPS - 1)
        at -= score < self._edges[at]
        at += (score >= self._edges[at + 1]) & (at < _STEPS - 1)
        return at

    def rare(self, step: NDArray[np.intp], group: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Where scores of these steps may have a p of 0.02 or less."""
        return np.asarray(step + 1 >= self._first[group])

    def p(self, score: Floats, group: NDArray[np.intp]) -> Floats:
        """Share of normal scores that are at least `score`, in (0, 1]; `group` indexes the distributions."""
        at = self.step(score)
        inside = np.clip((score - self._edges[at]) / (self._edges[at + 1] - self._edges[at]), 0.0, 1.0)
        above = self._above[group, at + 1] + (1.0 - inside) * self._share[group, at]
        excess = np.maximum(score - self._start[group], 0.0) / self._scale[group]
        shape = self._shape[group]
        tail = self._rate[group] * np.exp(-np.log1p(shape * excess) / shape)
        above = np.maximum(above, self._least_above[group])
        p: Floats = np.clip(np.where(score > self._start[group], tail, above), _FLOOR, 1.0)
        return p

    def score_at(self, p: float, group: NDArray[np.intp]) -> Floats:
        """The score whose tail probability is `p`, for p below the tail's 2 %."""
        shape = self._shape[group]
        excess = np.expm1(shape * np.log(np.maximum(self._rate[group] / p, 1.0))) / shape
        return np.asarray(self._start[group] + self._scale[group] * excess)

    def learn(self, score: Floats, group: NDArray[np.intp], weight: Floats) -> None:
        """Add a tick's scores. `weight` 0 leaves one out."""
        self.learn_steps(self.step(score), group, weight)

    def learn_steps(self, step: NDArray[np.intp], group: NDArray[np.intp], weight: Floats) -> None:
        """The same for scores whose steps are known already."""
        self._counts *= self._keep
        added = np.bincount(group * _STEPS + step, weights=weight, minlength=self._counts.size)
        self._counts += added.reshape(self._counts.shape)
        self._fit()

    def _fit(self) -> None:
        total = self._counts.sum(axis=1, keepdims=True)
        self._share = self._counts / total
        above = np.zeros((len(self._counts), _STEPS + 1))
        above[:, :-1] = np.cumsum(self._share[:, ::-1], axis=1)[:, ::-1]
        self._above = above
        # The tail starts at the first edge with at most 2 % above it.
        first = self._first = np.argmax(above <= _TAIL, axis=1)
        groups = np.arange(len(above))
        self._start = self._edges[first]
        beyond = above[groups, first]
        # where in its step the most frequent score stands is not known: half of them at least are as high
        self._least_above = beyond + 0.5 * self._share[groups, first - 1]
        unseen = np.clip(0.5 * _TAIL - beyond, 0.0, 1.0 / total[:, 0])
        self._rate = np.maximum(beyond + unseen, 1e-4)
        inside = np.arange(_STEPS)[None, :] >= first[:, None]
        weights = np.where(inside, self._share, 0.0)
        mass = np.maximum(weights.sum(axis=1) + unseen, 1e-12)
        excess = np.where(inside, self._middle[None, :] - self._start[:, None], 0.0)
        further = _UNSEEN_EXCESS * self._start
        mean = np.maximum(((weights * excess).sum(axis=1) + unseen * further) / mass, 1e-3 * self._start)
        square = ((weights * excess**2).sum(axis=1) + unseen * 2.0 * further**2) / mass
        variance = np.maximum(square - mean**2, 1e-12)
        self._shape = np.clip(0.5 * (1.0 - mean**2 / variance), 1e-6, _HEAVIEST)
        self._scale = mean * (1.0 - self._shape)

    @property
    def nbytes(self) -> int:
        """Bytes held; does not depend on the number of keys."""
        return self._counts.nbytes * 3

    def snapshot(self) -> dict[str, Any]:
        """The histograms; everything else follows from them."""
        return {"counts": self._counts.copy()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` gave."""
        self._counts = np.array(state["counts"], np.float64)
        self._fit()


class PooledRate:
    """Corrects a p that follows from a fixed law by how often all keys together come below one in a thousand.

    It begins as if 500 had been expected and had come, and forgets with a time constant of `memory_ticks`: one series
    hardly moves it, a thousand keys do within an hour. A tick counts at most ten times what it should have, so that an
    incident of many keys does not make itself usual.

    >>> rate = PooledRate()
    >>> for _ in range(3000):
    ...     rate.learn(np.linspace(0.0002, 1.0, 5000) ** 1.2)
    >>> round(rate.factor, 1)
    2.9
    """

    def __init__(self, memory_ticks: float = 8640.0) -> None:
        self._keep = 1.0 - 1.0 / memory_ticks
        self._expected = self._realised = 0.0

    @property
    def factor(self) -> float:
        """What p is to be multiplied by, in [1/20, 20]."""
        factor = (_RATE_PRIOR + self._realised) / (_RATE_PRIOR + self._expected)
        return min(max(factor, 1.0 / _MOST_FACTOR), _MOST_FACTOR)

    def learn(self, p: Floats) -> None:
        """Count a tick's p, uncorrected, of the keys that were judged."""
        expected = _RATE_LEVEL * len(p)
        realised = min(float((p <= _RATE_LEVEL).sum()), _MOST_AT_ONCE * max(expected, _RATE_LEVEL * _RATE_PRIOR))
        self._expected = self._keep * self._expected + expected
        self._realised = self._keep * self._realised + realised

    def snapshot(self) -> dict[str, Any]:
        """The two counts."""
        return {"expected": self._expected, "realised": self._realised}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` gave."""
        self._expected, self._realised = float(state["expected"]), float(state["realised"])
