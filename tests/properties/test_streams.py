"""Any batch size, any kill, any interleaving of splits gives the same result."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from yeoul.store import scratch_state
from yeoul.streams import Checkpoint, Entry, StreamSpec
from yeoul.streams import log as results_log
from yeoul.testing.streams import SPEC, Row, Run, S, rows, spec

DAY_S = 86_400.0

odd_shift = st.sampled_from([0.0] * 12 + [-45.0, -700.0, 240.0, DAY_S, 365 * DAY_S])
step = st.one_of(st.floats(0, 2), st.floats(0, 2), st.sampled_from([15.0, 400.0, 8 * 3600.0]))
row_made = st.tuples(
    step,
    st.floats(0, 9.5),
    odd_shift,
    st.integers(0, 4),
    st.integers(0, 3),
    st.floats(-1e9, 1e9, allow_nan=False),
    st.integers(0, 30),
    st.booleans(),
)


def made(parts: list[tuple[Any, ...]]) -> list[Row]:
    """Rows whose times mostly advance, with disorder, lateness, odd clocks, quiet nights and repeats."""
    now, found = 0.0, []
    for ahead, back, shift, customer, title, value, number, kept in parts:
        now += ahead
        at_s = round(now - back + shift, 3)
        found.append(
            Row(at_s, f"c{customer}", f"m{title}", h=number, f=value, id=f"e{number}", kept=kept or number > 3)
        )
    return found


splits_made = st.lists(st.lists(row_made, min_size=1, max_size=60).map(made), min_size=1, max_size=3)
specs = st.sampled_from(
    [
        SPEC,
        spec(event_id="id"),
        spec(size_us=30 * S, slide_us=10 * S),
        spec(size_us=30 * S, slide_us=10 * S, allowed_lateness_us=60 * S),
    ]
)


def read(run: Run, splits: list[list[Row]], sizes: list[int]) -> None:
    """Read all splits to their end, always the one with the lowest watermark, in batches of these sizes."""
    names = [f"split{index}" for index in range(len(splits))]
    for name in names:
        run.stream.open(name, joined=True)
    at = dict.fromkeys(names, 0)
    turn = 0
    while waiting := [name for name in names if at[name] < len(splits[names.index(name)])]:
        name = min(waiting, key=lambda each: (run.stream.clocks.splits[each].watermark_us, each))
        batch = splits[names.index(name)][at[name] : at[name] + sizes[turn % len(sizes)]]
        turn += 1
        run.stream.add(name, rows(batch, at[name]))
        at[name] += len(batch)
        if at[name] == len(splits[names.index(name)]):
            run.stream.end(name)
        run.stream.advance()
        run.take()
    run.stream.finish()
    run.take()


def outcome(run: Run) -> tuple[Any, ...]:
    """Everything that must not depend on how the input was read."""
    first = [row for row in run.results() if row[1] == 0]
    last = {(row[0], row[2], row[3]): row[4:] for row in run.results()}
    late = sorted((row.event_us, row.position, row.row["c"]) for row in run.late)
    future = sorted((reject.position, reject.kind) for _, reject in run.rejects)
    return first, last, late, future, {name: book.as_dict() for name, book in run.stream.ledger.items()}


@given(splits_made, specs, st.lists(st.integers(1, 25), min_size=1, max_size=6))
def test_batch_sizes_change_nothing(splits: list[list[Row]], declared: StreamSpec, sizes: list[int]):
    one, many = Run(declared), Run(declared)
    if declared.schema.event_id:
        splits = splits[:1]  # which of two splits' repeats comes first is a matter of reading order
    read(one, splits, [1])
    read(many, splits, sizes)
    assert outcome(one) == outcome(many)
    assert one.ledger.balanced()


@given(splits_made, specs)
def test_every_row_is_in_exactly_the_windows_that_cover_its_time(splits: list[list[Row]], declared: StreamSpec):
    run = Run(declared)
    read(run, splits, [7])
    last = {(row[0], row[2], row[3]): row[4] for row in run.results()}
    per_row = declared.size_us // declared.slide_us
    if per_row == 1:
        assert sum(last.values()) == run.ledger.counted
    windows = [(entry.start_us, entry.end_us) for entry in run.entries if entry.kind == "window" and not entry.revision]
    assert len(windows) == len(set(windows))
    assert all(end - start == declared.size_us and end % declared.slide_us == 0 for start, end in windows)


@given(splits_made, st.integers(1, 40))
def test_every_group_holds_the_rows_of_its_keys_that_were_neither_late_nor_future(splits: list[list[Row]], size: int):
    run, given_rows = Run(spec(where="kept")), splits[0]
    read(run, [given_rows], [size])
    aside = {row.position for row in run.late} | {reject.position for _, reject in run.rejects}
    expected = Counter(
        (row.at_s // 10 * 10, row.c, row.m, row.h)
        for position, row in enumerate(given_rows)
        if row.kept and position not in aside
    )
    counted, summed = Counter[tuple[Any, ...]](), Counter[tuple[Any, ...]]()
    for (start, customer, title, number), rows_there in expected.items():
        counted[start, customer, title] += rows_there
        summed[start, customer, title] += rows_there * number
    found = {(row[0], row[2], row[3]): (row[4], row[5]) for row in run.results()}
    assert found == {key: (counted[key], summed[key]) for key in counted}


@given(splits_made, specs, st.lists(st.integers(1, 12), min_size=1, max_size=5), st.sets(st.integers(0, 40)))
def test_a_kill_at_any_checkpoint_changes_nothing(
    splits: list[list[Row]], declared: StreamSpec, sizes: list[int], kills: set[int]
):
    given_rows = splits[0]
    calm = Run(declared)
    read(calm, [given_rows], sizes)
    with tempfile.TemporaryDirectory() as folder:
        killed = _with_kills(Path(folder), declared, given_rows, sizes, kills)
    assert outcome(killed) == outcome(calm)


def _with_kills(folder: Path, declared: StreamSpec, given_rows: list[Row], sizes: list[int], kills: set[int]) -> Run:
    """Read one split with a checkpoint after each batch; in `kills` memory is lost before the commit."""
    state = scratch_state(folder)
    run, checkpoint, at = Run(declared), None, 0
    kept: list[Entry] = []
    aside: tuple[list[Any], list[Any]] = ([], [])

    def begin() -> tuple[Run, Checkpoint, int]:
        fresh = Run(declared, entries=list(kept), late=list(aside[0]), rejects=list(aside[1]))
        keeper = Checkpoint(fresh.stream)
        positions = keeper.load(state.db) or {}
        fresh.stream.open("split0", joined=True)
        return fresh, keeper, positions.get("split0", {"at": 0})["at"]

    run, checkpoint, at = begin()
    turn = 0
    while at < len(given_rows):
        batch = given_rows[at : at + sizes[turn % len(sizes)]]
        run.stream.add("split0", rows(batch, at))
        run.stream.advance()
        if turn in kills:
            kills = kills - {turn}
            run, checkpoint, at = begin()
            continue
        turn += 1
        at += len(batch)
        before = len(run.entries)
        run.take()
        for number, entry in enumerate(run.entries[before:], before + 1):
            entry.seq = number
        with state.transaction() as db:
            checkpoint.save(db, {"split0": {"at": at}})
            results_log.append(db, "s", run.entries[before:])
        kept, aside = list(run.entries), (list(run.late), list(run.rejects))
    run.stream.end("split0")
    run.stream.advance()
    run.stream.finish()
    run.take()
    in_log = list(results_log.read(state.db, lambda _: []))
    assert [(each.kind, each.start_us, each.revision) for each in in_log] == [
        (each.kind, each.start_us, each.revision) for each in kept
    ]
    state.close()
    return run
