"""What the client library passes over in the wake of an outage is fetched once more by workers too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError, TopicPartition

from yeoul.ingest.kafka import Reader, Topic
from yeoul.testing.broker import Broker
from yeoul.testing.processes import wait_for

pytestmark = [pytest.mark.services]
Topics = Callable[..., Any]


@pytest.fixture
def readers(broker: Broker) -> Iterator[Callable[[str], Reader]]:
    """Opens readers of one partition in the wake of an outage."""
    made: list[Reader] = []

    def make(topic: str) -> Reader:
        reader = Reader(Topic(broker.bootstrap, topic), "followers", {}, pytest.fail)
        reader._brokers.note(KafkaError(KafkaError._TRANSPORT))  # noqa: SLF001 - as the library tells it
        reader.add(reader.begin([0]))
        made.append(reader)
        return reader

    yield make
    for each in made:
        each.close()


def read(reader: Reader, count: int, within_s: float = 20.0) -> list[bytes | None]:
    """So many messages, or those that came meanwhile."""
    found: list[bytes | None] = []
    until = time.monotonic() + within_s
    while len(found) < count and time.monotonic() < until:
        found += [each.value for each in reader.read(1000, 0.1)]
    return found


@pytest.mark.parametrize("to", [5, 20])
def test_windows_that_are_passed_over_are_fetched_once_more(
    broker: Broker, topics: Topics, readers: Callable[[str], Reader], to: int
):
    topic = topics(broker)
    topic.send(0, [b"%d" % number for number in range(3)])
    reader = readers(topic.name)
    assert read(reader, 3) == [b"0", b"1", b"2"]
    consumer = reader._consumer  # noqa: SLF001 - the library is made to do what it did
    consumer.pause([TopicPartition(topic.name, 0)])
    topic.send(0, [b"%d" % number for number in range(3, 20)])
    consumer.seek(TopicPartition(topic.name, 0, to))  # 20: it tells an end that is behind what it gave
    consumer.resume([TopicPartition(topic.name, 0)])
    assert read(reader, 17) == [b"%d" % number for number in range(3, 20)]


def test_offsets_without_a_message_are_believed_when_they_come_again(
    broker: Broker, topics: Topics, readers: Callable[[str], Reader]
):
    topic = topics(broker, client={"transactional.id": "gaps"})
    topic.producer.init_transactions(60)
    for first in range(0, 40, 4):
        topic.producer.begin_transaction()
        topic.send(0, [b"%d" % number for number in range(first, first + 4)])
        (topic.producer.abort_transaction if first == 20 else topic.producer.commit_transaction)(60)
    expected = [b"%d" % number for number in range(40) if not 20 <= number < 24]
    assert read(readers(topic.name), len(expected)) == expected


def test_windows_passed_over_behind_the_end_of_a_transaction_are_fetched_once_more(
    broker: Broker, topics: Topics, readers: Callable[[str], Reader]
):
    topic = topics(broker, client={"transactional.id": "gaps-behind-an-end"})
    topic.producer.init_transactions(60)
    topic.commit(0, [b"%d" % number for number in range(3)])
    reader = readers(topic.name)
    assert read(reader, 3) == [b"0", b"1", b"2"]
    wait_for(lambda: not reader.read(1, 0.1) and reader._places[0]._doubted == 3)  # noqa: SLF001 - nothing is to be read
    assert read(reader, 1, within_s=2) == []  # that the transaction ends there came again
    consumer = reader._consumer  # noqa: SLF001 - the library is made to do what it did
    consumer.pause([TopicPartition(topic.name, 0)])
    topic.commit(0, [b"%d" % number for number in range(3, 10)])
    consumer.seek(TopicPartition(topic.name, 0, 6))
    consumer.resume([TopicPartition(topic.name, 0)])
    assert read(reader, 7) == [b"%d" % number for number in range(3, 10)]
