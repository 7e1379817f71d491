"""What sinks of results have to send: which results changed, in the order of their commits, and what they say now."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from yeoul.flows.archived import archived
from yeoul.flows.plan import Plan
from yeoul.flows.results.records import (
    LATE,
    RANKING,
    WindowLines,
    complete_record,
    finding_record,
    incident_record,
    late_record,
    line,
    ranking_record,
    select_findings,
    select_incidents,
)
from yeoul.flows.results.shards import Shards
from yeoul.store import State
from yeoul.streams import Entry
from yeoul.streams.log import COLUMNS, decode

__all__ = [
    "COMPLETE",
    "KINDS",
    "LIVE",
    "Outgoing",
    "Record",
    "book",
    "follow",
    "newest",
    "overflowing",
    "trim",
    "unsent",
]

KINDS = ("windows", "late", "findings", "incidents", "rankings")
"""Kinds of results, called as the files of `export` are."""
LIVE = "live"
"""Windows that are still open: what they hold now, soon to be replaced."""

COMPLETE = "complete"
"""Says in each shard of a topic of windows that all groups of a window are there."""

_CHANGES = 1000
_RECORDS = 10_000
_MOST_ROWS = 2_000_000
"""Of changes that wait for a sink; beyond it the oldest go..."""
_TRIM_SHARE = 0.1
"""...so much of them at once, so that people are told once of many."""

_TRIGGERS = {
    "log": ("INSERT", "NEW.kind IN ('window', 'empty')", "'windows', NEW.stream, NEW.seq"),
    "late": ("INSERT", "1", "'late', NEW.stream, NEW.id"),
    "finding": ("INSERT", "1", "'findings', NEW.id, 0"),
    "incident": ("INSERT", "1", "'incidents', NEW.id, 0"),
    # one that was merged into another; those that closed long ago and are cleared away are no change
    "incident_gone": ("DELETE", "OLD.closed_us IS NULL", "'incidents', OLD.id, 0"),
    "ranking": ("INSERT", "NEW.at_us > 0 AND NEW.place = 1 AND NEW.scope = '{}'", "'rankings', NEW.ranking, NEW.at_us"),
}


@dataclass(frozen=True, slots=True)
class Record:
    """One result as it goes out."""

    kind: str
    """One of `KINDS`, `LIVE` or `COMPLETE`."""
    key: bytes
    value: bytes | None
    """A line of the file of that name, without its end; None: it is no more (an incident merged into another)."""
    id: str
    """16 hexadecimal digits, a function of the result: a repeat has the same."""
    partition: int = -1
    """Where it has to go; -1: by its key."""


def follow(state: State, plan: Plan) -> None:
    """Note every change from now on, in the transaction that makes it, when there is a sink for it.

    A sink that the plan does not have any more is forgotten; one that is new begins here.
    """
    names = {f"sink.{sink.name}" for sink in plan.result_sinks}
    with state.transaction() as db:
        for name, (when, only, what) in _TRIGGERS.items():
            db.execute(f"DROP TRIGGER IF EXISTS temp.outgoing_{name}")
            if names:
                table = name.partition("_")[0]
                db.execute(
                    f"CREATE TEMP TRIGGER outgoing_{name} AFTER {when} ON main.{table} WHEN {only} "
                    f"BEGIN INSERT INTO outgoing (kind, name, number) VALUES ({what}); END"
                )
        for (key,) in db.execute("SELECT key FROM meta WHERE key LIKE 'sink.%'").fetchall():
            if key not in names:
                db.execute("DELETE FROM meta WHERE key = ?", (key,))
        if not names:
            db.execute("DELETE FROM outgoing")
        for key in names:
            if state.meta(key) is None:
                state.set_meta(key, str(newest(db)))


def newest(db: sqlite3.Connection) -> int:
    """Number of the newest change ever noted."""
    found = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outgoing'").fetchone()
    return int(found[0]) if found else 0


def book(state: State, sink: str, sent: int) -> None:
    """Note up to which change a sink has sent, and drop what all have (inside a transaction)."""
    state.set_meta(f"sink.{sink}", str(sent))
    least = state.db.execute("SELECT min(CAST(value AS INTEGER)) FROM meta WHERE key LIKE 'sink.%'").fetchone()[0]
    trim(state, least)


def overflowing(state: State) -> int:
    """Up to which change the oldest have to go since too many wait; 0: none."""
    last = newest(state.db)
    too_many = state.db.execute("SELECT 1 FROM outgoing WHERE id <= ? LIMIT 1", (last - _MOST_ROWS,)).fetchone()
    return last - round(_MOST_ROWS * (1 - _TRIM_SHARE)) if too_many else 0


def unsent(state: State, sent: int, until: int) -> dict[str, int]:
    """How many changes of each kind a sink that came to `sent` has not sent up to another one."""
    query = "SELECT kind, count(*) FROM outgoing WHERE id > ? AND id <= ? GROUP BY kind ORDER BY kind"
    return dict(state.db.execute(query, (sent, until)).fetchall())


def trim(state: State, until: int) -> None:
    """Drop what waits up to a change, sent or not (inside a transaction)."""
    state.db.execute("DELETE FROM outgoing WHERE id <= ?", (until,))


class Outgoing:
    """Reads changes and makes records of them, beside the engine.

    Args:
        state: the engine's, or one for a reader.
        plan: for names and types of what windows hold.
        kinds: of these only.
        shards: of the windows; None: by their keys.
    """

    def __init__(self, state: State, plan: Plan, kinds: frozenset[str], shards: Shards | None = None) -> None:
        self._state = state
        self._kinds = kinds
        self._shards = shards
        self._lines = {each.spec.name: WindowLines(each) for each in plan.streams}
        self._live: dict[str, dict[tuple[int, str], str]] = {}
        self._file: tuple[str, dict[int, tuple[Any, ...]]] = ("", {})

    def after(self, number: int) -> tuple[int, list[Record]]:
        """A batch of what changed behind a change's number: its last change, and records in order; that number: none.

        Complexity: memory is bounded by about 10,000 records, or one window.
        """
        db = self._state.db
        found: list[Record] = []
        db.execute("BEGIN")  # one moment of the state: what a change says is what it said then
        try:
            query = "SELECT id, kind, name, number FROM outgoing WHERE id > ? ORDER BY id LIMIT ?"
            for id_, kind, name, of in db.execute(query, (number, _CHANGES)).fetchall():
                if kind in self._kinds:
                    found += self._records(id_, kind, name, of)
                number = id_
                if len(found) >= _RECORDS:
                    break
        finally:
            db.execute("ROLLBACK")
        return number, found

    def _records(self, change: int, kind: str, name: str, number: int) -> Iterator[Record]:
        db = self._state.db
        match kind:
            case "windows":
                yield from self._windows(name, number)
            case "late":
                for row in db.execute(f"SELECT {LATE} FROM late WHERE id = ?", (number,)).fetchall():
                    value = line(late_record(row))[:-1]
                    yield Record(kind, row[0].encode(), value, _digest(kind, value.decode()))
            case "findings":
                for row in db.execute(f"{select_findings(db)} WHERE id = ?", (name,)).fetchall():
                    record = finding_record(row)
                    yield Record(kind, record["id"].encode(), line(record)[:-1], record["id"])
            case "incidents":
                later = "SELECT 1 FROM outgoing WHERE kind = ? AND name = ? AND id > ?"
                if db.execute(later, (kind, name, change)).fetchone():
                    return  # that one says what it has become
                row = db.execute(f"{select_incidents(db)} WHERE id = ?", (name,)).fetchone()
                known = None if row is None else line(incident_record(row))[:-1]
                yield Record(kind, name.encode(), known, _digest(kind, name, str(change), str(known)))
            case "rankings":
                query = f"SELECT {RANKING} FROM ranking WHERE ranking = ? AND at_us = ? ORDER BY scope, place"
                for row in db.execute(query, (name, number)).fetchall():
                    record = ranking_record(row)
                    key = json.dumps([name, record["scope"]], ensure_ascii=False, separators=(",", ":"))
                    id_ = _digest(kind, key, record["at"], str(record["place"]))
                    yield Record(kind, key.encode(), line(record)[:-1], id_)

    def live(self, stream: str, entries: list[Entry]) -> list[Record]:
        """Windows that are still open; those groups that are not as they were when this was asked last."""
        lines, before = self._lines[stream], self._live.get(stream, {})
        lines.learn(self._state.db)
        found, seen = [], {}
        for entry in entries:
            if entry.part is not None:
                for key, text, _ in lines.records(entry.start_us, entry.end_us, [(0, entry.part)]):
                    text = text.removesuffix('"revision":0}') + '"partial":true}'  # noqa: PLW2901 - it is the same line
                    seen[entry.start_us, key] = text
                    if before.get((entry.start_us, key)) != text:
                        found.append(Record("live", key.encode(), text.encode(), _digest("live", text)))
        self._live[stream] = seen
        return found

    def _windows(self, stream: str, seq: int) -> Iterator[Record]:
        entry, lines, shards = self._entry(stream, seq), self._lines.get(stream), self._shards
        if entry is None or lines is None:  # past retention
            return
        window = f"{entry.start_us}/{entry.end_us}"
        groups = [0] * (shards.number if shards else 0)
        if entry.part is not None:
            lines.learn(self._state.db)
            revision = str(entry.revision)
            for key, text, parts in lines.records(entry.start_us, entry.end_us, [(entry.revision, entry.part)]):
                shard = -1
                if shards is not None:
                    shard = shards.of(stream, parts)
                    groups[shard] += 1
                yield Record(
                    "windows", key.encode(), text.encode(), _digest("windows", stream, window, key, revision), shard
                )
        if shards is not None:
            for shard, count in enumerate(groups):
                value = line(complete_record(stream, entry, shard, groups=count, shards=shards.number))[:-1]
                id_ = _digest(COMPLETE, value.decode())
                yield Record(COMPLETE, json.dumps([COMPLETE, stream]).encode(), value, id_, shard)

    def _entry(self, stream: str, seq: int) -> Entry | None:
        """An entry of the results log, from a file too."""
        db = self._state.db
        row = db.execute(f"SELECT {COLUMNS} FROM log WHERE seq = ?", (seq,)).fetchone()
        if row is None:
            query = "SELECT path FROM archive WHERE stream = ? AND first_seq <= ? AND last_seq >= ?"
            for (path,) in db.execute(query, (stream, seq, seq)).fetchall():
                if self._file[0] != path:
                    self._file = (path, {each[0]: each for each in archived(self._state, path)})
                row = self._file[1].get(seq, row)
        return None if row is None else decode(row)[1]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]
