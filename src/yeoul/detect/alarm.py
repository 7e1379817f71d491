"""An alarm: one key in one window that is too unlikely to be normal, with the numbers that say so."""

from __future__ import annotations

from dataclasses import dataclass
from math import log10

__all__ = ["Alarm", "direction_of", "score_of"]

_UNREMARKABLE = 0.05


@dataclass(frozen=True, slots=True)
class Alarm:
    """What was seen, what was expected, and how unlikely that is."""

    key: int
    detector: str
    """The detector whose p was least."""
    observed: float
    expected: float
    lower: float
    """Range of 99 % of normal values, by the watch's first detector."""
    upper: float
    p: float
    """Tail probability, already multiplied by the number of detectors."""
    score: float
    """min(1, -log10 p / 6): 0.5 is one in a thousand, 1 is one in a million."""
    confidence: float
    direction: str
    """`up`, `down`, or `odd`: the pattern is unusual while the amount by itself is not."""
    sustained: bool
    """Alarmed in k of the last n ticks."""
    muted: bool = False
    """The calendar mutes the key."""
    parts: tuple[tuple[int, float, float, float], ...] = ()
    """Of the small keys together, those that carry the deviation: key, observed, expected, share."""


def score_of(p: float) -> float:
    """The fixed map from p to a score in [0, 1].

    >>> score_of(1e-3), score_of(1.0), score_of(1e-20)
    (0.5, 0.0, 1.0)
    """
    return min(1.0, -log10(p) / 6.0) + 0.0


def direction_of(observed: float, expected: float, p_shown: float) -> str:
    """`up` or `down` from expected; `odd` when the detector that gave `expected` finds nothing remarkable."""
    if p_shown > _UNREMARKABLE:
        return "odd"
    return "up" if observed > expected else "down"
