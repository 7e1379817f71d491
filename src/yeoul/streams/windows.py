"""Open windows: rows gather in panes (one slide long), a window closes as the merge of its panes, late rows revise it.

Revision 0 holds exactly the rows that were on time by their own split, even when the window was still open because of
another split; so it depends on no batch size and no interleaving. Pane p covers [p, p + 1) slides; window e ends at e
slides and consists of the k panes before. A row that came when the first m of its k windows had passed is `missed` m.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.streams.entries import Coverage, Entry
from yeoul.streams.parts import Layout, Part, merge, newest, reduce
from yeoul.streams.sketch import Sketch

__all__ = ["Windows"]

_COMPACT_AFTER = 64


class Windows:
    """The open panes of one stream, and what late rows changed of closed windows."""

    def __init__(self, layout: Layout, size_us: int, slide_us: int) -> None:
        self.layout = layout
        self.size_us = size_us
        self.slide_us = slide_us
        self.per_row = size_us // slide_us
        self.closed: int | None = None
        """Number of the last closed window; None before the first."""
        self.panes: dict[tuple[int, int], list[Part]] = {}
        """By (pane, missed)."""
        self.revised: dict[int, list[Part]] = {}
        """By window: parts that came too late for revision 0."""
        self.fresh: list[tuple[str, int, int, Part]] = []
        """What came since the last checkpoint: (`pane` or `revised`, number, missed, part)."""
        self.published: set[int] = set()
        """Windows whose revisions were published since the last checkpoint: what is kept of them there is to go."""

    def missed(self, at_us: NDArray[np.int64], watermark_us: NDArray[np.int64] | int) -> NDArray[np.int64]:
        """How many of each row's windows end at or before the watermark: 0 … per_row."""
        ended = np.floor_divide(watermark_us, self.slide_us) - np.floor_divide(at_us, self.slide_us)
        missed: NDArray[np.int64] = np.clip(ended, 0, self.per_row)
        return missed

    def add(
        self,
        at_us: NDArray[np.int64],
        missed: NDArray[np.int64],
        dropped: NDArray[np.int64],
        codes: Sequence[NDArray[np.int32]],
        columns: dict[str, NDArray[Any]],
        hashes: dict[str, NDArray[np.uint64]],
    ) -> None:
        """Take n rows: of a row's windows the first `dropped` are past revising, those up to `missed` are revised."""
        pane = np.floor_divide(at_us, self.slide_us)
        if not missed.any():
            self._add_group(pane, 0, codes, columns, hashes)
            return
        for late in np.unique(missed):
            chosen = missed == late
            if late < self.per_row:
                self._add_group(*_pick(chosen, pane, int(late), codes, columns, hashes))
            for back in range(1, int(late) + 1):
                again = chosen & (dropped < back)
                if again.any():
                    self._add_group(*_pick(again, pane + back, -1, codes, columns, hashes))

    def _add_group(
        self,
        number: NDArray[np.int64],
        missed: int,
        codes: Sequence[NDArray[np.int32]],
        columns: dict[str, NDArray[Any]],
        hashes: dict[str, NDArray[np.uint64]],
    ) -> None:
        first = int(number.min())
        rows = np.arange(len(number), dtype=np.int32)
        sketches = {name: Sketch(rows, found) for name, found in hashes.items()}
        both = reduce(self.layout, (number - first, *codes), columns, sketches)
        lead = both.codes[0]
        whole = Part(both.codes[1:], both.columns, both.sketches)
        edges = np.flatnonzero(np.diff(lead, prepend=-1))
        for start, stop in zip(edges, [*edges[1:], len(lead)], strict=True):
            part = whole if len(edges) == 1 else whole.take(np.arange(start, stop))
            self.put("revised" if missed < 0 else "pane", first + int(lead[start]), max(missed, 0), part)

    def put(self, kind: str, number: int, missed: int, part: Part, *, fresh: bool = True) -> None:
        """Add a part to a pane or to the revision of a window."""
        parts = (
            self.revised.setdefault(number, []) if kind == "revised" else self.panes.setdefault((number, missed), [])
        )
        parts.append(part)
        if len(parts) > _COMPACT_AFTER:
            parts[:] = [merge(self.layout, parts)]
        if fresh:
            self.fresh.append((kind, number, missed, part))

    def take_fresh(self) -> list[tuple[str, int, int, Part]]:
        """What came since the last call and still matters, merged."""
        together: dict[tuple[str, int, int], list[Part]] = {}
        for kind, number, missed, part in self.fresh:
            # what was revised is taken out when it is published: its window may be revised anew before the checkpoint
            if kind == "revised" or (number, missed) in self.panes:
                together.setdefault((kind, number, missed), []).append(part)
        self.fresh = []
        return [(*key, merge(self.layout, parts)) for key, parts in together.items()]

    def close(self, limit: int, coverage: Callable[[int], Coverage]) -> list[Entry]:
        """Close all windows up to number `limit`, in order; runs of empty ones are one entry."""
        if self.closed is None:
            first = min((pane for pane, _ in self.panes), default=limit)
            if limit <= first:
                return []
            self.closed = first
        entries: list[Entry] = []
        for window in self._filled(limit):
            entries += self._empty(window - 1, coverage)
            entries.append(self._entry(window, coverage(window * self.slide_us)))
            self.closed = window
            self._drop(window)
        return entries + self._empty(limit, coverage)

    def still_open(self) -> list[Entry]:
        """The windows that are open, as they would close now; nothing closes."""
        return [self._entry(window, Coverage()) for window in self._filled(None)]

    def _entry(self, window: int, coverage: Coverage) -> Entry:
        parts = [
            part
            for back in range(1, self.per_row + 1)
            for missed in range(back)
            for part in self.panes.get((window - back, missed), ())
        ]
        end = window * self.slide_us
        return Entry("window", end - self.size_us, end, coverage=coverage, part=merge(self.layout, parts))

    def _filled(self, limit: int | None) -> list[int]:
        """Numbers of the open windows that have rows, up to a limit."""
        windows = {
            window
            for pane, missed in self.panes
            for window in range(pane + 1 + missed, pane + self.per_row + 1)
            if (self.closed is None or self.closed < window) and (limit is None or window <= limit)
        }
        return sorted(windows)

    def _drop(self, window: int) -> None:
        # windows close in order, so older panes are gone: to ask all that are open would be quadratic
        for missed in range(self.per_row):
            self.panes.pop((window - self.per_row, missed), None)

    def _empty(self, limit: int, coverage: Callable[[int], Coverage]) -> list[Entry]:
        assert self.closed is not None
        if limit <= self.closed:
            return []
        end = (self.closed + 1) * self.slide_us
        entry = Entry("empty", end - self.size_us, limit * self.slide_us, coverage=coverage(end))
        self.closed = limit
        return [entry]

    def revise(self, history: Callable[[int, int], list[Entry]]) -> list[Entry]:
        """New full totals of the closed windows that late rows changed; `history(start, end)` gives their entries."""
        entries = []
        for window in sorted(window for window in self.revised if self.closed is not None and window <= self.closed):
            change = merge(self.layout, self.revised.pop(window))
            self.published.add(window)
            end = window * self.slide_us
            before = history(end - self.size_us, end)
            total = self._total(change, before)
            revision = max((entry.revision for entry in before), default=0) + 1
            coverage = before[0].coverage if before else Coverage()
            entries.append(Entry("window", end - self.size_us, end, revision, coverage, total, change))
        gone = {entry.end_us // self.slide_us for entry in entries}
        self.fresh = [each for each in self.fresh if each[0] != "revised" or each[1] not in gone]
        return entries

    def _total(self, change: Part, before: Iterable[Entry]) -> Part:
        known = [entry.part for entry in before if entry.part is not None]
        if not known:
            return change
        both = merge(self.layout, [newest(self.layout, known), change])
        # both and change stand in the order of their codes: the changed groups are found by position
        touched = merge(self.layout, [_counted(both, 0), _counted(change, 1)]).columns["#"] > 0
        return both.take(np.flatnonzero(touched))


def _counted(part: Part, rows: int) -> Part:
    columns = {**part.columns, "#": np.full(len(part), rows, np.int64)}
    return Part(part.codes, columns, part.sketches)


def _pick(
    chosen: NDArray[np.bool_],
    number: NDArray[np.int64],
    missed: int,
    codes: Sequence[NDArray[np.int32]],
    columns: dict[str, NDArray[Any]],
    hashes: dict[str, NDArray[np.uint64]],
) -> tuple[Any, ...]:
    return (
        number[chosen],
        missed,
        [code[chosen] for code in codes],
        {name: column[chosen] for name, column in columns.items()},
        {name: found[chosen] for name, found in hashes.items()},
    )
