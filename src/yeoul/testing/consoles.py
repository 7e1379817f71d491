"""`yeoul run` with its console: where it answers, what its processes weigh, how soon a closed window is told."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from yeoul.testing.processes import EngineProcess, wait_for

__all__ = ["ConsoleProcess", "close_delays", "hear", "open_files", "rss_bytes"]

_ADDRESS = re.compile(r"^console: (http\S+)$", re.MULTILINE)


class ConsoleProcess(EngineProcess):
    """`yeoul run` on a free port, engine and console."""

    def start(self, faults: Sequence[str] = ()) -> None:
        command = [*self.under, sys.executable, "-m", "yeoul.cli", "run", str(self.folder), "--port", "0"]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  (our own command)
                command, stdin=subprocess.DEVNULL, stderr=log, env={**os.environ, **self.environment}
            )

    @property
    def address(self) -> str:
        """Such as `http://127.0.0.1:40123`; waited for."""
        wait_for(lambda: not self.running or _ADDRESS.search(self.said))
        found = _ADDRESS.findall(self.said)
        if not found:
            raise RuntimeError(self.said)
        return str(found[-1])

    def pid_of(self, verb: str) -> int:
        """Of its `engine` or its `console`."""
        for pid in self.pids():
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if verb.encode() in words:
                return pid
        raise ProcessLookupError(verb)


def rss_bytes(pid: int) -> int:
    """Memory of a process that is in use now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_files(pid: int) -> int:
    """How many file descriptors a process holds."""
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208  (`Path.iterdir` opens one more of its own)


def hear(folder: Path, within_s: float = 30.0) -> Iterator[dict[str, Any]]:
    """What a workspace's engine tells its listeners, message by message.

    Raises:
        TimeoutError: it said nothing for so long.
    """
    path = folder / ".yeoul/live.sock"
    wait_for(path.exists, within_s)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(within_s)
        connection.connect(str(path))
        with connection.makefile("rb") as lines:
            for line in lines:
                yield json.loads(line)


def close_delays(folder: Path, write: Callable[[int], None], probes: int, stream: str = "hits") -> list[float]:
    """Seconds from the writing of the line that lets a window close to the engine's word that it is closed and kept.

    Args:
        folder: the workspace.
        write: appends the line that closes one more window, by its number from 0 on; the first may close none.
        probes: how many lines are timed.
        stream: which stream's windows.
    """
    delays: list[float] = []
    heard = hear(folder)

    def seq() -> int:
        return int(next(message for message in heard if stream in message["streams"])["streams"][stream]["log_seq"])

    before = seq()
    for number in range(probes + 1):
        begun = time.monotonic()
        write(number)
        if not number:
            # it opens the first window; what follows is heard when all before it is
            time.sleep(1)
            before = seq()
            continue
        while (now := seq()) == before:
            pass
        before = now
        delays.append(time.monotonic() - begun)
    return delays
