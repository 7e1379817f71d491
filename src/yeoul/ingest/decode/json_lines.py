"""JSON lines: only the declared members are made into Python values, all the rest is checked and passed over."""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from yeoul.events import RowSchema
from yeoul.ingest.decode.contract import Members, slots
from yeoul.ingest.decode.json_masks import mask_json
from yeoul.ingest.decode.lines import Lines

__all__ = ["JsonReader"]

_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_OPEN, _CLOSE = b"{}"
_TOGETHER = 64
_FEW = 8
"""Lines decoded in one call; where one among them is bad, fewer; and at last one by one."""
_Tree = dict[str, Any]
"""Members by name; an int is the slot that is wanted there, a dict goes deeper."""


class JsonReader:
    """Takes members out of one JSON object a line, at any depth.

    msgspec reads lines into structs generated from the paths. It validates the syntax of the whole line, so a line that
    is not JSON is never a row, whatever is declared; of names that occur twice the last one counts. Some lines at a
    time are decoded in one call; other ways and parsers are measured in `benchmarks/decode`.
    """

    def __init__(self, schema: RowSchema) -> None:
        self._slots = slots(schema)
        self._source: list[int] = []  # slots with the same path share what is read
        first: dict[tuple[str, ...], int] = {}
        for number, slot in enumerate(self._slots):
            self._source.append(first.setdefault(slot.path, number))
        self._level = _level(first)
        decoder = msgspec.json.Decoder(self._level.type if self._level else dict[str, Any])
        self._decode = decoder.decode
        self._decode_lines = decoder.decode_lines

    def read(self, lines: Lines, skip: frozenset[int], header: bytes | None) -> Members:
        found: list[Any] = []
        bad: dict[int, str] = {}
        # A line feed between `}` and `{` stands between two values: inside one a comma or bracket would have to follow.
        # So where all lines begin and end like objects, as many values as lines are one in each.
        alone = lines.framed(_OPEN, _CLOSE)
        alone[list(skip)] = False
        for first in range(0, len(lines), _TOGETHER):
            self._together(lines, first, min(first + _TOGETHER, len(lines)), alone, skip, found, bad)
        values: list[list[Any]] = [[] for _ in self._slots]
        if self._level:
            self._level.take(found, values)
        else:
            for number, slot in enumerate(self._slots):
                values[number] = [_walk(one, slot.path) for one in found]
        return Members([values[source] for source in self._source], bad)

    def _together(
        self,
        lines: Lines,
        first: int,
        last: int,
        alone: NDArray[np.bool_],
        skip: frozenset[int],
        found: list[Any],
        bad: dict[int, str],
    ) -> None:
        """Decode lines `first` to `last` in one call, or where one of them is bad, fewer, down to one by one."""
        if alone[first:last].all():
            try:
                together = self._decode_lines(lines.data[lines.start[first] : lines.end[last - 1]])
            except _ERRORS:
                together = []
            if len(together) == last - first:
                found += together
                return
        if last - first > _FEW:
            for few in range(first, last, _FEW):
                self._together(lines, few, min(few + _FEW, last), alone, skip, found, bad)
            return
        for number in range(first, last):
            if number in skip:
                continue
            line = lines[number]
            try:
                found.append(self._decode(line))
            except _ERRORS as error:
                bad[number] = self._reason(error, line) if line.strip() else ""

    def mask(self, raw: bytes, names: frozenset[str], header: bytes | None) -> bytes:
        hidden = [slot.path for slot in self._slots if slot.name in names]
        return mask_json(raw, hidden, [slot.path for slot in self._slots if slot.path not in hidden])

    def _reason(self, error: Exception, line: bytes) -> str:
        if isinstance(error, RecursionError):
            return "the line is nested too deeply; legal: a JSON object of reasonable depth"
        if isinstance(error, UnicodeDecodeError):
            return "the line is not UTF-8; legal: text in UTF-8"
        text = str(error)
        if isinstance(error, msgspec.ValidationError):
            return self._misplaced(text)
        if line.startswith(b"\xef\xbb\xbf"):
            return "the line begins with a byte order mark; legal: a JSON object and nothing before it"
        if "truncated" in text and (lone := _LONE_SURROGATE.search(line)):
            return f"the line holds half of a surrogate pair, `{lone[0].decode()}` at byte {lone.start() + 1}"
        if "truncated" in text:
            return f"the line ends at byte {len(line)} before its JSON does"
        what = text.removeprefix("JSON is malformed: ")
        place = _BYTE.search(what)
        if place is None:
            return f"the line is not JSON: {what}"
        # msgspec counts from 0; people and editors count from 1
        return f"the line is not JSON: {what[: place.start()].rstrip()} at byte {int(place[1]) + 1}"

    def _misplaced(self, text: str) -> str:
        """A reason from `Expected X, got Y - at $.a.b`, with the declared names of what should be there."""
        what, _, place = text.partition(" - at `$")
        path = place.rstrip("`").removeprefix(".")
        what = what.replace(" | null", "")
        inside = [slot for slot in self._slots if path and f"{'.'.join(slot.path)}.".startswith(f"{path}.")]
        if not inside:
            return f"the line is not a JSON object: {what[0].lower()}{what[1:]}"
        names = ", ".join(f"`{slot.name}`" for slot in inside)
        exact = next((slot for slot in inside if ".".join(slot.path) == path), None)
        if exact is not None:
            return f"{exact.label}: {what[0].lower()}{what[1:]}"
        return f"{names} cannot be read: {what[0].lower()}{what[1:]} at {path}"


