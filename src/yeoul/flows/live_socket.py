"""The engine's local socket: messages out to whoever listens, requests in; it never waits for a reader.

Newline-delimited JSON over a Unix domain socket in the state folder. A listener that has not read the last message is
given the newest one when it has; nothing queues up.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["LiveSocket", "request"]

_REQUEST_LIMIT_BYTES = 1 << 20
_UNREAD_LIMIT_BYTES = 16 << 20
"""Who asks and asks and reads no answer is let go."""
_PATH_LIMIT_BYTES = 100
"""A socket's address may hold 107 bytes; a deeper folder is reached by way of an open handle of it."""

Handler = Callable[[dict[str, Any]], dict[str, Any]]


class _Peer:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.incoming = b""
        self.outgoing = b""


class LiveSocket:
    """Serves one engine; all work is done in `wait` and `publish`, in the caller's thread."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "live.sock"
        self._path.unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with _short(self._path) as address:
            self._server.bind(address)
        self._path.chmod(0o600)
        self._server.listen(16)
        self._server.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._server, selectors.EVENT_READ)
        self._peers: dict[socket.socket, _Peer] = {}
        self._newest = b""

    def wait(self, seconds: float, handle: Handler) -> None:
        """Wait for requests for at most `seconds`; each is answered by what `handle` returns for it."""
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                self._accept()
            else:
                self._read(key.data, handle)

    def publish(self, message: dict[str, Any]) -> None:
        """Send a message to every listener that has read the last one."""
        self._newest = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        for peer in list(self._peers.values()):
            if not peer.outgoing:
                peer.outgoing = self._newest
            self._flush(peer)

    def close(self) -> None:
        """Say goodbye to all and remove the address."""
        for peer in list(self._peers.values()):
            self._drop(peer)
        self._selector.close()
        self._server.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._server.accept()
            connection.setblocking(False)
            peer = self._peers[connection] = _Peer(connection)
            self._selector.register(connection, selectors.EVENT_READ, peer)
            peer.outgoing = self._newest
            self._flush(peer)

    def _read(self, peer: _Peer, handle: Handler) -> None:
        try:
            data = peer.connection.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data or len(peer.incoming) > _REQUEST_LIMIT_BYTES:
            self._drop(peer)
            return
        *lines, peer.incoming = (peer.incoming + data).split(b"\n")
        for line in lines:
            peer.outgoing += json.dumps(_answer(line, handle), ensure_ascii=False).encode() + b"\n"
        self._flush(peer)
        if len(peer.outgoing) > _UNREAD_LIMIT_BYTES:
            self._drop(peer)

    def _flush(self, peer: _Peer) -> None:
        try:
            while peer.outgoing:
                sent = peer.connection.send(peer.outgoing)
                peer.outgoing = peer.outgoing[sent:]
        except BlockingIOError:
            return
        except OSError:
            self._drop(peer)

    def _drop(self, peer: _Peer) -> None:
        if self._peers.pop(peer.connection, None) is not None:
            self._selector.unregister(peer.connection)
            peer.connection.close()


def _answer(line: bytes, handle: Handler) -> dict[str, Any]:
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        return {"ok": False, "error": "got a line that is no JSON object"}
    return {"id": asked.get("id"), **handle(asked)}


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """The address of a socket, short enough for the system."""
    if len(os.fsencode(path)) <= _PATH_LIMIT_BYTES:
        yield str(path)
        return
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{path.name}"
    finally:
        os.close(handle)


def request(folder: Path, op: str, args: dict[str, Any], timeout_s: float = 30.0) -> dict[str, Any] | None:
    """Ask the engine that runs on this state folder; None when none does, or when it ended before it had answered."""
    path = folder / "live.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            with _short(path) as address:
                connection.connect(address)
        except OSError:
            return None
        with contextlib.suppress(ConnectionError):
            connection.sendall(json.dumps({"id": 1, "op": op, "args": args}).encode() + b"\n")
            with connection.makefile("rb") as lines:
                for line in lines:
                    # the last line of an engine that was killed may be cut
                    answer = json.loads(line) if line.endswith(b"\n") else None
                    if isinstance(answer, dict) and answer.get("id") == 1:
                        return answer
    return None
