"""What changed between two objects, as a JSON merge patch (RFC 7396)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["merge_patch"]


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The patch that makes `new` of `old`; a member that is null counts as absent. O(size of both).

    Source: RFC 7396, https://www.rfc-editor.org/rfc/rfc7396

    >>> merge_patch({"a": 1, "b": {"c": 2, "d": 3}}, {"a": 1, "b": {"c": 4}})
    {'b': {'c': 4, 'd': None}}
    """
    patch: dict[str, Any] = {}
    for name, value in new.items():
        if value is None:
            continue
        before = old.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            if inner := merge_patch(before, value):
                patch[name] = inner
        elif before is None or before != value or type(before) is not type(value):
            patch[name] = value
    for name, before in old.items():
        if before is not None and new.get(name) is None:
            patch[name] = None
    return patch
