"""Results in topics of a real broker: those of the exported files, at least or exactly once, whatever is killed."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient, NewTopic

from yeoul.errors import SinkError, UnreachableError
from yeoul.flows.results.outgoing import KINDS
from yeoul.flows.sinking import check_result_sinks
from yeoul.settings import load_workspace
from yeoul.store import read_state
from yeoul.testing.broker import Broker
from yeoul.testing.processes import EngineProcess, counts, everything_closed, wait_for
from yeoul.testing.results import exported, rows_of
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = [pytest.mark.services, pytest.mark.timeout(240)]

MessagesOf = Callable[..., list[Message]]
SCHEMAS = {kind: f"yeoul.{kind}/1" for kind in KINDS}
BLOCKS = """
[detect.customers]
stream = "hits"
by = ["customer"]
value = "plays"
persist = "1 of 1"
min_confidence = 0.0
alarms_per_day = 1000

[rank.hot]
stream = "hits"
by = ["title"]
value = "plays"
"""


def sink(bootstrap: str, *, transactional: bool = False, kinds: tuple[str, ...] = KINDS) -> str:
    topics = {kind: kind for kind in kinds}
    return sink_to(bootstrap, **topics) + f"transactional = {str(transactional).lower()}\n"


def sink_to(bootstrap: str, **topics: str) -> str:
    named = ", ".join(f'{kind} = "{topic}"' for kind, topic in topics.items())
    return f'[sink.out]\nkind = "kafka"\nbootstrap = "{bootstrap}"\ntopics = {{ {named} }}\n'


@pytest.fixture
def started(brokers: Callable[..., Broker]) -> Broker:
    """A broker of the test's own with a topic for each kind of result."""
    broker = brokers().start()
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    for made in admin.create_topics([NewTopic(kind, 2, 1) for kind in KINDS]).values():
        made.result(30)
    return broker


class Writer(threading.Thread):
    """Writes lines of now to a log: customers of one pace, one of which bursts at times; some are late by minutes."""

    def __init__(self, log: Path) -> None:
        super().__init__(daemon=True)
        self.rows = 0
        self._log = log
        self._ended = threading.Event()
        self.start()

    def run(self) -> None:
        rng = random.Random(1)
        while not self._ended.wait(0.05):
            burst = 300 if rng.random() < 0.02 else 0
            with self._log.open("ab") as file:
                for number in range(20 + burst):
                    customer = "burst" if number >= 20 else f"c{rng.randrange(5)}"
                    late = 120_000_000 if rng.random() < 0.01 and self.rows > 1000 else 0
                    at_us = time.time_ns() // 1000 - late
                    file.write(plain_line(at_us, customer, f"m{rng.randrange(30)}", 1, f"e{self.rows}"))
                    self.rows += 1

    def stop(self) -> int:
        self._ended.set()
        self.join()
        return self.rows


def header(message: Message, name: str) -> str:
    return dict(message.headers())[name].decode()


def last_by_id(messages: list[Message]) -> list[dict[str, Any]]:
    """What a consumer has that passes over repeats."""
    return [json.loads(value) for value in {header(each, "id"): each.value() for each in messages}.values()]


def in_any_order(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(row) for row in rows)


def check_same_as_files(read: MessagesOf, broker: Broker, folder: Path) -> None:
    out = exported(folder)
    for kind in ("windows", "late", "findings"):
        found = read(broker.bootstrap, kind)
        assert {header(each, "schema") for each in found} <= {SCHEMAS[kind]}
        rows = rows_of(out / f"{kind}.ndjson")
        assert rows, kind
        assert in_any_order(last_by_id(found)) == in_any_order(rows), kind
    newest = {each.key(): each.value() for each in read(broker.bootstrap, "incidents")}
    assert newest
    kept = [json.loads(value) for value in newest.values() if value is not None]
    assert in_any_order(kept) == in_any_order(rows_of(out / "incidents.ndjson"))


