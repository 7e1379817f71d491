"""A stream's state in the state file: what changed goes into one transaction of the caller; loading undoes a crash."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict
from typing import Any

from yeoul.events import Ledger
from yeoul.store import pack, unpack
from yeoul.streams.classify import HeldRow
from yeoul.streams.front import Held
from yeoul.streams.parts import Part
from yeoul.streams.splits import SplitClock
from yeoul.streams.stream import LocalStream

__all__ = ["Checkpoint"]


class Checkpoint:
    """Saves and loads one stream. `save` writes what changed since the last `save` or `load`."""

    def __init__(self, stream: LocalStream) -> None:
        self.stream = stream
        self.name = stream.spec.name
        self._number = 0
        self._saved: dict[str, tuple[Any, ...]] = {}

    def load(self, db: sqlite3.Connection) -> dict[str, dict[str, Any]] | None:
        """Bring the stream to the last checkpoint; the positions of its splits by name, None when there is none."""
        positions = {}
        for name, position, clock, held in db.execute(
            "SELECT name, position, clock, held FROM split WHERE stream = ?", (self.name,)
        ):
            positions[name] = json.loads(position)
            self._load_clock(self.stream.open(name, joined=False), json.loads(clock), unpack(held))
        columns = list(asdict(Ledger()))
        for row in db.execute(f"SELECT split, {', '.join(columns)} FROM ledger WHERE stream = ?", (self.name,)):
            self.stream.ledger[row[0]] = Ledger(*row[1:])
        found = db.execute("SELECT state FROM stream WHERE name = ?", (self.name,)).fetchone()
        if found:
            state = json.loads(found[0])
            self.stream.clocks.combined_us = state["combined_us"]
            self.stream.windows.closed = state["closed"]
            self._number = state["number"]
            for name, table in self.stream.keys.items():
                pairs = db.execute("SELECT code, text FROM key WHERE stream = ? AND field = ?", (self.name, name))
                table.restore(pairs, state["next_code"][name])
        for (block,) in db.execute("SELECT block FROM part WHERE stream = ? ORDER BY abs(seq)", (self.name,)):
            kept = unpack(block)
            self.stream.windows.put(
                kept["kind"], kept["number"], kept["missed"], Part.from_members(kept["part"]), fresh=False
            )
        for until, block in db.execute("SELECT until_us, block FROM event_id WHERE stream = ?", (self.name,)):
            self.stream.ids.restore(until, unpack(block))
        return positions if found else None

    def save(self, db: sqlite3.Connection, positions: dict[str, dict[str, Any]]) -> None:
        """Write what changed (inside a transaction); `positions` of the splits whose reader moved."""
        self._number += 1
        self._save_splits(db, positions)
        self._save_keys(db)
        self._save_parts(db)
        self._save_ids(db)
        state = {
            "combined_us": self.stream.clocks.combined_us,
            "closed": self.stream.windows.closed,
            "number": self._number,
            "next_code": {name: table.next_code for name, table in self.stream.keys.items()},
        }
        db.execute("INSERT OR REPLACE INTO stream VALUES (?, ?)", (self.name, json.dumps(state)))

    def forget_split(self, db: sqlite3.Connection, name: str) -> None:
        """A split whose files are gone and read: its position goes, its ledger stays."""
        db.execute("DELETE FROM split WHERE stream = ? AND name = ?", (self.name, name))
        self._saved.pop(name, None)

    def _save_splits(self, db: sqlite3.Connection, positions: dict[str, dict[str, Any]]) -> None:
        for name, clock in self.stream.clocks.splits.items():
            book = self.stream.ledger[name]
            # held rows change only with the ledger, the front or the position
            mark = (clock.front.at_us, clock.floor_us, clock.joined, len(clock.front.held), *asdict(book).values())
            if name not in positions and self._saved.get(name) == mark:
                continue
            self._saved[name] = mark
            held = [_held_members(waiting) for waiting in clock.front.held]
            facts = {"front_us": clock.front.at_us, "floor_us": clock.floor_us, "joined": clock.joined}
            position = json.dumps(positions[name]) if name in positions else None
            db.execute(
                "INSERT INTO split VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "position = coalesce(?, position), clock = excluded.clock, held = excluded.held",
                (self.name, name, position or "{}", json.dumps(facts), pack(held), position),
            )
            db.execute(
                "INSERT OR REPLACE INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (self.name, name, *asdict(book).values()),
            )

    def _save_keys(self, db: sqlite3.Connection) -> None:
        for name, table in self.stream.keys.items():
            rows = [(self.name, name, code, text) for code, text in table.take_new()]
            db.executemany("INSERT INTO key VALUES (?, ?, ?, ?)", rows)

    def _save_parts(self, db: sqlite3.Connection) -> None:
        windows = self.stream.windows
        if windows.closed is not None:
            gone = (windows.closed - windows.per_row) * windows.slide_us
            db.execute("DELETE FROM part WHERE stream = ? AND seq > 0 AND window_us <= ?", (self.name, gone))
        for number in windows.published:
            at = (self.name, number * windows.slide_us)
            db.execute("DELETE FROM part WHERE stream = ? AND seq < 0 AND window_us = ?", at)
        windows.published = set()
        for place, (kind, number, missed, part) in enumerate(windows.take_fresh()):
            seq = (self._number << 20) + place + 1
            members = {"kind": kind, "number": number, "missed": missed, "part": part.as_members()}
            row = (self.name, number * windows.slide_us, -seq if kind == "revised" else seq, pack(members))
            db.execute("INSERT INTO part VALUES (?, ?, ?, ?)", row)

    def _save_ids(self, db: sqlite3.Connection) -> None:
        if self.stream.spec.schema.event_id is None:
            return
        combined = self.stream.clocks.combined_us
        db.execute("DELETE FROM event_id WHERE stream = ? AND until_us <= ?", (self.name, combined))
        rows = [(self.name, until, self._number, pack(ids)) for until, ids in self.stream.ids.take_new().items()]
        db.executemany("INSERT INTO event_id VALUES (?, ?, ?, ?)", rows)

    def _load_clock(self, clock: SplitClock, facts: dict[str, Any], held: list[dict[str, Any]]) -> None:
        clock.front.at_us = facts["front_us"]
        clock.floor_us = facts["floor_us"]
        clock.joined = facts["joined"]
        clock.front.held = [
            Held(each["at_us"], each["key"], HeldRow(**each["row"]) if each["row"] else None) for each in held
        ]


def _held_members(waiting: Held) -> dict[str, Any]:
    row = waiting.row
    members = None if row is None else {name: getattr(row, name) for name in HeldRow.__slots__}
    return {"at_us": waiting.at_us, "key": waiting.key, "row": members}
