"""A producer as the sinks need it: its settings, what its brokers say, their errors as sentences."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence

from yeoul.errors import SinkError
from yeoul.kafka_client import (
    LOG,
    AclOperation,
    AdminClient,
    ConfigResource,
    KafkaError,
    KafkaException,
    Producer,
    ResourceType,
    Said,
    TopicCollection,
    no_broker,
    refusal,
    refused_settings,
    text_of,
)

__all__ = [
    "BATCH_BYTES",
    "FATAL",
    "FRAME_BYTES",
    "PURGED",
    "fit_batches",
    "hear",
    "let_go",
    "open_producer",
    "raise_refused",
]

BATCH_BYTES = 1_000_000
"""Of a batch, where the topic takes so much."""
FRAME_BYTES = 512
"""What stands around the messages of a batch."""
_ASK_S = 5.0
_NAMED = 10
_QUEUE_MESSAGES = 100_000
_QUEUE_KB = 65_536
_DROP_S = 2.0
_LARGEST_BYTES = 64 << 20
# ruff: noqa: SLF001 - the library's names of its own errors begin with an underscore
FATAL = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
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
    """See that the topics are there and may be written; how many bytes a batch may have, so that all of them take it.

    Raises:
        UnreachableError: no broker answers.
        SinkError: a topic is missing, or they do not let us in.
    """
    _check_topics(producer, bootstrap, topics, said)
    admin = AdminClient({"bootstrap.servers": bootstrap, **settings}, logger=LOG)
    _check_rights(admin, bootstrap, topics)
    return _fit_batch(admin, topics)


def hear(producer: Producer, said: Said, wait_s: float = 0.0) -> str:
    """Let the library hand over what it has heard; why it takes nothing more, empty while it does."""
    try:
        producer.poll(wait_s)
    except KafkaException as error:  # it is done for, as without the right to write, and says so each time
        said.note(error.args[0])
        return text_of(error)
    return ""


def let_go(producer: Producer) -> None:
    """Drop what waits, and hear that it is: who was to hear of a message keeps the producer until then."""
    producer.purge()
    with contextlib.suppress(KafkaException):  # it may be done for
        producer.flush(_DROP_S)


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
            hear(producer, said)  # hands over the errors that came meanwhile
            raise_refused(bootstrap, said)
            raise no_broker(bootstrap, said, error) from error
        missing = [name for name in topics if name not in told.topics or told.topics[name].error is not None]
        if not missing:
            return
        # a broker that has just been started may not know all of them yet
        if time.monotonic() > until:
            have = sorted(name for name in told.topics if not name.startswith("__"))
            legal = _named(have[:_NAMED]) or "none that you may see"
            them = "it or mend its name" if len(missing) == 1 else "them or mend their names"
            message = f"the broker at `{bootstrap}` has no topic {_named(missing)}; its topics: {legal}; make {them}"
            raise SinkError(message)
        time.sleep(0.2)


def _check_rights(admin: AdminClient, bootstrap: str, topics: Sequence[str]) -> None:
    """See that the topics may be written, where the broker says so.

    Raises:
        SinkError: one may not.
    """
    asked = admin.describe_topics(
        TopicCollection(list(topics)), include_authorized_operations=True, request_timeout=_ASK_S
    )
    denied = []
    for name, answer in asked.items():
        with contextlib.suppress(KafkaException, TimeoutError):  # it is not told: then it shows when they are written
            rights = answer.result(_ASK_S).authorized_operations
            if rights is not None and AclOperation.WRITE not in rights:
                denied.append(name)
    if denied:
        message = (
            f"the broker at `{bootstrap}` does not let this user write to topic {_named(denied)}; grant the right WRITE"
            " there (an ACL), or mend the sink's `client`"
        )
        raise SinkError(message)


def _named(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def raise_refused(bootstrap: str, said: Said) -> None:
    """Say that a broker does not let us in, if it does not.

    Raises:
        SinkError: it does not.
    """
    if said.refused:
        raise SinkError(refusal(bootstrap, said, "sink"))


def _fit_batch(admin: AdminClient, topics: Sequence[str]) -> int:
    """How many bytes a batch may have, so that no topic refuses any but that of a single message."""
    limits = [BATCH_BYTES + FRAME_BYTES]
    asked = admin.describe_configs(
        [ConfigResource(ResourceType.TOPIC, name) for name in topics], request_timeout=_ASK_S
    )
    for answer in asked.values():
        with contextlib.suppress(KafkaException, TimeoutError, KeyError, ValueError):  # it may not be told to us
            limits.append(int(answer.result(_ASK_S)["max.message.bytes"].value))
    return max(1, min(limits) - FRAME_BYTES)
