"""Trained networks on disk: Keras' own format, numbers as NumPy arrays, the rest as JSON that people can read."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.tables.deep.backend import quiet
from yeoul.errors import SourceError, StateError

__all__ = ["SavedModel", "read_model", "write_model"]

_FORMAT = 1
_TOLD, _NUMBERS = "model.json", "numbers.npz"


@dataclass(frozen=True, slots=True)
class SavedModel:
    """What was read from a folder."""

    told: dict[str, Any]
    numbers: dict[str, NDArray[np.float64]]
    networks: dict[str, Any]
    keras: Any


def write_model(
    folder: Path, told: dict[str, Any], numbers: dict[str, NDArray[np.float64]], networks: dict[str, Any]
) -> None:
    """Write a model to a folder, which is made; `model.json` comes last, so that half a model is no model.

    Args:
        folder: a model that it holds is replaced.
        told: plain members; `method` is one of them.
        numbers: arrays by name.
        networks: Keras models by name.

    Raises:
        SourceError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _TOLD).unlink(missing_ok=True)
        with quiet():
            for name, network in networks.items():
                network.save(folder / f"{name}.keras")
        # Told as keywords to a function of unknown keywords, names would be taken for its own.
        np.savez_compressed(folder / _NUMBERS, allow_pickle=False, **numbers)
        text = json.dumps({"format": _FORMAT, **told}, indent=2)
        (folder / _TOLD).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        message = f"cannot write the model to `{folder}`: {error.strerror or error}"
        raise SourceError(message) from error


def read_model(folder: Path, method: str, networks: tuple[str, ...]) -> SavedModel:
    """What `write_model` wrote. Nothing in the files is executed.

    Raises:
        SourceError: no such folder or file.
        StateError: damaged, of another method, or written by a newer release.
        MissingExtraError: Keras or JAX is not installed.
    """
    files = [folder / _TOLD, folder / _NUMBERS, *(folder / f"{name}.keras" for name in networks)]
    if absent := [file.name for file in files if not file.is_file()]:
        message = f"got `{folder}`, in which {', '.join(absent)} is missing; give a folder that a model was saved to"
        raise SourceError(message)
    try:
        told = json.loads(files[0].read_text(encoding="utf-8"))
        found, made_by = told["format"], told["method"]
    except (KeyError, TypeError, ValueError) as error:
        message = f"`{files[0]}` is damaged ({error}); train the model again"
        raise StateError(message) from error
    if found != _FORMAT:
        message = f"`{folder}` has the format {found}, this release reads {_FORMAT}; use the release that wrote it"
        raise StateError(message)
    if made_by != method:
        message = f"`{folder}` holds a model of `{made_by}`; `{method}` is asked for"
        raise StateError(message)
    try:
        with np.load(io.BytesIO(files[1].read_bytes()), allow_pickle=False) as arrays:
            numbers = {name: np.asarray(arrays[name], np.float64) for name in arrays.files}
        with quiet() as keras:
            loaded = {
                name: keras.saving.load_model(file, compile=False, safe_mode=True)
                for name, file in zip(networks, files[2:], strict=True)
            }
    except (BadZipFile, EOFError, KeyError, OSError, TypeError, ValueError) as error:
        by = told.get("versions", {}).get("keras", "unknown")
        message = f"a file in `{folder}` is damaged, or its Keras ({by}) is too new: {error}; train the model again"
        raise StateError(message) from error
    return SavedModel(told, numbers, loaded, keras)
