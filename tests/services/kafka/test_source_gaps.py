"""What the client library passes over in the wake of an outage is fetched once more; what is no message is believed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError, Producer, TopicPartition

from yeoul.ingest.kafka import KafkaSource
from yeoul.testing.broker import Broker
from yeoul.testing.processes import wait_for

pytestmark = [pytest.mark.services]
Topics = Callable[..., Any]


@pytest.fixture
def sources(broker: Broker) -> Iterator[Callable[[str], KafkaSource]]:
    """Opens sources in the wake of an outage."""
    made: list[KafkaSource] = []

    def make(topic: str) -> KafkaSource:
        source = KafkaSource(broker.bootstrap, topic)
        source._brokers.note(KafkaError(KafkaError._TRANSPORT))  # noqa: SLF001 - as the library tells it
        made.append(source)
        return source

    yield make
    for each in made:
        each.close()


def read(source: KafkaSource, count: int, of_each: int = 1 << 20) -> list[bytes]:
    """So many lines of the one partition, or those that came within 20 s."""
    found: list[bytes] = []
    until = time.monotonic() + 20
    while len(found) < count and time.monotonic() < until:
        source.poll()
        for split in source.splits():
            block = split.read(of_each)
            found += block.data.splitlines() if block is not None else []
    return found


@pytest.mark.parametrize("to", [5, 30])
def test_messages_that_are_passed_over_are_fetched_once_more(
    broker: Broker, topics: Topics, sources: Callable[[str], KafkaSource], to: int
):
    topic = topics(broker)
    topic.send(0, [b"%d" % number for number in range(3)])
    source = sources(topic.name)
    assert read(source, 3) == [b"0", b"1", b"2"]
    consumer = source._consumer  # noqa: SLF001 - the library is made to do what it did
    consumer.pause([TopicPartition(topic.name, 0)])
    topic.send(0, [b"%d" % number for number in range(3, 20)])
    consumer.seek(TopicPartition(topic.name, 0, min(to, 20)))  # 20: it tells an end that is behind what it gave
    consumer.resume([TopicPartition(topic.name, 0)])
    assert read(source, 17) == [b"%d" % number for number in range(3, 20)]


def test_offsets_without_a_message_are_believed_when_they_come_again(
    broker: Broker, topics: Topics, sources: Callable[[str], KafkaSource]
):
    topic = topics(broker)
    producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": topic.name, "log_level": 0})
    producer.init_transactions(60)
    for first in range(0, 40, 4):
        producer.begin_transaction()
        for number in range(first, first + 4):
            producer.produce(topic.name, b"%d" % number, partition=0)
        producer.flush(60)
        if first == 20:
            producer.abort_transaction(60)
        else:
            producer.commit_transaction(60)
    source = sources(topic.name)
    expected = [b"%d" % number for number in range(40) if not 20 <= number < 24]
    assert read(source, len(expected)) == expected
    [split] = source.splits()
    until = time.monotonic() + 20
    while split.backlog_messages() and time.monotonic() < until:
        source.poll()
    assert split.backlog_messages() == 0


def test_messages_passed_over_behind_the_end_of_a_transaction_are_fetched_once_more(
    broker: Broker, topics: Topics, sources: Callable[[str], KafkaSource]
):
    topic = topics(broker, client={"transactional.id": "ends-of-a-source"})
    topic.producer.init_transactions(60)
    topic.commit(0, [b"%d" % number for number in range(3)])
    source = sources(topic.name)

    def three_wait() -> bool:
        source.poll()
        return bool(source._partitions) and source._partitions[0]._seen_end  # noqa: SLF001 - none is to be read yet

    wait_for(three_wait)
    consumer = source._consumer  # noqa: SLF001 - the library is made to do what it did
    consumer.pause([TopicPartition(topic.name, 0)])
    topic.commit(0, [b"%d" % number for number in range(3, 10)])
    consumer.seek(TopicPartition(topic.name, 0, 7))
    consumer.resume([TopicPartition(topic.name, 0)])
    wait_for(lambda: source.poll() or source._partitions[0].waiting_bytes > 2 * 3)  # noqa: SLF001 - as above
    assert read(source, 10) == [b"%d" % number for number in range(10)]
