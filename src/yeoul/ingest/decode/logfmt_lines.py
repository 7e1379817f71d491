"""logfmt lines: `key=value` pairs between blanks, values with blanks in double quotes."""

from __future__ import annotations

import re
from typing import Any

from yeoul.events import RowSchema
from yeoul.ingest.decode.contract import Members
from yeoul.ingest.decode.flat import cut_out, flat_slots
from yeoul.ingest.decode.lines import Lines

__all__ = ["LogfmtReader"]

_PAIR = re.compile(r'([^\s="\x00-\x1f]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*)))?(?=\s|$)', re.DOTALL)
_BLANKS = re.compile(r"\s*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


class LogfmtReader:
    """Takes members out of lines such as `at=2026-03-02T11:10:05Z cpk=c1 title="a b" cached`.

    A key without value is `true`; of keys that occur twice the last one counts; in quotes a backslash escapes. A line
    that holds anything else is not a row.
    """

    def __init__(self, schema: RowSchema) -> None:
        self._slots = flat_slots(schema)
        self._names = [slot.path[0] for slot in self._slots]

    def read(self, lines: Lines, skip: frozenset[int], header: bytes | None) -> Members:
        bad: dict[int, str] = {}
        values: list[list[Any]] = [[] for _ in self._names]
        columns = list(zip(self._names, values, strict=True))
        for number, line in enumerate(lines.all()):
            if number in skip:
                continue
            pairs, end = _pairs(line.decode())
            if not line.strip():
                bad[number] = ""
                continue
            if end is not None:
                bad[number] = f"the line is not logfmt at character {end + 1}; legal: key=value pairs between blanks"
                continue
            for name, column in columns:
                column.append(pairs.get(name))
        return Members(values, bad)

    def mask(self, raw: bytes, names: frozenset[str], header: bytes | None) -> bytes:
        keys = [re.escape(slot.path[0]) for slot in self._slots if slot.name in names]
        text = raw.decode(errors="surrogateescape")
        # also in a line that is broken: a quote that does not close is masked to the end
        pattern = re.compile(rf'(?<!\S)(?:{"|".join(keys)})=("(?:[^"\\]|\\.)*"?|\S+)', re.DOTALL)
        return cut_out(text, [hit.span(1) for hit in pattern.finditer(text)])


def _pairs(text: str) -> tuple[dict[str, str], int | None]:
    """The pairs, and where the line stops being logfmt (None: nowhere).

    >>> _pairs('a=1 b="x y" c')
    ({'a': '1', 'b': 'x y', 'c': 'true'}, None)
    >>> _pairs('a=1 b="x')[1]
    4
    """
    found: dict[str, str] = {}
    at = _skip(text, 0)
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None:
            return found, at
        key, quoted, plain = pair.groups()
        if quoted is None:
            found[key] = "true" if plain is None else plain
        else:
            found[key] = _ESCAPE.sub(lambda hit: _ESCAPED.get(hit[1], hit[1]), quoted) if "\\" in quoted else quoted
        at = _skip(text, pair.end())
    return found, None


def _skip(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return blanks.end() if blanks else at
