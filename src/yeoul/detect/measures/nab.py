"""The score of the Numenta Anomaly Benchmark: windows found early pay, alarms elsewhere cost, one threshold for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LOW_FN", "LOW_FP", "PROFILES", "STANDARD", "Labelled", "NabProfile", "NabResult", "nab_at", "nab_best"]

Floats = NDArray[np.float64]

_PROBATION, _PROBATION_ROWS = 0.15, 5000
_STEEP = 5.0
_FAR = 3.0
"""So many window widths past a window an alarm costs all that it can."""


@dataclass(frozen=True, slots=True)
class NabProfile:
    """What things cost."""

    name: str
    missed: float
    """A window without any alarm."""
    false: float
    """An alarm far from any window."""


STANDARD = NabProfile("standard", 1.0, 0.11)
LOW_FP = NabProfile("low FP", 1.0, 0.22)
LOW_FN = NabProfile("low FN", 2.0, 0.11)
PROFILES = (STANDARD, LOW_FP, LOW_FN)


@dataclass(frozen=True, slots=True)
class Labelled:
    """One series and its anomaly windows."""

    rows: int
    windows: tuple[tuple[int, int], ...]
    """(first row, row after the last), in order, apart from each other."""
    fitted: int = 0
    """Rows at the beginning that nothing is said of, beyond NAB's own rule."""

    @property
    def probation(self) -> int:
        """Rows at the beginning that are not scored: 15 %, at most 750, and all that were fitted on."""
        return max(self.fitted, int(_PROBATION * min(self.rows, _PROBATION_ROWS)))

    @staticmethod
    def of_times(at_us: NDArray[np.int64], windows: Sequence[tuple[int, int]]) -> Labelled:
        """Windows given by the times of their first and last row; of equal times the first row is meant.

        >>> Labelled.of_times(np.array([10, 20, 30, 40]), [(20, 30)]).windows
        ((1, 3),)
        """
        first = {at: len(at_us) - 1 - row for row, at in enumerate(reversed(at_us.tolist()))}
        return Labelled(len(at_us), tuple((first[begin], first[end] + 1) for begin, end in windows))


@dataclass(frozen=True, slots=True)
class NabResult:
    """A score and the threshold that gave it."""

    score: float
    """100 x (score - that of no alarm) / (all windows found at their left edge - that of no alarm)."""
    threshold: float
    """Rows with a score of at least this are alarms; infinity: no alarm at all."""


def nab_best(
    labelled: Sequence[Labelled], scores: Sequence[NDArray[np.floating]], profile: NabProfile = STANDARD
) -> NabResult:
    """The best score over all single thresholds for all series: NAB's own habit.

    Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms" (2015); O(n log n) for n rows.

    Args:
        labelled: the series; at least one window in all.
        scores: for each of them an array with one score a row, the higher the odder.
        profile: what things cost.

    >>> series = Labelled(20, ((10, 15),))
    >>> alarm = np.zeros(20)
    >>> alarm[10] = 0.9
    >>> nab_best([series], [alarm])
    NabResult(score=100.0, threshold=0.9)
    """
    levels, reached = _curve(labelled, scores, profile)
    best = int(np.argmax(reached))
    return NabResult(float(reached[best]), float(levels[best]))


def nab_at(
    labelled: Sequence[Labelled],
    scores: Sequence[NDArray[np.floating]],
    threshold: float,
    profile: NabProfile = STANDARD,
) -> NabResult:
    """The score at a threshold that was chosen elsewhere."""
    levels, reached = _curve(labelled, scores, profile)
    return NabResult(float(reached[np.flatnonzero(levels >= threshold)[-1]]), threshold)


def _curve(
    labelled: Sequence[Labelled], scores: Sequence[NDArray[np.floating]], profile: NabProfile
) -> tuple[Floats, Floats]:
    """Thresholds, falling from infinity, and what the alarms at or above each of them are worth."""
    levels, worth, windows = [], [], 0
    for series, score in zip(labelled, scores, strict=True):
        windows += len(series.windows)
        outside = _cost(series)
        outside[: series.probation] = np.nan
        for begin, end in series.windows:
            outside[begin:end] = np.nan
            rows = np.arange(max(begin, series.probation), end)
            order = rows[np.argsort(-score[rows], kind="stable")]
            # A window pays once, by its earliest alarm: what each lower threshold adds to that.
            pays = _sigmoid((order - end) / (end - begin)) / _sigmoid(np.array(-1.0))
            levels.append(score[order])
            worth.append(np.diff(np.maximum.accumulate(np.append(-profile.missed, pays))))
        judged = np.flatnonzero(~np.isnan(outside))
        levels.append(score[judged])
        worth.append(profile.false * outside[judged])
    level, gain = np.concatenate(levels).astype(np.float64), np.concatenate(worth)
    order = np.argsort(-level, kind="stable")
    level, total = level[order], np.cumsum(gain[order])
    last = np.append(level[1:] != level[:-1], True)  # rows of equal score are alarms together
    reached = 100.0 * total[last] / (windows * (1.0 + profile.missed))
    return np.append(np.inf, level[last]), np.append(0.0, reached)


def _cost(series: Labelled) -> Floats:
    """What an alarm in each row is worth outside windows, in [-1, 0]: little just after a window."""
    cost = np.full(series.rows, -1.0)
    ends = [*(begin for begin, _ in series.windows), series.rows][1:]
    for (begin, end), until in zip(series.windows, ends, strict=True):
        rows = np.arange(end, until)
        cost[rows] = _sigmoid((rows - (end - 1)) / max(end - begin - 1, 1))
    return cost


def _sigmoid(position: Floats) -> Floats:
    """From nearly 1 at -1 through 0 at 0 to -1 far behind; position in widths of the window, from its right edge."""
    value: Floats = np.where(position > _FAR, -1.0, 2.0 / (1.0 + np.exp(_STEEP * np.minimum(position, _FAR))) - 1.0)
    return value
