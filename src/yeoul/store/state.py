"""Opening the state file: the lock that makes one writer, the checksums, the schema's steps, transactions."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from yeoul.errors import BusyError, DamagedError, StateError, StorageFullError
from yeoul.store.copying import SUMS, Copying
from yeoul.store.good_copy import Restored, put_copy_back
from yeoul.store.schema import STEPS
from yeoul.store.sums import check_files

__all__ = ["State", "check_at_rest", "check_state", "open_state", "read_state", "scratch_state"]

_FILE = "state.db"
_WAIT_S = 30.0
"""An export looks at every page of a state that no engine has: a second for each gigabyte."""
_LOOK_S = 0.1
_NAMED_WITHIN_S = 1.0


class State:
    """A connection to the state file of one workspace; `db` is for statements, `transaction` for writing."""

    def __init__(
        self, db: sqlite3.Connection, folder: Path, lock: int | None = None, copying: Copying | None = None
    ) -> None:
        self.db = db
        self.folder = folder
        self.restored: Restored | None = None
        """Set when the state was damaged and a good copy took its place."""
        self._lock = lock
        self.copying = copying
        """Of the one writer whose state is kept: copies the log back, and the state to its good copy."""

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
            try:
                _raise_plain(error, self.folder)
            except StorageFullError:
                if self.copying is not None:
                    self.copying.make_room()
                raise
            raise
        if self.copying is not None:
            self.copying.look()

    def meta(self, key: str) -> str | None:
        """A fact about this state."""
        row = self.db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        """Note a fact (inside a transaction)."""
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def keep_copy(self) -> None:
        """Make the good copy when it is due, beside what goes on."""
        if self.copying is not None:
            self.copying.keep_copy()

    def close(self) -> None:
        """Close the file and let go of the lock."""
        try:
            copying, self.copying = self.copying, None
            if copying is None:
                self.db.close()
            else:
                copying.close()
        finally:
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None


def _raise_plain(error: BaseException, folder: Path) -> None:
    """Raise the family's error for what SQLite and the system call by many names; return when there is none."""
    code = getattr(error, "sqlite_errorcode", None)
    full = code is not None and code & 0xFF == sqlite3.SQLITE_FULL
    no_space = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
    # on some file systems SQLite reports a write without space as a plain I/O error, or as a file not to be opened
    io_full = (
        code is not None
        and code & 0xFF in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
        and _free_bytes(folder) < 1 << 16
    )
    if full or no_space or io_full:
        message = f"the disk that holds `{folder}` is full; free some space, work resumes by itself"
        raise StorageFullError(message) from error
    if code is not None and code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        message = f"the state in `{folder}` is damaged ({error})"
        raise DamagedError(message) from error


def _free_bytes(folder: Path) -> int:
    facts = os.statvfs(folder)
    return facts.f_bavail * facts.f_frsize


def _connect(path: Path, *, read_only: bool, alone: bool = False) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}{'?mode=ro' if read_only else ''}{'&immutable=1' if alone else ''}"
    # our transactions are explicit; another thread may close what one opened, never use it at the same time
    db = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10, check_same_thread=False)
    db.execute("PRAGMA mmap_size = 0")
    return db


