"""What waits for a broker that is away is bounded, and what goes for that is told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from yeoul.clock import SystemClock
from yeoul.flows.engine import Engine
from yeoul.flows.results import outgoing
from yeoul.flows.results.outgoing import follow
from yeoul.flows.sinking import Sinking
from yeoul.settings import load_workspace
from yeoul.store import scratch_state
from yeoul.testing.workspaces import plain_workspace

SINK = '[sink.out]\nkind = "kafka"\nbootstrap = "127.0.0.1:1"\ntopics = { findings = "f" }\n'


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr(outgoing, "_MOST_ROWS", 100)
    plan = load_workspace(plain_workspace(tmp_path, extra=SINK)).plan()
    state = scratch_state(tmp_path / "state")
    follow(state, plan)
    made = Engine(plan, state, SystemClock(), live=True)
    made.load()
    yield made
    made.close()


def without_thread(engine: Engine) -> Sinking:
    sinking = Sinking(engine)
    sinking._workers[0].stop()  # noqa: SLF001 - no broker is there, and what it would send is said by the test
    return sinking


def change(engine: Engine, kind: str, number: int) -> None:
    with engine.state.transaction() as db:
        rows = [(kind, f"{place}", 0) for place in range(number)]
        db.executemany("INSERT INTO outgoing (kind, name, number) VALUES (?, ?, ?)", rows)


def waiting(engine: Engine) -> tuple[int, int]:
    found = engine.state.db.execute("SELECT count(*), min(id) FROM outgoing").fetchone()
    return int(found[0]), int(found[1])


def notices(engine: Engine) -> list[str]:
    return [each.detail for feed in engine.feeds.values() for each in feed.notices if each.kind == "sink"]


def test_what_waits_for_a_broker_that_is_away_is_bounded_and_what_goes_is_told(engine: Engine):
    sinking = without_thread(engine)
    change(engine, "findings", 100)
    sinking.look()
    assert (waiting(engine), notices(engine)) == ((100, 1), [])
    change(engine, "late", 1)  # this sink does not send them, yet they wait too
    sinking.look()
    assert waiting(engine) == (90, 12)
    sinking.look()
    assert notices(engine) == ["too many changes wait: the oldest are gone and are never sent (11 of findings)"]
    worker = sinking._workers[0]  # noqa: SLF001
    worker._since_s = time.monotonic() - 10  # noqa: SLF001 - it has waited so long
    assert sinking.causes()[0]["params"]["detail"].endswith("; 11 changes are gone unsent")


def test_nothing_goes_since_the_sink_begins_to_send(engine: Engine):
    sinking = without_thread(engine)
    change(engine, "findings", 100)
    sinking.look()
    sinking._workers[0].sent = 10  # noqa: SLF001
    sinking.look()
    assert (waiting(engine), notices(engine)) == ((90, 11), [])
    change(engine, "findings", 10)
    sinking.look()
    assert (waiting(engine), notices(engine)) == ((100, 11), [])
    change(engine, "findings", 5)  # 110 were ever noted behind it, and 11 to 25 are the oldest
    sinking._workers[0].sent = 20  # noqa: SLF001 - what is sent and not yet booked is not lost
    sinking.look()
    assert notices(engine) == []
