"""Streams as pages show them: rates and clocks of the running engine, totals and throughput from the state."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from yeoul.events.ledger import Ledger
from yeoul.flows.views.live import Live, LiveStream

__all__ = ["kept_splits", "running_splits", "streams", "window_us"]

_PULSE_US = 3_600_000_000
_PULSE_WINDOWS = 720
_LEDGER = ("read", "counted", "late", "future", "invalid", "duplicate", "filtered", "bytes")
_OF_ENGINE = (
    *("rate_eps", "bytes_per_s", "watermark_us", "newest_us", "lag_s"),
    *("backlog_bytes", "backlog_messages", "open_windows", "keys"),
)


def _stream_names(db: sqlite3.Connection | None, live: Live | None) -> list[str]:
    """All streams that are known."""
    found = set(live.streams) if live is not None else set()
    if db is not None:
        found |= {row[0] for row in db.execute("SELECT name FROM stream")}
        found |= {row[0] for row in db.execute("SELECT DISTINCT stream FROM ledger")}
    return sorted(found)


def streams(db: sqlite3.Connection | None, live: Live | None) -> dict[str, dict[str, Any]]:
    """Every stream at a glance."""
    return {name: _stream(db, name, live.streams.get(name) if live else None) for name in _stream_names(db, live)}


def _stream(db: sqlite3.Connection | None, name: str, running: LiveStream | None) -> dict[str, Any]:
    found: dict[str, Any] = {member: getattr(running, member) if running else None for member in _OF_ENGINE}
    found["partial"] = None
    found["ledger"] = Ledger().as_dict()
    found["pulse"] = {"width_us": None, "start_us": [], "rows": [], "keys": [], "full": []}
    if db is not None:
        found["pulse"] = _pulse(db, name)
        found["ledger"] = _total(db, name)
        if running is None:
            found["watermark_us"] = _watermark(db, name)
    if running is not None:
        if running.partial is not None:
            found["partial"] = {"start_us": running.partial.start_us, "rows": running.partial.rows}
        if running.ledger:
            found["ledger"] = {**found["ledger"], **running.ledger}
    return found


def _total(db: sqlite3.Connection, stream: str) -> dict[str, int]:
    sums = ", ".join(f"coalesce(sum({member}), 0)" for member in _LEDGER)
    row = db.execute(f"SELECT {sums} FROM ledger WHERE stream = ?", (stream,)).fetchone()
    return dict(zip(_LEDGER, row, strict=True))


def _watermark(db: sqlite3.Connection, stream: str) -> int | None:
    """Where a stopped stream stands: the end of its newest closed window."""
    row = db.execute("SELECT start_us FROM pulse WHERE stream = ? ORDER BY start_us DESC LIMIT 1", (stream,)).fetchone()
    if row is None:
        return None
    width_us = _width(db, stream)
    return int(row[0]) + (width_us or 0)


def _width(db: sqlite3.Connection, stream: str) -> int | None:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (f"stream:{stream}",)).fetchone()
    window = json.loads(row[0]).get("window") if row else None
    return int(window[0]) if window else None


def window_us(db: sqlite3.Connection) -> int:
    """The longest window of any stream; 0 when there is none."""
    return max((_width(db, stream) or 0 for stream in _stream_names(db, None)), default=0)


def _pulse(db: sqlite3.Connection, stream: str) -> dict[str, Any]:
    rows = db.execute(
        "SELECT start_us, rows, keys, full FROM pulse WHERE stream = ? "
        "AND start_us > (SELECT max(start_us) FROM pulse WHERE stream = ?) - ? ORDER BY start_us DESC LIMIT ?",
        (stream, stream, _PULSE_US, _PULSE_WINDOWS),
    ).fetchall()[::-1]
    return {
        "width_us": _width(db, stream),
        "start_us": [row[0] for row in rows],
        "rows": [row[1] for row in rows],
        "keys": [row[2] for row in rows],
        "full": [bool(row[3]) for row in rows],
    }


def running_splits(running: LiveStream) -> dict[str, dict[str, Any]]:
    """The splits that the engine reads."""
    return {
        each.name: {
            "status": each.status,
            "source": each.source or each.name,
            "offset": each.offset,
            "front_us": each.front_us,
            "watermark_us": each.watermark_us,
            "backlog_bytes": each.backlog_bytes,
            "backlog_messages": each.backlog_messages,
            "lag_s": each.lag_s,
            "ledger": {**Ledger().as_dict(), **each.ledger},
        }
        for each in running.splits
    }


def kept_splits(db: sqlite3.Connection, stream: str) -> dict[str, dict[str, Any]]:
    """The splits that a stopped engine read."""
    sql = f"SELECT name, {', '.join(_LEDGER)} FROM split LEFT JOIN ledger ON ledger.stream = split.stream "
    rows = db.execute(f"{sql} AND ledger.split = split.name WHERE split.stream = ? ORDER BY name", (stream,))
    return {
        row[0]: {
            "status": "stopped",
            "source": row[0],
            "ledger": {member: value or 0 for member, value in zip(_LEDGER, row[1:], strict=True)},
        }
        for row in rows
    }
