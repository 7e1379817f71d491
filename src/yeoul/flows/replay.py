"""Replay: the whole input to its end on a state that nobody keeps, then the results as files."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from yeoul.clock import SystemClock
from yeoul.events import Ledger
from yeoul.flows.engine import Engine
from yeoul.flows.plan import Plan
from yeoul.flows.results.export import write_results
from yeoul.store import scratch_state

__all__ = ["Progress", "Replayed", "replay"]

_CHECKPOINT_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay is."""

    done_bytes: int
    total_bytes: int
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay read."""

    ledger: Ledger
    seconds: float
    """From the first byte read to the last checkpoint; without process start and without writing the files."""
    files: list[Path]


def replay(plan: Plan, out: Path, progress: Callable[[Progress], None] = lambda _: None) -> Replayed:
    """Read all input of `plan`, close every window, write the results to the folder `out`.

    No notifier is told and the workspace's own state is not touched. Same input, same bytes out.

    Raises:
        SourceError: a source has no input.
        StorageFullError: the disk is full.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="replay-", dir=out) as scratch:
        engine = Engine(plan, scratch_state(Path(scratch)), SystemClock(), live=False)
        try:
            engine.load()
            started = time.perf_counter()
            _read_all(engine, progress, started)
            engine.finish()
            seconds = time.perf_counter() - started
            total = Ledger()
            for feed in engine.feeds.values():
                total.add(feed.ledger())
            files = write_results(engine.state, plan, out, engine.ledgers(), engine.read_archive)
        finally:
            engine.close()
    return Replayed(total, seconds, files)


def _read_all(engine: Engine, progress: Callable[[Progress], None], started: float) -> None:
    engine.poll()
    total = sum(feed.backlog_bytes() for feed in engine.feeds.values())
    done = since = 0
    while size := engine.step():
        done += size
        since += size
        engine.advance()
        if since >= _CHECKPOINT_BYTES:
            engine.commit()
            since = 0
        rows = sum(feed.ledger().read for feed in engine.feeds.values())
        progress(Progress(done, max(total, done), rows, time.perf_counter() - started))
