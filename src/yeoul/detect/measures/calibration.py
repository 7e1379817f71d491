"""Whether p means what it says: how often normal rows get a p so small, over how often they should."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yeoul.errors import InputError

__all__ = ["LEVELS", "Calibrated", "calibration"]

Floats = NDArray[np.float64]

LEVELS = (1e-3, 1e-4)

_BLOCK = 100
_TAIL = 0.025


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Realised over nominal at one level: 1 is exact, 2 twice as many false alarms as promised."""

    level: float
    rows: int
    """Normal rows."""
    alarms: int
    """Those of them with p at or below the level."""
    low: float
    """The ratio lies from here to `high` in 95 of 100 cases."""
    high: float

    @property
    def ratio(self) -> float:
        """Realised over nominal."""
        return self.alarms / (self.rows * self.level)


def calibration(p: Sequence[Floats], levels: Sequence[float] = LEVELS) -> list[Calibrated]:
    """Compare the share of normal rows with p at or below each level with the level.

    The range is that of a Poisson count (Garwood, 1936). False alarms come in clusters, which tell less than as many
    single ones: the count is first divided by its dispersion, the variance of the counts of 100 rows each over their
    mean, at least 1.

    Args:
        p: of each series the p of its normal rows, in order of time; NaN: nothing is said, the row is left out.
        levels: nominal shares, in (0, 1).

    Raises:
        InputError: no rows, or a level that is none.

    >>> rng = np.random.default_rng(0)
    >>> exact = calibration([rng.random(100_000)], [1e-3])[0]
    >>> exact.low < 1 < exact.high
    True
    """
    from scipy.stats import gamma  # noqa: PLC0415 - half a second, needed on use only

    known = [series[~np.isnan(series)] for series in p]
    rows = sum(len(series) for series in known)
    if not rows or not all(0 < level < 1 for level in levels):
        message = f"got `{rows}` rows and the levels `{tuple(levels)}`; legal: a row at least, and levels in (0, 1)"
        raise InputError(message)
    found = []
    for level in levels:
        counts = [np.add.reduceat(one <= level, np.arange(0, len(one), _BLOCK), dtype=int) for one in known if len(one)]
        count = np.concatenate(counts)
        alarms, blocks = int(count.sum()), len(count)
        dispersion = max(1.0, float(count.var(ddof=1) / count.mean())) if alarms and blocks > 1 else 1.0
        single, unit = alarms / dispersion, dispersion / (rows * level)
        low = float(gamma.ppf(_TAIL, single)) * unit if alarms else 0.0
        found.append(Calibrated(level, rows, alarms, low, float(gamma.ppf(1 - _TAIL, single + 1)) * unit))
    return found
