"""The time of each split, and the combined watermark: their minimum over the joined ones; it never moves back."""

from __future__ import annotations

from dataclasses import dataclass, field

from yeoul.streams.entries import Coverage
from yeoul.streams.front import NEVER, Front

__all__ = ["Clocks", "SplitClock"]


@dataclass(slots=True)
class SplitClock:
    """What one split has shown of time."""

    name: str
    front: Front
    floor_us: int = NEVER
    """What the combined watermark was when the split last joined: its own is never less."""
    joined: bool = False
    """Whether the combined watermark waits for it."""
    ended: bool = False
    """Whether it was read to its end for good (replay)."""
    caught_up: bool = False
    """Whether its reader has nothing left to read just now (live)."""

    @property
    def watermark_us(self) -> int:
        """No row at or before this is expected any more; NEVER before the split has started."""
        return max(self.front.at_us - self.front.delay_us, self.floor_us) if self.front.started else self.floor_us


@dataclass(slots=True)
class Clocks:
    """All splits of a stream."""

    delay_us: int
    skew_us: int
    lag_us: int
    """A caught-up split further behind the others than this does not hold them back."""
    combined_us: int = NEVER
    splits: dict[str, SplitClock] = field(default_factory=dict)

    def open(self, name: str, *, joined: bool) -> SplitClock:
        """The clock of a split, made when it is new. `joined`: it was there from the beginning, with rows to read."""
        clock = self.splits.get(name)
        if clock is None:
            clock = SplitClock(name, Front(self.delay_us, self.skew_us), joined=joined)
            self.splits[name] = clock
        return clock

    def before_rows(self, clock: SplitClock) -> None:
        """Rows of this split come to be judged: one that has not joined is judged by the combined watermark too."""
        if not clock.joined:
            clock.floor_us = max(clock.floor_us, self.combined_us)

    def after_rows(self, clock: SplitClock) -> bool:
        """Whether the split joins by these rows: some are at or past the combined watermark."""
        if clock.joined or clock.ended or not clock.front.started or clock.front.at_us < self.combined_us:
            return False
        clock.joined = True
        return True

    def advance(self) -> list[str]:
        """Move the combined watermark to the minimum; the names of splits that were left behind for their lag."""
        joined = [clock for clock in self.splits.values() if clock.joined and not clock.ended]
        if not joined:
            return []
        newest = max(clock.watermark_us for clock in joined)
        behind = [clock for clock in joined if clock.caught_up and clock.watermark_us < newest - self.lag_us]
        for clock in behind:
            clock.joined = False
        lowest = min(clock.watermark_us for clock in joined if clock.joined)
        self.combined_us = max(self.combined_us, lowest)
        return [clock.name for clock in behind]

    def advance_idle(self, silent_us: int) -> bool:
        """No split is joined: time itself moves the watermark, `silent_us` after the newest row; whether it moved."""
        fronts = [clock.front.at_us for clock in self.splits.values() if clock.front.started]
        if not fronts or any(clock.joined for clock in self.splits.values()):
            return False
        target = max(fronts) + silent_us - self.delay_us
        moved = target > self.combined_us
        self.combined_us = max(self.combined_us, target)
        return moved

    def coverage(self, end_us: int) -> Coverage:
        """Which splits reported for the windows that close now, the earliest of them ending at `end_us`."""
        active = [clock for clock in self.splits.values() if not clock.ended and clock.front.started]
        joined = sum(clock.joined for clock in active)
        absent = [clock for clock in active if not clock.joined]
        # a silent split is missed for a while, then no longer expected; but if nobody reports, nobody knows
        missing = [clock.name for clock in absent if not joined or end_us - clock.front.at_us <= self.lag_us]
        if not joined and not missing:  # replay: every split ended after these windows
            return Coverage(expected=len(self.splits))
        return Coverage(joined + len(missing), tuple(sorted(missing)))
