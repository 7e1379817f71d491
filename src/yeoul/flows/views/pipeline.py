"""What pages show of what was set aside and what happened: quarantine, notices."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from yeoul.ingest.quarantine import Quarantine

__all__ = ["QuarantineView", "notices"]

_SAMPLES = 20
_PREVIEW = 500
_REASONS = 50
_NOTICES = 50
_PAUSE_OVER_SCAN = 20
"""A scan of the quarantine takes at most one part in so many of the time."""


class QuarantineView:
    """Counts by reason and newest lines of each stream; counting reads everything kept, so it is done seldom."""

    def __init__(self) -> None:
        self._counted: dict[str, tuple[float, int, dict[str, Any]]] = {}

    def of(self, db: sqlite3.Connection, stream: str) -> dict[str, Any]:
        """The quarantine of a stream."""
        newest = db.execute("SELECT coalesce(max(id), 0) FROM quarantine").fetchone()[0]
        again_s, seen, counts = self._counted.get(stream, (0.0, -1, {}))
        now_s = time.monotonic()
        if now_s >= again_s:
            counts = _count(db, stream)
            took_s = time.monotonic() - now_s
            self._counted[stream] = (now_s + max(1.0, _PAUSE_OVER_SCAN * took_s), newest, counts)
        elif newest != seen:
            counts = {**counts, "samples": _samples(db, stream)}
            self._counted[stream] = (again_s, newest, counts)
        return counts


def _count(db: sqlite3.Connection, stream: str) -> dict[str, Any]:
    kept = Quarantine(db)
    tally = kept.tally(stream)
    return {
        "rows": tally.rows,
        "bytes": tally.bytes,
        "dropped_rows": kept.dropped(stream).rows,
        "reasons": dict(list(kept.reasons(stream).items())[:_REASONS]),
        "samples": _samples(db, stream),
    }


def _samples(db: sqlite3.Connection, stream: str) -> list[dict[str, Any]]:
    return [
        {
            "id": item.id,
            "kind": item.kind,
            "reason": item.reason,
            "source": item.source,
            "position": item.position,
            # a character may take four bytes; what is cut in the middle of one shows as a replacement
            "preview": item.raw[: 4 * _PREVIEW].decode(errors="replace")[:_PREVIEW],
            "size_bytes": item.size_bytes,
            "at_us": item.at_us,
        }
        for item in Quarantine(db).find(stream=stream, limit=_SAMPLES)
    ]


def notices(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """What happened to sources lately, newest first."""
    members = ("id", "at_us", "stream", "kind", "source", "detail")
    rows = db.execute(f"SELECT {', '.join(members)} FROM notice ORDER BY id DESC LIMIT ?", (_NOTICES,))
    return [dict(zip(members, row, strict=True)) for row in rows]
