"""The loop that ships: reads, offers, commits, tells how it goes; begins anew from the state after any trouble."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from yeoul.clock import Clock, SystemClock
from yeoul.errors import BusyError, StorageFullError, TransientError
from yeoul.flows.shipping.shipping import Shipping
from yeoul.flows.shipping.telling import Telling
from yeoul.flows.sinks import LinesSink
from yeoul.store import open_state

__all__ = ["Shipped", "ship"]

_COMMIT_S = 0.2
_PAUSE_S = 0.05
_AGAIN_S = 1.0
_FLUSH_S = 8.0
_QUIET_S = 0.5
"""With `once`: nothing came for so long, several looks at the files."""


class Shipped:
    """What became of it, in numbers."""

    def __init__(self) -> None:
        self.sent = 0
        """Lines acknowledged."""
        self.set_aside = 0
        self.waiting = 0
        """Lines read and not acknowledged: they are sent at the next start."""
        self.unfinished: list[str] = []
        """Files that end in a line without end."""


def ship(
    sinks: Sequence[LinesSink],
    folder: Path,
    stop: threading.Event,
    *,
    once: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    clock: Clock | None = None,
) -> Shipped:
    """Send the lines of files to their topics until `stop` is set; positions are kept in `folder`.

    Args:
        sinks: what goes where.
        folder: of the state file; made when missing.
        stop: then what is on its way is waited for, some seconds.
        once: send what is there and return.
        tell: is given a line now and then.
        clock: for how often it looks.

    Raises:
        BusyError: another process ships from this state.
        UnreachableError: no broker answers a first start, or one with `once`.
        SinkError: a topic is not there, or a broker does not let us in.
        SourceError: a folder is not there.
        MissingExtraError: Kafka's client library is not installed.
    """
    try:
        state = open_state(folder)
    except BusyError as error:
        message = f"{error}".replace("another engine", "another `yeoul ship`")
        raise BusyError(message) from error
    clock = clock or SystemClock()
    with ExitStack() as stack:
        stack.callback(state.close)
        if state.restored is not None:
            tell(f"the state was damaged: {state.restored.why}; its good copy took its place, lines are sent again")
        shippings = [Shipping(sink, state, clock, tell) for sink in sinks]
        for each in shippings:
            stack.callback(each.close)
            each.load(wait=not once)
        loop = _Loop(shippings, stop, tell, clock, once=once)
        while loop.cycle():
            state.keep_copy()
        return loop.end()


class _Loop:
    def __init__(
        self, shippings: list[Shipping], stop: threading.Event, tell: Callable[[str], None], clock: Clock, *, once: bool
    ) -> None:
        self._shippings = shippings
        self._stop = stop
        self._tell = tell
        self._telling = Telling(shippings, clock, tell)
        self._once = once
        self._committed_s = self._busy_s = time.monotonic()

    def cycle(self) -> bool:
        """A round over all sinks; False when there is nothing more to do."""
        now = time.monotonic()
        due = now - self._committed_s >= _COMMIT_S
        if due:
            self._committed_s = now
        idle = True
        for each in self._shippings:
            try:
                idle &= not each.look() or each.full
                if due:
                    each.commit()
            except TransientError as error:
                self._again(each, error)
                idle = False  # what was dropped is still to be sent
        self._telling.look()
        if not idle or any(each.waiting for each in self._shippings):
            self._busy_s = now
        elif self._once and now - self._busy_s >= _QUIET_S:
            return False
        if idle:
            self._pause()
        return not self._stop.is_set()

    def _pause(self) -> None:
        for each in self._shippings:
            try:
                each.wait(_PAUSE_S / len(self._shippings))
            except TransientError as error:
                self._again(each, error)

    def _again(self, each: Shipping, error: TransientError) -> None:
        """Drop what is in memory; the files still have it."""
        while not self._stop.is_set():
            self._tell(str(error))
            self._stop.wait(_AGAIN_S)
            try:
                each.load(wait=True)
            except TransientError as next_error:
                error = next_error
            else:
                return

    def end(self) -> Shipped:
        """Wait for what is on its way, and book it; what is not acknowledged by then is sent at the next start."""
        done = Shipped()
        until = time.monotonic() + _FLUSH_S
        for each in self._shippings:
            done.waiting += each.flush(max(0.0, until - time.monotonic()))
            try:
                each.commit()
            except StorageFullError as error:
                self._tell(f"{error}; the last lines are sent again at the next start")
            done.sent += each.sent
            done.set_aside += each.set_aside
            done.unfinished += each.unfinished()
        return done
