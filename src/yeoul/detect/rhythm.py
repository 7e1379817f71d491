"""The hour-of-week profile: how a key's level moves within a week, begun from the group's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.slots import SlotArrays

__all__ = ["Rhythm"]

HOURS = 168
_HOUR_US = 3_600_000_000
_WEEK_US = HOURS * _HOUR_US
_UNSEEN, _LENT, _OWN = 0, 1, 2

_SPREAD = 0.09
"""Variance (of the logarithm) by which keys' profiles differ from the group's: sets how fast a key earns its own."""
_GAIN = 0.4
"""Share of a repeated hour's deviation that is taken into the profile."""
_DRIFT_GAIN = 0.2
"""Share of it that is taken as a change of the key's overall level instead."""
_STEEPEST = 2.3
"""No profile moves by more than a factor of 10 an hour."""


class Rhythm:
    """Log profile of each key over the 168 hours of a week (UTC), learnt at the end of each hour.

    Only differences between neighbouring hours are used: the level itself is the caller's and adapts by itself. So an
    hour never seen (or its neighbour) says "no change" and the level tracks the rhythm alone. Until an hour of the
    week has been seen, the same hour of the latest other day stands in for it. The first time an hour of the week is
    learnt, each key's deviation is shrunk to the group's by how sparse the key is; from then on a key moves from its
    own profile, the less the sparser it is.
    """

    def __init__(self) -> None:
        self._slots = SlotArrays(
            {
                "profile": ("f2", 0.0, HOURS),
                "reference": ("f8", np.nan, 0),
                "sum": ("f8", 0.0, 0),
                "ticks": ("f4", 0.0, 0),
            }
        )
        self._group = np.zeros(HOURS)
        self._seen = np.zeros(HOURS, np.int8)
        self._last_us = -1

    def advance(self, start_us: int, width_us: int, size: int, dispersion: NDArray[np.float64]) -> NDArray[np.float64]:
        """Move to a tick; learn the hour that ended in between.

        Args:
            start_us: start of the tick.
            width_us: its length.
            size: number of slots.
            dispersion: variance / mean of each slot known so far (may be shorter than `size`).

        Returns:
            Factor by which each slot's level is expected to change since the last tick.
        """
        old = self._slots.size
        if size > old:
            self._slots.grow(size)
            self._slots["profile"][:, old:] = self._group[:, None].astype(np.float16)
        before, self._last_us = self._last_us, start_us
        if before < 0:
            return np.ones(size)
        if start_us // _HOUR_US != before // _HOUR_US:
            self._learn_hour(before // _HOUR_US % HOURS, width_us, dispersion)
        return np.exp(self._change(before, start_us))

    def ends_hour(self, start_us: int) -> bool:
        """Whether `advance` to this tick learns an hour."""
        return self._last_us >= 0 and start_us // _HOUR_US != self._last_us // _HOUR_US

    def observe(self, value: NDArray[np.float64], weight: NDArray[np.float64], part: slice = slice(None)) -> None:
        """Add a tick to the running hour, of these slots; `weight` 0 leaves a slot out."""
        self._slots["sum"][part] += np.where(weight > 0, weight * value, 0.0)
        self._slots["ticks"][part] += weight.astype(np.float32)

    def _change(self, before_us: int, now_us: int) -> NDArray[np.float64]:
        size = self._slots.size
        first, second, _ = _place(now_us)
        if now_us - before_us > _HOUR_US:
            if not self._seen.all():
                return np.zeros(size)
            return self._at(now_us) - self._at(before_us)
        if not (self._seen[first] and self._seen[second]):
            return np.zeros(size)
        profile = self._slots["profile"]
        slope = profile[second].astype(np.float64) - profile[first]
        change: NDArray[np.float64] = np.clip(slope, -_STEEPEST, _STEEPEST) * ((now_us - before_us) / _HOUR_US)
        return change

    def _at(self, at_us: int) -> NDArray[np.float64]:
        first, second, share = _place(at_us)
        profile = self._slots["profile"]
        one, other = profile[first].astype(np.float64), profile[second].astype(np.float64)
        return np.asarray((1.0 - share) * one + share * other)

    def _learn_hour(self, hour: int, width_us: int, dispersion: NDArray[np.float64]) -> None:
        slots = self._slots
        ticks, total, reference = slots["ticks"], slots["sum"], slots["reference"]
        full = ticks >= 0.5 * max(1.0, _HOUR_US / width_us)
        spread = np.ones(slots.size)
        spread[: len(dispersion)] = dispersion
        with np.errstate(invalid="ignore", divide="ignore"):
            seen = np.where(full, np.log((total + 0.5) / np.maximum(ticks, 1e-9)), np.nan)
            noise = spread / (total + spread)
        trust = np.where(full, _SPREAD / (_SPREAD + noise), 0.0)
        fresh = full & np.isnan(reference)
        reference[fresh] = seen[fresh] - slots["profile"][hour, fresh]
        old = full & ~fresh
        deviation = np.where(full, seen - reference, 0.0)
        if old.any():
            self._learn_group(hour, deviation[old], trust[old])
        elif full.any() and not self._seen[hour]:
            self._group[hour] = 0.0
        self._learn_keys(hour, deviation, np.where(full, trust, 0.0), old)
        if full.any():
            self._lend(hour)
        total[:] = 0.0
        ticks[:] = 0.0

    def _learn_group(self, hour: int, deviation: NDArray[np.float64], trust: NDArray[np.float64]) -> None:
        weight = float(trust.sum())
        if weight <= 0:
            return
        middle = float((deviation * trust).sum()) / weight
        gain = 1.0 if self._seen[hour] == _UNSEEN else _GAIN
        self._group[hour] += gain * (middle - self._group[hour])

    def _learn_keys(
        self, hour: int, deviation: NDArray[np.float64], trust: NDArray[np.float64], old: NDArray[np.bool_]
    ) -> None:
        profile, reference = self._slots["profile"], self._slots["reference"]
        if self._seen[hour] == _UNSEEN:
            base = np.full(self._slots.size, self._group[hour])
            gain = trust
        else:
            base = profile[hour].astype(np.float64)
            gain = _GAIN * trust
            reference[old] += _DRIFT_GAIN * trust[old] * (deviation - base)[old]
        profile[hour] = (base + gain * (deviation - base)).astype(np.float16)

    def _lend(self, hour: int) -> None:
        self._seen[hour] = _OWN
        for other in range(hour % 24, HOURS, 24):
            if self._seen[other] != _OWN:
                self._slots["profile"][other] = self._slots["profile"][hour]
                self._group[other] = self._group[hour]
                self._seen[other] = _LENT

    def forget(self, slots: NDArray[np.intp]) -> None:
        """Give these slots the group's profile again."""
        self._slots.forget(slots)
        inside = slots[slots < self._slots.size]
        self._slots["profile"][:, inside] = self._group[:, None].astype(np.float16)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._slots.nbytes

    def snapshot(self) -> dict[str, Any]:
        return {
            "slots": self._slots.snapshot(),
            "group": self._group.copy(),
            "seen": self._seen.copy(),
            "last_us": self._last_us,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._slots.restore(state["slots"])
        self._group = np.array(state["group"], np.float64)
        self._seen = np.array(state["seen"], np.int8)
        self._last_us = int(state["last_us"])


def _place(at_us: int) -> tuple[int, int, float]:
    """The hours of the week between whose middles a time lies, and how far along."""
    hours = (at_us % _WEEK_US) / _HOUR_US - 0.5
    first = int(np.floor(hours))
    return first % HOURS, (first + 1) % HOURS, hours - first
