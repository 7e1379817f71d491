"""Forecasters of the next row with one recurrent layer: simple, LSTM or GRU."""

from __future__ import annotations

from typing import Any, ClassVar

from yeoul.detect.tables.deep.forecaster import Forecaster
from yeoul.detect.tables.deep.networks import recurrent

__all__ = ["Gru", "Lstm", "Rnn"]


class _Recurrent(Forecaster):
    kind: ClassVar[str]

    def build(self, keras: Any, columns: int) -> Any:
        config = self.config
        return recurrent(keras, self.kind, config.window, columns, config.units, config.dropout)


class Rnn(_Recurrent):
    """A simple recurrent layer (Elman, "Finding Structure in Time", 1990).

    >>> Rnn(window=12).config.units
    32
    """

    name: ClassVar[str] = "rnn"
    kind: ClassVar[str] = "SimpleRNN"


class Lstm(_Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997); as a detector: Malhotra et al. (ESANN 2015).

    >>> Lstm(units=64).config.window
    24
    """

    name: ClassVar[str] = "lstm"
    kind: ClassVar[str] = "LSTM"


class Gru(_Recurrent):
    """Gated recurrent units (Cho et al., EMNLP 2014).

    >>> Gru().config.epochs
    20
    """

    name: ClassVar[str] = "gru"
    kind: ClassVar[str] = "GRU"
