"""Time to train the two-stage autoencoder against a plain Keras loop: the same networks, windows, epochs and callbacks.

python benchmarks/detect/lstm_training.py --rows 8640 --repeats 3

Both compile their networks themselves, and that time counts. The plain loop gets its windows ready made and asks its
networks nothing: whatever `TwoStageAutoencoder.fit` does besides training counts against it.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.tables import Table
from yeoul.detect.tables.deep import autoencoder as ours
from yeoul.detect.tables.deep.backend import load_keras
from yeoul.errors import MissingExtraError

Windows = NDArray[np.float32]


@dataclass
class Took:
    """Seconds of one run."""

    wall: float
    processor: float


class Clock:
    """Begins when it is made."""

    def __init__(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def took(self) -> Took:
        return Took(time.perf_counter() - self._wall, time.process_time() - self._processor)


def servers(rows: int) -> Table:
    """Counters of a made-up service: 16 columns with a daily rhythm, noise and some bursts."""
    rng, at = np.random.default_rng(0), np.arange(rows)
    rhythm = 1.0 + 0.6 * np.sin(2 * np.pi * at / 288)[:, None]
    values = rng.poisson(rhythm * np.geomspace(20, 2000, 16)).astype(np.float64)
    values[rng.random(rows) < 0.01] *= 1.5
    return Table(values, tuple(f"counter{i}" for i in range(16)), at * 300_000_000)


def plain(keras: Any, stages: list[tuple[Windows, Windows]], config: ours.TwoStageConfig) -> list[int]:
    """What one writes by hand. Returns the epochs of each stage."""
    layers, ran = keras.layers, []
    plans = zip(stages, (config.units, config.second_units), (config.epochs, config.second_epochs), strict=True)
    for (inputs, held_out), (outer, inner), epochs in plans:
        model = keras.Sequential(
            [
                layers.Input(inputs.shape[1:]),
                layers.LSTM(outer, activation="relu", return_sequences=True),
                layers.LSTM(inner, activation="relu"),
                layers.RepeatVector(config.window),
                layers.LSTM(inner, activation="relu", return_sequences=True),
                layers.LSTM(outer, activation="relu", return_sequences=True),
                layers.TimeDistributed(layers.Dense(inputs.shape[2])),
            ]
        )
        model.compile(optimizer=keras.optimizers.Adam(config.learning_rate), loss="mse")
        history = model.fit(
            inputs,
            inputs,
            epochs=epochs,
            batch_size=config.batch,
            validation_data=(held_out, held_out),
            callbacks=[keras.callbacks.EarlyStopping(patience=config.patience, restore_best_weights=True)],
            verbose=0,
        )
        ran.append(len(history.history["loss"]))
    return ran


def prepared(table: Table, config: ours.TwoStageConfig) -> list[tuple[Windows, Windows]]:
    """The windows that both stages are trained on, and those held out, as `fit` cuts them."""
    seen: list[tuple[Windows, Windows]] = []
    train = ours.train

    def watched(keras: Any, network: Any, inputs: Windows, targets: Windows, held_out: Any, **options: Any) -> Any:
        seen.append((inputs, held_out[0]))
        return train(keras, network, inputs, targets, held_out, **options)

    ours.train = watched
    try:
        ours.TwoStageAutoencoder(config).fit(table)
    finally:
        ours.train = train
    return seen


def measure(rows: int, repeats: int) -> Took:
    """Ours over the plain loop, of the best run of each; every run is printed."""
    keras = load_keras()
    # No early end: both run 20 and 10 epochs, whatever their losses.
    config, table = ours.TwoStageConfig(patience=20), servers(rows)
    stages = prepared(table, config)
    runs: dict[str, list[Took]] = {"plain Keras loop": [], "TwoStageAutoencoder.fit": []}
    print(f"{rows} rows, 16 columns; windows trained on: {', '.join(str(len(inputs)) for inputs, _ in stages)}")
    print(f"{'':24} {'wall s':>8} {'cpu s':>8}")
    for _ in range(repeats):
        clock = Clock()
        ran = plain(keras, stages, config)
        runs["plain Keras loop"].append(clock.took())
        clock = Clock()
        model = ours.TwoStageAutoencoder(config).fit(table)
        runs["TwoStageAutoencoder.fit"].append(clock.took())
        assert ran == [len(model.history[f"stage {stage}"]) for stage in (1, 2)]
        for name, times in runs.items():
            print(f"{name:24} {times[-1].wall:8.1f} {times[-1].processor:8.1f}", flush=True)
    best = {name: Took(min(t.wall for t in times), min(t.processor for t in times)) for name, times in runs.items()}
    theirs, mine = best["plain Keras loop"], best["TwoStageAutoencoder.fit"]
    return Took(mine.wall / theirs.wall, mine.processor / theirs.processor)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=8640)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    try:
        ratio = measure(args.rows, args.repeats)
    except MissingExtraError as error:
        print(error)
        return
    print(f"{'ratio of the best':24} {ratio.wall:8.2f} {ratio.processor:8.2f}")


if __name__ == "__main__":
    main()
