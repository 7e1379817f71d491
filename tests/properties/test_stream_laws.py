"""Windows tile time, a checkpoint loaded is the stream that was saved, revisions add up: against plain Python."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yeoul.store import scratch_state
from yeoul.streams import Checkpoint, LocalStream, StreamSpec
from yeoul.streams.parts import Part, merge
from yeoul.testing.streams import BASE, Row, Run, S, rows, spec

row_made = st.tuples(
    st.floats(0, 9.5),
    st.sampled_from([0.0] * 6 + [1.0, 8.0, 14.0, 25.0, 70.0, 400.0]),
    st.integers(0, 2),
    st.integers(0, 1),
    st.integers(-(10**6), 10**6),
    st.floats(-1e6, 1e6, allow_nan=False),
    st.integers(0, 9),
)


def made(parts: list[tuple[Any, ...]]) -> list[Row]:
    """Rows whose time advances, some of them late; the first sixteen are in order."""
    now, found = 0.0, []
    for number, (ahead, back, customer, title, value, real, event_id) in enumerate(parts):
        behind = back * (number >= 16)
        now += 0 if behind else ahead
        at_s = round(now - behind, 3)
        found.append(Row(at_s, f"c{customer}", f"m{title}", h=value, f=real, id=f"e{event_id}"))
    return found


rows_made = st.lists(row_made, min_size=16, max_size=48).map(made)
shapes = st.sampled_from([(10, 10), (7, 7), (30, 10), (60, 20), (4, 2)])
allowed_made = st.sampled_from([0, 5, 45, 7200])


def judged(given_rows: Sequence[Row], size_us: int, slide_us: int, allowed_us: int) -> list[list[tuple[int, bool]]]:
    """By row its windows, as their start and whether it was on time for them: the text of the semantics, row by row."""
    delay_us = spec().delay_us
    front = min(BASE + round(row.at_s * S) for row in given_rows[:16])
    found = []
    for row in given_rows:
        at = BASE + round(row.at_s * S)
        watermark = front - delay_us
        front = max(front, at)
        first = at // slide_us * slide_us + slide_us
        ends = range(first, first + size_us, slide_us)
        found.append([(end - size_us, end > watermark) for end in ends if end + allowed_us > watermark])
    return found


def totals(chosen: Sequence[Row]) -> tuple[Any, ...]:
    """Every aggregate of the spec, by plain Python."""
    hits, reals = [row.h for row in chosen], [row.f for row in chosen]
    return len(chosen), sum(hits), min(hits), max(reals), math.fsum(reals) / len(reals), len({row.id for row in chosen})


@given(rows_made, shapes, allowed_made, st.integers(1, 30))
def test_windows_tile_time_and_every_revision_is_the_full_new_total(
    given_rows: list[Row], shape: tuple[int, int], allowed_s: int, size: int
):
    size_us, slide_us = shape[0] * S, shape[1] * S
    run = Run(spec(size_us=size_us, slide_us=slide_us, allowed_lateness_us=allowed_s * S))
    for first in range(0, len(given_rows), size):
        run.give("a", given_rows[first : first + size])
    run.finish()

    tiles = [
        (each.start_us, each.end_us) for each in run.entries if each.kind in {"window", "empty"} and not each.revision
    ]
    ends = [end for _, end in tiles]
    starts_of_panes = [start + size_us - slide_us for start, _ in tiles]
    assert ends == sorted(ends)
    assert starts_of_panes[1:] == ends[:-1]  # each begins where the one before ends: no gap, no overlap

    first_ones: dict[Any, list[Row]] = {}
    all_of: dict[Any, list[Row]] = {}
    late = 0
    for row, windows in zip(given_rows, judged(given_rows, size_us, slide_us, allowed_s * S), strict=True):
        late += not windows
        for start, on_time in windows:
            key = ((start - BASE) / S, row.c, row.m)
            all_of.setdefault(key, []).append(row)
            if on_time:
                first_ones.setdefault(key, []).append(row)
    assert (run.ledger.late, run.ledger.counted) == (late, len(given_rows) - late)
    found = run.results()
    zero = {(row[0], row[2], row[3]): row[4:] for row in found if not row[1]}
    last = {(row[0], row[2], row[3]): row[4:] for row in found}
    assert zero == {key: pytest.approx(totals(chosen)) for key, chosen in first_ones.items()}
    assert last == {key: pytest.approx(totals(chosen)) for key, chosen in all_of.items()}
    # revisions of a group are numbered upwards and only ever gain rows
    for key in last:
        plays = [row[4] for row in found if (row[0], row[2], row[3]) == key]
        assert plays == sorted(plays)


def seen(stream: LocalStream) -> dict[str, Any]:
    """All that a stream knows, as plain values that can be compared."""

    def of(parts: list[Part]) -> list[tuple[Any, ...]]:
        part = merge(stream.layout, parts)
        keys = [table.texts(code) for table, code in zip(stream.keys.values(), part.codes, strict=True)]
        values = [np.asarray(column).tolist() for column in part.values(stream.layout).values()]
        return sorted(zip(*keys, *values, strict=True))

    return {
        "combined": stream.clocks.combined_us,
        "closed": stream.windows.closed,
        "splits": {
            name: (clock.front.at_us, clock.floor_us, clock.joined, [(h.at_us, h.key, h.row) for h in clock.front.held])
            for name, clock in stream.clocks.splits.items()
        },
        "panes": {number: of(parts) for number, parts in stream.windows.panes.items()},
        "revised": {number: of(parts) for number, parts in stream.windows.revised.items()},
        "ledger": {name: book.as_dict() for name, book in stream.ledger.items()},
        "keys": {name: len(table) for name, table in stream.keys.items()},
        "ids": dict(stream.ids._seen),  # noqa: SLF001 - what is kept of ids shows nowhere else until one is repeated
    }


specs = st.sampled_from(
    [
        spec(),
        spec(event_id="id", allowed_lateness_us=45 * S),
        spec(size_us=30 * S, slide_us=10 * S),
        spec(size_us=30 * S, slide_us=10 * S, allowed_lateness_us=7200 * S),
    ]
)
ahead_made = st.sampled_from([0, 0, 240, 86_400])


@given(rows_made, specs, st.integers(1, 30), st.integers(1, 5), ahead_made)
def test_a_checkpoint_that_is_loaded_is_the_stream_that_was_saved(
    given_rows: list[Row], declared: StreamSpec, size: int, every: int, ahead_s: int
):
    run = Run(declared)
    with tempfile.TemporaryDirectory() as folder:
        state = scratch_state(Path(folder))
        checkpoint = Checkpoint(run.stream)
        at = {"a": 0, "b": 0, "c": 0}
        for name in at:
            run.stream.open(name, joined=name != "c")
        for number, first in enumerate(range(0, len(given_rows), size)):
            batch = given_rows[first : first + size]
            name = "abc"[number % 3]
            run.stream.add(name, rows([*batch, Row(batch[-1].at_s + ahead_s, "odd")], at[name]))
            at[name] += len(batch) + 1
            run.stream.advance()
            run.take()
            if number % every == 0:
                with state.transaction() as db:
                    checkpoint.save(db, {name: {"at": where} for name, where in at.items()})
        with state.transaction() as db:
            checkpoint.save(db, {name: {"at": where} for name, where in at.items()})
        loaded = LocalStream(declared, run.history)
        positions = Checkpoint(loaded).load(state.db)
        state.close()
    assert positions == {name: {"at": at[name]} for name in run.stream.clocks.splits}
    assert seen(loaded) == seen(run.stream)


@given(rows_made, st.data())
def test_parts_merge_to_the_same_whatever_their_order_and_grouping(given_rows: list[Row], data: st.DataObject):
    cuts = data.draw(st.lists(st.integers(0, len(given_rows)), max_size=6).map(sorted))
    edges = [0, *cuts, len(given_rows)]
    run = Run(spec(size_us=86_400 * S, slide_us=86_400 * S))
    run.stream.open("a", joined=True)
    for start, stop in pairwise(edges):
        if stop > start:
            run.stream.add("a", rows(given_rows[start:stop], start))
    parts = [part for parts in run.stream.windows.panes.values() for part in parts]
    layout = run.stream.layout

    def values(part: Part) -> Any:
        return [code.tolist() for code in part.codes], [column.tolist() for column in part.values(layout).values()]

    whole = values(merge(layout, parts))
    order = data.draw(st.permutations(parts))
    split = data.draw(st.integers(0, len(order)))
    groups = [merge(layout, group) for group in (order[:split], order[split:]) if group]
    assert values(merge(layout, groups)) == whole
