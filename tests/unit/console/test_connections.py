"""Connections that stand still are ended, whatever they wait for; those that work are not."""

from __future__ import annotations

import resource
import socket
import struct
import time
from typing import Any

import pytest

from yeoul.console import connections
from yeoul.console.connections import Connections, HttpConnection

pytestmark = pytest.mark.slow  # what stands still is waited for

HANDSHAKE = (
    b"GET /api/live HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yeoul.console.server.Connections", lambda: Connections(1.5, 1.5))


def _connection(address: str) -> socket.socket:
    connection = socket.socket()
    # a small window: what is not read is soon felt by who sends
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", int(address.rpartition(":")[2])))
    connection.settimeout(10)
    return connection


def _ended(connection: socket.socket) -> bool:
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def _ended_while_sending(connection: socket.socket, data: bytes, every_s: float) -> bool:
    connection.settimeout(0.1)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            connection.sendall(data)
        except TimeoutError:
            continue
        except ConnectionError:
            return True
        time.sleep(every_s)
    return False


@pytest.mark.parametrize(
    "begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ", b"GET / HTTP/1.1\r\n"], ids=repr
)
def test_a_request_that_never_comes_is_not_waited_for(console: Any, begun: bytes) -> None:
    with _connection(console.address) as connection:
        connection.sendall(begun)
        assert _ended(connection)


def test_a_head_that_comes_drop_by_drop_is_not_waited_for(console: Any) -> None:
    with _connection(console.address) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        assert _ended_while_sending(connection, b"X-A: b\r\n", every_s=0.1)


def test_answers_that_nobody_reads_end_the_connection(console: Any) -> None:
    with _connection(console.address) as connection:
        asked = b"GET /api/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 20
        assert _ended_while_sending(connection, asked, every_s=0.05)


def test_pings_of_who_does_not_read_are_not_answered_into_memory(console: Any) -> None:
    ping = b"\x89\xfd" + b"\0\0\0\0" + b"x" * 125
    with _connection(console.address) as connection:
        connection.sendall(HANDSHAKE)
        assert connection.recv(4096).startswith(b"HTTP/1.1 101")
        assert _ended_while_sending(connection, ping * 1000, every_s=0)


def test_a_message_of_endless_empty_parts_is_refused(console: Any) -> None:
    with _connection(console.address) as connection:
        connection.sendall(HANDSHAKE)
        assert connection.recv(4096).startswith(b"HTTP/1.1 101")
        connection.sendall(b"\x01\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 500)
        closed = connection.recv(4096)
        assert closed[0] == 0x88
        assert struct.unpack("!H", closed[2:4])[0] == 1008


@pytest.mark.usefixtures("engine")
def test_a_page_that_reads_stays(console: Any, open_page: Any) -> None:
    page = open_page(console, "now")
    until = time.monotonic() + 4
    while time.monotonic() < until:
        page.take()
    assert console.http.get("/api/now").status_code == 200


def test_more_connections_than_there_is_room_for_are_let_go_at_once(
    console: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpConnection, "most", 3)
    held = [_connection(console.address) for _ in range(6)]
    try:
        assert _ended(held[-1])
    finally:
        for connection in held:
            connection.close()
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with _connection(console.address) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            try:
                if connection.recv(100).startswith(b"HTTP/1.1"):
                    return
            except ConnectionError:
                time.sleep(0.1)
    pytest.fail("there was no room again after they had gone")


def test_the_limit_of_open_files_bounds_the_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(HttpConnection, "most", 0)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 1024))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    connections.raise_limit()
    assert (asked, HttpConnection.most) == ([(1024, 1024)], 924)


@pytest.mark.parametrize(
    "after", [b"\xff\xfe no request\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost: [\x00\r\n\r\n"]
)
def test_what_is_no_request_after_one_that_is_makes_no_noise(
    console: Any, after: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    for path in (b"/api/now", b"/api/openapi.json", b"/"):
        with _connection(console.address) as connection:
            connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + after)
            assert _ended(connection)
    assert [record.message for record in caplog.records if record.exc_info] == []
