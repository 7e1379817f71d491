"""The results log in the state file: appending entries and reading them back, archived ones too."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from yeoul.store import pack, unpack
from yeoul.streams.entries import Coverage, Entry
from yeoul.streams.parts import Part

__all__ = ["COLUMNS", "Archive", "append", "decode", "history", "read"]

COLUMNS = "seq, stream, kind, start_us, end_us, revision, full, coverage, rows, block"
"""Of table `log`, and of an archived file, in this order."""

Archive = Callable[[str], Iterable[tuple[Any, ...]]]
"""Gives the rows (as COLUMNS) of an archived file by its path."""


def append(db: sqlite3.Connection, stream: str, entries: Iterable[Entry]) -> None:
    """Write entries that have their sequence numbers (inside a transaction)."""
    db.executemany(
        f"INSERT INTO log ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                entry.seq,
                stream,
                entry.kind,
                entry.start_us,
                entry.end_us,
                entry.revision,
                int(entry.coverage.full),
                json.dumps({"expected": entry.coverage.expected, "missing": list(entry.coverage.missing)}),
                entry.rows,
                _block(entry),
            )
            for entry in entries
        ],
    )


def _block(entry: Entry) -> bytes | None:
    members: dict[str, Any] = {}
    if entry.part is not None:
        members["part"] = entry.part.as_members()
    if entry.change is not None:
        members["change"] = entry.change.as_members()
    if entry.note:
        members["note"] = entry.note
    return pack(members) if members else None


def decode(row: tuple[Any, ...]) -> tuple[str, Entry]:
    """Stream and entry of a row as COLUMNS.

    Raises:
        StateError: the block is damaged.
    """
    seq, stream, kind, start_us, end_us, revision, _, coverage, _, block = row
    members = unpack(block) if block else {}
    facts = json.loads(coverage)
    parts = {name: Part.from_members(members[name]) for name in ("part", "change") if name in members}
    covered = Coverage(facts["expected"], tuple(facts["missing"]))
    entry = Entry(kind, start_us, end_us, revision, covered, **parts, note=members.get("note", ""), seq=seq)
    return stream, entry


def read(db: sqlite3.Connection, archive: Archive, *, after: int = 0, stream: str | None = None) -> Iterator[Entry]:
    """Entries with a sequence number above `after`, in order; archived ones first."""
    clause, values = ("AND stream = ?", [stream]) if stream else ("", [])
    files = f"SELECT path FROM archive WHERE last_seq > ? {clause} ORDER BY first_seq, stream"
    for (path,) in db.execute(files, [after, *values]).fetchall():
        for row in archive(path):
            if row[0] > after and (stream is None or row[1] == stream):
                yield decode(row)[1]
    for row in db.execute(f"SELECT {COLUMNS} FROM log WHERE seq > ? {clause} ORDER BY seq", [after, *values]):
        yield decode(row)[1]


def history(db: sqlite3.Connection, archive: Archive, stream: str, start_us: int, end_us: int) -> list[Entry]:
    """All entries of one closed window, oldest revision first."""
    found = []
    files = "SELECT path FROM archive WHERE stream = ? AND start_us <= ? AND end_us >= ? ORDER BY first_seq"
    for (path,) in db.execute(files, (stream, start_us, end_us)).fetchall():
        found += [row for row in archive(path) if (row[2], row[3], row[4]) == ("window", start_us, end_us)]
    here = (
        f"SELECT {COLUMNS} FROM log WHERE stream = ? AND start_us = ? AND end_us = ? AND kind = 'window' ORDER BY seq"
    )
    found += db.execute(here, (stream, start_us, end_us)).fetchall()
    return [decode(row)[1] for row in found]
