"""Masked members of JSON lines, also where a line is broken or the member is not where it was declared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

__all__ = ["mask_json"]

_Path = tuple[str, ...]
_MASK = b'"***"'
# A text in quotes, also one that is broken off, or that holds a quote which ends nothing.
_TEXT = rb'"(?:[^"\\]|\\.|"(?!\s*(?:[,}\]]|$)))*+"?'
_WITHIN = rb'\\+".*?(?:\\+"|(?=")|$)'
"""A text of a document that is itself a text."""
_SINGLE = rb"'(?:[^'\\]|\\.)*+'?"
_VALUE = re.compile(rb"(?:" + _WITHIN + rb"|" + _TEXT + rb"|" + _SINGLE + rb"""|[^\s,}\]"'\[{]+)""", re.DOTALL)
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)
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
        json.loads(raw.decode())
    except (ValueError, RecursionError):
        return _mask_text(raw, names)
    parts = []
    at = 0
    for start, end in _members(raw, names, frozenset(shown)):
        parts += [raw[at:start], _MASK]
        at = end
    return b"".join([*parts, raw[at:]])


def _members(raw: bytes, names: frozenset[str], shown: frozenset[_Path]) -> Iterator[tuple[int, int]]:
    """Where the values of the members to mask begin and end, in a line that is JSON."""
    path: list[str | None] = []  # of each list or object that is open the name at which it is; None in a list
    name_next = hides = False
    begun: tuple[int, int] | None = None  # place and depth of a list or object that is masked
    for token in _TOKEN.finditer(raw):
        text = token[0]
        if text in {b"{", b"["}:
            if hides and begun is None:
                begun = token.start(), len(path)
            hides = False
            path.append(None)
            name_next = text == b"{"
            if name_next:
                path[-1] = ""
        elif text in {b"}", b"]"}:
            path.pop()
            name_next = False
            if begun is not None and begun[1] == len(path):
                yield begun[0], token.end()
                begun = None
        elif text == b",":
            name_next = path[-1] is not None
        elif text == b":":
            name_next = False
        elif name_next:
            name = path[-1] = json.loads(text)
            hides = name in names and tuple(part for part in path if part is not None) not in shown
        elif hides:
            hides = False
            if begun is None:
                yield token.span()


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
