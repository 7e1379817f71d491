"""What an operator sees of a detector: how many events it finds, how soon, at a stated number of false alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yeoul.errors import InputError

__all__ = ["EventResult", "event_recall", "label_runs"]

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class EventResult:
    """Events found at the lowest threshold that keeps to the allowance."""

    false_alarms: int
    """Stretches with an alarm outside events; never more than allowed."""
    limit: float
    """Rows with a score above this are alarms."""
    delays: tuple[int, ...]
    """Of each event: rows from its first row to its first alarm; 0 is at once, -1 never."""

    @property
    def found(self) -> int:
        """Events with an alarm in one of their rows at least."""
        return sum(delay >= 0 for delay in self.delays)

    @property
    def recall(self) -> float:
        """Share of the events found, in [0, 1]; NaN without events."""
        return self.found / len(self.delays) if self.delays else float("nan")

    @property
    def delay(self) -> float:
        """Median in rows of the events found; NaN when none is."""
        return float(np.median([delay for delay in self.delays if delay >= 0])) if self.found else float("nan")


def event_recall(
    labels: Sequence[Labels], scores: Sequence[Floats], allowed: float, stretch: int | Sequence[int] = 1
) -> EventResult:
    """How many events are found when so many false alarms are allowed in all.

    An event is a run of abnormal rows, found by one alarm in it. Every series is cut into stretches of rows; all alarms
    outside events in one stretch are one false alarm, so that what alarms without end pays for each stretch and cannot
    buy all events by one alarm. Alarms within one stretch behind an event are its echo and count as nothing.

    Args:
        labels: of each series which rows are abnormal, in order of time.
        scores: of each series one score a row, the higher the odder; NaN: nothing is said.
        allowed: false alarms in all series together: the budget a day times their days.
        stretch: rows whose false alarms count as one; an hour, say. Of all series, or of each.

    Raises:
        InputError: an allowance or stretch that cannot mean anything, or scores of another length than labels.

    >>> labels = np.arange(100) // 10 == 5
    >>> score = np.zeros(100)
    >>> score[[20, 53]] = 0.9, 0.8
    >>> event_recall([labels], [score], allowed=1).delays
    (3,)
    >>> event_recall([labels], [score], allowed=0).recall
    0.0
    """
    stretches = [stretch] * len(labels) if isinstance(stretch, int) else list(stretch)
    if not (allowed >= 0 and all(rows >= 1 for rows in stretches)):
        message = f"got the allowance `{allowed}` and the stretch `{stretch}`; legal: 0 or more, and 1 row or more"
        raise InputError(message)
    false, events = [np.zeros(0)], []
    for label, score, length in zip(labels, scores, stretches, strict=True):
        if len(label) != len(score):
            message = f"got `{len(label)}` labels and `{len(score)}` scores; give one label a score"
            raise InputError(message)
        known = np.where(np.isnan(score), -np.inf, score)
        runs = label_runs(label)
        outside = ~label
        for _, end in runs:
            outside[end : end + length] = False
        events += [known[begin:end] for begin, end in runs]
        if len(label):
            starts = np.arange(0, len(label), length)
            false.append(np.maximum.reduceat(np.where(outside, known, -np.inf), starts))
    highest = -np.sort(-np.concatenate(false))
    kept = int(allowed)
    limit = float(highest[kept]) if kept < len(highest) else -np.inf
    first = [np.flatnonzero(event > limit) for event in events]
    delays = tuple(int(alarms[0]) if len(alarms) else -1 for alarms in first)
    return EventResult(int(np.count_nonzero(highest > limit)), limit, delays)


def label_runs(labels: Labels) -> list[tuple[int, int]]:
    """(first row, row after the last) of each run of abnormal rows.

    >>> label_runs(np.array([True, False, True, True]))
    [(0, 1), (2, 4)]
    """
    edges = np.diff(np.concatenate([[0], labels.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))
