"""What the one writer copies: the write-ahead log back into the state file, and the state file to its good copy.

SQLite would do the first by itself, at a moment of its choice; here the sums of the pages are written down before.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import sys
import threading
import time
from pathlib import Path

import numpy as np

from yeoul.errors import DamagedError
from yeoul.store.good_copy import copy_age_s, make_copy
from yeoul.store.sums import Sums, without_locks
from yeoul.store.wal import page_sum, read_wal

__all__ = ["SUMS", "Copying"]

SUMS = "state.sums"
_FRAMES = 2000
"""The log is copied back when it has grown by this many pages, and by half of what it holds."""
_FEWEST_FRAMES = 100
_FREE_SHARE = 4
"""Nor may it grow beyond this part of what is free."""
_COPY_EVERY_S = 600.0
_FIRST_COPY_S = 60.0
_COPY_SHARE = 50
"""A good copy is made at most when this many times its own duration has passed."""
_AT_STOP_BYTES = 128 << 20
"""A larger state is not copied when the engine stops."""
_AGAIN_S = 10.0
"""When a reader held up what a good copy begins with."""
_SPARE_BYTES = 64 << 20


class Copying:
    """Of one open state.

    Args:
        db: the writer's connection; SQLite's own checkpoints are off.
        guard: a second connection that only reads: while it is open, closing the first copies nothing back.
        folder: of the state.
        sums: of the state file's pages; None: not known yet.
    """

    def __init__(self, db: sqlite3.Connection, guard: sqlite3.Connection, folder: Path, sums: Sums | None) -> None:
        self._db = db
        self._guard = guard
        self._folder = folder
        guard.execute("SELECT count(*) FROM sqlite_master").fetchone()
        # both stay open as long as the connection is: closing a file would let go of SQLite's locks on it
        self._file = os.open(folder / "state.db", os.O_RDONLY | os.O_CLOEXEC)
        self._index = os.open(folder / "state.db-shm", os.O_RDONLY | os.O_CLOEXEC)
        self._complete = False
        self._again_s = 0.0
        self._due = 0, b""
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._damaged: DamagedError | None = None
        age_s = copy_age_s(folder)
        self._copied_s = time.monotonic() - (
            _COPY_EVERY_S - _FIRST_COPY_S if age_s is None else min(age_s, _COPY_EVERY_S)
        )
        self._took_s = 0.0
        self._stale = False
        try:
            if sums is not None:
                self._check_cut_short(sums)
            self.sums = sums or self._first_sums()
            self.copy_back()
        except BaseException:
            self._let_go_of_files()
            raise

    def _first_sums(self) -> Sums:
        """Of a new state, or one of a release that kept none."""
        self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        page_bytes = self._db.execute("PRAGMA page_size").fetchone()[0]
        count = os.fstat(self._file).st_size // page_bytes
        found = [page_sum(os.pread(self._file, page_bytes, number * page_bytes)) for number in range(count)]
        sums = Sums(page_bytes, without_locks(np.array(found, np.uint32), page_bytes))
        sums.write(self._folder / SUMS)
        return sums

    def _check_cut_short(self, sums: Sums) -> None:
        """See to the pages that only a commit holds that is none: one not in the index, which a reader has kept."""
        path = self._folder / "state.db-wal"
        frames, salt = self._log()
        whole = read_wal(path)
        if (whole.frames, whole.salt) == (frames, salt):
            return
        held = read_wal(path, frames).pages if whole.salt == salt else {}
        size = sums.page_bytes
        for page in sorted(whole.pages.keys() - held.keys()):
            wanted = int(sums.sums[page - 1]) if page <= len(sums.sums) else 0
            if wanted and page_sum(os.pread(self._file, size, (page - 1) * size)) != wanted:
                message = f"page {page} of `state.db` is not what was written"
                raise DamagedError(message)

    def look(self) -> None:
        """After each transaction: copy the log back when it has grown.

        Raises:
            DamagedError: the log or the state file is not what was written.
        """
        self._stale = True
        if self._damaged is not None:
            raise self._damaged
        frames, salt = self._log()
        most, of = self._due
        if frames >= (most if salt == of else self._most_frames()):
            self.copy_back()

    def _most_frames(self) -> int:
        """What the log may grow to; on a small disk it must not be what fills it."""
        free = shutil.disk_usage(self._folder).free
        return max(_FEWEST_FRAMES, min(_FRAMES, free // _FREE_SHARE // self.sums.page_bytes))

    def make_room(self) -> None:
        """On a full disk: what is in the log goes to where it belongs, and the log becomes empty, if readers let it."""
        with contextlib.suppress(sqlite3.OperationalError):
            if self.copy_back():
                self._db.execute("PRAGMA busy_timeout = 0")
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.execute("PRAGMA busy_timeout = 10000")

    def copy_back(self) -> bool:
        """Copy the log back into the state file, as far as readers let it; whether all of it was.

        On a full disk nothing happens: the log goes on growing, and a transaction that finds no space says so.
        """
        if self._copying():
            return False
        frames, salt = self._log()
        self._due = frames + max(self._most_frames(), frames // 2), salt
        if not frames or (self._complete and (self.sums.salt, self.sums.frames) == (salt, frames)):
            self._complete = True
            return True
        wal = read_wal(self._folder / "state.db-wal", frames)
        if (wal.frames, wal.salt) != (frames, salt):
            message = f"`state.db-wal` is damaged after frame {wal.frames} of {frames}; start the engine again"
            raise DamagedError(message)
        sums = self.sums.following(wal, complete=self._complete)
        try:
            sums.write(self._folder / SUMS)
        except OSError:
            return False
        self.sums, self._complete = sums, False
        with contextlib.suppress(sqlite3.OperationalError):
            busy, held, copied = self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._complete = not busy and held == copied
        return self._complete

    def _log(self) -> tuple[int, bytes]:
        """Frames in the log, and its salt, from SQLite's index of it (fileformat2.html, section 4)."""
        head = os.pread(self._index, 48, 0)
        return int.from_bytes(head[16:20], sys.byteorder), head[32:40]

    def keep_copy(self, *, now: bool = False) -> None:
        """Begin to make the good copy when it is due, or `now`; it is made beside what goes on."""
        at_s = time.monotonic()
        due_s = max(self._copied_s + max(_COPY_EVERY_S, self._took_s * _COPY_SHARE), self._again_s)
        if self._copying() or not (now or at_s >= due_s):
            return
        self._again_s = at_s + _AGAIN_S
        size = os.fstat(self._file).st_size
        if shutil.disk_usage(self._folder).free < size + max(size, _SPARE_BYTES):
            return
        if not self.copy_back():
            return
        self._copied_s, self._stale = time.monotonic(), False
        self._thread = threading.Thread(target=self._make, args=(self.sums,), name="good copy", daemon=True)
        self._thread.start()

    def _make(self, sums: Sums) -> None:
        begun = time.monotonic()
        try:
            make_copy(self._file, sums, self._folder, self._stop.is_set)
        except DamagedError as error:
            self._damaged = error
        except OSError:
            return  # no space, or no right to write: the copy that is there stays, and the next time comes
        self._took_s = time.monotonic() - begun

    def _copying(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def close(self) -> None:
        """Copy everything back, make the good copy of a state that is not large, close both connections."""
        if self._thread is not None and self._stale:
            self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._stop.clear()
        try:
            if self._damaged is None:
                all_back = self.copy_back()
                if all_back and self._stale and os.fstat(self._file).st_size <= _AT_STOP_BYTES:
                    self.keep_copy(now=True)
                    if self._thread is not None:
                        self._thread.join()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        # the last connection that closes copies back what is left, and removes the log; only when all of that has sums
        frames, salt = self._log()
        first, last = self._db, self._guard
        if self._damaged is None and (not frames or (self.sums.salt, self.sums.frames) == (salt, frames)):
            first, last = last, first
        first.close()
        last.close()
        self._let_go_of_files()

    def _let_go_of_files(self) -> None:
        os.close(self._file)
        os.close(self._index)
