"""Names for fields: legal ones, short, told apart, and not those of a result's own members."""

from __future__ import annotations

import re
from collections.abc import Container

from yeoul.settings.sniff.shapes import Path

__all__ = ["field_name", "sum_name"]

_ODD = re.compile(r"\W+")
_VAGUE = {"id", "name", "value", "key", "code", "type", "number", "no", "uuid", "text"}
_RESULTS = {
    *("stream", "window_start", "window_end", "revision", "block", "detector", "detectors", "observed", "expected"),
    *("lower", "upper", "p", "score", "confidence", "why", "file", "id", "keys", "count", "place", "ranking"),
}
"""Members that stand beside keys in the results."""


def field_name(path: Path, taken: Container[str]) -> str:
    """A name for the field at `path` that is not in `taken`.

    >>> field_name(("user", "id"), ()), field_name(("id",), ()), field_name(("x-y",), ("x_y",))
    ('user_id', 'event_id', 'x_y_2')
    """
    name = _legal(path[-1])
    if name in _VAGUE and len(path) > 1:
        name = f"{_legal(path[-2])}_{name}"
    if name in _RESULTS:
        name = f"event_{name}"
    return _free(name, taken)


def sum_name(field: str, taken: Container[str]) -> str:
    """A name for the sum of a field.

    >>> sum_name("hit", ()), sum_name("bytes", ()), sum_name("hit", ("hits",))
    ('hits', 'bytes_sum', 'hits_2')
    """
    return _free(f"{field}_sum" if field.endswith("s") or len(field) > 8 else f"{field}s", taken)


def _legal(text: str) -> str:
    name = _ODD.sub("_", text).strip("_") or "field"
    return f"f_{name}" if name[0].isdigit() else name


def _free(name: str, taken: Container[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
