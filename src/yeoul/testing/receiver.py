"""A receiver of webhooks on loopback that keeps what it heard."""

from __future__ import annotations

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Receiver"]


class Receiver(ThreadingHTTPServer):
    """Answers 204 to every message; used as a context manager.

    >>> with Receiver() as receiver:
    ...     receiver.url.startswith("http://127.0.0.1:")
    True
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[tuple[str, bytes]] = []
        """(idempotency key, body) of each message that was answered, repeats too."""
        self.asked = 0
        """How many requests came, answered or not."""
        self.pause_s = 0.0
        """How long it takes to answer."""
        self.url = f"http://127.0.0.1:{self.server_address[1]}/told"

    def __enter__(self) -> Receiver:  # noqa: PYI034 - the base class says `Self` of itself only
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def bodies(self) -> dict[str, bytes]:
        """The body of each idempotency key.

        Raises:
            AssertionError: a key came with two bodies.
        """
        found: dict[str, bytes] = {}
        for key, body in list(self.heard):
            if found.setdefault(key, body) != body:
                message = f"the key {key} came with two bodies: {found[key]!r} and {body!r}"
                raise AssertionError(message)
        return found


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        self.server.asked += 1
        if len(body) < length:  # who asked was killed within the request: that is no message
            return
        time.sleep(self.server.pause_s)
        self.server.heard.append((self.headers["Idempotency-Key"], body))
        with contextlib.suppress(OSError):  # who asked may be gone
            self.send_response(204)
            self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Stay silent."""
