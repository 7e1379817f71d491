"""One session of Spark for all tests of the folder, and a topic whose rows both engines read."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from threading import Event
from typing import Any

import jsonschema_rs
import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from yeoul.flows.results.records import schema_name
from yeoul.flows.spark.jobs import spark_plan
from yeoul.settings import load_workspace
from yeoul.streams.spark import JobOptions
from yeoul.streams.spark.broker import Watch
from yeoul.streams.spark.session import session
from yeoul.testing.broker import Broker
from yeoul.testing.two_engines import PARTITIONS, partition_rows

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def spark(java: None) -> Iterator[Any]:  # noqa: ARG001  (skips)
    """A session with the connector."""
    conf = {
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",  # small jobs end before Java has optimised them
    }
    with session("local[2]", conf, topics=True) as spark:
        yield spark


@pytest.fixture(scope="session")
def run_on_spark(spark: Any) -> Callable[..., tuple[list[bytes], Counter[str]]]:
    """Runs the stream of a workspace until all that is there is read; what its folder holds then, and rows by class.

    Options as `JobOptions`; the checkpoint and the folder are those of the run before.
    """
    from yeoul.streams.spark.job import StreamJob, run_jobs  # noqa: PLC0415  (imports PySpark)

    def run(home: Path, **options: Any) -> tuple[list[bytes], Counter[str]]:
        plan = spark_plan(load_workspace(home).plan().streams[0])
        ledger: Counter[str] = Counter()
        schema = schema_name("live" if options.get("mode") == "update" else "windows")
        given = {"topic": None, "folder": str(home / "out"), "schema": schema, "rows_per_batch": 400} | options
        job = StreamJob(spark, plan, JobOptions(str(home / "checkpoint"), available_now=True, **given))
        watch = Watch(spark, [plan.source], print)
        try:
            run_jobs([job], Event(), lambda batch: ledger.update(batch.classes), watch)
        finally:
            watch.close()
        written = sorted((home / "out").glob("part-*"))
        return [line for file in written for line in file.read_bytes().splitlines()], ledger

    return run


@pytest.fixture(scope="session")
def send(broker: Broker) -> Callable[[str, Iterable[tuple[int, bytes]]], None]:
    """Writes messages to partitions of a topic, in order."""
    producer = Producer({"bootstrap.servers": broker.bootstrap, "enable.idempotence": True, "log_level": 0})

    def write(topic: str, messages: Iterable[tuple[int, bytes]]) -> None:
        for partition, message in messages:
            producer.produce(topic, message.rstrip(b"\n"), partition=partition)
        assert producer.flush(30) == 0

    return write


@pytest.fixture(scope="session")
def filled(broker: Broker) -> Callable[..., str]:
    """Makes topics with rows of all kinds in three partitions; gives the source to read one by, as TOML."""
    settings = {"bootstrap.servers": broker.bootstrap}

    def fill(count: int = 400) -> str:
        name = f"rows-{next(_NUMBERS)}"
        admin = AdminClient(settings)
        admin.create_topics([NewTopic(name, PARTITIONS, 1)])[name].result(30)
        producer = Producer(settings | {"enable.idempotence": True})  # otherwise a retry changes the order
        for number in range(PARTITIONS):
            for each in partition_rows(number, count):
                producer.produce(name, each, partition=number)
        assert producer.flush(30) == 0
        return f'{{ kind = "kafka", bootstrap = "{broker.bootstrap}", topic = "{name}" }}'

    return fill


@pytest.fixture(scope="session")
def as_agreed() -> Callable[[list[Message], str, tuple[str, ...]], None]:
    """Checks messages of a kind as who reads a sink's topic does: key, headers, value by the schema document."""
    document = json.loads(files("yeoul.flows.results").joinpath("results.schema.json").read_text(encoding="utf-8"))

    def check(messages: list[Message], kind: str, keys: tuple[str, ...]) -> None:
        schema = jsonschema_rs.validator_for({**document, "$ref": f"#/$defs/{kind}"})
        said: dict[str, bytes] = {}
        assert messages
        for message in messages:
            members, headers = json.loads(message.value() or b""), dict(message.headers() or ())
            assert schema.is_valid(members), members
            assert headers["schema"] == schema_name(kind).encode()
            assert json.loads(message.key() or b"") == {key: members[key] for key in keys}
            id_ = headers["id"].decode()
            assert re.fullmatch("[0-9a-f]{16}", id_)
            assert said.setdefault(id_, message.value() or b"") == message.value(), id_
        assert len(said) == len({message.value() for message in messages})

    return check


@pytest.fixture
def messages(broker: Broker) -> Callable[[str], list[Message]]:
    """Reads the one partition of a topic to its end."""

    def read(topic: str) -> list[Message]:
        consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "messages"})
        place = TopicPartition(topic, 0, 0)
        _, end = consumer.get_watermark_offsets(place, 30)
        consumer.assign([place])
        found: list[Message] = []
        while len(found) < end:
            found += consumer.consume(end - len(found), 1)
        consumer.close()
        return found

    return read
