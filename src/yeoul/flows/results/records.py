"""Results as records for machines: what a file of `export` holds in a line, and a topic in a message."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.events import iso
from yeoul.flows.plan import StreamPlan
from yeoul.store import column_of
from yeoul.streams import Entry, Layout, Part

__all__ = [
    "LATE",
    "RANKING",
    "SCHEMA_VERSION",
    "WindowLines",
    "complete_record",
    "finding_record",
    "incident_record",
    "late_record",
    "line",
    "ranking_record",
    "schema_name",
    "select_findings",
    "select_incidents",
]

LATE = "stream, event_us, source, position, reason, row"
"""Columns that `late_record` takes."""
RANKING = "ranking, scope, at_us, place, key, score, count, trend, movement"
"""Columns that `ranking_record` takes."""

SCHEMA_VERSION = 1
"""Of the records; grows when a member changes its meaning or goes. `results.schema.json` describes this one."""
Revisions = Sequence[tuple[int, Part]]


def line(record: dict[str, Any]) -> bytes:
    """One object as a line."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def schema_name(kind: str) -> str:
    """What the header `schema` of a message says.

    >>> schema_name("windows")
    'yeoul.windows/1'
    """
    return f"yeoul.{kind}/{SCHEMA_VERSION}"


class WindowLines:
    """Windows of one stream as lines, keys in the order of their texts."""

    def __init__(self, stream: StreamPlan) -> None:
        spec = stream.spec
        types = {each.name: each.type for each in spec.schema.fields}
        self._layout = Layout.of(spec.aggregates, frozenset(name for name, kind in types.items() if kind == "float"))
        self._stream = spec.name
        self._fields = [(name, types[name] != "str") for name in spec.keys]
        self._texts: list[list[str]] = [[] for _ in spec.keys]
        self._json: list[list[str]] = [[] for _ in spec.keys]
        self._rank: list[NDArray[np.int64]] = [np.zeros(0, np.int64) for _ in spec.keys]
        self._head = f'{{"stream":{json.dumps(spec.name)},'
        names = [json.dumps(each) for each in (*spec.keys, *(each.name for each in spec.aggregates))]
        self._before = [f"{name}:" for name in [*names, '"revision"']]
        self._key = "{" + ",".join(name.replace("%", "%%") + ":%s" for name in names[: len(spec.keys)]) + "}"

    def learn(self, db: sqlite3.Connection) -> None:
        """Take in the texts of keys that came since the last time; a code is never given twice."""
        for number, (name, plain) in enumerate(self._fields):
            texts, as_json = self._texts[number], self._json[number]
            query = "SELECT code, text FROM key WHERE stream = ? AND field = ? AND code >= ? ORDER BY code"
            new = db.execute(query, (self._stream, name, len(texts))).fetchall()
            for code, text in new:
                gone = code - len(texts)  # of keys that are forgotten
                texts += [""] * gone + [text]
                as_json += [""] * gone + [text if plain else json.dumps(text, ensure_ascii=False)]
            if new:
                rank = np.zeros(len(texts), np.int64)
                rank[np.array(sorted(range(len(texts)), key=texts.__getitem__), np.int64)] = np.arange(len(texts))
                self._rank[number] = rank

    def text(self, start_us: int, end_us: int, revisions: Revisions) -> str:
        """The lines of one window."""
        return self._lines(start_us, end_us, self._columns(revisions))

    def records(self, start_us: int, end_us: int, revisions: Revisions) -> list[tuple[str, str, tuple[str, ...]]]:
        """The lines of one window without their ends, each with its key as an object, and the key's parts as JSON."""
        columns, keys = self._columns(revisions), len(self._fields)
        lines = self._lines(start_us, end_us, columns).split("\n")
        parts = [row[:keys] for row in zip(*columns, strict=True)]
        return [(self._key % part, text, part) for part, text in zip(parts, lines, strict=False)]

    def _lines(self, start_us: int, end_us: int, columns: list[list[str]]) -> str:
        """A line a row: all pieces of all lines are joined at once, several times as fast as line by line."""
        first, *rest = self._before
        head = f'{self._head}"window_start":"{iso(start_us)}","window_end":"{iso(end_us)}",{first}'
        before = [head, *(f",{each}" for each in rest)]
        cells = [each for pair in zip(map(repeat, before), columns, strict=True) for each in pair]
        return "".join(chain.from_iterable(zip(*cells, repeat("}\n"), strict=False)))

    def _columns(self, revisions: Revisions) -> list[list[str]]:
        """Texts of keys and values, and the revision; rows in order."""
        parts = [part for _, part in revisions]
        codes = [np.concatenate([part.codes[i] for part in parts]) for i in range(len(self._fields))]
        values = [part.values(self._layout) for part in parts]
        numbers = [np.concatenate(column) for column in zip(*(each.values() for each in values), strict=True)]
        numbers.append(np.repeat([revision for revision, _ in revisions], list(map(len, parts))))
        if codes:
            # lexsort is stable and takes the most significant last: keys first, then revisions as they came
            order = np.lexsort([rank[code] for rank, code in zip(self._rank, codes, strict=True)][::-1])
            codes, numbers = [code[order] for code in codes], [column[order] for column in numbers]
        keys = [list(map(texts.__getitem__, code.tolist())) for texts, code in zip(self._json, codes, strict=True)]
        return keys + list(map(_numbers, numbers))


