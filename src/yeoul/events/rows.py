"""Decoded rows of one split, in reading order, as columns; and the lines that could not be decoded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Reject", "Rows"]


@dataclass(frozen=True, slots=True)
class Reject:
    """One line that is not a row, with what a person needs to mend it."""

    source: str
    """The file (or topic and partition) it stood in."""
    position: int
    """Byte offset of the line's first byte in that file (uncompressed), or the message's offset."""
    reason: str
    """What was got, what is legal; begins with the field's name where one is to blame."""
    raw: bytes
    """The line's bytes without its line end, redacted fields masked where they can be found."""
    kind: str = "invalid"
    """Its class in the ledger: `invalid`, or `future` for a row whose clock nobody else confirmed."""
    header: bytes | None = None
    """The first line of its file, where that says what the line's values are (CSV)."""


@dataclass(slots=True)
class Rows:
    """`n` rows in the order they stand in their split. Every column has length n."""

    at_us: NDArray[np.int64]
    """Event times."""
    columns: dict[str, list[Any] | NDArray[Any]]
    """Declared fields by name: lists of `str` for text, else NumPy int64 (timestamps too, in us), float64 or bool."""
    source: str
    """The file these rows stood in."""
    position: NDArray[np.int64]
    """Byte offset of each row's line in that file (uncompressed)."""
    raw: Callable[[int], bytes]
    """The redacted bytes of row i's line, without line end; called for few rows only."""
    kept: NDArray[np.bool_] | None = None
    """False where `where` drops the row; None when there is no `where`."""
    fold_us: NDArray[np.int64] | None = None
    """The other reading of local times that occur twice (equal to `at_us` for all others); None when there are none."""
    header: bytes | None = None
    """The first line of the file, where lines cannot be read without it."""
    bytes: int = 0
    """Bytes of the lines that this batch and its rejects were made of, line ends included."""
    rejects: list[Reject] = field(default_factory=list)
    """Lines among them that are not rows."""

    def __len__(self) -> int:
        return len(self.at_us)
