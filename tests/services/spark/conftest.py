"""One session of Spark for all tests of the folder, and a topic whose rows both engines read."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from yeoul.streams.spark.session import session
from yeoul.testing.broker import Broker
from yeoul.testing.two_engines import PARTITIONS, partition_rows

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def java() -> None:
    """The test skips where Spark cannot run."""
    if not shutil.which("java"):
        pytest.skip("no Java on this machine: apt-get install default-jre-headless")


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
