"""From a line being written to its message, to the first count that holds it, to the result of its window.

The real thing: the simulated service writes log files at a steady rate, `yeoul ship` sends them to a topic, `yeoul run`
counts that topic in windows of 10 s and sends what it finds to topics of results, all beside one real broker. Times are
those at which the broker took the messages; a line's own time is its `logdate`, the moment of writing (written within
`TICK_S`). p50 and p99 of:
- sent: written -> its message is in the topic;
- counted: written -> a message of kind `live` (sent at most once a second per group) whose count holds the line;
- closed: the last line written that lets the window close (one behind its end plus `delay` in each partition) -> a
  message of the window; and the same for the last message of each window.
    python benchmarks/kafka/file_to_topic.py [--rate 2000] [--seconds 60] [--partitions 2]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from zoneinfo import ZoneInfo

import numpy as np
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from yeoul.demo import LiveService, ServiceConfig
from yeoul.testing.broker import Broker
from yeoul.testing.processes import EngineProcess, counts, wait_for
from yeoul.testing.workspaces import demo_workspace

LINES, LIVE, WINDOWS = "action-log", "hits-live", "hits-windows"
KEY = "_source.@fields.params.cpk"
ZONE = ZoneInfo("Asia/Seoul")
WINDOW_S = DELAY_S = 10
WARM_S = 15
"""Lines written before are not looked at."""
TICK_S = 0.01


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=2000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--partitions", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder, "broker")) as broker:
        _make_topics(broker, options.partitions)
        place = _workspace(Path(folder, "ws"), broker)
        first, last = _run(place, broker, options)
        _report(broker, first, last)


def _make_topics(broker: Broker, partitions: int) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    config = {"message.timestamp.type": "LogAppendTime"}
    topics = [NewTopic(name, partitions, 1, config=config) for name in (LINES, LIVE, WINDOWS)]
    for made in admin.create_topics(topics).values():
        made.result(30)


def _workspace(folder: Path, broker: Broker) -> Path:
    source = f'kind = "kafka", bootstrap = "{broker.bootstrap}", topic = "{LINES}"'
    sink = f"""
[sink.results]
kind = "kafka"
bootstrap = "{broker.bootstrap}"
topics = {{ windows = "{WINDOWS}", live = "{LIVE}" }}
"""
    return demo_workspace(folder, changes={'kind = "files", path = "logs/*.ndjson"': source}, extra=sink)


def _run(place: Path, broker: Broker, options: argparse.Namespace) -> tuple[float, float]:
    """Let all of it run; lines written between these two times are looked at."""
    service = LiveService(place, ServiceConfig(rate_eps=options.rate, rhythm=0).clean())
    stop = Event()
    writer = Thread(target=lambda: service.run(stop, tick_s=TICK_S), daemon=True)
    command = [sys.executable, "-m", "yeoul.cli", "ship", "--path", "logs/*.ndjson", "--bootstrap", broker.bootstrap]
    with ExitStack() as stack:
        engine = EngineProcess(place)
        stack.callback(engine.kill)
        ship = subprocess.Popen(
            [*command, "--topic", LINES, "--key", KEY, "--state", str(place / "ship")],
            cwd=place,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(ship.wait)
        stack.callback(ship.kill)
        writer.start()
        stack.callback(service.close)
        stack.callback(writer.join)
        stack.callback(stop.set)
        wait_for(lambda: counts(place).counted)
        first = time.time() + WARM_S
        last = first + options.seconds
        time.sleep(last + WINDOW_S + DELAY_S + 5 - time.time())
    return first, last


def _report(broker: Broker, first: float, last: float) -> None:
    lines = _lines(broker)
    chosen = [at for at, _, _, _ in lines if first <= at < last]
    print(f"{len(chosen) / (last - first):,.0f} lines/s over {last - first:.0f} s")
    _show("sent: written -> in the topic", [stored - at for at, stored, _, _ in lines if first <= at < last])
    counted, never = _counted(broker, lines, first, last)
    _show(f"counted: written -> in a live message ({never} lines in none)", counted)
    of_each, of_last = _closed(broker, lines, first, last)
    _show("closed: closable -> in the topic of windows, each message", of_each)
    _show("closed: the same, last message of each window", of_last)


Line = tuple[float, float, int, tuple[int, str, str]]
"""When it was written, when it was stored, its partition, its group: start of the window and keys."""


def _lines(broker: Broker) -> list[Line]:
    """In the order of the topic."""
    found = []
    for message in _messages(broker, LINES):
        source = json.loads(message.value())["_source"]
        params = source["@fields"]["params"]
        at = datetime.fromisoformat(source["logdate"]).replace(tzinfo=ZONE).timestamp()
        group = int(at // WINDOW_S * WINDOW_S), params["cpk"], params["base_mck"]
        found.append((at, message.timestamp()[1] / 1000, message.partition(), group))
    return found


def _counted(broker: Broker, lines: list[Line], first: float, last: float) -> tuple[list[float], int]:
    """Delays, and how many lines no message has counted: a group's lines are in one partition, counted in its order."""
    written: dict[tuple[int, str, str], list[float]] = defaultdict(list)
    for at, _, _, group in lines:
        written[group].append(at)
    told: dict[tuple[int, str, str], int] = defaultdict(int)
    delays = []
    for message in _messages(broker, LIVE):
        group, row = _group(message)
        stored = message.timestamp()[1] / 1000
        delays += [stored - at for at in written[group][told[group] : row["plays"]] if first <= at < last]
        told[group] = max(told[group], row["plays"])
    return delays, sum(first <= at < last for at, *_ in lines) - len(delays)


