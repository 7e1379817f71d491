"""Mergeable partial aggregates of groups, as columns: rows become a part, parts become one, a part becomes values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.streams import sketch, sums
from yeoul.streams.aggregates import Aggregate, Combine
from yeoul.streams.sketch import Sketch

__all__ = ["ROWS", "Layout", "Part", "merge", "newest", "reduce"]

ROWS = "#"
"""The partial column that every part has: how many rows."""
_MOST = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Layout:
    """Which partial columns a stream's aggregates need, and how each is combined."""

    columns: dict[str, Combine]
    """By name; a float sum `x` has its compensation beside it as `x~`."""
    distinct: tuple[str, ...]
    """Names of the aggregates that keep a sketch."""
    aggregates: tuple[Aggregate, ...]

    @classmethod
    def of(cls, aggregates: Sequence[Aggregate], float_fields: frozenset[str]) -> Layout:
        """The layout for these aggregates; sums of `float_fields` are compensated."""
        columns: dict[str, Combine] = {ROWS: "sum"}
        for each in aggregates:
            if each.function in {"min", "max"}:
                columns[each.name] = "min" if each.function == "min" else "max"
            elif each.function in {"sum", "mean"}:
                exact = each.field in float_fields
                columns[each.name] = "exact" if exact else "sum"
                if exact:
                    columns[f"{each.name}~"] = "sum"
        return cls(columns, tuple(each.name for each in aggregates if each.function == "distinct"), tuple(aggregates))


@dataclass(slots=True)
class Part:
    """Partial aggregates of g groups; groups are told apart by their key codes and stand in the codes' order."""

    codes: tuple[NDArray[np.int32], ...]
    """One array of length g a key."""
    columns: dict[str, NDArray[Any]]
    """Partial columns of length g."""
    sketches: dict[str, Sketch] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.columns[ROWS])

    @property
    def rows(self) -> int:
        """How many rows it was made of."""
        return int(self.columns[ROWS].sum())

    def take(self, groups: NDArray[np.intp]) -> Part:
        """These groups alone, in this order."""
        return Part(
            tuple(code[groups] for code in self.codes),
            {name: column[groups] for name, column in self.columns.items()},
            {name: kept.take(groups, len(self)) for name, kept in self.sketches.items()},
        )

    def values(self, layout: Layout) -> dict[str, NDArray[Any]]:
        """The aggregates' values by name, each of length g: int64 for counts and integer sums, float64 otherwise."""
        found: dict[str, NDArray[Any]] = {}
        for each in layout.aggregates:
            if each.function == "count":
                found[each.name] = self.columns[ROWS]
            elif each.function == "distinct":
                found[each.name] = self.sketches[each.name].estimate(len(self))
            elif each.function == "mean":
                found[each.name] = self.columns[each.name] / self.columns[ROWS]
            else:
                found[each.name] = self.columns[each.name]
        return found

    def as_members(self) -> dict[str, Any]:
        """Plain members and arrays, for the state file."""
        return {
            "codes": list(self.codes),
            "columns": self.columns,
            "sketches": {name: [kept.owner, kept.hashes] for name, kept in self.sketches.items()},
        }

    @classmethod
    def from_members(cls, members: dict[str, Any]) -> Part:
        """What `as_members` was taken from."""
        sketches = {name: Sketch(*arrays) for name, arrays in members["sketches"].items()}
        return cls(tuple(members["codes"]), members["columns"], sketches)


def _groups(codes: Sequence[NDArray[Any]]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The order that brings equal codes together (first code outermost), and where each group starts in it."""
    packed = codes[0].astype(np.int64)
    room = int(packed.max(initial=0)) + 1
    for code in codes[1:]:
        width = int(code.max(initial=0)) + 1
        if room * width >= 1 << 62:
            packed = np.unique(packed, return_inverse=True)[1].astype(np.int64)
            room = int(packed.max(initial=0)) + 1
        packed = packed * width + code
        room *= width
    order = np.argsort(packed)
    ordered = packed[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    return order, starts


def _sums(column: NDArray[Any], starts: NDArray[np.intp]) -> NDArray[Any]:
    """Sum of each group; an integer sum beyond 64 bits stays at the limit instead of turning over."""
    found = np.add.reduceat(column, starts)
    if column.dtype.kind == "f" or max(int(column.max()), -int(column.min())) <= _MOST // len(column):
        return found
    ends = [*starts[1:].tolist(), len(column)]
    for group in np.flatnonzero(np.abs(np.add.reduceat(column.astype(np.float64), starts)) > _MOST / 2).tolist():
        exact = sum(column[starts[group] : ends[group]].tolist())
        found[group] = min(max(exact, -_MOST - 1), _MOST)
    return found


def reduce(
    layout: Layout,
    codes: Sequence[NDArray[Any]],
    columns: dict[str, NDArray[Any]],
    sketches: dict[str, Sketch],
) -> Part:
    """Bring together the groups of n partial rows; `codes` may lead with a window number. O(n log n)."""
    order, starts = _groups(codes)
    grouped: dict[str, NDArray[Any]] = {}
    for name, how in layout.columns.items():
        if name.endswith("~"):
            continue
        column = columns[name][order]
        if how == "sum":
            grouped[name] = _sums(column, starts)
        elif how == "exact":
            low = columns[f"{name}~"][order]
            grouped[name], grouped[f"{name}~"] = sums.add_groups(column, low, starts)
        else:
            grouped[name] = (np.minimum if how == "min" else np.maximum).reduceat(column, starts)
    group_of = np.empty(len(order), np.int32)
    group_of[order] = np.repeat(np.arange(len(starts), dtype=np.int32), np.diff(starts, append=len(order)))
    merged = {name: sketch.regroup(sketches[name], group_of) for name in layout.distinct}
    return Part(tuple(code[order][starts] for code in codes), grouped, merged)


def merge(layout: Layout, parts: Sequence[Part]) -> Part:
    """One part of all; the order of `parts` changes nothing."""
    if len(parts) == 1:
        return parts[0]
    codes = [np.concatenate([part.codes[i] for part in parts]) for i in range(len(parts[0].codes))]
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in layout.columns}
    return reduce(layout, codes, columns, {name: _stack(parts, name) for name in layout.distinct})


def newest(layout: Layout, parts: Sequence[Part]) -> Part:
    """The groups of all parts, each as the last part that has it says: revisions over what they revise."""
    codes = [np.concatenate([part.codes[i] for part in parts]) for i in range(len(parts[0].codes))]
    order, starts = _groups(codes)
    age = np.concatenate([np.full(len(part), index) for index, part in enumerate(parts)])[order]
    # rank within the group by age; a group appears at most once in a part
    best = np.maximum.reduceat(age, starts)
    keep = order[age == np.repeat(best, np.diff(starts, append=len(order)))]
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in layout.columns}
    stacked = Part(tuple(codes), columns, {name: _stack(parts, name) for name in layout.distinct})
    return stacked.take(keep)


def _stack(parts: Sequence[Part], name: str) -> Sketch:
    offsets = np.cumsum([0, *(len(part) for part in parts[:-1])])
    owner = [part.sketches[name].owner + np.int32(offset) for part, offset in zip(parts, offsets, strict=True)]
    return Sketch(np.concatenate(owner), np.concatenate([part.sketches[name].hashes for part in parts]))
