"""A stream's state as it is kept: what a restart finds is what was there."""

from __future__ import annotations

from pathlib import Path

from yeoul.store import State, scratch_state
from yeoul.streams import Checkpoint, LocalStream
from yeoul.testing.streams import BASE, Row, Run, S, rows, spec, steady

KEPT = spec(allowed_lateness_us=60 * S)


def save(state: State, checkpoint: Checkpoint) -> None:
    with state.transaction() as db:
        checkpoint.save(db, {"a": {}})


def loaded(state: State) -> LocalStream:
    stream = LocalStream(KEPT, lambda _start, _end: [])
    Checkpoint(stream).load(state.db)
    return stream


def revised_rows(stream: LocalStream) -> dict[float, int]:
    size_us = stream.spec.size_us
    return {
        (window * size_us - BASE) / S: sum(part.rows for part in parts)
        for window, parts in stream.windows.revised.items()
    }


def test_what_was_published_and_revised_anew_between_two_checkpoints_is_kept_once(tmp_path: Path):
    state = scratch_state(tmp_path)
    run = Run(KEPT)
    checkpoint = Checkpoint(run.stream)
    run.give("a", steady(40))
    run.give("a", [Row(5.0, c="kept before")])
    save(state, checkpoint)
    assert revised_rows(loaded(state)) == {10.0: 1}
    run.give("a", [Row(5.0, c="published")])
    run.stream.publish_revisions()
    run.take()
    run.give("a", [Row(6.0, c="new"), Row(16.0, c="new")])
    save(state, checkpoint)
    assert revised_rows(run.stream) == {10.0: 1, 20.0: 1}
    assert revised_rows(loaded(state)) == {10.0: 1, 20.0: 1}
    run.stream.publish_revisions()
    save(state, checkpoint)
    assert revised_rows(loaded(state)) == {}


def test_a_restart_finds_the_open_windows_and_the_time(tmp_path: Path):
    state = scratch_state(tmp_path)
    run = Run(KEPT)
    run.stream.open("a", joined=True)
    run.stream.add("a", rows(steady(45)))
    run.stream.advance()
    save(state, Checkpoint(run.stream))
    again = loaded(state)
    assert again.clocks.combined_us == run.stream.clocks.combined_us
    assert again.windows.closed == run.stream.windows.closed
    kept, found = (
        {at: sum(part.rows for part in parts) for at, parts in each.windows.panes.items()}
        for each in (run.stream, again)
    )
    assert found == kept
