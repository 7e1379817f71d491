"""Count matrices of a simulated service, made directly: Zipf customers, rhythm, drift, noise, planted incidents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WIDTH_US = 10_000_000
DAY_TICKS = 8640


@dataclass(frozen=True)
class Plant:
    """One planted incident, with its label."""

    kind: str
    key: int
    start: int
    ticks: int


@dataclass(frozen=True)
class World:
    """How normal customers behave."""

    keys: int = 200
    total: float = 6000.0
    """Events a tick of all customers, at the middle of the rhythm."""
    zipf: float = 1.0
    daily: float = 0.7
    """Amplitude of the daily rhythm of the logarithm: 0.7 is fourfold from night to evening."""
    weekend: float = 0.2
    overdispersion: float = 0.02
    """alpha of variance = mean + alpha mean² within a tick, independent from tick to tick."""
    correlated: float = 0.05
    """Standard deviation of a key's own slow wandering (AR(1) of the logarithm)..."""
    memory_ticks: float = 90.0
    """...and how long it remembers."""
    wander: float = 0.15
    """Standard deviation of the drift of a key's level over a day (random walk of the logarithm)."""


def rhythm(world: World, ticks: int, start: int = 0) -> NDArray[np.float64]:
    """Logarithm of the shared rhythm at each tick; its evening peak is sharper than its night."""
    day = 2 * np.pi * (np.arange(start, start + ticks) / DAY_TICKS)
    week = (np.arange(start, start + ticks) // DAY_TICKS) % 7 >= 5
    return world.daily * (np.sin(day - 2.2) + 0.3 * np.sin(2 * day - 1.0)) + world.weekend * week


def counts(
    world: World, ticks: int, seed: int, start: int = 0, plants: tuple[Plant, ...] = ()
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Counts (ticks, keys), and the mean level of each key; plants are applied to the mean, then drawn."""
    rng = np.random.default_rng(seed)
    share = 1.0 / np.arange(1, world.keys + 1) ** world.zipf
    level = world.total * share / share.sum()
    own_phase = rng.normal(0.0, 0.15, world.keys)
    log = rhythm(world, ticks, start)[:, None] * (1.0 + own_phase[None, :])
    log = log + np.cumsum(rng.normal(0.0, world.wander / np.sqrt(DAY_TICKS), (ticks, world.keys)), axis=0)
    if world.correlated:
        keep = np.exp(-1.0 / world.memory_ticks)
        state = rng.normal(0.0, world.correlated, world.keys)
        step = world.correlated * np.sqrt(1 - keep**2)
        for i in range(ticks):
            state = keep * state + step * rng.normal(size=world.keys)
            log[i] += state
    mean = level[None, :] * np.exp(log)
    for plant in plants:
        _apply(mean, plant)
    if world.overdispersion:
        mean = mean * rng.gamma(1 / world.overdispersion, world.overdispersion, mean.shape)
    return rng.poisson(mean).astype(np.float64), level


def _apply(mean: NDArray[np.float64], plant: Plant) -> None:
    at = slice(plant.start, plant.start + plant.ticks)
    if plant.kind == "burst":
        mean[at, plant.key] *= 3.0
    elif plant.kind == "drop":
        mean[at, plant.key] = 0.0
    elif plant.kind == "scan":
        mean[at, plant.key] *= 1.75
    elif plant.kind == "rise":  # to threefold over the whole length
        mean[at, plant.key] *= np.linspace(1.0, 3.0, len(mean[at]))
    elif plant.kind == "outage":
        mean[at, :: plant.key] *= 0.1
