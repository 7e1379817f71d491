"""Masked members of JSON lines, also where a line is broken or the member is not where it was declared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

__all__ = ["mask_json"]

_Path = tuple[str, ...]
_MASK = b'"***"'
# A text in quotes, also one that is broken off, or that holds a quote which ends nothing.
_TEXT = rb'"(?:[^"\\]|\\.|"(?!\s*(?:[,}\]]|$)))*+"?'
_WITHIN = rb'\\+".*?(?:\\+"|(?=")|$)'
"""A text of a document that is itself a text."""
_SINGLE = rb"'(?:[^'\\]|\\.)*+'?"
_VALUE = re.compile(rb"(?:" + _WITHIN + rb"|" + _TEXT + rb"|" + _SINGLE + rb"""|[^\s,}\]"'\[{]+)""", re.DOTALL)
_STEP = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


def mask_json(raw: bytes, hidden: Iterable[_Path], shown: Iterable[_Path]) -> bytes:
    """A line with the members at `hidden` masked.

    What is written may have changed since the declaration: so members of the same name are masked wherever they stand,
    but for those at `shown`, which are declared and not hidden. In a line that is not JSON all of that name are.

    >>> mask_json(b'{"a":{"id":"x"},"b":{"id":"y"},"c":{"id":"z"}}', [("a", "id")], [("b", "id")])
    b'{"a":{"id":"***"},"b":{"id":"y"},"c":{"id":"***"}}'
    >>> mask_json(b'{"id": ["x", {"y": "z', [("id",)], [])
    b'{"id": "***"'
    """
    names = frozenset(path[-1] for path in hidden)
    try:
        whole = json.loads(raw)
        _mask_members(whole, names, frozenset(shown), ())
    except (ValueError, RecursionError):
        return _mask_text(raw, names)
    # names that occur twice keep their last value only, so nothing that was hidden can show up again
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")


def _mask_members(value: Any, names: frozenset[str], shown: frozenset[_Path], path: _Path) -> None:
    if isinstance(value, list):
        for one in value:
            _mask_members(one, names, shown, path)
    elif isinstance(value, dict):
        for name, member in value.items():
            here = (*path, name)
            if name in names and here not in shown:
                value[name] = "***"
            else:
                _mask_members(member, names, shown, here)


def _mask_text(raw: bytes, names: frozenset[str]) -> bytes:
    key = _key(names)
    parts = []
    at = 0
    while (found := key.search(raw, at)) is not None:
        end = _end_of_value(raw, found.end())
        if end > found.end():
            parts += [raw[at : found.end()], _MASK]
        else:
            parts.append(raw[at : found.end()])
        at = end
    return b"".join([*parts, raw[at:]])


@lru_cache(maxsize=64)
def _key(names: frozenset[str]) -> re.Pattern[bytes]:
    """Finds a name with its colon: in quotes of any kind, with escapes, or bare."""
    spelled = b"|".join(b"".join(map(_letter, name)) for name in sorted(names))
    return re.compile(rb"(?<![\w.-])(?:" + spelled + rb""")(?:\\*["'])?\s*[:=]\s*""")


def _letter(letter: str) -> bytes:
    plain = json.dumps(letter, ensure_ascii=False)[1:-1]
    spellings = {re.escape(plain.encode()), re.escape(letter.encode())}
    units = letter.encode("utf-16-be")
    escape = b"".join(rb"\\+u(?i:%04x)" % int.from_bytes(units[i : i + 2]) for i in range(0, len(units), 2))
    return b"(?:" + b"|".join([*sorted(spellings), escape]) + b")"


def _end_of_value(raw: bytes, start: int) -> int:
    """Where the value that begins at `start` ends: a list or object at its last bracket, or with the line."""
    if raw[start : start + 1] not in {b"[", b"{"}:
        value = _VALUE.match(raw, start)
        return start if value is None else value.end()
    depth = 0
    for step in _STEP.finditer(raw, start):
        if step[0] in {b"[", b"{"}:
            depth += 1
        elif step[0] in {b"]", b"}"}:
            depth -= 1
            if not depth:
                return step.end()
    return len(raw)
