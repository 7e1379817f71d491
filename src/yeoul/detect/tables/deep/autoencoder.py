"""The two-stage LSTM autoencoder: one network cleans what the other learns what is usual from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.tables.contract import Scores, Table
from yeoul.detect.tables.deep.threshold import Threshold
from yeoul.errors import ConfigError

__all__ = ["Progress", "TwoStageAutoencoder", "TwoStageConfig"]

Floats = NDArray[np.float64]
Progress = Callable[[int, int, int, float], None]
"""Called after every epoch with the stage (1 or 2), the epoch (from 1), the epochs there are at most, and the loss."""


@dataclass(frozen=True, slots=True)
class TwoStageConfig:
    """What may be chosen; the defaults are the published recipe.

    Raises:
        ConfigError: values that cannot mean anything; all mistakes at once.
    """

    window: int = 5
    """Rows of a window."""
    units: tuple[int, int] = (128, 64)
    """Outer and inner LSTM layer of the first stage, mirrored in its decoder."""
    epochs: int = 20
    clean: float | str = 0.2
    """Rows whose error in the first stage is larger are dropped: an RMSE, `quantile:Q` or `p:P`."""
    second_units: tuple[int, int] = (64, 32)
    second_epochs: int = 10
    flag: float | str = 0.1
    """Rows whose error in the second stage is larger are flagged: an RMSE, `quantile:Q` or `p:P`."""
    batch: int = 128
    learning_rate: float = 1e-3
    patience: int = 2
    """Epochs without a smaller loss after which training stops."""
    dropout: float = 0.0
    """Share of the inputs of each LSTM layer that is left out in training."""

    def __post_init__(self) -> None:
        least = {name: getattr(self, name) for name in ("epochs", "second_epochs", "batch", "patience")}
        rules = [(value >= 1, f"{name}: got `{value}`; legal: 1 or more") for name, value in least.items()]
        rules += [
            (self.window >= 2, f"window: got `{self.window}`; legal: 2 rows or more"),
            (0 <= self.dropout < 1, f"dropout: got `{self.dropout}`; legal: from 0 to below 1"),
            (self.learning_rate > 0, f"learning_rate: got `{self.learning_rate}`; legal: above 0"),
        ]
        for name in ("units", "second_units"):
            pair = getattr(self, name)
            rules.append((len(pair) == 2 and min(pair) >= 1, f"{name}: got `{pair}`; legal: two whole numbers above 0"))
        problems = [text for holds, text in rules if not holds]
        for name in ("clean", "flag"):
            try:
                Threshold.read(getattr(self, name))
            except ConfigError as error:
                problems.append(f"{name}: {error}")
        if problems:
            raise ConfigError("; ".join(problems), tuple(problems))


class TwoStageAutoencoder:
    """Learns what windows of a series usually look like, and says how badly a row fits.

    Stage 1: robust scaling, an LSTM autoencoder of windows; rows that it reproduces badly are dropped. Stage 2: min-max
    scaling of the rest, a second, smaller autoencoder; its error of a row is the score. The same rows and seed give the
    same scores on the same machine.
    """

    def __init__(self, config: TwoStageConfig | None = None, seed: int = 0, progress: Progress | None = None) -> None:
        self.config = config or TwoStageConfig()
        self.seed = seed
        self.history: dict[str, list[float]] = {}
        """Losses by epoch: `stage 1`, `stage 1 held out`, `stage 2`, `stage 2 held out`."""
        self.held_out = np.empty(0)
        """Errors of rows that the second stage did not learn from; what a p is told from."""
        self._progress = progress

    def fit(self, table: Table) -> TwoStageAutoencoder:
        """Train both stages on these rows; earlier training is forgotten.

        Raises:
            InputError: too few rows for a window, or none left after cleaning.
            MissingExtraError: Keras or JAX is not installed.
        """
        raise NotImplementedError

    def score(self, table: Table, start: int = 0) -> Scores:
        """Errors of the rows from `start` on by the second stage.

        Returns:
            `raw`: the RMSE of the row at the end of its window, NaN where the window is not complete; `expected`: the
            reconstruction in the table's own units; `contributions`: squared errors by column.

        Raises:
            InputError: other columns than those of training.
            StateError: nothing was fitted or loaded.
        """
        raise NotImplementedError

    def flags(self, scores: Scores) -> NDArray[np.bool_]:
        """Which of the scored rows are above the threshold `flag`; shape (m,). Unknown rows are not."""
        raise NotImplementedError

    def save(self, folder: Path) -> None:
        """Write `stage1.keras`, `stage2.keras`, `scales.npz` and `model.json` to a folder, which is made."""
        raise NotImplementedError

    @classmethod
    def load(cls, folder: Path) -> TwoStageAutoencoder:
        """What `save` wrote.

        Raises:
            SourceError: no such folder or file.
            StateError: damaged, or written by a newer release.
        """
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        """Plain members for a person to read, and for JSON.

        Configuration, columns, rows trained on and dropped, thresholds as errors, losses, sizes, versions.
        """
        raise NotImplementedError
