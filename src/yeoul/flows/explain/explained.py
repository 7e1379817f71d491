"""What is told of one row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from yeoul.events import iso

__all__ = ["Explained", "WindowNow"]


@dataclass(frozen=True, slots=True)
class WindowNow:
    """A window that the row belongs to, as it stands."""

    start_us: int
    end_us: int
    closed: bool
    revision: int | None
    """The newest that holds the row's key; None while the window is open or when nothing of it is kept."""
    values: dict[str, int | float] | None
    """The key's aggregates now, all its rows together; None when the window does not hold the key."""

    def as_members(self) -> dict[str, Any]:
        """Plain members."""
        return {
            "window_start": iso(self.start_us),
            "window_end": iso(self.end_us),
            "closed": self.closed,
            "revision": self.revision,
            "values": self.values,
        }


@dataclass(slots=True)
class Explained:
    """One line of one file, and what became of it."""

    stream: str
    split: str
    source: str
    """The file as people know it, or topic and partition."""
    line: int | None
    """From 1; None for a message of a topic."""
    offset: int
    """Of its first byte, uncompressed; or of the message."""
    size_bytes: int
    """Without the line end."""
    raw: str
    """Its text, declared fields masked, cut when it is long."""
    kind: str = ""
    """A class of the ledger, or `undecided`, `not read`, `copy`, `blank`."""
    why: str = ""
    sure: bool = True
    """Whether it can still be known; otherwise the likeliest is told."""
    event_us: int | None = None
    row: dict[str, Any] = field(default_factory=dict)
    """Declared fields, masked ones as `***`."""
    key: dict[str, str] = field(default_factory=dict)
    windows: list[WindowNow] = field(default_factory=list)
    split_watermark_us: int | None = None
    watermark_us: int | None = None
    """The stream's combined one."""
    read_to: int | None = None
    """How far the file or partition was read at the last checkpoint; None when nothing is known of it."""
    quarantine: int | None = None
    """Number of the line in the quarantine."""
    notes: list[str] = field(default_factory=list)

    def as_members(self) -> dict[str, Any]:
        """Plain members, times in ISO 8601 UTC."""
        return {
            "stream": self.stream,
            "split": self.split,
            "source": self.source,
            "line": self.line,
            "offset": self.offset,
            "size_bytes": self.size_bytes,
            "class": self.kind,
            "why": self.why,
            "sure": self.sure,
            "event_time": _time(self.event_us),
            "row": self.row,
            "key": self.key,
            "windows": [window.as_members() for window in self.windows],
            "split_watermark": _time(self.split_watermark_us),
            "watermark": _time(self.watermark_us),
            "read_to": self.read_to,
            "quarantine": self.quarantine,
            "notes": self.notes,
            "raw": self.raw,
        }


def _time(us: int | None) -> str | None:
    return None if us is None else iso(us)
