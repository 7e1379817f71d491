"""The two-stage LSTM autoencoder: one network cleans what the other learns what is usual from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.tables.contract import Scores, Table
from yeoul.detect.tables.deep.backend import seeded, versions
from yeoul.detect.tables.deep.networks import Network, autoencoder
from yeoul.detect.tables.deep.recipe import TwoStageConfig
from yeoul.detect.tables.deep.saved import read_model, write_model
from yeoul.detect.tables.deep.scale import Scale
from yeoul.detect.tables.deep.threshold import Threshold
from yeoul.detect.tables.deep.training import answers, train
from yeoul.detect.tables.deep.windows import carried, held_out_rows, interpolated, whole, windows
from yeoul.errors import InputError, StateError

__all__ = ["Progress", "TwoStageAutoencoder", "TwoStageConfig"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Progress = Callable[[int, int, int, float], None]
"""Called after every epoch with the stage (1 or 2), the epoch (from 1), the epochs there are at most, and the loss."""

METHOD = "two-stage-lstm"
_LEAST_WINDOWS = 4
"""So many windows, end to end, must fit into the rows of training."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What training left behind, apart from the weights."""

    robust: Scale
    span: Scale
    """Applied after `robust`."""
    range_low: Floats
    """Shape (d,): the residual, in units of both scales, that 0.5 % of held-out rows lie below; and above."""
    range_high: Floats
    clean_error: float
    flag_error: float
    rows: int
    dropped: int
    wanted: int
    """Rows that the threshold `clean` would have dropped; at most half of them are."""


