"""The state file for reading: opened when it appears, opened again when it was replaced, one snapshot an answer."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from yeoul.errors import StateError
from yeoul.store import State, read_state

__all__ = ["StateReader"]

_FILE = "state.db"


class StateReader:
    """Reads the state in a folder beside a running engine; one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._state: State | None = None
        self._identity: tuple[int, int] | None = None

    @property
    def exists(self) -> bool:
        """Whether there is a state at all."""
        return (self.folder / _FILE).exists()

    def changed_us(self) -> int | None:
        """When something was written last, by the file's own time; None without a state."""
        times = []
        for path in (self.folder / _FILE, self.folder / f"{_FILE}-wal"):
            with contextlib.suppress(OSError):
                times.append(path.stat().st_mtime_ns // 1000)
        return max(times, default=None)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """All statements of the block see the same commit.

        Raises:
            StateError: there is no state, or it cannot be read.
        """
        try:
            db = self._open().db
            db.execute("BEGIN")
            try:
                yield db
            finally:
                with contextlib.suppress(sqlite3.Error):
                    db.execute("ROLLBACK")
        except (sqlite3.Error, OSError) as error:
            self.close()
            message = f"the state in `{self.folder}` cannot be read ({error})"
            raise StateError(message) from error

    def close(self) -> None:
        """Let go of the file; the next snapshot opens it again."""
        if self._state is not None:
            self._state.close()
            self._state = None

    def _open(self) -> State:
        identity = _identity(self.folder / _FILE)
        if self._state is not None and identity != self._identity:
            self.close()
        if self._state is None:
            self._state = read_state(self.folder)
            self._identity = identity
        return self._state


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino
