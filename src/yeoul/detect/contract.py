"""What a detector must do. It sees keys, times and numbers, never a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["LARGEST_VALUE", "Detector", "Judgement", "Tick"]

LARGEST_VALUE = 1e37
"""What is beyond is taken as this: it goes into four bytes, and its square into eight."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One closed window for all known keys at once. Every array has one element a key slot (length n)."""

    start_us: int
    """Start of the window, UTC."""
    width_us: int
    """Its length; the same in every tick of a detector's life."""
    value: NDArray[np.float64]
    """Observed values; 0 for a known key that is absent from a fully covered window; NaN = missing: nothing may be
    concluded from it and nothing learnt."""
    alive: NDArray[np.bool_]
    """Slots in use. The others hold nothing: judge them as p = 1 and keep no state for them."""
    floor: float = 0.0
    """Least amount of interest. Where neither the value nor what is expected reaches it, nobody asks for a p above
    0.01: a detector may then say 1 without evaluating it."""
    told: NDArray[np.float64] | None = None
    """What the detectors before this one expect; NaN where they say nothing. None: this one is the first."""

    def asked(self, part: slice, expected: NDArray[np.float64], speaks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Where in a part of the slots p is asked for whatever it is: from the floor on, or where nothing is expected.

        Args:
            part: the slots that are meant.
            expected: what the detector that asks expects of them itself; used when it is the first.
            speaks: where it says something.
        """
        if self.told is not None:
            expected = self.told[part]
            speaks = ~np.isnan(expected)
        with np.errstate(invalid="ignore"):
            return (self.value[part] >= self.floor) | (expected >= self.floor) | ~speaks


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a detector says of a tick, arrays of length n; p = 1 and confidence = 0 where nothing can be said."""

    p: NDArray[np.float64]
    """Tail probability in (0, 1]: how often a normal key would look at least this odd. Calibrated."""
    expected: NDArray[np.float64]
    lower: NDArray[np.float64]
    """Range in which 99 % of normal values lie, lower <= expected <= upper."""
    upper: NDArray[np.float64]
    confidence: NDArray[np.float64]
    """In [0, 1], apart from p: low while the history is short or the data has gaps."""


class Detector(Protocol):
    """Judges, then learns, tick by tick; deterministic: the same ticks give the same judgements.

    The caller promises: ticks come in order of time, none twice; gaps happen; `value` may grow longer from tick to
    tick (new keys take new slots); `forget` comes before a slot is given to another key.
    """

    name: str

    def judge(self, tick: Tick) -> Judgement:
        """Judge the tick by what earlier ticks taught, then learn from it. O(n), NumPy columns, no loop over keys."""

    def forget(self, slots: NDArray[np.intp]) -> None:
        """Drop all state of these slots."""

    def snapshot(self) -> dict[str, Any]:
        """All state as plain members and NumPy arrays (no objects)."""

    def restore(self, state: dict[str, Any]) -> None:
        """Continue exactly where `snapshot` was taken."""