_BYTE = re.compile(r"\(byte (\d+)\)")
_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-bA-B][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")


# Written out one by one: the interpreter makes each its own fast path, a third faster than one function for all.
_COLUMN_OF: tuple[Callable[[list[Any]], list[Any]], ...] = (
    lambda found: [one.m0 for one in found],
    lambda found: [one.m1 for one in found],
    lambda found: [one.m2 for one in found],
    lambda found: [one.m3 for one in found],
    lambda found: [one.m4 for one in found],
    lambda found: [one.m5 for one in found],
)


def _column_of(place: int) -> Callable[[list[Any]], list[Any]]:
    """What takes the member `place` out of structs."""
    if place < len(_COLUMN_OF):
        return _COLUMN_OF[place]
    get = attrgetter(f"m{place}")
    return lambda found: list(map(get, found))


class _Level:
    """One object of the nesting: a struct type, the slots that are its members, and the levels below."""

    def __init__(self, tree: _Tree) -> None:
        self._below: list[tuple[Any, _Level]] = []
        self._slots: list[tuple[Any, int]] = []
        members: list[tuple[str, Any, Any]] = []
        for place, child in enumerate(tree.values()):
            name = f"m{place}"
            if isinstance(child, int):
                self._slots.append((_column_of(place), child))
                members.append((name, Any, None))
            else:
                level = _Level(child)
                self._below.append((_column_of(place), level))
                members.append((name, level.type | None, None))
        names = {f"m{place}": name for place, name in enumerate(tree)}
        self.type: Any = msgspec.defstruct("Level", members, rename=names, gc=False)
        self._absent = self.type()

    def take(self, found: list[Any], values: list[list[Any]]) -> None:
        """Put the members of all objects at this level, and below, into `values` by slot."""
        try:
            self._take(found, values)
        except AttributeError:  # an object is missing somewhere: all its members are
            self._take([self._absent if one is None else one for one in found], values)

    def _take(self, found: list[Any], values: list[list[Any]]) -> None:
        for get, slot in self._slots:
            values[slot] = get(found)
        for get, level in self._below:
            level.take(get(found), values)


def _level(paths: dict[tuple[str, ...], int]) -> _Level | None:
    """The nesting that `paths` span; None where structs cannot say it (odd names, an object that is also a value)."""
    tree: _Tree = {}
    for path, slot in paths.items():
        if any(not part.isprintable() or '"' in part or "\\" in part for part in path):
            return None
        here = tree
        for part in path[:-1]:
            here = here.setdefault(part, {})
            if isinstance(here, int):
                return None
        if path[-1] in here:
            return None
        here[path[-1]] = slot
    return _Level(tree)


def _walk(value: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        if value is None:
            return None
        if not isinstance(value, dict):
            return [value]  # no type accepts a list: as with structs, a value where an object should be is a mistake
        value = value.get(part)
    return value
