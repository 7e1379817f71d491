"""The engine as the process that users run: started, asked how far it is, stopped, killed, started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from yeoul.events import Ledger
from yeoul.flows.summary import summary
from yeoul.settings import load_workspace
from yeoul.store import read_state

__all__ = ["EngineProcess", "counts", "everything_closed", "open_parts", "process_tree", "wait_for"]


class EngineProcess:
    """`yeoul run --no-console` on a workspace; standard error is kept in `said`.

    Args:
        folder: the workspace.
        faults: arguments of `yeoul.testing.faults`; then the engine runs alone, without who would start it again.
        under: a command that runs the command that follows it, such as `["faketime", "-5m"]`.
        environment: variables added to those of this process.
        part: as in `--part`.
    """

    def __init__(
        self,
        folder: Path,
        faults: Sequence[str] = (),
        under: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        part: str | None = None,
    ) -> None:
        self.folder = folder
        self.part = part
        self.under = tuple(under)
        self.environment = dict(environment or {})
        self.process: subprocess.Popen[bytes]
        self._log = folder / f".engine-{time.monotonic_ns()}.log"
        self.start(faults)

    @property
    def said(self) -> str:
        """Standard error of all starts so far."""
        return self._log.read_text(errors="replace")

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self.process.poll() is None

    def start(self, faults: Sequence[str] = ()) -> None:
        """Start it, again too."""
        only = [] if self.part is None else ["--part", self.part]
        verb = ["engine", str(self.folder)] if faults else ["run", str(self.folder), "--no-console", *only]
        module = ["yeoul.testing.faults", *faults] if faults else ["yeoul.cli"]
        command = [*self.under, sys.executable, "-m", *module, *verb]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  (our own commands)
                command, stdin=subprocess.DEVNULL, stderr=log, env={**os.environ, **self.environment}
            )

    def pids(self) -> list[int]:
        """The process and its children, the youngest first."""
        return process_tree(self.process.pid)[::-1]

    def kill(self) -> None:
        """`kill -9`, the engine before who would start it again."""
        # stopped first, so that nothing is told to end in good order by the death of another
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in self.pids()[::-1] if number == signal.SIGSTOP else self.pids():
                _signal(pid, number)
        self.process.wait()

    def freeze(self) -> None:
        """It hangs: keeps its connections and does nothing."""
        for pid in self.pids()[::-1]:
            _signal(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it was frozen."""
        for pid in self.pids():
            _signal(pid, signal.SIGCONT)

    def stop(self, within_s: float = 30.0) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)

    def ended_by(self, within_s: float = 60.0) -> int:
        """Wait until it ends by itself; the exit code, negative for a signal."""
        return self.process.wait(within_s)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def process_tree(pid: int) -> list[int]:
    """A process and all that it started, the oldest first."""
    found = [pid]
    for each in found:
        found += _children(each)
    return found


def _children(pid: int) -> list[int]:
    try:
        return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except OSError:
        return []


def wait_for(what: Callable[[], object], within_s: float = 60.0, every_s: float = 0.1) -> float:
    """Wait until `what()` is true; how many seconds it took.

    Raises:
        TimeoutError: it did not become so.
    """
    begun = time.monotonic()
    while not what():
        if time.monotonic() - begun > within_s:
            message = f"waited {within_s:.0f} s in vain for `{getattr(what, '__name__', what)}`"
            raise TimeoutError(message)
        time.sleep(every_s)
    return time.monotonic() - begun


def counts(folder: Path, stream: str = "hits") -> Ledger:
    """The ledger of a workspace's stream as it is kept now."""
    if not (folder / ".yeoul/state.db").exists():
        return Ledger()
    books = summary(load_workspace(folder).plan()).ledgers
    return Ledger(**books[stream]["total"]) if stream in books else Ledger()


def open_parts(folder: Path) -> int:
    """Parts of windows that are still open or to be revised."""
    state = read_state(folder / ".yeoul")
    try:
        return int(state.db.execute("SELECT count(*) FROM part").fetchone()[0])
    finally:
        state.close()


def everything_closed(folder: Path, rows: int) -> Callable[[], bool]:
    """Whether all rows are read and, by the silence that follows, the last window is closed.

    Only without `allowed_lateness`: with it parts are kept longer.
    """

    def all_closed() -> bool:
        return counts(folder).read == rows and not open_parts(folder)

    return all_closed
