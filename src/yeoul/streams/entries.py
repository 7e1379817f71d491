"""Entries of the results log: a closed window, a revision of it, a run of empty windows, a note about a split."""

from __future__ import annotations

from dataclasses import dataclass, field

from yeoul.streams.parts import Part

__all__ = ["Coverage", "Entry"]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which splits reported for a window."""

    expected: int = 0
    """Splits that could have had rows: those that report and those that lately fell silent."""
    missing: tuple[str, ...] = ()
    """The silent ones among them."""

    @property
    def full(self) -> bool:
        """Whether absence of a key means zero."""
        return self.expected > 0 and not self.missing


@dataclass(slots=True)
class Entry:
    """One entry; `seq` is given when it is appended to the log."""

    kind: str
    """`window`, `empty`, or a note: `join`, `leave`, `idle`, `believe`."""
    start_us: int
    end_us: int
    revision: int = 0
    coverage: Coverage = field(default_factory=Coverage)
    part: Part | None = None
    """Of a window: partial aggregates of all its keys. Of a revision: new full totals of the keys that changed."""
    change: Part | None = None
    """Of a revision: what was added since the last one."""
    note: str = ""
    """Of a note: which split; none of an `idle` one, when all splits are silent and time itself moves on."""
    seq: int = 0

    @property
    def rows(self) -> int:
        """How many rows its groups hold."""
        return 0 if self.part is None else self.part.rows
