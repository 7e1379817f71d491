"""Where an error becomes too large: a fixed error, a quantile of the errors of training, or a tail probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.calibrate import TailCalibrator
from yeoul.errors import ConfigError

__all__ = ["Threshold"]

Floats = NDArray[np.float64]

_LEGAL = "an error such as `0.1`, `quantile:0.99`, or `p:0.001`"


@dataclass(frozen=True, slots=True)
class Threshold:
    """An error above which a row is set apart.

    >>> errors = np.linspace(0.0, 1.0, 1001)
    >>> [round(Threshold.read(text).value(errors), 2) for text in (0.1, "quantile:0.9")]
    [0.1, 0.9]
    >>> str(Threshold.read("p:0.001"))
    'p:0.001'
    """

    kind: str
    """`error`, `quantile` or `p`."""
    number: float

    @classmethod
    def read(cls, got: float | str) -> Threshold:
        """What a person wrote.

        Raises:
            ConfigError: it is no threshold.
        """
        kind, _, text = str(got).rpartition(":")
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        kind = kind.strip() or "error"
        bounded = kind in {"quantile", "p"}
        if kind not in {"error", "quantile", "p"} or not number > 0 or (bounded and number >= 1):
            message = f"threshold: got `{got}`; legal: {_LEGAL}"
            raise ConfigError(message)
        return cls(kind, number)

    def __str__(self) -> str:
        return f"{self.number:g}" if self.kind == "error" else f"{self.kind}:{self.number:g}"

    def value(self, errors: Floats) -> float:
        """The error that this means, given errors of normal rows; shape (n,), NaN are left out."""
        known = errors[np.isfinite(errors)]
        if self.kind == "error":
            return self.number
        if not len(known):
            return float("inf")
        if self.kind == "quantile":
            return float(np.quantile(known, self.number))
        scale = float(np.median(known)) or float(known.max(initial=0.0)) or 1.0
        calibrator, group = TailCalibrator(1, known / scale), np.zeros(1, np.intp)
        if self.number < 0.02:
            return scale * float(calibrator.score_at(self.number, group)[0])
        return float(np.quantile(known, 1.0 - self.number))
