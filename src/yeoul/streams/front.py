"""The front of a split: the newest event time it believes, judged row by row, so that no single clock can move it far.

A row at most `delay` ahead of the front moves it. A row further ahead is held; many rows that agree confirm a jump, one
device a day ahead does not. The same rule holds live and in replay, whatever the sizes of the batches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NEVER", "Decision", "Front", "Held"]

NEVER = -(1 << 62)
"""A time before all times."""
_START_ROWS = 16
_CONFIRM_MANY = 8
_CONFIRM_ANY = 64


@dataclass(slots=True)
class Held:
    """A row that waits ahead of the front."""

    at_us: int
    key: str
    """Value of the stream's first key: eight rows of one device confirm nothing."""
    row: Any
    """What the caller needs to count it later; None when it was counted at once."""


@dataclass(slots=True)
class Decision:
    """A held row whose fate is known."""

    row: Any
    at_us: int
    front_us: int
    """The front just before it."""
    future: bool


@dataclass(slots=True)
class Front:
    """The newest event time that one split believes, and the rows that wait ahead of it."""

    delay_us: int
    skew_us: int
    at_us: int = NEVER
    """The front; NEVER until the split has started."""
    held: list[Held] = field(default_factory=list)
    """The run of rows ahead of the front, in order; before the start: the first rows."""
    vouched: int = 0
    """How often the wall clock decided since somebody set this to zero."""

    @property
    def started(self) -> bool:
        """Whether enough rows came to believe a time."""
        return self.at_us != NEVER

    def before(self, at_us: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """The front before each row, if no row of the batch needs a second thought; moves the front past the batch.

        The quick way for nearly every batch. None when a row would be held (or rows are held already): then each row
        has to be given to `step`. O(n), no loop.
        """
        if self.held or not self.started:
            return None
        fronts = np.empty(len(at_us) + 1, np.int64)
        fronts[0] = self.at_us
        np.maximum.accumulate(at_us, out=fronts[1:])
        np.maximum(fronts, self.at_us, out=fronts)
        before = fronts[:-1]
        if bool((at_us > before + self.delay_us).any()):
            return None
        self.at_us = int(fronts[-1])
        return before

    def plain_run(self, times: Sequence[int], first: int) -> int:
        """Index of the next row from `first` on that has to be given to `step`; moves the front up to it."""
        front = self.at_us
        limit = front + self.delay_us
        for index in range(first, len(times)):
            at = times[index]
            if at > front:
                if at > limit:
                    self.at_us = front
                    return index
                front = at
                limit = at + self.delay_us
        self.at_us = front
        return len(times)

    def step(self, at_us: int, key: str, row: Any, *, wall_us: int | None = None) -> list[Decision]:
        """Take one row; the fates that it settles, its own among them unless it is undecided.

        `wall_us` is how far a live, caught-up split can be by the clocks: a held row not ahead of it is believed at
        once, with those not ahead of it that waited.
        """
        if not self.started:
            self.held.append(Held(at_us, key, row))
            return self._start() if len(self.held) >= _START_ROWS else []
        if at_us < self.at_us - self.delay_us:  # what is late tells nothing of now: a run that waits goes on
            return [Decision(row, at_us, self.at_us, future=False)]
        ahead = at_us > self.at_us + self.delay_us
        vouched = ahead and wall_us is not None and at_us <= wall_us
        if not ahead or vouched:
            self.vouched += vouched
            # what waited and is not ahead of the clock either came before it: only its rows were too few to be believed
            decisions = self._believe_to(wall_us) if vouched and wall_us is not None else []
            decisions += self._end_run()
            decisions.append(Decision(row, at_us, self.at_us, future=False))
            self.at_us = max(self.at_us, at_us)
            return decisions
        decisions = []
        if at_us <= self.at_us + self.skew_us:
            decisions.append(Decision(row, at_us, self.at_us, future=False))
            row = None
        self.held.append(Held(at_us, key, row))
        if len(self.held) >= _CONFIRM_ANY or (len(self.held) >= _CONFIRM_MANY and self._many_keys()):
            decisions += self._jump()
        return decisions

    def finish(self) -> list[Decision]:
        """The input has ended: any number of held rows confirms if no key has more than half of them."""
        decisions = [] if self.started else self._start()
        while self.held and self._many_keys():
            decisions += self._jump()
        return decisions + self._end_run()

    def settle(self, wall_us: int) -> list[Decision]:
        """The split went idle: an undecided row counts if at most `skew` ahead of the wall clock, else is future."""
        limit = wall_us + self.skew_us
        waiting, self.held = self.held, []
        decisions: list[Decision] = []
        if not self.started:
            self.at_us = min((held.at_us for held in waiting if held.at_us <= limit), default=NEVER)
            for held in waiting:
                if held.at_us <= wall_us:
                    decisions += self.step(held.at_us, held.key, held.row, wall_us=wall_us)
            waiting = [held for held in waiting if held.at_us > wall_us]
        self.vouched += len(waiting)
        return decisions + [
            Decision(held.row, held.at_us, self.at_us, future=held.at_us > limit)
            for held in waiting
            if held.row is not None
        ]

    def _many_keys(self) -> bool:
        most = Counter(held.key for held in self.held).most_common(1)[0][1]
        return 2 * most <= len(self.held)

    def _believe_to(self, wall_us: int) -> list[Decision]:
        """Believe the held rows that are not ahead of the clock; the others go on waiting."""
        decisions = []
        for held in self.held:
            if held.at_us <= wall_us:
                if held.row is not None:
                    decisions.append(Decision(held.row, held.at_us, self.at_us, future=False))
                self.at_us = max(self.at_us, held.at_us)
        self.held = [held for held in self.held if held.at_us > wall_us]
        return decisions

    def _end_run(self) -> list[Decision]:
        ended, self.held = self.held, []
        return [Decision(held.row, held.at_us, self.at_us, future=True) for held in ended if held.row is not None]

    def _start(self) -> list[Decision]:
        rows, self.held = self.held, []
        if not rows:
            return []
        times = sorted({held.at_us for held in rows})
        fits = times[0] if times[-1] - times[0] <= self.delay_us else min(times, key=lambda at: self._misfits(at, rows))
        self.at_us = fits
        return self._again(rows)

    def _misfits(self, at_us: int, rows: list[Held]) -> tuple[int, int]:
        """How many of the first rows would not count, and how many of them as future, if the front began at `at_us`."""
        trial = Front(self.delay_us, self.skew_us, at_us)
        decisions = [decision for held in rows for decision in trial.step(held.at_us, held.key, held.at_us)]
        future = sum(each.future for each in decisions)
        return future + sum(each.at_us < each.front_us - self.delay_us for each in decisions), future

    def _jump(self) -> list[Decision]:
        """The held rows agree: the smallest of them is the front, and the rule is applied again to the rest."""
        rows, self.held = self.held, []
        self.at_us = min(held.at_us for held in rows)
        return self._again(rows)

    def _again(self, rows: list[Held]) -> list[Decision]:
        decisions: list[Decision] = []
        for held in rows:
            settled = self.step(held.at_us, held.key, held.row)
            # a row that was counted at once moves the front again but is not counted again
            decisions += [decision for decision in settled if decision.row is not None]
        return decisions
