"""What all forecasting scorers share: the window before in, the next rows out, the error is the score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.tables.contract import Scores, Table, Traits
from yeoul.detect.tables.deep.backend import seeded
from yeoul.detect.tables.deep.networks import Network
from yeoul.detect.tables.deep.scale import Scale
from yeoul.detect.tables.deep.training import answers, train
from yeoul.detect.tables.deep.windows import carried, held_out_rows, interpolated, whole, windows
from yeoul.errors import ConfigError, InputError, StateError

__all__ = ["ForecastConfig", "Forecaster"]

Floats = NDArray[np.float64]

_LIMIT = 20.0
"""Robustly scaled values beyond this are held there for the network."""
_LEAST_PART = 0.25
_LEAST_SPREAD = 0.05
"""Errors that are small against the column's own spread are not odd, however rare they are."""
_IQR_OF_NORMAL = 1.349
_LEAST_WINDOWS = 4


@dataclass(frozen=True, slots=True)
class ForecastConfig:
    """What may be chosen of a forecasting scorer.

    Raises:
        ConfigError: values that cannot mean anything; all mistakes at once.
    """

    window: int = 24
    """Rows that a forecast is made from."""
    horizon: int = 1
    """Rows that are forecast at once; a row is compared with the mean of all forecasts of it."""
    units: int = 32
    epochs: int = 20
    batch: int = 128
    learning_rate: float = 1e-3
    patience: int = 2
    """Epochs without a smaller loss of the rows held out after which training stops."""
    dropout: float = 0.0
    hold_out: float = 0.2
    """Share of the rows, in blocks spread over the series, that is not learnt from."""

    def __post_init__(self) -> None:
        least = {"window": 2, "horizon": 1, "units": 1, "epochs": 1, "batch": 1, "patience": 1}
        rules = [
            (getattr(self, name) >= low, f"{name}: got `{getattr(self, name)}`; legal: {low} or more")
            for name, low in least.items()
        ]
        rules += [
            (0 <= self.dropout < 1, f"dropout: got `{self.dropout}`; legal: from 0 to below 1"),
            (0 < self.hold_out <= 0.5, f"hold_out: got `{self.hold_out}`; legal: above 0 to 0.5"),
            (self.learning_rate > 0, f"learning_rate: got `{self.learning_rate}`; legal: above 0"),
        ]
        if problems := tuple(text for holds, text in rules if not holds):
            raise ConfigError("; ".join(problems), problems)


@dataclass(frozen=True, slots=True)
class _Learnt:
    columns: tuple[str, ...]
    scale: Scale
    middle: Floats
    """Shape (d,): the median error of normal rows, which is added to every forecast."""
    spread: Floats
    """Shape (d,): what the error of a normal row is like, in units of the scale."""
    low: Floats
    """Shape (d,), like the spread: 0.5 % of the errors of normal rows lie below, and above `high`."""
    high: Floats


