"""A fitted model in a folder: what it was fitted on as `model.json`, the model's own files beside it."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from yeoul import __version__
from yeoul.detect.tables.contract import Table
from yeoul.errors import DamagedError, InputError, SourceError, StateError
from yeoul.flows.servers.grid import FILL_RULE, counted
from yeoul.flows.servers.model import Model, ModelConfig, load_model
from yeoul.flows.servers.stamps import stamp

__all__ = ["Saved", "load", "read_about", "require_place", "save"]

_FORMAT = 3
_FITTED, _UNFINISHED, _ABOUT = "fitted", "fitted.unfinished", "model.json"
_MEMBERS: dict[str, type] = {
    "yeoul": str,
    "config": dict,
    "first": int,
    "last": int,
    "rows": int,
    "filled": int,
    "kind": str,
    "columns": dict,
    "span": str,
    "fill_rule": str,
    "losses": dict,
    "model": dict,
    "files": dict,
}


@dataclass(frozen=True, slots=True)
class Saved:
    """What a model was fitted on, and how."""

    config: ModelConfig
    first: int
    """The first slot."""
    last: int
    rows: int
    filled: int
    """Slots of which a cell had to be filled."""
    kind: str
    columns: dict[str, list[float]]
    """By name: least, first quartile, median, third quartile, most of the rows."""

    @classmethod
    def of(cls, config: ModelConfig, table: Table, seen: NDArray[np.float32], first: int, kind: str) -> Self:
        """Of the rows of a table that begins with the slot `first`."""
        levels = np.quantile(table.values, [0.0, 0.25, 0.5, 0.75, 1.0], axis=0).T.tolist()
        columns = dict(zip(table.columns, levels, strict=True))
        return cls(config, first, first + len(table) - 1, len(table), int((seen < 1).sum()), kind, columns)

    @property
    def span(self) -> str:
        """The first and the last stamp."""
        return f"{stamp(self.first)} to {stamp(self.last)}"

    def require(self, columns: tuple[str, ...]) -> None:
        """Refuse files of other columns.

        Raises:
            InputError: they are others.
        """
        known = tuple(self.columns)
        if known != columns:
            lacks = [name for name in known if name not in columns]
            more = [name for name in columns if name not in self.columns]
            parts = [f"the files lack {_some(lacks)}"] * bool(lacks) + [f"they have {_some(more)} more"] * bool(more)
            message = (
                f"the model knows other servers: {', and '.join(parts)}; name files of the same servers, or fit a new "
                "one, without --load"
            )
            raise InputError(message)


def _some(names: list[str]) -> str:
    listed = ", ".join(f"`{name}`" for name in names[:3])
    return listed + (f" and {counted(len(names) - 3, 'other')}" if len(names) > 3 else "")


def require_place(folder: Path) -> None:
    """Refuse a folder that no model should be written to.

    Raises:
        InputError: it holds other files, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        message = f"got the folder `{folder}`, which is a file; name a new folder"
        raise InputError(message)
    # a save that was cut short has left these alone
    ours = {_FITTED, _UNFINISHED}
    if folder.is_dir() and {path.name for path in folder.iterdir()} - ours and not (folder / _ABOUT).is_file():
        message = (
            f"got the folder `{folder}`, which holds other files; legal: a new or empty one, or one of a saved model"
        )
        raise InputError(message)


def save(folder: Path, model: Model, saved: Saved) -> None:
    """Write a model to a folder, which is made.

    Raises:
        InputError: the folder holds other files, or the method's model cannot be kept.
    """
    require_place(folder)
    network, beside = folder / _FITTED, folder / _UNFINISHED
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        model.save(beside)
    except BaseException:
        # what cannot be kept leaves the model that was there alone
        shutil.rmtree(beside, ignore_errors=True)
        if not any(folder.iterdir()):
            folder.rmdir()
        raise
    # from here on until it is whole again it is no model
    (folder / _ABOUT).unlink(missing_ok=True)
    shutil.rmtree(network, ignore_errors=True)
    beside.rename(network)
    told = {
        "format": _FORMAT,
        "yeoul": __version__,
        **asdict(saved),
        "span": saved.span,
        "fill_rule": FILL_RULE,
        "losses": model.losses(),
        "model": model.describe(),
        "files": _digests(network),
    }
    (folder / _ABOUT).write_text(json.dumps(told, indent=1, default=_plain) + "\n", encoding="utf-8")


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return str(value)


def read_about(folder: Path) -> dict[str, Any]:
    """The members of `model.json`.

    Raises:
        SourceError: no saved model.
        StateError: damaged, or of another release.
    """
    path = folder / _ABOUT
    if not path.is_file():
        message = f"got `{folder}`, which holds no saved model; legal: a folder that --save wrote"
        raise SourceError(message)
    try:
        about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        form = int(about["format"])
        if form == _FORMAT:
            _require_members(about)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"`{path}` is damaged ({error}); fit and save the model again"
        raise DamagedError(message) from error
    if form != _FORMAT:
        which, what = (
            ("a newer", "install that, or fit again") if form > _FORMAT else ("an older", "fit and save again")
        )
        message = f"`{path}` is of {which} release (format {form}); this one reads {_FORMAT}: {what}"
        raise StateError(message)
    return about


def _require_members(about: dict[str, Any]) -> None:
    for name, kind in _MEMBERS.items():
        if not isinstance(about.get(name), kind):
            message = f"`{name}` is missing, or of another kind"
            raise ValueError(message)  # noqa: TRY004 - told as damage by the caller, as any other
    ModelConfig(**about["config"])
    for name, levels in about["columns"].items():
        if len(levels) != 5 or not all(isinstance(level, int | float) for level in levels):
            message = f"`columns` has no five numbers for `{name}`"
            raise ValueError(message)


def load(folder: Path) -> tuple[Model, Saved]:
    """What `save` wrote.

    Raises:
        SourceError: no saved model, or a file of it is missing.
        StateError: damaged, or of another release.
    """
    about = read_about(folder)
    network = folder / _FITTED
    if lacks := [name for name in about["files"] if not (network / name).is_file()]:
        message = f"`{network}` lacks {', '.join(lacks)}; the model is not whole: fit and save it again"
        raise SourceError(message)
    there = _digests(network)
    if damaged := [name for name, digest in about["files"].items() if there[name] != digest]:
        message = f"`{network / damaged[0]}` is damaged: it is not what was saved; fit and save the model again"
        raise DamagedError(message)
    config = ModelConfig(**about["config"])
    names = ("first", "last", "rows", "filled", "kind", "columns")
    return load_model(config, network), Saved(config, *(about[name] for name in names))