def all_sent(folder: Path) -> bool:
    state = read_state(folder / ".yeoul")
    try:
        return state.db.execute("SELECT count(*) FROM outgoing").fetchone()[0] == 0
    finally:
        state.close()


def test_results_are_those_of_the_files_through_restarts_of_the_broker(
    tmp_path: Path, started: Broker, engines: Callable[..., EngineProcess], messages_of: MessagesOf
) -> None:
    folder = plain_workspace(tmp_path / "shop", stream={"window": '"2s"'}, extra=BLOCKS + sink(started.bootstrap))
    writer = Writer(folder / "logs/a.ndjson")
    engine = engines(folder)
    wait_for(lambda: messages_of(started.bootstrap, "windows"))
    for _ in range(2):
        time.sleep(1)
        started.kill()
        time.sleep(2)
        started.start()
    wait_for(lambda: messages_of(started.bootstrap, "incidents"))
    rows = writer.stop()
    wait_for(everything_closed(folder, rows))
    wait_for(lambda: all_sent(folder))
    assert engine.stop() == 0
    check_same_as_files(messages_of, started, folder)


def test_in_transactions_each_result_is_there_once_though_the_engine_is_killed(
    tmp_path: Path, started: Broker, engines: Callable[..., EngineProcess], messages_of: MessagesOf
) -> None:
    extra = BLOCKS + sink(started.bootstrap, transactional=True)
    folder = plain_workspace(tmp_path / "shop", stream={"window": '"2s"'}, extra=extra)
    writer = Writer(folder / "logs/a.ndjson")
    engine = engines(folder)
    rng = random.Random(2)
    for _ in range(5):
        time.sleep(1.5 + rng.random())
        engine.kill()
        engine.start()
    wait_for(lambda: messages_of(started.bootstrap, "incidents"))
    rows = writer.stop()
    wait_for(everything_closed(folder, rows))
    wait_for(lambda: all_sent(folder))
    assert engine.stop() == 0
    for kind in KINDS:
        ids = [header(each, "id") for each in messages_of(started.bootstrap, kind)]
        assert len(ids) == len(set(ids)), kind
    check_same_as_files(messages_of, started, folder)


def notices(folder: Path) -> list[tuple[str, str]]:
    state = read_state(folder / ".yeoul")
    try:
        return state.db.execute("SELECT source, detail FROM notice").fetchall()
    finally:
        state.close()


def one_window(folder: Path, engine: EngineProcess) -> None:
    """Two keys in one window, closed by silence."""
    at_us = time.time_ns() // 1000
    lines = [plain_line(at_us + n, f"c{n % 2}", "é", 1, f"e{n}-{at_us}") for n in range(20)]
    rows = counts(folder).read + len(lines)
    with (folder / "logs/a.ndjson").open("ab") as file:
        file.write(b"".join(lines))
    wait_for(everything_closed(folder, rows))
    wait_for(lambda: all_sent(folder))
    assert engine.running


def test_a_message_is_a_line_of_the_file_keyed_by_its_window_s_keys(
    tmp_path: Path,
    broker: Broker,
    topic: Callable[..., str],
    engines: Callable[..., EngineProcess],
    messages_of: MessagesOf,
) -> None:
    name = topic(3)
    extra = sink_to(broker.bootstrap, windows=name)
    folder = plain_workspace(tmp_path / "shop", extra=extra)
    one_window(folder, engines(folder))
    found = {each.key(): each.value() for each in messages_of(broker.bootstrap, name)}
    lines = (exported(folder) / "windows.ndjson").read_bytes().splitlines()
    assert sorted(found.values()) == sorted(lines)
    assert set(found) == {'{"customer":"c0","title":"é"}'.encode(), '{"customer":"c1","title":"é"}'.encode()}


