"""The live loop of the engine: read, close, commit, tell; waits when there is nothing to do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from yeoul.clock import Clock, SystemClock
from yeoul.errors import SourceError, StorageFullError, YeoulError
from yeoul.flows.drifting import Drifting
from yeoul.flows.engine import Engine
from yeoul.flows.housekeeping import Housekeeping
from yeoul.flows.live_message import LiveMessage
from yeoul.flows.live_socket import LiveSocket
from yeoul.flows.notifying import Notifying
from yeoul.flows.opening import open_engine
from yeoul.flows.plan import Plan
from yeoul.flows.redrive import redrive
from yeoul.flows.sinking import Sinking

__all__ = ["run_engine"]

_POLL_US = 100_000
_TELL_US = 250_000
_READ_FIRST_BYTES = 1 << 20
_READ_AT_ONCE_BYTES = 16 << 20
"""How much is read between two checkpoints at most: little at first, so that a start shows something soon."""
_RETRY_FULL_S = 1.0


def run_engine(
    plan: Plan, stop: threading.Event, clock: Clock | None = None, tell: Callable[[str], None] = lambda _: None
) -> None:
    """Run the streams of `plan` until `stop` is set; closes no window then, and loses nothing.

    A state that is damaged is replaced by its last good copy, which `tell` is told of.

    Raises:
        BusyError: another engine holds the state.
        DamagedError: the state is damaged, and there is no good copy.
        StateError: the state is of another declaration or of a newer release.
    """
    engine = open_engine(plan, stop, clock or SystemClock(), tell)
    if engine is None:
        return
    try:
        _Loop(engine, engine.state.folder, stop).run()
    finally:
        engine.close()


class _Loop:
    def __init__(self, engine: Engine, folder: Path, stop: threading.Event) -> None:
        self.engine = engine
        self.clock = engine.clock
        self.stop = stop
        self.socket = LiveSocket(folder)
        self.message = LiveMessage(engine)
        self.housekeeping = Housekeeping(engine)
        self.notifying = Notifying(engine)
        self.sinking = Sinking(engine)
        self.drifting = Drifting(engine)
        self.causes: list[dict[str, Any]] = []
        self._full: StorageFullError | None = None
        self._read_bytes = _READ_FIRST_BYTES
        self._polled_us = self._committed_us = self._told_us = -(1 << 60)

    def run(self) -> None:
        try:
            while not self.stop.is_set():
                busy = self._cycle()
                self.socket.wait(0 if busy else 0.02, self._handle)
            self._retrying(lambda: self.engine.commit(force=True))
        except SourceError:
            if self.engine.checkpoint:  # what was read before it went wrong is kept; a first start stays one
                self._retrying(self.engine.commit)
            raise
        finally:
            self.notifying.close()
            self.sinking.close()
            self.socket.close()

    def _cycle(self) -> bool:
        if self._full is not None:
            full, self._full = self._full, None
            self._wait_for_space(full)
        now = self.clock.monotonic_us()
        if now - self._polled_us >= _POLL_US:
            self._polled_us = now
            self.engine.poll()
        done = 0
        while not self.housekeeping.over_cap and done < self._read_bytes and (size := self.engine.step()):
            done += size
        if done:
            self._read_bytes = min(2 * self._read_bytes, _READ_AT_ONCE_BYTES)
        self.engine.advance()
        if self._due(now):
            self._committed_us = now
            if self._retrying(self._keep):
                self._told_us = 0
        if now - self._told_us >= _TELL_US:
            self._told_us = now
            self.socket.publish(self.message.make(self._all_causes()))
        return done > 0

    def _keep(self) -> int:
        """A checkpoint, and what is due after it; any of it may find the disk full."""
        gained = self.engine.commit()
        self.housekeeping.look()
        self.drifting.look()
        self.notifying.look()
        self.sinking.look()
        self.engine.state.keep_copy()
        return gained

    def _all_causes(self) -> list[dict[str, Any]]:
        told = (self.housekeeping, self.drifting, self.notifying, self.sinking)
        return self.causes + [cause for each in told for cause in each.causes()]

    def _due(self, now_us: int) -> bool:
        """A checkpoint is due by the clock, or at once when a window has closed."""
        if now_us - self._committed_us >= self.engine.plan.engine.commit_interval_us:
            return True
        return any(feed.stream.has_entries for feed in self.engine.feeds.values())

    def _retrying(self, write: Callable[[], int]) -> int:
        """Write; while the disk is full nothing is read, health is red, and the same is tried again."""
        try:
            gained = write()
        except StorageFullError as error:
            self._wait_for_space(error)
            return 0
        self.causes = []
        return gained

    def _wait_for_space(self, error: StorageFullError) -> None:
        """What is in memory and could not be kept is dropped; the logs still have it."""
        while not self.stop.is_set():
            self.causes = [{"level": "red", "code": "disk_full", "params": {"detail": str(error)}}]
            self.socket.publish(self.message.make(self.causes))
            self.socket.wait(_RETRY_FULL_S, self._handle)
            try:
                self.engine.probe()
                self.engine.load()
            except StorageFullError as again:
                error = again
            else:
                self.causes = []
                return

    def _handle(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer a request of the console or the command line."""
        try:
            match asked.get("op"):
                case "ping":
                    return {"ok": True}
                case "redrive":
                    result = redrive(self.engine, asked.get("args") or {})
                    self.drifting.look_again()
                    return {"ok": True, **result}
                case _:
                    return {"ok": False, "error": f"got `{asked.get('op')}`; legal: ping, redrive"}
        except StorageFullError as error:
            self._full = error
            return {"ok": False, "error": str(error)}
        except YeoulError as error:
            return {"ok": False, "error": str(error)}
