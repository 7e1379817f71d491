"""A shard: what follows the windows of some partitions, its results as they go out, and what it has learnt as bytes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from yeoul.clock import Clock
from yeoul.flows.contract import Consumer
from yeoul.flows.plan import Plan
from yeoul.flows.ranking import RankFlow
from yeoul.flows.results.outgoing import Outgoing, Record, follow, newest
from yeoul.flows.watching import DetectFlow
from yeoul.flows.workers.assembly import Assembly
from yeoul.flows.workers.workload import Workload
from yeoul.store import pack, scratch_state, unpack

__all__ = ["Shard"]


class Shard:
    """Detectors or rankings over the windows of one share of the keys.

    A deterministic function of its messages: results and their ids, changes and their numbers are the same, whoever
    goes on from a snapshot. Results are kept in a state that nobody keeps, until they are sent.

    Args:
        plan: of the workspace.
        workload: which blocks follow what.
        partitions: whose messages come.
        shards: into how many the keys are shared out.
        clock: of the process.
        tell: is told of what is not as it should be.
    """

    def __init__(
        self,
        plan: Plan,
        workload: Workload,
        partitions: Sequence[int],
        shards: int,
        clock: Clock,
        tell: Callable[[str], None],
    ) -> None:
        self.assembly = Assembly(workload.streams, partitions, tell)
        self.taken = 0
        """Entries so far."""
        self.sent = 0
        """Number of the last change that is in its topic."""
        counts = self.assembly.counts
        share = partitions[0], shards
        detects = [DetectFlow(each, counts[each.stream], (), clock, shard=share) for each in workload.detects]
        ranks = [RankFlow(each, counts[each.stream]) for each in workload.ranks]
        self._consumers: list[Consumer] = [*detects, *ranks]
        self._folder = Path(tempfile.mkdtemp(prefix="yeoul-shard-"))
        self._state = scratch_state(self._folder)
        self._state.db.execute("PRAGMA synchronous = OFF")
        self._plan = replace(plan, sinks=(workload.sink,))
        self._outgoing = Outgoing(self._state, self._plan, workload.kinds)
        follow(self._state, self._plan)

    def take(self, schema: bytes, value: bytes, partition: int, offset: int) -> None:
        """Take a message.

        Raises:
            SourceError: it is of another version, or of other shards.
        """
        for stream, entry in self.assembly.take(schema, value, partition, offset):
            self.taken += 1
            with self._state.transaction() as db:
                for each in self._consumers:
                    if each.stream == stream:
                        each.take(entry)
                        each.save(db)

    def due(self) -> tuple[int, list[Record]]:
        """Results that are to be sent now, and the number of their last change; see `Outgoing.after`."""
        return self._outgoing.after(self.sent)

    def skip(self) -> None:
        """What there is now was sent before."""
        self.book(newest(self._state.db))

    def book(self, number: int) -> None:
        """All changes up to this one are in their topics."""
        self.sent = number
        with self._state.transaction() as db:
            db.execute("DELETE FROM outgoing WHERE id <= ?", (number,))
            if not db.execute("SELECT 1 FROM outgoing").fetchone():
                for what in ("finding", "track", "ranking", "incident WHERE closed_us IS NOT NULL"):
                    db.execute(f"DELETE FROM {what}")

    def snapshot(self) -> bytes | None:
        """Everything that the next one needs to go on behind `assembly.position`.

        None while something is not sent: who goes on from there does not send it.
        """
        if newest(self._state.db) > self.sent:
            return None
        members = {
            "assembly": self.assembly.snapshot(),
            "taken": self.taken,
            "change": newest(self._state.db),
            "incidents": [list(row) for row in self._state.db.execute("SELECT * FROM incident")],
            "consumers": {each.name: each.snapshot() for each in self._consumers},
        }
        return pack(members)

    def restore(self, block: bytes) -> None:
        """Continue where `snapshot` was taken.

        Raises:
            StateError: the bytes are damaged.
        """
        members: dict[str, Any] = unpack(block)
        self.assembly.restore(members["assembly"])
        self.taken, self.sent = members["taken"], members["change"]
        for each in self._consumers:
            each.restore(members["consumers"][each.name])
        db = self._state.db
        for row in members["incidents"]:
            db.execute(f"INSERT INTO incident VALUES ({', '.join('?' * len(row))})", row)
        # that they are there again is no change
        db.execute("DELETE FROM outgoing")
        db.execute("DELETE FROM sqlite_sequence WHERE name = 'outgoing'")
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('outgoing', ?)", (self.sent,))

    def close(self) -> None:
        """Let go of the state."""
        self._state.close()
        shutil.rmtree(self._folder, ignore_errors=True)
