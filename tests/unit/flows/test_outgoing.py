"""What sinks have to send: every change of a result once, in order, as it was then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from yeoul.flows.plan import Plan
from yeoul.flows.results.outgoing import Outgoing, book, follow
from yeoul.settings import load_workspace
from yeoul.store import State, scratch_state
from yeoul.testing.workspaces import plain_workspace

SINK = '[sink.out]\nkind = "kafka"\nbootstrap = "b:9092"\ntopics = { incidents = "i", findings = "f", late = "l" }\n'


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return load_workspace(plain_workspace(tmp_path, extra=SINK)).plan()


@pytest.fixture
def state(tmp_path: Path, plan: Plan) -> Iterator[State]:
    made = scratch_state(tmp_path / "state")
    follow(made, plan)
    yield made
    made.close()


def incident(state: State, id_: str = "i1", score: float = 0.5, closed_us: int | None = None) -> None:
    with state.transaction() as db:
        row = (id_, "b", "[]", "[]", 0, 0, closed_us, score, 1.0, "above", 1.0, 1.0, "[]", 1, "[]")
        db.execute(f"INSERT OR REPLACE INTO incident VALUES ({', '.join('?' * len(row))})", row)


def late(state: State) -> None:
    with state.transaction() as db:
        row = ("hits", 0, "a.log", 7, "late", "{}")
        db.execute("INSERT INTO late (stream, event_us, source, position, reason, row) VALUES (?, ?, ?, ?, ?, ?)", row)


def read(state: State, plan: Plan, after: int = 0) -> tuple[int, list[tuple[str, float | None]]]:
    number, records = Outgoing(state, plan, frozenset({"incidents"})).after(after)
    return number, [(each.key.decode(), each.value and json.loads(each.value)["score"]) for each in records]


def test_an_incident_that_changed_twice_is_sent_as_it_is_now(state: State, plan: Plan):
    incident(state, score=0.5)
    incident(state, "i2")
    incident(state, score=0.75)
    assert read(state, plan) == (3, [("i2", 0.5), ("i1", 0.75)])


def test_an_incident_that_went_into_another_has_no_value_any_more(state: State, plan: Plan):
    incident(state)
    with state.transaction() as db:
        db.execute("DELETE FROM incident")
    assert read(state, plan) == (2, [("i1", None)])


def test_one_that_closed_long_ago_and_is_cleared_away_is_no_change(state: State, plan: Plan):
    incident(state, closed_us=1)
    number, _ = read(state, plan)
    with state.transaction() as db:
        db.execute("DELETE FROM incident")
    assert read(state, plan, number) == (number, [])


def test_kinds_without_a_topic_are_passed_over(state: State, plan: Plan):
    late(state)
    incident(state)
    assert read(state, plan) == (2, [("i1", 0.5)])


def test_every_version_of_a_result_has_an_id_of_its_own_that_does_not_change(state: State, plan: Plan):
    def ids(after: int) -> list[str]:
        return [each.id for each in Outgoing(state, plan, frozenset({"incidents", "late"})).after(after)[1]]

    incident(state)
    first = ids(0)
    assert ids(0) == first
    incident(state, score=0.75)
    late(state)
    assert len({*first, *ids(1)}) == 3


def test_what_all_sinks_have_sent_is_forgotten_and_its_numbers_are_not_given_again(state: State, plan: Plan):
    incident(state)
    with state.transaction():
        book(state, "out", 1)
    assert state.db.execute("SELECT count(*) FROM outgoing").fetchone() == (0,)
    incident(state)
    assert read(state, plan, 1) == (2, [("i1", 0.5)])


def test_nothing_of_a_change_that_was_not_kept_is_sent(state: State, plan: Plan):
    state.db.execute("BEGIN")
    state.db.execute(
        "INSERT INTO late (stream, event_us, source, position, reason, row) VALUES ('s', 0, '', 0, '', '')"
    )
    state.db.execute("ROLLBACK")
    assert read(state, plan) == (0, [])


def test_without_a_sink_no_change_is_noted(state: State, tmp_path: Path):
    follow(state, load_workspace(plain_workspace(tmp_path)).plan())
    incident(state)
    assert state.db.execute("SELECT count(*) FROM outgoing").fetchone() == (0,)


def test_a_sink_that_is_taken_out_and_put_back_begins_anew(state: State, plan: Plan, tmp_path: Path):
    incident(state)
    follow(state, load_workspace(plain_workspace(tmp_path)).plan())
    follow(state, plan)
    assert state.meta("sink.out") == "1"
    assert read(state, plan) == (0, [])
