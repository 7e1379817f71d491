"""Spark counts, workers detect: what they find in its windows is what they find in those of the local engine."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from yeoul.testing.broker import Broker
from yeoul.testing.processes import EngineProcess, wait_for
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.usefixtures("java")]

START_US = 1_767_225_600_000_000
SPAN_S = 3000
SHARDS = 3
CUSTOMERS = ["ü0", "\\u000bü", "a\\u001fb", "\\\\u000b", 'c \\"\\n\\u0001\\u001a', "\U0001f3ac"]
"""As JSON escapes them: engines write control characters in different ways."""
BLOCK = """
[detect.customers]
stream = "hits"
by = ["customer"]
value = "plays"
persist = "1 of 1"
alarms_per_day = 500
"""


def rows() -> Iterator[tuple[int, bytes]]:
    """Fifty minutes of six customers in two partitions, each of whom bursts; at last somebody who moves the time on."""
    rng = random.Random(17)
    for second in range(SPAN_S + 60):
        at_us = START_US + second * 1_000_000
        burst = CUSTOMERS[second // 200 % 6] if second % 200 in range(100, 106) else ""
        for customer in [CUSTOMERS[rng.randrange(6)] for _ in range(15)] + [burst] * (20 if burst else 0):
            yield rng.randrange(2), plain_line(at_us, customer, f"m{rng.randrange(3)}")


def make(broker: Broker, topic: str, partitions: int) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(60)


def workspace(folder: Path, broker: Broker, name: str) -> Path:
    """One whose windows and findings go to topics that begin with its name."""
    topics = ", ".join(f'{kind} = "{name}-{kind}"' for kind in ("windows", "findings"))
    extra = f'[sink.out]\nkind = "kafka"\nbootstrap = "{broker.bootstrap}"\ntopics = {{ {topics} }}\n'
    extra += f'shard_by = ["customer"]\ngroup = "{name}"\n'
    source = f'{{ kind = "kafka", bootstrap = "{broker.bootstrap}", topic = "plays" }}'
    make(broker, f"{name}-windows", SHARDS)
    make(broker, f"{name}-findings", 1)
    return plain_workspace(folder / name, stream={"source": source, "window": '"10s"'}, extra=BLOCK + extra)


def test_workers_find_in_windows_of_spark_what_they_find_in_those_of_the_local_engine(
    broker: Broker,
    send: Callable[..., None],
    submits: Callable[..., Any],
    engines: Callable[..., EngineProcess],
    messages_of: Callable[..., list[Message]],
    tmp_path: Path,
):
    make(broker, "plays", 2)
    send("plays", rows())
    ours, theirs = (workspace(tmp_path, broker, name) for name in ("local", "spark"))

    def of(topic: str) -> list[Message]:
        return messages_of(broker.bootstrap, topic)

    def ends(name: str) -> dict[int, set[str]]:
        """Windows that each shard says are complete."""
        found: dict[int, set[str]] = {number: set() for number in range(SHARDS)}
        for each in of(f"{name}-windows"):
            members = json.loads(each.value() or b"")
            if "groups" in members:
                found[each.partition() or 0].add(members["window_start"])
        return found

    counting = engines(ours, part="count")
    job = submits(theirs, "--out", "spark-windows", "--rows-per-batch", "8000")
    wait_for(lambda: len(job.batches) >= 2, within_s=120)
    job.kill()
    job = submits(theirs, "--out", "spark-windows", "--rows-per-batch", "20000", "--available-now")
    assert job.ended_by() == 0
    wait_for(lambda: len(ends("local")[0]) >= SPAN_S // 10, within_s=60, every_s=1.0)
    assert counting.stop() == 0
    assert "workers follow its windows: `yeoul run --part`" in job.said
    spark = ends("spark")
    assert spark[0] == spark[1] == spark[2]
    assert len(spark[0]) >= SPAN_S // 10

    assert groups(of("local-windows"), spark[0]) == groups(of("spark-windows"), spark[0])
    assert findings(broker, engines, messages_of, theirs) == findings(broker, engines, messages_of, ours, spark[0])


def groups(messages: list[Message], windows: set[str]) -> dict[tuple[str, str, str], tuple[Any, ...]]:
    """Partition, values, the message's key and headers by window and key.

    Key and id only where the engines escape the key alike.
    """
    found = {}
    for each in messages:
        members = json.loads(each.value() or b"")
        if "groups" not in members and members["window_start"] in windows:
            key = (members["window_start"], members["customer"], members["title"])
            alike = None if "\\u" in json.dumps(members["customer"], ensure_ascii=False) else each.key()
            headers = [named for named in each.headers() or () if alike or named[0] != "id"]
            found[key] = (each.partition(), members["plays"], members["hits"], alike, headers)
    return found


def findings(
    broker: Broker,
    engines: Callable[..., EngineProcess],
    messages_of: Callable[..., list[Message]],
    folder: Path,
    windows: set[str] | None = None,
) -> dict[str, dict[str, Any]]:
    """What a worker finds in the windows of a workspace, by id; of these windows, where they are given."""
    name = folder.name
    worker = engines(folder, part="detect")
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": f"{name}.detect.{name}-windows"})
    last = {each.partition(): (each.offset() or 0) + 1 for each in messages_of(broker.bootstrap, f"{name}-windows")}

    def done() -> bool:
        places = [TopicPartition(f"{name}-windows", number) for number in range(SHARDS)]
        return {each.partition: each.offset for each in consumer.committed(places, timeout=30)} == last

    wait_for(done, within_s=60, every_s=0.5)
    consumer.close()
    assert worker.stop() == 0
    found = [json.loads(each.value() or b"") for each in messages_of(broker.bootstrap, f"{name}-findings")]
    assert len(found) > 20
    return {each["id"]: each for each in found if windows is None or each["window_start"] in windows}


def test_windows_that_are_not_final_cannot_be_followed(broker: Broker, submits: Callable[..., Any], tmp_path: Path):
    folder = workspace(tmp_path, broker, "update")
    job = submits(folder, "--out", "update-windows", "--mode", "update")
    assert job.ended_by() == 2
    assert "whose sink has `shard_by`: workers need whole windows; legal: `append`" in job.said
