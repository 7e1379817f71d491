"""A producer as the sinks need it: its settings, what its brokers say, their errors as sentences."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from yeoul.errors import SinkError
from yeoul.kafka_client import (
    LOG,
    AdminClient,
    ConfigResource,
    KafkaError,
    KafkaException,
    Producer,
    ResourceType,
    Said,
    no_broker,
    refusal,
    refused_settings,
)

__all__ = ["BATCH_BYTES", "FATAL", "FRAME_BYTES", "PURGED", "fit_batches", "let_go", "open_producer", "raise_refused"]

BATCH_BYTES = 1_000_000
"""Of a batch, where the topic takes so much."""
FRAME_BYTES = 512
"""What stands around the messages of a batch."""
_ASK_S = 5.0
_QUEUE_MESSAGES = 100_000
_QUEUE_KB = 65_536
_LARGEST_BYTES = 64 << 20
# ruff: noqa: SLF001 - the library's names of its own errors begin with an underscore
FATAL = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        KafkaError._SSL,
    }
)
PURGED = frozenset({KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT})
"""What is said of messages that we ourselves dropped."""


def open_producer(
    bootstrap: str, settings: Mapping[str, str], said: Said, more: Mapping[str, str | int | bool]
) -> Producer:
    """A producer that gives no message up and keeps their order; its queue holds 64 MB, or 100,000 messages.

    Args:
        bootstrap: `host:port`, several joined by commas.
        settings: what the operator set; order, acknowledgement and time are not theirs to change.
        said: is told of errors.
        more: settings of the caller.

    Raises:
        SinkError: the client library does not take the settings.
    """
    chosen = {
        "bootstrap.servers": bootstrap,
        "client.id": "yeoul",
        "linger.ms": 20,
        "partitioner": "murmur2_random",  # as Java's clients do, so that others find a key in the same partition
        "queue.buffering.max.messages": _QUEUE_MESSAGES,
        "queue.buffering.max.kbytes": _QUEUE_KB,
        "message.max.bytes": _LARGEST_BYTES,  # the broker says what is too large, after compression
        "reconnect.backoff.max.ms": 2000,
        **settings,
        "acks": "all",
        "enable.idempotence": True,
        "error_cb": said.note,
        **more,
    }
    try:
        return Producer(chosen, logger=LOG)
    except (KafkaException, ValueError, TypeError) as error:
        raise SinkError(refused_settings(error)) from error


def fit_batches(
    producer: Producer, bootstrap: str, topics: Sequence[str], settings: Mapping[str, str], said: Said
) -> int:
    """See that the topics are there; how many bytes a batch may have, so that all of them take it.

    Raises:
        UnreachableError: no broker answers.
        SinkError: a topic is missing, or they do not let us in.
    """
    _check_topics(producer, bootstrap, topics, said)
    return min(_fit_batch(bootstrap, topic, settings) for topic in topics)


def let_go(producer: Producer) -> None:
    """Drop what waits."""
    producer.purge()
    producer.flush(0)


def _check_topics(producer: Producer, bootstrap: str, topics: Sequence[str], said: Said) -> None:
    """See that the topics are there; makes none.

    Raises:
        UnreachableError: no broker answers.
        SinkError: a topic is missing, or they do not let us in.
    """
    until = time.monotonic() + _ASK_S
    while True:
        try:
            told = producer.list_topics(timeout=_ASK_S)
        except KafkaException as error:
            producer.poll(0)  # hands over the errors that came meanwhile
            raise_refused(bootstrap, said)
            raise no_broker(bootstrap, said, error) from error
        missing = [name for name in topics if name not in told.topics or told.topics[name].error is not None]
        if not missing:
            return
        # a broker that has just been started may not know all of them yet
        if time.monotonic() > until:
            have = sorted(name for name in told.topics if not name.startswith("__"))
            legal = ", ".join(f"`{name}`" for name in have[:10]) or "none yet"
            message = f"the broker at `{bootstrap}` has no topic `{missing[0]}`; its topics: {legal}; make it or mend "
            raise SinkError(message + "its name")
        time.sleep(0.2)


def raise_refused(bootstrap: str, said: Said) -> None:
    """Say that a broker does not let us in, if it does not.

    Raises:
        SinkError: it does not.
    """
    if said.refused:
        raise SinkError(refusal(bootstrap, said, "sink"))


def _fit_batch(bootstrap: str, topic: str, settings: Mapping[str, str]) -> int:
    """How many bytes a batch may have, so that a topic refuses none but that of a single message."""
    admin = AdminClient({"bootstrap.servers": bootstrap, **settings}, logger=LOG)
    asked = ConfigResource(ResourceType.TOPIC, topic)
    try:
        told = admin.describe_configs([asked], request_timeout=_ASK_S)[asked].result(_ASK_S)
        limit = int(told["max.message.bytes"].value)
    except (KafkaException, TimeoutError, KeyError, ValueError):  # it may not be told to us
        return BATCH_BYTES
    return max(1, min(BATCH_BYTES, limit - FRAME_BYTES))
