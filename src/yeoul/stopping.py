"""SIGTERM and Ctrl-C as an event that others wait for."""

from __future__ import annotations

import queue
import signal
import threading

__all__ = ["set_on_signals"]


def set_on_signals(stop: threading.Event) -> None:
    """Have SIGTERM and SIGINT set an event, from now on.

    Python runs a handler in the midst of whatever the main thread does. An event has a lock: where that thread holds
    it, as it does when a second signal interrupts the first one's handler, to set the event there would wait for ever.
    So a handler only puts something into a queue, which is made for that, and another thread sets the event.
    """
    came: queue.SimpleQueue[int] = queue.SimpleQueue()

    def pass_on() -> None:
        came.get()
        stop.set()

    threading.Thread(target=pass_on, name="signals", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: came.put(number))
