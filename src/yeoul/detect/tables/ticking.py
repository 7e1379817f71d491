"""The live detectors as scorers of one column: they learn while they score, row by row."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.builtin import DETECTORS
from yeoul.detect.contract import Detector, Tick
from yeoul.detect.tables.contract import Scores, Table, Traits
from yeoul.detect.tables.pace import step_us
from yeoul.plugins import resolve

__all__ = ["TickingKMeans", "TickingNovelty", "TickingPolynomial", "TickingSeasonal", "TickingSpectral", "Univariate"]

Floats = NDArray[np.float64]

_ROW_US = 1_000_000
_SAID_EVERY = 256


class _Ticking:
    """One live detector over one series: a row is a tick, of the median distance of the first rows.

    It calibrates itself and is not fitted. A missing value is p = 1 and teaches nothing.
    """

    name: ClassVar[str]
    traits: ClassVar[Traits] = Traits(fitted=False, most_columns=1)
    detector: ClassVar[str]
    """Name of the live detector."""

    def __init__(self, seed: int = 0) -> None:
        """Args: seed, which changes nothing: the live detectors draw nothing, or by a seed of their own."""
        self.seed = seed
        self.progress: Any = None

    def fit(self, table: Table) -> Floats:
        """Nothing is fitted; p is calibrated by the detector itself."""
        return np.zeros(0)

    def score(self, table: Table, start: int) -> Scores:
        """Go through all rows; what is said of those from `start` on. O(rows), about 0.2 ms each."""
        values = table.values[:, 0]
        at_us = np.arange(len(values)) * _ROW_US if table.at_us is None else table.at_us
        p, expected, lower, upper, confidence = (band[start:, 0] for band in self.together(at_us, values[:, None]))
        said = np.isfinite(values[start:]) & (confidence > 0)
        raw = np.where(np.isfinite(values[start:]), -np.log10(p), np.nan)
        middle, low, high = (np.where(said, band, np.nan)[:, None] for band in (expected, lower, upper))
        return Scores(raw, p, middle, low, high, confidence=confidence)

    def together(self, at_us: NDArray[np.int64], values: Floats) -> Floats:
        """Judge many series tick by tick, as the live tier does: what they have in common is learnt from all of them.

        Args:
            at_us: times of the t ticks, not falling.
            values: shape (t, k), one column a key; NaN = missing. A key begins with its first value.

        Returns:
            Shape (5, t, k): p, expected, lower, upper, confidence. O(t k).
        """
        detector: Detector = resolve("yeoul.detectors", DETECTORS, self.detector)()
        width = int(step_us([at_us])) or _ROW_US
        bands = np.empty((5, *values.shape))
        alive = np.zeros(values.shape[1], bool)
        for row, (at, value) in enumerate(zip(at_us.tolist(), values, strict=True)):
            if self.progress is not None and row % _SAID_EVERY == 0:
                self.progress(row, len(values))
            alive |= np.isfinite(value)
            judged = detector.judge(Tick(at, width, value.copy(), alive.copy()))
            bands[:, row] = judged.p, judged.expected, judged.lower, judged.upper, judged.confidence
        return bands


class TickingKMeans(_Ticking):
    """`kmeans` over one series; see `yeoul.detect.kmeans`."""

    name = detector = "kmeans"


class TickingNovelty(_Ticking):
    """`novelty` over one series; see `yeoul.detect.novelty`.

    >>> values = np.random.default_rng(0).normal(size=300)
    >>> values[250] = 40.0
    >>> scores = TickingNovelty().score(Table(values[:, None], ("x",)), 0)
    >>> int(np.nanargmax(scores.raw))
    250
    """

    name = detector = "novelty"


class TickingPolynomial(_Ticking):
    """`polynomial` over one series; see `yeoul.detect.polynomial`."""

    name = detector = "polynomial"


class TickingSeasonal(_Ticking):
    """`seasonal` over one series; see `yeoul.detect.seasonal`."""

    name = detector = "seasonal"


class TickingSpectral(_Ticking):
    """`spectral` over one series; see `yeoul.detect.spectral`."""

    name = detector = "spectral"


class Univariate(TickingNovelty):
    """What `auto` means for one column with times: amplitude novelty."""

    name = "univariate"