class _Digits(dict[int, str]):
    """Text of each integer that was asked for; among counts the same few come again and again."""

    def __missing__(self, number: int) -> str:
        text = self[number] = repr(number)
        return text


def _numbers(column: NDArray[Any]) -> list[str]:
    """As JSON writes them; a sum that outgrew its type is null, for JSON has no infinity."""
    if column.dtype.kind == "i":
        return list(map(_Digits().__getitem__, column.tolist()))
    texts = list(map(repr, column.tolist()))
    for index in np.flatnonzero(~np.isfinite(column)).tolist():
        texts[index] = "null"
    return texts


def complete_record(stream: str, entry: Entry, shard: int, *, groups: int, shards: int) -> dict[str, Any]:
    """All groups of a window, of a revision of it, or of a run of windows without rows, are in this shard."""
    return {
        "stream": stream,
        "window_start": iso(entry.start_us),
        "window_end": iso(entry.end_us),
        "kind": entry.kind,
        "revision": entry.revision,
        "groups": groups,
        "full": entry.coverage.full,
        "shard": shard,
        "shards": shards,
    }


def late_record(row: tuple[Any, ...]) -> dict[str, Any]:
    """A row that came too late."""
    stream, event_us, source, position, reason, fields = row
    return {
        "stream": stream,
        "event_time": iso(event_us),
        "source": source,
        "position": position,
        "reason": reason,
        "row": json.loads(fields),
    }


def select_findings(db: sqlite3.Connection) -> str:
    """The statement whose rows `finding_record` takes."""
    muted = column_of(db, "finding", "muted", "''")
    return (
        "SELECT id, block, detector, keys, start_us, observed, expected, lower, upper, p, score, confidence, why, "
        f"{muted} FROM finding"
    )


def finding_record(row: tuple[Any, ...]) -> dict[str, Any]:
    """An alarmed key-window; its keys stand after the detector, and a member of the same name wins over them."""
    id_, block, detector, keys, start_us, *numbers, why, entry = row
    names = ("observed", "expected", "lower", "upper", "p", "score", "confidence")
    first = {"id": id_, "block": block, "detector": detector}
    rest = {
        "window_start": iso(start_us),
        **dict(zip(names, numbers, strict=True)),
        "why": json.loads(why),
        "muted": entry or None,
    }
    own = {name: text for name, text in json.loads(keys).items() if name not in first and name not in rest}
    return first | own | rest


def select_incidents(db: sqlite3.Connection) -> str:
    """The statement whose rows `incident_record` takes."""
    causes = column_of(db, "incident", "causes", "'[]'")
    return (
        "SELECT id, block, keys, detectors, opened_us, closed_us, score, observed, expected, contributors, findings, "
        f"{causes} FROM incident"
    )


def incident_record(row: tuple[Any, ...]) -> dict[str, Any]:
    """Findings that belong together."""
    return {
        "id": row[0],
        "block": row[1],
        "keys": json.loads(row[2]),
        "detectors": json.loads(row[3]),
        "opened_at": iso(row[4]),
        "closed_at": None if row[5] is None else iso(row[5]),
        "score": row[6],
        "observed": row[7],
        "expected": row[8],
        "contributors": json.loads(row[9]),
        "findings": row[10],
        "causes": [_cause(each) for each in json.loads(row[11])],
    }


def _cause(cause: dict[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in cause.items() if name != "since_us"}
    return {**plain, "since": iso(cause["since_us"])}


def ranking_record(row: tuple[Any, ...]) -> dict[str, Any]:
    """A place."""
    ranking, scope, at_us, place, key, score, count, trend, movement = row
    return {
        "ranking": ranking,
        "scope": json.loads(scope),
        "at": iso(at_us),
        "place": place,
        "key": json.loads(key),
        "score": score,
        "count": count,
        "trend": trend,
        "movement": movement,
    }
