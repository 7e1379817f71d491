"""JSON lines: only the declared members are made into Python values, all the rest is checked and passed over."""

from __future__ import annotations

import json
import re
from operator import attrgetter
from typing import Any

import msgspec

from yeoul.events import RowSchema
from yeoul.ingest.decode.contract import Members, slots

__all__ = ["JsonReader"]

_Tree = dict[str, Any]
"""Members by name; an int is the slot that is wanted there, a dict goes deeper."""


class JsonReader:
    """Takes members out of one JSON object a line, at any depth.

    msgspec reads each line into structs generated from the paths. It validates the syntax of the whole line, so a line
    that is not JSON is never a row, whatever is declared; of names that occur twice the last one counts. One call a
    line, driven from C, was measured against whole blocks and other parsers: `benchmarks/decode`.
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

    def read(self, lines: list[bytes], header: bytes | None) -> Members:
        found: list[Any] = []
        bad: dict[int, str] = {}
        rest = map(self._decode, lines)
        while True:
            # what stood before the line that fails is in the list already, and the map goes on behind it
            try:
                found.extend(rest)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                number = len(found) + len(bad)
                bad[number] = self._reason(error, lines[number]) if lines[number].strip() else ""
            else:
                break
        values: list[list[Any]] = [[] for _ in self._slots]
        if self._level:
            self._level.take(found, values)
        else:
            for number, slot in enumerate(self._slots):
                values[number] = [_walk(one, slot.path) for one in found]
        return Members([values[source] for source in self._source], bad)

    def mask(self, raw: bytes, names: frozenset[str], header: bytes | None) -> bytes:
        paths = [slot.path for slot in self._slots if slot.name in names]
        try:
            whole = json.loads(raw)
        except (ValueError, RecursionError):
            return _mask_text(raw, [path[-1] for path in paths])
        for path in paths:
            _mask_member(whole, path)
        # names that occur twice keep their last value only, so nothing that was hidden can show up again
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")

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


class _Level:
    """One object of the nesting: a struct type, the slots that are its members, and the levels below."""

    def __init__(self, tree: _Tree) -> None:
        self._below: list[tuple[Any, _Level]] = []
        self._slots: list[tuple[Any, int]] = []
        members: list[tuple[str, Any, Any]] = []
        for place, child in enumerate(tree.values()):
            name = f"m{place}"
            if isinstance(child, int):
                self._slots.append((attrgetter(name), child))
                members.append((name, Any, None))
            else:
                level = _Level(child)
                self._below.append((attrgetter(name), level))
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
            values[slot] = list(map(get, found))
        for get, level in self._below:
            level.take(list(map(get, found)), values)


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


def _mask_member(value: Any, path: tuple[str, ...]) -> None:
    for part in path[:-1]:
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, dict) and path[-1] in value:
        value[path[-1]] = "***"


def _mask_text(raw: bytes, names: list[str]) -> bytes:
    """Mask what looks like the member in a line that cannot be parsed: a text, number or word, whole or broken off."""
    for name in names:
        key = re.escape(json.dumps(name, ensure_ascii=False).encode())
        raw = re.sub(key + rb'(\s*:\s*)(?:"(?:[^"\\]|\\.)*+"?|[^\s,}\]"]+)', _masked(name), raw)
    return raw


def _masked(name: str) -> Any:
    key = json.dumps(name, ensure_ascii=False).encode()
    return lambda found: key + found[1] + b'"***"'
