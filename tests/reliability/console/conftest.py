"""The console of a real `yeoul run`, and what an attacker has of it."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from yeoul.testing.consoles import ConsoleProcess, hear, open_files, rss_bytes
from yeoul.testing.workspaces import plain_line, plain_workspace

S = 1_000_000
RANKING = '[rank.hot]\nstream = "hits"\nby = ["title"]\nwithin = ["customer"]\nvalue = "plays"\n'
SECRET = "a-secret-of-the-workspace-file"
PASSWORD = "open sesame"


@dataclass
class Attacked:
    """A running `yeoul run` with data, and what an attacker has of it."""

    run: ConsoleProcess
    address: str
    first_us: int

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    @property
    def console(self) -> int:
        return self.run.pid_of("console")

    def raw(self, data: bytes, within_s: float = 10.0) -> bytes:
        """What is answered to these bytes until the other side ends, or has answered once."""
        with self.connection(within_s) as connection:
            try:
                connection.sendall(data)
                answer = b""
                while part := connection.recv(65536):
                    answer += part
            except (TimeoutError, ConnectionError):
                pass
        self.nothing_leaks(answer)
        return answer

    @staticmethod
    def status(answer: bytes) -> int:
        """Of a raw answer; 0 when it is none."""
        return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0

    def connection(self, within_s: float = 10.0, window_bytes: int | None = None) -> socket.socket:
        connection = socket.socket()
        connection.settimeout(within_s)
        if window_bytes is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window_bytes)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def nothing_leaks(self, answer: bytes) -> None:
        """No server error, and nothing of how or where it runs."""
        assert not re.match(rb"HTTP/1.1 5\d\d", answer), answer[:1000]
        for told in (b"Traceback", b'File "', b"site-packages", b"root:", b"SQLite format", SECRET.encode()):
            assert told not in answer, answer[:1000]
        assert str(self.run.folder).encode() not in answer

    def get(self, path: bytes, **headers: str) -> bytes:
        lines = {"Host": f"127.0.0.1:{self.port}", "Connection": "close"} | headers
        head = b"".join(f"{name}: {value}\r\n".encode() for name, value in lines.items())
        return self.raw(b"GET " + path + b" HTTP/1.1\r\n" + head + b"\r\n")

    def settled(self, files: int, bytes_: int) -> Callable[[], bool]:
        """Whether its console holds no more descriptors and memory than that."""
        return lambda: open_files(self.console) <= files and rss_bytes(self.console) <= bytes_


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    yield from _start(tmp_path_factory.mktemp("open"), {})


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """The same with a password."""
    yield from _start(tmp_path_factory.mktemp("closed"), {"YEOUL_PASSWORD": PASSWORD})


def _start(folder: Path, environment: dict[str, str]) -> Iterator[Attacked]:
    quick = {"window": '"1s"', "delay": '"1s"', "idle_timeout": '"600s"'}
    plain_workspace(folder, stream=quick, extra=f"{RANKING}# {SECRET}\n")
    first_us = time.time_ns() // 1000 // S * S - 7200 * S
    with (folder / "logs/a.ndjson").open("wb") as log:
        for number in range(2000):
            log.write(plain_line(first_us + number * S // 10, f"c{number % 3}", f"m{number % 7}"))
        log.write(b"this is no row\n")
    run = ConsoleProcess(folder, environment=environment)
    try:
        address = run.address
        next(told for told in hear(folder) if told["streams"]["hits"]["ledger"]["read"] == 2001)
        yield Attacked(run, address, first_us)
        assert run.running
        # neither an engine nor a console was started anew, and no error went to the log
        assert "ended unexpectedly" not in run.said
        assert "Traceback" not in run.said, run.said[-3000:]
    finally:
        run.kill()
