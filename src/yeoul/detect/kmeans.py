"""Streaming k-means++ over the last six values of each key: behaviour far from every usual pattern is odd."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.adapt import lasting, learning_weight
from yeoul.detect.calibrate import TailCalibrator
from yeoul.detect.centres import Centres
from yeoul.detect.contract import LARGEST_VALUE, Judgement, Tick
from yeoul.detect.slots import SlotArrays, parts

__all__ = ["StreamingKMeans"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Slots = dict[str, NDArray[Any]]
"""The state of a part of the slots, by field."""

_LAGS = 6
_LEVEL = 1.0 - 1.0 / 60.0
_NOISE = 1.0 - 1.0 / 720.0
_RECENT = 1.0 - 1.0 / 30.0
_OWN_NOISE = 30.0
_LEAK = 0.02
_FARTHEST = 16.0
_RARE, _MILD = 1e-5, 1e-3
_GROUPS = 8
_GROUP_EDGES = np.array([0.5, 2.0, 6.0, 20.0, 60.0, 200.0, 1000.0])
"""Levels at which keys change to another group of the calibration: sparse counts have other tails than dense ones."""
_FULL_TICKS = 60.0
_Z99 = 2.5758293035489004

_FIELDS: dict[str, tuple[str, float, int]] = {
    "lags": ("f4", np.nan, _LAGS),
    "sum": ("f8", 0.0, 0),
    "ticks": ("f8", 0.0, 0),
    "noise": ("f8", 0.0, 0),
    "noise_ticks": ("f4", 0.0, 0),
    "recent": ("f4", np.nan, 0),
    "run": ("f4", 0.0, 0),
    "age": ("f4", 0.0, 0),
}


class StreamingKMeans:
    """Distance to the nearest usual pattern.

    A value becomes its deviation from the key's own level on the square-root scale (Anscombe, 1948: the variance of a
    count is then the same at every level), in units of the key's own noise. The last six of them are a vector; all
    keys share 16 centres; the distance to the nearest one is turned into p by a streaming calibration over keys of
    like level. O(16 n) a tick, about 70 bytes a key.
    """

    name = "kmeans"

    def __init__(self, centres: int = 16, seed: int = 0) -> None:
        """Args: number of centres and the seed of their drawing."""
        self._slots = SlotArrays(_FIELDS)
        self._centres = Centres(centres, _LAGS, seed)
        rng = np.random.default_rng(seed)
        prior = np.sqrt((rng.gamma(2.0, 0.5, (20_000, 1)) * rng.normal(size=(20_000, _LAGS)) ** 2).sum(axis=1))
        self._calibrator = TailCalibrator(_GROUPS, prior)
        self._over, self._over_weight = 0.1, 1.0

    def judge(self, tick: Tick) -> Judgement:
        size = len(tick.value)
        self._slots.grow(size)
        value = np.asarray(tick.value, np.float64)
        with np.errstate(invalid="ignore"):
            known = tick.alive & np.isfinite(value) & (value >= 0)
        value = np.where(known, np.minimum(value, LARGEST_VALUE), 0.0)
        judged, terms = Judgement(*(np.empty(size) for _ in range(5))), _Terms(size)
        for part in parts(size):
            self._judge(tick, part, value[part], known[part], judged, terms)
        self._teach(terms)
        return judged

    def _judge(self, tick: Tick, part: slice, value: Floats, known: Mask, judged: Judgement, terms: _Terms) -> None:
        """Judge a part of the slots into `judged`, learn from it, and note what it says of all keys in `terms`."""
        slots = self._slots.part(part)
        ticks = slots["ticks"]
        level = np.where(ticks > 0, slots["sum"] / np.maximum(ticks, 1e-9), value)
        root, seen = _root(level), _root(value)
        deviation = np.sqrt(self._variance(slots, level))
        scaled = (seen - root) / deviation
        lags = slots["lags"]
        for lag in range(_LAGS - 1, 0, -1):
            lags[lag] = lags[lag - 1]
        lags[0] = np.where(known & (ticks > 0), scaled, np.nan)
        complete = known.copy()
        for values in lags:
            complete &= np.isfinite(values)
        ready = np.flatnonzero(complete)
        vectors = lags[:, ready].T
        nearest, distance = self._centres.nearest(vectors)
        group = _group(level[ready])
        confidence = np.zeros(len(value))
        confidence[ready] = 1.0 - np.exp(-slots["age"][ready].astype(np.float64) / _FULL_TICKS)
        step = self._calibrator.step(distance)
        asked = np.flatnonzero(tick.asked(part, level, confidence > 0)[ready] | self._calibrator.rare(step, group))
        p = np.ones(len(value))
        p[ready[asked]] = self._calibrator.p(distance[asked], group[asked])
        spread = _Z99 * deviation
        said = tick.alive[part] & (ticks > 0)
        judged.p[part], judged.confidence[part] = p, confidence
        judged.expected[part] = np.where(said, level, 0.0)
        judged.lower[part] = np.where(said, np.minimum(_square(root - spread), level), 0.0)
        judged.upper[part] = np.where(said, np.maximum(_square(root + spread), level), 0.0)
        terms.note(vectors, nearest, step, group, p[ready])
        self._learn(slots, part, value, scaled, known, p, terms)

    def _variance(self, slots: Slots, level: Floats) -> Floats:
        """Variance on the square-root scale: the key's own, shrunk to what its level has in the group."""
        prior = 1.0 + self._over / self._over_weight * level
        return np.maximum((slots["noise"] + _OWN_NOISE * prior) / (slots["noise_ticks"] + _OWN_NOISE), 1e-12)

    def _teach(self, terms: _Terms) -> None:
        """Learn what all keys have in common, when all parts are through: in the order of slots, as always."""
        self._over = _NOISE * self._over + float(terms.over[terms.judged].sum())
        self._over = max(self._over, 1e-6)
        self._over_weight = _NOISE * self._over_weight + float(terms.over_weight.sum())
        vectors, nearest, step, group, p = terms.noted()
        usual = p > _MILD
        if not usual.all():
            vectors, nearest = vectors[:, usual], nearest[usual]
        self._centres.learn(vectors.T, nearest)
        # An incident does not make the tail: beyond one in 100,000 a score counts little, and as a mild one.
        odd = np.flatnonzero(p <= _RARE)
        step[odd] = self._calibrator.step(self._calibrator.score_at(_MILD, group[odd]))
        weight = np.ones(len(step))
        weight[odd] = _LEAK
        self._calibrator.learn_steps(step, group, weight)

    def _learn(
        self, slots: Slots, part: slice, value: Floats, scaled: Floats, known: Mask, p: Floats, terms: _Terms
    ) -> None:
        level = slots["sum"] / np.maximum(slots["ticks"], 1e-9)
        # The pattern may still look usual when the last value alone does not: either keeps it from being learnt.
        guarded = np.minimum(learning_weight(p), np.clip(2.5 - np.abs(scaled) / 2.0, 0.0, 1.0))
        weight = np.where(known, np.where(slots["age"] < _LAGS, 1.0, guarded), 0.0)
        judged = np.where(slots["ticks"] > 0, np.maximum(weight, _LEAK), 0.0) * known
        variance = self._variance(slots, level)
        square = np.minimum(scaled**2, _FARTHEST) * variance
        trust = judged * level / (1.0 + 0.1 * level) ** 2
        terms.judged[part] = judged > 0
        terms.over[part], terms.over_weight[part] = trust * (square - 1.0), trust * level
        keep = 1.0 - (1.0 - _NOISE) * judged
        slots["noise"][:] = keep * slots["noise"] + judged * square
        slots["noise_ticks"][:] = keep * slots["noise_ticks"] + judged
        keep = 1.0 - (1.0 - _LEVEL) * weight
        slots["sum"][:] = keep * slots["sum"] + weight * value
        slots["ticks"][:] = keep * slots["ticks"] + weight
        recent = np.where(np.isnan(slots["recent"]), value, _RECENT * slots["recent"] + (1.0 - _RECENT) * value)
        slots["recent"][:] = np.where(known, recent, slots["recent"])
        # Odd on any side: a pattern that lasts is the new normal, whatever its shape.
        slots["run"][:], lasted = lasting(slots["run"], np.where(weight < 0.5, 1.0, 0.0), known)
        _restart(slots, np.flatnonzero(lasted))
        slots["age"][:] = np.where(known, np.minimum(slots["age"] + 1.0, 1e6), slots["age"])

    def forget(self, slots: NDArray[np.intp]) -> None:
        self._slots.forget(slots)

    @property
    def nbytes(self) -> int:
        """Bytes held for all slots."""
        return self._slots.nbytes + self._calibrator.nbytes

    def snapshot(self) -> dict[str, Any]:
        return {
            "slots": self._slots.snapshot(),
            "centres": self._centres.snapshot(),
            "calibrator": self._calibrator.snapshot(),
            "over": self._over,
            "over_weight": self._over_weight,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._slots.restore(state["slots"])
        self._centres.restore(state["centres"])
        self._calibrator.restore(state["calibrator"])
        self._over = float(state["over"])
        self._over_weight = float(state["over_weight"])


def _group(level: Floats) -> NDArray[np.intp]:
    """Which group of the calibration a level belongs to: how many edges are below it."""
    group = np.zeros(len(level), np.intp)
    for edge in _GROUP_EDGES:
        group += level > edge
    return group


def _root(value: Floats) -> Floats:
    return 2.0 * np.sqrt(value + 0.375)


def _square(root: Floats) -> Floats:
    return np.maximum((np.maximum(root, 0.0) / 2.0) ** 2 - 0.375, 0.0)


def _restart(slots: Slots, at: NDArray[np.intp]) -> None:
    """Begin again at the level of the last minutes where a pattern has lasted."""
    slots["sum"][at] = slots["recent"][at].astype(np.float64) * 30.0
    slots["ticks"][at] = 30.0
    slots["noise"][at] = 0.0
    slots["noise_ticks"][at] = 0.0
    slots["lags"][:, at] = np.nan


class _Terms:
    """What the keys of a tick say of all keys, part by part."""

    def __init__(self, size: int) -> None:
        self.over, self.over_weight = np.empty((2, size))
        self.judged = np.empty(size, bool)
        self._vectors = np.empty((_LAGS, size))
        self._nearest, self._step, self._group = np.empty((3, size), np.intp)
        self._p = np.empty(size)
        self._count = 0

    def note(
        self,
        vectors: NDArray[np.float32],
        nearest: NDArray[np.intp],
        step: NDArray[np.intp],
        group: NDArray[np.intp],
        p: Floats,
    ) -> None:
        """Take the complete vectors of a part."""
        part = slice(self._count, self._count + len(p))
        self._vectors[:, part] = vectors.T
        self._nearest[part], self._step[part], self._group[part], self._p[part] = nearest, step, group, p
        self._count = part.stop

    def noted(self) -> tuple[Floats, NDArray[np.intp], NDArray[np.intp], NDArray[np.intp], Floats]:
        """All of them: vectors (one a column), nearest centre, step, group, p."""
        n = self._count
        return self._vectors[:, :n], self._nearest[:n], self._step[:n], self._group[:n], self._p[:n]