def _closed(broker: Broker, lines: list[Line], first: float, last: float) -> tuple[list[float], list[float]]:
    """Delays of all messages of windows that became closable meanwhile, and of the last one of each window."""
    by_partition: dict[int, list[float]] = defaultdict(list)
    for at, _, partition, _ in lines:
        by_partition[partition].append(at)
    order = {partition: np.sort(times) for partition, times in by_partition.items()}
    delays: dict[int, list[float]] = defaultdict(list)
    for message in _messages(broker, WINDOWS):
        (start, _, _), _ = _group(message)
        limit = start + WINDOW_S + DELAY_S
        closable = max(times[min(np.searchsorted(times, limit), len(times) - 1)] for times in order.values())
        if first <= closable < last:
            delays[start].append(message.timestamp()[1] / 1000 - closable)
    return [delay for each in delays.values() for delay in each], [max(each) for each in delays.values()]


def _group(message: Message) -> tuple[tuple[int, str, str], dict]:
    row = json.loads(message.value())
    start = int(datetime.fromisoformat(row["window_start"]).timestamp())
    return (start, row["cpk"], row["base_mck"]), row


def _messages(broker: Broker, topic: str) -> Iterator[Message]:
    """All of a topic, each partition in its order."""
    settings = {"bootstrap.servers": broker.bootstrap, "group.id": "look", "enable.partition.eof": True}
    consumer = Consumer(settings | {"enable.auto.commit": False})
    try:
        numbers = consumer.list_topics(topic, timeout=30).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in numbers])
        ended = 0
        while ended < len(numbers):
            for message in consumer.consume(500, 1.0):
                if message.error() is None:
                    yield message
                elif message.error().code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  (the library's name of it)
                    ended += 1
    finally:
        consumer.close()


def _show(what: str, seconds: list[float]) -> None:
    if not seconds:
        print(f"{what}: nothing to measure")
        return
    p50, p99 = np.percentile(seconds, [50, 99])
    print(f"{what}: p50 {p50:.3f} s, p99 {p99:.3f} s, most {max(seconds):.3f} s ({len(seconds)} samples)")


if __name__ == "__main__":
    main()
