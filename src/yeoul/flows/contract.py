"""What a consumer of the results log must do, and what it is given of the stream that it follows."""

from __future__ import annotations

import sqlite3
from typing import Any, Protocol

from yeoul.streams import Entry, KeyTable, Layout, StreamSpec

__all__ = ["Consumer", "Counted"]


class Counted(Protocol):
    """Windows as the results log has them: of a stream that is counted here, or of one that is counted elsewhere."""

    spec: StreamSpec
    layout: Layout
    """Of the parts of its entries."""
    keys: dict[str, KeyTable]
    """Texts of the codes in its parts, by key field."""


class Consumer(Protocol):
    """A deterministic function of the log: the same entries give the same outputs, with the same ids.

    The caller promises: entries of its stream in order, each once after `restore`; `save` in the transaction that holds
    the entries given since the last one, or `discard` when they were saved before a restart.
    """

    name: str
    stream: str

    def take(self, entry: Entry) -> None:
        """Learn from one entry; outputs gather until `save`."""

    def save(self, db: sqlite3.Connection) -> None:
        """Write what gathered (inside a transaction)."""

    def discard(self) -> None:
        """Drop what gathered: it was saved before."""

    def finish(self) -> None:
        """The input has ended (replay): what is due at the end gathers."""

    def snapshot(self) -> dict[str, Any]:
        """All state as plain members and NumPy arrays."""

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where `snapshot` was taken."""
