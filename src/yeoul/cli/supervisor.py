"""Child processes of `run` and `demo`: started, watched, restarted after a crash, ended together."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from yeoul.errors import BusyError, StateError

__all__ = ["Child", "Supervisor", "console_process", "die_with_parent", "engine_process"]

_STOP_WITHIN_S = 9.0
_STEADY_S = 60.0
_LONGEST_WAIT_S = 30.0
_CONSOLE_WITHIN_S = 30.0
_PR_SET_PDEATHSIG = 1
_PARENT = "_YEOUL_PARENT"
"""The variable that tells a child which process started it."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process to start: what it is called for people, its command, whether a crash is worth another try."""

    name: str
    command: tuple[str, ...]
    restart: bool = True


def engine_process(folder: Path, *, part: str | None = None) -> Child:
    """The engine of a workspace, or a part of it."""
    only = () if part is None else ("--part", part)
    return Child("engine", (sys.executable, "-m", "yeoul.cli", "engine", str(folder), *only))


def console_process(folder: Path, *, port: int | None = None, demo: Path | None = None) -> Child:
    """The console of a workspace; it prints its address when it listens."""
    command = [sys.executable, "-m", "yeoul.cli", "console", str(folder)]
    if port is not None:
        command += ["--port", str(port)]
    if demo is not None:
        command += ["--demo", str(demo)]
    return Child("console", tuple(command))


def die_with_parent() -> None:
    """Ask the system for a SIGTERM when the process that started this one is gone, however it went."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # it may be gone already: then nobody would ever say so, and this engine would hold the state for good
    parent = os.environ.get(_PARENT, "")
    if parent and parent != str(os.getppid()):
        signal.raise_signal(signal.SIGTERM)


@dataclass(slots=True)
class _Running:
    child: Child
    process: subprocess.Popen[bytes]
    started_s: float
    tries: int = 0
    again_s: float | None = None


class Supervisor:
    """Starts children and ends them all when the block ends or one of them gives up."""

    def __init__(self) -> None:
        self._running: list[_Running] = []
        self._stopping = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def start(self, child: Child, until: bytes | None = None) -> None:
        """Start a child; with `until`, wait for a line that begins so and pass it on.

        Raises:
            BusyError: it ended before it said so.
        """
        process = self._spawn(child, stdout=None if until is None else subprocess.PIPE)
        self._running.append(_Running(child, process, time.monotonic()))
        if until is not None:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.startswith(until):
                message = f"the {child.name} did not start; it says why above"
                raise BusyError(message)
            sys.stderr.write(line.decode())

    def start_console(self, child: Child) -> str:
        """Start the console; its address.

        Raises:
            BusyError: it did not come up; what it said stands on standard error.
        """
        process = self._spawn(child, stdout=subprocess.PIPE)
        assert process.stdout is not None
        self._running.append(_Running(child, process, time.monotonic()))
        line = process.stdout.readline()
        if not line:
            code = process.wait()
            message = f"the console did not start (exit code {code}); it says why above"
            raise BusyError(message)
        return str(json.loads(line)["url"])

    def wait(self, for_s: float | None = None, each: Callable[[], None] = lambda: None) -> int:
        """Watch the children until a signal, the end of `for_s`, or one that gives up; the exit code."""
        until = None if for_s is None else time.monotonic() + for_s
        while not self._stopping and (until is None or time.monotonic() < until):
            for running in self._running:
                code = self._look(running)
                if code is not None:
                    return code
            each()
            time.sleep(0.05)
        return 0

    def end(self) -> None:
        """End all children: ask first, then insist."""
        for running in reversed(self._running):
            if running.process.poll() is None:
                running.process.send_signal(signal.SIGTERM)
        until = time.monotonic() + _STOP_WITHIN_S
        for running in self._running:
            try:
                running.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                running.process.kill()
                running.process.wait()
        self._running = []

    def _look(self, running: _Running) -> int | None:
        """Restart a child that crashed; the exit code when it gave up with a reason."""
        now = time.monotonic()
        if running.again_s is not None:
            if now >= running.again_s:
                running.process, running.started_s, running.again_s = self._spawn(running.child), now, None
            return None
        code = running.process.poll()
        if code is None or self._stopping:
            return None
        # an error of ours has said what is wrong and would only say it again; a signal or a bug may pass
        if 0 <= code <= 2 or not running.child.restart:
            return code
        if now - running.started_s > _STEADY_S:
            running.tries = 0
        running.tries += 1
        wait_s = min(_LONGEST_WAIT_S, 0.5 * 2.0**running.tries)
        running.again_s = now + wait_s
        message = f"the {running.child.name} ended unexpectedly (exit code {code}); starting it again in {wait_s:.0f} s"
        sys.stderr.write(f"{StateError(message)}\n")
        return None

    @staticmethod
    def _spawn(child: Child, stdout: int | None = None) -> subprocess.Popen[bytes]:
        # children get no terminal signals of their own: Ctrl-C comes to us and we pass it on in order
        return subprocess.Popen(  # noqa: S603  (our own commands)
            child.command,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            start_new_session=True,
            env={**os.environ, _PARENT: str(os.getpid())},
        )
