"""`yeoul run` on a topic: windows close as on files; neither a dead engine nor a dead broker changes a count."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yeoul.flows.replay import replay
from yeoul.settings import load_workspace
from yeoul.testing.broker import Broker
from yeoul.testing.consoles import hear
from yeoul.testing.processes import EngineProcess, counts, everything_closed, wait_for
from yeoul.testing.results import checked_ledger, exported
from yeoul.testing.workspaces import plain_line

pytestmark = [pytest.mark.services, pytest.mark.slow]

Engines = Callable[..., EngineProcess]
Topics = Callable[..., Any]
Writers = Callable[..., Any]
S = 1_000_000
START = 1_772_449_800 * S
PATIENT = {"idle_timeout": '"6s"'}


def health(folder: Path) -> tuple[str, str]:
    """The engine's health now, and its first cause; nothing while it is just starting."""
    try:
        told = next(message for message in hear(folder))["health"]
    except (ConnectionError, StopIteration):
        return "", ""
    return told["status"], told["causes"][0]["code"] if told["causes"] else ""


def as_in_a_replay(folder: Path, rows: int) -> None:
    """What the engine counted is what a replay of the topic counts, and no row was late or lost."""
    out = exported(folder)
    assert checked_ledger(out).counted == rows
    replay(load_workspace(folder).plan(), folder / "replayed")
    for name in ("windows.ndjson", "late.ndjson", "ledger.json"):
        assert (out / name).read_bytes() == (folder / "replayed" / name).read_bytes(), name


def test_windows_close_live_and_silent_partitions_close_the_last_one(
    broker: Broker, topics: Topics, tmp_path: Path, engines: Engines
):
    topic = topics(broker, 3)
    folder = topic.workspace(tmp_path)
    topic.send(0, [plain_line(START + at * S) for at in range(20)])
    engine = engines(folder)
    wait_for(lambda: counts(folder).read == 20)
    topic.send(1, [plain_line(START + at * S, "c2") for at in range(20, 40)])
    wait_for(everything_closed(folder, 40))
    assert engine.stop() == 0
    as_in_a_replay(folder, 40)


def test_killed_again_and_again_while_others_write_it_gives_what_a_replay_gives(
    broker: Broker, topics: Topics, writers: Writers, tmp_path: Path, engines: Engines
):
    topic = topics(broker, 4)
    folder = topic.workspace(tmp_path, stream=PATIENT)
    writer = writers(topic, 4)
    engine = engines(folder)
    rng = random.Random(7)
    for _ in range(5):
        before = counts(folder).read
        wait_for(lambda before=before: counts(folder).read > before)
        time.sleep(rng.random())
        engine.kill()
        engine.start()
    rows = writer.stop()
    wait_for(everything_closed(folder, rows))
    assert engine.stop() == 0
    as_in_a_replay(folder, rows)


def test_a_broker_that_hangs_dies_and_comes_back_costs_no_row_and_closes_no_window(
    restless: Broker, topics: Topics, writers: Writers, tmp_path: Path, engines: Engines
):
    topic = topics(restless, 3)
    folder = topic.workspace(tmp_path, stream=PATIENT)
    writer = writers(topic, 3)
    engine = engines(folder)
    wait_for(lambda: counts(folder).read > 1000)
    assert health(folder) == ("green", "")

    restless.freeze()
    assert 3 < wait_for(lambda: health(folder) == ("red", "source_unreadable"), within_s=20) < 15
    time.sleep(6)
    restless.thaw()
    wait_for(lambda: health(folder) == ("green", ""), within_s=30)

    restless.kill()
    wait_for(lambda: health(folder) == ("red", "source_unreadable"), within_s=20)
    engine.kill()
    engine.start()
    wait_for(lambda: engine.running and health(folder) == ("red", "source_unreadable"), within_s=30)
    restless.start()
    wait_for(lambda: health(folder) == ("green", ""), within_s=30)
    rows = writer.stop()
    wait_for(everything_closed(folder, rows))
    assert engine.stop() == 0
    as_in_a_replay(folder, rows)


def test_a_stop_while_the_broker_is_away_is_quick_and_in_good_order(
    restless: Broker, topics: Topics, tmp_path: Path, engines: Engines
):
    topic = topics(restless)
    folder = topic.workspace(tmp_path)
    topic.send(0, [plain_line(START)])
    engine = engines(folder)
    wait_for(lambda: counts(folder).read == 1)
    restless.kill()
    begun = time.monotonic()
    assert engine.stop() == 0
    assert time.monotonic() - begun < 5


def test_a_first_start_without_a_broker_is_one_sentence(
    tmp_path: Path, engines: Engines, topics: Topics, broker: Broker
):
    folder = topics(broker).workspace(tmp_path)
    toml = folder / "yeoul.toml"
    toml.write_text(toml.read_text().replace(broker.bootstrap, "127.0.0.1:1"))
    engine = engines(folder)
    assert engine.ended_by(30) == 1
    said = engine.said.splitlines()
    assert len([line for line in said if "127.0.0.1:1" in line]) == 1, engine.said
    assert "no Kafka broker answers at `127.0.0.1:1` (" in said[-1]
    assert "Traceback" not in engine.said
