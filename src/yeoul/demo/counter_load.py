"""What a service's servers have to do when nothing is wrong: hours, weeks, holidays, growth, and how load is shared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Load", "demand"]

Floats = NDArray[np.float64]

_SLOTS_A_DAY = 288
_BASE = {"INFO": 2600.0, "LOGIN": 420.0, "MENU": 5200.0, "STREAM": 1500.0}
"""Requests of one server in five minutes, on the average of a week in the first month."""
_PEAK_HOUR = {"INFO": 20.5, "LOGIN": 19.0, "MENU": 20.2, "STREAM": 21.2}
_DEPTH = {"INFO": 0.8, "LOGIN": 0.7, "MENU": 0.85, "STREAM": 1.0}
_HOLIDAYS = {(1, 1), (3, 1), (5, 5), (6, 6), (8, 15), (10, 3), (10, 9), (12, 25)}
_LONG_HOLIDAYS = ((2, 15, 3), (9, 23, 3))
"""Month, first day and days of the two that fill half a week."""


@dataclass(frozen=True, slots=True)
class Load:
    """What stands behind the counters before anything goes wrong."""

    demand: dict[str, Floats]
    """By file: requests of all servers in each slot, shape (rows,)."""
    mood: dict[str, Floats]
    """By file: a factor of the share that fails, shape (rows,), near 1."""
    weights: Floats
    """The share of each server, shape (rows, servers)."""


def demand(day: int, rows: int, servers: int, rng: np.random.Generator) -> Load:
    """The load of `rows` slots from a day (counted from 1970-01-01) on."""
    at = np.arange(rows)
    days = day + at // _SLOTS_A_DAY
    hour = at % _SLOTS_A_DAY / 12.0
    free = _free(days)
    growth = np.exp(0.25 * at / (365 * _SLOTS_A_DAY) + 0.05 * np.sin(2 * np.pi * (days - 20) / 365.25))
    common = 0.04 * _wander(rows, 2 * 12, rng) + 0.03 * _wander(rows, _SLOTS_A_DAY * 2, rng)
    amounts, mood = {}, {}
    for name, base in _BASE.items():
        peak, depth = _PEAK_HOUR[name], _DEPTH[name]
        shape = depth * (np.cos((hour - peak) * np.pi / 12) + 0.25 * np.cos((hour - peak + 0.7) * np.pi / 6))
        afternoon = free * 0.35 * np.exp(-(((hour - 15) / 4) ** 2)) - free * 0.1 * np.exp(-(((hour - 8) / 2) ** 2))
        own = 0.02 * _wander(rows, 12, rng)
        amounts[name] = base * servers * growth * np.exp(shape - 0.4 * depth + afternoon + common + own)
        mood[name] = np.exp(0.25 * _wander(rows, 36, rng))
    drift = np.stack([_wander(rows, 12 * 6, rng) for _ in range(servers)], axis=1)
    size = rng.choice([0.8, 1.0, 1.0, 1.25], servers)
    weights = size * np.exp(0.015 * drift)
    return Load(amounts, mood, weights / weights.sum(axis=1, keepdims=True))


def _free(days: NDArray[np.int64]) -> Floats:
    """1 on days that people have off, and 0 on working days."""
    known = np.unique(days)
    off = {}
    for one in known.tolist():
        date = np.datetime64(one, "D").item()
        long = any(month == date.month and start <= date.day < start + size for month, start, size in _LONG_HOLIDAYS)
        off[one] = float(date.weekday() >= 5 or (date.month, date.day) in _HOLIDAYS or long)
    return np.asarray(np.array([off[one] for one in known.tolist()])[days - known[0]], np.float64)


def _wander(rows: int, slots: int, rng: np.random.Generator) -> Floats:
    """Noise of variance 1 that forgets within `slots`."""
    from scipy.signal import lfilter  # noqa: PLC0415 - heavy, and only a maker of whole files needs it

    keep = float(np.exp(-1.0 / slots))
    start = rng.standard_normal(1) * keep
    return np.asarray(lfilter([np.sqrt(1 - keep**2)], [1.0, -keep], rng.standard_normal(rows), zi=start)[0])
