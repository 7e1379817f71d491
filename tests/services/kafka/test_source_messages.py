"""What a message may be: rows, poison, nothing, many lines, large, compressed, of a transaction that was aborted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from yeoul.flows.replay import replay
from yeoul.ingest.quarantine import Kept, Quarantine
from yeoul.settings import load_workspace
from yeoul.store import read_state
from yeoul.testing.broker import Broker
from yeoul.testing.consoles import hear
from yeoul.testing.processes import EngineProcess, counts, everything_closed, wait_for
from yeoul.testing.results import checked_ledger, exported, final_windows, rows_of
from yeoul.testing.workspaces import plain_line

pytestmark = [pytest.mark.services, pytest.mark.slow]

Engines = Callable[..., EngineProcess]
Topics = Callable[..., Any]
S = 1_000_000
START = 1_772_449_800 * S


def line(number: int = 0, **members: Any) -> bytes:
    return plain_line(START + number * S // 10, **members)[:-1]


def quarantined(folder: Path) -> list[Kept]:
    with closing(read_state(folder / ".yeoul")) as state:
        return Quarantine(state.db).find(limit=1000)[::-1]


def said(*words: object) -> str:
    command = [sys.executable, "-m", "yeoul.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


POISON = {
    b"no JSON": "JSON",
    line().replace(b'"c1"', b'"\xff"'): "UTF-8",
    line().replace(b'"c1"', b'"\0"'): "",
    line()[:-5]: "",
    line().replace(b'"n":1', b'"n":"many"'): "`n`",
    line().replace(b"}", b"}\n") * 2: "",
}
NOTHING = [b"", None, b"  ", b"\n", b"\r\n"]


def test_poison_is_set_aside_by_partition_and_offset_and_counts_once_it_is_mended(
    broker: Broker, topics: Topics, tmp_path: Path, engines: Engines
):
    topic = topics(broker, 2)
    folder = topic.workspace(tmp_path, stream={"window": '"1s"', "delay": '"1s"'})
    mended = line(customer="c9").replace(b'"customer"', b'"client"')
    messages = [line(0), *POISON, *NOTHING, mended, line(1)]
    topic.send(0, [line(n) for n in range(10)])
    topic.send(1, messages)
    engine = engines(folder)
    rows = len(messages) + 10 - len(NOTHING)
    wait_for(everything_closed(folder, rows))
    assert engine.stop() == 0

    book = counts(folder)
    assert (book.read, book.invalid, book.counted) == (rows, len(POISON) + 1, 12)
    kept = quarantined(folder)
    places = [(topic.name + "/1", messages.index(bad)) for bad in [*POISON, mended]]
    assert [(item.source, item.position) for item in kept] == places
    assert [item.raw for item in kept] == [bad.replace(b"\n", b"\r").removesuffix(b"\r") for bad in [*POISON, mended]]
    for item, word in zip(kept, [*POISON.values(), "customer"], strict=True):
        assert word in item.reason

    assert f" {topic.name}/1@1  " in said("quarantine", "list", folder)
    first = said("quarantine", "show", folder, kept[0].id)
    assert first.startswith(f"hits, {topic.name}/1 message 1, set aside ")
    assert first.endswith("\nno JSON\n")
    toml = folder / "yeoul.toml"
    toml.write_text(
        toml.read_text().replace('customer = "customer"', 'customer = { path = "customer", default = "?" }')
    )
    assert said("quarantine", "redrive", folder) == f"tried {len(kept)}: 1 counted, {len(POISON)} still no rows\n"
    out = exported(folder)
    assert checked_ledger(out).counted == 13
    assert [row["plays"] for row in rows_of(out / "windows.ndjson") if row["customer"] == "?"] == [1]


def test_a_message_of_several_lines_is_one_row(broker: Broker, topics: Topics, tmp_path: Path):
    topic = topics(broker)
    pretty = json.dumps(json.loads(line(customer="c7")), indent=2).encode() + b"\n"
    topic.send(0, [line(0), pretty, line(1)])
    folder = topic.workspace(tmp_path)
    book = replay(load_workspace(folder).plan(), folder / "out").ledger
    assert (book.read, book.counted) == (3, 3)
    assert sorted(at[1] for at in final_windows(folder / "out", keys=("customer", "title"))) == ["c1", "c7"]


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_compressed_batches_are_read(broker: Broker, topics: Topics, tmp_path: Path, codec: str):
    topic = topics(broker, 1, {"compression.type": codec, "linger.ms": 100})
    topic.send(0, [line(n) for n in range(1000)])
    folder = topic.workspace(tmp_path)
    assert replay(load_workspace(folder).plan(), folder / "out").ledger.counted == 1000


def test_a_message_of_a_megabyte_is_a_row_as_any_other(broker: Broker, topics: Topics, tmp_path: Path):
    topic = topics(broker, 1, {"message.max.bytes": 2_000_000})
    large = line(1).replace(b'"id":"', b'"id":"' + b"x" * 1_000_000)
    topic.send(0, [line(0), large, large, b"x" * 1_000_000, line(2)])
    folder = topic.workspace(tmp_path)
    book = replay(load_workspace(folder).plan(), folder / "out").ledger
    assert (book.counted, book.invalid) == (4, 1)


def transaction(broker: Broker, topic: str, messages: list[bytes], *, commit: bool) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": f"{topic}-tx", "log_level": 0})
    producer.init_transactions(60)
    producer.begin_transaction()
    for message in messages:
        producer.produce(topic, message, partition=0)
    assert producer.flush(60) == 0
    if commit:
        producer.commit_transaction(60)
    else:
        producer.abort_transaction(60)


def test_what_a_transaction_took_back_is_not_read_and_leaves_no_backlog(
    broker: Broker, topics: Topics, tmp_path: Path, engines: Engines
):
    topic = topics(broker)
    transaction(broker, topic.name, [line(n) for n in range(10)], commit=True)
    transaction(broker, topic.name, [line(n, customer="never") for n in range(10)], commit=False)
    transaction(broker, topic.name, [b"no JSON", *(line(n) for n in range(10, 20)), b"nor this"], commit=True)
    folder = topic.workspace(tmp_path)
    assert replay(load_workspace(folder).plan(), folder / "out").ledger.counted == 20
    engine = engines(folder)
    wait_for(everything_closed(folder, 22))
    wait_for(lambda: next(hear(folder))["streams"]["hits"]["backlog_messages"] == 0)
    assert engine.stop() == 0
    # what came in one go is told by its own offsets, over those that are no messages
    assert [item.position for item in quarantined(folder)] == [22, 33]
    # three of the 35 offsets are ends of transactions; who watches the group sees nothing left to read
    watcher = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "yeoul", "log_level": 0})
    committed = watcher.committed([TopicPartition(topic.name, 0)], timeout=30)
    watcher.close()
    assert [each.offset for each in committed] == [35]


PATTERN = r"^(?P<at>\S+) \[(?P<customer>\w+)\] (?P<title>\w+) n=(?P<n>\d+) \((?P<id>\w+)\)$"


@pytest.mark.parametrize(
    ("line", "format_"),
    [
        ("{at},c1,m1,{n},e{n}", 'format = "csv", columns = ["at", "customer", "title", "n", "id"]'),
        (
            "{at} [c1] m1 n={n} (e{n})",
            f"format = \"pattern\", pattern = '{PATTERN}'",
        ),
    ],
    ids=["csv without header", "pattern"],
)
def test_lines_of_other_formats_are_read(line: str, format_: str, broker: Broker, topics: Topics, tmp_path: Path):
    topic = topics(broker)
    lines = [line.format(at=f"2026-03-02T11:10:0{n}Z", n=n).encode() for n in (2, 3)]
    topic.send(0, [lines[0], b"no such line", lines[1] + b"\n"])
    folder = topic.workspace(tmp_path, format_)
    ledger = replay(load_workspace(folder).plan(), folder / "out").ledger
    assert (ledger.counted, ledger.invalid) == (2, 1)
    [row] = rows_of(folder / "out/windows.ndjson")
    assert (row["customer"], row["title"], row["plays"], row["hits"]) == ("c1", "m1", 2, 5)
