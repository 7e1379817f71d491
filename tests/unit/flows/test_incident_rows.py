"""Incidents on their way into the state file: merged ones live on elsewhere, and old news is told to nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from yeoul.clock import ManualClock
from yeoul.detect import Watch
from yeoul.flows.incident_rows import IncidentRows
from yeoul.flows.plan import Notifier
from yeoul.incidents import Change, Incidents, IncidentsConfig, Sighting
from yeoul.store import State, scratch_state

MINUTE_US = 60_000_000
HOOK = (Notifier("ops", "webhook", "http://127.0.0.1:9/"),)


@pytest.fixture
def state(tmp_path: Path) -> State:
    return scratch_state(tmp_path)


def opened(key: str, at_us: int) -> Change:
    machine = Incidents(IncidentsConfig(persist=(1, 1), close_after=1))
    seen = Sighting(f'{{"cpk":"{key}"}}', "customers", ("seasonal",), "up", 1e-7, 1.0, 0.9, 90.0, 30.0)
    (change,) = machine.tick(at_us, [seen])
    return change


def save(state: State, rows: IncidentRows) -> None:
    with state.transaction() as db:
        rows.save(db)


def count(state: State, table: str) -> int:
    return int(state.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@pytest.mark.parametrize(("age_us", "told"), [(0, 1), (9 * MINUTE_US, 1), (10 * MINUTE_US, 0), (60 * MINUTE_US, 0)])
def test_changes_older_than_ten_minutes_are_recorded_and_told_to_nobody(state: State, age_us: int, told: int):
    clock = ManualClock(100 * MINUTE_US)
    rows = IncidentRows("customers", 10_000_000, HOOK, clock)
    rows.note([opened("C1", clock.now_us() - age_us)], [], clock.now_us() - age_us)
    save(state, rows)
    assert count(state, "incident") == 1
    assert count(state, "outbox") == told


def test_a_merged_incident_lives_on_in_the_one_that_took_it_over(state: State):
    clock = ManualClock(100 * MINUTE_US)
    rows = IncidentRows("customers", 10_000_000, (), clock)
    first, second = opened("C1", 0), opened("C2", 0)
    rows.note([first, second], [], 0)
    save(state, rows)
    assert count(state, "incident") == 2
    rows.note([Change("merged", replace(second.incident, closed_us=1), into=first.incident.id)], [], 1)
    save(state, rows)
    assert state.db.execute("SELECT id FROM incident").fetchall() == [(first.incident.id,)]


def test_an_incident_that_did_not_move_is_not_written_again(state: State):
    rows = IncidentRows("customers", 10_000_000, (), ManualClock())
    rows.note([opened("C1", 0)], [], 0)
    save(state, rows)
    with state.transaction() as db:
        db.execute("DELETE FROM incident")
    save(state, rows)
    assert count(state, "incident") == 0


class Watched:
    """As much of a watch as a track asks for: a history of one value a tick."""

    def __init__(self) -> None:
        self.ticks = np.zeros((0, 5))

    def history(self, number: int) -> NDArray[np.float64]:
        assert number == 7
        return self.ticks


@pytest.mark.parametrize("restarted_at", [None, 3, 5])
def test_the_track_of_a_closed_incident_has_the_same_end_after_a_restart(state: State, restarted_at: int | None):
    rows = IncidentRows("customers", 10, (), ManualClock())
    watch, change = Watched(), opened("C1", 0)
    for tick in range(20):
        watch.ticks = np.vstack([watch.ticks, [tick * 10, 1.0, 1.0, 0.0, 2.0]])
        if tick == 0:
            rows.note([change], [], 0)
        if tick == 2:
            rows.note([Change("closed", replace(change.incident, closed_us=20))], [], 20)
        rows.track(cast("Watch", watch), lambda _key: 7, tick * 10)
        save(state, rows)
        if tick == restarted_at:
            kept = rows.snapshot()
            rows = IncidentRows("customers", 10, (), ManualClock())
            rows.restore(kept, [])
    assert [at for (at,) in state.db.execute("SELECT at_us FROM track ORDER BY at_us")] == list(range(0, 100, 10))
