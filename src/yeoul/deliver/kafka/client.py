"""A producer as the sinks need it: its settings, what its brokers say, their errors as sentences."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from yeoul.errors import MissingExtraError, SinkError, UnreachableError

try:
    from confluent_kafka import KafkaError, KafkaException, Producer
    from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]  # documented there
except ImportError as error:  # pragma: no cover - the lock files install it
    library = "confluent-kafka"
    raise MissingExtraError(library, "kafka") from error

__all__ = [
    "BATCH_BYTES",
    "FRAME_BYTES",
    "Said",
    "check_topics",
    "fit_batch",
    "open_producer",
    "raise_refused",
    "text_of",
]

_LOG = logging.getLogger("yeoul.kafka")
_LOG.addHandler(logging.NullHandler())  # silent unless somebody listens: what matters is raised or told
BATCH_BYTES = 1_000_000
"""Of a batch, where the topic takes so much."""
FRAME_BYTES = 512
"""What stands around the messages of a batch."""
_ASK_S = 5.0
_QUEUE_MESSAGES = 100_000
_QUEUE_KB = 65_536
_LARGEST_BYTES = 64 << 20
# ruff: noqa: SLF001 - the library's names of its own errors begin with an underscore
_FATAL = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        KafkaError._SSL,
    }
)


class Said:
    """What the client library says that is not of one message."""

    def __init__(self) -> None:
        self.refused: str | None = None
        """Why a broker does not let us in: waiting does not help."""
        self.last = ""
        """The last error."""

    def note(self, error: KafkaError) -> None:
        """An error of a connection, or of the whole."""
        self.last = error.str().partition(" (after")[0]
        if error.code() in _FATAL:
            self.refused = error.str()


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
        return Producer(chosen, logger=_LOG)
    except (KafkaException, ValueError, TypeError) as error:
        message = f"the Kafka client refuses its settings: {text_of(error)}; legal: settings of librdkafka"
        raise SinkError(message) from error


def check_topics(producer: Producer, bootstrap: str, topics: Sequence[str], said: Said) -> None:
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
            why = said.last or text_of(error)
            message = f"no Kafka broker answers at `{bootstrap}` ({why}); start it or mend `bootstrap`"
            raise UnreachableError(message) from error
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
        message = f"the broker at `{bootstrap}` refuses: {said.refused}; mend the sink's `client`"
        raise SinkError(message)


def fit_batch(bootstrap: str, topic: str, settings: Mapping[str, str]) -> int:
    """How many bytes a batch may have, so that a topic refuses none but that of a single message."""
    admin = AdminClient({"bootstrap.servers": bootstrap, **settings}, logger=_LOG)
    asked = ConfigResource(ResourceType.TOPIC, topic)
    try:
        told = admin.describe_configs([asked], request_timeout=_ASK_S)[asked].result(_ASK_S)
        limit = int(told["max.message.bytes"].value)
    except (KafkaException, TimeoutError, KeyError, ValueError):  # it may not be told to us
        return BATCH_BYTES
    return max(1, min(BATCH_BYTES, limit - FRAME_BYTES))


def text_of(error: Any) -> str:
    """What an exception of the client library says."""
    first = error.args[0] if error.args else error
    return str(first.str() if isinstance(first, KafkaError) else first)
