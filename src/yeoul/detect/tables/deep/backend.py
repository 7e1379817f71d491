"""Keras, imported on use: JAX as its backend unless the user chose another, quiet, and seeded without side effects."""

from __future__ import annotations

import logging
import os
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from yeoul.errors import MissingExtraError

__all__ = ["load_keras", "quiet", "seeded", "versions"]


def load_keras() -> Any:
    """The module `keras`.

    The environment variable `KERAS_BACKEND` chooses its backend; without it, JAX.

    Raises:
        MissingExtraError: Keras or its backend is not installed.
    """
    os.environ.setdefault("KERAS_BACKEND", "jax")
    # JAX tells on start which accelerators it did not find; on a machine without any that is no news.
    logging.getLogger("jax._src.xla_bridge").setLevel(logging.ERROR)
    try:
        import keras  # noqa: PLC0415 - an extra, and a second of start-up: loaded when a network is used
    except ImportError as error:
        library = error.name or "keras"
        raise MissingExtraError(library, "deep") from error
    return keras


@contextmanager
def quiet() -> Iterator[Any]:
    """Keras without its warning of how its variables become arrays, which only Keras can mend."""
    keras = load_keras()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="__array__ implementation doesn't accept a copy keyword")
        yield keras


@contextmanager
def seeded(seed: int) -> Iterator[Any]:
    """Keras with its random numbers begun by `seed`; Python's and NumPy's own generators are put back afterwards."""
    # Keras shuffles by these generators, and seeds them for everybody.
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global one is meant
    try:
        with quiet() as keras:
            keras.utils.set_random_seed(seed)
            yield keras
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002 - the global one is meant


def versions() -> dict[str, str]:
    """What a saved network was made with: Keras and its backend."""
    keras = load_keras()
    return {"keras": str(keras.__version__), "backend": str(keras.backend.backend())}
