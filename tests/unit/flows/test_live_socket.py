"""The engine's socket outlives whatever is written to it, and whoever does not read from it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from yeoul.errors import InputError
from yeoul.flows import live_socket
from yeoul.flows.engine import Engine
from yeoul.flows.live_socket import LiveSocket
from yeoul.flows.redrive import redrive


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveSocket]:
    served = LiveSocket(tmp_path)
    yield served
    served.close()


@pytest.fixture
def peer(server: LiveSocket, tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        connection.connect(str(tmp_path / "live.sock"))
        server.wait(1, _echo)
        yield connection


def _echo(asked: dict[str, Any]) -> dict[str, Any]:
    return {"ok": True, "said": "x" * int(asked.get("n", 1))}


@pytest.mark.parametrize("line", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"a":' * 50_000, b"1e999", b"null"])
def test_a_line_that_asks_nothing_is_answered_so(server: LiveSocket, peer: socket.socket, line: bytes) -> None:
    peer.setblocking(False)
    rest = line + b"\n"
    answer = b""
    while not answer.endswith(b"\n"):
        if rest:
            rest = rest[peer.send(rest[:65536]) :]
        server.wait(0.01, _echo)
        try:
            answer += peer.recv(65536)
        except BlockingIOError:
            continue
    assert json.loads(answer)["ok"] is False


def test_who_asks_and_never_reads_is_let_go(
    server: LiveSocket, peer: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_socket, "_UNREAD_LIMIT_BYTES", 1 << 20)

    def ask() -> None:
        for _ in range(100):
            peer.sendall(b'{"op":"ping","n":100000}\n')
            server.wait(0.01, _echo)

    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        ask()


@pytest.mark.parametrize(
    "args", [[], "x", 1, {"stream": []}, {"stream": {}}, {"ids": 1}, {"ids": ["a"]}, {"ids": [1.5]}, {"more": 1}]
)
def test_a_redrive_of_nonsense_is_refused(args: Any) -> None:
    engine = Engine.__new__(Engine)  # nothing of it is asked
    with pytest.raises(InputError, match="got the arguments"):
        redrive(engine, args)


def _die(listening: socket.socket, last_words: bytes) -> None:
    """An engine that is killed while it is asked."""
    connection, _ = listening.accept()
    with connection:
        connection.recv(1)  # the rest of the question is not read: who asked is told of a reset
        connection.sendall(last_words)


@pytest.mark.parametrize("last_words", [b"", b'{"id":1,"ok":tr', b'{"seq":1}\n'])
def test_an_engine_that_ends_before_it_answered_is_none(tmp_path: Path, last_words: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(tmp_path / "live.sock"))
        listening.listen()
        dying = threading.Thread(target=_die, args=(listening, last_words))
        dying.start()
        assert live_socket.request(tmp_path, "ping", {}) is None
        dying.join()