def _prepare(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA wal_autocheckpoint = 2000")
    db.execute("PRAGMA cache_size = -16000")


def _refuse_newer(db: sqlite3.Connection, folder: Path) -> None:
    have = db.execute("PRAGMA user_version").fetchone()[0]
    if have > len(STEPS):
        message = f"the state in `{folder}` was written by a newer Yeoul (schema {have}, this one knows {len(STEPS)})"
        raise StateError(message)


def _look_through(db: sqlite3.Connection, folder: Path) -> None:
    """A state of a release that kept no sums: as much as SQLite sees by itself."""
    answer = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if answer != "ok":
        message = f"the state in `{folder}` is damaged ({answer})"
        raise DamagedError(message)


def _upgrade(state: State) -> None:
    have = state.db.execute("PRAGMA user_version").fetchone()[0]
    for number in range(have, len(STEPS)):
        with state.transaction() as db:
            for statement in STEPS[number].split(";\n"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number + 1}")


def open_state(folder: Path) -> State:
    """The state of a workspace for its one writer; made when it is not there yet.

    Raises:
        BusyError: another engine holds it.
        DamagedError: it is damaged, and there is no good copy.
        StateError: it is of a newer release.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        _raise_plain(error, folder.parent)
        raise
    if not _lock_for_writing(lock):
        holder = _holder(lock)
        os.close(lock)
        message = f"the state in `{folder}` is in use by another engine (process {holder}); stop that one first"
        raise BusyError(message)
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        return _open_checked(folder, lock)
    except BaseException as error:
        os.close(lock)
        if isinstance(error, sqlite3.Error | OSError):
            _raise_plain(error, folder)
        raise


def _open_checked(folder: Path, lock: int) -> State:
    try:
        return _open(folder, lock)
    except DamagedError as error:
        restored = put_copy_back(folder, str(error))
        if restored is None:
            raise
    state = _open(folder, lock)
    state.restored = restored
    return state


def _make(path: Path) -> None:
    """A new state, made beside its place: a reader sees a whole one or none."""
    beside = path.with_name("state.new.db")
    for suffix in ("", "-wal", "-shm"):
        Path(f"{beside}{suffix}").unlink(missing_ok=True)
    state = State(_connect(beside, read_only=False), path.parent)
    try:
        _prepare(state.db)
        _upgrade(state)
    finally:
        state.close()
    # what is left of a state that is gone: SQLite would put that log's pages into the new one
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    beside.rename(path)


def _open(folder: Path, lock: int) -> State:
    """The state as it lies there.

    Raises:
        DamagedError: its bytes are not those that were written.
    """
    path = folder / _FILE
    sums = check_files(path, folder / f"{_FILE}-wal", folder / SUMS)
    if not path.exists():
        _make(path)
    db = _connect(path, read_only=False)
    guard = None
    try:
        _prepare(db)
        guard = _connect(path, read_only=True)
        _refuse_newer(db, folder)
        if sums is None:
            _look_through(db, folder)
        db.execute("PRAGMA wal_autocheckpoint = 0")
        state = State(db, folder, lock, Copying(db, guard, folder, sums))
    except BaseException as error:
        # the reader last: it copies nothing back from the log
        db.close()
        if guard is not None:
            guard.close()
        if isinstance(error, sqlite3.Error):
            _raise_plain(error, folder)
        raise
    try:
        _upgrade(state)
    except BaseException:
        assert state.copying is not None
        state.copying.close()
        raise
    return state


def check_state(folder: Path) -> bool:
    """Look at the bytes of a state that nobody has open; whether there are checksums to compare them with.

    Raises:
        DamagedError: they are not those that were written.
    """
    return check_files(folder / _FILE, folder / f"{_FILE}-wal", folder / SUMS, mend=False) is not None


def check_at_rest(folder: Path) -> None:
    """Look at the bytes of a state unless an engine has it, which has looked itself.

    Raises:
        DamagedError: they are not those that were written.
    """
    try:
        lock = _lock_for_reading(folder)
    except OSError:
        return
    if lock is None:
        return
    try:
        check_state(folder)
    except DamagedError as error:
        message = (
            f"the state in `{folder}` is damaged ({error}); `yeoul run` goes back to its good copy, or says what to do"
        )
        raise DamagedError(message) from error
    finally:
        os.close(lock)


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
    try:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        # to read, SQLite makes an index of the log, for which a full disk has no room; a log that is empty needs none
        wal = folder / f"{_FILE}-wal"
        lock = None if wal.exists() and wal.stat().st_size else _lock_for_reading(folder)
        if lock is None:
            raise
        db.close()
        return State(_connect(path, read_only=True, alone=True), folder, lock)
    return State(db, folder)


def _lock_for_writing(lock: int) -> bool:
    """Be the one engine; those who only look at the state for a moment are waited for."""
    until_s = time.monotonic() + _WAIT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return False
            fcntl.flock(lock, fcntl.LOCK_UN)
            if time.monotonic() >= until_s:
                return False
            time.sleep(_LOOK_S * random.random())  # noqa: S311 - so that two that start together do not go in step
        else:
            return True


def _holder(lock: int) -> str:
    """The process that holds a lock; one that has just taken it needs a moment to write down which it is."""
    until_s = time.monotonic() + _NAMED_WITHIN_S
    while True:
        pid = os.pread(lock, 32, 0).decode(errors="replace").strip()
        if pid.isdecimal() and Path(f"/proc/{pid}").exists():
            return pid
        if time.monotonic() >= until_s:
            return pid or "unknown"
        time.sleep(0.01)


def _lock_for_reading(folder: Path) -> int | None:
    """Keep engines from starting; None when one runs."""
    lock = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock
