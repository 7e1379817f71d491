"""Prophet's forecast behind the contract: how far a value lies from trend and rhythms that earlier rows taught."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.tables.contract import Scores, Table, Traits
from yeoul.errors import InputError, MissingExtraError, StateError

__all__ = ["ProphetForecast"]

Floats = NDArray[np.float64]

_TAUGHT = 0.7
_LEAST_ROWS = 20
_INSIDE = 0.99


class ProphetForecast:
    """Distance from the forecast of Prophet, in spreads of held-out residuals.

    Taylor and Letham, "Forecasting at scale" (The American Statistician 2018): a trend that bends and yearly, weekly
    and daily rhythms as Fourier series. The forecast is fitted on the first 70 % of what `fit` is given; residuals of
    the rest give the spread and the range of 99 %; then it is fitted on all. Slow: seconds a fit, for each key.

    Args:
        seed: of the optimiser's start.
        arguments: those of Prophet's class, such as `changepoint_prior_scale`.

    Raises:
        MissingExtraError: Prophet is not installed.
    """

    name: ClassVar[str] = "prophet"
    traits: ClassVar[Traits] = Traits(most_columns=1, extra="compare", plain=False)

    def __init__(self, seed: int = 0, **arguments: Any) -> None:
        self._seed, self._arguments = seed, arguments
        self._model: Any = None

    def fit(self, table: Table) -> Floats:
        known = np.flatnonzero(np.isfinite(table.values[:, 0]))
        if len(known) < _LEAST_ROWS:
            message = f"got `{len(known)}` values to fit on; `prophet` needs at least {_LEAST_ROWS}"
            raise InputError(message)
        taught, rest = np.split(known, [max(_LEAST_ROWS // 2, round(_TAUGHT * len(known)))])
        self._model = self._fitted(table, taught)
        residual = table.values[rest, 0] - self._forecast(table, rest)
        self._spread = float(np.median(np.abs(residual))) or float(np.abs(residual).max()) or 1.0
        self._below, self._above = np.quantile(residual, [(1.0 - _INSIDE) / 2.0, (1.0 + _INSIDE) / 2.0])
        self._model = self._fitted(table, known)
        return np.asarray(np.abs(residual) / self._spread)

    def score(self, table: Table, start: int) -> Scores:
        if self._model is None:
            message = "`prophet` was not fitted; call fit before score"
            raise StateError(message)
        rows = np.arange(start, len(table))
        expected = self._forecast(table, rows)[:, None]
        raw = np.abs(table.values[start:, 0] - expected[:, 0]) / self._spread
        lower, upper = expected + min(self._below, 0.0), expected + max(self._above, 0.0)
        return Scores(raw, expected=expected, lower=lower, upper=upper, contributions=np.ones((len(raw), 1)))

    def _fitted(self, table: Table, rows: NDArray[np.intp]) -> Any:
        model = _kind()(uncertainty_samples=0, **self._arguments)
        with _patience():
            model.fit(_frame(table, rows, values=True), seed=self._seed)
        return model

    def _forecast(self, table: Table, rows: NDArray[np.intp]) -> Floats:
        if not len(rows):
            return np.zeros(0)
        with _patience():
            found = self._model.predict(_frame(table, rows))["yhat"]
        return np.asarray(found, np.float64)


@contextmanager
def _patience() -> Iterator[None]:
    """Without its log of each fit, and its warnings that a later pandas will not have what it calls."""
    talker = logging.getLogger("cmdstanpy")
    before, talker.disabled = talker.disabled, True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        try:
            yield
        finally:
            talker.disabled = before


def _kind() -> Any:
    """Prophet's class, which tells at its import which drawing libraries it misses."""
    for talker in ("prophet", "prophet.plot"):
        logging.getLogger(talker).setLevel(logging.CRITICAL)
    try:
        from prophet import Prophet  # noqa: PLC0415 - an extra, heavy
    except ImportError as error:
        library, extra = "prophet", "compare"
        raise MissingExtraError(library, extra) from error
    return Prophet


def _frame(table: Table, rows: NDArray[np.intp], *, values: bool = False) -> Any:
    """Rows as Prophet wants them: `ds`, and `y` to fit on."""
    import pandas as pd  # noqa: PLC0415 - comes with Prophet

    assert table.at_us is not None
    columns: dict[str, Any] = {"ds": pd.to_datetime(table.at_us[rows], unit="us")}
    if values:
        columns["y"] = table.values[rows, 0]
    return pd.DataFrame(columns)