class TwoStageAutoencoder:
    """Learns what windows of a series usually look like, and says how badly a row fits.

    Stage 1: robust scaling, an LSTM autoencoder of windows; rows that it reproduces badly are dropped. Stage 2: min-max
    scaling of the rest, a second, smaller autoencoder; its error of a row is the score. A part of the rows
    (`hold_out`) is not learnt from: it stops training in time, and says what errors normal rows have.

    The same rows and seed give the same scores on the same machine; across machines the last digits differ, since the
    order of single-precision sums is the processor's.

    Args:
        config: the choices; None: the published recipe.
        seed: of first weights, order of windows, dropout.
        progress: told after every epoch.
    """

    def __init__(self, config: TwoStageConfig | None = None, seed: int = 0, progress: Progress | None = None) -> None:
        self.config = config or TwoStageConfig()
        self.seed = seed
        self.columns: tuple[str, ...] = ()
        self.history: dict[str, list[float]] = {}
        """Losses by epoch: `stage 1`, `stage 1 held out`, `stage 2`, `stage 2 held out`."""
        self.held_out = np.empty(0)
        """Errors of rows that the second stage did not learn from; what a p is told from."""
        self.networks: dict[int, Any] = {}
        """Keras models by stage; empty before training."""
        self._trained: dict[int, Network] = {}
        self.learnt: Learnt | None = None
        self._progress = progress

    def fit(self, table: Table) -> TwoStageAutoencoder:
        """Train both stages on these rows; earlier training is forgotten.

        Missing values are filled on the straight line between their neighbours.

        Raises:
            InputError: too few rows to learn windows from, or training diverged.
            MissingExtraError: Keras or JAX is not installed.
        """
        length, least = self.config.window, _LEAST_WINDOWS * self.config.window
        if len(table) < least or not table.values.shape[1]:
            message = f"got `{len(table)}` rows; windows of {length} rows are learnt from {least} rows or more"
            raise InputError(message)
        self.history, self.learnt = {}, None
        if table.columns != self.columns:
            self._trained = {}
        self.columns = table.columns
        values, held = interpolated(table.values), held_out_rows(len(table), self.config.hold_out, length)
        robust = Scale.robust(values)
        scaled = self._held(robust.to(values))
        self._train(1, scaled, held)
        # The first rows stand at the end of no window: they stay.
        errors = np.zeros(len(scaled))
        errors[length - 1 :] = _rmse(scaled[length - 1 :] - self._reproduced(1, scaled))
        clean = Threshold.read(self.config.clean).value(errors)
        kept = errors <= max(clean, float(np.median(errors)))
        span = Scale.span(scaled[kept])
        self._train(2, span.to(scaled[kept]), held[kept])
        residual = span.to(robust.to(values[length - 1 :])) - self._reproduced(2, span.to(scaled))
        unseen = whole(held, length)
        low, high = np.quantile(residual[unseen], (0.005, 0.995), axis=0)
        self.held_out = _rmse(residual[unseen])
        flag = Threshold.read(self.config.flag).value(self.held_out)
        counts = len(kept), int((~kept).sum()), int((errors > clean).sum())
        self.learnt = Learnt(robust, span, low, high, clean, flag, *counts)
        return self

    def score(self, table: Table, start: int = 0) -> Scores:
        """Errors of the rows from `start` on by the second stage.

        A value that is missing in a row is taken as the last one before it and counts for no error; a row without any
        value gives NaN, and so do rows whose window holds such a row.

        Returns:
            `raw`: the RMSE of the row at the end of its window, NaN where the window is not complete; `expected`: the
            reconstruction in the table's own units; `contributions`: squared errors by column.

        Raises:
            InputError: other columns than those of training.
            StateError: nothing was fitted or loaded.
        """
        learnt, length = self._known(), self.config.window
        if table.columns != self.columns:
            message = f"got the columns {', '.join(table.columns)}; this model was trained on {', '.join(self.columns)}"
            raise InputError(message)
        begin = max(start - length + 1, 0)
        known, rows = np.isfinite(table.values), max(len(table) - start, 0)
        scaled = learnt.robust.to(carried(table.values, learnt.robust.centre)[begin:])
        answer = np.full((rows, len(self.columns)), np.nan)
        if len(scaled) >= length:
            present = np.asarray(known[begin:].any(axis=1))
            reproduced = self._reproduced(2, learnt.span.to(self._held(scaled)))
            reproduced[~whole(present, length)] = np.nan
            answer[rows - len(reproduced) :] = reproduced
        residual = learnt.span.to(scaled[start - begin :]) - answer
        squares = np.where(known[start:], residual**2, 0.0)
        squares[np.isnan(answer)] = np.nan
        raw = np.sqrt(squares.sum(axis=1) / np.maximum(known[start:].sum(axis=1), 1))

        def back(scores: Floats) -> Floats:
            return learnt.robust.back(learnt.span.back(scores))

        lower = back(answer + np.minimum(learnt.range_low, 0.0))
        upper = back(answer + np.maximum(learnt.range_high, 0.0))
        return Scores(raw, None, back(answer), lower, upper, np.nan_to_num(squares))

    def flags(self, scores: Scores) -> Flags:
        """Which of the scored rows are above the threshold `flag`; shape (m,). Unknown rows are not."""
        return np.asarray(scores.raw > self._known().flag_error)

    def save(self, folder: Path) -> None:
        """Write `stage1.keras`, `stage2.keras`, `numbers.npz` and `model.json` to a folder, which is made."""
        learnt = self._known()
        told = self.describe()
        numbers = {
            "robust_centre": learnt.robust.centre,
            "robust_width": learnt.robust.width,
            "span_centre": learnt.span.centre,
            "span_width": learnt.span.width,
            "range_low": learnt.range_low,
            "range_high": learnt.range_high,
            "held_out": self.held_out,
        }
        write_model(folder, told, numbers, {f"stage{stage}": network for stage, network in self.networks.items()})

    @classmethod
    def load(cls, folder: Path) -> TwoStageAutoencoder:
        """What `save` wrote.

        Raises:
            SourceError: no such folder or file.
            StateError: damaged, of another method, or written by a newer release.
        """
        saved = read_model(folder, METHOD, ("stage1", "stage2"))
        told, numbers = saved.told, saved.numbers
        try:
            model = cls(TwoStageConfig(**told["config"]), int(told["seed"]))
            model.columns, model.history, model.held_out = tuple(told["columns"]), told["losses"], numbers["held_out"]
            model.learnt = Learnt(
                Scale(numbers["robust_centre"], numbers["robust_width"]),
                Scale(numbers["span_centre"], numbers["span_width"]),
                numbers["range_low"],
                numbers["range_high"],
                float(told["clean_error"]),
                float(told["flag_error"]),
                int(told["rows"]),
                int(told["dropped"]),
                int(told["wanted"]),
            )
            model.networks = {stage: saved.networks[f"stage{stage}"] for stage in (1, 2)}
        except (KeyError, TypeError, ValueError) as error:
            message = f"got a damaged model in `{folder}` ({error}); train it again"
            raise StateError(message) from error
        return model

    def describe(self) -> dict[str, Any]:
        """Plain members for a person to read, and for JSON.

        Configuration, columns, rows, how many of them cleaning dropped and how many it would have (at most half
        go), thresholds as errors, losses by epoch, sizes of the networks, versions.
        """
        learnt = self._known()
        return {
            "method": METHOD,
            "config": {name: _plain(value) for name, value in asdict(self.config).items()},
            "seed": self.seed,
            "columns": list(self.columns),
            "rows": learnt.rows,
            "dropped": learnt.dropped,
            "wanted": learnt.wanted,
            "clean_error": learnt.clean_error,
            "flag_error": learnt.flag_error,
            "weights": {f"stage {stage}": int(network.count_params()) for stage, network in self.networks.items()},
            "losses": self.history,
            "versions": versions(),
        }

    def _train(self, stage: int, rows: Floats, held: Flags) -> None:
        config, length = self.config, self.config.window
        cut = windows(rows.astype(np.float32), length)
        learnt_from, kept_back = (
            np.ascontiguousarray(cut[whole(~held, length)]),
            np.ascontiguousarray(cut[whole(held, length)]),
        )
        if not len(learnt_from):
            message = f"got `{len(rows)}` rows for stage {stage}; too few to learn windows of {length} rows from"
            raise InputError(message)
        epochs = config.epochs if stage == 1 else config.second_epochs

        def told(epoch: int, loss: float) -> None:
            if self._progress:
                self._progress(stage, epoch, epochs, loss)

        with seeded(self.seed + stage) as keras:
            if stage not in self._trained:
                units = config.units if stage == 1 else config.second_units
                model = autoencoder(keras, length, rows.shape[1], units, config.dropout)
                self._trained[stage] = Network(keras, model, config.learning_rate)
            self._trained[stage].reset()
            self.networks[stage] = self._trained[stage].model
            losses = train(
                keras,
                self.networks[stage],
                learnt_from,
                learnt_from,
                (kept_back, kept_back) if len(kept_back) else None,
                epochs=epochs,
                batch=config.batch,
                patience=config.patience,
                seed=self.seed + stage,
                told=told,
            )
        self.history[f"stage {stage}"] = losses["loss"]
        self.history[f"stage {stage} held out"] = losses.get("val_loss", [])

    def _reproduced(self, stage: int, rows: Floats) -> Floats:
        """What the network makes of each row at the end of its window, shape (n - window + 1, d)."""
        return answers(self.networks[stage], windows(rows.astype(np.float32), self.config.window), last=True)

    def _held(self, scaled: Floats) -> Floats:
        return np.clip(scaled, -self.config.limit, self.config.limit)

    def _known(self) -> Learnt:
        if self.learnt is None:
            message = "got a model that was not trained; call `fit`, or `load` one"
            raise StateError(message)
        return self.learnt


def _plain(value: Any) -> Any:
    """As JSON has it, so that what was saved and loaded reads the same."""
    return list(value) if isinstance(value, tuple) else value


def _rmse(residual: Floats) -> Floats:
    """Of each row, over its columns."""
    return np.asarray(np.sqrt((residual**2).mean(axis=1)))