class Forecaster(ABC):
    """The error of a forecast, made before the row, in units of the errors that held-out rows had.

    A missing value is filled on the line between its neighbours to train, by the last one before it to score, and
    counts for no error; a window with a row that holds no value makes no forecast.
    """

    name: ClassVar[str]
    traits: ClassVar[Traits] = Traits(extra="deep", plain=False)
    defaults: ClassVar[dict[str, Any]] = {}

    def __init__(self, seed: int = 0, **options: Any) -> None:
        self.config = ForecastConfig(**{**self.defaults, **options})
        self.losses: dict[str, list[float]] = {}
        """`loss` and `val_loss` (of what is held out) by epoch."""
        self._seed = seed
        self._network: Network | None = None
        self._width = 0
        self._learnt: _Learnt | None = None

    @abstractmethod
    def build(self, keras: Any, columns: int) -> Any:
        """A Keras model from (batch, window, columns) to (batch, horizon, columns)."""

    def fit(self, table: Table) -> Floats:
        config = self.config
        length = config.window + config.horizon
        if len(table) < _LEAST_WINDOWS * length:
            least = _LEAST_WINDOWS * length
            message = (
                f"got `{len(table)}` rows; `{self.name}` learns windows of {length} rows from {least} rows or more"
            )
            raise InputError(message)
        values, held = interpolated(table.values), held_out_rows(len(table), config.hold_out, length)
        scale = Scale.robust(values)
        scaled = scale.to(values)
        self._train(np.clip(scaled, -_LIMIT, _LIMIT).astype(np.float32), held)
        residual = scaled - self._forecast(scaled, np.ones(len(scaled), bool))
        unseen = np.zeros(len(held), bool)
        unseen[length - 1 :] = whole(held, length)
        residual = residual[unseen]
        low, first, middle, third, high = np.quantile(residual, (0.005, 0.25, 0.5, 0.75, 0.995), axis=0)
        spread = np.maximum((third - first) / _IQR_OF_NORMAL, _LEAST_PART * residual.std(axis=0))
        spread = np.maximum(spread, _LEAST_SPREAD)
        self._learnt = _Learnt(table.columns, scale, middle, spread, low - middle, high - middle)
        return np.asarray(np.sqrt((((residual - middle) / spread) ** 2).mean(axis=1)))

    def score(self, table: Table, start: int) -> Scores:
        learnt = self._learnt
        if learnt is None:
            message = f"`{self.name}` was not trained; call `fit`"
            raise StateError(message)
        if table.columns != learnt.columns:
            message = f"got the columns {', '.join(table.columns)}; it was trained on {', '.join(learnt.columns)}"
            raise InputError(message)
        begin = max(start - self.config.window - self.config.horizon + 1, 0)
        known = np.isfinite(table.values[begin:])
        scaled = learnt.scale.to(carried(table.values, learnt.scale.centre)[begin:])
        present = np.asarray(known.any(axis=1))
        forecast = self._forecast(scaled, present)[start - begin :]
        forecast += learnt.middle
        forecast[~present[start - begin :]] = np.nan
        squares = np.where(known, scaled, np.nan)[start - begin :] - forecast
        squares = (squares / learnt.spread) ** 2
        told = np.isfinite(squares)
        raw = np.sqrt(np.nansum(squares, axis=1) / np.maximum(told.sum(axis=1), 1))
        raw[~told.any(axis=1)] = np.nan
        lower = learnt.scale.back(forecast + np.minimum(learnt.low, 0.0))
        upper = learnt.scale.back(forecast + np.maximum(learnt.high, 0.0))
        return Scores(raw, None, learnt.scale.back(forecast), lower, upper, np.nan_to_num(squares))

    def _train(self, rows: NDArray[np.float32], held: NDArray[np.bool_]) -> None:
        config = self.config
        length = config.window + config.horizon
        cut = windows(rows, length)

        def pairs(which: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            chosen = cut[which]
            return np.ascontiguousarray(chosen[:, : config.window]), np.ascontiguousarray(chosen[:, config.window :])

        with seeded(self._seed) as keras:
            if self._network is None or self._width != rows.shape[1]:
                self._width = rows.shape[1]
                self._network = Network(keras, self.build(keras, self._width), config.learning_rate)
            self._network.reset()
            self.losses = train(
                keras,
                self._network.model,
                *pairs(whole(~held, length)),
                pairs(whole(held, length)),
                epochs=config.epochs,
                batch=config.batch,
                patience=config.patience,
                seed=self._seed,
            )

    def _forecast(self, scaled: Floats, present: NDArray[np.bool_]) -> Floats:
        """The mean of all forecasts of each row, NaN where there is none; shape (n, d)."""
        window, horizon, rows = self.config.window, self.config.horizon, len(scaled)
        total, made = np.zeros(scaled.shape), np.zeros(rows)
        if self._network is not None and rows > window:
            cut = windows(np.clip(scaled[:-1], -_LIMIT, _LIMIT).astype(np.float32), window)
            told, sound = answers(self._network.model, cut, last=False), whole(present[:-1], window)
            told[~sound] = 0.0
            for step in range(min(horizon, len(cut))):
                count = rows - window - step
                total[window + step :] += told[:count, step]
                made[window + step :] += sound[:count]
        with np.errstate(invalid="ignore"):
            return np.asarray(total / made[:, None])
