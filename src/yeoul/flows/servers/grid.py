"""Four counter files on one five-minute grid: joined, their gaps found and filled by a stated rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yeoul.errors import InputError
from yeoul.flows.servers.reading import COUNTERS, FILES, CounterFile
from yeoul.flows.servers.stamps import SLOTS_A_DAY, stamp

__all__ = ["DUPLICATES", "FILL_RULE", "Gap", "Grid", "counted", "join"]

Slots = NDArray[np.int64]
Floats = NDArray[np.float64]

DUPLICATES = ("refuse", "first", "last")
"""What is done with rows of one slot that differ."""

FILL_RULE = (
    "a cell missing for up to 15 minutes repeats the last one before it; a longer gap takes the same five minutes of "
    "a week before, then of a day before, then the last value before it; before the first value, that value"
)
_REPEAT = 3
_SPARSEST = 4
_NAMED = 4
_WEEK = 7 * SLOTS_A_DAY


@dataclass(frozen=True, slots=True)
class Gap:
    """Slots that follow each other, of which these files have no row."""

    start: int
    end: int
    """The slot after the last missing one."""
    files: tuple[str, ...]

    def __str__(self) -> str:
        span = stamp(self.start) if self.end - self.start == 1 else f"{stamp(self.start)} to {stamp(self.end - 1)}"
        return f"{span} ({counted(self.end - self.start, 'slot')}): {', '.join(self.files)}"


@dataclass(frozen=True, slots=True)
class Grid:
    """Every five minutes from the first slot to the last, all servers and counters beside each other."""

    first: int
    """The first slot."""
    values: Floats
    """Shape (n, 16 a server), no NaN: what was read, gaps filled by `FILL_RULE`."""
    seen: NDArray[np.float32]
    """Shape (n,): the share of a slot's cells that were read, not filled."""
    known: NDArray[np.bool_]
    """Shape (n, 4 a server): whether all counters of a server in a file were read, file by file."""
    columns: tuple[str, ...]
    """`INFO.1_Request` and so on; `INFO.Request` for one server without a number."""
    servers: tuple[str, ...]
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()
    """What was put right while reading, for a person to know."""

    def __len__(self) -> int:
        return len(self.values)

    @property
    def last(self) -> int:
        """The last slot."""
        return self.first + len(self.values) - 1


def counted(number: int, word: str) -> str:
    """A number of things.

    >>> counted(1, "slot"), counted(2000, "row")
    ('1 slot', '2,000 rows')
    """
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def join(files: Sequence[CounterFile], duplicates: str = "refuse") -> Grid:
    """Put the four files on one grid.

    Args:
        files: in the order of `FILES`.
        duplicates: of rows of one slot that differ, `first` and `last` keep that one; `refuse` is an error. Rows that
            are alike are dropped in any case, and told.

    Raises:
        InputError: files of different servers, or slots that come twice with different numbers.
    """
    _same_servers(files)
    servers = files[0].servers
    first = min(int(file.slots.min()) for file in files)
    count = max(int(file.slots.max()) for file in files) + 1 - first
    _dense(files, count)
    width = len(COUNTERS) * len(servers)
    values = np.full((count, width * len(files)), np.nan)
    there = np.zeros((count, len(files)), np.bool_)
    notes: list[str] = []
    for place, file in enumerate(files):
        notes += file.notes
        keep = _ordered(file, duplicates, notes)
        rows = file.slots[keep] - first
        values[rows, place * width : (place + 1) * width] = file.values[keep]
        there[rows, place] = True
    known = np.isfinite(values)
    seen = known.mean(axis=1, dtype=np.float32)
    empty = int(there.sum()) * width - int(known.sum())
    whole = known.reshape(count, -1, len(COUNTERS)).all(axis=2)
    del known
    if empty:
        notes.append(f"{counted(empty, 'empty cell')} in rows that are there")
    columns = tuple(f"{name}.{column}" for name in FILES for column in files[0].columns)
    if void := [f"`{name}`" for name, column in zip(columns, values.T, strict=True) if np.isnan(column).all()]:
        more = f" and {len(void) - _NAMED} more" if len(void) > _NAMED else ""
        notes.append(f"no row has a number for {', '.join(void[:_NAMED])}{more}: filled with 0")
    _fill(values)
    return Grid(first, values, seen, whole, columns, servers, _gaps(there, first), tuple(notes))


def _dense(files: Sequence[CounterFile], count: int) -> None:
    """Refuse a stamp of a far year, which would make a grid that fits into no memory."""
    if count <= _SPARSEST * max(len(file.slots) for file in files) + 366 * SLOTS_A_DAY:
        return
    middle = float(np.median(files[0].slots))
    outer = [(file, int(np.argmax(np.abs(file.slots - middle)))) for file in files]
    file, row = max(outer, key=lambda one: abs(float(one[0].slots[one[1]]) - middle))
    message = (
        f"`{file.path}`, line {file.lines[row]}: the stamp {stamp(int(file.slots[row]))} lies years away from the "
        f"others, and most five minutes between have no row; mend the stamp, or take the line out"
    )
    raise InputError(message)


