"""What keeps the state bounded: old log entries move to Parquet, what is past retention goes."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path
from typing import Any

from yeoul.events import iso
from yeoul.flows.engine import Engine
from yeoul.lake.archive import write_entries
from yeoul.streams.log import COLUMNS

__all__ = ["Housekeeping"]

_EVERY_US = 60_000_000
_WEIGH_EVERY_US = 2_000_000
_KEEP_HOT_US = 2 * 3_600_000_000
"""Entries younger than this stay in the state file, where pages and contributors find them quickly."""
_WINDOWS = {"window", "empty"}
_FEWEST = 200
_FILE_BYTES = 64 << 20
"""A file of fewer entries or more bytes is not made."""
_MOST_LATE = 1_000_000
_MOST_NOTICES = 100_000
_KEEP_INCIDENTS_US = 90 * 86_400 * 1_000_000
_LINGER_US = 3_600_000_000
"""So long a file stays after its entries are past retention: an export that began before may still read it."""


class Housekeeping:
    """Runs a short step now and then between two checkpoints."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._last_us = self._weighed_us = engine.clock.monotonic_us()
        self._log_bytes = 0
        self._swept = False
        self._expired: list[tuple[int, Path]] = []
        """Files to remove, and when."""

    @property
    def over_cap(self) -> bool:
        """Whether the log is too large although all that may move has moved: nothing more is read then."""
        return self._log_bytes > self._engine.plan.engine.log_cap_bytes

    def causes(self) -> list[dict[str, Any]]:
        """What is wrong, for the health of the engine."""
        params = {"bytes": self._log_bytes, "cap_bytes": self._engine.plan.engine.log_cap_bytes}
        return [{"level": "red", "code": "log_full", "params": params}] if self.over_cap else []

    def look(self) -> None:
        """Do what is due."""
        now = self._engine.clock.monotonic_us()
        if not self._swept:
            self._swept = True
            self._sweep()
        if now - self._weighed_us >= _WEIGH_EVERY_US:
            self._weighed_us = now
            self._keep_below_cap()
        if now - self._last_us < _EVERY_US:
            return
        self._last_us = now
        for name, feed in self._engine.feeds.items():
            watermark = feed.stream.clocks.combined_us
            self._archive(name, watermark - _KEEP_HOT_US, fewest=_FEWEST)
            self._expire(name, watermark - feed.spec.retention_us)
        self._trim()
        for due_us, path in self._expired:
            if due_us <= now:
                path.unlink(missing_ok=True)
        self._expired = [each for each in self._expired if each[0] > now]

    def _sweep(self) -> None:
        """Remove the files that a crash left: half written, whole but not booked, or past retention.

        Others that nothing refers to are somebody's: they are what is left when a state was lost.
        """
        state = self._engine.state
        booked = {state.folder / path for (path,) in state.db.execute("SELECT path FROM archive")}
        for name, feed in self._engine.feeds.items():
            before = _time_name(feed.stream.clocks.combined_us - feed.spec.retention_us)
            for path in (state.folder / "history" / name).glob("*"):
                time, _, seq = path.stem.rpartition("-")
                whole = path.suffix == ".parquet" and path not in booked
                if path.name.endswith(".parquet.tmp") or (whole and (time <= before or self._in_log(seq))):
                    path.unlink(missing_ok=True)

    def _in_log(self, seq: str) -> bool:
        """Whether an entry is still where it was before it was to move to a file."""
        found = self._engine.state.db.execute("SELECT 1 FROM log WHERE seq = CAST(? AS INTEGER)", (seq,))
        return found.fetchone() is not None

    def _keep_below_cap(self) -> None:
        """Move all that its consumers have read when the log has reached its cap."""
        self._log_bytes = self._weigh()
        if not self.over_cap:
            return
        self._engine.commit(force=True)  # with snapshots: then the consumers have read all there is
        for name in self._engine.feeds:
            while self._archive(name, self._engine.feeds[name].stream.clocks.combined_us, fewest=1):
                pass
        self._log_bytes = self._weigh()

    def _weigh(self) -> int:
        return int(self._engine.state.db.execute("SELECT coalesce(sum(length(block)), 0) FROM log").fetchone()[0])

    def _covered(self, stream: str) -> int:
        """Sequence number up to which the snapshots of all consumers of a stream reach."""
        names = {consumer.name for consumer in self._engine.consumers if consumer.stream == stream}
        kept = dict(self._engine.state.db.execute("SELECT name, seq FROM consumer").fetchall())
        return min((kept.get(name, 0) for name in names), default=self._engine.seq)

    def _archive(self, stream: str, before_us: int, fewest: int) -> int:
        """Move entries that every consumer's snapshot covers, an hour's worth at a time; how many."""
        state = self._engine.state
        covered = self._covered(stream)
        rows = state.db.execute(
            f"SELECT {COLUMNS} FROM log WHERE stream = ? AND seq <= ? AND end_us <= ? ORDER BY seq LIMIT 5000",
            (stream, covered, before_us),
        ).fetchall()
        sizes = accumulate(len(row[9] or b"") for row in rows)
        rows = [row for row, size in zip(rows, sizes, strict=True) if size <= _FILE_BYTES] or rows[:1]
        if len(rows) < fewest and sum(len(row[9] or b"") for row in rows) < _FILE_BYTES // 2:
            return 0
        windows = [row for row in rows if row[2] in _WINDOWS] or rows  # a note may be of no time
        starts, ends = min(row[3] for row in windows), max(row[4] for row in windows)
        path = f"history/{stream}/{_time_name(starts)}-{rows[0][0]}.parquet"
        target = state.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        crc = write_entries(target, rows)
        with state.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO archive VALUES (?, ?, ?, ?, ?, ?, ?)",
                (path, stream, rows[0][0], rows[-1][0], starts, ends, crc),
            )
            db.executemany("DELETE FROM log WHERE seq = ?", [(row[0],) for row in rows])
        return len(rows)

    def _expire(self, stream: str, before_us: int) -> None:
        state = self._engine.state
        gone = state.db.execute(
            "SELECT path FROM archive WHERE stream = ? AND end_us <= ?", (stream, before_us)
        ).fetchall()
        with state.transaction() as db:
            db.execute("DELETE FROM archive WHERE stream = ? AND end_us <= ?", (stream, before_us))
            db.execute("DELETE FROM late WHERE stream = ? AND event_us <= ?", (stream, before_us))
            db.execute("DELETE FROM pulse WHERE stream = ? AND start_us <= ?", (stream, before_us))
            db.execute("DELETE FROM ranking WHERE at_us > 0 AND at_us <= ?", (before_us,))
            feed = self._engine.feeds[stream].stream
            for field, idle in feed.idle_keys(min(before_us, self._oldest_us(stream, before_us))).items():
                feed.keys[field].forget(idle)
                rows = [(stream, field, code) for code in idle]
                db.executemany("DELETE FROM key WHERE stream = ? AND field = ? AND code = ?", rows)
        due_us = self._engine.clock.monotonic_us() + _LINGER_US
        self._expired += [(due_us, state.folder / path) for (path,) in gone]

    def _oldest_us(self, stream: str, otherwise: int) -> int:
        """Start of the oldest window that the log or a file still holds: its keys are still asked for."""
        starts = self._engine.state.db.execute(
            "SELECT min(start_us) FROM archive WHERE stream = ? UNION ALL "
            "SELECT min(start_us) FROM log WHERE stream = ? AND kind = 'window'",
            (stream, stream),
        )
        return min((start for (start,) in starts if start is not None), default=otherwise)

    def _trim(self) -> None:
        # by the time of the events: what a backlog of last year has to tell is not old when it is found
        watermarks = [feed.stream.clocks.combined_us for feed in self._engine.feeds.values()]
        told = max(watermarks, default=0) - _KEEP_INCIDENTS_US
        with self._engine.state.transaction() as db:
            db.execute("DELETE FROM finding WHERE start_us <= ?", (told,))
            db.execute("DELETE FROM track WHERE at_us <= ?", (told,))
            db.execute("DELETE FROM incident WHERE closed_us <= ?", (told,))
            for table, most in {"late": _MOST_LATE, "notice": _MOST_NOTICES}.items():
                db.execute(f"DELETE FROM {table} WHERE id <= (SELECT max(id) FROM {table}) - ?", (most,))


def _time_name(at_us: int) -> str:
    """A time as part of a file's name, in the order of times; empty before all times."""
    return iso(at_us).replace(":", "") if at_us > 0 else ""
