"""An encoder and a decoder: the window before in, the next rows out."""

from __future__ import annotations

from typing import Any, ClassVar

from yeoul.detect.tables.deep.forecaster import Forecaster
from yeoul.detect.tables.deep.networks import encoder_decoder

__all__ = ["Seq2Seq"]


class Seq2Seq(Forecaster):
    """Forecasts the next six rows at once; a row is compared with the mean of the six forecasts made before it.

    What forecasts made five rows ago do not know yet stays odd for five rows: a lasting fault scores longer than with a
    forecast of the next row.

    >>> Seq2Seq().config.horizon
    6
    """

    name: ClassVar[str] = "seq2seq"
    defaults: ClassVar[dict[str, Any]] = {"horizon": 6}

    def build(self, keras: Any, columns: int) -> Any:
        config = self.config
        return encoder_decoder(keras, config.window, config.horizon, columns, config.units, config.dropout)
