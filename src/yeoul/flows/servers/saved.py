"""A fitted model in a folder: what it was fitted on as `model.json`, the model's own files beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from yeoul import __version__
from yeoul.detect.tables.contract import Table
from yeoul.errors import ConfigError, DamagedError, InputError, SourceError, StateError
from yeoul.flows.servers.grid import FILL_RULE
from yeoul.flows.servers.model import Model, ModelConfig, load_model
from yeoul.flows.servers.stamps import stamp

__all__ = ["Saved", "load", "read_about", "require_place", "save"]

_FORMAT = 1


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
            message = f"the model knows other servers: {' and '.join(parts)}; fit a new one, without --load"
            raise InputError(message)


def _some(names: list[str]) -> str:
    listed = ", ".join(f"`{name}`" for name in names[:3])
    return listed + (f" and {len(names) - 3} others" if len(names) > 3 else "")


def require_place(folder: Path) -> None:
    """Refuse a folder that no model should be written to.

    Raises:
        InputError: it holds other files, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        message = f"got the folder `{folder}`, which is a file; name a new folder"
        raise InputError(message)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "model.json").is_file():
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
    network = folder / "fitted"
    network.mkdir(parents=True, exist_ok=True)
    model.save(network)
    told = {
        "format": _FORMAT,
        "yeoul": __version__,
        **asdict(saved),
        "span": saved.span,
        "fill_rule": FILL_RULE,
        "losses": model.losses(),
        "model": model.describe(),
    }
    (folder / "model.json").write_text(json.dumps(told, indent=1, default=_plain) + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return str(value)


def read_about(folder: Path) -> dict[str, Any]:
    """The members of `model.json`.

    Raises:
        SourceError: no saved model.
        StateError: damaged, or of a newer release.
    """
    path = folder / "model.json"
    if not path.is_file():
        message = f"got `{folder}`, which holds no saved model; legal: a folder that --save wrote"
        raise SourceError(message)
    try:
        about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        form = int(about["format"])
    except (ValueError, KeyError, TypeError) as error:
        message = f"`{path}` is damaged ({error}); fit and save the model again"
        raise DamagedError(message) from error
    if form > _FORMAT:
        message = (
            f"`{path}` is of a newer release (format {form}); this one reads {_FORMAT}: install that, or fit again"
        )
        raise StateError(message)
    return about


def load(folder: Path) -> tuple[Model, Saved]:
    """What `save` wrote.

    Raises:
        SourceError: no saved model, or a file of it is missing.
        StateError: damaged, or of a newer release.
    """
    about = read_about(folder)
    try:
        config = ModelConfig(**about["config"])
        names = ("first", "last", "rows", "filled", "kind", "columns")
        saved = Saved(config, *(about[name] for name in names))
    except (KeyError, TypeError, ConfigError) as error:
        message = f"`{folder / 'model.json'}` is damaged ({error}); fit and save the model again"
        raise DamagedError(message) from error
    return load_model(config, folder / "fitted"), saved
