"""The outbox: messages that are still to be told, in the state file, each tried with growing pauses for a day."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

__all__ = ["Message", "Outbox"]

_FIRST_PAUSE_US = 1_000_000
_LONGEST_PAUSE_US = 300_000_000
_GIVE_UP_US = 86_400_000_000
_GIVE_UP_TRIES = 295  # pauses of 1, 2, 4 … 256 s and then of 5 minutes come to a day


@dataclass(frozen=True, slots=True)
class Message:
    """One message that is due."""

    id: int
    """A function of notifier, incident, change and time: a repeat after a crash has the same."""
    notifier: str
    incident: str
    change: str
    at_us: int
    """Event time of the change."""
    body: dict[str, Any]
    tries: int
    """How often it was tried in vain."""


class Outbox:
    """The messages of one state. Adding and booking happen in the caller's transaction.

    A message that cannot be told is tried again after 1, 2, 4, … s, at most 5 minutes, and given up after 24 hours
    (of trying, or since the change). Later messages of the same incident to the same notifier wait for it, so nobody
    hears of an end before the beginning; other incidents do not wait.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, notifier: str, incident: str, change: str, at_us: int, body: Mapping[str, Any]) -> int:
        """Put a message in; its id. The same message again changes nothing."""
        identity = "\x1f".join([notifier, incident, change, str(at_us)])
        id_ = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8]) >> 1
        self._db.execute(
            "INSERT OR IGNORE INTO outbox (id, notifier, incident, change, at_us, body) VALUES (?, ?, ?, ?, ?, ?)",
            (id_, notifier, incident, change, at_us, msgspec.json.encode(dict(body)).decode()),
        )
        return id_

    def due(self, now_us: int, limit: int = 100) -> list[Message]:
        """What should be sent now, oldest change first."""
        rows = self._db.execute(
            """
            SELECT id, notifier, incident, change, at_us, body, tries FROM outbox AS one
            WHERE next_us <= ? AND NOT EXISTS (
                SELECT 1 FROM outbox AS earlier
                WHERE earlier.notifier = one.notifier AND earlier.incident = one.incident
                  AND (earlier.at_us, earlier.id) < (one.at_us, one.id))
            ORDER BY at_us, id LIMIT ?
            """,
            (now_us, limit),
        )
        return [
            Message(id_, notifier, incident, change, at_us, msgspec.json.decode(body), tries)
            for id_, notifier, incident, change, at_us, body, tries in rows.fetchall()
        ]

    def sent(self, id_: int) -> None:
        """Book that a message was heard."""
        self._db.execute("DELETE FROM outbox WHERE id = ?", (id_,))

    def failed(self, id_: int, now_us: int) -> bool:
        """Book that a message was not heard; whether it is given up now."""
        row = self._db.execute("SELECT tries, at_us FROM outbox WHERE id = ?", (id_,)).fetchone()
        if row is None:
            return False
        tries = row[0] + 1
        if tries >= _GIVE_UP_TRIES or now_us - row[1] >= _GIVE_UP_US:
            self.sent(id_)
            return True
        pause_us = min(_LONGEST_PAUSE_US, _FIRST_PAUSE_US << min(tries - 1, 30))
        self._db.execute("UPDATE outbox SET tries = ?, next_us = ? WHERE id = ?", (tries, now_us + pause_us, id_))
        return False

    def waiting(self) -> int:
        """How many messages are still to be told."""
        return int(self._db.execute("SELECT count(*) FROM outbox").fetchone()[0])
