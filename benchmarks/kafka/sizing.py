"""Figures to size a topic and the machine that counts it, each measured on the real commands beside one real broker.

- `yeoul ship`: events a second and processor time of an event, its start left out;
- the topic: bytes of an event as it is written, and as it is kept (zstd, as `yeoul ship` sends it);
- results: how many messages of windows and of open windows (`live`) come, and bytes of one;
- the state: bytes of a group of a closed window in the results log;
- `yeoul run`: memory for 1,000 groups of a window and for a partition, as the difference of two runs.
    python benchmarks/kafka/sizing.py [--events 200000]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from yeoul.demo import ServiceConfig, write_sample
from yeoul.store import read_state
from yeoul.testing.broker import Broker
from yeoul.testing.processes import EngineProcess, counts, everything_closed, wait_for
from yeoul.testing.workspaces import demo_workspace, plain_line, plain_workspace

EVENTS, LIVE, WINDOWS = "action-log", "hits-live", "hits-windows"
PARTITIONS = 4
MANY_PARTITIONS = 200
FEW_GROUPS, MANY_GROUPS = 1_000, 51_000
SPAN = 5
START_US = 1_772_449_800_000_000
WITHIN_S = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder, "broker")) as broker:
        _topic(Path(folder, "demo"), broker, options.events)
        _groups(Path(folder))
        _partitions(Path(folder), broker)


def _topic(folder: Path, broker: Broker, events: int) -> None:
    """Ship files to a topic, count it, send results."""
    for name in (EVENTS, LIVE, WINDOWS):
        _make(broker, name, PARTITIONS)
    source = f'kind = "kafka", bootstrap = "{broker.bootstrap}", topic = "{EVENTS}"'
    sink = f'[sink.results]\nkind = "kafka"\nbootstrap = "{broker.bootstrap}"\n'
    sink += f'topics = {{ windows = "{WINDOWS}", live = "{LIVE}" }}\n'
    place = demo_workspace(folder, changes={'kind = "files", path = "logs/*.ndjson"': source}, extra=f"\n{sink}")
    log = place / "logs/a.ndjson"
    # two thousand events a second, written in order
    write_sample(log, events, span_s=events / 2000, config=ServiceConfig(text_hits=0).clean())
    took, spent = _ship(place, broker)
    start_took, start_spent = _ship(place, broker)  # there is nothing more to send
    microseconds = (spent - start_spent) / events * 1e6
    print(f"ship: {events / (took - start_took):,.0f} events/s, {microseconds:.1f} us of processor time an event")
    kept = sum(file.stat().st_size for file in broker.folder.glob(f"data/{EVENTS}-*/*.log"))
    print(f"topic: {log.stat().st_size / events:.0f} bytes an event, kept as {kept / events:.0f}")
    engine = EngineProcess(place)
    try:
        wait_for(lambda: counts(place).read == events, WITHIN_S)
        time.sleep(35)  # until silence has closed the last window and all is sent
    finally:
        engine.stop()
    for name in (WINDOWS, LIVE):
        count, size = _messages(broker, name)
        if name == WINDOWS:
            with closing(read_state(place / ".yeoul")) as state:
                (kept,) = state.db.execute("SELECT sum(length(block)) FROM log WHERE kind = 'window'").fetchone()
            print(f"state: {kept / count:.1f} bytes for a group of a window")
        print(f"{name}: {count / events:.2f} messages for an event read, {size / max(1, count):.0f} bytes one")


def _ship(place: Path, broker: Broker) -> tuple[float, float]:
    """Seconds and processor seconds of sending what is there."""
    command = [sys.executable, "-m", "yeoul.cli", "ship", "--once", "--path", "logs/*.ndjson", "--state", "ship"]
    before, started = os.times(), time.perf_counter()
    subprocess.run(
        [*command, "--bootstrap", broker.bootstrap, "--topic", EVENTS], check=True, cwd=place, capture_output=True
    )
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - started, spent


def _groups(folder: Path) -> None:
    """The same windows with few and with many groups."""
    seen = {}
    for groups in (FEW_GROUPS, MANY_GROUPS):
        place = plain_workspace(folder / f"groups-{groups}")
        with (place / "logs/a.log.tmp").open("wb") as file:
            for row in range(groups * SPAN):
                at_us = START_US + row * 4_000_000 // groups
                group = row % groups
                file.write(plain_line(at_us, f"c{group % 1000}", f"m{group // 1000}", event_id=f"e{row}"))
        (place / "logs/a.log.tmp").rename(place / "logs/a.ndjson")
        seen[groups] = _watched(place, everything_closed(place, groups * SPAN))
    few, many = seen[FEW_GROUPS], seen[MANY_GROUPS]
    each = (many - few) / (MANY_GROUPS - FEW_GROUPS) * 1000
    print(f"run: {few:.0f} MB with {FEW_GROUPS:,} groups; {each:.2f} MB for 1,000 more")


def _partitions(folder: Path, broker: Broker) -> None:
    """The same lines in one partition and in many."""
    seen = {}
    for partitions in (1, MANY_PARTITIONS):
        topic = f"of-{partitions}"
        _make(broker, topic, partitions)
        producer = Producer({"bootstrap.servers": broker.bootstrap})
        for number in range(2 * MANY_PARTITIONS):
            producer.produce(topic, plain_line(START_US + number * 1000)[:-1], partition=number % partitions)
        producer.flush()
        source = f'{{ kind = "kafka", bootstrap = "{broker.bootstrap}", topic = "{topic}" }}'
        place = plain_workspace(folder / topic, stream={"source": source, "idle_timeout": '"10s"'})
        seen[partitions] = _watched(place, everything_closed(place, 2 * MANY_PARTITIONS))
    more = MANY_PARTITIONS - 1
    print(
        f"run: {seen[1]:.0f} MB with 1 partition; {(seen[MANY_PARTITIONS] - seen[1]) / more * 1000:.0f} kB for one more"
    )


def _watched(place: Path, done: Callable[[], bool]) -> float:
    """Peak memory (MB) of the processes of `yeoul run` until `done`."""
    engine = EngineProcess(place)
    peaks: dict[int, int] = {}

    def look() -> bool:
        for pid in engine.pids():
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            peak = next((line for line in status.splitlines() if line.startswith("VmHWM")), None)
            peaks[pid] = int(peak.split()[1]) if peak else peaks.get(pid, 0)
        return done()

    try:
        wait_for(look, WITHIN_S, 0.25)
    finally:
        engine.stop()
    return sum(peaks.values()) / 1000


def _make(broker: Broker, name: str, partitions: int) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(60)


def _messages(broker: Broker, topic: str) -> tuple[int, float]:
    """How many there are, and bytes of all their keys and values."""
    settings = {"bootstrap.servers": broker.bootstrap, "group.id": "look", "enable.partition.eof": True}
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    count = size = ended = 0
    while ended < PARTITIONS:
        for message in consumer.consume(500, 1.0):
            if message.error() is None:
                count += 1
                size += len(message.key() or b"") + len(message.value() or b"")
            elif message.error().code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  (the library's name of it)
                ended += 1
    consumer.close()
    return count, size


if __name__ == "__main__":
    main()
