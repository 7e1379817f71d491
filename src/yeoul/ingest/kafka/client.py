"""A consumer as this source needs it: its settings, what it tells of its brokers, its errors as sentences."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from yeoul.errors import MissingExtraError, SourceError, UnreachableError

try:
    import confluent_kafka
    from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
    from confluent_kafka.admin import AdminClient
except ImportError as error:  # pragma: no cover - the lock files install it
    library = "confluent-kafka"
    raise MissingExtraError(library, "kafka") from error

__all__ = ["Brokers", "ask_partitions", "ask_range", "ask_topic_id", "open_consumer"]

_LOG = logging.getLogger("yeoul.kafka")
_LOG.addHandler(logging.NullHandler())  # silent unless somebody listens: what matters is raised or shown as health
_STATISTICS_MS = 1000
_SILENT_US = 3_000_000
"""A broker answers each fetch within half a second, also when it has nothing; one silent for so long hangs."""
_TRUSTED_LOOKS = 2
_ASK_S = 5.0
_FATAL = frozenset(
    {
        KafkaError._AUTHENTICATION,  # noqa: SLF001 - the library's names of its own errors begin so
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError._SSL,  # noqa: SLF001 - as above
    }
)


class Brokers:
    """What the client library says of its connections, once a second."""

    def __init__(self) -> None:
        self.refused: str | None = None
        """Why a broker does not let us in: waiting does not help."""
        self.said = ""
        """The last error."""
        self._answering: dict[int, int] = {}

    def note_error(self, error: KafkaError) -> None:
        """An error that is not of one message."""
        self.said = error.str().partition(" (after")[0]
        if error.code() in _FATAL:
            self.refused = error.str()

    def note_statistics(self, text: str) -> None:
        """Which partitions' brokers answer, for how many looks in a row."""
        told = json.loads(text)
        up = {
            broker["nodeid"]
            for broker in told["brokers"].values()
            if broker["state"] == "UP" and 0 <= broker["rxidle"] < _SILENT_US
        }
        for topic in told["topics"].values():
            for number, partition in topic["partitions"].items():
                if partition["leader"] in up:
                    self._answering[int(number)] = self._answering.get(int(number), _TRUSTED_LOOKS) + 1
                elif int(number) in self._answering:
                    self._answering[int(number)] = 0

    @property
    def away(self) -> bool:
        """Whether it is known that none answers."""
        return bool(self._answering) and not any(self._answering.values())

    def answers(self, partition: int) -> bool:
        """Whether the broker of a partition is there; after an absence, long enough that what it had is fetched."""
        return self._answering.get(partition, _TRUSTED_LOOKS) >= _TRUSTED_LOOKS


def open_consumer(bootstrap: str, group: str, settings: Mapping[str, str], brokers: Brokers) -> Consumer:
    """A consumer that assigns itself nothing and commits nothing by itself.

    Raises:
        SourceError: the client library does not take the settings.
    """
    chosen = {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "client.id": "yeoul",
        "isolation.level": "read_committed",
        "fetch.queue.backoff.ms": 10,
        "queued.max.messages.kbytes": 32768,
        **settings,
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "error",
        "statistics.interval.ms": _STATISTICS_MS,
        "stats_cb": brokers.note_statistics,
        "error_cb": brokers.note_error,
    }
    try:
        return Consumer(chosen, logger=_LOG)
    except (KafkaException, ValueError, TypeError) as error:
        message = f"the Kafka client refuses its settings: {_text(error)}; legal: settings of librdkafka"
        raise SourceError(message) from error


def ask_partitions(
    consumer: Consumer, bootstrap: str, topic: str, brokers: Brokers, within_s: float = _ASK_S
) -> list[int]:
    """The partitions of a topic.

    Raises:
        UnreachableError: no broker answers.
        SourceError: none has such a topic, or they do not let us in.
    """
    try:
        told = consumer.list_topics(timeout=within_s)
    except KafkaException as error:
        consumer.poll(0)  # hands over the errors that came meanwhile
        if brokers.refused:
            message = f"the broker at `{bootstrap}` refuses: {brokers.refused}; mend the source's `client`"
            raise SourceError(message) from error
        said = brokers.said or _text(error)
        message = f"no Kafka broker answers at `{bootstrap}` ({said}); start it or mend `bootstrap`"
        raise UnreachableError(message) from error
    found = told.topics.get(topic)
    if found is None or found.error is not None:
        have = sorted(name for name in told.topics if not name.startswith("__"))
        legal = ", ".join(f"`{name}`" for name in have[:10]) or "none yet"
        message = f"the broker at `{bootstrap}` has no topic `{topic}`; its topics: {legal}; make it or mend `topic`"
        raise SourceError(message)
    return sorted(found.partitions)


def ask_topic_id(bootstrap: str, topic: str, settings: Mapping[str, str]) -> str | None:
    """What tells a topic from a later one of the same name; None when the broker does not say."""
    admin = AdminClient({"bootstrap.servers": bootstrap, **settings}, logger=_LOG)
    asked = admin.describe_topics(confluent_kafka.TopicCollection([topic]), request_timeout=_ASK_S)
    try:
        return str(asked[topic].result(_ASK_S).topic_id)
    except (KafkaException, TimeoutError):
        return None


def ask_range(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    """The first offset that a partition still has, and the one behind its last.

    Raises:
        UnreachableError: its broker does not say.
    """
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_ASK_S)
    except KafkaException as error:
        message = f"`{topic}/{partition}` cannot be asked for its offsets: {_text(error)}; see that its broker is up"
        raise UnreachableError(message) from error
    return int(low), int(high)


def _text(error: Any) -> str:
    first = error.args[0] if error.args else error
    return str(first.str() if isinstance(first, KafkaError) else first)
