"""The engine: streams and the consumers of their results under one state file, one transaction a checkpoint.

After any error in between, memory is thrown away and the last checkpoint loaded: a full disk is handled as a crash is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from yeoul.clock import Clock
from yeoul.flows.archived import archived
from yeoul.flows.contract import Consumer
from yeoul.flows.declaration import keep_declaration
from yeoul.flows.feed import Feed, seal
from yeoul.flows.parts import build_consumers, open_source
from yeoul.flows.plan import Plan, StreamPlan
from yeoul.flows.results.outgoing import follow
from yeoul.ingest.decode import build_decoder
from yeoul.ingest.quarantine import Quarantine
from yeoul.store import State, pack, unpack
from yeoul.streams import log as results_log

__all__ = ["Engine"]

_SNAPSHOT_EVERY_S = 60.0
_SNAPSHOT_SHARE = 50
"""A snapshot of the consumers is taken at most when this many times its own duration has passed."""
_REUSED_BYTES = 16 << 20
"""A piece of memory so large that the C library, having seen it go, keeps what is freed for the next block and does not
give it back to the system in between: files are read a sixth faster, and no more memory is in use."""


class Engine:
    """All streams of a plan, and what follows from them."""

    def __init__(self, plan: Plan, state: State, clock: Clock, *, live: bool) -> None:
        self.plan = plan
        self.state = state
        self.clock = clock
        self.live = live
        self.seq = 1
        self.feeds: dict[str, Feed] = {}
        self.consumers: list[Consumer] = []
        self.checkpoint: dict[str, Any] = {}
        self._snapshot_s = time.monotonic()
        self._snapshot_took_s = 0.0
        np.empty(_REUSED_BYTES, np.uint8)

    def load(self) -> None:
        """Bring everything to the last checkpoint."""
        db = self.state.db
        self.seq = 1 + max(
            db.execute("SELECT coalesce(max(seq), 0) FROM log").fetchone()[0],
            db.execute("SELECT coalesce(max(last_seq), 0) FROM archive").fetchone()[0],
        )
        for feed in self.feeds.values():
            feed.close()
        self.feeds = {each.spec.name: self._feed(each) for each in self.plan.streams}
        streams = {name: feed.stream for name, feed in self.feeds.items()}
        self.consumers = build_consumers(self.plan, streams, self.clock)
        for consumer in self.consumers:
            self._catch_up(consumer)
        if self.live:
            follow(self.state, self.plan)

    def _feed(self, plan: StreamPlan) -> Feed:
        keep_declaration(self.state, plan.spec, self.clock.now_us())
        source = partial(open_source, plan, live=self.live)
        feed = Feed(plan.spec, source, build_decoder(plan.spec.schema), self.clock, live=self.live)
        feed.load(self.state, self.read_archive)
        return feed

    def read_archive(self, path: str) -> Iterable[tuple[Any, ...]]:
        """Rows of an archived part of the results log."""
        return archived(self.state, path)

    def _catch_up(self, consumer: Consumer) -> None:
        row = self.state.db.execute("SELECT seq, block FROM consumer WHERE name = ?", (consumer.name,)).fetchone()
        seq = 0
        if row is not None:
            seq = row[0]
            consumer.restore(unpack(row[1]))
        for entry in results_log.read(self.state.db, self.read_archive, after=seq, stream=consumer.stream):
            consumer.take(entry)
        consumer.discard()

    def poll(self) -> None:
        """Look for new and rotated files."""
        for feed in self.feeds.values():
            feed.poll()

    def step(self) -> int:
        """Read one block of each stream; bytes read, 0 when there is nothing new."""
        return sum(feed.step() for feed in self.feeds.values())

    def advance(self) -> None:
        """Move the watermarks and close windows."""
        for feed in self.feeds.values():
            feed.advance()

    def finish(self) -> None:
        """All input has ended: close every window and let the consumers finish."""
        for feed in self.feeds.values():
            feed.advance()
            feed.finish()
        self.commit()
        for consumer in self.consumers:
            consumer.finish()
        self.commit(force=True)

    def commit(self, *, force: bool = False, also: Callable[[], None] | None = None) -> int:
        """Write everything since the last checkpoint in one transaction; how many entries the log gained.

        Raises:
            StorageFullError: nothing was kept; `load` before going on.
        """
        started = time.perf_counter()
        drained = {name: feed.stream.drain() for name, feed in self.feeds.items()}
        for name, out in drained.items():
            self.seq = seal(out.entries, self.seq)
            for consumer in self.consumers:
                if consumer.stream == name:
                    for entry in out.entries:
                        consumer.take(entry)
        now = self.clock.now_us()
        with self.state.transaction() as db:
            quarantine = Quarantine(db, self.plan.engine.quarantine_cap_bytes)
            for name, feed in self.feeds.items():
                feed.save(db, drained[name], quarantine, now)
                for entry in drained[name].entries:
                    if entry.kind == "window" and entry.revision == 0 and entry.part is not None:
                        row = (name, entry.start_us, entry.rows, len(entry.part), int(entry.coverage.full))
                        db.execute("INSERT OR REPLACE INTO pulse VALUES (?, ?, ?, ?, ?)", row)
            for consumer in self.consumers:
                consumer.save(db)
            if also is not None:
                also()
            self._save_snapshots(force=force and self.live)
        for feed in self.feeds.values():
            feed.checkpointed()
        self.checkpoint = {
            "seq": self.seq - 1,
            "at_us": now,
            "duration_ms": round((time.perf_counter() - started) * 1000, 3),
        }
        return sum(len(out.entries) for out in drained.values())

    def _save_snapshots(self, *, force: bool) -> None:
        """Now and then keep the consumers' state, so that a restart need not read the whole log again."""
        started = time.monotonic()
        due = max(_SNAPSHOT_EVERY_S, self._snapshot_took_s * _SNAPSHOT_SHARE)
        if not self.live or (started - self._snapshot_s < due and not force):
            return
        for consumer in self.consumers:
            block = pack(consumer.snapshot())
            self.state.db.execute(
                "INSERT OR REPLACE INTO consumer VALUES (?, ?, ?)", (consumer.name, self.seq - 1, block)
            )
        self._snapshot_s = time.monotonic()
        self._snapshot_took_s = self._snapshot_s - started

    def probe(self) -> None:
        """See whether the state can be written.

        Raises:
            StorageFullError: the disk is still full.
        """
        with self.state.transaction():
            self.state.set_meta("probe", "x" * 65536)
        with self.state.transaction():
            self.state.set_meta("probe", "")

    def ledgers(self) -> dict[str, dict[str, dict[str, int]]]:
        """Rows by class: per stream, per split and `total`."""
        found = {}
        for name, feed in self.feeds.items():
            splits = {split: book.as_dict() for split, book in sorted(feed.stream.ledger.items())}
            found[name] = {**splits, "total": asdict(feed.ledger())}
        return found

    def close(self) -> None:
        """Let go of files and state."""
        for feed in self.feeds.values():
            feed.close()
        self.state.close()
