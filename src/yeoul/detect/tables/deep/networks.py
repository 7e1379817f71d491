"""The networks, as Keras models, and a way to begin them anew without compiling them again."""

from __future__ import annotations

from typing import Any

__all__ = ["Network", "autoencoder"]


def autoencoder(keras: Any, window: int, columns: int, units: tuple[int, int], dropout: float) -> Any:
    """LSTM layers outer, inner | inner, outer (ReLU), the code repeated for each step; a linear layer to columns."""
    outer, inner = units
    layers = keras.layers

    def lstm(size: int, *, sequence: bool) -> Any:
        return layers.LSTM(size, activation="relu", return_sequences=sequence, dropout=dropout)

    return keras.Sequential(
        [
            layers.Input((window, columns)),
            lstm(outer, sequence=True),
            lstm(inner, sequence=False),
            layers.RepeatVector(window),
            lstm(inner, sequence=True),
            lstm(outer, sequence=True),
            layers.Dense(columns),
        ]
    )


class Network:
    """A compiled Keras model that can go back to its first weights: training it again compiles nothing again."""

    def __init__(self, keras: Any, model: Any, learning_rate: float) -> None:
        self.model = model
        model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss="mse")
        model.optimizer.build(model.trainable_variables)
        self._begin = [keras.ops.convert_to_numpy(variable.value) for variable in self._variables()]

    def reset(self) -> None:
        """Weights, the optimizer's memory and the random numbers of dropout as they were at first."""
        for variable, value in zip(self._variables(), self._begin, strict=True):
            variable.assign(value)

    def _variables(self) -> list[Any]:
        known = {id(variable): variable for variable in [*self.model.variables, *self.model.optimizer.variables]}
        return list(known.values())
