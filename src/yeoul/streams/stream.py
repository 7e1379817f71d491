"""One stream on the local engine: rows go in, closed windows come out; this is the definition of correct.

It reads no file and writes no state: `add`, `end`, `idle`, `advance` change it, `drain` hands out what happened since.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.events import Ledger, Reject, Rows, iso
from yeoul.streams.classify import Batch, Verdict, judge, settle
from yeoul.streams.duplicates import EventIds
from yeoul.streams.entries import Coverage, Entry
from yeoul.streams.front import NEVER, Decision
from yeoul.streams.keys import KeyTable, key_text
from yeoul.streams.parts import ROWS, Layout
from yeoul.streams.sketch import hash_numbers, hash_texts
from yeoul.streams.spec import StreamSpec
from yeoul.streams.splits import Clocks, SplitClock
from yeoul.streams.windows import Windows

__all__ = ["Drained", "LateRow", "LocalStream"]


@dataclass(frozen=True, slots=True)
class LateRow:
    """A row beyond allowed lateness."""

    event_us: int
    source: str
    position: int
    reason: str
    row: dict[str, Any]


@dataclass(slots=True)
class Drained:
    """What happened since the last drain."""

    entries: list[Entry] = field(default_factory=list)
    late: list[LateRow] = field(default_factory=list)
    rejects: list[tuple[str, Reject]] = field(default_factory=list)
    """With the name of their split."""


class LocalStream:
    """The state of one stream.

    The caller promises: one thread; rows of a split in order; `history(start_us, end_us)` gives all entries of a closed
    window, oldest first, those of `drain` included once they are handed out.
    """

    def __init__(self, spec: StreamSpec, history: Callable[[int, int], list[Entry]]) -> None:
        self.spec = spec
        floats = frozenset(each.name for each in spec.schema.fields if each.type == "float")
        self.layout = Layout.of(spec.aggregates, floats)
        self.windows = Windows(self.layout, spec.size_us, spec.slide_us)
        self.clocks = Clocks(spec.delay_us, spec.max_future_skew_us, spec.max_split_lag_us, spec.idle_timeout_us)
        self.keys = {name: KeyTable() for name in spec.keys}
        self.ids = EventIds()
        self.ledger: dict[str, Ledger] = {}
        self._history = history
        self._out = Drained()
        self._redacted = frozenset(spec.schema.redact)

    def open(self, split: str, *, joined: bool) -> SplitClock:
        """Make a split known."""
        self.ledger.setdefault(split, Ledger())
        return self.clocks.open(split, joined=joined)

    def add(self, split: str, rows: Rows, *, wall_us: int | None = None) -> None:
        """Take the next rows of a split; `wall_us` when the split is live and these are its newest. O(n log n)."""
        clock = self.clocks.splits[split]
        book = self.ledger[split]
        book.bytes += rows.bytes
        for reject in rows.rejects:
            book.read += 1
            book.invalid += 1
            self._out.rejects.append((split, reject))
        if not len(rows):
            return
        self.clocks.before_rows(clock)
        batch = Batch.of(clock.front, rows)
        first_keys = _texts(batch.column(self.spec.keys[0])) if self.spec.keys else [""] * len(batch)
        verdict = judge(clock.front, batch, first_keys, wall_us)
        batch.keep_held(clock.front)
        self._book(clock, batch, verdict)
        self._note_vouched(clock)
        if self.clocks.after_rows(clock):
            self._note("join", split)

    def end(self, split: str) -> None:
        """The split was read to its end for good."""
        clock = self.clocks.splits[split]
        self._settle(clock, clock.front.finish)
        clock.ended = True

    def idle(self, split: str, wall_us: int) -> None:
        """The split is caught up and has been silent: it holds nobody back until its next row."""
        clock = self.clocks.splits[split]
        self._settle(clock, lambda: clock.front.settle(wall_us))
        self._note_vouched(clock)
        if clock.joined:
            clock.joined = False
            self._note("leave", split)

    def redrive(self, split: str, rows: Rows, was: str = "invalid") -> tuple[int, int]:
        """Count rows that were `was` (invalid or future) when they were read.

        Returns:
            How many counted, and how many stay what they were because their window is past retention.
        """
        book = self.ledger[split]
        batch = Batch([], rows, rows.at_us)
        kept = np.ones(len(rows), bool) if rows.kept is None else rows.kept
        keeps_until = np.floor_divide(batch.at_us, self.spec.slide_us) * self.spec.slide_us + self.spec.retention_us
        refused = kept & (keeps_until <= self.clocks.combined_us)
        chosen = np.flatnonzero(kept & ~refused)
        if self.spec.schema.event_id is not None and len(chosen):
            chosen = self._first_ones(batch, chosen, book, np.full(len(batch), self.clocks.combined_us))
        book.filtered += int((~kept).sum())
        book.counted += len(chosen)
        setattr(book, was, getattr(book, was) - len(rows) + int(refused.sum()))
        if len(chosen):
            closed = NEVER if self.windows.closed is None else self.windows.closed * self.spec.slide_us
            missed = self.windows.missed(batch.at_us, closed)
            self._count(batch, chosen, missed, np.zeros_like(missed))
        return len(chosen), int(refused.sum())

    def advance(self, *, now_us: int | None = None, silent_us: int | None = None) -> None:
        """Move the watermark, close what it passes.

        Live, `now_us` is the monotonic time of the last look, `silent_us` the time since the last row when all splits
        are idle.
        """
        for name in self.clocks.advance(now_us):
            self._note("leave", name)
        if silent_us is not None and self.clocks.advance_idle(silent_us):
            closed = self.windows.closed
            if closed is not None and self.clocks.combined_us // self.spec.slide_us > closed:
                self._note("idle", "")  # one for each time that silence closes windows
        self.ids.expire(self.clocks.combined_us)
        self._close(self.clocks.combined_us // self.spec.slide_us)

    def finish(self) -> None:
        """All input has ended: close every window. Those past the watermark may have been cut short: partly covered."""
        names = tuple(sorted(self.clocks.splits))
        windows = self.windows
        last = max([*(pane + windows.per_row for pane, _ in windows.panes), *windows.revised], default=None)
        if windows.closed is None and not windows.panes:
            windows.closed = last
        elif last is not None:
            self._close(last, lambda _: Coverage(len(names), names))
        self.publish_revisions()  # also where no window was left to close

    @property
    def has_entries(self) -> bool:
        """Whether windows closed since the last `drain`."""
        return bool(self._out.entries)

    def drain(self) -> Drained:
        """What happened since the last call."""
        out, self._out = self._out, Drained()
        return out

    def _close(self, limit: int, coverage: Callable[[int], Coverage] | None = None) -> None:
        closed = self.windows.closed
        entries = self.windows.close(limit, coverage or self.clocks.coverage)
        if self.windows.revised and self.windows.closed is not None and (entries or closed is None):
            fresh = {(entry.start_us, entry.end_us): entry for entry in entries if entry.kind == "window"}
            revisions = self.windows.revise(lambda start, end: self._entries_of(fresh, start, end))
            entries = _in_time(entries, revisions, self.spec.allowed_lateness_us)
        self._touch(entries)
        self._out.entries += entries

    def _touch(self, entries: list[Entry]) -> None:
        for entry in entries:
            if entry.part is not None:
                for table, codes in zip(self.keys.values(), entry.part.codes, strict=False):
                    table.touch(codes, entry.end_us)

    def idle_keys(self, before_us: int) -> dict[str, list[int]]:
        """By key field the codes to which no window that is open, or ends after `before_us`, refers."""
        waiting = [*self.windows.panes.values(), *self.windows.revised.values()]
        found = {}
        for index, (name, table) in enumerate(self.keys.items()):
            used = {code for parts in waiting for part in parts for code in part.codes[index].tolist()}
            found[name] = [code for code in table.idle_since(before_us) if code not in used]
        return found

    def publish_revisions(self) -> None:
        """Publish what late rows changed although no window closes."""
        entries = self.windows.revise(lambda start, end: self._entries_of({}, start, end))
        self._touch(entries)
        self._out.entries += entries

    def _entries_of(self, fresh: dict[tuple[int, int], Entry], start_us: int, end_us: int) -> list[Entry]:
        undrained = [entry for entry in self._out.entries if (entry.start_us, entry.end_us) == (start_us, end_us)]
        now = fresh.get((start_us, end_us))
        return self._history(start_us, end_us) + undrained + ([now] if now else [])

    def _note(self, kind: str, split: str) -> None:
        at = max(self.clocks.combined_us, 0)  # before the first watermark there is no time
        self._out.entries.append(Entry(kind, at, at, note=split))

    def _note_vouched(self, clock: SplitClock) -> None:
        """Note that the wall clock decided: that is the one thing that is no function of the rows."""
        if clock.front.vouched:
            clock.front.vouched = 0
            self._note("believe", clock.name)

    def _settle(self, clock: SplitClock, decide: Callable[[], list[Decision]]) -> None:
        empty: dict[str, list[Any] | NDArray[Any]] = {
            each.name: [] if each.type == "str" else np.empty(0, _DTYPES[each.type]) for each in self.spec.schema.fields
        }
        none = np.empty(0, np.int64)
        kept = None if self.spec.schema.where is None else np.empty(0, bool)
        rows = Rows(none, empty, "", none, lambda _: b"", kept=kept)
        self.clocks.before_rows(clock)
        batch = Batch.of(clock.front, rows)
        decisions = decide()
        if len(batch):
            self._book(clock, batch, settle(batch, decisions))

    def _book(self, clock: SplitClock, batch: Batch, verdict: Verdict) -> None:
        """Give each decided row its class, and count those that are to be counted."""
        book, spec = self.ledger[clock.name], self.spec
        decided = verdict.believed | verdict.future
        kept = batch.kept()
        if isinstance(spec.start, int):
            since = batch.at_us >= spec.start
            kept = since if kept is None else kept & since
        dropped_rows = np.zeros(len(batch), bool) if kept is None else decided & ~kept
        future = verdict.future & ~dropped_rows
        counted = verdict.believed & ~dropped_rows
        watermark = np.maximum(verdict.before_us - spec.delay_us, clock.floor_us)
        missed = self.windows.missed(batch.at_us, watermark)
        past = self.windows.missed(batch.at_us, watermark - spec.allowed_lateness_us) if missed.any() else missed
        late = counted & (past == self.windows.per_row)
        counted &= ~late
        book.read += int(decided.sum())
        book.filtered += int(dropped_rows.sum())
        book.future += int(future.sum())
        book.late += int(late.sum())
        for index in np.flatnonzero(future).tolist():
            self._set_aside(clock, batch, index)
        for index in np.flatnonzero(late).tolist():
            self._give_late(batch, index, int(watermark[index]))
        chosen = np.flatnonzero(counted)
        if spec.schema.event_id is not None and len(chosen):
            if verdict.order is not None:
                chosen = verdict.order[counted[verdict.order]]
            # from here on the order in which rows were decided tells nothing: they are taken as they stand in the batch
            chosen = np.sort(self._first_ones(batch, chosen, book, watermark))
        book.counted += len(chosen)
        if len(chosen):
            self._count(batch, chosen, missed, past)

    def _first_ones(
        self, batch: Batch, chosen: NDArray[np.intp], book: Ledger, watermark_us: NDArray[np.int64]
    ) -> NDArray[np.intp]:
        ids = _take(batch.column(self.spec.schema.event_id or ""), chosen)
        last = np.floor_divide(batch.at_us[chosen], self.spec.slide_us) + self.windows.per_row
        texts = ids if isinstance(ids, list) else list(map(str, ids.tolist()))
        until = last * self.spec.slide_us + self.spec.allowed_lateness_us
        fresh = self.ids.first(texts, until, watermark_us[chosen])
        book.duplicate += int((~fresh).sum())
        return chosen[fresh]

    def _count(
        self, batch: Batch, chosen: NDArray[np.intp], missed: NDArray[np.int64], past: NDArray[np.int64]
    ) -> None:
        every = len(chosen) == len(batch)
        taken = {name: batch.column(name) for name in self._needed()}
        if not every:
            taken = {name: _take(column, chosen) for name, column in taken.items()}
        codes = [self.keys[name].encode(_texts(taken[name])) for name in self.spec.keys]
        columns: dict[str, NDArray[Any]] = {ROWS: np.ones(len(chosen), np.int64)}
        hashes = {}
        for each in self.spec.aggregates:
            if each.field is None:
                continue
            column = taken[each.field]
            if each.function == "distinct":
                hashes[each.name] = hash_texts(column) if isinstance(column, list) else hash_numbers(column)
            else:
                columns[each.name] = np.asarray(column)
                columns[f"{each.name}~"] = np.zeros(len(chosen))
        codes = codes or [np.zeros(len(chosen), np.int32)]
        self.windows.add(batch.at_us[chosen], missed[chosen], past[chosen], codes, columns, hashes)

    def _needed(self) -> set[str]:
        return {*self.spec.keys, *(each.field for each in self.spec.aggregates if each.field is not None)}

    def _set_aside(self, clock: SplitClock, batch: Batch, index: int) -> None:
        row = batch.one(index)
        ahead = (row.at_us - clock.front.at_us) / 1e6
        reason = f"its time {iso(row.at_us)} is {ahead:.1f} s ahead of its neighbours and no other rows confirm it"
        reject = Reject(row.source, row.position, reason, row.raw, "future", row.header)
        self._out.rejects.append((clock.name, reject))

    def _give_late(self, batch: Batch, index: int, watermark_us: int) -> None:
        row = batch.one(index)
        behind = (watermark_us - row.at_us) / 1e6
        reason = f"{behind:.1f} s behind the watermark {iso(watermark_us)} of its split"
        names = {each.name: each.type for each in self.spec.schema.fields}
        shown = {
            name: "***" if name in self._redacted else iso(value) if names.get(name) == "timestamp" else value
            for name, value in row.values.items()
        }
        self._out.late.append(LateRow(row.at_us, row.source, row.position, reason, shown))


def _in_time(entries: list[Entry], revisions: list[Entry], lateness_us: int) -> list[Entry]:
    """The windows that close now, in order, each revision before those that end past its window's allowed lateness.

    When they close one by one it always stands there. In a backlog, where many close together, it must too: who follows
    the log takes an hour for complete when no revision can come for it any more.
    """
    ends = [entry.end_us for entry in entries]
    merged = list(entries)
    for revision in reversed(revisions):
        merged.insert(bisect_right(ends, revision.end_us + lateness_us), revision)
    return merged


_DTYPES = {"int": np.int64, "float": np.float64, "bool": np.bool_, "timestamp": np.int64}


def _texts(column: list[Any] | NDArray[Any]) -> list[str]:
    return column if isinstance(column, list) else list(map(key_text, column.tolist()))


def _take(column: list[Any] | NDArray[Any], chosen: NDArray[np.intp]) -> list[Any] | NDArray[Any]:
    return [column[index] for index in chosen.tolist()] if isinstance(column, list) else column[chosen]