def _same_servers(files: Sequence[CounterFile]) -> None:
    first = files[0]
    for file in files[1:]:
        if file.servers != first.servers:
            missing = [one for one in first.servers if one not in file.servers]
            more = [one for one in file.servers if one not in first.servers]
            parts = [f"it lacks {_called(missing)}"] * bool(missing) + [f"only it has {_called(more)}"] * bool(more)
            message = (
                f"`{file.path.name}` has other servers than `{first.path.name}`: {' and '.join(parts)}; legal: the "
                "same in all four (leave cells empty where a server was not counted)"
            )
            raise InputError(message)


def _called(servers: list[str]) -> str:
    return ", ".join(f"`{one}_…`" if one else "columns without a number" for one in servers)


def _ordered(file: CounterFile, duplicates: str, notes: list[str]) -> NDArray[np.intp]:
    """Places of the rows to keep, in order of time, one a slot."""
    name, slots = file.path.name, file.slots
    falling = int((np.diff(slots) < 0).sum())
    if falling:
        where = file.lines[1 + int(np.argmax(np.diff(slots) < 0))]
        notes.append(
            f"`{name}` is not in order of time ({counted(falling, 'place')}, the first on line {where}): sorted"
        )
    order = np.argsort(slots, kind="stable")
    again = np.flatnonzero(np.diff(slots[order]) == 0)
    if not len(again):
        return order
    one, other = file.values[order[again]], file.values[order[again + 1]]
    differs = ~((one == other) | (np.isnan(one) & np.isnan(other))).all(axis=1)
    if differs.any():
        at = again[int(np.argmax(differs))]
        lines = f"{file.lines[order[at]]} and {file.lines[order[at + 1]]}"
        told = f"`{name}`: the slot {stamp(int(slots[order[at]]))} comes twice with different numbers, on lines {lines}"
        if duplicates == "refuse":
            message = (
                f"{told} ({counted(int(differs.sum()), 'such pair')}); take one out, or choose by --duplicates first "
                "or last (a clock that was set back gives such pairs)"
            )
            raise InputError(message)
        notes.append(f"{told}; {counted(int(differs.sum()), 'such pair')}: the {duplicates} one is kept")
    if alike := int((~differs).sum()):
        notes.append(
            f"`{name}`: {counted(alike, 'row')} repeated with the same numbers, the first on line "
            f"{file.lines[order[again[int(np.argmax(~differs))] + 1]]}: dropped"
        )
    drop = again if duplicates == "last" else again + 1
    return np.delete(order, drop)


def _gaps(there: NDArray[np.bool_], first: int) -> tuple[Gap, ...]:
    """Runs of slots that the same files lack."""
    code = (~there).astype(np.int64) @ (1 << np.arange(there.shape[1]))
    edges = np.flatnonzero(np.diff(code)) + 1
    starts, ends = np.concatenate([[0], edges]), np.concatenate([edges, [len(code)]])
    found = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if code[start]:
            lacking = tuple(name for bit, name in enumerate(FILES) if code[start] >> bit & 1)
            found.append(Gap(first + start, first + end, lacking))
    return tuple(found)


def _fill(values: Floats) -> None:
    """Fill by `FILL_RULE`, in place; what was filled may fill what comes later. A column without a value is 0.

    >>> table = np.array([[np.nan], [4.0], [np.nan], [6.0]])
    >>> _fill(table)
    >>> table.ravel().tolist()
    [4.0, 4.0, 4.0, 6.0]
    """
    missing = ~np.isfinite(values)
    for column in np.flatnonzero(missing.any(axis=0)):
        gone, cells = missing[:, column], values[:, column]
        known = np.flatnonzero(~gone)
        if not len(known):
            cells[:] = 0.0
            continue
        cells[: known[0]] = cells[known[0]]
        gone[: known[0]] = False
        edges = np.flatnonzero(np.diff(gone.astype(np.int8), prepend=0, append=0))
        for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            for at in range(start, end, _WEEK):
                _fill_run(cells, at, min(end, at + _WEEK), last=cells[start - 1], short=end - start <= _REPEAT)


def _fill_run(cells: Floats, start: int, end: int, *, last: float, short: bool) -> None:
    """Fill a run of at most a week from what stands before it."""
    if short or start < SLOTS_A_DAY:
        cells[start:end] = last
    elif start >= _WEEK:
        cells[start:end] = cells[start - _WEEK : end - _WEEK]
    else:
        cells[start:end] = np.resize(cells[start - SLOTS_A_DAY : start], end - start)
