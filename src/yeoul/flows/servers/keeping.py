"""A fitted scorer as plain files: its numbers in `state.npz`, its structure in `state.json`; nothing is pickled."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from yeoul.errors import DamagedError, InputError, SourceError

__all__ = ["keep", "kept"]

_OURS = "yeoul.detect."
_TOLD = {"progress", "told"}


def keep(part: Any, folder: Path) -> None:
    """Write an object of `yeoul.detect` and all that it holds: arrays, numbers, texts, lists, mappings, such objects.

    Raises:
        InputError: it holds something else, such as an estimator of another library.

    >>> import tempfile
    >>> from yeoul.detect.tables.calibrated import Calibration
    >>> with tempfile.TemporaryDirectory() as place:
    ...     keep(Calibration(np.arange(1.0, 9.0)), Path(place))
    ...     again = kept(Path(place))
    >>> [round(float(p), 2) for p in again.p(np.array([0.5]))]
    [1.0]
    """
    arrays: dict[str, Any] = {}
    tree = _plain(part, arrays, "the model")
    np.savez_compressed(folder / "state.npz", **arrays)
    (folder / "state.json").write_text(json.dumps(tree, indent=1) + "\n", encoding="utf-8")


def _plain(value: Any, arrays: dict[str, Any], path: str) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray) and value.dtype != object:
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, np.generic):
        return _plain(value.item(), arrays, path)
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [_plain(each, arrays, f"{path}[{place}]") for place, each in enumerate(value)]}
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return {"map": {name: _plain(each, arrays, f"{path}.{name}") for name, each in value.items()}}
    made_by: type = type(value)
    if not made_by.__module__.startswith(_OURS) or not (hasattr(value, "__dict__") or dataclasses.is_dataclass(value)):
        message = f"`{path}` is a {made_by.__module__}.{made_by.__qualname__}, which cannot be kept as plain files; "
        raise InputError(message + "choose the method `auto` or `two-stage-lstm`, or leave out --save")
    inner = {name: _plain(each, arrays, f"{path}.{name}") for name, each in _members(value).items()}
    return {"class": f"{made_by.__module__}:{made_by.__qualname__}", "members": inner}


def _members(value: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    # what a caller hung on to be told of progress is no state
    return {name: each for name, each in vars(value).items() if name.strip("_") not in _TOLD}


def kept(folder: Path) -> Any:
    """What `keep` wrote.

    Raises:
        SourceError: no such files.
        DamagedError: they are not what `keep` wrote.
    """
    missing = [name for name in ("state.json", "state.npz") if not (folder / name).is_file()]
    if missing:
        message = f"`{folder}` lacks {' and '.join(missing)}; it is no saved model, or not a whole one: save it again"
        raise SourceError(message)
    try:
        tree = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        with np.load(folder / "state.npz", allow_pickle=False) as arrays:
            return _object(tree, dict(arrays))
    except (ValueError, KeyError, TypeError, AttributeError, ImportError, zipfile.BadZipFile, EOFError) as error:
        message = f"the model in `{folder}` is damaged, or of another release ({error}); fit and save it again"
        raise DamagedError(message) from error


def _object(tree: Any, arrays: dict[str, Any]) -> Any:
    if not isinstance(tree, dict):
        return tree
    if "array" in tree:
        return arrays[tree["array"]]
    if "list" in tree:
        return [_object(each, arrays) for each in tree["list"]]
    if "tuple" in tree:
        return tuple(_object(each, arrays) for each in tree["tuple"])
    if "map" in tree:
        return {name: _object(each, arrays) for name, each in tree["map"].items()}
    module, _, name = tree["class"].partition(":")
    kind = getattr(import_module(module), name) if module.startswith(_OURS) and name.isidentifier() else None
    if not isinstance(kind, type) or kind.__module__ != module:
        message = f"got the class `{tree['class']}`"
        raise ValueError(message)
    # no constructor runs: an object of our own class gets its members back, and that is all
    made: Any = object.__new__(kind)
    for member, each in tree["members"].items():
        object.__setattr__(made, member, _object(each, arrays))
    return made
