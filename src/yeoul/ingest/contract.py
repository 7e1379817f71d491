"""What a source, a split and a decoder must do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from yeoul.events import Rows

__all__ = ["Ahead", "Decoder", "LineBlock", "Notice", "Source", "Split"]


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Whole lines of one generation of one split, in order; or messages of a partition, each as one line."""

    source: str
    """Path of the file as it is called now (or topic and partition)."""
    offset: int
    """Byte offset of the first byte in that file (uncompressed), or offset of the first message."""
    data: bytes
    """The lines with their ends; the last line may lack its end only if it will never grow."""
    header: bytes | None = None
    """First line of the generation, for formats that need it (CSV)."""
    messages: NDArray[np.int64] | None = None
    """For a topic: the offset of the message that each line is."""

    @property
    def end(self) -> int:
        """Offset behind its last byte, or behind its last message."""
        return self.offset + len(self.data) if self.messages is None else int(self.messages[-1]) + 1

    def positions(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where each line is in its source; `starts` are their first bytes in the block."""
        return self.offset + starts if self.messages is None else self.messages


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about a source that people should know: a copy that is not read, a gap that a truncation left."""

    kind: str
    """`copy`, `gap`, `truncated`, `unreadable`, `vanished`, `rotated` …"""
    source: str
    detail: str


class Ahead(NamedTuple):
    """A range that is still to be read."""

    source: str
    first: int
    """Byte (uncompressed) or message where reading goes on."""
    end: int | None
    """Where it ends now; None when that is not known, as in a compressed file."""
    messages: bool = False
    """Whether it is counted in messages."""


class Split(Protocol):
    """What one reader reads in order, over restarts: a file lineage or a partition.

    The caller promises: one thread; `read` only while the split is in `Source.splits()`; the position taken right after
    a `read` is stored together with what the block caused, so a block is never half remembered.
    """

    name: str
    """Stable over restarts and rotation: the lineage's path, or topic and partition. Ties in order go by it."""

    @property
    def stalled(self) -> bool:
        """Whether the last `read` gave nothing because it could not look: such a split is not silent."""

    def read(self, limit_bytes: int, *, final: bool = False) -> LineBlock | None:
        """The next whole lines, about `limit_bytes` of them and at least one; None when there is nothing new.

        Never blocks for input. With `final` the file is taken to have ended: a last line without end is a row.
        """

    def position(self) -> dict[str, Any]:
        """Where the next `read` goes on: plain members that JSON can hold, enough to resume exactly after a restart."""

    def backlog_bytes(self) -> int:
        """Bytes written and not read yet (as far as is known; compressed siblings count what is on disk)."""

    def backlog_messages(self) -> int | None:
        """Messages written and not read yet; None where lines are not counted before they are read."""

    def ahead(self) -> list[Ahead]:
        """What is written and not read yet, exactly, in the order in which it will be read."""


class Source(Protocol):
    """Where events come from. `poll` looks at the world; reading is done on the splits."""

    def poll(self) -> None:
        """See what appeared, rotated, vanished. Cheap enough for five times a second."""

    def splits(self) -> Sequence[Split]:
        """The known splits, by name."""

    def notices(self) -> list[Notice]:
        """What happened since the last call."""

    def checkpointed(self) -> None:
        """The positions taken last are stored for good; a source may tell others how far it is."""

    def forgotten(self) -> list[str]:
        """Splits dropped since the last call: nothing more can come from them, their positions may be forgotten."""

    def close(self) -> None:
        """Let go of all handles; may be called twice."""


class Decoder(Protocol):
    """Bytes to columns. One malformed line rejects exactly that line; blank lines are no rows."""

    def decode(self, block: LineBlock) -> Rows:
        """All rows and rejects of the block. Pure: the same block gives the same rows."""
