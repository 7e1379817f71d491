"""What the members of a sample hold: how often they are there, of which type, how many different values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from yeoul.settings.sniff.shapes import Path, Record

__all__ = ["Member", "look_at_members", "words"]

_MOST_MEMBERS = 400
_INT = re.compile(r"-?(?:0|[1-9]\d{0,17})", re.ASCII)
_FLOAT = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?", re.ASCII)
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z]|\d|$|[^A-Za-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
_NEARLY_ALL = 0.97
_SECRET = {"password", "passwd", "secret", "token", "auth", "cookie", "email", "mail", "phone", "mobile", "ip", "addr"}
_VAGUE = {"id", "key", "code", "no", "number", "uuid", "value", "name"}
_SHOWN = 14


@dataclass(frozen=True, slots=True)
class Member:
    """One member over all lines that were read."""

    path: Path
    total: int
    """Lines that were read."""
    present: int
    """Lines that have a value there."""
    type: str
    """`str`, `int`, `float`, `bool`; `list` for what no field can be."""
    distinct: int
    length: float
    """Mean length of the values as text."""
    examples: tuple[str, ...]
    """Up to three, cut short; masked where the name is that of something private."""

    @property
    def share(self) -> float:
        """Share of lines that have it."""
        return self.present / self.total

    @property
    def numeric(self) -> bool:
        """Whether it can be summed."""
        return self.type in {"int", "float"}


def words(path: Path) -> list[str]:
    """The words of a member's own name, in small letters; where that says little, the words before it too.

    >>> words(("a", "base_mck")), words(("userId",)), words(("@timestamp",)), words(("clientIP",))
    (['base', 'mck'], ['user', 'id'], ['timestamp'], ['client', 'ip'])
    >>> words(("order", "item", "id"))
    ['item', 'id']
    """
    found = [word.lower() for word in _WORD.findall(path[-1])]
    if len(path) > 1 and set(found) <= _VAGUE:
        return [*(word.lower() for word in _WORD.findall(path[-2])), *found]
    return found


def look_at_members(records: Sequence[Record]) -> list[Member]:
    """All members, in the order of their first appearance. O(members * lines)."""
    values: dict[Path, list[Any]] = {}
    for record in records:
        for path, value in record.items():
            known = values.get(path)
            if known is None:
                if len(values) >= _MOST_MEMBERS:
                    continue
                known = values[path] = []
            if value is not None:
                known.append(value)
    return [_member(path, found, len(records)) for path, found in values.items() if found]


def _member(path: Path, values: list[Any], total: int) -> Member:
    texts = [value if isinstance(value, str) else str(value) for value in values]
    seen = dict.fromkeys(texts)
    private = _SECRET & set(words(path))
    examples = tuple(_shown(text, private=bool(private)) for text in list(seen)[:3])
    return Member(path, total, len(values), _type(values), len(seen), sum(map(len, texts)) / len(texts), examples)


def _shown(text: str, *, private: bool) -> str:
    plain = "".join(char if char.isprintable() else " " for char in text)
    if private:
        return plain[:3] + "…"
    return plain if len(plain) <= _SHOWN else plain[: _SHOWN - 1] + "…"


def _type(values: list[Any]) -> str:
    """The type of nearly all values: one odd value in a hundred lines is dirt, not a type."""
    enough = _NEARLY_ALL * len(values)
    if sum(isinstance(value, list | dict) for value in values) > len(values) - enough:
        return "list"
    if sum(isinstance(value, bool) for value in values) >= enough:
        return "bool"
    if sum(_is(value, int, _INT) for value in values) >= enough:
        return "int"
    if sum(_is(value, int | float, _FLOAT) and not _padded(value) for value in values) >= enough:
        return "float"
    return "str"


def _is(value: Any, kind: Any, text: re.Pattern[str]) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, kind) or (isinstance(value, str) and text.fullmatch(value) is not None)


def _padded(value: Any) -> bool:
    """Whether digits lead with a zero, as in codes (007), which are texts."""
    return isinstance(value, str) and len(value) > 1 and value[0] == "0" and value[1].isdigit()
