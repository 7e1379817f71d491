"""One stream with its source: which split is read next, what its rows do, where it stood at the last checkpoint."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from yeoul.clock import Clock
from yeoul.events import Ledger
from yeoul.flows.drift import Refusals
from yeoul.ingest.contract import Decoder, Notice, Source, Split
from yeoul.ingest.quarantine import Quarantine
from yeoul.store import State
from yeoul.streams import Checkpoint, Drained, Entry, LocalStream, StreamSpec
from yeoul.streams import log as results_log
from yeoul.streams.front import NEVER

__all__ = ["Feed", "OpenSource", "seal"]

OpenSource = Callable[[dict[str, dict[str, Any]] | None], Source]
"""Opens a source where the splits of these names go on from these positions; None: for the first time."""

_REPLAY_BLOCK_BYTES = 2 << 20
_LIVE_BLOCK_BYTES = 1 << 20
_STALLED_US = 5_000_000
"""A split that cannot be read for so long is told of."""


@dataclass(slots=True)
class _Reading:
    """How the reading of one split stands."""

    split: Split
    moved: bool = True
    """Whether its position changed since the last checkpoint; a new split has one too: what it passed over."""
    empty: bool = False
    """Whether the last look found nothing new."""
    silent_since_us: int = 0
    """Monotonic time of its last row."""
    idle: bool = False
    seen: bool = False
    """Whether it was looked into since the engine started."""
    done: bool = False
    """Read to its end for good (replay)."""
    stalled_us: int | None = None
    """Monotonic time since which it cannot be read."""
    front_moved_us: int = 0
    """Monotonic time at which its front moved last; before that, when it became known."""
    front_fresh: bool = False
    """Whether the rows that moved it can just have been written then."""
    source: str = ""
    offset: int | None = None
    """Where the last block ended."""


class ReadingNow(NamedTuple):
    """How the reading of a split stands, for those who watch."""

    status: str
    """`reading`, `caught_up`, `idle`, `joining` or `ended`."""
    source: str
    """The file that it is in, or topic and partition."""
    offset: int | None
    """Byte or message there, behind the last block."""
    backlog_bytes: int
    backlog_messages: int | None


class Feed:
    """Reads, decodes and counts one stream.

    The split with the lowest watermark is always read next, live and in replay: so a backlog of many files is read in
    the order of its events, and the result does not depend on speed.
    """

    def __init__(
        self, spec: StreamSpec, open_source: OpenSource, decoder: Decoder, clock: Clock, *, live: bool
    ) -> None:
        self.spec = spec
        self.source: Source
        self.live = live
        self.stream: LocalStream
        self._open_source = open_source
        self.notices: list[Notice] = []
        self.refusals = Refusals()
        """What was read, until `flows/drifting.py` has looked at it."""
        self._decoder = decoder
        self._clock = clock
        self._checkpoint: Checkpoint
        self._readings: dict[str, _Reading] = {}
        self._last_row_us = self._looked_us = clock.monotonic_us()
        self._fresh = True
        self._polled = False
        self._gone: list[str] = []

    def load(self, state: State, archive: results_log.Archive) -> None:
        """Continue from the state's last checkpoint."""
        name = self.spec.name
        self.stream = LocalStream(
            self.spec, lambda start, end: results_log.history(state.db, archive, name, start, end)
        )
        self._checkpoint = Checkpoint(self.stream)
        positions = self._checkpoint.load(state.db)
        self._fresh = positions is None
        self.source = self._open_source(positions)
        self._readings = {}
        self._polled = False

    def poll(self) -> None:
        """Look for new, rotated and vanished splits."""
        self._looked_us = self._clock.monotonic_us()
        self.source.poll()
        self.notices += self.source.notices()
        known = {split.name: split for split in self.source.splits()}
        for name in self.source.forgotten():
            # its files are gone and were read: nothing more can come, and what is undecided is decided now
            self._readings.pop(name, None)
            if name in self.stream.clocks.splits:
                self.stream.idle(name, self._clock.now_us())
                self._gone.append(name)
        for name, split in known.items():
            reading = self._readings.get(name)
            if reading is None:
                # what is there from the beginning is waited for, what appears later joins when it has caught up
                first = self._fresh and not self._polled
                self.stream.open(name, joined=first and (not self.live or split.backlog_bytes() > 0))
                now = self._clock.monotonic_us()
                self._readings[name] = _Reading(split, silent_since_us=now, front_moved_us=now)
            else:
                reading.split = split
                reading.empty = False
        self._polled = True

    def step(self) -> int:
        """Read one block of the split that is furthest behind; its bytes, or 0 when there is nothing new to read."""
        while True:
            waiting = [reading for reading in self._readings.values() if not reading.empty and not reading.done]
            if not waiting:
                return 0
            reading = min(waiting, key=lambda each: (self._watermark_us(each.split.name), each.split.name))
            size = self._read(reading)
            if size:
                return size

    def advance(self) -> None:
        """Let splits go idle, move the watermark, close windows."""
        if self.live:
            self._go_idle()
            if self._may_be_passed_over():
                return
        active = [reading for reading in self._readings.values() if not reading.idle]
        silent = self._looked_us - self._last_row_us if self.live and not active else None
        self.stream.advance(now_us=self._looked_us if self.live else None, silent_us=silent)

    def finish(self) -> None:
        """All splits have ended: close every window."""
        self.stream.finish()

    def save(self, db: sqlite3.Connection, drained: Drained, quarantine: Quarantine, now_us: int) -> None:
        """Write everything since the last checkpoint (inside a transaction)."""
        name = self.spec.name
        positions: dict[str, dict[str, Any]] = {}
        for reading in self._readings.values():
            if reading.moved:
                positions[reading.split.name] = reading.split.position()
                reading.moved = False
        self._checkpoint.save(db, positions)
        results_log.append(db, name, drained.entries)
        _save_late(db, name, drained)
        for split, group in groupby(drained.rejects, key=lambda pair: pair[0]):
            quarantine.add(name, split, [reject for _, reject in group], now_us)
        for split in self._gone:
            if split not in self._readings:  # otherwise a file of that name came again
                self._checkpoint.forget_split(db, split)
                self.stream.clocks.splits.pop(split, None)
        self._gone = []
        notices, self.notices = self.notices, []
        rows = [(now_us, name, notice.kind, notice.source, notice.detail) for notice in notices]
        db.executemany("INSERT INTO notice (at_us, stream, kind, source, detail) VALUES (?, ?, ?, ?, ?)", rows)

    def checkpointed(self) -> None:
        """What `save` wrote is stored for good."""
        self.source.checkpointed()

    def ledger(self) -> Ledger:
        """The rows of all splits by class."""
        total = Ledger()
        for book in self.stream.ledger.values():
            total.add(book)
        return total

    def backlog_bytes(self) -> int:
        """Bytes written and not read yet."""
        return sum(reading.split.backlog_bytes() for reading in self._readings.values())

    def backlog_messages(self) -> int | None:
        """Messages written and not read yet; None where the source has no messages."""
        known = [each.split.backlog_messages() for each in self._readings.values()]
        counted = [each for each in known if each is not None]
        return sum(counted) if counted else None

    def stalled(self) -> list[str]:
        """Splits that cannot be read for a while now: their rows are waited for, so windows stay open."""
        now = self._clock.monotonic_us()
        readings = sorted(self._readings.items())
        return [name for name, each in readings if each.stalled_us and now - each.stalled_us >= _STALLED_US]

    def reading(self, name: str) -> ReadingNow:
        """How the reading of a split stands."""
        reading = self._readings.get(name)
        clock = self.stream.clocks.splits[name]
        if reading is None or reading.done:
            return ReadingNow("ended", name, None, 0, None)
        status = "idle" if reading.idle else "caught_up" if reading.empty else "reading"
        if status != "idle" and clock.front.started and not clock.joined:
            status = "joining"
        split = reading.split
        source = reading.source or name
        return ReadingNow(status, source, reading.offset, split.backlog_bytes(), split.backlog_messages())

    @property
    def all_idle(self) -> bool:
        """Whether every split has fallen silent."""
        return bool(self._readings) and all(reading.idle for reading in self._readings.values())

    def close(self) -> None:
        """Let go of the source."""
        self.source.close()

    def _watermark_us(self, name: str) -> int:
        clock = self.stream.clocks.splits[name]
        return clock.watermark_us if clock.front.started else NEVER

    def _read(self, reading: _Reading) -> int:
        split = reading.split
        limit = _LIVE_BLOCK_BYTES if self.live else _REPLAY_BLOCK_BYTES
        block = split.read(limit, final=not self.live)
        clock = self.stream.clocks.splits[split.name]
        if block is None:
            reading.empty = reading.seen = True
            clock.caught_up = not split.stalled
            now = self._clock.monotonic_us()
            if split.stalled:
                # who cannot be looked at is not silent, and right after it those who write to it may still be trying
                reading.stalled_us = reading.stalled_us or now
                reading.idle, reading.silent_since_us = False, now
            else:
                reading.stalled_us = None
            if not self.live:
                self.stream.end(split.name)
                reading.done = True
            return 0
        # the clocks may only help where a row can just have been written: the last look had found nothing
        fresh = self.live and clock.caught_up
        wall_us = self._believable_us(reading) if fresh else None
        front_us = clock.front.at_us
        reading.moved = reading.seen = True
        reading.stalled_us = None
        reading.source, reading.offset = block.source, block.end
        clock.caught_up = False
        rows = self._decoder.decode(block)
        if len(rows):  # lines that are no rows tell no time: who writes only such ones holds nobody back
            reading.idle = False
            reading.silent_since_us = self._last_row_us = self._clock.monotonic_us()
        if self.live:
            self.refusals.note(split.name, rows)
        self.stream.add(split.name, rows, wall_us=wall_us)
        if clock.front.at_us > front_us:
            reading.front_moved_us, reading.front_fresh = reading.silent_since_us, fresh
        return len(block.data)

    def _believable_us(self, reading: _Reading) -> int | None:
        """How far the next rows can be by the clocks; None: nothing is known.

        No further than the front and the time that passed since it moved: a wall clock that is wrong, or a log that
        comes minutes after its events, must not make the rows of one odd device believable.
        """
        front_us = self.stream.clocks.splits[reading.split.name].front.at_us
        passed = self._clock.monotonic_us() - reading.front_moved_us
        if reading.front_fresh:
            return min(self._clock.now_us(), front_us + passed + self.spec.delay_us)
        # how old its newest row was when it was read is not known; rows that come closely need no clock
        return self._clock.now_us() if passed >= self.spec.delay_us else None

    def _may_be_passed_over(self) -> bool:
        """Whether a split that nobody waits for may have rows to read that are older than what the others stand at."""
        clocks = self.stream.clocks.splits
        unseen = [
            self._watermark_us(name)
            for name, reading in self._readings.items()
            if not reading.empty and (reading.idle or not reading.seen)
        ]
        joined = [clock.watermark_us for clock in clocks.values() if clock.joined]
        return bool(unseen) and (not joined or min(unseen) < min(joined))

    def _go_idle(self) -> None:
        """Who was silent until the last look; what was written since, nobody knows yet, however long ago that is."""
        for name, reading in self._readings.items():
            caught_up = reading.empty and self.stream.clocks.splits[name].caught_up
            silent_us = self._looked_us - reading.silent_since_us
            if caught_up and not reading.idle and silent_us >= self.spec.idle_timeout_us:
                self.stream.idle(name, self._clock.now_us())
                reading.idle = True


def _save_late(db: sqlite3.Connection, stream: str, drained: Drained) -> None:
    """Write late rows to the side output."""
    rows = [
        (stream, row.event_us, row.source, row.position, row.reason, json.dumps(row.row, ensure_ascii=False))
        for row in drained.late
    ]
    db.executemany("INSERT INTO late (stream, event_us, source, position, reason, row) VALUES (?, ?, ?, ?, ?, ?)", rows)


def seal(entries: list[Entry], seq: int) -> int:
    """Number the entries from `seq` on; the next free number."""
    for entry in entries:
        entry.seq = seq
        seq += 1
    return seq
