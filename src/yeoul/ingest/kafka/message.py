"""One message of a topic, looked up by its offset."""

from __future__ import annotations

import time
from collections.abc import Mapping

from yeoul.errors import InputError, UnreachableError
from yeoul.ingest.kafka.client import Brokers, Topic, ask_partitions, ask_range, no_topic, open_consumer
from yeoul.ingest.kafka.partition import as_line
from yeoul.kafka_client import KafkaError, TopicPartition

__all__ = ["read_message"]

_WITHIN_S = 10.0


def read_message(
    bootstrap: str, topic: str, partition: int, offset: int, settings: Mapping[str, str] | None = None
) -> bytes:
    """A message as the source reads it, a line without end; nothing of the topic or of any group is changed.

    Raises:
        InputError: there is no such partition, or no message at that offset.
        SourceError: there is no such topic, or the broker does not let us in.
        UnreachableError: nobody answers.
    """
    brokers, place = Brokers(), Topic(bootstrap, topic)
    consumer = open_consumer(bootstrap, "yeoul", settings or {}, brokers)
    try:
        numbers = ask_partitions(consumer, place, brokers, _WITHIN_S)
        if numbers is None:
            raise no_topic(consumer, place)
        if partition not in numbers:
            message = f"got partition {partition} of topic `{topic}`; legal: {', '.join(map(str, numbers))}"
            raise InputError(message)
        low, high = ask_range(consumer, topic, partition, _WITHIN_S)
        if not low <= offset < high:
            legal = f"{low} to {high - 1}" if low < high else "none, for it is empty"
            message = f"got offset {offset} of `{topic}/{partition}`; legal: {legal}"
            raise InputError(message)
        consumer.assign([TopicPartition(topic, partition, offset)])
        until = time.monotonic() + _WITHIN_S
        while time.monotonic() < until:
            found = consumer.poll(0.2)
            if found is None:
                continue
            error = found.error()
            if error is None and found.offset() == offset:
                return as_line(found.value())
            if error is None or error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the library's name of it
                message = (
                    f"got offset {offset} of `{topic}/{partition}`, which is no message: it ends a transaction, was "
                    "taken back by one, or was compacted away; ask for another one"
                )
                raise InputError(message)
        message = f"`{topic}/{partition}` gave no message within {_WITHIN_S:.0f} s; see that its broker is up"
        raise UnreachableError(message)
    finally:
        consumer.close()
