"""Connections whose other side does not do its part are ended: no request comes, or answers are not read.

The server underneath waits for both without end, so that a few thousand such connections would shut everybody out and
keep what they were sent in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

__all__ = ["Connections", "HttpConnection", "LiveConnection", "raise_limit"]

_ASKED_WITHIN_S = 10.0
_READ_WITHIN_S = 20.0
_MOST = 4_000
_MOST_PARTS = 100
_MOST_PINGS = 100
_PINGS_OVER_S = 10.0
_OTHER_FILES = 100
"""Open files that are not connections: the state, libraries, pages."""


class HttpConnection(H11Protocol):
    """Takes no more connections than there are file descriptors for."""

    most = _MOST

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the server has it
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()

    def send_400_response(self, msg: str) -> None:
        answering = self.cycle is not None and not self.cycle.response_complete
        if answering:
            # bytes that are no request came before the last one was answered: that answer has nowhere to go
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if answering and self.cycle.response_started:
            self.transport.close()
        else:
            super().send_400_response(msg)

    @property
    def waits_for_request(self) -> bool:
        """Whether the next step is the client's, and no timer of the server's own counts it."""
        answering = self.cycle is not None and not self.cycle.response_complete
        return not answering and self.timeout_keep_alive_task is None


class LiveConnection(WebSocketsSansIOProtocol):
    """A page's WebSocket; whoever does not read is not answered either."""

    pings = 0
    pings_since_s = 0.0

    def handle_ping(self) -> None:
        pong = b"".join(self.conn.data_to_send())
        now_s = self.loop.time()
        if now_s - self.pings_since_s > _PINGS_OVER_S:
            self.pings, self.pings_since_s = 0, now_s
        self.pings += 1
        if self.pings > _MOST_PINGS:
            if not self.close_sent:
                # no browser does so; each costs time that others' pages wait
                self.conn.fail(1008, "too many pings")
                self.handle_parser_exception()
        elif self.writable.is_set():
            self.transport.write(pong)

    def handle_cont(self, event: Frame) -> None:
        # empty parts weigh nothing in the limit of a message, yet each is kept
        if len(self.frames) >= _MOST_PARTS:
            self.conn.fail(1008, "too many parts")
            self.handle_parser_exception()
            return
        super().handle_cont(event)


class Connections:
    """Ends connections that stand still.

    Args:
        asked_within_s: how long a request may take to come.
        read_within_s: how long nothing of what is to be sent may be read.
    """

    def __init__(self, asked_within_s: float = _ASKED_WITHIN_S, read_within_s: float = _READ_WITHIN_S) -> None:
        self._within_s = {"asking": asked_within_s, "unread": read_within_s}
        self._since: dict[Any, tuple[tuple[str, int], float]] = {}

    def look(self, connections: Iterable[Any], now_s: float) -> None:
        """Compare with the last look; to be called about once a second.

        Args:
            connections: of the server.
            now_s: by a monotonic clock.
        """
        before, self._since = self._since, {}
        for connection in list(connections):
            state = _standing_still(connection)
            if state is None:
                continue
            was, since_s = before.get(connection, (state, now_s))
            since_s = since_s if was == state else now_s
            self._since[connection] = (state, since_s)
            if now_s - since_s >= self._within_s[state[0]]:
                connection.transport.abort()


def _standing_still(connection: Any) -> tuple[str, int] | None:
    """What is waited for, with the bytes that remain; None: nothing, or the client is not to blame."""
    unread = connection.transport.get_write_buffer_size()
    if unread:
        return "unread", unread
    return ("asking", 0) if isinstance(connection, HttpConnection) and connection.waits_for_request else None


def raise_limit() -> None:
    """Allow this process the file descriptors that its connections may need, and no more connections than those."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    HttpConnection.most = _MOST if soft == resource.RLIM_INFINITY else max(10, min(_MOST, soft - _OTHER_FILES))
