"""The people's own data, apart from the engine's state: sessions that outlive a restart, and who changed what."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

from yeoul.errors import StateError

__all__ = ["People"]

_FILE = "people.db"
_STEPS = (
    """
CREATE TABLE password (one INTEGER PRIMARY KEY CHECK (one = 1), salt BLOB NOT NULL, hash BLOB NOT NULL);
CREATE TABLE session (digest BLOB PRIMARY KEY, until_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, action TEXT NOT NULL, client TEXT NOT NULL, detail TEXT NOT NULL);
""",
)
_MOST_AUDIT = 100_000
_SCRYPT = {"n": 1 << 14, "r": 8, "p": 1, "maxmem": 64 << 20, "dklen": 32}


class People:
    """The file `people.db` in a folder; small writes, each durable when the call ends.

    Args:
        folder: where the file is or will be; None keeps everything in memory.

    Raises:
        StateError: the file cannot be opened or made.
    """

    def __init__(self, folder: Path | None) -> None:
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
                # nobody else on the machine may read sessions
                os.close(os.open(folder / _FILE, os.O_CREAT | os.O_RDWR, 0o600))
            path = ":memory:" if folder is None else folder / _FILE
            self._db = sqlite3.connect(path, isolation_level=None, timeout=5, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._upgrade()
        except (OSError, sqlite3.Error) as error:
            message = f"`{_FILE}` in `{folder}` cannot be used ({error}); look at the folder's rights and free space"
            raise StateError(message) from error

    def check(self, password: str) -> bool:
        """Whether this is the password. Takes some 50 ms on purpose."""
        row = self._db.execute("SELECT salt, hash FROM password").fetchone()
        return row is not None and _hash(password, row[0]) == row[1]

    def set_password(self, password: str) -> None:
        """Take this password from now on; if it is a new one, all sessions end."""
        if self.check(password):
            return
        salt = os.urandom(16)
        self._db.execute("DELETE FROM session")
        self._db.execute("INSERT OR REPLACE INTO password VALUES (1, ?, ?)", (salt, _hash(password, salt)))

    def sessions(self, now_us: int) -> dict[bytes, int]:
        """Digests of kept sessions, and until when they last."""
        return dict(self._db.execute("SELECT digest, until_us FROM session WHERE until_us > ?", (now_us,)).fetchall())

    def keep_session(self, digest: bytes, until_us: int, now_us: int) -> None:
        """Keep a session over restarts."""
        self._db.execute("DELETE FROM session WHERE until_us <= ?", (now_us,))
        self._db.execute("INSERT OR REPLACE INTO session VALUES (?, ?)", (digest, until_us))

    def drop_session(self, digest: bytes) -> None:
        """End a session."""
        self._db.execute("DELETE FROM session WHERE digest = ?", (digest,))

    def note(self, at_us: int, action: str, client: str, detail: dict[str, Any]) -> None:
        """Write down who changed what.

        Raises:
            StateError: it could not be written; the change must not be made.
        """
        try:
            row = (at_us, action, client, json.dumps(detail))
            last = self._db.execute(
                "INSERT INTO audit (at_us, action, client, detail) VALUES (?, ?, ?, ?)", row
            ).lastrowid
            self._db.execute("DELETE FROM audit WHERE id <= ?", ((last or 0) - _MOST_AUDIT,))
        except sqlite3.Error as error:
            message = f"nothing was changed, because it could not be written down who asked for it ({error})"
            raise StateError(message) from error

    def audit(self, limit: int = 200) -> list[dict[str, Any]]:
        """What was changed, newest first."""
        rows = self._db.execute("SELECT at_us, action, client, detail FROM audit ORDER BY id DESC LIMIT ?", (limit,))
        return [{"at_us": row[0], "action": row[1], "client": row[2], "detail": json.loads(row[3])} for row in rows]

    def close(self) -> None:
        """Let go of the file."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()

    def _upgrade(self) -> None:
        have = self._db.execute("PRAGMA user_version").fetchone()[0]
        if have > len(_STEPS):
            message = f"`{_FILE}` was written by a newer Yeoul (schema {have}, this one knows {len(_STEPS)})"
            raise StateError(message)
        for number in range(have, len(_STEPS)):
            self._db.executescript(f"BEGIN; {_STEPS[number]} PRAGMA user_version = {number + 1}; COMMIT;")


def _hash(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, **_SCRYPT)
