"""Opening the state file: the lock that makes one writer, the schema's steps, transactions that say why they failed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from yeoul.errors import BusyError, StateError, StorageFullError
from yeoul.store.schema import STEPS

__all__ = ["State", "open_state", "read_state", "scratch_state"]

_FILE = "state.db"


class State:
    """A connection to the state file of one workspace; `db` is for statements, `transaction` for writing."""

    def __init__(self, db: sqlite3.Connection, folder: Path, lock: int | None = None) -> None:
        self.db = db
        self.folder = folder
        self._lock = lock

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, durable when the block ends.

        Raises:
            StorageFullError: the disk is full; nothing of the block was kept, the same block may be tried again.
            StateError: the file is damaged.
        """
        try:
            self.db.execute("BEGIN IMMEDIATE")
            yield self.db
            self.db.execute("COMMIT")
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):
                self.db.execute("ROLLBACK")
            _raise_plain(error, self.folder)
            raise

    def meta(self, key: str) -> str | None:
        """A fact about this state."""
        row = self.db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        """Note a fact (inside a transaction)."""
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def close(self) -> None:
        """Close the file and let go of the lock."""
        self.db.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _raise_plain(error: BaseException, folder: Path) -> None:
    """Raise the family's error for what SQLite and the system call by many names; return when there is none."""
    code = getattr(error, "sqlite_errorcode", None)
    full = code is not None and code & 0xFF == sqlite3.SQLITE_FULL
    no_space = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
    # SQLite reports a write that found no space as a plain I/O error on some file systems
    io_full = code is not None and code & 0xFF == sqlite3.SQLITE_IOERR and _free_bytes(folder) < 1 << 16
    if full or no_space or io_full:
        message = f"the disk that holds `{folder}` is full; free some space, work resumes by itself"
        raise StorageFullError(message) from error
    if code is not None and code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        message = f"the state in `{folder}` is damaged ({error})"
        raise StateError(message) from error


def _free_bytes(folder: Path) -> int:
    facts = os.statvfs(folder)
    return facts.f_bavail * facts.f_frsize


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}{'?mode=ro' if read_only else ''}"
    # our transactions are explicit; another thread may close what one opened, never use it at the same time
    db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10, check_same_thread=False)
    db.execute("PRAGMA mmap_size = 0")
    return db


def _prepare(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA wal_autocheckpoint = 2000")
    db.execute("PRAGMA cache_size = -16000")


def _upgrade(state: State) -> None:
    have = state.db.execute("PRAGMA user_version").fetchone()[0]
    if have > len(STEPS):
        message = (
            f"the state in `{state.folder}` was written by a newer Yeoul (schema {have}, this one knows {len(STEPS)})"
        )
        raise StateError(message)
    for number in range(have, len(STEPS)):
        with state.transaction() as db:
            for statement in STEPS[number].split(";\n"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number + 1}")


def open_state(folder: Path) -> State:
    """The state of a workspace for its one writer; made when it is not there yet.

    Raises:
        BusyError: another engine holds it.
        StateError: it is damaged or of a newer release.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(lock, 32, 0).decode(errors="replace").strip()
        os.close(lock)
        message = (
            f"the state in `{folder}` is in use by another engine (process {holder or 'unknown'}); stop that one first"
        )
        raise BusyError(message) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    try:
        state = State(_connect(folder / _FILE, read_only=False), folder, lock)
        _prepare(state.db)
        _upgrade(state)
    except sqlite3.Error as error:
        os.close(lock)
        _raise_plain(error, folder)
        raise
    return state


def scratch_state(folder: Path) -> State:
    """A state that nobody keeps: the same tables, for a replay."""
    folder.mkdir(parents=True, exist_ok=True)
    state = State(_connect(folder / _FILE, read_only=False), folder)
    _prepare(state.db)
    _upgrade(state)
    return state


def read_state(folder: Path) -> State:
    """The state for a reader beside a running engine.

    Raises:
        StateError: there is none.
    """
    path = folder / _FILE
    if not path.exists():
        message = f"there is no state in `{folder}` yet; `yeoul run` makes it"
        raise StateError(message)
    db = _connect(path, read_only=True)
    return State(db, folder)
