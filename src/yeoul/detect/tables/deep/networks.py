"""The networks, as Keras models, and a way to begin them anew without compiling them again."""

from __future__ import annotations

from typing import Any

__all__ = ["Network", "autoencoder", "encoder_decoder", "recurrent"]


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


def recurrent(keras: Any, kind: str, window: int, columns: int, units: int, dropout: float) -> Any:
    """One layer of `kind` (`SimpleRNN`, `LSTM`, `GRU`); the next row is the last one plus what the layer says.

    Answers have the shape (batch, 1, columns).
    """
    layers = keras.layers
    past = layers.Input((window, columns))
    code = getattr(layers, kind)(units, dropout=dropout)(past)
    change = layers.Reshape((1, columns))(layers.Dense(columns)(code))
    return keras.Model(past, layers.Add()([change, past[:, -1:]]))


def encoder_decoder(keras: Any, window: int, horizon: int, columns: int, units: int, dropout: float) -> Any:
    """An LSTM reads the window; a second one goes on from its state and tells `horizon` rows, as changes from the last.

    Source: Sutskever, Vinyals and Le, "Sequence to Sequence Learning with Neural Networks" (NeurIPS 2014); the decoder
    is fed the code at each step rather than its own last answer.
    """
    layers = keras.layers
    past = layers.Input((window, columns))
    code, *state = layers.LSTM(units, return_state=True, dropout=dropout)(past)
    told = layers.LSTM(units, return_sequences=True)(layers.RepeatVector(horizon)(code), initial_state=state)
    return keras.Model(past, layers.Add()([layers.Dense(columns)(told), past[:, -1:]]))


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
