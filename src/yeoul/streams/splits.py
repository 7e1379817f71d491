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
    lagging: tuple[int, int] | None = None
    """Monotonic time since which it lags too far, and by how much it did then; None when it does not."""

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
    """A caught-up split that stays further behind the others than this does not hold them back."""
    idle_us: int
    """For how long that must be so."""
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

    def advance(self, now_us: int | None = None) -> list[str]:
        """Move the combined watermark to the minimum; the names of splits that were left behind for their lag.

        `now_us` is monotonic time; without it (replay) nobody is left behind.
        """
        joined = [clock for clock in self.splits.values() if clock.joined and not clock.ended]
        if not joined:
            return []
        newest = max(clock.watermark_us for clock in joined)
        behind = [clock for clock in joined if now_us is not None and self._is_left(clock, newest, now_us)]
        for clock in behind:
            clock.joined = False
        lowest = min(clock.watermark_us for clock in joined if clock.joined)
        self.combined_us = max(self.combined_us, lowest)
        return [clock.name for clock in behind]

    def _is_left(self, clock: SplitClock, newest_us: int, now_us: int) -> bool:
        """Whether the split lags too far, has for a while, and does not come nearer.

        After an outage writers fill one partition sooner than another: the one that is still being filled has caught up
        with what is there, is far behind, and its rows are on their way.
        """
        lag_us = newest_us - clock.watermark_us
        if not clock.caught_up or lag_us <= self.lag_us:
            clock.lagging = None
            return False
        since_us, was_us = clock.lagging = clock.lagging or (now_us, lag_us)
        if now_us - since_us < self.idle_us:
            return False
        clock.lagging = None
        return lag_us > was_us - self.idle_us

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
