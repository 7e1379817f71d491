"""The broker that tests and `make services` start is a real one that keeps its data."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from yeoul.errors import SourceError
from yeoul.testing.broker import Broker

pytestmark = pytest.mark.services


def test_a_message_outlives_a_kill_of_the_broker(brokers: Callable[..., Broker]) -> None:
    broker = brokers().start()
    settings = {"bootstrap.servers": broker.bootstrap, "log_level": 0}
    admin = AdminClient(settings)
    admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(30)
    producer = Producer(settings)
    producer.produce("kept", b"before")
    assert producer.flush(30) == 0
    broker.kill()
    broker.start()
    consumer = Consumer(settings | {"group.id": "g", "auto.offset.reset": "earliest"})
    consumer.subscribe(["kept"])
    found = consumer.consume(1, 30)
    consumer.close()
    assert [message.value() for message in found] == [b"before"]


def test_a_broker_that_cannot_start_says_why(brokers: Callable[..., Broker]) -> None:
    with pytest.raises(SourceError, match="did not start"):
        brokers(settings={"log.retention.ms": "never"}).start()


@pytest.mark.usefixtures("kafka_programs")
def test_make_services_makes_topics_prints_where_the_broker_answers_and_ends_with_it() -> None:
    command = [sys.executable, "-m", "yeoul.testing.services", "--topic", "rows:3", "--topic", "windows"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline() if process.stdout else ""
        address = re.fullmatch(r"kafka: (127\.0\.0\.1:\d+)\n", line)
        assert address
        topics = AdminClient({"bootstrap.servers": address[1]}).list_topics(timeout=10).topics
        assert {name: len(topic.partitions) for name, topic in topics.items()} == {"rows": 3, "windows": 1}
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
