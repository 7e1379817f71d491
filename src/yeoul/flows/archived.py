"""Reading the archived parts of a state's results log, each checked against what the state knows of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from yeoul.lake.archive import read_entries
from yeoul.store import State

__all__ = ["archived"]


def archived(state: State, path: str) -> Iterator[tuple[Any, ...]]:
    """Rows of an archived file by its path, as the table `archive` has it.

    Raises:
        DamagedError: the file is missing or not what was written.
    """
    # a state that no engine of this release has opened yet has no sums of its files
    known = state.db.execute("SELECT * FROM archive WHERE path = ?", (path,)).fetchone()
    crc: int | None = known[6] if known is not None and len(known) > 6 else None
    rows: Iterator[tuple[Any, ...]] = read_entries(state.folder / path, crc)
    return rows
