"""Which class each row of a batch belongs to, exact to the row, whatever the sizes of the batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.events import Rows
from yeoul.streams.front import NEVER, Decision, Front

__all__ = ["Batch", "HeldRow", "Verdict", "judge", "settle"]

_UNDECIDED, _BELIEVED, _FUTURE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A row that outlives its batch because its time is not believed yet."""

    at_us: int
    values: dict[str, Any]
    source: str
    position: int
    raw: bytes
    kept: bool
    header: bytes | None = None


@dataclass(slots=True)
class Batch:
    """Rows to judge: those held from earlier batches first, then the new ones."""

    held: list[HeldRow]
    rows: Rows
    at_us: NDArray[np.int64]

    @classmethod
    def of(cls, front: Front, rows: Rows) -> Batch:
        """A batch of the front's held rows and `rows`; the front then refers to rows by their index in it."""
        held: list[HeldRow] = []
        for waiting in front.held:
            if waiting.row is not None:
                held.append(waiting.row)
                waiting.row = len(held) - 1
        if not held:
            return cls(held, rows, rows.at_us)
        return cls(held, rows, np.concatenate(([row.at_us for row in held], rows.at_us)).astype(np.int64))

    def __len__(self) -> int:
        return len(self.at_us)

    def column(self, name: str) -> list[Any] | NDArray[Any]:
        """A declared field of all rows."""
        column = self.rows.columns[name]
        if not self.held:
            return column
        first = [row.values[name] for row in self.held]
        return first + column if isinstance(column, list) else np.concatenate((first, column)).astype(column.dtype)

    def kept(self) -> NDArray[np.bool_] | None:
        """False where the stream's filter drops the row; None when nothing is dropped."""
        if self.rows.kept is None and all(row.kept for row in self.held):
            return None
        fresh = np.ones(len(self.rows), bool) if self.rows.kept is None else self.rows.kept
        return np.concatenate(([row.kept for row in self.held], fresh)).astype(bool)

    def one(self, index: int) -> HeldRow:
        """Row `index` by itself."""
        if index < len(self.held):
            return self.held[index]
        at = index - len(self.held)
        values = {name: _plain(column[at]) for name, column in self.rows.columns.items()}
        kept = self.rows.kept is None or bool(self.rows.kept[at])
        return HeldRow(
            int(self.at_us[index]),
            values,
            self.rows.source,
            int(self.rows.position[at]),
            self.rows.raw(at),
            kept,
            self.rows.header,
        )

    def keep_held(self, front: Front) -> None:
        """Take the rows that still wait out of the batch, so that it can be dropped."""
        for waiting in front.held:
            if waiting.row is not None:
                waiting.row = self.one(waiting.row)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


@dataclass(slots=True)
class Verdict:
    """What was decided of a batch's rows; all arrays have its length."""

    before_us: NDArray[np.int64]
    """The front just before the row was believed."""
    believed: NDArray[np.bool_]
    future: NDArray[np.bool_]
    order: NDArray[np.intp] | None = None
    """The order in which rows were decided, when it is not their own."""


def judge(front: Front, batch: Batch, first_keys: Sequence[str], wall_us: int | None) -> Verdict:
    """Judge the batch's new rows (and with them rows held before); moves the front.

    O(n): NumPy where no row is ahead of its time, a plain loop over those that are.
    """
    count = len(batch)
    if not batch.held and batch.rows.fold_us is None:
        before = front.before(batch.at_us)
        if before is not None:
            return Verdict(before, np.ones(count, bool), np.zeros(count, bool))
    return _Walk(front, batch).through(first_keys, wall_us)


def settle(batch: Batch, decisions: list[Decision]) -> Verdict:
    """A verdict on held rows alone: the input ended or the split went idle."""
    walk = _Walk(Front(0, 0), batch)
    walk.note(decisions, 0)
    return walk.verdict()


class _Walk:
    """One pass over a batch in which some row is ahead of its time."""

    def __init__(self, front: Front, batch: Batch) -> None:
        self.front = front
        self.batch = batch
        self.before = np.full(len(batch), NEVER, np.int64)
        self.fate = np.full(len(batch), _UNDECIDED, np.int8)
        self.when = np.arange(len(batch))

    def through(self, first_keys: Sequence[str], wall_us: int | None) -> Verdict:
        front, first = self.front, len(self.batch.held)
        times = self.batch.at_us.tolist()
        folds = self.batch.rows.fold_us
        index = first
        while index < len(times):
            if folds is None and front.started and not front.held:
                start, believed = index, front.at_us
                index = front.plain_run(times, index)
                self._run(start, index, believed)
                if index == len(times):
                    break
            at = times[index]
            if folds is not None and front.started:
                other = int(folds[index - first])
                if abs(other - front.at_us) < abs(at - front.at_us):
                    at = times[index] = other
                    self.batch.at_us[index] = at
            self.note(front.step(at, first_keys[index], index, wall_us=wall_us), index)
            index += 1
        return self.verdict()

    def _run(self, start: int, stop: int, believed: int) -> None:
        if stop > start:
            fronts = np.maximum.accumulate(self.batch.at_us[start:stop])
            self.before[start] = believed
            np.maximum(fronts[:-1], believed, out=self.before[start + 1 : stop])
            self.fate[start:stop] = _BELIEVED

    def note(self, decisions: list[Decision], step: int) -> None:
        for decision in decisions:
            self.before[decision.row] = decision.front_us
            self.fate[decision.row] = _FUTURE if decision.future else _BELIEVED
            self.when[decision.row] = step

    def verdict(self) -> Verdict:
        natural = bool((self.when[1:] >= self.when[:-1]).all())
        order = None if natural else np.argsort(self.when, kind="stable")
        return Verdict(self.before, self.fate == _BELIEVED, self.fate == _FUTURE, order)
