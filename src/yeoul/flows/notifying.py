"""Telling the outside: a thread posts what waits in the outbox; the engine notes what became of it."""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
from typing import Any

from yeoul.deliver import Outbox, Webhook
from yeoul.errors import YeoulError
from yeoul.flows.engine import Engine

__all__ = ["Notifying"]


class Notifying:
    """Hands due messages to a thread and books the answers; the engine never waits for a receiver."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._hooks = {each.name: Webhook(each.url, each.timeout_s, each.headers) for each in engine.plan.notifiers}
        self._work: queue.Queue[Any] = queue.Queue()
        self._done: queue.Queue[tuple[Any, str]] = queue.Queue()
        self._busy: set[int] = set()
        self._failing: dict[str, str] = {}
        self._thread: threading.Thread | None = None
        self._closing = False

    def look(self) -> None:
        """Book what was answered, hand out what is due."""
        if not self._hooks:
            return
        now = self._engine.clock.now_us()
        self._book(now)
        for item in Outbox(self._engine.state.db).due(now):
            if item.id not in self._busy and item.notifier in self._hooks:
                self._busy.add(item.id)
                self._start()
                self._work.put(item)

    def _book(self, now_us: int) -> None:
        answers = []
        while not self._done.empty():
            answers.append(self._done.get_nowait())
        if not answers:
            return
        outbox = Outbox(self._engine.state.db)
        with self._engine.state.transaction():
            for item, error in answers:
                self._busy.discard(item.id)
                if error:
                    self._failing[item.notifier] = error
                    outbox.failed(item.id, now_us)
                else:
                    self._failing.pop(item.notifier, None)
                    outbox.sent(item.id)

    def causes(self) -> list[dict[str, Any]]:
        """Notifiers that cannot be reached."""
        return [
            {"level": "yellow", "code": "notifier_failing", "params": {"notifier": name, "detail": error}}
            for name, error in sorted(self._failing.items())
        ]

    def close(self) -> None:
        """Let the thread end after what it is sending and book that; the rest waits in the outbox."""
        if self._thread is None:
            return
        self._closing = True
        self._work.put(None)
        self._thread.join(timeout=2)
        # what cannot be booked is told again, with the same key: that is no reason to end in an error
        with contextlib.suppress(YeoulError, sqlite3.Error):
            self._book(self._engine.clock.now_us())

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._send_all, name="notifier", daemon=True)
            self._thread.start()

    def _send_all(self) -> None:
        while (item := self._work.get()) is not None and not self._closing:
            error = ""
            try:
                self._hooks[item.notifier].send(item.body, idempotency_key=str(item.id))
            except YeoulError as caught:
                error = str(caught)
            self._done.put((item, error))
