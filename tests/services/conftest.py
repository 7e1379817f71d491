"""`yeoul submit` as the process that users run; it and what it needs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from yeoul.testing.processes import process_tree

CONF = ("spark.sql.shuffle.partitions=2", "spark.driver.memory=1g")
CONF += ("spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1",)  # small jobs end before Java has optimised them


class Submit:
    """`yeoul submit` on two cores of this machine, in a process group of its own.

    Args:
        folder: the workspace.
        words: more words of the command.
    """

    def __init__(self, folder: Path, *words: str) -> None:
        conf = [word for setting in CONF for word in ("--conf", setting)]
        command = [sys.executable, "-m", "yeoul.cli", "submit", str(folder), "--master", "local[2]", *conf, *words]
        self._log = folder / f".submit-{time.monotonic_ns()}.log"
        self._out = self._log.with_suffix(".out")
        with self._log.open("ab") as log, self._out.open("ab") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=log, start_new_session=True
            )

    @property
    def said(self) -> str:
        """Standard error so far."""
        return self._log.read_text(errors="replace")

    @property
    def out(self) -> str:
        """Standard output so far."""
        return self._out.read_text(errors="replace")

    @property
    def batches(self) -> list[str]:
        """The lines that tell of a batch."""
        return [line for line in self.said.splitlines() if ": batch " in line]

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self.process.poll() is None

    def kill(self) -> None:
        """`kill -9` of the driver: Python and Java."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def kill_java(self) -> None:
        """`kill -9` of Java alone, as the system does that is short of memory."""
        for pid in process_tree(self.process.pid)[1:]:
            os.kill(pid, signal.SIGKILL)

    def stop(self, within_s: float = 120.0) -> int:
        """SIGTERM to Python and Java, as who ends a service sends it to all its processes; the exit code."""
        os.killpg(self.process.pid, signal.SIGTERM)
        return self.process.wait(within_s)

    def ended_by(self, within_s: float = 120.0) -> int:
        """Wait until it ends by itself; the exit code."""
        return self.process.wait(within_s)


@pytest.fixture(scope="session")
def java() -> None:
    """The test skips where Spark cannot run."""
    if not shutil.which("java"):
        pytest.skip("no Java on this machine: apt-get install default-jre-headless")


@pytest.fixture
def submits(java: None) -> Iterator[Callable[..., Submit]]:  # noqa: ARG001  (skips)
    """Starts `yeoul submit`, arguments as `Submit`; what still runs at the end is killed."""
    made: list[Submit] = []

    def start(folder: Path, *words: str) -> Submit:
        made.append(Submit(folder, *words))
        return made[-1]

    yield start
    for each in made:
        if each.running:
            each.kill()
