"""How parts are found: built-ins are plain tuples of "module:Name", outsiders use entry points of the same group."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from yeoul.errors import ConfigError

__all__ = ["load", "nearest", "resolve"]


def load(reference: str) -> Any:
    """Import what `"module:Name"` names."""
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def nearest(got: str, legal: Iterable[str]) -> str:
    """A phrase naming the closest legal word, or nothing.

    >>> nearest("seasonl", ["kmeans", "seasonal"])
    '; did you mean `seasonal`?'
    >>> nearest("zzz", ["kmeans"])
    ''
    """
    close = difflib.get_close_matches(got, list(legal), n=1, cutoff=0.6)
    return f"; did you mean `{close[0]}`?" if close else ""


def resolve(group: str, builtins: dict[str, str], name: str) -> Any:
    """The part called `name`: a built-in of `builtins`, otherwise an entry point of `group`.

    Raises:
        ConfigError: no such part; the message lists the legal names and the nearest one.
    """
    if name in builtins:
        return load(builtins[name])
    outside = {point.name: point for point in entry_points(group=group)}
    if name in outside:
        return outside[name].load()
    legal = sorted({*builtins, *outside})
    message = f"got `{name}`; legal: {', '.join(legal)}{nearest(name, legal)}"
    raise ConfigError(message)