def test_a_sink_that_is_added_later_begins_then(
    tmp_path: Path,
    broker: Broker,
    topic: Callable[..., str],
    engines: Callable[..., EngineProcess],
    messages_of: MessagesOf,
) -> None:
    name = topic()
    folder = plain_workspace(tmp_path / "shop")
    engine = engines(folder)
    at_us = time.time_ns() // 1000
    (folder / "logs/a.ndjson").write_bytes(plain_line(at_us, "before", "m", 1, "e") * 20)
    wait_for(everything_closed(folder, 20))
    assert engine.stop() == 0
    extra = sink_to(broker.bootstrap, windows=name)
    plain_workspace(folder, extra=extra)
    engine.start()
    one_window(folder, engine)
    assert {json.loads(each.value())["customer"] for each in messages_of(broker.bootstrap, name)} == {"c0", "c1"}


def test_a_message_that_is_too_large_is_left_out_and_told(
    tmp_path: Path,
    broker: Broker,
    topic: Callable[..., str],
    engines: Callable[..., EngineProcess],
    messages_of: MessagesOf,
) -> None:
    name = topic(max_message_bytes="20000")
    extra = sink_to(broker.bootstrap, windows=name) + 'transactional = true\ncompression = "none"\n'
    folder = plain_workspace(tmp_path / "shop", extra=extra)
    engine = engines(folder)
    at_us = time.time_ns() // 1000
    lines = [plain_line(at_us + n, f"c{n}", "m" * (30_000 if n == 3 else 3), 1, f"e{n}") for n in range(20)]
    (folder / "logs/a.ndjson").write_bytes(b"".join(lines))
    wait_for(everything_closed(folder, 20))
    wait_for(lambda: all_sent(folder))
    found = {json.loads(each.value())["customer"] for each in messages_of(broker.bootstrap, name)}
    assert found == {f"c{n}" for n in range(20)} - {"c3"}
    wait_for(lambda: [source for source, detail in notices(folder) if "is left out" in detail] == ["out"])
    assert engine.running


def test_a_missing_topic_and_a_broker_that_is_away_are_told_before_the_start(tmp_path: Path, broker: Broker) -> None:
    def check(bootstrap: str) -> None:
        folder = plain_workspace(tmp_path / "shop", extra=sink(bootstrap))
        check_result_sinks(load_workspace(folder).plan(), print)

    with pytest.raises(SinkError, match=r"has no topic `findings`, `incidents`, .*; make them or mend their names"):
        check(broker.bootstrap)
    with pytest.raises(UnreachableError, match=r"no Kafka broker answers at `127\.0\.0\.1:1`"):
        check("127.0.0.1:1")


def test_open_windows_are_shown_at_most_once_a_second_for_each_key_and_never_after_they_closed(
    tmp_path: Path,
    broker: Broker,
    topic: Callable[..., str],
    engines: Callable[..., EngineProcess],
    messages_of: MessagesOf,
) -> None:
    name = topic()
    extra = sink_to(broker.bootstrap, live=name, windows=name)
    folder = plain_workspace(tmp_path / "shop", extra=extra)
    engine = engines(folder)
    begun_s = time.monotonic()
    for turn in range(60):
        with (folder / "logs/a.ndjson").open("ab") as file:
            file.write(plain_line(time.time_ns() // 1000, "c", "m", 1, f"e{turn}"))
        time.sleep(0.15)
    wait_for(everything_closed(folder, 60))
    wait_for(lambda: all_sent(folder))
    seconds = time.monotonic() - begun_s
    assert engine.stop() == 0
    found = [(header(each, "schema"), json.loads(each.value())) for each in messages_of(broker.bootstrap, name)]
    closed: set[str] = set()
    plays: dict[str, int] = {}
    for schema, row in found:
        assert row["window_start"] not in closed
        assert row["plays"] > plays.get(row["window_start"], 0) or schema == "yeoul.windows/1"
        plays[row["window_start"]] = row["plays"]
        if schema == "yeoul.windows/1":
            closed.add(row["window_start"])
    shown = [row for schema, row in found if schema == "yeoul.live/1"]
    assert all(row["partial"] for row in shown)
    assert 3 <= len(shown) <= 3 * (seconds + 1)  # of 4 s with a delay of 3 s at most three windows are open at a time
