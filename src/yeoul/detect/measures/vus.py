"""Volume under the surface (VUS): precision-recall and ROC averaged over how wide a label is taken to be."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.measures.ranking import auroc
from yeoul.errors import InputError

__all__ = ["vus_pr", "vus_roc"]

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]
Runs = list[tuple[int, int]]

_THRESHOLDS = 250


def vus_pr(labels: Labels, scores: Floats, window: int = 100) -> float:
    """Mean over l = 0 … `window` of the area under precision and recall with labels faded over l / 2 rows, in [0, 1].

    Paparrizos et al., "Volume Under the Surface" (VLDB 2022): no threshold, and a
    score that comes a few rows early or late is nearly as good. Agrees with the authors' package `vus` 0.0.6
    (`RangeAUC_volume_opt`, 250 thresholds at equal ranks) to two decimals.

    Args:
        labels: which rows are abnormal, shape (n,); at least one is, at least one is not.
        scores: the higher, the odder, shape (n,).
        window: the widest l, in rows; a period of the series, or 100.

    Raises:
        InputError: labels of one kind only, or of another length than scores.

    Cost: O(n) a step of the window.

    >>> labels = np.arange(400) // 20 == 7
    >>> exact, late = labels.astype(float), np.roll(labels, 15).astype(float)
    >>> vus_pr(labels, exact, window=20) > vus_pr(labels, late, window=20) > 0.2
    True
    """
    return _surface(labels, scores, window)[0]


def vus_roc(labels: Labels, scores: Floats, window: int = 100) -> float:
    """The same of the area under the ROC curve, in [0, 1]. Arguments and errors as of `vus_pr`.

    >>> labels = np.arange(400) // 20 == 7
    >>> 0.9 < vus_roc(labels, labels + np.linspace(0, 0.1, 400), window=20) <= 1
    True
    """
    return _surface(labels, scores, window)[1]


def _surface(labels: Labels, scores: Floats, window: int) -> tuple[float, float]:
    if window < 0:
        message = f"got the window `{window}`; legal: 0 or more rows"
        raise InputError(message)
    auroc(labels, scores)  # refuses what cannot be scored
    rows, runs = len(labels), _runs(labels)
    descending = -np.sort(-scores)
    thresholds = descending[np.linspace(0, rows - 1, _THRESHOLDS).astype(np.intp)]
    # of each row the first threshold that it passes; all later ones it passes too
    passed = np.searchsorted(-thresholds, -scores, side="left")
    positives = _summed(passed)
    widest = _inside(rows, _joined(rows, runs, window))
    precision_recall, roc = 0.0, 0.0
    for width in range(window + 1):
        weight = _faded(labels, runs, width)
        zones = _joined(rows, runs, width)
        inside = _inside(rows, zones)
        first = np.sort([passed[start : end + 1].min() for start, end in zones])
        found = np.searchsorted(first, np.arange(_THRESHOLDS), side="right") / len(zones)
        weight = np.where(labels, 1.0, weight) * widest
        true = _summed(passed, weight)
        fixed = float(np.sum(labels & widest)) + float(np.sum(weight[~inside & ~labels]))
        abnormal = (labels.sum() + fixed + _summed(passed, np.where(inside & ~labels, weight, 0.0))) / 2.0
        recall = np.minimum(true / abnormal, 1.0) * found
        precision = true / positives
        false = (positives - true) / (rows - abnormal)
        precision_recall += float(np.sum(np.diff(recall, prepend=0.0) * precision))
        x, y = np.concatenate([[0.0], false, [1.0]]), np.concatenate([[0.0], recall, [1.0]])
        roc += float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2.0))
    return precision_recall / (window + 1), roc / (window + 1)


def _summed(passed: NDArray[np.intp], weight: Floats | None = None) -> Floats:
    """For each threshold the sum over the rows that pass it."""
    return np.cumsum(np.bincount(passed, weights=weight, minlength=_THRESHOLDS)[:_THRESHOLDS]).astype(np.float64)


def _runs(labels: Labels) -> Runs:
    """First and last row of each run of abnormal rows."""
    edges = np.diff(np.concatenate([[0], labels.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(edges == 1).tolist(), (np.flatnonzero(edges == -1) - 1).tolist(), strict=True))


def _joined(rows: int, runs: Runs, width: int) -> Runs:
    """Runs made longer by half the width on both sides; those that touch are one."""
    half, zones = width // 2, []
    start = max(runs[0][0] - half, 0)
    for (_, end), (following, _) in pairwise(runs):
        if end + half < following - half:
            zones.append((start, end + half))
            start = following - half
    return [*zones, (start, min(runs[-1][1] + half, rows - 1))]


def _inside(rows: int, zones: Runs) -> Labels:
    inside = np.zeros(rows, bool)
    for start, end in zones:
        inside[start : end + 1] = True
    return inside


def _faded(labels: Labels, runs: Runs, width: int) -> Floats:
    """Labels whose edges fall off by a square root over half the width."""
    faded = labels.astype(np.float64)
    if width:
        for start, end in runs:
            after = np.arange(end + 1, min(end + width // 2 + 1, len(labels)))
            faded[after] += np.sqrt(1.0 - (after - end) / width)
            before = np.arange(max(start - width // 2, 0), start)
            faded[before] += np.sqrt(1.0 - (start - before) / width)
    return np.minimum(faded, 1.0)
