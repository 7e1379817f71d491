"""One way to train and to ask a network: Keras' own `fit`, batches of one shape so that nothing is compiled twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.errors import InputError

__all__ = ["answers", "train"]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

_ASKED = 256
"""Windows in every question to a network: one program is compiled, and how many are asked of changes no digit."""


def train(
    keras: Any,
    network: Any,
    inputs: Singles,
    targets: Singles,
    held_out: tuple[Singles, Singles] | None,
    *,
    epochs: int,
    batch: int,
    patience: int,
    seed: int,
    told: Callable[[int, float], None] | None = None,
) -> dict[str, list[float]]:
    """Train until the loss of what is held out (otherwise of training) no longer falls.

    Windows beyond a multiple of `batch` are left out, the first ones: a last batch of another size would be compiled as
    a program of its own, which takes longer than many epochs. The best weights are kept.

    Args:
        keras: the module.
        network: a compiled model.
        inputs: shape (m, ...).
        targets: shape (m, ...).
        held_out: inputs and targets that nothing is learnt from.
        epochs: at most so many.
        batch: windows of a step.
        patience: epochs without a smaller loss after which training stops.
        seed: of the order of the windows.
        told: called after every epoch with its number from 1 and the loss.

    Returns:
        `loss`, and `val_loss` where something is held out, by epoch.

    Raises:
        InputError: the loss became infinite.
    """
    size = min(batch, len(inputs))
    inputs, targets = inputs[len(inputs) % size :], targets[len(targets) % size :]
    if held_out is not None and len(held_out[0]) > batch:
        held_out = (held_out[0][len(held_out[0]) % batch :], held_out[1][len(held_out[1]) % batch :])

    class Told(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
            # The first call of `fit` builds things and draws numbers for it: the order of windows is drawn after that.
            keras.utils.set_random_seed(seed)

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            loss = float((logs or {}).get("loss", np.nan))
            # Asked once an epoch: Keras' own callback for this waits for the loss of every batch.
            self.model.stop_training |= not np.isfinite(loss)
            if told:
                told(epoch + 1, loss)

    watched = "loss" if held_out is None else "val_loss"
    stop = keras.callbacks.EarlyStopping(monitor=watched, patience=patience, restore_best_weights=True)
    history = network.fit(
        inputs,
        targets,
        epochs=epochs,
        batch_size=size,
        validation_data=held_out,
        validation_batch_size=batch,
        callbacks=[stop, Told()],
        verbose=0,
    )
    losses = {name: [float(loss) for loss in series] for name, series in history.history.items()}
    if not np.isfinite(losses["loss"]).all():
        message = "training diverged: the loss became infinite; give a smaller learning rate, or look for absurd values"
        raise InputError(message)
    return losses


def answers(network: Any, inputs: Singles, *, last: bool) -> Floats:
    """What the network answers to each of m windows: the last step, shape (m, d), or all steps, (m, steps, d)."""
    steps, width = network.output_shape[1:]
    parts = [np.zeros((0, width) if last else (0, steps, width))]
    for start in range(0, len(inputs), _ASKED):
        part = inputs[start : start + _ASKED]
        full = np.zeros((_ASKED, *part.shape[1:]), np.float32)
        full[: len(part)] = part
        answer = np.asarray(network.predict_on_batch(full), np.float64)[: len(part)]
        parts.append(answer[:, -1] if last else answer)
    return np.concatenate(parts)
