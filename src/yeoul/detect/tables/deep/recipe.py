"""What may be chosen of the two-stage autoencoder; the defaults are the published recipe."""

from __future__ import annotations

from dataclasses import dataclass

from yeoul.detect.tables.deep.threshold import Threshold
from yeoul.errors import ConfigError

__all__ = ["TwoStageConfig"]


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
    """Epochs without a smaller loss of the rows held out after which training stops."""
    dropout: float = 0.0
    """Share of the inputs of each LSTM layer that is left out in training."""
    hold_out: float = 0.2
    """Share of the rows, in blocks spread over the series, that is not learnt from."""
    limit: float = 100.0
    """Robustly scaled values beyond this are held there for the networks, so that no absurd value spoils training; the
    error is that of the value itself."""

    def __post_init__(self) -> None:
        least = {name: getattr(self, name) for name in ("epochs", "second_epochs", "batch", "patience")}
        rules = [(value >= 1, f"{name}: got `{value}`; legal: 1 or more") for name, value in least.items()]
        rules += [
            (self.window >= 2, f"window: got `{self.window}`; legal: 2 rows or more"),
            (0 <= self.dropout < 1, f"dropout: got `{self.dropout}`; legal: from 0 to below 1"),
            (0 < self.hold_out <= 0.5, f"hold_out: got `{self.hold_out}`; legal: above 0 to 0.5"),
            (self.limit > 0, f"limit: got `{self.limit}`; legal: above 0"),
            (self.learning_rate > 0, f"learning_rate: got `{self.learning_rate}`; legal: above 0"),
        ]
        for name in ("units", "second_units"):
            pair = getattr(self, name)
            rules.append((len(pair) == 2 and min(pair) >= 1, f"{name}: got `{pair}`; legal: two whole numbers above 0"))
        problems = [text for holds, text in rules if not holds]
        # JSON knows lists only.
        object.__setattr__(self, "units", tuple(self.units))
        object.__setattr__(self, "second_units", tuple(self.second_units))
        for name in ("clean", "flag"):
            try:
                Threshold.read(getattr(self, name))
            except ConfigError as error:
                problems.append(f"{name}: {error}")
        if problems:
            raise ConfigError("; ".join(problems), tuple(problems))
