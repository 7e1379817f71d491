"""Many at the console at once, and those who stand still: nobody waits for them, least of all the engine."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from yeoul.testing.consoles import close_delays, open_files, rss_bytes
from yeoul.testing.processes import counts, wait_for
from yeoul.testing.workspaces import plain_line

pytestmark = pytest.mark.slow
S = 1_000_000
MB = 1 << 20
CROWD = Path(__file__).with_name("crowd.py")


@pytest.mark.parametrize(
    "clients",
    [
        pytest.param(15, id="15 of each kind"),
        pytest.param(300, marks=[pytest.mark.soak, pytest.mark.timeout(600)], id="300 of each kind"),
    ],
)
def test_those_who_stand_still_are_let_go_and_nobody_waits_for_them(attacked: Any, clients: int) -> None:
    host = f"Host: 127.0.0.1:{attacked.port}\r\n".encode()
    upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    shake = b"GET /api/live HTTP/1.1\r\n" + host + upgrade + b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    wish = b'{"subscribe":["now","pipeline","ranking:hot"]}'
    subscribed = shake + b"\x81" + bytes([0x80 | len(wish)]) + b"\0\0\0\0" + wish
    attacked.get(b"/api/now")
    files, memory = open_files(attacked.console), rss_bytes(attacked.console)
    most = memory
    with ExitStack() as held:
        kinds = [
            (b"", b""),
            (b"GET / HTTP/1.1\r\n" + host, b"X: y\r\n"),
            (
                b"POST /api/login HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n"
                + host
                + b"\r\n",
                b"x",
            ),
            (b"", (b"GET /api/openapi.json HTTP/1.1\r\n" + host + b"\r\n") * 50),
            (subscribed, (b"\x89\xfd\0\0\0\0" + b"x" * 125) * 2000),
        ]
        slow = [
            (held.enter_context(attacked.connection(window_bytes=4096)), begun, then)
            for begun, then in kinds
            for _ in range(clients)
        ]
        for connection, begun, _ in slow:
            connection.sendall(begun)
            connection.setblocking(False)
        until = time.monotonic() + 90
        waits: list[float] = []
        while slow and time.monotonic() < until:
            slow = [each for each in slow if _still_there(each[0], each[2])]
            most = max(most, rss_bytes(attacked.console))
            begun_s = time.monotonic()
            assert attacked.status(attacked.get(b"/api/now")) == 200
            waits.append(time.monotonic() - begun_s)
            time.sleep(0.2)
        assert not slow, f"{len(slow)} of {len(kinds) * clients} are still served"
    print(
        f"{5 * clients} stood still: {len(waits)} others waited p50 {np.median(waits):.3f} s, most {max(waits):.3f} s"
    )
    print(f"console: {memory / MB:.0f} MB before, {most / MB:.0f} MB at most")
    assert np.median(waits) < 3
    # the rest of a body, a request's answer and a socket's buffers, for each of them
    assert most < memory + 50 * MB + 5 * clients * MB // 3
    wait_for(attacked.settled(files + 5, memory + 50 * MB), 40)


def _still_there(connection: socket.socket, data: bytes) -> bool:
    """Goes on as an attacker does; whether the other side still takes it."""
    try:
        if data:
            connection.sendall(data)
        else:
            return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("clients", "probes"),
    [
        pytest.param(60, 20, id="60 clients"),
        pytest.param(500, 300, marks=[pytest.mark.soak, pytest.mark.timeout(600)], id="500 clients"),
    ],
)
def test_the_engine_does_not_feel_a_crowd_at_the_console(attacked: Any, clients: int, probes: int) -> None:
    log = attacked.run.folder / "logs/a.ndjson"
    newest_us = [attacked.first_us + counts(attacked.run.folder).counted * S]

    def write(_: int) -> None:
        newest_us[0] += S
        with log.open("ab") as file:
            file.write(plain_line(newest_us[0]))

    # the front comes near in steps that are believed at once
    with log.open("ab") as file:
        file.writelines(plain_line(at) for at in range(attacked.first_us + 200 * S, newest_us[0], S // 2))
    console, engine = attacked.console, attacked.run.pid_of("engine")
    attacked.get(b"/api/now")
    before = open_files(console), rss_bytes(console), rss_bytes(engine)
    alone = close_delays(attacked.run.folder, write, probes)
    command = [sys.executable, str(CROWD), attacked.address, str(clients), str(4 + probes / 6)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as crowd:
        wait_for(lambda: open_files(console) > before[0] + clients * 9 // 10, 30)
        among = close_delays(attacked.run.folder, write, probes)
        most = rss_bytes(console)
        said, _ = crowd.communicate(timeout=120)
    became = json.loads(said)
    for what, delays in (("alone", alone), (f"with {clients} clients", among)):
        print(f"line to closed window, {what}: p50 {np.median(delays):.3f} s, p99 {np.percentile(delays, 99):.3f} s")
    print(f"console: {before[1] / MB:.0f} MB before, {most / MB:.0f} MB with all; {became}")
    assert not [kind for kind in became if kind.startswith(("failed", "answered 5"))], became
    assert became["messages"] > clients
    assert np.median(among) < np.median(alone) + 0.5
    wait_for(attacked.settled(before[0] + 8, before[1] + 60 * MB), 60)
    assert rss_bytes(engine) < before[2] + 20 * MB
